//! Many texts at once: every few bytes, a look into a table that tells whether four bytes are in one of them.

/// The bits of a hash; a table of so many bits has 16 KiB, and stays in the first cache.
const HASH_BITS: u32 = 17;
/// Beyond this the table is so full that each look finds something.
const TEXTS_AT_MOST: usize = 4096;
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
    stride: usize,
    /// Selects the bytes of a gram that count: all four, or fewer if the shortest text has fewer.
    mask: u32,
    /// A bit for each hash.
    seen: Vec<u8>,
    /// The texts and the offsets in them of each hash, sorted by it.
    places: Vec<(u32, u32, u32)>,
}

impl Grams {
    /// `None` if the texts are too many, or one too short.
    pub(super) fn new(texts: &[&[u8]]) -> Option<Grams> {
        let shortest = texts.iter().map(|text| text.len()).min()?;
        if texts.len() > TEXTS_AT_MOST || shortest < 2 {
            return None;
        }
        let length = shortest.min(GRAM);
        let stride = (shortest - length + 1).min(STRIDE_AT_MOST);
        let mut grams = Grams {
            texts: texts.iter().map(|text| text.to_vec()).collect(),
            stride,
            mask: u32::MAX >> (8 * (GRAM - length)),
            seen: vec![0; 1 << (HASH_BITS - 3)],
            places: Vec::new(),
        };
        for (number, text) in (0..).zip(texts) {
            for (offset, at) in (0..).zip(0..stride) {
                let hash = grams.hash(padded(&text[at..]));
                grams.seen[(hash >> 3) as usize] |= 1 << (hash & 7);
                grams.places.push((hash, number, offset));
            }
        }
        grams.places.sort_unstable();
        Some(grams)
    }

    /// Where a text begins, from `from` on. It is in the first of the lines that have one, if `from` is where a line
    /// begins and no text has a line's end in it.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        while let Some(place) = self.next_place(text, at) {
            if let Some(start) = self.text_at(text, place, from) {
                return Some(start);
            }
            at = place + self.stride;
        }
        None
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
        (gram & self.mask).wrapping_mul(2_654_435_769) >> (u32::BITS - HASH_BITS)
    }

    /// The start of a text of which a gram is at `place`, if that is not before `from`.
    fn text_at(&self, text: &[u8], place: usize, from: usize) -> Option<usize> {
        let hash = self.hash(padded(&text[place..]));
        let first = self.places.partition_point(|&(other, _, _)| other < hash);
        self.places[first..]
            .iter()
            .take_while(|&&(other, _, _)| other == hash)
            .find_map(|&(_, number, offset)| {
                let start = place.checked_sub(offset as usize)?;
                let fits = start >= from && text[start..].starts_with(&self.texts[number as usize]);
                fits.then_some(start)
            })
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
            let found = Grams::new(&texts).expect("few").find(text, 0);
            let line = found.map(|at| text[..at].split(|&byte| byte == b'\n').count() - 1);
            prop_assert_eq!(line, naive);
            if let Some(at) = found {
                prop_assert!(texts.iter().any(|one| text[at..].starts_with(one)));
            }
        }
    }
}
