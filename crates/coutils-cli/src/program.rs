//! The program as its caller sees it: the name in its messages and the status it ends with.

use std::fmt::Display;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{Arg, ArgMatches};
use costage::{Ended, Error, Result, Second, Signals, Stage, Written, printable, start};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGXFSZ};

use crate::stats::Stats;
use crate::{Tally, flag};

/// A program's name, its status for failures, and what it reports of itself. A clone is the same program.
#[derive(Clone, Debug)]
pub struct Program {
    name: String,
    failure: u8,
    says_totals: bool,
    is_debugged: bool,
    /// With either of them.
    stats: Option<Arc<Stats>>,
}

/// `--stats` and `--debug`, in the words of all tools; [`Program::reporting`] reads them.
pub fn report_options() -> [Arg; 2] {
    [
        flag(
            "stats",
            "Tell how much passed, at the end, and on a terminal meanwhile",
        ),
        flag("debug", "Tell what is decided and seen, on standard error"),
    ]
}

impl Program {
    /// The running program: `default` if it was called by no name, and the status of a failure.
    pub fn new(default: &str, failure: u8) -> Program {
        let called = std::env::args_os().next();
        let name = called
            .as_deref()
            .and_then(|path| Path::new(path).file_name())
            .map_or(default.into(), |name| {
                String::from_utf8_lossy(name.as_bytes())
            });
        Program {
            name: printable(&name),
            failure,
            says_totals: false,
            is_debugged: false,
            stats: None,
        }
    }

    /// The program with what [`report_options`] asked for. Time counts from here.
    pub fn reporting(mut self, matches: &ArgMatches) -> Program {
        self.says_totals = matches.contains_id("stats");
        self.is_debugged = matches.contains_id("debug");
        let counts = self.says_totals || self.is_debugged;
        self.stats = counts.then(|| Arc::new(Stats::new(&self.name, self.says_totals)));
        self
    }

    /// The program without totals: for bytes that it does not see.
    pub fn uncounted(mut self) -> Program {
        self.stats = None;
        self
    }

    /// Are totals to be told?
    pub fn counts(&self) -> bool {
        self.stats.is_some()
    }

    /// Counts what goes to `to` as the output, if totals are to be told. On a terminal `--stats` shows them about once
    /// a second while something flows. Costs a search for line ends, and without `--stats` and `--debug` nothing.
    pub fn tally<S: Stage>(&self, to: S) -> Tally<S> {
        Tally::output(self.stats.clone(), to)
    }

    /// Counts what goes to `to` as the input, where the output is not all of it.
    pub fn tally_input<S: Stage>(&self, to: S) -> Tally<S> {
        Tally::input(self.stats.clone(), to)
    }

    /// For a sink: what counts the output where it is written. The totals then tell of that, and not of what was sent there.
    pub fn count_written(&self) -> Written {
        let Some(stats) = &self.stats else {
            return Written::default();
        };
        let written = Written::with_lines();
        stats.counted_by(&written);
        written
    }

    /// Says on standard error what was decided or seen, if `--debug` asks for it.
    pub fn debug(&self, what: impl Display) {
        if self.is_debugged {
            self.complain(format_args!("debug: {what}"));
        }
    }

    /// The name it was called by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Says what went wrong on standard error, after the program's name. If that cannot be written there is
    /// nobody to tell: the status does.
    pub fn complain(&self, what: impl Display) {
        let wipe = self.stats.as_ref().map_or("", |stats| stats.wipe());
        let message = format!("{wipe}{}: {what}\n", self.name);
        // One write, so that the messages of a chain do not mix within a line; and not `eprintln!`, which
        // panics when standard error is full or closed.
        let _ = io::stderr().write_all(message.as_bytes());
    }

    /// The status of a failure.
    pub fn failure(&self) -> u8 {
        self.failure
    }

