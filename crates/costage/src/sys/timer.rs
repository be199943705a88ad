//! A timer that is a descriptor.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use super::check;

/// A timer that is a descriptor: readable once it has fired, until it is set again. `Unsupported` where there is none.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn timer() -> io::Result<OwnedFd> {
    use std::os::fd::FromRawFd;
    // SAFETY: takes integers only.
    let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC) };
    check(fd)?;
    // SAFETY: the call has just made this descriptor, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn timer() -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Lets a [`timer`] fire after this time, or, with `None`, not at all.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn set_timer(timer: BorrowedFd<'_>, after: Option<Duration>) -> io::Result<()> {
    // All zero would disarm it.
    let after = after.map_or(Duration::ZERO, |after| after.max(Duration::from_nanos(1)));
    let never = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let spec = libc::itimerspec {
        it_interval: never,
        it_value: libc::timespec {
            tv_sec: libc::time_t::try_from(after.as_secs()).unwrap_or(libc::time_t::MAX),
            // Below 10^9: fits every width of the field.
            #[allow(clippy::cast_lossless)]
            tv_nsec: after.subsec_nanos() as _,
        },
    };
    // SAFETY: `spec` lives as long as the call; a null old value is not written.
    check(unsafe {
        libc::timerfd_settime(timer.as_raw_fd(), 0, &raw const spec, std::ptr::null_mut())
    })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn set_timer(_: BorrowedFd<'_>, _: Option<Duration>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
