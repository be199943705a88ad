//! A process that is a descriptor.

use std::io;
use std::os::fd::OwnedFd;

/// A descriptor that is readable once the process has ended (`pidfd_open(2)`). `Unsupported` where there is none.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn process(id: u32) -> io::Result<OwnedFd> {
    use std::os::fd::{FromRawFd, RawFd};
    let id = libc::pid_t::try_from(id).map_err(|_| io::Error::from_raw_os_error(libc::ESRCH))?;
    let no_flags: libc::c_uint = 0;
    // SAFETY: takes integers only.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, id, no_flags) };
    // A descriptor, or -1: fits.
    let fd = RawFd::try_from(fd).unwrap_or(-1);
    super::check(fd)?;
    // SAFETY: the call has just made this descriptor, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn process(_: u32) -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}
