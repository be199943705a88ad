//! What waits for a target: in memory, and beyond that on disk.

use std::io;

use costage::Block;

use crate::backlog::Backlog;
use crate::shared_blocks::{Rest, SharedBlocks};
use crate::spill::Spill;

/// Blocks in their order: the oldest in memory, those behind them in a file, and those behind that in memory again,
/// if the file takes no more.
#[derive(Debug)]
pub(crate) struct Store {
    /// Where `memory` and `behind` have their places.
    pub(crate) shared: SharedBlocks,
    memory: Backlog,
    file: Option<Spill>,
    behind: Backlog,
    /// How much memory it takes before it is full, or before the file is used.
    limit: usize,
    spills: bool,
    /// The disk did not take what memory holds beyond the limit.
    overflows: bool,
}

impl Store {
    pub(crate) fn new(limit: usize, spills: bool) -> Store {
        Store {
            shared: SharedBlocks::new(),
            memory: Backlog::default(),
            file: None,
            behind: Backlog::default(),
            limit,
            spills,
            overflows: false,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.memory.is_empty() && self.is_all_in_memory()
    }

    fn is_all_in_memory(&self) -> bool {
        self.file.as_ref().is_none_or(Spill::is_empty) && self.behind.is_empty()
    }

    /// Does it take more than it should?
    pub(crate) fn is_full(&self) -> bool {
        if self.spills && !self.overflows {
            return false;
        }
        self.memory.held() >= self.limit || !self.behind.is_empty()
    }

    /// Adds what there is no room for. An error says that the disk did not take it; it is held in memory then.
    pub(crate) fn push(&mut self, rest: Rest<'_>) -> io::Result<()> {
        if self.overflows && self.is_all_in_memory() && self.memory.held() < self.limit {
            self.overflows = false;
        }
        let fits = self.memory.held() + rest.len() <= self.limit;
        if !self.spills || self.is_all_in_memory() && fits {
            self.memory.push(&self.shared, rest);
            return Ok(());
        }
        if !self.behind.is_empty() {
            self.behind.push(&self.shared, rest);
            return Ok(());
        }
        let spilled = self.spill(&rest.after(0));
        self.overflows = spilled.is_err();
        if self.overflows {
            let after_the_last = if self.is_all_in_memory() {
                &mut self.memory
            } else {
                &mut self.behind
            };
            after_the_last.push(&self.shared, rest);
        }
        spilled
    }

    /// Adds of it the first lines, as many as there is memory for; for who drops instead of spilling. How many bytes
    /// of it these have.
    pub(crate) fn push_lines(&mut self, rest: Rest<'_>) -> usize {
        self.memory.push_lines(&self.shared, rest, self.limit)
    }

    /// Takes the first lines, at most this many bytes, if more is in memory than should be; for who drops instead of
    /// spilling.
    pub(crate) fn next_of_too_many(&mut self, at_most: usize) -> Option<Block> {
        let is_too_much = self.memory.held() > self.limit;
        is_too_much.then(|| self.memory.next(at_most)).flatten()
    }

    fn spill(&mut self, block: &Block) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(Spill::new()?),
        };
        file.push(block)
    }

    /// Takes the first lines: of those in memory at most this many bytes, but at least one line.
    pub(crate) fn next(&mut self, at_most: usize) -> io::Result<Option<Block>> {
        if let Some(block) = self.memory.next(at_most) {
            return Ok(Some(block));
        }
        if let Some(file) = &mut self.file
            && let Some(block) = file.next()?
        {
            return Ok(Some(block));
        }
        std::mem::swap(&mut self.memory, &mut self.behind);
        Ok(self.memory.next(at_most))
    }

    pub(crate) fn clear(&mut self) {
        let shared = self.shared.clone();
        *self = Store {
            shared,
            ..Store::new(self.limit, self.spills)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// However much of it is in memory and on disk: what goes in comes out, in its order.
        #[test]
        fn it_is_a_queue(
            spills in any::<bool>(),
            steps in proptest::collection::vec((1_usize..9000, 0_usize..4), 0..60),
        ) {
            let mut store = Store::new(20_000, spills);
            let (mut input, mut output) = (Vec::new(), Vec::new());
            for (number, (lines, taken)) in steps.into_iter().enumerate() {
                let block = Block::from(&*format!("{number}\n").repeat(lines));
                input.extend_from_slice(&block);
                store.push(Rest::all(&block)).expect("held");
                if spills {
                    prop_assert!(!store.is_full());
                }
                for _ in 0..taken {
                    if let Some(block) = store.next(10_000).expect("read") {
                        output.extend_from_slice(&block);
                    }
                }
                prop_assert_eq!(store.is_empty(), input.len() == output.len());
            }
            while let Some(block) = store.next(10_000).expect("read") {
                output.extend_from_slice(&block);
            }
            prop_assert!(store.is_empty());
            prop_assert!(input == output);
        }
    }
}
