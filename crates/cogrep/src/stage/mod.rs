//! The stage: what is selected goes on, as lines, as matches, as a count or as a name.

mod search;
mod shown;

use costage::{Block, Flow, Result, Stage};

use crate::around::Around;
use crate::output::Output;
use crate::printer::Printer;
use crate::{Matcher, Report, Settings};

/// Lets the lines through that match: the course's `grep(pattern, target)`.
pub fn grep<M: Matcher, S: Stage>(matcher: M, to: S) -> Grep<M, S> {
    Grep::new(matcher, Settings::default(), to)
}

/// Grep as a stage.
///
/// One that is lent to [`drive`](costage::Source::drive) tells afterwards what it saw:
///
/// ```
/// use cogrep::{Grep, Pattern, Report, Settings};
/// use costage::{Source, collect};
///
/// let (lines, sink) = collect();
/// let settings = Settings { report: Report::Count, invert: true, ..Settings::default() };
/// let mut grep = Grep::new(Pattern::literal("python"), settings, sink);
/// Source::text("python\nply\nswig\n").drive(&mut grep)?;
/// assert_eq!(lines.take(), b"2\n");
/// assert!(grep.has_selected());
/// # Ok::<(), costage::Error>(())
/// ```
#[derive(Debug)]
pub struct Grep<M, S> {
    matcher: M,
    settings: Settings,
    printer: Printer,
    output: Output<S>,
    around: Around,
    input: Option<InputState>,
    has_selected: bool,
    has_matched: bool,
}

/// What is known of an input before it is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Input<'a> {
    /// What stands before all that is told of it, if anything does.
    pub name: Option<&'a [u8]>,
    /// How many bytes it has, where that is known: [`Settings::initial_tab`] goes by it.
    pub length: Option<u64>,
}

/// What an input has passed: to go on with it elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Lines, if they are numbered.
    pub lines: u64,
    /// Bytes.
    pub bytes: u64,
    /// Selected lines, if they are counted.
    pub selected: u64,
    /// Has a line been selected?
    pub has_selected: bool,
    /// Has a line matched?
    pub has_matched: bool,
}

impl Passed {
    /// This, and behind it that.
    pub fn add(&mut self, more: Passed) {
        self.lines += more.lines;
        self.bytes += more.bytes;
        self.selected += more.selected;
        self.has_selected |= more.has_selected;
        self.has_matched |= more.has_matched;
    }
}

/// What is known of the input that is being searched.
#[derive(Clone, Copy, Debug, Default)]
struct InputState {
    /// Lines that were passed so far; kept only for line numbers.
    lines: u64,
    selected: u64,
    /// Bytes seen in earlier blocks.
    bytes: u64,
    /// Where the last selected line ends.
    selected_end: u64,
    /// As many lines were selected as are wanted.
    has_enough: bool,
    done: bool,
}

impl InputState {
    fn new(settings: &Settings) -> InputState {
        let wants_none = settings.max_count == Some(0);
        InputState {
            has_enough: wants_none,
            done: wants_none,
            ..InputState::default()
        }
    }
}

impl<M: Matcher, S: Stage> Grep<M, S> {
    /// Searches one nameless input with `matcher` and sends what `settings` say to `to`.
    pub fn new(matcher: M, settings: Settings, to: S) -> Grep<M, S> {
        Grep {
            input: Some(InputState::new(&settings)),
            ..Grep::several(matcher, settings, to)
        }
    }

    /// The same for several inputs, of which each is announced by [`begin`](Grep::begin).
    pub fn several(matcher: M, settings: Settings, to: S) -> Grep<M, S> {
        Grep {
            matcher,
            printer: Printer::new(&settings),
            around: Around::new(
                settings
                    .context
                    .as_ref()
                    .filter(|_| settings.report.shows_lines()),
            ),
            output: Output::new(to, settings.in_pieces),
            settings,
            input: None,
            has_selected: false,
            has_matched: false,
        }
    }

