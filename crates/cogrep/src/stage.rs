//! The stage: what is selected goes on, as lines, as matches, as a count or as a name.

use std::ops::Range;

use costage::{Block, Flow, Result, Stage};
use memchr::{memchr, memchr_iter};

use crate::around::Around;
use crate::output::{Output, WORTH_SHARING};
use crate::pattern::line_around;
use crate::printer::{Kind, Place, Printer};
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
}

impl Passed {
    /// This, and behind it that.
    pub fn add(&mut self, more: Passed) {
        self.lines += more.lines;
        self.bytes += more.bytes;
        self.selected += more.selected;
        self.has_selected |= more.has_selected;
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
            printer: Printer::new(settings.colors.clone()),
            around: Around::new(
                settings
                    .context
                    .as_ref()
                    .filter(|_| settings.report.shows_lines()),
            ),
            settings,
            output: Output::new(to),
            input: None,
            has_selected: false,
        }
    }

    /// Another input begins: the count or the name of the last is sent if that is wanted, lines are counted anew, and
    /// what is told has this name before it, if there is one.
    pub fn begin(&mut self, name: Option<&[u8]>) -> Result<Flow> {
        let flow = self.end()?;
        self.printer.begin(name, &self.settings);
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

    /// Has any line of any input been selected?
    pub fn has_selected(&self) -> bool {
        self.has_selected
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
    }

    /// What has been passed of this input.
    pub fn passed(&self) -> Passed {
        let input = self.input.unwrap_or_default();
        Passed {
            lines: input.lines,
            bytes: input.bytes,
            selected: input.selected,
            has_selected: self.has_selected,
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
    }

    /// The hot loop: from hit to hit through the block. Neighbouring hits are one run.
    fn search(&mut self, block: &Block, input: &mut InputState) -> Result<()> {
        if self.settings.report == Report::Count && self.settings.max_count.is_none() {
            self.count(block, input);
            return Ok(());
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
        let mut gap = std::mem::replace(run, next..next);
        if !gap.is_empty() {
            gap.end = self.select(block, gap.clone(), input)?;
        }
        // Once there is enough the rest of the block is looked at no more, except for context.
        let behind = if input.has_enough { block.len() } else { next };
        self.pass_over(block, gap.end..behind, input)
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
        input.done = input.has_enough && !self.around.has_to_come();
        Ok(end)
    }

    /// Lines of the context before a selected line that begins at `start`.
    fn show_before(&mut self, block: &Block, start: usize, input: &mut InputState) -> Result<()> {
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
        let held: Vec<Vec<u8>> = self.around.take_held(before.held);
        let mut offset = input.bytes + before.start as u64;
        offset -= held.iter().map(|line| line.len() as u64).sum::<u64>();
        for line in held {
            input.lines += 1;
            let place = Place {
                number: input.lines,
                offset,
            };
            offset += line.len() as u64;
            self.printer.line(
                &mut self.output,
                &mut self.matcher,
                &self.settings,
                &line,
                block.terminator(),
                (Kind::Context, place),
            )?;
        }
        self.show(block, before.start..start, Kind::Context, input)
    }

    /// Shows lines, which are the next that were not shown or passed over.
    fn show(
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
            input.lines += 1;
            let place = Place {
                number: input.lines,
                offset,
            };
            offset += line.len() as u64;
            self.printer.line(
                &mut self.output,
                &mut self.matcher,
                &self.settings,
                line,
                block.terminator(),
                (kind, place),
            )?;
        }
        Ok(())
    }

    /// Lines that are not selected: the first may be context of those before.
    fn pass_over(
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
        input.done = input.has_enough && !self.around.has_to_come();
        if self.settings.line_numbers && !input.has_enough && self.settings.report.shows_lines() {
            input.lines += count_lines(&block[rest..gap.end], block.terminator());
        }
        Ok(())
    }
}

impl<M: Matcher, S: Stage> Stage for Grep<M, S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        let mut input = self.input.unwrap_or_default();
        if input.done {
            return Ok(Flow::Stop);
        }
        self.output.flow = Flow::More;
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
    fn naive(needle: &str, settings: &Settings, name: Option<&str>, text: &str) -> String {
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
            let settings = Settings { invert, report, max_count, line_numbers, ..Settings::default() };
            let name = named.then_some("name");
            let (lines, sink) = collect();
            let mut grep = Grep::several(Pattern::literal("a"), settings.clone(), sink);
            let mut driver = Driver::new();
            // Two inputs: the second is counted anew.
            let mut expected = String::new();
            for text in [text.as_str(), "b\na\na"] {
                expected += &naive("a", &settings, name, text);
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

    /// Notes the longest block it is sent.
    struct Longest(usize);

    impl Stage for Longest {
        fn send(&mut self, block: &Block) -> Result<Flow> {
            self.0 = self.0.max(block.len());
            Ok(Flow::More)
        }

        fn target(&mut self) -> Option<&mut dyn Stage> {
            None
        }
    }

    // All that a line yields was held at once: many times its length.
    #[test]
    fn the_matches_of_a_long_line_go_on_before_its_end() {
        let settings = Settings {
            report: Report::Matches,
            byte_offsets: true,
            ..Settings::default()
        };
        let mut grep = Grep::new(Pattern::literal("a"), settings, Longest(0));
        let line = "a".repeat(1 << 20);
        let _ = grep.send(&Block::from(&*line)).expect("sent");
        assert!(grep.output.to.0 < 300 << 10, "{}", grep.output.to.0);
    }

    // The answer to a long run was forgotten when nothing came behind it.
    #[test]
    fn a_full_target_is_not_forgotten() {
        let mut text = "a\n".repeat(WORTH_SHARING);
        text += "b\n";
        let mut grep = grep(Pattern::literal("a"), FullAtOnce(0));
        assert_eq!(grep.send(&Block::from(&*text)).expect("sent"), Flow::Full);
        assert_eq!(grep.output.to.0, 1);
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
