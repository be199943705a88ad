//! `--stats`: what passed, told at the end and, on a terminal, about once a second.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use costage::{Block, Flow, Result, Stage, Waits, Written};
use memchr::memchr_iter;

/// How often the live line is written again.
const LIVE: Duration = Duration::from_secs(1);
/// Back to the start of the line, and away with what stands there.
const WIPE: &str = "\r\x1b[K";

/// Lines and bytes that passed one place. Counted by one thread, read by any.
#[derive(Debug, Default)]
struct Count {
    lines: AtomicU64,
    bytes: AtomicU64,
    /// The last line has no terminator yet.
    unfinished: AtomicBool,
}

impl Count {
    fn add(&self, block: &Block) {
        if block.is_empty() {
            return;
        }
        let lines = memchr_iter(block.terminator(), block).count() as u64;
        self.lines.fetch_add(lines, Relaxed);
        self.bytes.fetch_add(block.len() as u64, Relaxed);
        self.unfinished.store(!block.is_finished(), Relaxed);
    }

    fn end_line(&self) {
        let unfinished = self.unfinished.swap(false, Relaxed);
        self.lines.fetch_add(u64::from(unfinished), Relaxed);
    }

    fn lines(&self) -> u64 {
        self.lines.load(Relaxed) + u64::from(self.unfinished.load(Relaxed))
    }
}

/// The counts of a program, and its live line.
#[derive(Debug)]
pub(crate) struct Stats {
    name: String,
    started: Instant,
    /// What came in, where that is not what goes out.
    input: Count,
    has_input: AtomicBool,
    output: Count,
    /// What counts the output, where it is known what was written.
    written: OnceLock<Written>,
    live: Option<Mutex<Live>>,
}

#[derive(Debug)]
struct Live {
    /// When it is to be written next, once something has come.
    next: Instant,
    /// Something came since it was written.
    stale: bool,
    is_shown: bool,
}

impl Stats {
    /// Begins to count; `tells` is false if only [`totals`](Stats::totals) will be asked for.
    pub(crate) fn new(name: &str, tells: bool) -> Stats {
        let started = Instant::now();
        // Lines on the same terminal show by themselves that something flows, and would mix with ours.
        let is_live = tells
            && io::stderr().is_terminal()
            && !io::stdout().is_terminal()
            && std::env::var_os("TERM").is_some_and(|terminal| terminal != "dumb");
        let live = Live {
            next: started + LIVE,
            stale: false,
            is_shown: false,
        };
        Stats {
            name: name.to_owned(),
            started,
            input: Count::default(),
            has_input: AtomicBool::new(false),
            output: Count::default(),
            written: OnceLock::new(),
            live: is_live.then(|| Mutex::new(live)),
        }
    }

    /// What is counted at the beginning of the chain, or at its end.
    fn count(&self, is_input: bool) -> &Count {
        if is_input { &self.input } else { &self.output }
    }

    /// The output is counted there. Given twice, the first stays: it has been counting.
    pub(crate) fn counted_by(&self, written: &Written) {
        let _ = self.written.set(written.clone());
    }

    /// The totals so far: `6305444 lines in, 6194 out, 1.00 GiB, 0.12 s`.
    pub(crate) fn totals(&self) -> String {
        let seconds = self.started.elapsed().as_secs_f64();
        let sent = || self.output.lines();
        let out = self.written.get().map_or_else(sent, Written::lines);
        if self.has_input.load(Relaxed) {
            let bytes = Size(self.input.bytes.load(Relaxed));
            let lines = self.input.lines();
            format!("{lines} lines in, {out} out, {bytes}, {seconds:.2} s")
        } else {
            let bytes = Size(self.output.bytes.load(Relaxed));
            format!("{out} lines, {bytes}, {seconds:.2} s")
        }
    }

