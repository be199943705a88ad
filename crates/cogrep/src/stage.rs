//! The stage: what is selected goes on, as lines or as a count.

use std::io::Write;
use std::ops::Range;

use costage::{Block, Flow, Gather, Result, Stage};
use memchr::{memchr, memchr_iter, memrchr};

use crate::Matcher;

/// A run of selected lines this long goes on as it is, shared, instead of being gathered with others.
const WORTH_SHARING: usize = 32 << 10;

/// What a [`Grep`] does with the lines it selects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Report {
    /// Send them on.
    #[default]
    Lines,
    /// Send on, for each input, how many there are.
    Count,
    /// Nothing: the first one is all that is wanted.
    Nothing,
}

/// Which lines are selected, and what is told of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// Select the lines that do not match.
    pub invert: bool,
    /// What becomes of the selected lines.
    pub report: Report,
    /// Put its number in its input before each line.
    pub line_numbers: bool,
    /// Stop after so many selected lines of an input.
    pub max_count: Option<u64>,
}

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
    to: S,
    gather: Gather,
    /// Before each line, or the count.
    prefix: Vec<u8>,
    input: Option<InputState>,
    has_selected: bool,
    /// What the target answered last.
    flow: Flow,
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
    done: bool,
}

impl<M: Matcher, S: Stage> Grep<M, S> {
    /// Searches one nameless input with `matcher` and sends what `settings` say to `to`.
    pub fn new(matcher: M, settings: Settings, to: S) -> Grep<M, S> {
        Grep {
            input: Some(InputState::default()),
            ..Grep::several(matcher, settings, to)
        }
    }

    /// The same for several inputs, of which each is announced by [`begin`](Grep::begin).
    pub fn several(matcher: M, settings: Settings, to: S) -> Grep<M, S> {
        Grep {
            matcher,
            settings,
            to,
            gather: Gather::new(b'\n'),
            prefix: Vec::new(),
            input: None,
            has_selected: false,
            flow: Flow::More,
        }
    }

    /// Another input begins: the count of the last is sent if counts are wanted, lines are counted anew, and
    /// what is told has this name before it, if there is one.
    pub fn begin(&mut self, name: Option<&[u8]>) -> Result<Flow> {
        let flow = self.end()?;
        self.prefix.clear();
        if let Some(name) = name {
            self.prefix.extend_from_slice(name);
            self.prefix.push(b':');
        }
        self.input = Some(InputState::default());
        Ok(flow)
    }

    /// The input ends: its count is sent if counts are wanted. [`begin`](Grep::begin) and the end of the chain
    /// do this too; by itself it is for one who has something to say that comes after.
    pub fn end(&mut self) -> Result<Flow> {
        if let Some(input) = self.input.take()
            && self.settings.report == Report::Count
        {
            self.gather.push(&self.prefix);
            self.gather.push(input.selected.to_string().as_bytes());
            self.gather.finish_line();
            self.send_gathered()?;
        }
        Ok(self.flow)
    }

    /// Has any line of any input been selected?
    pub fn has_selected(&self) -> bool {
        self.has_selected
    }

    /// If enough was selected before the end of this input, by [`Settings::max_count`] or [`Report::Nothing`]: the
    /// position behind the last selected line, in bytes.
    pub fn stopped_at(&self) -> Option<u64> {
        let input = self.input.filter(|input| input.done)?;
        Some(input.selected_end)
    }

    fn send_on(&mut self, block: &Block) -> Result<()> {
        if self.flow != Flow::Stop {
            self.flow = self.to.send(block)?;
        }
        Ok(())
    }

    fn send_gathered(&mut self) -> Result<()> {
        self.gather
            .take()
            .map_or(Ok(()), |block| self.send_on(&block))
    }

    /// Lines `run` of `block` are selected.
    fn select(&mut self, block: &Block, run: Range<usize>, input: &mut InputState) -> Result<()> {
        self.has_selected = true;
        match self.settings.report {
            Report::Nothing => {
                let first = block[run].split_inclusive(|&byte| byte == block.terminator());
                input.selected_end += first.take(1).map(|line| line.len() as u64).sum::<u64>();
                input.done = true;
                return Ok(());
            }
            _ if self.is_plain() => return self.pass(block, run),
            Report::Count if self.settings.max_count.is_none() => {
                input.selected += count_lines(&block[run], block.terminator());
                return Ok(());
            }
            Report::Lines | Report::Count => {}
        }
        for line in block.slice(run.clone()).lines() {
            input.selected += 1;
            input.lines += 1;
            input.selected_end += line.len() as u64;
            if self.settings.report == Report::Lines {
                self.tell(line, input.lines);
            }
            if self
                .settings
                .max_count
                .is_some_and(|max| input.selected >= max)
            {
                input.done = true;
                break;
            }
        }
        Ok(())
    }

