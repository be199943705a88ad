//! What is no error but worth telling.

use std::fmt;
use std::sync::Arc;

use costage::{Error, printable};

/// Something that happened to a followed file, in tail's words.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// It cannot be read, and is waited for.
    Unreadable(Error),
    /// The name has no file any more.
    Gone(Arc<str>),
    /// A file that was waited for is there.
    Appeared(Arc<str>),
    /// The name stands for another file now.
    Replaced(Arc<str>),
    /// The file became shorter and is read from its start.
    Truncated(Arc<str>),
    /// It cannot be watched, and is looked at once a second.
    Polled(Error),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Unreadable(error) => error.fmt(f),
            Notice::Gone(name) => {
                let name = printable(name);
                write!(
                    f,
                    "'{name}' has become inaccessible: No such file or directory"
                )
            }
            Notice::Appeared(name) => {
                write!(f, "'{}' has appeared;  following new file", printable(name))
            }
            Notice::Replaced(name) => {
                write!(
                    f,
                    "'{}' has been replaced;  following new file",
                    printable(name)
                )
            }
            Notice::Truncated(name) => write!(f, "{}: file truncated", printable(name)),
            Notice::Polled(error) => {
                write!(f, "{error}; looking once a second instead of watching")
            }
        }
    }
}
