//! The way to the target: small pieces are gathered, large runs go on as they are.

use std::ops::Range;

use costage::{Block, Flow, Gather, Result, Stage};

use crate::printer::Line;

/// A run of lines this long goes on as it is, shared, instead of being gathered with others.
pub(crate) const WORTH_SHARING: usize = 32 << 10;

/// So much is not gathered any further: what a block of a file has.
const MUCH: usize = 256 << 10;

#[derive(Debug)]
pub(crate) struct Output<S> {
    pub(crate) gather: Gather,
    pub(crate) to: S,
    /// What the target answered last.
    pub(crate) flow: Flow,
    /// How many bytes it was sent.
    pub(crate) sent: u64,
    /// It takes parts of lines.
    in_pieces: bool,
    /// What is shown now may be left where the target is full.
    pub(crate) pauses: bool,
}

impl<S: Stage> Output<S> {
    pub(crate) fn new(to: S, in_pieces: bool) -> Output<S> {
        Output {
            gather: Gather::new(b'\n'),
            to,
            flow: Flow::More,
            sent: 0,
            in_pieces,
            pauses: false,
        }
    }

    /// Is what is shown now to be gone on with at once?
    pub(crate) fn goes_on(&self) -> bool {
        match self.flow {
            Flow::More => true,
            Flow::Full => !self.pauses,
            Flow::Stop => false,
        }
    }

    /// Sends on lines `run` of `block`.
    pub(crate) fn pass(&mut self, block: &Block, run: Range<usize>) -> Result<()> {
        let is_all_of_it = run.len() == block.len();
        // A line goes on as a line: the last of all gets the terminator it may lack.
        let is_finished = run.end < block.len() || block.is_finished();
        let is_shared = if is_finished {
            is_all_of_it || run.len() >= WORTH_SHARING
        } else {
            self.in_pieces && run.len() >= WORTH_SHARING
        };
        if is_shared {
            self.send_gathered()?;
            self.send(&block.slice(run))?;
        } else {
            self.gather.push(&block[run]);
        }
        if !is_finished {
            self.gather.push(&[block.terminator()]);
        }
        Ok(())
    }

    /// Gathers a part of a line. Where that may go on before the line's end, a long one is shared.
    pub(crate) fn push(&mut self, line: &Line<'_>, part: Range<usize>) -> Result<()> {
        let (text, at) = line.part(part);
        if !self.in_pieces {
            self.gather.push(text);
            return Ok(());
        }
        if text.len() < WORTH_SHARING {
            self.gather.push(text);
            return self.spill();
        }
        self.send_gathered()?;
        let mut shared = line.block().clone();
        shared.skip(at.start);
        self.send(&shared.split_bytes(at.len()))
    }

    /// Sends on what was gathered if it is much: a block may yield many times what it is, and should not be held
    /// that often.
    pub(crate) fn spill(&mut self) -> Result<()> {
        if self.gather.len() < MUCH {
            return Ok(());
        }
        self.send_gathered()
    }

    pub(crate) fn send_gathered(&mut self) -> Result<()> {
        self.gather.take().map_or(Ok(()), |block| self.send(&block))
    }

    fn send(&mut self, block: &Block) -> Result<()> {
        if self.flow != Flow::Stop {
            self.flow = self.to.send(block)?;
            self.sent += block.len() as u64;
        }
        Ok(())
    }
}
