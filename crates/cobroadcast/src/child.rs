//! A shell command as a child process, and its end as something the waiting loop wakes for.

use std::cell::Cell;
use std::ffi::OsStr;
use std::io::{self, PipeReader, PipeWriter};
use std::process::{self, Command, ExitStatus, Stdio};
use std::rc::Rc;
use std::time::Duration;

use costage::{ProcessEnd, Told, Waits, descriptor_limit};
use rustix::process::{Pid, Signal, kill_process};

use crate::descendants;

/// How often is asked whether it has ended, where the system does not tell.
const POLL: Duration = Duration::from_millis(20);

/// A child that runs, or has ended and was not asked yet.
#[derive(Debug)]
pub(crate) struct Child {
    inner: process::Child,
    end: ProcessEnd,
    process: Process,
}

impl Child {
    /// Starts `sh -c command`, which reads `input` and writes to `output`, or to where this process does. It has the
    /// default action for SIGPIPE, which the standard library sees to, and of our descriptors only these and what
    /// was there before us: all that is opened here is closed in a child (`O_CLOEXEC`).
    pub(crate) fn start(
        command: &OsStr,
        input: PipeReader,
        output: Option<PipeWriter>,
        process: &Process,
    ) -> io::Result<Child> {
        let mut shell = Command::new("/bin/sh");
        if let Some(limit) = descriptor_limit::inherited() {
            // It is to have the limit that it would have without us.
            let limited = r#"ulimit -S -n "$1"; exec /bin/sh -c -- "$2""#;
            shell.args(["-c", limited, "sh", &limit.to_string()]);
        } else {
            shell.args(["-c", "--"]);
        }
        shell.arg(command);
        shell.stdin(input);
        shell.stdout(output.map_or(Stdio::inherit(), Stdio::from));
        let child = shell.spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        process.0.set(pid);
        Ok(Child {
            end: ProcessEnd::new(child.id(), POLL),
            inner: child,
            process: process.clone(),
        })
    }

    /// The number of its process.
    pub(crate) fn number(&self) -> u32 {
        self.inner.id()
    }

    pub(crate) fn waits(&mut self, waits: &mut Waits) {
        self.end.waits(waits);
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self, waits: &Waits) -> io::Result<Option<ExitStatus>> {
        if self.end.told(waits) == Told::Nothing {
            return Ok(None);
        }
        let status = self.inner.try_wait();
        // Also if somebody else has waited for it: its number may be another's now.
        if !matches!(status, Ok(None)) {
            self.process.0.set(None);
        }
        status
    }
}

/// The process that runs in a branch, if one does. A clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Process(Rc<Cell<Option<Pid>>>);

impl Process {
    /// Sends a signal, by its number, to the process and to those that it has started, if it runs.
    pub fn kill(&self, signal: i32) {
        Process::kill_all(std::slice::from_ref(self), signal);
    }

    /// The same for several, in one look at what runs on the system.
    pub fn kill_all(processes: &[Process], signal: i32) {
        let Some(signal) = Signal::from_named_raw(signal) else {
            return;
        };
        // They were not waited for: they are there, and ours.
        let shells: Vec<Pid> = processes.iter().filter_map(|it| it.0.get()).collect();
        let send = |pids: &[Pid], signal| {
            for pid in pids {
                let _ = kill_process(*pid, signal);
            }
        };
        // What they would start now would not be found.
        send(&shells, Signal::STOP);
        let started = descendants::of(&shells);
        // First the shells: they are not to go on when what they wait for has ended.
        send(&shells, signal);
        send(&started, signal);
        send(&shells, Signal::CONT);
    }
}

/// A status in words: `exit status 3`, `signal 9 (SIGKILL)`.
pub(crate) fn in_words(status: ExitStatus) -> String {
    // The standard library's, which knows the names of signals.
    status.to_string().replacen(": ", " ", 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn a_status_is_told_in_words() {
        assert_eq!(in_words(ExitStatus::from_raw(3 << 8)), "exit status 3");
        assert_eq!(in_words(ExitStatus::from_raw(9)), "signal 9 (SIGKILL)");
    }
}
