//! A file's bytes to an output without passing through this process.

use std::io;
use std::os::fd::BorrowedFd;

use crate::Block;
use crate::staging::Staging;
use crate::sys::{self, Kind};

/// How much is copied between files before signals are heard: 50 ms of a slow disk.
const RANGE: usize = 8 << 20;

/// The way that the system has between a file and an output.
#[derive(Debug)]
pub(crate) enum Shortcut {
    /// Into a pipe, through one of our own: a pipe is locked while a file's pages are put into it, but not while
    /// they come from another pipe.
    Splice(Staging),
    /// Into a file.
    Range,
}

impl Shortcut {
    /// The way into `output`, if there is one. Into a socket there is none that does not wait: neither `splice`
    /// nor `sendfile` heeds anything but the socket's own mode, which others share.
    pub(crate) fn into(output: BorrowedFd<'_>) -> Option<Shortcut> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        match sys::kind(output).ok()? {
            Kind::Pipe => {
                let staging = Staging::new().ok()?;
                sys::enlarge_pipe(output, Staging::SIZE);
                Some(Shortcut::Splice(staging))
            }
            Kind::Regular => Some(Shortcut::Range),
            Kind::Socket | Kind::Null | Kind::Other => None,
        }
    }

    /// Moves some bytes, from where `file` stands; `WouldBlock` when the output has no room. 0 and every other
    /// error say that this way goes no further.
    pub(crate) fn step(
        &mut self,
        file: BorrowedFd<'_>,
        output: BorrowedFd<'_>,
    ) -> io::Result<usize> {
        let Shortcut::Splice(staging) = self else {
            return sys::copy_file_range(file, output, RANGE);
        };
        if staging.held() == 0 {
            match staging.fill(file, Staging::SIZE.unsigned_abs() as usize) {
                // Our pipe is empty: it is the file that has nothing now.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                filled => _ = filled?,
            }
        }
        if staging.held() == 0 {
            return Ok(0);
        }
        staging.push(output)
    }

    /// Has the output taken less than it was offered?
    pub(crate) fn is_blocked(&self) -> bool {
        matches!(self, Shortcut::Splice(staging) if staging.held() > 0)
    }

    /// What was taken from the file and has not reached the output.
    pub(crate) fn rest(self) -> io::Result<Option<Block>> {
        match self {
            Shortcut::Splice(mut staging) if staging.held() > 0 => staging
                .read(staging.held())
                .map(|bytes| Some(Block::from(bytes))),
            _ => Ok(None),
        }
    }
}
