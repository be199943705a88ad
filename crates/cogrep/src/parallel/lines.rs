//! The lines of a part, read from the file.

use std::collections::VecDeque;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use costage::{Block, Call, Error, Framer, Framing, Pull, Pulled, Result, Waits};
use memchr::{memchr, memchr_iter};

use super::{PART, Stretch};

/// How far is read at once beyond a part for the end of its last line.
const STEP: usize = 64 << 10;

/// The lines that begin in a part.
pub(super) struct PartLines<'a> {
    stretch: &'a Stretch,
    framer: Framer,
    /// What was read before it was asked for.
    read: VecDeque<Block>,
    /// Where the first line begins; the part's own begin as long as none has been found.
    pub(super) begin: u64,
    /// How far it has been read.
    at: u64,
    /// Where the part ends, but for its last line.
    part_end: u64,
    /// The line is still to end that began before.
    passes_over: bool,
    is_done: bool,
}

impl<'a> PartLines<'a> {
    pub(super) fn new(stretch: &'a Stretch, number: u64) -> PartLines<'a> {
        let begin = stretch.range.start + number * PART;
        PartLines {
            stretch,
            framer: Framer::new(stretch.terminator, Framing::Lines),
            read: VecDeque::new(),
            begin,
            at: begin,
            part_end: stretch.range.end.min(begin + PART),
            passes_over: number > 0,
            is_done: false,
        }
    }

    /// Where the last line ends, if one begins here.
    pub(super) fn end(&self) -> Option<u64> {
        (!self.passes_over).then_some(self.at - self.framer.tail_len() as u64)
    }

    /// Reads all of it and answers how many lines there are.
    pub(super) fn read_all(&mut self) -> Result<u64> {
        let mut lines = 0;
        while let Some(block) = self.next_block()? {
            lines += memchr_iter(self.stretch.terminator, &block).count() as u64;
            self.read.push_back(block);
        }
        Ok(lines)
    }

    /// Reads as far as the first line.
    pub(super) fn read_first(&mut self) -> Result<()> {
        let first = self.next_block()?;
        self.read.extend(first);
        Ok(())
    }

    fn next_block(&mut self) -> Result<Option<Block>> {
        self.next_lines()
            .map_err(|error| Error::io(Call::Read, Arc::clone(&self.stretch.what), error))
    }

    fn next_lines(&mut self) -> io::Result<Option<Block>> {
        while !self.is_done {
            let is_beyond = self.at >= self.part_end;
            let (limit, at_most) = if is_beyond {
                (self.stretch.range.end, STEP)
            } else {
                (self.part_end, usize::MAX)
            };
            let left = usize::try_from(limit - self.at).unwrap_or(usize::MAX);
            if left == 0 || (is_beyond && self.passes_over) {
                self.is_done = true;
                break;
            }
            self.framer.reserve()?;
            let space = self.framer.space();
            let length = space.len().min(left).min(at_most);
            let count = self.stretch.file.read_at(&mut space[..length], self.at)?;
            if count == 0 {
                // It was cut short.
                self.is_done = true;
                break;
            }
            let terminator = memchr(self.stretch.terminator, &space[..count]);
            if is_beyond && let Some(end) = terminator {
                self.is_done = true;
                self.at += end as u64 + 1;
                return Ok(self.framer.filled(end + 1));
            }
            self.at += count as u64;
            let block = self.framer.filled(count);
            if !self.passes_over {
                if block.is_some() {
                    return Ok(block);
                }
                continue;
            }
            match (terminator, block) {
                (Some(end), Some(mut block)) => {
                    self.passes_over = false;
                    self.begin = self.at - count as u64 + end as u64 + 1;
                    block.skip(end + 1);
                    if !block.is_empty() {
                        return Ok(Some(block));
                    }
                }
                // Still the line that began before.
                _ => drop(self.framer.take_tail()),
            }
        }
        Ok(None)
    }
}

impl Pull for PartLines<'_> {
    fn waits(&mut self, waits: &mut Waits, room: bool) {
        if room {
            waits.now();
        }
    }

    fn pull(&mut self, _: &Waits) -> Result<Pulled> {
        let block = match self.read.pop_front() {
            Some(block) => Some(block),
            None => self.next_block()?,
        };
        Ok(block.map_or(Pulled::End, Pulled::Block))
    }
}