    /// Another input begins: the count or the name of the last is sent if that is wanted, and lines are counted anew.
    pub fn begin(&mut self, input: Input<'_>) -> Result<Flow> {
        let flow = self.end()?;
        self.printer.begin(input, &self.settings);
        self.around.begin();
        self.input = Some(InputState::new(&self.settings));
        Ok(flow)
    }

    /// The input ends: its count or name is sent if that is wanted. [`begin`](Grep::begin) and the end of the chain
    /// do this too; by itself it is for one who has something to say that comes after.
    pub fn end(&mut self) -> Result<Flow> {
        if let Some(input) = self.input.take() {
            let gather = &mut self.output.gather;
            match self.settings.report {
                Report::Count => self.printer.count(gather, input.selected),
                Report::NamesWith if input.selected > 0 => {
                    self.printer.name(gather, &self.settings);
                }
                Report::NamesWithout if input.selected == 0 => {
                    self.printer.name(gather, &self.settings);
                }
                _ => {}
            }
            self.output.send_gathered()?;
        }
        Ok(self.output.flow)
    }

    /// The input ends before its end: neither its count nor its name is sent.
    pub fn break_off(&mut self) {
        self.input = None;
    }

    /// Has any line of any input been selected?
    pub fn has_selected(&self) -> bool {
        self.has_selected
    }

    /// Has any line of any input matched that was searched? With [`Settings::invert`] that is one not selected.
    pub fn has_matched(&self) -> bool {
        self.has_matched
    }

    /// If enough was selected before the end of this input, by [`Settings::max_count`] or a [`Report`] that one line
    /// is enough for: the position behind the last selected line, in bytes.
    pub fn stopped_at(&self) -> Option<u64> {
        let input = self.input.filter(|input| input.has_enough)?;
        Some(input.selected_end)
    }

    /// Takes what was passed and selected of this input elsewhere for its own, as [`Parallel`](crate::Parallel) does
    /// for the beginning of a large file.
    pub fn absorb(&mut self, passed: Passed) {
        let input = self.input.get_or_insert_default();
        input.lines += passed.lines;
        input.bytes += passed.bytes;
        input.selected += passed.selected;
        self.has_selected |= passed.has_selected;
        self.has_matched |= passed.has_matched;
    }

    /// What has been passed of this input.
    pub fn passed(&self) -> Passed {
        let input = self.input.unwrap_or_default();
        Passed {
            lines: input.lines,
            bytes: input.bytes,
            selected: input.selected,
            has_selected: self.has_selected,
            has_matched: self.has_matched,
        }
    }

    /// How many bytes have been sent on, of all inputs.
    pub fn sent(&self) -> u64 {
        self.output.sent
    }

    /// What matches.
    pub fn matcher(&mut self) -> &mut M {
        &mut self.matcher
    }

    /// Where it sends on.
    pub fn output(&mut self) -> &mut S {
        &mut self.output.to
    }
}

impl<M: Matcher, S: Stage> Stage for Grep<M, S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        let mut input = self.input.unwrap_or_default();
        if input.done {
            return Ok(Flow::Stop);
        }
        self.output.flow = Flow::More;
        if self.settings.report.shows_lines() {
            self.output.gather.set_terminator(block.terminator());
        }
        let searched = if input.has_enough {
            self.pass_over(block, 0..block.len(), &mut input)
        } else {
            self.search(block, &mut input)
        };
        self.around.hold(block);
        input.bytes += block.len() as u64;
        self.input = Some(input);
        searched?;
        self.output.send_gathered()?;
        Ok(if input.done {
            Flow::Stop
        } else {
            self.output.flow
        })
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.output.to)
    }

    fn close(&mut self) -> Result<()> {
        let ended = self.end();
        ended.map(|_| ()).and(self.output.to.close())
    }
}

#[cfg(test)]
mod tests;
