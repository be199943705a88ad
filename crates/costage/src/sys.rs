//! Every system call of the core that the standard library does not offer, each wrapped once: `EINTR` is
//! handled here, and the rest of the crate is safe code.

#![allow(unsafe_code)]

mod kind;
mod limits;
mod moving;
mod pipe;
mod poll;
mod process;
mod read;
mod signal;
mod start;
mod timer;
mod write;

pub(crate) use kind::{Kind, OPEN_BEFORE_WRITER, is_nonblocking, is_write_only, kind};
pub(crate) use limits::{descriptor_limits, set_descriptor_limits};
pub(crate) use moving::{copy_file_range, splice, tee};
pub(crate) use pipe::{available, enlarge_pipe, pipe_capacity, set_pipe_capacity};
pub(crate) use poll::poll;
pub(crate) use process::process;
pub(crate) use read::{read, read_nowait};
pub(crate) use signal::{end_if_busy, flag_repeat};
pub(crate) use start::{closed_at_start, ignored_at_start, prepare};
pub(crate) use timer::{set_timer, timer, timer_clock};
#[cfg(test)]
pub(crate) use write::faults;
pub(crate) use write::{MAX_SLICES, write, write_nowait};

use std::io;

fn retry(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

fn count(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