    /// What wipes the live line away, if it stands there: to be written before any message.
    pub(crate) fn wipe(&self) -> &'static str {
        let mut wipe = "";
        self.with_live(|live| {
            if std::mem::take(&mut live.is_shown) {
                wipe = WIPE;
            }
        });
        wipe
    }

    fn with_live(&self, look: impl FnOnce(&mut Live)) {
        if let Some(live) = &self.live {
            look(&mut live.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn came(&self) {
        self.with_live(|live| live.stale = true);
        self.show();
    }

    /// Writes the live line, if it is time and there is something new to say.
    fn show(&self) {
        self.with_live(|live| {
            let now = Instant::now();
            if !live.stale || now < live.next {
                return;
            }
            *live = Live {
                next: now + LIVE,
                stale: false,
                is_shown: true,
            };
            // A line that is too long for the terminal is cut: on two lines it could not be wiped.
            let (name, totals) = (&self.name, self.totals());
            let line = format!("{WIPE}\x1b[?7l{name}: {totals}\x1b[?7h");
            let _ = io::stderr().write_all(line.as_bytes());
        });
    }

    /// When it is to be written, if something came; an idle chain is not woken.
    fn waits(&self, waits: &mut Waits) {
        self.with_live(|live| {
            if live.stale {
                waits.until(live.next);
            }
        });
    }
}

/// Bytes in the largest unit that leaves a number of at least one.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        // Three digits are shown: what a float loses is far behind them.
        #[expect(clippy::cast_precision_loss)]
        let mut size = self.0 as f64 / 1024.0;
        let mut units = ["KiB", "MiB", "GiB", "TiB", "PiB"].into_iter();
        let mut unit = units.next().unwrap_or_default();
        // Not to be rounded to 1024.00.
        while size >= 1023.995
            && let Some(larger) = units.next()
        {
            size /= 1024.0;
            unit = larger;
        }
        write!(f, "{size:.2} {unit}")
    }
}

/// A stage that counts what passes, for `--stats`; without that it only passes on. Made by
/// [`Program::tally`](crate::Program::tally) and [`Program::tally_input`](crate::Program::tally_input).
#[derive(Debug)]
pub struct Tally<S> {
    stats: Option<Arc<Stats>>,
    is_input: bool,
    to: S,
}

impl<S: Stage> Tally<S> {
    pub(crate) fn output(stats: Option<Arc<Stats>>, to: S) -> Tally<S> {
        let is_input = false;
        Tally {
            stats,
            is_input,
            to,
        }
    }

    pub(crate) fn input(stats: Option<Arc<Stats>>, to: S) -> Tally<S> {
        if let Some(stats) = &stats {
            stats.has_input.store(true, Relaxed);
        }
        let is_input = true;
        Tally {
            stats,
            is_input,
            to,
        }
    }
}

impl<S> Tally<S> {
    /// Counts what passed elsewhere.
    pub fn passed(&self, lines: u64, bytes: u64) {
        if let Some(stats) = &self.stats {
            let count = stats.count(self.is_input);
            count.lines.fetch_add(lines, Relaxed);
            count.bytes.fetch_add(bytes, Relaxed);
        }
    }

    /// What comes next is another line, even if the last one is unfinished: another file begins.
    pub fn ends_line(&self) {
        if let Some(stats) = &self.stats {
            let count = stats.count(self.is_input);
            count.end_line();
        }
    }

    /// What it sends to.
    pub fn to(&mut self) -> &mut S {
        &mut self.to
    }

    /// What it sends to, if nothing is counted: for bytes that no stage has to see.
    pub fn bypass(&mut self) -> Option<&mut S> {
        self.stats.is_none().then_some(&mut self.to)
    }
}

impl<S: Stage> Stage for Tally<S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        if let Some(stats) = &self.stats {
            if self.is_input || stats.written.get().is_none() {
                stats.count(self.is_input).add(block);
            }
            stats.came();
        }
        self.to.send(block)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.to)
    }

    fn waits(&mut self, waits: &mut Waits) {
        if let Some(stats) = &self.stats {
            stats.waits(waits);
        }
        self.to.waits(waits);
    }

    fn wake(&mut self, waits: &Waits) -> Result<Flow> {
        if let Some(stats) = &self.stats {
            stats.show();
        }
        self.to.wake(waits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use costage::{Source, collect};

    #[test]
    fn sizes_have_the_unit_that_fits() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            ((1 << 20) - 1, "1.00 MiB"),
            (1 << 30, "1.00 GiB"),
            (u64::MAX, "16384.00 PiB"),
        ] {
            assert_eq!(Size(bytes).to_string(), expected);
        }
    }

    #[test]
    fn what_comes_in_is_told_apart_from_what_goes_out() {
        let stats = Arc::new(Stats::new("test", false));
        let (text, sink) = collect();
        let output = Tally::output(Some(Arc::clone(&stats)), sink);
        let first = |totals: String| totals.rsplit_once(", ").map(|(first, _)| first.to_owned());
        Source::text("one\ntwo").drive(output).expect("driven");
        assert_eq!(text.take(), b"one\ntwo");
        assert_eq!(first(stats.totals()).as_deref(), Some("2 lines, 7 B"));
        let input = Tally::input(Some(Arc::clone(&stats)), collect().1);
        Source::text("a\nb\nc\n").drive(input).expect("driven");
        let expected = "3 lines in, 2 out, 6 B";
        assert_eq!(first(stats.totals()).as_deref(), Some(expected));
    }
}
