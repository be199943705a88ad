//! What waits in memory for a target: its place in the blocks that all share.

use std::collections::VecDeque;

use costage::Block;

use crate::shared_blocks::{Piece, Rest, SharedBlocks};

/// Pieces of shared blocks in their order.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    pieces: VecDeque<Piece>,
    /// How much of the first has been taken.
    taken: usize,
    /// The memory that `pieces` keep, which others may share.
    held: usize,
}

impl Backlog {
    /// The memory it keeps, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Adds what there is no room for.
    pub(crate) fn push(&mut self, shared: &SharedBlocks, rest: Rest<'_>) {
        for piece in shared.keep(rest) {
            self.push_piece(piece);
        }
    }

    /// Adds of that the first lines, as long as no more than `limit` is held. How many bytes of it these have.
    pub(crate) fn push_lines(
        &mut self,
        shared: &SharedBlocks,
        rest: Rest<'_>,
        limit: usize,
    ) -> usize {
        let mut added = 0;
        for piece in shared.keep(rest) {
            let excess = (self.held + piece.cost()).saturating_sub(limit);
            if excess == 0 {
                added += piece.len();
                self.push_piece(piece);
                continue;
            }
            let room = piece.len().saturating_sub(excess);
            let lines = rest.after(added).split_lines(room).len();
            if lines <= room && piece.is_copied() {
                added += lines;
                self.push_piece(piece.first(lines));
            }
            break;
        }
        added
    }

    fn push_piece(&mut self, piece: Piece) {
        if let Some(last) = self.pieces.back_mut() {
            let before = last.cost();
            if last.join(&piece) {
                self.held += last.cost() - before;
                return;
            }
        }
        self.held += piece.cost();
        self.pieces.push_back(piece);
    }

    /// Takes the first lines: at most this many bytes, but at least one line.
    pub(crate) fn next(&mut self, at_most: usize) -> Option<Block> {
        let first = self.pieces.front()?;
        let mut rest = first.block();
        rest.skip(self.taken);
        let lines = rest.split_lines(at_most);
        self.taken += lines.len();
        if rest.is_empty() {
            self.held -= first.cost();
            self.pieces.pop_front();
            self.taken = 0;
        }
        Some(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A target, and what is to come out of its backlog.
    #[derive(Default)]
    struct Target {
        backlog: Backlog,
        expected: Vec<u8>,
        got: Vec<u8>,
    }

    impl Target {
        fn take(&mut self, at_most: usize) -> bool {
            let Some(lines) = self.backlog.next(at_most) else {
                return false;
            };
            self.got.extend_from_slice(&lines);
            lines.is_finished()
        }
    }

    proptest! {
        /// Whoever holds what of the stream, and takes it when: what goes in comes out, in its order and in whole lines.
        #[test]
        fn each_of_several_is_a_queue_of_lines(
            part in 1_usize..100_000,
            steps in proptest::collection::vec(
                (1_usize..4000, 1_usize..60, proptest::array::uniform3((0_usize..5, 0_usize..200_000))),
                0..40,
            ),
        ) {
            let shared = SharedBlocks::new();
            shared.keep_in_parts_of(part);
            let mut targets: [Target; 3] = Default::default();
            let mut sent = 0;
            for (number, (lines, length, each)) in steps.into_iter().enumerate() {
                let line = format!("{:>length$}\n", number % 10);
                let block = Block::from(line.repeat(lines).into_bytes());
                for (target, (first, taken)) in targets.iter_mut().zip(each) {
                    // One of them has room for its first lines, and another one for all.
                    let first = first * lines / 3 * line.len();
                    if first < block.len() {
                        let rest = Rest::of(&block, block.len() - first, sent);
                        target.backlog.push(&shared, rest);
                        target.expected.extend_from_slice(&block[first..]);
                    }
                    let waits = target.expected.len() - target.got.len();
                    prop_assert!(target.backlog.held() >= waits);
                    prop_assert_eq!(target.take(taken), waits > 0);
                }
                sent += block.len() as u64;
            }
            for mut target in targets {
                while target.take(1 << 20) {}
                prop_assert!(target.backlog.is_empty());
                prop_assert_eq!(target.backlog.held(), 0);
                prop_assert!(target.got == target.expected);
            }
        }

        /// Of what comes when there is little memory the first lines are kept, and as many as there is memory for.
        #[test]
        fn only_so_many_lines_are_kept_as_there_is_memory_for(
            part in 1_usize..50_000,
            limit in 0_usize..200_000,
            blocks in proptest::collection::vec((1_usize..3000, 1_usize..60), 0..20),
        ) {
            let shared = SharedBlocks::new();
            shared.keep_in_parts_of(part);
            let mut target = Target::default();
            for (lines, length) in blocks {
                let block = Block::from(format!("{:>length$}\n", 0).repeat(lines).into_bytes());
                let rest = Rest::all(&block);
                let kept = target.backlog.push_lines(&shared, rest, limit);
                prop_assert!(target.backlog.held() <= limit);
                if kept < block.len() {
                    prop_assert!(block[..kept].ends_with(b"\n") || kept == 0);
                }
                target.expected.extend_from_slice(&block[..kept]);
            }
            while target.take(1 << 20) {}
            prop_assert!(target.got == target.expected);
        }
    }

    // Each had copies of its own.
    #[test]
    fn what_several_wait_for_is_there_once() {
        let shared = SharedBlocks::new();
        let mut backlogs: [Backlog; 2] = Default::default();
        let mut sent = 0;
        for length in [10, 100_000, 20] {
            let block = Block::from(("x".repeat(length) + "\n").into_bytes());
            for backlog in &mut backlogs {
                backlog.push(&shared, Rest::of(&block, block.len(), sent));
            }
            sent += block.len() as u64;
        }
        let places = backlogs.map(|mut backlog| {
            let all = std::iter::from_fn(|| backlog.next(usize::MAX));
            all.map(|lines| lines.as_ptr()).collect::<Vec<_>>()
        });
        assert_eq!(places[0].len(), 3);
        assert_eq!(places[0], places[1]);
    }
}
