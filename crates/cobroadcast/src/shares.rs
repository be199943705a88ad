//! How much of what several have sent to one target was written, for those of them who count it.

use std::collections::VecDeque;

use costage::{Block, Written};

/// What has been sent to the target, and what of it is to be counted once it is written.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    /// How much all have sent, in bytes.
    sent: u64,
    waiting: VecDeque<Share>,
}

/// A block that is counted by the one who sent it.
#[derive(Debug)]
struct Share {
    /// How much had been sent before it.
    at: u64,
    /// What of it is not written yet.
    rest: Block,
    counted: Written,
}

impl Shares {
    /// The target was sent a block, whose writing is counted in `counted`.
    pub(crate) fn send(&mut self, block: &Block, counted: Option<&Written>) {
        if let Some(counted) = counted {
            self.waiting.push_back(Share {
                at: self.sent,
                rest: block.clone().compact(),
                counted: counted.clone(),
            });
        }
        self.sent += block.len() as u64;
    }

    /// The target has written so many bytes in all.
    pub(crate) fn settle(&mut self, written: u64) {
        while let Some(first) = self.waiting.front_mut() {
            let count = usize::try_from(written.saturating_sub(first.at)).unwrap_or(usize::MAX);
            let count = count.min(first.rest.len());
            first.counted.add(&first.rest, count);
            first.rest.skip(count);
            first.at += count as u64;
            if !first.rest.is_empty() {
                return;
            }
            self.waiting.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Byte by byte: whose it was that was written.
        #[test]
        fn each_counts_its_own(
            sent in proptest::collection::vec((0_usize..3, "[a\n]{0,9}"), 0..20),
            steps in proptest::collection::vec(0_usize..30, 0..20),
        ) {
            let counted = [Written::with_lines(), Written::with_lines()];
            let mut shares = Shares::default();
            let mut all = Vec::new();
            for (who, text) in &sent {
                shares.send(&Block::from(&**text), counted.get(*who));
                all.extend(text.bytes().map(|byte| (*who, byte)));
            }
            let mut written = 0;
            for step in steps {
                written = all.len().min(written + step);
                shares.settle(written as u64);
                for (who, counted) in counted.iter().enumerate() {
                    let own = all[..written].iter().filter(|(by, _)| *by == who);
                    let own: Vec<u8> = own.map(|(_, byte)| *byte).collect();
                    prop_assert_eq!(counted.bytes(), own.len() as u64);
                    let lines = own.split_inclusive(|&byte| byte == b'\n').count();
                    prop_assert_eq!(counted.lines(), lines as u64);
                }
            }
        }
    }
}
