//! What a chain waits for.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use crate::sys;
use crate::{Call, Error, Result};

/// The descriptors and the deadline for which a source and the stages of its chain want to be woken.
///
/// Filled before each wait, by [`Pull::waits`](crate::Pull::waits) and [`Stage::waits`](crate::Stage::waits);
/// asked after it, with the token that [`add`](Waits::add) gave.
#[derive(Debug, Default)]
pub struct Waits {
    fds: Vec<libc::pollfd>,
    deadline: Option<Instant>,
    now: bool,
    last_call: bool,
}

/// What to be woken for. A hang-up wakes in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// There is something to read, or the end.
    Read,
    /// There is room to write.
    Write,
    /// Only that the other end goes away.
    HangUp,
}

/// The place of one descriptor in a [`Waits`]; good until the next round of waiting.
#[derive(Clone, Copy, Debug)]
pub struct Wait(usize);

impl Waits {
    /// Wake when this happens to `fd`. The number is used in the wait that follows and forgotten; a descriptor
    /// that is closed before it only wakes for nothing.
    pub fn add(&mut self, fd: BorrowedFd<'_>, interest: Interest) -> Wait {
        self.fds.push(libc::pollfd {
            fd: fd.as_raw_fd(),
            events: match interest {
                Interest::Read => libc::POLLIN,
                Interest::Write => libc::POLLOUT,
                Interest::HangUp => 0,
            },
            revents: 0,
        });
        Wait(self.fds.len() - 1)
    }

    /// Wake at this time at the latest.
    pub fn until(&mut self, deadline: Instant) {
        self.deadline = Some(self.deadline.map_or(deadline, |d| d.min(deadline)));
    }

    /// Do not wait: there is something to do already.
    pub fn now(&mut self) {
        self.now = true;
    }

    /// A signal has come, and the chain is to end: what a stage holds for a later time is to go out now. Such a stage
    /// asks for this in its [`waits`](crate::Stage::waits), to be woken, and when it is.
    pub fn is_last_call(&self) -> bool {
        self.last_call
    }

    /// It stays so, whatever is waited for next.
    pub(crate) fn call_last(&mut self) {
        self.last_call = true;
    }

    /// Did what was waited for happen: data or the end, room, a hang-up?
    pub fn is_ready(&self, wait: Wait) -> bool {
        self.revents(wait) != 0
    }

    /// Has the other end gone away?
    pub fn is_hung_up(&self, wait: Wait) -> bool {
        self.revents(wait) & (libc::POLLERR | libc::POLLHUP | libc::POLLNVAL) != 0
    }

    /// Nothing, for one of an earlier round.
    fn revents(&self, wait: Wait) -> libc::c_short {
        self.fds.get(wait.0).map_or(0, |fd| fd.revents)
    }

    pub(crate) fn clear(&mut self) {
        self.fds.clear();
        self.deadline = None;
        self.now = false;
    }

    /// Looks, without waiting. How many are ready?
    pub(crate) fn look(&mut self) -> Result<usize> {
        self.poll(Some(Duration::ZERO))
    }

    /// Waits until something is ready, the deadline has come or a signal has arrived.
    pub(crate) fn wait(&mut self) -> Result<usize> {
        let timeout = self
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        self.poll(timeout)
    }

    fn poll(&mut self, timeout: Option<Duration>) -> Result<usize> {
        let timeout = if self.now {
            Some(Duration::ZERO)
        } else {
            timeout
        };
        sys::poll(&mut self.fds, timeout)
            .map(|ready| ready + usize::from(self.now))
            .map_err(|error| Error::io(Call::Wait, "waiting for input", error))
    }
}
