//! How the process was started, as recorded before Rust's runtime changed it.

use std::os::fd::RawFd;

use crate::sys;

/// Was this signal (SIGPIPE, SIGINT, SIGTERM, SIGHUP or SIGXFSZ) ignored at start, as `nohup` and `&` in scripts do?
/// One that was stays ignored.
pub fn ignored(signal: i32) -> bool {
    sys::ignored_at_start(signal)
}

/// Was this one of the descriptors 0, 1 and 2 closed at start (`>&-`)? Rust's runtime opens /dev/null there.
pub fn closed(fd: RawFd) -> bool {
    sys::closed_at_start(fd)
}
