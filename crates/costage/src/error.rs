//! What goes wrong, with its context.

use std::fmt;
use std::io;
use std::sync::Arc;

/// The result of anything a chain does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong in a chain. Cheap to clone, because one error may have to reach every branch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// A system call failed.
    Io {
        /// What was being done.
        call: Call,
        /// To which file, as the user knows it: a path, `standard input`.
        what: Arc<str>,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The reader of a sink's output went away. An ordinary end in a pipe; a program dies of SIGPIPE here.
    ReaderGone {
        /// Whose reader, as the user knows it.
        what: Arc<str>,
    },
    /// The coroutine has finished and takes nothing more (Python's `StopIteration`).
    Finished,
    /// The coroutine is being closed: what its waiting `yield_` answers (Python's `GeneratorExit`).
    Closed,
    /// Anything else a stage has to say.
    Other(Arc<dyn std::error::Error + Send + Sync>),
}

/// What was being done when a system call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Call {
    /// Opening a file.
    Open,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Waiting for descriptors.
    Wait,
    /// Watching files for changes.
    Watch,
    /// Starting a thread.
    Spawn,
}

impl Error {
    /// A failed call, with what it was done to.
    ///
    /// ```
    /// use costage::{Call, Error};
    /// let missing = std::fs::File::open("no-such-file").unwrap_err();
    /// let error = Error::io(Call::Open, "no-such-file", missing);
    /// assert_eq!(error.to_string(), "no-such-file: No such file or directory");
    /// ```
    pub fn io(call: Call, what: impl Into<Arc<str>>, source: io::Error) -> Error {
        Error::Io {
            call,
            what: what.into(),
            source: Arc::new(source),
        }
    }

    /// A stage's own error: a sentence, or an error type of its own.
    ///
    /// ```
    /// assert_eq!(costage::Error::other("You're hosed").to_string(), "You're hosed");
    /// ```
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Other(Arc::from(error.into()))
    }

    /// Is this the reader of an output that went away?
    pub fn is_reader_gone(&self) -> bool {
        matches!(self, Error::ReaderGone { .. })
    }
}

/// A name or another text of unknown origin, as a message may show it: on one line, and with no control
/// character that a terminal would obey.
///
/// ```
/// assert_eq!(costage::printable("\u{1b}[31mred\n"), r"\u{1b}[31mred\n");
/// ```
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // As cat, grep and sort put it; a user knows whose output it is by the name before the message.
            Error::Io {
                call: Call::Write,
                what,
                source,
            } if &**what == STANDARD_OUTPUT => write!(f, "write error: {}", reason(source)),
            Error::Io {
                call: Call::Write,
                what,
                source,
            } => write!(f, "{}: write error: {}", printable(what), reason(source)),
            Error::Io { what, source, .. } => write!(f, "{}: {}", printable(what), reason(source)),
            Error::ReaderGone { what } if &**what == STANDARD_OUTPUT => {
                write!(f, "write error: Broken pipe")
            }
            Error::ReaderGone { what } => {
                write!(f, "{}: write error: Broken pipe", printable(what))
            }
            Error::Finished => write!(f, "the coroutine has finished"),
            Error::Closed => write!(f, "the coroutine is being closed"),
            Error::Other(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(&**source),
            Error::Other(error) => error.source(),
            _ => None,
        }
    }
}

pub(crate) const STANDARD_INPUT: &str = "standard input";
pub(crate) const STANDARD_OUTPUT: &str = "standard output";

/// The system's words without the number the standard library adds: ` (os error 2)` tells a user nothing.
///
/// ```
/// let missing = std::fs::File::open("no-such-file").unwrap_err();
/// assert_eq!(costage::reason(&missing), "No such file or directory");
/// ```
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match (error.raw_os_error(), text.rfind(" (os error ")) {
        (Some(_), Some(at)) => text[..at].to_owned(),
        _ => text,
    }
}