    /// Do the selected lines go on as they are, all of them?
    fn is_plain(&self) -> bool {
        self.settings.report == Report::Lines
            && self.prefix.is_empty()
            && !self.settings.line_numbers
            && self.settings.max_count.is_none()
    }

    fn pass(&mut self, block: &Block, run: Range<usize>) -> Result<()> {
        let is_all_of_it = run.len() == block.len();
        // A line goes on as a line: the last of all gets the terminator it may lack.
        let is_finished = run.end < block.len() || block.is_finished();
        if !is_finished || (run.len() < WORTH_SHARING && !is_all_of_it) {
            self.gather.push(&block[run]);
            self.gather.finish_line();
            return Ok(());
        }
        self.send_gathered()?;
        self.send_on(&block.slice(run))
    }

    fn tell(&mut self, line: &[u8], number: u64) {
        self.gather.push(&self.prefix);
        if self.settings.line_numbers {
            let mut digits = [0; 24];
            let mut rest = &mut digits[..];
            // 20 digits at most, and a colon.
            let _ = write!(rest, "{number}:");
            let unused = rest.len();
            self.gather.push(&digits[..digits.len() - unused]);
        }
        self.gather.push(line);
        self.gather.finish_line();
    }

    /// The hot loop: from hit to hit through the block. Neighbouring hits are one run.
    fn search(&mut self, block: &Block, input: &mut InputState) -> Result<()> {
        // Once: to get at the bytes of a block costs as much as to look at a few of them.
        let text: &[u8] = block;
        let terminator = block.terminator();
        let is_plain = self.is_plain();
        // Selected and not yet dealt with.
        let mut run = 0..0;
        let mut at = 0;
        while at < text.len() && !input.done && self.flow != Flow::Stop {
            let line = match self.matcher.find(text, at, terminator) {
                Some(hit) => line_around(text, at, hit, terminator),
                None => text.len()..text.len(),
            };
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
                    self.gather.push(&text[run]);
                    run = selected.start..selected.start;
                } else {
                    self.deal_with(block, &mut run, selected.start, input)?;
                }
            }
            run.end = selected.end;
            if self.settings.report == Report::Nothing && !run.is_empty() {
                break;
            }
        }
        if !input.done && self.flow != Flow::Stop {
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
        let run = std::mem::replace(run, next..next);
        if !run.is_empty() {
            input.selected_end = input.bytes + run.start as u64;
            self.select(block, run.clone(), input)?;
        }
        if self.settings.line_numbers {
            input.lines += count_lines(&block[run.end..next], block.terminator());
        }
        Ok(())
    }
}

impl<M: Matcher, S: Stage> Stage for Grep<M, S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        let mut input = self.input.unwrap_or_default();
        if input.done || self.settings.max_count == Some(0) {
            return Ok(Flow::Stop);
        }
        self.flow = Flow::More;
        self.gather.set_terminator(block.terminator());
        let searched = self.search(block, &mut input);
        input.bytes += block.len() as u64;
        self.input = Some(input);
        searched?;
        self.send_gathered()?;
        Ok(if input.done { Flow::Stop } else { self.flow })
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.to)
    }

    fn close(&mut self) -> Result<()> {
        let ended = self.end();
        ended.map(|_| ()).and(self.to.close())
    }
}

/// The line around `hit`, with its terminator; `from` is the start of a line before it.
fn line_around(text: &[u8], from: usize, hit: usize, terminator: u8) -> Range<usize> {
    let start = memrchr(terminator, &text[from..hit]).map_or(from, |end| from + end + 1);
    let end = memchr(terminator, &text[hit..]).map_or(text.len(), |end| hit + end + 1);
    start..end
}

