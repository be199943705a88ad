//! The lines around the selected ones, across blocks.

use std::collections::VecDeque;

use costage::Block;
use memchr::memrchr_iter;

use crate::Context;
use crate::printer::Kind;

/// What was shown, what may still have to be, and the lines that may turn out to be before a selected one.
#[derive(Debug)]
pub(crate) struct Around {
    context: Option<Context>,
    /// The last lines of earlier blocks of the input that were not shown.
    held: VecDeque<Block>,
    /// So many lines behind the last selected one are still to be shown.
    to_come: u64,
    /// How far this block has been shown, if any of it has.
    shown_to: Option<usize>,
    /// Where the last line that was shown ends in its input.
    last_end: Option<u64>,
    has_shown: bool,
}

/// The lines before a selected one that have not been shown.
#[derive(Debug)]
pub(crate) struct Before {
    /// Of the held lines so many, the last ones.
    pub(crate) held: usize,
    /// In the block from here on.
    pub(crate) start: usize,
    /// How many these are together.
    pub(crate) count: u64,
    /// Lines lie between them and what was shown before.
    pub(crate) is_apart: bool,
}

impl Around {
    pub(crate) fn new(context: Option<&Context>) -> Around {
        Around {
            context: context.cloned(),
            held: VecDeque::new(),
            to_come: 0,
            shown_to: None,
            last_end: None,
            has_shown: false,
        }
    }

    /// Another input begins.
    pub(crate) fn begin(&mut self) {
        self.held.clear();
        self.to_come = 0;
        self.shown_to = None;
        self.last_end = None;
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.context.is_some()
    }

    pub(crate) fn separator(&self) -> Option<&[u8]> {
        self.context.as_ref()?.separator.as_deref()
    }

    /// What is to be shown before a selected line that begins at `start` of a block before which there were so many
    /// bytes.
    pub(crate) fn before(&self, block: &Block, start: usize, bytes: u64) -> Before {
        let wanted = self.context.as_ref().map_or(0, |context| context.before);
        let from = self.shown_to.unwrap_or(0);
        let (mut count, mut first) = (0, start);
        if wanted > 0 && start > from {
            // The terminator of the line before is not the end of a line to be shown.
            for end in memrchr_iter(block.terminator(), &block[from..start - 1]) {
                count += 1;
                first = from + end + 1;
                if count == wanted {
                    break;
                }
            }
            if count < wanted {
                count += 1;
                first = from;
            }
        }
        let held = if self.shown_to.is_none() {
            self.held.len().min(wanted - count)
        } else {
            0
        };
        let held_lines = self.held.iter().skip(self.held.len() - held);
        let held_bytes: usize = held_lines.map(|line| line.len()).sum();
        let begins = bytes + first as u64 - held_bytes as u64;
        Before {
            held,
            start: first,
            count: (held + count) as u64,
            is_apart: self.has_shown && self.last_end != Some(begins),
        }
    }

    pub(crate) fn take_held(&mut self, count: usize) -> Vec<Block> {
        let first = self.held.len() - count;
        self.held.drain(first..).collect()
    }

    /// Lines were shown, up to here in a block before which there were so many bytes.
    pub(crate) fn shown(&mut self, end: usize, bytes: u64, kind: Kind) {
        let Some(context) = &self.context else { return };
        self.shown_to = Some(end);
        self.last_end = Some(bytes + end as u64);
        self.has_shown = true;
        if kind == Kind::Selected {
            self.to_come = context.after as u64;
        }
    }

    /// How many lines behind the last selected one are still to be shown.
    pub(crate) fn still_to_come(&self) -> u64 {
        self.to_come
    }

    pub(crate) fn came(&mut self, count: u64) {
        self.to_come -= count;
    }

    /// The block ends: its last lines are kept as far as they may have to be shown.
    pub(crate) fn hold(&mut self, block: &Block) {
        let shown_to = self.shown_to.take();
        let Some(context) = self.context.as_ref().filter(|context| context.before > 0) else {
            return;
        };
        if shown_to.is_some() {
            self.held.clear();
        }
        let from = shown_to.unwrap_or(0);
        let rest = &block[from..];
        let mut ends = memrchr_iter(
            block.terminator(),
            rest.split_last().map_or(rest, |(_, rest)| rest),
        );
        let start = ends.nth(context.before - 1).map_or(0, |end| end + 1);
        let mut last = block.slice(from + start..block.len());
        while !last.is_empty() {
            self.held.push_back(last.split_lines(1).compact());
        }
        while self.held.len() > context.before {
            self.held.pop_front();
        }
    }
}
