//! Where lines end, counted from the front and from behind.

use memchr::{memchr_iter, memrchr_iter};

/// Ends are counted in pieces of this size, and only the piece in which the one looked for lies is gone through end by
/// end: that takes several times as long.
const PIECE: usize = 4 << 10;

/// Where the `nth` line end is, the first being 1. The error is how many there are.
pub(crate) fn nth(terminator: u8, text: &[u8], nth: usize) -> Result<usize, usize> {
    let (mut passed, mut at) = (0, 0);
    for piece in text.chunks(PIECE) {
        let count = memchr_iter(terminator, piece).count();
        if passed + count >= nth {
            let mut ends = memchr_iter(terminator, piece);
            return ends.nth(nth - passed - 1).map(|end| at + end).ok_or(passed);
        }
        passed += count;
        at += piece.len();
    }
    Err(passed)
}

/// The same from behind: the last is 1.
pub(crate) fn nth_back(terminator: u8, text: &[u8], nth: usize) -> Result<usize, usize> {
    let (mut passed, mut at) = (0, text.len());
    for piece in text.rchunks(PIECE) {
        at -= piece.len();
        let count = memchr_iter(terminator, piece).count();
        if passed + count >= nth {
            let mut ends = memrchr_iter(terminator, piece);
            return ends.nth(nth - passed - 1).map(|end| at + end).ok_or(passed);
        }
        passed += count;
    }
    Err(passed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_end_is_where_going_from_end_to_end_finds_it(
            lines in proptest::collection::vec(prop_oneof![9 => 0_usize..100, 1 => 0_usize..10_000], 0..200),
            looked_for in 1_usize..250,
            unfinished in 0_usize..3,
        ) {
            let mut text = Vec::new();
            for line in lines {
                text.resize(text.len() + line, b'x');
                text.push(b'\n');
            }
            text.resize(text.len() + unfinished, b'x');
            let ends: Vec<usize> = memchr_iter(b'\n', &text).collect();
            let expected = ends.get(looked_for - 1).copied().ok_or(ends.len());
            prop_assert_eq!(nth(b'\n', &text, looked_for), expected);
            let expected = ends.iter().nth_back(looked_for - 1).copied().ok_or(ends.len());
            prop_assert_eq!(nth_back(b'\n', &text, looked_for), expected);
        }
    }
}
