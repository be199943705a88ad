//! What a signal does when it comes.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
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

/// From now on each of `signals` gives the process so much processor time in user mode to come to its end, and after
/// that it ends as by the one that `caught` says. Not in system calls, too: what counts those rings by SIGPROF, which
/// profilers use.
pub(crate) fn end_if_busy(
    signals: &[libc::c_int],
    time: Duration,
    caught: &Arc<AtomicUsize>,
) -> io::Result<()> {
    let caught = Arc::clone(caught);
    let end = move || {
        if let Ok(signal @ 1..) = libc::c_int::try_from(caught.load(Ordering::SeqCst)) {
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    };
    // SAFETY: the action reads an atomic and calls what is made to be called in a handler.
    unsafe { signal_hook::low_level::register(libc::SIGVTALRM, end) }?;
    let never = libc::timeval {
        tv_sec: 0,
        tv_usec: 0,
    };
    let timer = libc::itimerval {
        it_interval: never,
        it_value: libc::timeval {
            tv_sec: libc::time_t::try_from(time.as_secs()).unwrap_or(libc::time_t::MAX),
            ..never
        },
    };
    for &signal in signals {
        let start = move || {
            // SAFETY: `timer` is readable and the old value not asked for. A system call that touches nothing of the
            // process is as safe in a handler as outside.
            unsafe { libc::setitimer(libc::ITIMER_VIRTUAL, &raw const timer, ptr::null_mut()) };
        };
        // SAFETY: the action makes one system call; it neither allocates nor locks nor panics.
        unsafe { signal_hook::low_level::register(signal, start) }?;
    }
    Ok(())
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
