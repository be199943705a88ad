//! The program as its caller sees it: the name in its messages and the status it ends with.

use std::fmt::Display;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;

use costage::{Ended, Error, Result, Signals, printable, start};
use signal_hook::consts::SIGPIPE;

/// A program's name and its status for failures.
#[derive(Clone, Debug)]
pub struct Program {
    name: String,
    failure: u8,
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
        }
    }

    /// The name it was called by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Says what went wrong on standard error, after the program's name. If that cannot be written there is
    /// nobody to tell: the status does.
    pub fn complain(&self, what: impl Display) {
        let message = format!("{}: {}\n", self.name, what);
        // One write, so that the messages of a chain do not mix within a line; and not `eprintln!`, which
        // panics when standard error is full or closed.
        let _ = std::io::stderr().write_all(message.as_bytes());
    }

    /// The status of a failure.
    pub fn failure(&self) -> ExitCode {
        ExitCode::from(self.failure)
    }

    /// Begins to catch signals.
    ///
    /// # Errors
    ///
    /// If the handlers cannot be set.
    pub fn catch_signals(&self) -> Result<Signals> {
        Signals::catch().map_err(|error| Error::io(costage::Call::Wait, "signals", error))
    }

    /// Turns how a chain ended into the end of the process: `status` if it ended well.
    ///
    /// | ended | status |
    /// | --- | --- |
    /// | at the end of its input, or because it wanted no more | `status` |
    /// | at a signal | dies of that signal: 130, 143, 129 in the shell |
    /// | because the reader of its output left | dies of SIGPIPE, 141; if that was ignored, a write error |
    /// | by an error | that of a failure, after a message |
    pub fn exit(&self, ended: Result<Ended>, status: ExitCode) -> ExitCode {
        match ended {
            Ok(Ended::Input | Ended::Stopped) => status,
            Ok(Ended::Signal(signal)) => self.die_of(signal),
            Ok(Ended::Abandoned(signal)) => {
                self.complain("not all output was taken in the second after the signal");
                self.die_of(signal)
            }
            Err(error) if error.is_reader_gone() && !start::ignored(SIGPIPE) => {
                self.die_of(SIGPIPE)
            }
            Err(error) => {
                self.complain(error);
                self.failure()
            }
        }
    }

    /// Restores the signal's default action and raises it, so that the caller sees what ended the program.
    fn die_of(&self, signal: i32) -> ExitCode {
        // Comes back only if the signal is blocked or cannot be sent; then a failure is the next best.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
        self.failure()
    }
}
