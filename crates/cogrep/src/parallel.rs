//! A large file, searched in parts by several threads, what is found in its order.
//!
//! The file is cut into parts of one size. A part owns the lines that begin in it: it passes over the first
//! unfinished one and reads on to the end of its last. Each part has a [`Grep`] of its own; the loop takes what the
//! parts found, one part after the other. Nothing is mapped: a log that is cut short meanwhile ends early, and does
//! no harm.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use costage::{Block, Call, Driver, Error, Event, Flow, Framer, Framing, Pull, Pulled};
use costage::{Result, Ring, Stage, Wait, Waits, event};
use memchr::{memchr, memchr_iter};

use crate::stage::Passed;
use crate::{Grep, Matcher, Report, Settings};

/// The length of a part. Short enough that the last part does not leave the other threads idle for long.
const PART: u64 = 1 << 20;
/// So many parts for each thread may be searched before the first of them has been taken.
const AHEAD: u64 = 2;
/// How far is read at once beyond a part for the end of its last line.
const STEP: usize = 64 << 10;

/// A search through a large regular file by several threads, as a source: its blocks are not the file's but what
/// was found, in the file's order, to be sent to the target of a [`Grep`].
///
/// It ends before an unfinished last line, which may still grow: what comes from [`end`](Parallel::end) on is for
/// an ordinary [`Reader`](costage::Reader), and the `Grep` goes on there after
/// [`absorb`](Grep::absorb).
#[derive(Debug)]
pub struct Parallel {
    shared: Arc<Shared>,
    news: Event,
    wait: Option<Wait>,
    parts: u64,
    end: u64,
    passed: Passed,
}

/// Where it is searched.
#[derive(Debug)]
pub struct Stretch {
    /// A regular file. Its position is left alone.
    pub file: File,
    /// What it is called in errors.
    pub what: Arc<str>,
    /// The bytes of it, of which the first begins a line.
    pub range: Range<u64>,
    /// What ends its lines.
    pub terminator: u8,
    /// What was passed of the input before them.
    pub before: Passed,
    /// Are lines counted though they are not numbered?
    pub counts_lines: bool,
}

impl Parallel {
    /// Can a search with these settings be split? What depends on the lines before cannot: a maximum, context; and
    /// where the first line is enough there is nothing to split.
    pub fn can(settings: &Settings) -> bool {
        settings.max_count.is_none()
            && settings.context.is_none()
            && matches!(
                settings.report,
                Report::Lines | Report::Matches | Report::Count
            )
    }

    /// Begins to search with so many threads. What is told has `name` before it, if there is one.
    ///
    /// # Errors
    ///
    /// If there are no threads to be had.
    ///
    /// # Panics
    ///
    /// If the settings [cannot](Parallel::can) be split.
    pub fn new<M>(
        stretch: Stretch,
        matcher: &M,
        settings: &Settings,
        name: Option<&[u8]>,
        threads: usize,
    ) -> Result<Parallel>
    where
        M: Matcher + Clone + Send + 'static,
    {
        assert!(Parallel::can(settings));
        let failed = |error| Error::io(Call::Spawn, "a thread to search", error);
        let (news, ring) = event().map_err(failed)?;
        let length = stretch.range.end.saturating_sub(stretch.range.start);
        let parts = length.div_ceil(PART);
        let begin = stretch.range.start;
        let state = State {
            lines: stretch.before.lines,
            ..State::default()
        };
        let shared = Arc::new(Shared {
            stretch,
            parts,
            ahead: AHEAD * threads as u64,
            state: Mutex::new(state),
            changed: Condvar::new(),
            ring,
        });
        for _ in 0..threads {
            let mut worker = Worker {
                shared: Arc::clone(&shared),
                matcher: matcher.clone(),
                settings: settings.clone(),
                name: name.map(<[u8]>::to_vec),
                driver: Driver::new(),
            };
            let thread = thread::Builder::new().name("search".into());
            thread.spawn(move || worker.run()).map_err(failed)?;
        }
        Ok(Parallel {
            shared,
            news,
            wait: None,
            parts,
            end: begin,
            passed: Passed::default(),
        })
    }

    /// After its end: how far the file was searched.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// What was passed up to there.
    pub fn passed(&self) -> Passed {
        self.passed
    }
}

impl Drop for Parallel {
    fn drop(&mut self) {
        // The threads end by themselves when they next look.
        self.shared.lock().stops = true;
        self.shared.changed.notify_all();
    }
}

impl Pull for Parallel {
    fn waits(&mut self, waits: &mut Waits, room: bool) {
        self.wait = room.then(|| self.news.waits(waits));
        if room && self.shared.lock().has_something() {
            waits.now();
        }
    }

    fn pull(&mut self, _: &Waits) -> Result<Pulled> {
        self.news.clear();
        let mut state = self.shared.lock();
        loop {
            if state.first == self.parts {
                return Ok(Pulled::End);
            }
            let Some(part) = state.parts.front_mut() else {
                return Ok(Pulled::Wait);
            };
            if let Some(block) = part.found.pop_front() {
                return Ok(Pulled::Block(block));
            }
            let Some(outcome) = part.outcome.take() else {
                return Ok(Pulled::Wait);
            };
            state.parts.pop_front();
            state.first += 1;
            let (passed, end) = outcome?;
            state.lines += passed.lines;
            self.passed.add(passed);
            self.end = end.unwrap_or(self.end);
            self.shared.changed.notify_all();
        }
    }
}

