//! What the tests need of the world outside: directories, processes with a deadline, and waiting for a condition.

mod running;

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, PipeReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use running::Tap;
pub(crate) use running::{Output, Running};

/// How long a condition may take to come true, also on a busy machine.
const CONDITION: Duration = Duration::from_secs(30);

/// Waits until `condition` holds; panics with `what` if it does not in 30 seconds.
#[track_caller]
pub(crate) fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    assert!(comes_true(CONDITION, condition), "waited in vain: {what}");
}

/// Does `condition` hold within this time? The only place in the tests that sleeps.
fn comes_true(within: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + within;
    while !condition() {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(2));
    }
    true
}

/// A temporary directory, removed when dropped.
pub(crate) struct Dir(tempfile::TempDir);

impl Dir {
    /// An empty one.
    pub(crate) fn new() -> Dir {
        Dir(tempfile::tempdir().expect("a temporary directory"))
    }

    /// Where `name` is, or would be, in it; `""` is the directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, and tells where.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), bytes).expect("written");
        self.path(name)
    }

    /// Adds to a file, in one write; makes the file if there is none.
    pub(crate) fn append(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.path(name));
        file.and_then(|mut file| file.write_all(bytes.as_ref()))
            .expect("appended");
    }

    /// Removes a file.
    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("removed");
    }

    /// Renames a file, over `to` if that exists.
    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("renamed");
    }
}

/// Where cargo put a program: `name` is a tool, `examples/name` one of docs/course.
pub(crate) fn built(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("the path of this executable");
    let profile = this.ancestors().nth(2).expect("target/<profile>/deps/");
    let path = profile.join(name);
    assert!(
        path.exists(),
        "{} is not built: run all of `cargo test`",
        path.display()
    );
    path
}

/// A program to run, with its arguments.
pub(crate) struct Cmd {
    command: Command,
    input: Option<Vec<u8>>,
    stdin: Option<Stdio>,
    stdout: Option<Stdio>,
}

impl Cmd {
    /// The program at a path, or found through PATH.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Cmd {
        Cmd {
            command: Command::new(program),
            input: None,
            stdin: None,
            stdout: None,
        }
    }

    /// A tool of this package.
    pub(crate) fn bin(name: &str) -> Cmd {
        Cmd::new(built(name))
    }

    /// A program of docs/course.
    pub(crate) fn example(name: &str) -> Cmd {
        Cmd::new(built(&format!("examples/{name}")))
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Cmd {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Cmd {
        self.command.args(args);
        self
    }

    /// Runs in this directory.
    pub(crate) fn dir(mut self, dir: impl AsRef<Path>) -> Cmd {
        self.command.current_dir(dir);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Cmd {
        self.command.env(name, value);
        self
    }

    /// Feeds these bytes to its standard input, which then ends.
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Cmd {
        self.input = Some(bytes.into());
        self
    }

    /// Its standard input is this file or pipe.
    pub(crate) fn stdin_from(mut self, stdin: impl Into<Stdio>) -> Cmd {
        self.stdin = Some(stdin.into());
        self
    }

    /// Its standard output is this file or pipe, and is not collected.
    pub(crate) fn stdout_to(mut self, stdout: impl Into<Stdio>) -> Cmd {
        self.stdout = Some(stdout.into());
        self
    }

    /// Starts it and waits for its end. Without [`stdin`](Cmd::stdin) its input is empty.
    #[track_caller]
    pub(crate) fn run(self) -> Output {
        self.spawn().wait()
    }

    /// Starts it; its output is collected.
    #[track_caller]
    pub(crate) fn spawn(self) -> Running {
        let (mut running, stdout) = self.start();
        running.stdout = Tap::new(stdout);
        running
    }

    /// Starts it; its output is read by the caller or not at all. To drop the pipe is to be a reader who left.
    #[track_caller]
    pub(crate) fn spawn_unread(self) -> (Running, ChildStdout) {
        let (running, stdout) = self.start();
        (running, stdout.expect("standard output is a pipe"))
    }

    #[track_caller]
    fn start(mut self) -> (Running, Option<ChildStdout>) {
        let what = format!("{:?}", self.command);
        self.command
            .stdin(self.stdin.unwrap_or_else(Stdio::piped))
            .stdout(self.stdout.unwrap_or_else(Stdio::piped))
            .stderr(Stdio::piped());
        let child = self.command.spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{what}: {error}"));
        let mut stdin = child.stdin.take();
        if let Some(input) = self.input {
            let mut stdin = stdin.take().expect("bytes or a file, not both");
            // The program need not read all of it.
            thread::spawn(move || stdin.write_all(&input).ok());
        }
        let (stdout, stderr) = (child.stdout.take(), Tap::new(child.stderr.take()));
        let running = Running {
            what,
            child,
            stdin,
            stdout: Tap::new(None::<ChildStdout>),
            stderr,
        };
        (running, stdout)
    }
}

/// Starts programs joined by pipes: what the last one prints is collected.
#[track_caller]
pub(crate) fn chain(cmds: impl IntoIterator<Item = Cmd>) -> Vec<Running> {
    let mut running = Vec::new();
    let mut cmds = cmds.into_iter().peekable();
    let mut upstream: Option<PipeReader> = None;
    while let Some(mut cmd) = cmds.next() {
        if let Some(reader) = upstream.take() {
            cmd = cmd.stdin_from(reader);
        }
        if cmds.peek().is_some() {
            let (reader, writer) = io::pipe().expect("a pipe");
            upstream = Some(reader);
            cmd = cmd.stdout_to(writer);
        }
        running.push(cmd.spawn());
    }
    running
}

/// Runs programs joined by pipes and waits for all of them: the last one's output is the pipeline's.
#[track_caller]
pub(crate) fn pipeline(cmds: impl IntoIterator<Item = Cmd>) -> Vec<Output> {
    chain(cmds).into_iter().map(Running::wait).collect()
}
