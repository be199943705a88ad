//! How the process was started, as recorded before Rust's runtime, or [`prepare`] in its place, changed it.

use std::os::fd::RawFd;

use crate::sys;

/// Does what Rust's runtime does before `main` and the rest of this crate relies on, for a program that starts without it
/// (`#![no_main]`): SIGPIPE is ignored, and /dev/null stands where 0, 1 or 2 was closed, so that no file that is opened
/// gets that number. To be called before anything else.
pub fn prepare() {
    sys::prepare();
}

/// Was this signal (SIGPIPE, SIGINT, SIGTERM, SIGHUP or SIGXFSZ) ignored at start, as `nohup` and `&` in scripts do?
/// One that was stays ignored.
pub fn ignored(signal: i32) -> bool {
    sys::ignored_at_start(signal)
}

/// Was this one of the descriptors 0, 1 and 2 closed at start (`>&-`)? Rust's runtime opens /dev/null there.
pub fn closed(fd: RawFd) -> bool {
    sys::closed_at_start(fd)
}