/// How many lines `text` is; one that lacks its terminator counts.
fn count_lines(text: &[u8], terminator: u8) -> u64 {
    let unfinished = text.last().is_some_and(|&last| last != terminator);
    memchr_iter(terminator, text).count() as u64 + u64::from(unfinished)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pattern;
    use costage::{Driver, Ended, Text, collect};
    use proptest::prelude::*;
    use std::cell::Cell;

    /// Notes where the bytes are that it is sent.
    struct Note<'a>(&'a Cell<*const u8>);

    impl Stage for Note<'_> {
        fn send(&mut self, block: &Block) -> Result<Flow> {
            self.0.set(block.as_ptr());
            Ok(Flow::More)
        }

        fn target(&mut self) -> Option<&mut dyn Stage> {
            None
        }
    }

    /// The naive twin: line by line, as the options say.
    fn naive(needle: &str, settings: Settings, name: Option<&str>, text: &str) -> String {
        let mut output = String::new();
        let mut selected = 0;
        let prefix = name.map_or(String::new(), |name| format!("{name}:"));
        for (number, line) in text.split_inclusive('\n').enumerate() {
            if line.contains(needle) == settings.invert {
                continue;
            }
            if settings.max_count.is_some_and(|max| selected == max) {
                break;
            }
            selected += 1;
            if settings.report == Report::Lines {
                output += &prefix;
                if settings.line_numbers {
                    output += &(number + 1).to_string();
                    output.push(':');
                }
                output += line.trim_end_matches('\n');
                output.push('\n');
            }
        }
        if settings.report == Report::Count {
            output += &[&prefix, &*selected.to_string(), "\n"].concat();
        }
        output
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// However the text is cut into blocks.
        #[test]
        fn every_combination_of_settings_selects_what_a_loop_over_lines_selects(
            text in "([ab]{0,3}\n){0,12}[ab]{0,2}",
            cut in 1_usize..12,
            (invert, line_numbers, named) in any::<(bool, bool, bool)>(),
            report in prop_oneof![Just(Report::Lines), Just(Report::Count), Just(Report::Nothing)],
            max_count in proptest::option::of(0_u64..4),
        ) {
            let settings = Settings { invert, report, line_numbers, max_count };
            let name = named.then_some("name");
            let (lines, sink) = collect();
            let mut grep = Grep::several(Pattern::literal("a"), settings, sink);
            let mut driver = Driver::new();
            // Two inputs: the second is counted anew.
            let mut expected = String::new();
            for text in [text.as_str(), "b\na\na"] {
                expected += &naive("a", settings, name, text);
                let _ = grep.begin(name.map(str::as_bytes)).expect("begun");
                let mut rest = Block::from(text);
                while !rest.is_empty() {
                    let mut piece = Text::new(rest.split_lines(cut));
                    if driver.pump(&mut piece, &mut grep).expect("pumped") == Ended::Stopped {
                        break;
                    }
                }
            }
            driver.finish(&mut grep, Ok(Ended::Input)).expect("finished");
            prop_assert_eq!(String::from_utf8(lines.take()).expect("text"), expected);
        }
    }

    /// Takes blocks and is full at once.
    struct FullAtOnce(u32);

    impl Stage for FullAtOnce {
        fn send(&mut self, _: &Block) -> Result<Flow> {
            self.0 += 1;
            Ok(Flow::Full)
        }

        fn target(&mut self) -> Option<&mut dyn Stage> {
            None
        }
    }

    // The answer to a long run was forgotten when nothing came behind it.
    #[test]
    fn a_full_target_is_not_forgotten() {
        let mut text = "a\n".repeat(WORTH_SHARING);
        text += "b\n";
        let mut grep = grep(Pattern::literal("a"), FullAtOnce(0));
        assert_eq!(grep.send(&Block::from(&*text)).expect("sent"), Flow::Full);
        assert_eq!(grep.to.0, 1);
    }

    #[test]
    fn where_a_maximum_stopped_is_behind_the_last_selected_line() {
        let settings = Settings {
            max_count: Some(2),
            ..Settings::default()
        };
        let (_lines, sink) = collect();
        let mut grep = Grep::new(Pattern::literal("a"), settings, sink);
        for text in ["a\nb\n", "bb\na\nrest\n"] {
            let _ = grep.send(&Block::from(text)).expect("sent");
        }
        assert_eq!(grep.stopped_at(), Some(9));
    }

    #[test]
    fn a_block_of_which_every_line_matches_goes_on_as_it_is() {
        let seen = Cell::new(std::ptr::null());
        let block = Block::from("a1\na2\n");
        let _ = grep(Pattern::literal("a"), Note(&seen))
            .send(&block)
            .expect("sent");
        assert_eq!(seen.get(), block.as_ptr());
    }
}