/// What the loop and the threads share.
#[derive(Debug)]
struct Shared {
    stretch: Stretch,
    parts: u64,
    /// How many parts may be begun beyond the first that is not done with.
    ahead: u64,
    state: Mutex<State>,
    changed: Condvar,
    ring: Ring,
}

#[derive(Debug, Default)]
struct State {
    /// Those that are searched or not yet taken, in their order.
    parts: VecDeque<Part>,
    /// The number of the first of them.
    first: u64,
    /// How many lines were before it.
    lines: u64,
    /// The number of the next to be searched.
    next: u64,
    stops: bool,
}

#[derive(Debug, Default)]
struct Part {
    found: VecDeque<Block>,
    /// How many lines it has, where the lines of later parts are numbered.
    lines: Option<u64>,
    /// What was passed and how far it reaches, if any line begins in it.
    outcome: Option<Result<(Passed, Option<u64>)>>,
}

impl State {
    fn has_something(&self) -> bool {
        let first = self.parts.front();
        first.is_some_and(|part| !part.found.is_empty() || part.outcome.is_some())
    }

    /// The part of this number. It is there as long as it is not done with.
    fn part(&mut self, number: u64) -> Option<&mut Part> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.parts.get_mut(at)
    }

    /// How many lines are before this part, if all before it have been counted.
    fn lines_before(&self, number: u64) -> Option<u64> {
        let before = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let counted = self.parts.iter().take(before).map(|part| part.lines);
        counted.sum::<Option<u64>>().map(|lines| lines + self.lines)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is whole: a thread that failed elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let woken = self.changed.wait(state);
        woken.unwrap_or_else(PoisonError::into_inner)
    }

    /// The next part to be searched; `None` if there is none any more.
    fn begin_part(&self) -> Option<u64> {
        let mut state = self.lock();
        loop {
            if state.stops || state.next == self.parts {
                return None;
            }
            if state.next < state.first + self.ahead {
                let number = state.next;
                state.next += 1;
                state.parts.push_back(Part::default());
                return Some(number);
            }
            state = self.wait(state);
        }
    }

    fn end_part(&self, number: u64, outcome: Result<(Passed, Option<u64>)>) {
        let mut state = self.lock();
        if let Some(part) = state.part(number) {
            part.lines.get_or_insert(0);
            part.outcome = Some(outcome);
        }
        drop(state);
        self.changed.notify_all();
        self.ring.ring();
    }

    /// Tells how many lines a part has, and waits until it is known how many are before it. `None`: stop.
    fn number_lines(&self, number: u64, lines: u64) -> Option<u64> {
        let mut state = self.lock();
        state.part(number)?.lines = Some(lines);
        self.changed.notify_all();
        loop {
            if state.stops {
                return None;
            }
            if let Some(before) = state.lines_before(number) {
                return Some(before);
            }
            state = self.wait(state);
        }
    }
}

/// One of the threads.
struct Worker<M> {
    shared: Arc<Shared>,
    matcher: M,
    settings: Settings,
    name: Option<Vec<u8>>,
    /// Knows how much the search takes at once without being late.
    driver: Driver,
}

/// Says so if the thread ends by a panic: nobody shall wait for its part for ever.
struct Ending<'a>(&'a Shared, u64, Option<Result<(Passed, Option<u64>)>>);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let panicked = || Err(Error::other("a thread that searched has panicked"));
        let outcome = self.2.take().unwrap_or_else(panicked);
        self.0.end_part(self.1, outcome);
    }
}

impl<M: Matcher> Worker<M> {
    fn run(&mut self) {
        let shared = Arc::clone(&self.shared);
        while let Some(number) = shared.begin_part() {
            let mut ending = Ending(&shared, number, None);
            ending.2 = Some(self.search(number));
        }
    }

    fn search(&mut self, number: u64) -> Result<(Passed, Option<u64>)> {
        let shared = Arc::clone(&self.shared);
        let mut lines = PartLines::new(&shared.stretch, number);
        let mut passed = Passed::default();
        let mut own = 0;
        if self.settings.line_numbers || shared.stretch.counts_lines {
            own = lines.read_all()?;
            let Some(before) = shared.number_lines(number, own) else {
                return Ok((passed, None));
            };
            passed.lines = before;
        } else {
            lines.read_first()?;
        }
        passed.bytes = shared.stretch.before.bytes + lines.begin - shared.stretch.range.start;
        let to = ToPart {
            shared: &shared,
            number,
        };
        let mut grep = Grep::several(&mut self.matcher, self.settings.clone(), to);
        let _ = grep.begin(self.name.as_deref())?;
        grep.absorb(passed);
        self.driver.pump(&mut lines, &mut grep)?;
        let mut all = grep.passed();
        all.lines = own;
        all.bytes -= passed.bytes;
        Ok((all, lines.end()))
    }
}

