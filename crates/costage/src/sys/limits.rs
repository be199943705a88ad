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
        Ok((limits.rlim_cur, limits.rlim_max))
    }
}

/// Sets what [`descriptor_limits`] tells.
pub(crate) fn set_descriptor_limits(now: u64, most: u64) -> io::Result<()> {
    let limits = libc::rlimit {
        rlim_cur: now,
        rlim_max: most,
    };
    // SAFETY: the call reads the live struct it is given.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limits) })
}