    /// Begins to catch signals.
    ///
    /// # Errors
    ///
    /// If the handlers cannot be set.
    pub fn catch_signals(&self) -> Result<Signals> {
        self.catch_signals_but(false, Second::EndsTheProcess)
    }

    /// Begins to catch signals; SIGINT does nothing, if `ignores_interrupts`. Programs that are started from here have
    /// it with its default action all the same.
    ///
    /// # Errors
    ///
    /// If the handlers cannot be set.
    pub fn catch_signals_but(&self, ignores_interrupts: bool, second: Second) -> Result<Signals> {
        let caught = if ignores_interrupts {
            do_nothing_at(SIGINT).and_then(|()| Signals::catch_these(&[SIGTERM, SIGHUP], second))
        } else {
            Signals::catch_these(&[SIGINT, SIGTERM, SIGHUP], second)
        };
        caught.map_err(signals_failed)
    }

    /// From now on a file that may grow no more (`ulimit -f`) fails to be written, as on a full disk, instead of ending
    /// the process by SIGXFSZ. Programs that are started from here have that with its default action all the same.
    ///
    /// # Errors
    ///
    /// If the handler cannot be set.
    pub fn outlive_full_files(&self) -> Result<()> {
        do_nothing_at(SIGXFSZ).map_err(signals_failed)
    }

    /// From now on it is known how programs end that are started from here, though the caller ignores SIGCHLD.
    ///
    /// # Errors
    ///
    /// If the handler cannot be set.
    pub fn wait_for_children(&self) -> Result<()> {
        do_nothing_at(SIGCHLD).map_err(signals_failed)
    }

    /// Turns how a chain ended into the end of the process: `status` if it ended well.
    ///
    /// | ended | status |
    /// | --- | --- |
    /// | at the end of its input, or because it wanted no more | `status` |
    /// | at a signal | dies of that signal: 130, 143, 129 in the shell |
    /// | because the reader of its output left | dies of SIGPIPE, 141; if that was ignored, a write error |
    /// | by an error | that of a failure, after a message |
    ///
    /// Before that the totals are told, if they are to be.
    pub fn exit(&self, ended: Result<Ended>, status: u8) -> u8 {
        let (how, signal) = match &ended {
            Ok(Ended::Input) => ("because no more comes", None),
            Ok(Ended::Stopped) => ("because no more was wanted", None),
            Ok(Ended::Signal(signal)) => ("by a signal", Some(*signal)),
            Ok(Ended::Abandoned(signal)) => {
                self.complain("not all output was taken in the second after the signal");
                ("by a signal", Some(*signal))
            }
            Err(error) if error.is_reader_gone() && !start::ignored(SIGPIPE) => {
                ("because the reader of the output left", Some(SIGPIPE))
            }
            Err(error) => {
                self.complain(error);
                ("by an error", None)
            }
        };
        self.report(how);
        match (signal, ended) {
            (Some(signal), _) => self.die_of(signal),
            (None, Ok(_)) => status,
            (None, Err(_)) => self.failure(),
        }
    }

    /// Tells how it ended, and the totals: for `--stats` they are the last line.
    fn report(&self, how: &str) {
        self.debug(format_args!("ended {how}"));
        if let Some(stats) = &self.stats {
            if self.says_totals {
                self.complain(stats.totals());
            } else {
                self.debug(stats.totals());
            }
        }
    }

    /// Restores the signal's default action and raises it, so that the caller sees what ended the program.
    fn die_of(&self, signal: i32) -> u8 {
        // Comes back only if the signal is blocked or cannot be sent; then a failure is the next best.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
        self.failure()
    }
}

fn signals_failed(error: io::Error) -> Error {
    Error::io(costage::Call::Wait, "signals", error)
}

/// Unlike an ignored signal, one that is caught has its default action again in a program that is started. If it was
/// ignored when ours was it stays so.
fn do_nothing_at(signal: i32) -> io::Result<()> {
    if start::ignored(signal) {
        return Ok(());
    }
    let unread = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal, unread).map(|_| ())
}
