//! Waiting for descriptors.

use std::io;
use std::time::Duration;

use super::count;

/// Waits until a descriptor is ready or `timeout` has passed (`None`: for ever) and says how many are.
/// An interruption by a signal is 0 ready, like a timeout: the caller looks at everything again.
pub(crate) fn poll(fds: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<usize> {
    match poll_call(fds, timeout) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            for fd in fds {
                fd.revents = 0;
            }
            Ok(0)
        }
        ready => ready,
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn poll_call(fds: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<usize> {
    let spec = timeout.map(|t| libc::timespec {
        tv_sec: libc::time_t::try_from(t.as_secs()).unwrap_or(libc::time_t::MAX),
        // Below 10^9: fits every width of the field.
        #[allow(clippy::cast_lossless)]
        tv_nsec: t.subsec_nanos() as _,
    });
    let spec = spec.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: `fds` is a valid array of its length for the time of the call, `spec` null or a live timespec,
    // and a null mask leaves the signal mask alone.
    let ready = unsafe { libc::ppoll(fds.as_mut_ptr(), fds.len() as _, spec, std::ptr::null()) };
    count(ready as isize)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn poll_call(fds: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<usize> {
    // Rounded up: a timeout that fires early would spin until the deadline.
    let millis = timeout.map_or(-1, |t| {
        i32::try_from(t.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
    });
    // SAFETY: `fds` is a valid array of its length for the time of the call.
    let ready = unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as _, millis) };
    count(ready as isize)
}
