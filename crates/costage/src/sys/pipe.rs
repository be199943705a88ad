//! How much pipes hold.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::check;

/// Lets a pipe hold more. That it may not is no error: an unprivileged user has a limit on the memory of all
/// pipes together (`pipe(7)`, pipe-user-pages-soft).
#[cfg(target_os = "linux")]
pub(crate) fn enlarge_pipe(fd: BorrowedFd<'_>, capacity: libc::c_int) {
    // SAFETY: F_GETPIPE_SZ takes no argument and touches no memory of ours.
    let has = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETPIPE_SZ) };
    if (0..capacity).contains(&has) {
        set_pipe_capacity(fd, capacity);
    }
}

/// Lets a pipe hold so much, if the system allows it.
#[cfg(target_os = "linux")]
pub(crate) fn set_pipe_capacity(fd: BorrowedFd<'_>, capacity: libc::c_int) {
    // SAFETY: F_SETPIPE_SZ takes an integer and touches no memory of ours.
    unsafe {
        libc::fcntl(fd.as_raw_fd(), libc::F_SETPIPE_SZ, capacity);
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn set_pipe_capacity(_: BorrowedFd<'_>, _: libc::c_int) {}

#[cfg(not(target_os = "linux"))]
pub(crate) fn enlarge_pipe(_: BorrowedFd<'_>, _: libc::c_int) {}

/// How much a pipe holds if all that is put into it are whole pages; 0 if nobody tells.
#[cfg(target_os = "linux")]
pub(crate) fn pipe_capacity(fd: BorrowedFd<'_>) -> usize {
    // SAFETY: F_GETPIPE_SZ takes no argument and touches no memory of ours.
    let capacity = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETPIPE_SZ) };
    usize::try_from(capacity).unwrap_or(0)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn pipe_capacity(_: BorrowedFd<'_>) -> usize {
    0
}

/// How many bytes can be read from a pipe now.
pub(crate) fn available(fd: BorrowedFd<'_>) -> io::Result<usize> {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int to where it is told, which lives as long as the call.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONREAD, &raw mut count) })?;
    Ok(usize::try_from(count).unwrap_or(0))
}
