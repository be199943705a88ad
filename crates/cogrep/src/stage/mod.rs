//! The stage: what is selected goes on, as lines, as matches, as a count or as a name.

mod search;
mod shown;

use std::collections::VecDeque;

use costage::{Block, Error, Flow, Result, Stage, Waits};

use self::shown::Rest;
use crate::around::Around;
use crate::output::Output;
use crate::printer::{Place, Printer};
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
    /// What is left of a line, from when its target was full on.
    rest: Option<Rest>,
    /// What was sent while there is a rest: after a signal, what had been read.
    behind: VecDeque<Block>,
    /// The chain is to be closed behind it.
    closes: bool,
}

/// What is known of an input before it is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Input<'a> {
    /// The name before its lines or its count, or alone; of one without, no name is sent.
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
}

impl InputState {
    fn new(settings: &Settings) -> InputState {
        InputState {
            has_enough: settings.max_count == Some(0),
            ..InputState::default()
        }
    }

    /// The next line to be shown, which begins at `offset`.
    fn next_line(&mut self, offset: u64) -> Place {
        self.lines += 1;
        Place {
            number: self.lines,
            offset,
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
            rest: None,
            behind: VecDeque::new(),
            closes: false,
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
        self.show_left()?;
        if let Some(input) = self.input.take() {
            let gather = &mut self.output.gather;
            match self.settings.report {
                Report::Count => self.printer.count(gather, input.selected),
                Report::NamesWith if input.selected > 0 => {
                    self.printer.name_alone(gather, &self.settings);
                }
                Report::NamesWithout if input.selected == 0 => {
                    self.printer.name_alone(gather, &self.settings);
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
        let settings = &self.settings;
        let input = self.input.get_or_insert_with(|| InputState::new(settings));
        input.lines += passed.lines;
        input.bytes += passed.bytes;
        input.selected += passed.selected;
        self.has_selected |= passed.has_selected;
        self.has_matched |= passed.has_matched;
    }

    /// What has been passed of this input.
    pub fn passed(&self) -> Passed {
        let input = self.input_state();
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

    /// How things stand: where no line is left, as the target has it.
    fn answer(&self) -> Flow {
        if self.rest.is_some() {
            Flow::Full
        } else if self.is_done(self.input_state()) {
            Flow::Stop
        } else {
            self.output.flow
        }
    }

    fn input_state(&self) -> InputState {
        self.input
            .unwrap_or_else(|| InputState::new(&self.settings))
    }

    /// Is all that is wanted of the input there, with the context behind it?
    fn is_done(&self, input: InputState) -> bool {
        input.has_enough && self.around.still_to_come() == 0
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
        if self.rest.is_some() {
            self.behind.push_back(block.clone());
            return Ok(Flow::Full);
        }
        // A copy: what follows needs all of `self`.
        let mut input = self.input_state();
        if self.is_done(input) {
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
        // Of a line that is left what is gathered waits, too: the target that is full is to be the last that answered.
        if self.rest.is_none() {
            self.output.send_gathered()?;
        }
        Ok(self.answer())
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.output.to)
    }

    fn flush(&mut self) -> Result<Flow> {
        let is_left = self.rest.is_some();
        let flow = self.output.to.flush()?;
        match self.go_on(flow)? {
            Flow::More if is_left => self.output.to.flush(),
            flow => Ok(flow),
        }
    }

    fn close(&mut self) -> Result<()> {
        if self.rest.is_some() {
            self.closes = true;
            return Ok(());
        }
        let ended = self.end();
        ended.map(|_| ()).and(self.output.to.close())
    }

    fn throw(&mut self, error: Error) -> Result<()> {
        // The first error counts, not that its reader has left, too.
        let _ = self.show_left();
        self.output.to.throw(error)
    }

    fn wake(&mut self, waits: &Waits) -> Result<Flow> {
        let flow = self.output.to.wake(waits)?;
        self.go_on(flow)
    }

    fn idle(&mut self) -> bool {
        self.rest.is_none() && self.output.to.idle()
    }
}

#[cfg(test)]
mod tests;
