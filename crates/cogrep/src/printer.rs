//! How a line is shown: what stands before it, its matches in colour, replaced, or alone.
//!
//! A line may have more matches than memory: where its target is full it is left, and gone on with later.

use std::ops::Range;

use costage::{Block, Gather, Result, Stage};

use crate::colors::{Color, Colors};
use crate::output::Output;
use crate::pattern::character;
use crate::replacement::Piece;
use crate::{Input, Matcher, Report, Settings};

/// What stands behind a name, a number or an offset, and tells lines that are selected from those around them.
const SELECTED: u8 = b':';
const CONTEXT: u8 = b'-';

/// What a line is shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Selected,
    Context,
}

/// Where a line is in its input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// Its first byte's offset, from 0.
    pub(crate) offset: u64,
}

/// A line that is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    block: &'a Block,
    /// Where in the block it begins.
    start: usize,
    /// Without its terminator.
    text: &'a [u8],
    kind: Kind,
    place: Place,
}

impl<'a> Line<'a> {
    /// The line `at` of `block`, whose bytes are `text`; its terminator may be missing.
    pub(crate) fn new(
        block: &'a Block,
        text: &'a [u8],
        at: Range<usize>,
        (kind, place): (Kind, Place),
    ) -> Line<'a> {
        let line = &text[at.clone()];
        Line {
            block,
            start: at.start,
            text: line.strip_suffix(&[block.terminator()]).unwrap_or(line),
            kind,
            place,
        }
    }

    pub(crate) fn block(&self) -> &'a Block {
        self.block
    }

    pub(crate) fn what(&self) -> (Kind, Place) {
        (self.kind, self.place)
    }

    /// Is there a match in it? If the lines without one are selected, those that are shown around them have one.
    fn is_match(&self, settings: &Settings) -> bool {
        (self.kind == Kind::Selected) != settings.invert
    }

    /// These of its bytes, and where they are in the block.
    pub(crate) fn part(&self, part: Range<usize>) -> (&'a [u8], Range<usize>) {
        let text = &self.text[part.clone()];
        (text, self.start + part.start..self.start + part.end)
    }
}

/// How far a line has been shown.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Where the next match is looked for.
    from: usize,
    /// Where the last that was found ends.
    last_end: Option<usize>,
    /// Up to where the text has been shown.
    shown: usize,
}

impl Progress {
    /// Has a match been found?
    pub(crate) fn has_match(&self) -> bool {
        self.last_end.is_some()
    }
}

#[derive(Debug)]
pub(crate) struct Printer {
    name: Option<Vec<u8>>,
    colors: Option<Colors>,
    /// What a name is made into before a line that is selected, and before one that is not.
    heads: [Vec<u8>; 2],
    /// So many digits a number or an offset is filled up to.
    width: usize,
    groups: Vec<Option<Range<usize>>>,
}

impl Printer {
    pub(crate) fn new(settings: &Settings) -> Printer {
        Printer {
            name: None,
            colors: settings.colors.clone(),
            heads: [Vec::new(), Vec::new()],
            width: width(None, settings),
            groups: Vec::new(),
        }
    }

    /// What comes now is of this input.
    pub(crate) fn begin(&mut self, input: Input<'_>, settings: &Settings) {
        let name = input.name;
        self.width = width(input.length, settings);
        self.name = name.map(<[u8]>::to_vec);
        self.heads = [SELECTED, CONTEXT].map(|separator| {
            let mut head = Vec::new();
            if let Some(name) = name {
                let mut push = |bytes: &[u8]| head.extend_from_slice(bytes);
                colored(
                    &mut push,
                    self.colors.as_ref().map(|colors| &colors.name),
                    name,
                );
                if settings.null_after_names {
                    push(b"\0");
                } else {
                    let color = self.colors.as_ref().map(|colors| &colors.separator);
                    colored(&mut push, color, &[separator]);
                }
            }
            head
        });
    }

    /// Does nothing stand before a line, and is it shown as it is?
    pub(crate) fn is_plain(&self, settings: &Settings) -> bool {
        settings.report == Report::Lines
            && self.name.is_none()
            && !settings.line_numbers
            && !settings.byte_offsets
            && settings.replacement.is_none()
            && self.colors.is_none()
    }

    /// The count of an input.
    pub(crate) fn count(&self, gather: &mut Gather, count: u64) {
        gather.push(&self.heads[0]);
        push_number(gather, count, 0);
        gather.push(b"\n");
    }

