//! What is shown of the lines that were selected, and of those around them.

use std::ops::Range;

use costage::{Block, Flow, Result, Stage};
use memchr::memchr;

use super::{Grep, InputState};
use crate::printer::{Kind, Line, Place, Progress};
use crate::{Matcher, Report};

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
        self.output.pauses = false;
        for line in held {
            let place = input.next_line(offset);
            self.show_line(&Line::new(
                &line,
                &line,
                0..line.len(),
                (Kind::Context, place),
            ))?;
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
        // Once: to get at the bytes of a block costs as much as to look at a few of them.
        let text: &[u8] = block;
        let mut start = lines.start;
        while start < lines.end && self.output.flow != Flow::Stop {
            let end = memchr(block.terminator(), &text[start..lines.end]);
            let end = end.map_or(lines.end, |end| start + end + 1);
            let place = input.next_line(input.bytes + start as u64);
            // What is left of a line has to be all that is left of its block.
            self.output.pauses = end - start == text.len();
            self.show_line(&Line::new(block, text, start..end, (kind, place)))?;
            start = end;
        }
        Ok(())
    }

    /// Are matches shown alone, and need nothing of the lines they are in?
    pub(super) fn shows_matches_of_blocks(&self) -> bool {
        let settings = &self.settings;
        settings.report == Report::Matches
            && !settings.invert
            && !settings.line_numbers
            && settings.max_count.is_none()
            && settings.replacement.is_none()
            && !self.around.is_wanted()
            && self.matcher.finds_in_blocks()
    }

    /// Shows each match of a block, as if that were one line.
    pub(super) fn show_matches(&mut self, block: &Block, input: &InputState) -> Result<()> {
        let place = Place {
            number: 0,
            offset: input.bytes,
        };
        self.output.pauses = true;
        let what = (Kind::Selected, place);
        let has_match = self.show_line(&Line::new(block, block, 0..block.len(), what))?;
        self.has_selected |= has_match;
        self.has_matched |= has_match;
        Ok(())
    }

    /// Answers whether a match was looked for and found.
    fn show_line(&mut self, line: &Line<'_>) -> Result<bool> {
        self.show_from(line, Progress::default())
    }

    /// Shows a line from where it was left. Where it is left again, the rest is kept.
    fn show_from(&mut self, line: &Line<'_>, mut progress: Progress) -> Result<bool> {
        let is_shown = self.printer.line(
            &mut self.output,
            &mut self.matcher,
            &self.settings,
            line,
            &mut progress,
        )?;
        let has_match = progress.has_match();
        if !is_shown && self.output.flow == Flow::Full {
            self.rest = Some(Rest {
                block: line.block().clone(),
                what: line.what(),
                progress,
            });
        }
        Ok(has_match)
    }

    /// Goes on with a line that was left, unless its target, which answers `flow` now, is still full.
    pub(super) fn go_on(&mut self, flow: Flow) -> Result<Flow> {
        let Some(rest) = self.rest.take_if(|_| flow != Flow::Full) else {
            return Ok(flow);
        };
        self.output.flow = flow;
        if flow == Flow::More {
            self.show_rest(rest)?;
            self.send_behind()?;
        } else {
            self.behind.clear();
        }
        if self.rest.is_some() {
            return Ok(Flow::Full);
        }
        self.output.send_gathered()?;
        if self.closes {
            self.output.to.close()?;
        }
        Ok(self.answer())
    }

    /// Shows what is left of a line to its end, and what was sent behind it, whether there is room or not.
    pub(super) fn show_left(&mut self) -> Result<()> {
        while let Some(rest) = self.rest.take() {
            self.output.pauses = false;
            self.show_rest(rest)?;
            self.send_behind()?;
        }
        Ok(())
    }

    /// Takes what was sent behind the line that was left, unless one is left again.
    fn send_behind(&mut self) -> Result<()> {
        while self.rest.is_none()
            && let Some(block) = self.behind.pop_front()
        {
            let _ = self.send(&block)?;
        }
        Ok(())
    }

    fn show_rest(&mut self, rest: Rest) -> Result<()> {
        let (text, at): (&[u8], _) = (&rest.block, 0..rest.block.len());
        self.show_from(&Line::new(&rest.block, text, at, rest.what), rest.progress)?;
        Ok(())
    }
}

/// What is left of a line that is all of its block, or of a block whose matches are shown.
#[derive(Debug)]
pub(super) struct Rest {
    block: Block,
    what: (Kind, Place),
    progress: Progress,
}
