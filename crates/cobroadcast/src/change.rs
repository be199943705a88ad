//! What becomes of a branch, for who wants to see it.

use std::fmt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use costage::printable;

use crate::child::in_words;

/// What has become of a branch: what [`Branch::watched`](crate::Branch::watched) tells.
#[derive(Clone, Debug)]
pub struct Change {
    pub(crate) name: Arc<str>,
    pub(crate) what: Changed,
}

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It runs, as the process of this number.
    Started(u32),
    /// It reads no more, though more may come.
    LeftItsInput,
    /// Nobody wants what it prints.
    LostItsReader,
    /// It has ended so, after that time; what it has printed may not have come yet.
    Ended(ExitStatus, Duration),
}

impl Change {
    /// What has changed.
    pub fn what(&self) -> Changed {
        self.what
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", printable(&self.name))?;
        match self.what {
            Changed::Started(process) => write!(f, "started as process {process}"),
            Changed::LeftItsInput => f.write_str("reads no more"),
            Changed::LostItsReader => f.write_str("nobody reads what it prints"),
            Changed::Ended(status, ran) => {
                write!(f, "{} after {:.3} s", in_words(status), ran.as_secs_f64())
            }
        }
    }
}
