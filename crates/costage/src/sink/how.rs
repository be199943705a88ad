//! How a descriptor is written without waiting.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use crate::reader::is_unsupported;
use crate::sys::{self, Kind};
use crate::{Block, Interest, Waits, start};

/// What POSIX lets a pipe, and Linux a terminal, take in one piece once it is writable (`PIPE_BUF` on Linux).
const BOUNDED: usize = 4096;

/// How this descriptor is written without waiting.
#[derive(Debug)]
pub(super) enum How {
    /// The call says when there is no room: anonymous pipes, sockets, /dev/null.
    NoWait,
    /// A plain write: regular files, which always have room, and what is non-blocking already.
    Plain,
    /// Through a description of our own, which is non-blocking: FIFOs with a name, terminals.
    Reopened(File),
    /// After the wait said that there is room, no more than surely fits.
    Bounded,
    /// Closed before the process started: nothing can be written.
    Closed,
}

impl How {
    pub(super) fn of(fd: BorrowedFd<'_>) -> How {
        if start::closed(fd.as_raw_fd()) {
            How::Closed
        } else if sys::kind(fd).is_ok_and(|kind| kind == Kind::Regular)
            || sys::is_nonblocking(fd).unwrap_or(false)
        {
            How::Plain
        } else {
            How::NoWait
        }
    }

    /// What is left for a descriptor for which the kernel does not have [`How::NoWait`].
    fn fallback(fd: BorrowedFd<'_>) -> How {
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        match OpenOptions::new()
            .write(true)
            .custom_flags(flags)
            .open(path)
        {
            Ok(own) => How::Reopened(own),
            // No /proc, or no permission, as after `su` on its terminal.
            Err(_) => How::Bounded,
        }
    }

    /// Writes from the front of `queue`, which holds something: so much was taken, or `WouldBlock`.
    pub(super) fn write(
        &mut self,
        fd: BorrowedFd<'_>,
        queue: &VecDeque<Block>,
    ) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); sys::MAX_SLICES];
        for (slice, block) in slices.iter_mut().zip(queue) {
            *slice = IoSlice::new(block);
        }
        let slices = &slices[..queue.len().min(sys::MAX_SLICES)];
        let written = match self {
            How::NoWait => sys::write_nowait(fd, slices),
            How::Plain => sys::write(fd, slices),
            How::Reopened(own) => sys::write(own.as_fd(), slices),
            How::Bounded => write_bounded(fd, &slices[0]),
            How::Closed => Err(io::Error::from_raw_os_error(libc::EBADF)),
        };
        match written {
            // POSIX leaves it open for some devices; to try for ever would be the end of the chain.
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Err(error) if is_unsupported(&error) && matches!(self, How::NoWait) => {
                *self = How::fallback(fd);
                self.write(fd, queue)
            }
            written => written,
        }
    }
}

/// Writes so much of `bytes` as surely has room, once the wait says that there is some.
fn write_bounded(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let mut waits = Waits::default();
    waits.add(fd, Interest::Write);
    if let Ok(0) = waits.look() {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    sys::write(fd, &[IoSlice::new(&bytes[..bytes.len().min(BOUNDED)])])
}
