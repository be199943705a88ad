//! Which lines have been written out, and where in their files they stand.

use std::collections::VecDeque;

use costage::{Block, Written};
use memchr::memchr_iter;

use crate::outbox::Whose;

/// What was given out and may not have been written yet, oldest first.
pub(crate) struct Ledger {
    written: Written,
    /// How many bytes have been given out.
    given: u64,
    entries: VecDeque<Entry>,
}

struct Entry {
    whose: Whose,
    /// Where it stands in the output.
    start: u64,
    end: u64,
    /// As it was given out, and as it stands in its file, from one position to another.
    shown: Block,
    source: Block,
    from: u64,
    until: u64,
}

impl Ledger {
    /// For an output that counts what it writes, and has written nothing else.
    pub(crate) fn new(written: Written) -> Ledger {
        Ledger {
            written,
            given: 0,
            entries: VecDeque::new(),
        }
    }

    /// Lines are given out.
    pub(crate) fn give(
        &mut self,
        whose: Whose,
        shown: &Block,
        source: Block,
        from: u64,
        until: u64,
    ) {
        let start = self.given;
        self.add(shown);
        self.entries.push_back(Entry {
            whose,
            start,
            end: self.given,
            shown: shown.clone(),
            source,
            from,
            until,
        });
    }

    /// Something that stands in no file is given out.
    pub(crate) fn add(&mut self, block: &Block) {
        self.given += block.len() as u64;
    }

    /// Is there something of this file that was given out and not yet written?
    pub(crate) fn owes(&self, whose: Whose) -> bool {
        self.entries.iter().any(|entry| entry.whose == whose)
    }

    /// Tells up to which position of its file each has been written since this was last asked. Of lines that
    /// were written in part the whole ones count.
    pub(crate) fn settle(&mut self, mut tell: impl FnMut(Whose, u64)) {
        let written = self.written.bytes();
        while let Some(first) = self.entries.pop_front_if(|first| first.end <= written) {
            tell(first.whose, first.until);
        }
        if let Some(first) = self.entries.front()
            && let Ok(part) = usize::try_from(written.saturating_sub(first.start))
            && part > 0
        {
            let terminator = first.source.terminator();
            let lines = memchr_iter(terminator, &first.shown[..part]).count();
            let behind = memchr_iter(terminator, &first.source).take(lines).last();
            tell(
                first.whose,
                behind.map_or(first.from, |end| first.from + end as u64 + 1),
            );
        }
    }
}
