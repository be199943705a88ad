//! Many texts at once: every few bytes, a look into a table that tells whether four bytes are in one of them.

use std::ops::{ControlFlow, Range};

/// The bits of a hash of few texts; a table of so many bits has 16 KiB, and stays in the first cache.
const HASH_BITS: u32 = 17;
/// Of many texts the table has so many bits for each gram, and a look finds something in one of so many places.
const BITS_A_GRAM: usize = 32;
const HASH_BITS_AT_MOST: u32 = 26;
/// From so many texts on a short one would be found, and all that begin like it compared, at too many places.
const MANY: usize = 4096;
const SHORTEST_OF_MANY: usize = 4;
/// So many parts of a text are compared with those of the others, to choose one.
const PARTS_AT_MOST: usize = 24;
/// With so many others a text has to share a gram that all of them would be compared too often.
const IN_COMMON_AT_MOST: u8 = 200;
/// So many looks are taken before it is asked whether one of them found something.
const AT_ONCE: usize = 8;
/// The farthest from look to look. Farther costs more of the table than it saves.
const STRIDE_AT_MOST: usize = 6;
/// What one look takes in.
const GRAM: usize = 4;

/// Finds one of many texts. Each of them, wherever it is, has a gram of four bytes at a place that is looked at,
/// because places are no farther apart than the shortest text allows (Wu and Manber's idea, with places that do not
/// depend on what was found, so that the processor need not wait from one to the next).
#[derive(Clone, Debug)]
pub(super) struct Grams {
    texts: Vec<Vec<u8>>,
    in_any_case: bool,
    stride: usize,
    /// What makes both cases of ASCII's letters one, if case does not count.
    fold: u32,
    /// How far a product is shifted to be a hash.
    shift: u32,
    /// Selects the bytes of a gram that count: all four, or fewer if the shortest text has fewer.
    mask: u32,
    /// A bit for each hash.
    seen: Vec<u8>,
    /// The texts and the offsets in them of each hash, sorted by it.
    places: Vec<(u32, u32, u32)>,
    /// How far behind its beginning a text is found, at most.
    reach: usize,
}

impl Grams {
    /// `None` if the texts are too many, or one too short.
    pub(super) fn new(texts: &[&[u8]]) -> Option<Grams> {
        Grams::build(texts, false).filter(|grams| grams.texts.iter().all(|text| text.len() > 1))
    }

    /// The same, in any case of ASCII's letters, and for a text of one byte, too.
    pub(super) fn in_any_case(texts: &[&[u8]]) -> Option<Grams> {
        Grams::build(texts, true)
    }

    fn build(texts: &[&[u8]], in_any_case: bool) -> Option<Grams> {
        let shortest = texts.iter().map(|text| text.len()).min()?;
        if shortest == 0 || (texts.len() > MANY && shortest < SHORTEST_OF_MANY) {
            return None;
        }
        let length = shortest.min(GRAM);
        let stride = (shortest - length + 1).min(STRIDE_AT_MOST);
        let for_all = (texts.len() * stride * BITS_A_GRAM)
            .next_power_of_two()
            .ilog2();
        let bits = for_all.clamp(HASH_BITS, HASH_BITS_AT_MOST);
        let mut grams = Grams {
            texts: texts.iter().map(|text| text.to_vec()).collect(),
            in_any_case,
            stride,
            fold: if in_any_case { 0x2020_2020 } else { 0 },
            shift: u32::BITS - bits,
            mask: u32::MAX >> (8 * (GRAM - length)),
            seen: vec![0; 1 << (bits - 3)],
            places: Vec::new(),
            reach: 0,
        };
        let mut common = vec![0_u8; 1 << bits];
        for text in texts {
            for gram in grams.windows(text, length).flatten() {
                let count = &mut common[gram as usize];
                *count = count.saturating_add(1);
            }
        }
        for (number, text) in (0..).zip(texts) {
            // Of a text the part is looked for that has the least in common with the others.
            let worst = |window: &Vec<u32>| window.iter().map(|&gram| common[gram as usize]).max();
            let windows = (0..).zip(grams.windows(text, length));
            let (begin, window) = windows.min_by_key(|(_, window)| worst(window))?;
            if worst(&window) >= Some(IN_COMMON_AT_MOST) {
                return None;
            }
            grams.reach = grams.reach.max(begin as usize + stride);
            for (offset, hash) in (begin..).zip(window) {
                grams.seen[(hash >> 3) as usize] |= 1 << (hash & 7);
                grams.places.push((hash, number, offset));
            }
        }
        grams.places.sort_unstable();
        Some(grams)
    }

