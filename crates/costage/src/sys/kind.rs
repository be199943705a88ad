//! What a descriptor is.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::check;

/// What a descriptor stands for, as far as waiting for it differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Pipe,
    Socket,
    Regular,
    /// /dev/null.
    Null,
    Other,
}

pub(crate) fn kind(fd: BorrowedFd<'_>) -> io::Result<Kind> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: `stat` is a writable buffer of the type the call fills; it is read only after success.
    let stat = unsafe {
        check(libc::fstat(fd.as_raw_fd(), stat.as_mut_ptr()))?;
        stat.assume_init()
    };
    Ok(match stat.st_mode & libc::S_IFMT {
        libc::S_IFIFO => Kind::Pipe,
        libc::S_IFSOCK => Kind::Socket,
        // A block device too has a position of its own in every description of it, and always has room.
        libc::S_IFREG | libc::S_IFBLK => Kind::Regular,
        libc::S_IFCHR if is_null(stat.st_rdev) => Kind::Null,
        _ => Kind::Other,
    })
}

/// Is a character device of this number /dev/null? Only Linux has the same number everywhere.
fn is_null(device: libc::dev_t) -> bool {
    cfg!(target_os = "linux") && (libc::major(device), libc::minor(device)) == (1, 3)
}

/// The flags to open a FIFO that may have no writer yet. Linux's and FreeBSD's `poll` do not take that for a
/// hang-up; elsewhere it would be the end of the file, and `open` has to wait.
pub(crate) const OPEN_BEFORE_WRITER: libc::c_int = if cfg!(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd"
)) {
    libc::O_NONBLOCK
} else {
    0
};

pub(crate) fn is_nonblocking(fd: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(flags(fd)? & libc::O_NONBLOCK != 0)
}

pub(crate) fn is_write_only(fd: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(flags(fd)? & libc::O_ACCMODE == libc::O_WRONLY)
}

/// What it was opened with.
fn flags(fd: BorrowedFd<'_>) -> io::Result<libc::c_int> {
    // SAFETY: F_GETFL takes no argument and touches no memory of ours.
    let flags = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) };
    check(flags)?;
    Ok(flags)
}
