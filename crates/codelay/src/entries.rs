//! What is known of lines that wait in their order, in a few bytes each.

use std::collections::VecDeque;

use crate::law::Entry;

/// Codes are kept in pieces of this size, so that no more is kept than is needed, and none of it is ever moved.
const PIECE: usize = 4 << 10;
/// The longest code: what is the same, and five numbers of 64 bits, seven in a byte.
const LONGEST: usize = 1 + 5 * 10;

// What is as expected, and takes a bit instead of a number.
const NEXT_NUMBER: u8 = 1;
const SAME_ARRIVAL: u8 = 2;
const SAME_DELAY: u8 = 4;
const SAME_POSITION: u8 = 8;
const SAME_BYTES: u8 = 16;

/// A queue of entries, each written as what it differs in from the one before it: 5 bytes for a line that was read by
/// itself, 2 for one of many that were read at once, and 4 more for a delay of its own.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    first: Option<Entry>,
    /// Of those behind it.
    codes: VecDeque<Vec<u8>>,
    /// Where the second one's begins.
    at: usize,
    /// The newest, which the next will be told from.
    last: Option<Entry>,
    count: usize,
}

impl Entries {
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The one that came first.
    pub(crate) fn first(&self) -> Option<&Entry> {
        self.first.as_ref()
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        match self.last.replace(entry) {
            Some(last) if self.first.is_some() => self.write(&last, &entry),
            _ => self.first = Some(entry),
        }
        self.count += 1;
    }

    pub(crate) fn pop(&mut self) -> Option<Entry> {
        let first = self.first.take()?;
        self.count -= 1;
        if self.count > 0 {
            self.first = Some(self.read(&first));
        }
        Some(first)
    }

    fn write(&mut self, before: &Entry, entry: &Entry) {
        if self
            .codes
            .back()
            .is_none_or(|piece| piece.len() + LONGEST > PIECE)
        {
            self.codes.push_back(Vec::with_capacity(PIECE));
        }
        let Some(piece) = self.codes.back_mut() else {
            return;
        };
        let at = piece.len();
        piece.push(0);
        let numbers = [
            (NEXT_NUMBER, entry.number, before.number.wrapping_add(1)),
            (SAME_ARRIVAL, entry.arrival, before.arrival),
            (SAME_DELAY, entry.drawn, before.drawn),
            (SAME_POSITION, entry.position, before.position),
            (SAME_BYTES, entry.bytes as u64, before.bytes as u64),
        ];
        for (bit, value, expected) in numbers {
            if value == expected {
                piece[at] |= bit;
            } else {
                put(piece, value.wrapping_sub(expected).cast_signed());
            }
        }
    }

    /// The one behind `before`.
    fn read(&mut self, before: &Entry) -> Entry {
        if self
            .codes
            .front()
            .is_some_and(|piece| piece.len() == self.at)
        {
            self.codes.pop_front();
            self.at = 0;
        }
        let mut code = Code {
            bytes: self.codes.front().map_or(&[], |piece| piece),
            at: &mut self.at,
        };
        let same = code.byte();
        let mut next = |bit, expected: u64| {
            let difference = if same & bit == 0 { code.number() } else { 0 };
            expected.wrapping_add_signed(difference)
        };
        let number = next(NEXT_NUMBER, before.number.wrapping_add(1));
        let arrival = next(SAME_ARRIVAL, before.arrival);
        let drawn = next(SAME_DELAY, before.drawn);
        let position = next(SAME_POSITION, before.position);
        let bytes = next(SAME_BYTES, before.bytes as u64);
        // None is behind it: the piece serves those that come.
        if self.count == 1 {
            self.at = 0;
            self.codes.iter_mut().for_each(Vec::clear);
        }
        Entry {
            number,
            arrival,
            drawn,
            position,
            // It was one.
            bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
        }
    }
}

/// Appends a number: the sign in the lowest bit, then seven bits a byte, the lowest first, the highest bit of a byte
/// saying that more come.
fn put(code: &mut Vec<u8>, number: i64) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while rest > 0x7F {
        #[expect(clippy::cast_possible_truncation)]
        code.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    #[expect(clippy::cast_possible_truncation)]
    code.push(rest as u8);
}

/// Reads what was written.
struct Code<'a> {
    bytes: &'a [u8],
    at: &'a mut usize,
}

impl Code<'_> {
    fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(*self.at).copied().unwrap_or(0);
        *self.at += 1;
        byte
    }

    fn number(&mut self) -> i64 {
        let (mut zigzag, mut shift) = (0_u64, 0);
        loop {
            let byte = self.byte();
            zigzag |= u64::from(byte & 0x7F) << shift;
            shift += 7;
            if byte < 0x80 {
                return (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), Just(7), 0_u64..300, any::<u64>()]
    }

    proptest! {
        /// It is a queue, whatever the entries: also those that differ in everything and by as much as can be.
        #[test]
        fn entries_come_out_as_they_went_in(
            steps in proptest::collection::vec(
                ((number(), number(), number(), number(), 0_usize..1 << 40), 0_usize..4, 0_usize..4),
                0..400,
            ),
        ) {
            let (mut entries, mut queue) = (Entries::default(), VecDeque::new());
            for ((number, arrival, drawn, position, bytes), pushes, pops) in steps {
                for of in 0..pushes as u64 {
                    let number = number.wrapping_add(of);
                    let entry = Entry { number, arrival, drawn, position, bytes };
                    entries.push(entry);
                    queue.push_back(entry);
                }
                for _ in 0..pops {
                    prop_assert_eq!(entries.first(), queue.front());
                    prop_assert_eq!(entries.pop(), queue.pop_front());
                }
                prop_assert_eq!(entries.len(), queue.len());
            }
            while let Some(entry) = queue.pop_front() {
                prop_assert_eq!(entries.pop(), Some(entry));
            }
            prop_assert_eq!(entries.pop(), None);
        }
    }

    #[test]
    fn a_line_takes_a_few_bytes() {
        let mut entries = Entries::default();
        for number in 0..100_000 {
            entries.push(Entry {
                number,
                // One each 20 µs or so, of a hundred bytes or so.
                arrival: number * 20_000 + number % 977,
                drawn: 50_000_000,
                position: 0,
                bytes: 80 + (number % 40) as usize,
            });
        }
        let kept: usize = entries.codes.iter().map(Vec::capacity).sum();
        assert!(kept <= 6 * 100_000, "{kept}");
        // And none when all have left.
        while entries.pop().is_some() {}
        assert!(entries.codes.len() <= 1);
    }
}
