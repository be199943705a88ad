//! What is shown of the lines that were selected, and of those around them.

use std::ops::Range;

use costage::{Block, Flow, Result, Stage};

use super::{Grep, InputState};
use crate::Matcher;
use crate::printer::{Kind, Place};

impl<M: Matcher, S: Stage> Grep<M, S> {
    /// Shows lines of the context before a selected line that begins at `start`.
    pub(super) fn show_before(
        &mut self,
        block: &Block,
        start: usize,
        input: &mut InputState,
    ) -> Result<()> {
        if !self.around.is_wanted() {
            return Ok(());
        }
        let before = self.around.before(block, start, input.bytes);
        if before.is_apart
            && let Some(separator) = self.around.separator()
        {
            self.printer.separator(&mut self.output.gather, separator);
        }
        // They were passed over, and are shown after all.
        input.lines = input.lines.saturating_sub(before.count);
        let held = self.around.take_held(before.held);
        let mut offset = input.bytes + before.start as u64;
        offset -= held.iter().map(|line| line.len() as u64).sum::<u64>();
        for line in held {
            self.show_line(&line, offset, block.terminator(), Kind::Context, input)?;
            offset += line.len() as u64;
        }
        self.show(block, before.start..start, Kind::Context, input)
    }

    /// Shows lines, which are the next that were not shown or passed over.
    pub(super) fn show(
        &mut self,
        block: &Block,
        lines: Range<usize>,
        kind: Kind,
        input: &mut InputState,
    ) -> Result<()> {
        self.around.shown(lines.end, input.bytes, kind);
        if self.printer.is_plain(&self.settings) {
            return self.output.pass(block, lines);
        }
        let mut offset = input.bytes + lines.start as u64;
        for line in block.slice(lines).lines() {
            if self.output.flow == Flow::Stop {
                break;
            }
            self.show_line(line, offset, block.terminator(), kind, input)?;
            offset += line.len() as u64;
        }
        Ok(())
    }

    /// Shows the next line, which begins at `offset` of its input.
    fn show_line(
        &mut self,
        line: &[u8],
        offset: u64,
        terminator: u8,
        kind: Kind,
        input: &mut InputState,
    ) -> Result<()> {
        input.lines += 1;
        let place = Place {
            number: input.lines,
            offset,
        };
        self.printer.line(
            &mut self.output,
            &mut self.matcher,
            &self.settings,
            line,
            terminator,
            (kind, place),
        )
    }
}
