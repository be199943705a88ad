//! How to follow.

use std::path::PathBuf;
use std::time::Duration;

use costage::{FileId, Written};

use crate::Start;

/// How to follow; the default is `tail -F -n 10`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to start in the files that are there; those that appear later are read from their start.
    pub start: Start,
    /// What is followed under a name.
    pub by: By,
    /// Wait for files that cannot be opened yet; otherwise such a name is given up.
    pub retry: bool,
    /// Go on at the end of the files; otherwise end there.
    pub follow: bool,
    /// The byte that ends a line.
    pub terminator: u8,
    /// How it is told whose lines come.
    pub headers: Headers,
    /// How often a name is looked at whose changes the system does not tell.
    pub poll: Duration,
    /// Give out an unfinished last line when no more of it has come for this long. Blocks may then end within a
    /// line: that is for chains that pass bytes on, not for filters of lines.
    pub partial_after: Option<Duration>,
    /// End when nothing has come for this long.
    pub until_idle: Option<Duration>,
    /// End when these processes have; none is no reason to end.
    pub until_ended: Vec<u32>,
    /// Go on where an earlier run ended, and save where this one stands.
    pub resume: Option<Resume>,
    /// The regular file that the chain writes to, if it is one: there would be no end of following it. Its name is
    /// refused, and no pattern matches it.
    pub output: Option<FileId>,
    /// The same of what the notices are written to, which no pattern matches.
    pub messages: Option<FileId>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            start: Start::default(),
            by: By::Name,
            retry: true,
            follow: true,
            terminator: b'\n',
            headers: Headers::Never,
            poll: Duration::from_secs(1),
            partial_after: None,
            until_idle: None,
            until_ended: Vec::new(),
            resume: None,
            output: None,
            messages: None,
        }
    }
}

/// What is followed under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Whatever has the name, and each file that had it until its writer is silent.
    Name,
    /// The file that has the name when it is first opened, whatever its name becomes.
    Descriptor,
}

/// How it is told whose lines come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headers {
    /// Not at all.
    Never,
    /// By `==> name <==` whenever the lines of another file begin, as tail does it.
    Always,
    /// By `name:` before each line, as grep does it.
    EachLine,
}

/// Where a run that ends is to be gone on with.
#[derive(Clone, Debug)]
pub struct Resume {
    /// The state file: made if there is none, replaced as a whole, and locked while it is in use.
    pub state: PathBuf,
    /// What the chain's sink has written, from [`Sink::written`](costage::Sink::written): lines that it has not
    /// written yet will be read again by the next run. The chain must pass on all bytes as they are, and into an
    /// output of its own.
    pub written: Written,
}
