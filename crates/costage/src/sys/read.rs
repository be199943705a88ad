//! Reading, if need be without waiting.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::{count, retry};

/// `read(2)`; 0 is the end of the file.
pub(crate) fn read(fd: BorrowedFd<'_>, into: &mut [u8]) -> io::Result<usize> {
    retry(|| {
        // SAFETY: `into` is writable for its whole length.
        count(unsafe { libc::read(fd.as_raw_fd(), into.as_mut_ptr().cast(), into.len()) })
    })
}

/// Reads what is there and never waits, whatever the descriptor's own mode, which others may share:
/// `WouldBlock` when nothing is, `Unsupported` where the kernel cannot do this for the descriptor.
#[cfg(target_os = "linux")]
pub(crate) fn read_nowait(fd: BorrowedFd<'_>, into: &mut [u8]) -> io::Result<usize> {
    let slice = libc::iovec {
        iov_base: into.as_mut_ptr().cast(),
        iov_len: into.len(),
    };
    retry(|| {
        // SAFETY: one iovec over `into`, which is writable for its whole length.
        count(unsafe { libc::preadv2(fd.as_raw_fd(), &raw const slice, 1, -1, libc::RWF_NOWAIT) })
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn read_nowait(_: BorrowedFd<'_>, _: &mut [u8]) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