    /// The name of an input, alone, if it has one.
    pub(crate) fn name_alone(&self, gather: &mut Gather, settings: &Settings) {
        let Some(name) = &self.name else { return };
        let color = self.colors.as_ref().map(|colors| &colors.name);
        colored(&mut |bytes| gather.push(bytes), color, name);
        gather.push(if settings.null_after_names {
            b"\0"
        } else {
            b"\n"
        });
    }

    /// What stands between lines that are not adjacent.
    pub(crate) fn separator(&self, gather: &mut Gather, separator: &[u8]) {
        let color = self.colors.as_ref().map(|colors| &colors.separator);
        colored(&mut |bytes| gather.push(bytes), color, separator);
        gather.push(b"\n");
    }

    /// One line, from where it was left. Answers whether it has been shown to its end.
    pub(crate) fn line<M: Matcher, S: Stage>(
        &mut self,
        output: &mut Output<S>,
        matcher: &mut M,
        settings: &Settings,
        line: &Line<'_>,
        progress: &mut Progress,
    ) -> Result<bool> {
        let is_match = line.is_match(settings);
        if settings.report == Report::Matches {
            return if is_match {
                self.matches(output, matcher, settings, line, progress)
            } else {
                Ok(true)
            };
        }
        // It is left behind a match.
        if !progress.has_match() {
            self.head(&mut output.gather, settings, line.kind, line.place);
            self.tab(&mut output.gather, settings, line.text);
        }
        if (is_match && settings.replacement.is_some()) || self.colors.is_some() {
            if !self.marked(output, matcher, settings, line, progress)? {
                return Ok(false);
            }
        } else {
            output.push(line, 0..line.text.len())?;
        }
        output.gather.push(&[line.block.terminator()]);
        output.spill()?;
        Ok(true)
    }

    fn head(&self, gather: &mut Gather, settings: &Settings, kind: Kind, place: Place) {
        let (head, separator) = match kind {
            Kind::Selected => (&self.heads[0], SELECTED),
            Kind::Context => (&self.heads[1], CONTEXT),
        };
        gather.push(head);
        if settings.line_numbers {
            self.number(gather, place.number, separator, |colors| {
                &colors.line_number
            });
        }
        if settings.byte_offsets {
            self.number(gather, place.offset, separator, |colors| {
                &colors.byte_offset
            });
        }
    }

    /// The tab between what stands before a line and its text, if it has any.
    fn tab(&self, gather: &mut Gather, settings: &Settings, text: &[u8]) {
        let has_head = self.name.is_some() || settings.line_numbers || settings.byte_offsets;
        if settings.initial_tab && has_head && !text.is_empty() {
            gather.push(b"\t");
        }
    }

    fn number(
        &self,
        gather: &mut Gather,
        number: u64,
        separator: u8,
        color: impl Fn(&Colors) -> &Color,
    ) {
        let Some(colors) = &self.colors else {
            push_number(gather, number, self.width);
            gather.push(&[separator]);
            return;
        };
        let mut push = |bytes: &[u8]| gather.push(bytes);
        colored(
            &mut push,
            Some(color(colors)),
            format!("{number:width$}", width = self.width).as_bytes(),
        );
        colored(&mut push, Some(&colors.separator), &[separator]);
    }

