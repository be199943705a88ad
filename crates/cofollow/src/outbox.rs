//! What is ready to be given out: lines, and what says whose they are.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use costage::{Block, Gather};

use crate::Headers;
use crate::ledger::{Ledger, Prefixes};
use crate::prefix::prefixed;

/// Whose lines: a name, and the key of one of its generations.
pub(crate) type Whose = (usize, u64);

/// The value of `last` once that name is gone: lines have come, of no name that there is.
const NOBODY: usize = usize::MAX;

/// Blocks in the order in which they are given out.
pub(crate) struct Outbox {
    headers: Headers,
    terminator: u8,
    blocks: VecDeque<Block>,
    /// Whose lines came last.
    last: Option<usize>,
    /// Whose line has been given out without its end.
    open: Option<Whose>,
    /// Where in its file stands what is given out, if anyone asks what has been written.
    pub(crate) ledger: Option<Ledger>,
}

impl Outbox {
    pub(crate) fn new(headers: Headers, terminator: u8, ledger: Option<Ledger>) -> Outbox {
        Outbox {
            headers,
            terminator,
            blocks: VecDeque::new(),
            last: None,
            open: None,
            ledger,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(crate) fn pop(&mut self) -> Option<Block> {
        self.blocks.pop_front()
    }

    /// All at once.
    pub(crate) fn take(&mut self) -> Option<Block> {
        let mut all = Gather::new(self.terminator);
        for block in self.blocks.drain(..) {
            all.push(&block);
        }
        all.take()
    }

    /// Whose line has been given out without its end.
    pub(crate) fn open(&self) -> Option<Whose> {
        self.open
    }

    /// Do lines come as they stand in their files, with nothing in between?
    pub(crate) fn is_plain(&self) -> bool {
        self.headers == Headers::Never
    }

    /// The name with this number is another from now on.
    pub(crate) fn forget(&mut self, index: usize) {
        if self.last == Some(index) {
            self.last = Some(NOBODY);
        }
    }

    /// Names the file whose lines come next, if headers are asked for and the lines before were another's.
    pub(crate) fn header(&mut self, index: usize, shown: &OsStr) {
        if self.last == Some(index) {
            return;
        }
        self.break_line();
        if self.headers == Headers::Always {
            let gap: &[u8] = if self.last.is_some() { b"\n" } else { b"" };
            let header = [gap, b"==> ", shown.as_bytes(), b" <==\n"].concat();
            self.push(Block::from(header));
        }
        self.last = Some(index);
    }

    /// Gives out lines of a file, which stand there from the position `from` to `until`; the last may be
    /// unfinished.
    pub(crate) fn lines(
        &mut self,
        whose: Whose,
        shown: &OsStr,
        block: Block,
        from: u64,
        until: u64,
    ) {
        self.header(whose.0, shown);
        if self.open.is_some_and(|open| open != whose) {
            self.break_line();
        }
        let goes_on = self.open.is_some();
        self.open = (!block.is_finished()).then_some(whose);
        let (shown, length) = if self.headers == Headers::EachLine {
            (prefixed(&block, shown, goes_on), shown.len() + 1)
        } else {
            (block.clone(), 0)
        };
        if let Some(ledger) = &mut self.ledger {
            let prefixes = Prefixes { length, goes_on };
            ledger.give(whose, &shown, block, from, until, prefixes);
        }
        self.blocks.push_back(shown);
    }

    /// Ends a line that was given out without its end, before another's begins.
    fn break_line(&mut self) {
        if self.open.take().is_some() {
            self.push(Block::with_terminator(
                vec![self.terminator],
                self.terminator,
            ));
        }
    }

    /// Gives out what stands in no file.
    fn push(&mut self, block: Block) {
        if let Some(ledger) = &mut self.ledger {
            ledger.add(&block);
        }
        self.blocks.push_back(block);
    }
}
