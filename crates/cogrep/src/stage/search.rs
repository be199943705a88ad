//! The search: from hit to hit through a block.

use std::ops::Range;

use costage::{Block, Flow, Result, Stage};
use memchr::{memchr, memchr_iter};

use super::{Grep, InputState};
use crate::output::WORTH_SHARING;
use crate::pattern::line_around;
use crate::printer::Kind;
use crate::{Matcher, Report};

impl<M: Matcher, S: Stage> Grep<M, S> {
    /// Do the selected lines go on as they are, all of them?
    fn is_plain(&self) -> bool {
        self.printer.is_plain(&self.settings)
            && self.settings.max_count.is_none()
            && !self.around.is_wanted()
    }

    /// Counts the lines that match, if nothing else is wanted: where one begins does not matter.
    fn count(&mut self, block: &Block, input: &mut InputState) {
        let text: &[u8] = block;
        let terminator = block.terminator();
        let mut matched = 0;
        let mut at = 0;
        while at < text.len()
            && let Some(hit) = self.matcher.find(text, at, terminator)
        {
            matched += 1;
            at = memchr(terminator, &text[hit..]).map_or(text.len(), |end| hit + end + 1);
        }
        let selected = if self.settings.invert {
            count_lines(text, terminator) - matched
        } else {
            matched
        };
        input.selected += selected;
        self.has_selected |= selected > 0;
        self.has_matched |= matched > 0;
    }

    /// The hot loop: from hit to hit through the block. Neighbouring hits are one run.
    pub(super) fn search(&mut self, block: &Block, input: &mut InputState) -> Result<()> {
        if self.settings.report == Report::Count && self.settings.max_count.is_none() {
            self.count(block, input);
            return Ok(());
        }
        if self.shows_matches_of_blocks() {
            return self.show_matches(block, input);
        }
        // Once: to get at the bytes of a block costs as much as to look at a few of them.
        let text: &[u8] = block;
        let terminator = block.terminator();
        let is_plain = self.is_plain();
        // Selected and not yet dealt with.
        let mut run = 0..0;
        let mut at = 0;
        while at < text.len() && !input.has_enough && self.output.flow != Flow::Stop {
            let line = match self.matcher.find(text, at, terminator) {
                Some(hit) => line_around(text, at, hit, terminator),
                None => text.len()..text.len(),
            };
            self.has_matched |= !line.is_empty();
            let selected = if self.settings.invert {
                at..line.start
            } else {
                line.clone()
            };
            at = line.end;
            if selected.start != run.end {
                if is_plain && run.len() < WORTH_SHARING {
                    // Not the last line of all, so it is finished.
                    self.has_selected |= !run.is_empty();
                    self.output.gather.push(&text[run]);
                    run = selected.start..selected.start;
                } else {
                    self.deal_with(block, &mut run, selected.start, input)?;
                }
            }
            run.end = selected.end;
            if self.settings.report.wants_one() && !run.is_empty() {
                break;
            }
        }
        if !input.has_enough && self.output.flow != Flow::Stop {
            self.deal_with(block, &mut run, text.len(), input)?;
        }
        Ok(())
    }

    /// Selects `run`, passes over what lies between it and `next`, and begins a new run there.
    fn deal_with(
        &mut self,
        block: &Block,
        run: &mut Range<usize>,
        next: usize,
        input: &mut InputState,
    ) -> Result<()> {
        let selected = std::mem::replace(run, next..next);
        let mut dealt_to = selected.end;
        if !selected.is_empty() {
            dealt_to = self.select(block, selected, input)?;
        }
        // Once there is enough the rest of the block is looked at no more, except for context.
        let behind = if input.has_enough { block.len() } else { next };
        self.pass_over(block, dealt_to..behind, input)
    }

    /// Lines `run` of `block` are selected, as far as so many are wanted. Answers how far that was.
    fn select(
        &mut self,
        block: &Block,
        run: Range<usize>,
        input: &mut InputState,
    ) -> Result<usize> {
        self.has_selected = true;
        let wanted = if self.settings.report.wants_one() {
            Some(1)
        } else {
            let max = self.settings.max_count;
            max.map(|max| max.saturating_sub(input.selected))
        };
        let (count, end) = match wanted {
            Some(wanted) => first_lines(&block[..run.end], run.start, wanted, block.terminator()),
            // Nobody asks how many there are.
            None => (0, run.end),
        };
        let run = run.start..end;
        input.selected += count;
        input.selected_end = input.bytes + end as u64;
        input.has_enough = wanted.is_some_and(|wanted| count >= wanted);
        if self.settings.report.shows_lines() {
            self.show_before(block, run.start, input)?;
            self.show(block, run, Kind::Selected, input)?;
        }
        Ok(end)
    }

    /// Lines that are not selected: the first may be context of those before.
    pub(super) fn pass_over(
        &mut self,
        block: &Block,
        gap: Range<usize>,
        input: &mut InputState,
    ) -> Result<()> {
        let wanted = self.around.still_to_come();
        let mut rest = gap.start;
        if wanted > 0 && !gap.is_empty() {
            let lines = &block[..gap.end];
            let (count, end) = first_lines(lines, gap.start, wanted, block.terminator());
            self.around.came(count);
            self.show(block, gap.start..end, Kind::Context, input)?;
            rest = end;
        }
        if self.settings.line_numbers && !input.has_enough && self.settings.report.shows_lines() {
            input.lines += count_lines(&block[rest..gap.end], block.terminator());
        }
        Ok(())
    }
}

/// How many lines `text` is; one that lacks its terminator counts.
fn count_lines(text: &[u8], terminator: u8) -> u64 {
    let unfinished = text.last().is_some_and(|&last| last != terminator);
    memchr_iter(terminator, text).count() as u64 + u64::from(unfinished)
}

/// The first lines of `text` from `start` on, at most `wanted`: how many, and where they end.
fn first_lines(text: &[u8], start: usize, wanted: u64, terminator: u8) -> (u64, usize) {
    let (mut count, mut end) = (0, start);
    for line_end in memchr_iter(terminator, &text[start..]) {
        if count == wanted {
            return (count, end);
        }
        count += 1;
        end = start + line_end + 1;
    }
    if count < wanted && end < text.len() {
        return (count + 1, text.len());
    }
    (count, end)
}
