//! What waits in memory for a target.

use std::collections::VecDeque;

use costage::{Block, Gather};

/// What is smaller is gathered: a block of its own would take more memory than its bytes.
const SMALL: usize = 16 << 10;
/// Gathered up to this.
const CHUNK: usize = 64 << 10;

/// Blocks in their order. They share their bytes with all others who hold them, except small ones and those that
/// pin much more than they have.
#[derive(Debug)]
pub(crate) struct Backlog {
    blocks: VecDeque<Block>,
    /// What came last, and was too small for a block.
    gather: Gather,
    /// The memory that `blocks` keep.
    retained: usize,
}

impl Backlog {
    pub(crate) fn new() -> Backlog {
        Backlog {
            blocks: VecDeque::new(),
            gather: Gather::new(b'\n'),
            retained: 0,
        }
    }

    /// The memory it keeps, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.retained + self.gather.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.gather.is_empty()
    }

    /// Adds a block.
    pub(crate) fn push(&mut self, block: &Block) {
        if block.len() < SMALL {
            self.push_copy(block, CHUNK);
        } else {
            self.finish_gathered();
            self.push_block(block.clone().compact());
        }
    }

    /// Adds a copy, in chunks of this size: what can be given up one by one.
    pub(crate) fn push_copy(&mut self, block: &Block, chunk: usize) {
        self.gather.set_terminator(block.terminator());
        let mut rest = block.clone();
        while !rest.is_empty() {
            let room = chunk.saturating_sub(self.gather.len());
            self.gather.push(&rest.split_lines(room));
            if self.gather.len() >= chunk {
                self.finish_gathered();
            }
        }
    }

    fn finish_gathered(&mut self) {
        if let Some(block) = self.gather.take() {
            self.push_block(block);
        }
    }

    fn push_block(&mut self, block: Block) {
        self.retained += block.retained();
        self.blocks.push_back(block);
    }

    /// Takes the first lines: at most this many bytes, but at least one line.
    pub(crate) fn next(&mut self, at_most: usize) -> Option<Block> {
        if self.blocks.is_empty() {
            self.finish_gathered();
        }
        let first = self.blocks.front_mut()?;
        let piece = first.split_lines(at_most);
        if first.is_empty() {
            self.retained -= first.retained();
            self.blocks.pop_front();
        }
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever goes in, and how, comes out, in its order and in whole lines.
        #[test]
        fn it_is_a_queue_of_lines(
            steps in proptest::collection::vec(
                (1_usize..4000, 1_usize..60, any::<bool>(), 0_usize..200_000),
                0..40,
            ),
        ) {
            let mut backlog = Backlog::new();
            let (mut input, mut output) = (Vec::new(), Vec::new());
            for (lines, length, copied, taken) in steps {
                let mut line = vec![b'x'; length];
                line.push(b'\n');
                let block = Block::from(line.repeat(lines));
                input.extend_from_slice(&block);
                if copied {
                    backlog.push_copy(&block, 1000);
                } else {
                    backlog.push(&block);
                }
                prop_assert!(backlog.held() >= input.len() - output.len());
                if let Some(piece) = backlog.next(taken) {
                    prop_assert!(piece.is_finished());
                    output.extend_from_slice(&piece);
                }
            }
            while let Some(piece) = backlog.next(1 << 20) {
                output.extend_from_slice(&piece);
            }
            prop_assert!(backlog.is_empty());
            prop_assert_eq!(backlog.held(), 0);
            prop_assert!(input == output);
        }
    }
}
