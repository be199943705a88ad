//! What waits for a target: in memory, and beyond that on disk.

use std::io;

use costage::Block;

use crate::backlog::Backlog;
use crate::spill::Spill;

/// Blocks in their order: the oldest in memory, those behind them in a file, and those behind that in memory again,
/// if the file takes no more.
#[derive(Debug)]
pub(crate) struct Store {
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
            memory: Backlog::new(),
            file: None,
            behind: Backlog::new(),
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

    /// What is in memory, for who drops instead of spilling.
    pub(crate) fn memory(&mut self) -> &mut Backlog {
        &mut self.memory
    }

    /// Adds a block. An error says that the disk did not take it; it is held in memory then.
    pub(crate) fn push(&mut self, block: &Block) -> io::Result<()> {
        if self.overflows && self.is_all_in_memory() && self.memory.held() < self.limit {
            self.overflows = false;
        }
        let fits = self.memory.held() + block.len() <= self.limit;
        if !self.spills || self.is_all_in_memory() && fits {
            self.memory.push(block);
            return Ok(());
        }
        if !self.behind.is_empty() {
            self.behind.push(block);
            return Ok(());
        }
        let spilled = self.spill(block);
        self.overflows = spilled.is_err();
        if self.overflows {
            let after_the_last = if self.is_all_in_memory() {
                &mut self.memory
            } else {
                &mut self.behind
            };
            after_the_last.push(block);
        }
        spilled
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
        *self = Store::new(self.limit, self.spills);
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
                store.push(&block).expect("held");
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