    /// The hashes of the grams of each part of a text that is long enough for one to be looked at.
    fn windows(&self, text: &[u8], length: usize) -> impl Iterator<Item = Vec<u32>> {
        let parts = text.windows(self.stride + length - 1).take(PARTS_AT_MOST);
        parts.map(|part| {
            (0..self.stride)
                .map(|at| self.hash(padded(&part[at..])))
                .collect()
        })
    }

    /// The next place that is looked at where a gram is seen.
    fn next_place(&self, text: &[u8], mut at: usize) -> Option<usize> {
        let length = self.stride * (AT_ONCE - 1) + GRAM;
        while let Some(window) = text.get(at..at + length) {
            let mut found = 0;
            for look in 0..AT_ONCE {
                let place = look * self.stride;
                found |= self.look(padded(&window[place..place + GRAM])) << look;
            }
            if found != 0 {
                return Some(at + found.trailing_zeros() as usize * self.stride);
            }
            at += AT_ONCE * self.stride;
        }
        while at < text.len() {
            if self.look(padded(&text[at..])) != 0 {
                return Some(at);
            }
            at += self.stride;
        }
        None
    }

    /// 1 if this is a gram of a text, or has the hash of one.
    #[inline]
    fn look(&self, gram: u32) -> u32 {
        let hash = self.hash(gram);
        u32::from(self.seen[(hash >> 3) as usize] >> (hash & 7)) & 1
    }

    #[inline]
    fn hash(&self, gram: u32) -> u32 {
        // Knuth's multiplier: the golden ratio of 2^32.
        ((gram | self.fold) & self.mask).wrapping_mul(2_654_435_769) >> self.shift
    }

    /// The texts of which a gram is at `place`, by number, and where they start, if that is not before `from`.
    fn texts_at(
        &self,
        text: &[u8],
        place: usize,
        from: usize,
    ) -> impl Iterator<Item = (usize, usize)> {
        let hash = self.hash(padded(&text[place..]));
        let first = self.places.partition_point(|&(other, _, _)| other < hash);
        self.places[first..]
            .iter()
            .take_while(move |&&(other, _, _)| other == hash)
            .filter_map(move |&(_, number, offset)| {
                let (number, start) = (number as usize, place.checked_sub(offset as usize)?);
                let fits = start >= from && self.is_at(text, start, number);
                fits.then_some((number, start))
            })
    }

    fn is_at(&self, text: &[u8], start: usize, number: usize) -> bool {
        let (one, rest) = (&self.texts[number], &text[start..]);
        if self.in_any_case {
            rest.get(..one.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(one))
        } else {
            rest.starts_with(one)
        }
    }

    /// How far behind its beginning a text is found, at most.
    pub(super) fn reach(&self) -> usize {
        self.reach
    }

    /// Calls `take` for each text, with where it is found, its number and its place, in the order of where they are found. So
    /// the first is in the first of the lines that have one, if no text has a line's end in it.
    pub(super) fn each(
        &self,
        text: &[u8],
        from: usize,
        mut take: impl FnMut(usize, usize, Range<usize>) -> ControlFlow<()>,
    ) {
        let mut at = from;
        while let Some(place) = self.next_place(text, at) {
            for (number, start) in self.texts_at(text, place, from) {
                let range = start..start + self.texts[number].len();
                if take(place, number, range).is_break() {
                    return;
                }
            }
            at = place + self.stride;
        }
    }
}

/// The first four bytes; what is missing is 0.
#[inline]
fn padded(text: &[u8]) -> u32 {
    match text.first_chunk::<GRAM>() {
        Some(gram) => u32::from_le_bytes(*gram),
        None => text
            .iter()
            .rev()
            .fold(0, |gram, &byte| gram << 8 | u32::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The naive twin: line by line, text by text.
        #[test]
        fn the_first_line_with_a_text_is_found(
            texts in proptest::collection::vec("[ab]{2,9}", 1..5),
            text in "[ab\n]{0,120}",
        ) {
            let texts: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
            let text = text.as_bytes();
            let has_one = |line: &[u8]| texts.iter().any(|text| line.windows(text.len()).any(|at| at == *text));
            let naive = text.split(|&byte| byte == b'\n').position(has_one);
            let mut found = None;
            let grams = Grams::new(&texts).expect("few");
            grams.each(text, 0, |_, _, place| {
                found = Some(place.start);
                ControlFlow::Break(())
            });
            let line = found.map(|at| text[..at].split(|&byte| byte == b'\n').count() - 1);
            prop_assert_eq!(line, naive);
            if let Some(at) = found {
                prop_assert!(texts.iter().any(|one| text[at..].starts_with(one)));
            }
        }
    }
}
