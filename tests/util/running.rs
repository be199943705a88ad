//! A program that has been started, and how it ended.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::{CONDITION, comes_true};

/// How long a program may take: far more than any needs, so that only one that hangs meets it.
const PROCESS: Duration = Duration::from_mins(1);

/// A program that runs. Killed when dropped.
pub(crate) struct Running {
    pub(super) what: String,
    pub(super) child: Child,
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: Tap,
    pub(super) stderr: Tap,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes to its standard input.
    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let stdin = self.stdin.as_mut().expect("its standard input is open");
        stdin.write_all(bytes.as_ref()).expect("it reads");
    }

    /// Ends its standard input.
    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Waits until `condition` holds of all that it has printed.
    #[track_caller]
    pub(crate) fn wait_for_stdout(&self, condition: impl Fn(&[u8]) -> bool) {
        let came = comes_true(CONDITION, || condition(&self.stdout.bytes()));
        assert!(came, "waited in vain for output of {}", self.report());
    }

    /// Waits until `condition` holds of all that it has said on standard error.
    #[track_caller]
    pub(crate) fn wait_for_stderr(&self, condition: impl Fn(&[u8]) -> bool) {
        let came = comes_true(CONDITION, || condition(&self.stderr.bytes()));
        assert!(came, "waited in vain for a message of {}", self.report());
    }

    /// Does `condition` hold of what it has said on standard error so far?
    pub(crate) fn stderr_has(&self, condition: impl Fn(&[u8]) -> bool) -> bool {
        condition(&self.stderr.bytes())
    }

    /// What the kernel says of each of its threads, in this file of `proc(5)`.
    #[cfg(target_os = "linux")]
    fn of_threads(&self, file: &str) -> Vec<String> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid())).expect("it runs");
        let paths = threads.map(|thread| thread.expect("a thread").path().join(file));
        paths
            .map(|path| fs::read_to_string(path).expect("it runs"))
            .collect()
    }

    /// Are all of its threads asleep?
    #[cfg(target_os = "linux")]
    pub(crate) fn is_asleep(&self) -> bool {
        self.of_threads("stat")
            .iter()
            .all(|stat| stat.contains(") S "))
    }

    /// How often its threads have gone to sleep.
    #[cfg(target_os = "linux")]
    pub(crate) fn times_asleep(&self) -> u64 {
        let all = self.of_threads("status").concat();
        let counts = all
            .lines()
            .filter_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        counts
            .map(|count| count.trim().parse::<u64>().expect("a number"))
            .sum()
    }

    /// Sends it a signal: `"INT"`.
    #[track_caller]
    pub(crate) fn kill(&self, signal: &str) {
        let pid = self.pid().to_string();
        let killed = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(
            killed.expect("kill runs").success(),
            "kill -s {signal} {pid}"
        );
    }

    /// Sends it a signal again and again until it has ended: what comes too soon after another is taken for the same.
    #[track_caller]
    pub(crate) fn kill_until_it_ends(&mut self, signal: &str) {
        let pid = self.pid().to_string();
        let ended = comes_true(PROCESS, || {
            if self.child.try_wait().expect("a child of ours").is_some() {
                return true;
            }
            let killed = Command::new("kill").args(["-s", signal, &pid]).status();
            assert!(
                killed.expect("kill runs").success(),
                "kill -s {signal} {pid}"
            );
            false
        });
        assert!(ended, "no end by SIG{signal}: {}", self.report());
    }

    /// Ends its standard input and waits for its end; panics after a minute.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Output {
        self.close_stdin();
        self.wait_with_open_stdin()
    }

    /// Waits for its end, and keeps its standard input open; panics after a minute.
    #[track_caller]
    pub(crate) fn wait_with_open_stdin(mut self) -> Output {
        let mut status = None;
        let ended = comes_true(PROCESS, || {
            status = self.child.try_wait().expect("a child of ours");
            // The pipes outlive it while a child of its own has them.
            status.is_some() && self.stdout.is_at_end() && self.stderr.is_at_end()
        });
        assert!(ended, "still running after a minute: {}", self.report());
        Output {
            what: self.what.clone(),
            stdout: self.stdout.bytes().clone(),
            stderr: self.stderr.bytes().clone(),
            status: status.expect("it ended"),
        }
    }

    fn report(&self) -> String {
        report(&self.what, &self.stdout.bytes(), &self.stderr.bytes())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only for one that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a thread has read from a pipe so far.
pub(super) struct Tap {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: JoinHandle<()>,
}

impl Tap {
    pub(super) fn new(pipe: Option<impl Read + Send + 'static>) -> Tap {
        let bytes = Arc::default();
        let filled: Arc<Mutex<Vec<u8>>> = Arc::clone(&bytes);
        let thread = thread::spawn(move || {
            let Some(mut pipe) = pipe else { return };
            let mut buffer = vec![0; 64 << 10];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                filled
                    .lock()
                    .expect("a reader")
                    .extend_from_slice(&buffer[..count]);
            }
        });
        Tap { bytes, thread }
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        // A condition that panicked has changed nothing.
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_at_end(&self) -> bool {
        self.thread.is_finished()
    }
}

/// How a program ended, and what it printed. The checks can be chained, and show all of it when they fail.
#[derive(Debug)]
pub(crate) struct Output {
    what: String,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) status: ExitStatus,
}

impl Output {
    #[track_caller]
    pub(crate) fn stdout(&self, expected: impl AsRef<[u8]>) -> &Output {
        self.check(
            self.stdout == expected.as_ref(),
            "stdout",
            &text(expected.as_ref()),
        )
    }

    #[track_caller]
    pub(crate) fn stderr(&self, expected: impl AsRef<[u8]>) -> &Output {
        self.check(
            self.stderr == expected.as_ref(),
            "stderr",
            &text(expected.as_ref()),
        )
    }

    #[track_caller]
    pub(crate) fn stderr_contains(&self, part: &str) -> &Output {
        self.check(text(&self.stderr).contains(part), "a stderr with", part)
    }

    #[track_caller]
    pub(crate) fn code(&self, expected: i32) -> &Output {
        self.check(
            self.status.code() == Some(expected),
            "status",
            &expected.to_string(),
        )
    }

    #[track_caller]
    pub(crate) fn signal(&self, expected: i32) -> &Output {
        self.check(
            self.status.signal() == Some(expected),
            "signal",
            &expected.to_string(),
        )
    }

    #[track_caller]
    fn check(&self, holds: bool, what: &str, expected: &str) -> &Output {
        let report = || report(&self.what, &self.stdout, &self.stderr);
        assert!(
            holds,
            "expected {what} {expected}\nof {}\n{}",
            report(),
            self.status
        );
        self
    }
}

fn report(what: &str, stdout: &[u8], stderr: &[u8]) -> String {
    format!(
        "{what}\n--- stdout\n{}\n--- stderr\n{}\n---",
        text(stdout),
        text(stderr)
    )
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
