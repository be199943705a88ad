//! How many descriptors there may be.

use std::io;
use std::mem::MaybeUninit;

use super::check;

/// How many descriptors the process may have: what it may use now, and what it may raise that to.
pub(crate) fn descriptor_limits() -> io::Result<(u64, u64)> {
    let mut limits = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: `limits` is a writable buffer of the type the call fills; it is read only after success.
    unsafe {
        check(libc::getrlimit(libc::RLIMIT_NOFILE, limits.as_mut_ptr()))?;
        let limits = limits.assume_init();
        Ok((as_count(limits.rlim_cur), as_count(limits.rlim_max)))
    }
}

/// Signed on FreeBSD, where it is never negative.
#[allow(clippy::useless_conversion, clippy::unnecessary_fallible_conversions)]
fn as_count(limit: libc::rlim_t) -> u64 {
    u64::try_from(limit).unwrap_or(u64::MAX)
}

#[allow(clippy::useless_conversion, clippy::unnecessary_fallible_conversions)]
fn as_limit(count: u64) -> libc::rlim_t {
    libc::rlim_t::try_from(count).unwrap_or(libc::RLIM_INFINITY)
}

/// Sets what [`descriptor_limits`] tells.
pub(crate) fn set_descriptor_limits(now: u64, most: u64) -> io::Result<()> {
    let limits = libc::rlimit {
        rlim_cur: as_limit(now),
        rlim_max: as_limit(most),
    };
    // SAFETY: the call reads the live struct it is given.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limits) })
}
