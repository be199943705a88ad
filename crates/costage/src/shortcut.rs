//! A file's bytes to an output without passing through this process.

use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::{AsFd, BorrowedFd};

use crate::Block;
use crate::sys::{self, Kind};

/// How much is moved at once: what the two pipes are made to hold. 1 GiB to a reader of 64 KiB took 332 ms with
/// the output's pipe at 1 MiB and 357 at 256 KiB; to one that splices 111, 130 at 256 KiB and 195 at the
/// system's 64 KiB. Through a pipe of our own, which lets the reader read while pages are looked up, it took 271
/// and 102. Medians of 25 runs.
const PIPE: i32 = 1 << 20;
/// How much is copied between files before signals are heard: 50 ms of a slow disk.
const RANGE: usize = 8 << 20;

/// The way that the system has between a file and an output.
#[derive(Debug)]
pub(crate) enum Shortcut {
    /// Into a pipe, through one of our own: a pipe is locked while a file's pages are put into it, but not while
    /// they come from another pipe.
    Splice {
        out: PipeReader,
        into: PipeWriter,
        /// How many bytes are in it.
        held: usize,
    },
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
                let (out, into) = io::pipe().ok()?;
                sys::enlarge_pipe(into.as_fd(), PIPE);
                sys::enlarge_pipe(output, PIPE);
                Some(Shortcut::Splice { out, into, held: 0 })
            }
            Kind::Regular => Some(Shortcut::Range),
            Kind::Socket | Kind::Other => None,
        }
    }

    /// Moves some bytes, from where `file` stands; `WouldBlock` when the output has no room. 0 and every other
    /// error say that this way goes no further.
    pub(crate) fn step(
        &mut self,
        file: BorrowedFd<'_>,
        output: BorrowedFd<'_>,
    ) -> io::Result<usize> {
        let Shortcut::Splice { out, into, held } = self else {
            return sys::copy_file_range(file, output, RANGE);
        };
        if *held == 0 {
            *held = match sys::splice(file, into.as_fd(), PIPE.unsigned_abs() as usize) {
                // Our pipe is empty: it is the file that has nothing now.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                read => read?,
            };
        }
        if *held == 0 {
            return Ok(0);
        }
        let moved = sys::splice(out.as_fd(), output, *held)?;
        *held -= moved;
        Ok(moved)
    }

    /// Has the output taken less than it was offered?
    pub(crate) fn is_blocked(&self) -> bool {
        matches!(self, Shortcut::Splice { held: 1.., .. })
    }

    /// What was taken from the file and has not reached the output.
    pub(crate) fn rest(self) -> io::Result<Option<Block>> {
        match self {
            Shortcut::Splice { out, held, .. } if held > 0 => {
                let mut bytes = Vec::with_capacity(held);
                out.take(held as u64).read_to_end(&mut bytes)?;
                Ok(Some(Block::from(bytes)))
            }
            _ => Ok(None),
        }
    }
}