    /// Each match that is not empty as a line of its own.
    fn matches<M: Matcher, S: Stage>(
        &mut self,
        output: &mut Output<S>,
        matcher: &mut M,
        settings: &Settings,
        line: &Line<'_>,
        progress: &mut Progress,
    ) -> Result<bool> {
        while let Some(found) = self.next_match(matcher, settings, line.text, progress) {
            let offset = line.place.offset + found.start as u64;
            let place = Place {
                offset,
                ..line.place
            };
            self.head(&mut output.gather, settings, line.kind, place);
            self.tab(&mut output.gather, settings, &line.text[found.clone()]);
            let color = self.colors.as_ref().map(|colors| match line.kind {
                Kind::Selected => &colors.selected_match,
                Kind::Context => &colors.context_match,
            });
            self.matched(output, settings, line, found, color)?;
            output.gather.push(&[line.block.terminator()]);
            output.spill()?;
            if !output.goes_on() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The text with its matches coloured or replaced. As grep has it, the colour of the line itself is set before
    /// each part and ended only behind the last.
    fn marked<M: Matcher, S: Stage>(
        &mut self,
        output: &mut Output<S>,
        matcher: &mut M,
        settings: &Settings,
        line: &Line<'_>,
        progress: &mut Progress,
    ) -> Result<bool> {
        let is_match = line.is_match(settings);
        let (color, mark) = match &self.colors {
            Some(colors) => {
                let reverses = settings.invert && colors.reverses;
                let color = if (line.kind == Kind::Context) == reverses {
                    &colors.selected_line
                } else {
                    &colors.context_line
                };
                let mark = match line.kind {
                    Kind::Selected => &colors.selected_match,
                    Kind::Context => &colors.context_match,
                };
                (color.clone(), mark.clone())
            }
            None => (Color::default(), Color::default()),
        };
        if is_match && (settings.replacement.is_some() || !mark.is_none()) {
            while let Some(found) = self.next_match(matcher, settings, line.text, progress) {
                output.gather.push(color.start.as_bytes());
                output.push(line, progress.shown..found.start)?;
                progress.shown = found.end;
                self.matched(output, settings, line, found, Some(&mark))?;
                if !output.goes_on() {
                    return Ok(false);
                }
            }
        }
        let (shown, end) = (progress.shown, line.text.len());
        let text_end = end - usize::from(line.text[shown..].ends_with(b"\r"));
        if color.is_none() || text_end == shown {
            output.push(line, shown..end)?;
        } else {
            output.gather.push(color.start.as_bytes());
            output.push(line, shown..text_end)?;
            output.gather.push(color.end.as_bytes());
            output.push(line, text_end..end)?;
        }
        Ok(true)
    }

    fn next_match<M: Matcher>(
        &mut self,
        matcher: &mut M,
        settings: &Settings,
        text: &[u8],
        next: &mut Progress,
    ) -> Option<Range<usize>> {
        // What is empty can be replaced, but not right behind another match, and not shown.
        let replaces = settings.replacement.is_some();
        let counts_empty = replaces && settings.report == Report::Lines;
        while next.from < text.len() + usize::from(counts_empty) {
            let found = if replaces {
                if !matcher.groups(text, next.from, &mut self.groups) {
                    return None;
                }
                self.groups.first().cloned().flatten()?
            } else {
                matcher.bounds(text, next.from)?
            };
            // One that begins before that would be found for ever.
            if found.start < next.from {
                return None;
            }
            next.from = found.end;
            if found.is_empty() {
                next.from += character(&text[found.end..]);
            }
            let is_behind = next.last_end.replace(found.end) == Some(found.start);
            if !found.is_empty() || (counts_empty && !is_behind) {
                return Some(found);
            }
        }
        None
    }

    fn matched<S: Stage>(
        &self,
        output: &mut Output<S>,
        settings: &Settings,
        line: &Line<'_>,
        found: Range<usize>,
        color: Option<&Color>,
    ) -> Result<()> {
        let color = color.filter(|color| !color.is_none());
        if let Some(color) = color {
            output.gather.push(color.start.as_bytes());
        }
        match &settings.replacement {
            Some(replacement) => {
                for piece in replacement.expand(&self.groups) {
                    match piece {
                        Piece::Text(text) => output.gather.push(text),
                        Piece::Group(group) => output.push(line, group)?,
                    }
                }
            }
            None => output.push(line, found)?,
        }
        if let Some(color) = color {
            output.gather.push(color.end.as_bytes());
        }
        Ok(())
    }
}

/// Text between the two sequences of a colour.
fn colored(push: &mut impl FnMut(&[u8]), color: Option<&Color>, text: &[u8]) {
    match color.filter(|color| !color.is_none()) {
        Some(color) => {
            push(color.start.as_bytes());
            push(text);
            push(color.end.as_bytes());
        }
        None => push(text),
    }
}

/// How many digits numbers and offsets are filled up to: as many as the last of an input of this length may need.
fn width(length: Option<u64>, settings: &Settings) -> usize {
    if !settings.initial_tab {
        return 0;
    }
    // An input of unknown length has as many bytes as a file can.
    let most = length.unwrap_or(i64::MAX.unsigned_abs()) + u64::from(settings.line_numbers);
    most.to_string().len()
}

/// A number with so many blanks before it that it is at least this wide; of the blanks there are at most 20.
fn push_number(gather: &mut Gather, mut number: u64, width: usize) {
    // The most digits a u64 has.
    let mut digits = [b' '; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        let digit = (number % 10) as u8;
        digits[at] = b'0' + digit;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    gather.push(&digits[at.min(digits.len().saturating_sub(width))..]);
}
