//! What is no error but worth telling.

use std::ffi::OsStr;
use std::fmt::{self, Display};
use std::io;
use std::path::Path;
use std::sync::Arc;

use costage::{Call, Error, printable, reason};

/// Something that happened to a followed file, in tail's words where tail has them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// It cannot be opened or read, and is waited for.
    Unreadable(Error),
    /// It is a directory or a socket, which have no lines.
    Unfollowable(Arc<OsStr>),
    /// It is the file that what is followed is written to.
    IsOutput(Arc<OsStr>),
    /// It is the file in which it is kept how far all are read.
    IsState(Arc<OsStr>),
    /// The name has no file any more that can be opened.
    Gone(Arc<OsStr>, Arc<io::Error>),
    /// A file that was waited for is there.
    Appeared(Arc<OsStr>),
    /// A file that could not be opened can be.
    Accessible(Arc<OsStr>),
    /// The name stands for another file now.
    Replaced(Arc<OsStr>),
    /// The name stands for something now that has no lines.
    ReplacedByOther(Arc<OsStr>),
    /// The file became shorter and is read from its start; so many bytes that had been there were not read.
    Truncated(Arc<OsStr>, u64),
    /// The file was truncated while it was written to. What was written after it was copied, if anything, was lost with it.
    Cut(Arc<OsStr>),
    /// The file was written anew, no shorter than before, and is read from its start; so many bytes that had been
    /// there were not read.
    Rewritten(Arc<OsStr>, u64),
    /// The file cannot be found any more: if something was appended to it after this position, that is lost.
    Vanished(Arc<OsStr>, u64),
    /// The file with the saved identity is shorter than it was read: if something was appended to it behind this
    /// position before it was truncated, that is lost.
    TruncatedUnseen(Arc<OsStr>, u64),
    /// The same of one that is not shorter, but has another text.
    RewrittenUnseen(Arc<OsStr>, u64),
    /// What came to match a pattern begins as the second of these does, and may be its copy: it is not read yet.
    Held(Arc<OsStr>, Arc<OsStr>),
    /// It differs from what it might have been a copy of, or has been silent for long: it is read.
    LetIn(Arc<OsStr>),
    /// The second was truncated, of which the first is a copy then: what was read is not read in it again.
    Copy(Arc<OsStr>, Arc<OsStr>),
    /// So many files had the name, and were deleted, before they were seen: what was in them is not known.
    Missed(Arc<OsStr>, usize),
    /// A file that lost its name could not be read to its end: so many bytes of it are lost.
    GivenUp(Arc<OsStr>, u64),
    /// There is no file left to follow.
    NoneLeft,
    /// Where reading stands could not be saved.
    Unsaved(Error),
    /// A step of the follower, for those who want to see what it does; see [`is_detail`](Notice::is_detail).
    Detail(Detail),
}

/// A step of the follower.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Detail {
    /// It is read from this position on.
    Opened(Arc<OsStr>, u64),
    /// It is read on where a saved state says.
    Resumed(Arc<OsStr>, u64),
    /// A file is read that had the name unseen.
    Unseen(Arc<OsStr>, Arc<Path>),
    /// The lines that were truncated away are read in a copy.
    Copied(Arc<OsStr>),
    /// A file that lost its name was read to its end, and its writer has been silent.
    LetGo(Arc<OsStr>),
    /// It cannot be watched, and is looked at from time to time.
    Polled(Arc<OsStr>, Arc<str>),
    /// It matches a pattern, and is not followed: it is what the follower writes to.
    LeftOut(Arc<OsStr>),
    /// Events were lost: everything is looked at.
    Rescan,
}

impl Notice {
    /// Is it of interest only to who wants to see what the follower does?
    pub fn is_detail(&self) -> bool {
        matches!(self, Notice::Detail(_))
    }
}

