//! A timer that is a descriptor.

use std::io;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::fd::AsRawFd;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

#[cfg(any(target_os = "linux", target_os = "android"))]
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

/// What the clock of a [`timer`] shows.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn timer_clock() -> io::Result<Duration> {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is writable.
    check(unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) })?;
    // It counts from the start of the system, up to 10^9 nanoseconds a second.
    Ok(Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    ))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn timer_clock() -> io::Result<Duration> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Lets a [`timer`] fire when its clock shows `at`, at once if that is past.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn set_timer(timer: BorrowedFd<'_>, at: Duration) -> io::Result<()> {
    let never = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let spec = libc::itimerspec {
        it_interval: never,
        it_value: libc::timespec {
            tv_sec: libc::time_t::try_from(at.as_secs()).unwrap_or(libc::time_t::MAX),
            // Below 10^9: fits every width of the field.
            #[allow(clippy::cast_lossless)]
            tv_nsec: at.subsec_nanos() as _,
        },
    };
    let (timer, flags) = (timer.as_raw_fd(), libc::TFD_TIMER_ABSTIME);
    // SAFETY: `spec` lives as long as the call; a null old value is not written.
    check(unsafe { libc::timerfd_settime(timer, flags, &raw const spec, std::ptr::null_mut()) })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn set_timer(_: BorrowedFd<'_>, _: Duration) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
