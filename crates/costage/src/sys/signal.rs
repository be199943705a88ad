//! What a signal does when it comes.

use std::io;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// From now on `signal` sets `again` if it comes `apart` or more after the first of all signals that share `first`:
/// its time in nanoseconds, 0 as long as none has come.
pub(crate) fn flag_repeat(
    signal: libc::c_int,
    apart: Duration,
    first: Arc<AtomicU64>,
    again: Arc<AtomicBool>,
) -> io::Result<()> {
    let action = move || {
        let now = monotonic_nanos();
        if let Err(first) = first.compare_exchange(0, now, Ordering::SeqCst, Ordering::SeqCst)
            && u128::from(now.saturating_sub(first)) >= apart.as_nanos()
        {
            again.store(true, Ordering::SeqCst);
        }
    };
    // SAFETY: the action calls clock_gettime, which is async-signal-safe (POSIX 2.4.3), and touches atomics; it
    // neither allocates nor locks nor panics.
    unsafe { signal_hook::low_level::register(signal, action) }.map(|_| ())
}

/// The clock that is never set, in nanoseconds; not 0.
fn monotonic_nanos() -> u64 {
    let mut now = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: `now` is a writable buffer of the type the call fills, read only after success.
    let now = unsafe {
        if libc::clock_gettime(libc::CLOCK_MONOTONIC, now.as_mut_ptr()) == -1 {
            return 1;
        }
        now.assume_init()
    };
    let (seconds, nanos) = (now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs());
    #[allow(clippy::useless_conversion)]
    let (seconds, nanos) = (u64::from(seconds), u64::from(nanos));
    (seconds * 1_000_000_000 + nanos).max(1)
}