impl Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |name: &Arc<OsStr>| format!("'{}'", shown(name));
        match self {
            Notice::Unreadable(error) => describe(error, f),
            Notice::Unfollowable(name) => {
                let name = shown(name);
                write!(f, "{name}: cannot follow end of this type of file")
            }
            // As grep has it.
            Notice::IsOutput(name) => write!(f, "{}: input file is also the output", shown(name)),
            Notice::IsState(name) => write!(f, "{}: input file is also the state", shown(name)),
            Notice::Gone(name, error) => {
                let name = quoted(name);
                write!(f, "{name} has become inaccessible: {}", reason(error))
            }
            Notice::Appeared(name) => {
                write!(f, "{} has appeared;  following new file", quoted(name))
            }
            Notice::Accessible(name) => write!(f, "{} has become accessible", quoted(name)),
            Notice::Replaced(name) => {
                write!(f, "{} has been replaced;  following new file", quoted(name))
            }
            Notice::ReplacedByOther(name) => {
                let name = quoted(name);
                write!(f, "{name} has been replaced with an untailable file")
            }
            Notice::Truncated(name, lost) => {
                write!(f, "{}: file truncated{}", shown(name), Lost(*lost))
            }
            Notice::Cut(name) => {
                let name = shown(name);
                write!(
                    f,
                    "{name}: file truncated; if more was written after it was copied, that is lost"
                )
            }
            Notice::Rewritten(name, lost) => {
                write!(f, "{}: file written anew{}", shown(name), Lost(*lost))
            }
            Notice::Vanished(name, position) => away(name, *position, "is gone", f),
            Notice::TruncatedUnseen(name, position) => away(name, *position, "was truncated", f),
            Notice::RewrittenUnseen(name, position) => away(name, *position, "was written anew", f),
            Notice::Held(name, of) => {
                let (name, of) = (shown(name), shown(of));
                write!(
                    f,
                    "{name}: may be a copy of {of}; held until it differs, or for 10 s of silence"
                )
            }
            Notice::LetIn(name) => write!(f, "{}: no copy; reading it", shown(name)),
            Notice::Copy(name, of) => {
                let (name, of) = (shown(name), shown(of));
                write!(f, "{name}: a copy of {of}; what is in both comes once")
            }
            Notice::Missed(name, count) => {
                let name = shown(name);
                let files = if *count == 1 { "file" } else { "files" };
                write!(
                    f,
                    "{name}: {count} {files} of that name came and went unread"
                )
            }
            Notice::GivenUp(name, lost) => {
                let (name, lost) = (shown(name), Lost(*lost));
                write!(f, "{name}: giving up a file that cannot be read{lost}")
            }
            Notice::NoneLeft => write!(f, "no files remaining"),
            Notice::Unsaved(error) => error.fmt(f),
            Notice::Detail(detail) => detail.fmt(f),
        }
    }
}

/// A name as a message may show it.
fn shown(name: &OsStr) -> String {
    printable(&name.to_string_lossy())
}

/// As tail puts it.
fn describe(error: &Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match error {
        Error::Io { call, what, source } => {
            let (what, why) = (printable(what), reason(source));
            match call {
                Call::Open => write!(f, "cannot open '{what}' for reading: {why}"),
                Call::Read => write!(f, "error reading '{what}': {why}"),
                _ => error.fmt(f),
            }
        }
        _ => error.fmt(f),
    }
}

/// What became of a file while nobody looked: nothing tells how long it was by then.
fn away(name: &OsStr, position: u64, what: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        f,
        "{}: the file that was read up to byte {position} {what}; if more was appended, that is lost",
        shown(name)
    )
}

/// So many bytes, if any, that nobody will read.
struct Lost(u64);

impl Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            1 => write!(f, "; 1 byte of it is lost"),
            count => write!(f, "; {count} bytes of it are lost"),
        }
    }
}

impl Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Detail::Opened(name, from) => {
                write!(f, "{}: reading from byte {from}", shown(name))
            }
            Detail::Resumed(name, from) => {
                write!(f, "{}: going on at byte {from}", shown(name))
            }
            Detail::Unseen(name, path) => {
                let (path, name) = (shown(path.as_os_str()), shown(name));
                write!(f, "{path}: had been {name} unseen; reading it")
            }
            Detail::Copied(name) => {
                write!(f, "{}: reading on in its copy", shown(name))
            }
            Detail::LetGo(name) => {
                write!(
                    f,
                    "{}: the old file's writer is silent; letting it go",
                    shown(name)
                )
            }
            Detail::Polled(name, why) => {
                let (name, why) = (shown(name), printable(why));
                write!(f, "{name}: {why}; looking at it from time to time")
            }
            Detail::LeftOut(name) => {
                let name = shown(name);
                write!(f, "{name}: written by this run itself; not following it")
            }
            Detail::Rescan => write!(f, "events were lost; looking at everything"),
        }
    }
}
