//! What became of the lines for one target.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use costage::{Block, Written};

/// A number of lines, an unfinished last one included, and of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many lines.
    pub lines: u64,
    /// How many bytes.
    pub bytes: u64,
}

impl Counts {
    /// What is left without `other`; nothing, where that is more.
    pub fn minus(self, other: Counts) -> Counts {
        Counts {
            lines: self.lines.saturating_sub(other.lines),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }
}

/// What became of the lines for one target. A clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Account(Rc<Books>);

#[derive(Debug, Default)]
struct Books {
    received: Tally,
    dropped: Tally,
    passed: Tally,
    written: OnceCell<Written>,
}

/// Counts what goes by.
#[derive(Debug, Default)]
struct Tally {
    ends: Cell<u64>,
    bytes: Cell<u64>,
    /// The last line has no end yet.
    is_unfinished: Cell<bool>,
}

impl Tally {
    fn add(&self, block: &Block, counts_lines: bool) {
        if block.is_empty() {
            return;
        }
        self.bytes.set(self.bytes.get() + block.len() as u64);
        if counts_lines {
            self.ends.set(self.ends.get() + block.line_ends());
            self.is_unfinished.set(!block.is_finished());
        }
    }

    fn counts(&self) -> Counts {
        Counts {
            lines: self.ends.get() + u64::from(self.is_unfinished.get()),
            bytes: self.bytes.get(),
        }
    }
}

impl Account {
    /// What came for it.
    pub fn received(&self) -> Counts {
        self.0.received.counts()
    }

    /// What was given up so far because its queue was full.
    pub fn dropped(&self) -> Counts {
        self.0.dropped.counts()
    }

    /// What it has taken; with [`Policy::counted_by`](crate::Policy::counted_by), what it has written.
    pub fn written(&self) -> Counts {
        match self.0.written.get() {
            Some(written) => Counts {
                lines: written.lines(),
                bytes: written.bytes(),
            },
            None => self.passed(),
        }
    }

    /// What it has neither written nor dropped: what still waits for it, and in the end what it lost because it
    /// failed, left or was given up.
    pub fn rest(&self) -> Counts {
        self.received().minus(self.dropped()).minus(self.written())
    }

    /// What was handed on to it.
    pub(crate) fn passed(&self) -> Counts {
        self.0.passed.counts()
    }

    /// How much of what was handed on to it its reader has taken, as far as is known.
    pub(crate) fn taken(&self) -> u64 {
        let written = self.0.written.get();
        written.map_or_else(|| self.passed().bytes, Written::taken)
    }

    /// That is to be known as well as it can be.
    pub(crate) fn watch_reader(&self) {
        if let Some(written) = self.0.written.get() {
            written.watch_reader();
        }
    }

    /// Does its reader wait for somebody else?
    pub(crate) fn is_reader_excused(&self) -> bool {
        let written = self.0.written.get();
        written.is_some_and(Written::is_reader_excused)
    }

    /// Its writes are counted there. Given twice, the first stays: it has been counting.
    pub(crate) fn counted_by(&self, written: Written) {
        let _ = self.0.written.set(written);
    }

    pub(crate) fn receive(&self, block: &Block) {
        self.0.received.add(block, self.counts_lines());
    }

    pub(crate) fn drop_lines(&self, block: &Block) {
        self.0.dropped.add(block, self.counts_lines());
    }

    pub(crate) fn pass(&self, block: &Block) {
        self.0.passed.add(block, self.counts_lines());
    }

    /// Lines are counted unless the target's writes are counted without.
    fn counts_lines(&self) -> bool {
        self.0.written.get().is_none_or(Written::counts_lines)
    }
}