/// Where a thread's search sends what it finds.
struct ToPart<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Stage for ToPart<'_> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        let mut state = self.shared.lock();
        if state.stops {
            return Ok(Flow::Stop);
        }
        let is_first = state.first == self.number;
        if let Some(part) = state.part(self.number) {
            part.found.push_back(block.clone());
        }
        drop(state);
        if is_first {
            self.shared.ring.ring();
        }
        Ok(Flow::More)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }
}

/// The lines that begin in a part.
struct PartLines<'a> {
    stretch: &'a Stretch,
    framer: Framer,
    /// What was read before it was asked for.
    read: VecDeque<Block>,
    /// Where the first line begins; the part's own begin as long as none has been found.
    begin: u64,
    /// How far it has been read.
    at: u64,
    /// Where the part ends, but for its last line.
    part_end: u64,
    /// The line is still to end that began before.
    passes_over: bool,
    is_done: bool,
}

impl<'a> PartLines<'a> {
    fn new(stretch: &'a Stretch, number: u64) -> PartLines<'a> {
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
    fn end(&self) -> Option<u64> {
        (!self.passes_over).then_some(self.at - self.framer.tail_len() as u64)
    }

    /// Reads all of it and answers how many lines there are.
    fn read_all(&mut self) -> Result<u64> {
        let mut lines = 0;
        while let Some(block) = self.next_block()? {
            lines += memchr_iter(self.stretch.terminator, &block).count() as u64;
            self.read.push_back(block);
        }
        Ok(lines)
    }

    /// Reads as far as the first line.
    fn read_first(&mut self) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pattern, Syntax};
    use costage::{Ended, Source, Text, collect};
    use proptest::prelude::*;
    use std::io::Write;

    fn whole(text: &[u8], settings: &Settings) -> (Vec<u8>, bool) {
        let (lines, sink) = collect();
        let mut grep = Grep::new(pattern(), settings.clone(), sink);
        Source::text(Block::from(text.to_vec()))
            .drive(&mut grep)
            .expect("driven");
        (lines.take(), grep.has_selected())
    }

    fn pattern() -> Pattern {
        Pattern::any_of([&b"a+"[..]], Syntax::default()).expect("a pattern")
    }

    fn in_parts(text: &[u8], settings: &Settings, threads: usize) -> (Vec<u8>, bool) {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(text).expect("written");
        let (lines, sink) = collect();
        let mut grep = Grep::new(pattern(), settings.clone(), sink);
        let stretch = Stretch {
            file,
            what: "a file".into(),
            range: 0..text.len() as u64,
            terminator: b'\n',
            before: Passed::default(),
            counts_lines: false,
        };
        let parallel = Parallel::new(stretch, &pattern(), settings, None, threads);
        let mut parallel = parallel.expect("threads");
        let mut driver = Driver::new();
        let ended = driver.pump(&mut parallel, grep.output());
        assert_eq!(ended.expect("pumped"), Ended::Input);
        grep.absorb(parallel.passed());
        let end = usize::try_from(parallel.end()).expect("it fits");
        let mut rest = Text::new(Block::from(text[end..].to_vec()));
        let ended = driver.pump(&mut rest, &mut grep);
        driver.finish(&mut grep, ended).expect("finished");
        (lines.take(), grep.has_selected())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// However long the lines are and wherever parts begin: what one thread finds, in its order.
        #[test]
        fn in_parts_is_found_what_is_found_in_one(
            pieces in proptest::collection::vec(("[ab\n]{0,40}", 0_usize..700_000), 1..9),
            (invert, line_numbers, byte_offsets) in any::<(bool, bool, bool)>(),
            report in prop_oneof![Just(Report::Lines), Just(Report::Matches), Just(Report::Count)],
            threads in 1_usize..4,
        ) {
            let mut text = Vec::new();
            for (piece, long) in pieces {
                text.extend_from_slice(piece.as_bytes());
                text.extend(std::iter::repeat_n(b'x', long));
            }
            let settings = Settings { invert, report, line_numbers, byte_offsets, ..Settings::default() };
            let (found, has) = in_parts(&text, &settings, threads);
            let (expected, has_expected) = whole(&text, &settings);
            prop_assert!(found == expected, "{} bytes: {} of {}", text.len(), found.len(), expected.len());
            prop_assert_eq!(has, has_expected);
        }
    }

    #[test]
    fn a_file_that_is_shorter_than_it_was_ends_early() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"a\nb").expect("written");
        let stretch = Stretch {
            file,
            what: "a file".into(),
            range: 0..3 * PART,
            terminator: b'\n',
            before: Passed::default(),
            counts_lines: false,
        };
        let parallel = Parallel::new(stretch, &pattern(), &Settings::default(), None, 2);
        let mut parallel = parallel.expect("threads");
        let (lines, mut sink) = collect();
        let ended = Driver::new().pump(&mut parallel, &mut sink);
        assert_eq!(ended.expect("pumped"), Ended::Input);
        assert_eq!(lines.take(), b"a\n");
        assert_eq!(parallel.end(), 2);
    }
}
