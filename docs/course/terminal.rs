//! What every program of the course needs of the terminal it is started from: its arguments, a `print` that
//! fails as an error instead of a panic, and an exit status.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "each program uses a part of this"
)]

use std::collections::VecDeque;
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::str::FromStr;

use costage::{Call, Error, Flow, Result, Stage, per_line, start};

/// Python's `print(f"…")`; a failure is an error to pass on with `?`.
macro_rules! say {
    ($($words:tt)*) => {
        $crate::terminal::print(format_args!("{}\n", format_args!($($words)*)))
    };
}
pub(crate) use say;

/// Prints without ending the line: Python's `print(…, end='')`.
pub(crate) fn print(words: fmt::Arguments<'_>) -> Result<()> {
    written(io::stdout().lock().write_fmt(words))
}

/// Prints the lines that are sent to it at once, so that they keep their place among all else the program
/// prints. ([`costage::printer`] is the faster one, for a program that prints nothing else.)
pub(crate) fn printer() -> impl Stage {
    per_line(|line| {
        let mut stdout = io::stdout().lock();
        written(stdout.write_all(line))?;
        if !line.ends_with(b"\n") {
            written(stdout.write_all(b"\n"))?;
        }
        Ok(Flow::More)
    })
}

/// The error of a write to standard output, as the stages tell theirs.
fn written(outcome: io::Result<()>) -> Result<()> {
    // The runtime put /dev/null there, to which every write succeeds.
    let outcome = if start::closed(1) {
        Err(io::Error::from_raw_os_error(EBADF))
    } else {
        outcome
    };
    let what = "standard output";
    outcome.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Error::ReaderGone { what: what.into() },
        _ => Error::io(Call::Write, what, error),
    })
}

/// "Bad file descriptor" on every Unix.
const EBADF: i32 = 9;

/// Why a program ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was called wrongly.
    Usage(String),
    /// It was called well, and something went wrong.
    Error(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Error(error)
    }
}

/// Runs `program`, prints its failure on one line and chooses the exit status: 0 if all went well or the reader
/// of the output left, which is nobody's mistake; 1 after an error; 2 for wrong arguments.
pub(crate) fn run(program: impl FnOnce(&mut Args) -> Result<(), Failure>) -> ExitCode {
    let mut args = Args(env::args_os().skip(1).collect());
    let ended = program(&mut args).and_then(|()| Ok(written(io::stdout().flush())?));
    let (message, status) = match ended {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Error(error)) if error.is_reader_gone() => return ExitCode::SUCCESS,
        Err(Failure::Error(error)) => (error.to_string(), 1),
        Err(Failure::Usage(message)) => (message, 2),
    };
    // Without a standard error there is nobody to tell; the status says it.
    let _ = writeln!(io::stderr(), "{}: {message}", env!("CARGO_CRATE_NAME"));
    ExitCode::from(status)
}

/// The arguments that are still to be looked at.
pub(crate) struct Args(VecDeque<OsString>);

impl Args {
    /// The next argument.
    pub(crate) fn next(&mut self) -> Option<OsString> {
        self.0.pop_front()
    }

    /// The next argument, without which the program cannot work.
    pub(crate) fn required(&mut self, name: &str) -> Result<OsString, Failure> {
        self.next()
            .ok_or_else(|| Failure::Usage(format!("missing {name}")))
    }

    /// The next argument as a number, or `default` if there is none.
    pub(crate) fn number<N: FromStr>(&mut self, default: N) -> Result<N, Failure> {
        let Some(word) = self.next() else {
            return Ok(default);
        };
        let number = word.to_str().and_then(|word| word.parse().ok());
        number.ok_or_else(|| invalid("invalid number", &word))
    }

    /// The next argument as one of a few words, or the first of them if there is none.
    pub(crate) fn choice(&mut self, words: &[&'static str]) -> Result<&'static str, Failure> {
        let Some(chosen) = self.next() else {
            return Ok(words[0]);
        };
        let known = words.iter().find(|&&word| chosen == word);
        known
            .copied()
            .ok_or_else(|| invalid("invalid argument", &chosen))
    }

    /// Is the option `name` given? It may stand anywhere.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let count = self.0.len();
        self.0.retain(|arg| arg != name);
        self.0.len() < count
    }

    /// There must be no more.
    pub(crate) fn end(&mut self) -> Result<(), Failure> {
        match self.next() {
            Some(arg) => Err(invalid("extra argument", &arg)),
            None => Ok(()),
        }
    }
}

/// An argument that cannot be used.
fn invalid(what: &str, arg: &OsString) -> Failure {
    Failure::Usage(format!("{what} '{}'", arg.display()))
}
