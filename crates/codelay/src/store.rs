//! Bytes that are held, in their order, in little more memory than they are.

use std::collections::VecDeque;
use std::ops::Range;

use costage::Block;

use crate::line_ends;

/// A block from here on is shared, if its memory is not too much, and a smaller one is copied to others.
const SHARED_FROM: usize = 16 << 10;
/// What the shared blocks may keep in use beyond their own lengths, all together. A read is made into a buffer of
/// 320 KiB: a channel of few lines copies nothing, a long one no more than a line more or less.
const SPARE: usize = 1 << 20;
/// Small blocks are gathered up to this size.
const CHUNK: usize = 64 << 10;

/// A queue of blocks.
#[derive(Debug, Default)]
pub(crate) struct Store {
    blocks: VecDeque<Held>,
    /// What was gathered after them.
    open: Vec<u8>,
    terminator: u8,
    /// What the shared blocks keep in use beyond their lengths.
    spare: usize,
}

#[derive(Debug)]
struct Held {
    block: Block,
    spare: usize,
}

impl Store {
    /// Adds a block at the end.
    pub(crate) fn push(&mut self, block: &Block) {
        self.terminator = block.terminator();
        if block.len() < SHARED_FROM {
            self.gather(block);
            return;
        }
        self.seal();
        let spare = block.retained().saturating_sub(block.len());
        let held = if self.spare + spare <= SPARE {
            Held {
                block: block.clone(),
                spare,
            }
        } else {
            packed(block.to_vec(), self.terminator)
        };
        self.spare += held.spare;
        self.blocks.push_back(held);
    }

    /// Adds a line of a block whose other lines go elsewhere.
    pub(crate) fn push_line(&mut self, line: &[u8]) {
        self.gather(line);
    }

    /// What lines end in that are pushed one by one.
    pub(crate) fn set_terminator(&mut self, terminator: u8) {
        self.terminator = terminator;
    }

    fn gather(&mut self, bytes: &[u8]) {
        if self.open.len() + bytes.len() > CHUNK {
            self.seal();
        }
        self.open.extend_from_slice(bytes);
    }

    /// Makes a block of what was gathered.
    fn seal(&mut self) {
        if !self.open.is_empty() {
            let open = std::mem::take(&mut self.open);
            self.blocks.push_back(packed(open, self.terminator));
        }
    }

    /// Takes the first bytes: all of `at_most`, which ends a line, or the beginning of them that is one block.
    pub(crate) fn pop(&mut self, at_most: usize) -> Option<Block> {
        if self.blocks.is_empty() {
            self.seal();
        }
        let is_last = self.blocks.len() == 1 && self.open.is_empty();
        let first = self.blocks.front_mut()?;
        if first.block.len() <= at_most {
            let first = self.blocks.pop_front()?;
            self.spare -= first.spare;
            return Some(first.block);
        }
        let head = first.block.slice(0..at_most);
        first.block.skip(at_most);
        // The little that is left of a shared block lets go of the buffer, which is read into again.
        if is_last && first.spare > 0 && first.block.len() < SHARED_FROM {
            let rest = self.blocks.pop_front()?;
            self.spare -= rest.spare;
            self.gather(&rest.block);
        }
        Some(head)
    }

    /// The length of the first `lines` of the lines `at`, of which there are `of`.
    pub(crate) fn length_of_lines(&self, lines: usize, of: usize, at: Range<usize>) -> usize {
        let parts = self.blocks.iter().map(|held| &*held.block);
        let bytes = at.len();
        let (mut skip, mut left, mut passed) = (at.start, lines, 0);
        for part in parts.chain([&*self.open]) {
            let from = skip.min(part.len());
            skip -= from;
            let part = &part[from..];
            let part = &part[..part.len().min(bytes - passed)];
            let end = if part.len() == bytes && (of / 2 + 1..of).contains(&lines) {
                let unfinished = usize::from(part.last() != Some(&self.terminator));
                line_ends::nth_back(self.terminator, part, of - lines + 1 - unfinished)
            } else {
                line_ends::nth(self.terminator, part, left)
            };
            match end {
                Ok(end) => return passed + end + 1,
                Err(ends) => left -= ends,
            }
            passed += part.len();
        }
        passed
    }
}

/// A block that keeps no more in use than it is.
fn packed(mut bytes: Vec<u8>, terminator: u8) -> Held {
    bytes.shrink_to_fit();
    Held {
        block: Block::with_terminator(bytes, terminator),
        spare: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use memchr::memchr_iter;
    use proptest::prelude::*;

    fn text(lines: Range<usize>, width: usize) -> Vec<u8> {
        lines
            .flat_map(|line| format!("{line:0width$}\n").into_bytes())
            .collect()
    }

    proptest! {
        /// Blocks of all sizes, shared and packed, come out as they went in, wherever they are cut.
        #[test]
        fn what_goes_in_comes_out(
            sizes in proptest::collection::vec((0_usize..4000, 1_usize..30, any::<bool>()), 1..12),
            cuts in proptest::collection::vec(1_usize..5000, 1..40),
        ) {
            let mut store = Store::default();
            let (mut all, mut out) = (Vec::new(), Vec::new());
            let mut cuts = cuts.into_iter();
            for (lines, width, large) in sizes {
                let mut bytes = text(0..lines, width);
                // Pins more than it is, as a short read does.
                bytes.reserve_exact(if large { 300_000 } else { 0 });
                all.extend_from_slice(&bytes);
                store.push(&Block::from(bytes));
                if let Some(cut) = cuts.next() {
                    let lines = memchr_iter(b'\n', &all[out.len()..]).count();
                    let take = cut.min(lines);
                    if take == 0 {
                        continue;
                    }
                    let naive = memchr_iter(b'\n', &all[out.len()..]).nth(take - 1).expect("so many") + 1;
                    let mut left = store.length_of_lines(take, lines, 0..all.len() - out.len());
                    prop_assert_eq!(left, naive);
                    while left > 0 {
                        let block = store.pop(left).expect("held");
                        left -= block.len();
                        out.extend_from_slice(&block);
                    }
                }
            }

            while let Some(block) = store.pop(usize::MAX) {
                out.extend_from_slice(&block);
            }
            prop_assert_eq!(store.spare, 0);
            prop_assert!(out == all);
        }
    }

    #[test]
    fn the_end_of_a_line_is_found_from_both_ends_also_before_an_unfinished_one() {
        let mut store = Store::default();
        store.push(&Block::from("a\nbb\nccc\ndddd"));
        let lengths: Vec<usize> = (1..=4)
            .map(|lines| store.length_of_lines(lines, 4, 0..13))
            .collect();
        assert_eq!(lengths, [2, 5, 9, 13]);
    }

    #[test]
    fn little_more_memory_is_kept_than_is_held() {
        let mut store = Store::default();
        for _ in 0..1000 {
            // What a read of a pipe brings, in the buffer it was read into.
            let mut read = Vec::with_capacity(320 << 10);
            read.resize(64 << 10, b'\n');
            store.push(&Block::from(read));
            // And what a slow writer brings.
            let mut line = Vec::with_capacity(320 << 10);
            line.extend_from_slice(b"line\n");
            store.push(&Block::from(line));
        }
        let kept: usize = store.blocks.iter().map(|held| held.block.retained()).sum();
        assert!(kept + store.open.capacity() < 1000 * ((64 << 10) + 5) + SPARE + CHUNK);
    }
}
