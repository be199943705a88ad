//! Moving bytes between descriptors without their passing through this process.

use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;

#[cfg(target_os = "linux")]
use super::{count, retry};

/// Moves at most `length` bytes from where a file stands, or from a pipe, into a pipe or between pipes, and never
/// waits for a pipe, whatever its mode: `WouldBlock` when it has no room or nothing in it. 0 is the end. Pages
/// of a file are not copied: who writes to them before they are read changes what is read.
#[cfg(target_os = "linux")]
pub(crate) fn splice(from: BorrowedFd<'_>, to: BorrowedFd<'_>, length: usize) -> io::Result<usize> {
    retry(|| {
        // SAFETY: null offsets, so that the call touches no memory of ours.
        count(unsafe {
            libc::splice(
                from.as_raw_fd(),
                std::ptr::null_mut(),
                to.as_raw_fd(),
                std::ptr::null_mut(),
                length,
                libc::SPLICE_F_NONBLOCK,
            )
        })
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn splice(_: BorrowedFd<'_>, _: BorrowedFd<'_>, _: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Puts at most `length` bytes that are at the head of a pipe into another one too, and leaves them where they are.
/// Never waits, whatever the pipes' modes: `WouldBlock` when there is no room or nothing to put. What does not fit
/// cannot be put later, because the next call begins at the head again.
#[cfg(target_os = "linux")]
pub(crate) fn tee(from: BorrowedFd<'_>, to: BorrowedFd<'_>, length: usize) -> io::Result<usize> {
    retry(|| {
        // SAFETY: takes integers only.
        count(unsafe {
            libc::tee(
                from.as_raw_fd(),
                to.as_raw_fd(),
                length,
                libc::SPLICE_F_NONBLOCK,
            )
        })
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn tee(_: BorrowedFd<'_>, _: BorrowedFd<'_>, _: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Copies at most `length` bytes from where one file stands to where another does; file systems that can, share
/// them. 0 is the end, or a file that does not know its length (/proc, before Linux 5.19).
#[cfg(target_os = "linux")]
pub(crate) fn copy_file_range(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    length: usize,
) -> io::Result<usize> {
    retry(|| {
        // SAFETY: null offsets, so that the call touches no memory of ours.
        count(unsafe {
            libc::copy_file_range(
                from.as_raw_fd(),
                std::ptr::null_mut(),
                to.as_raw_fd(),
                std::ptr::null_mut(),
                length,
                0,
            )
        })
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn copy_file_range(_: BorrowedFd<'_>, _: BorrowedFd<'_>, _: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
