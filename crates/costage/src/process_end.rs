//! Waking when a process has ended.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use crate::{Interest, Wait, Waits, sys};

/// Wakes a chain when a process has ended, a child or not. Where the system does not tell of it (only Linux does,
/// from 5.3 on) it wakes to ask, every so often.
#[derive(Debug)]
pub struct ProcessEnd {
    /// Readable when it has ended.
    fd: Option<OwnedFd>,
    wait: Option<Wait>,
    /// Without a descriptor: how often is asked, and when next; beyond what a clock can count never again.
    every: Duration,
    ask_at: Option<Instant>,
}

/// What a [`ProcessEnd`] knows after a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing has changed, or it is not yet time to ask.
    Nothing,
    /// It has ended, though its parent may not have waited for it.
    Ended,
    /// The system does not tell: it is time to ask whether it has.
    Ask,
}

impl ProcessEnd {
    /// The end of the process that has this number now.
    pub fn new(process: u32, every: Duration) -> ProcessEnd {
        ProcessEnd {
            fd: sys::process(process).ok(),
            wait: None,
            every,
            ask_at: Some(Instant::now()),
        }
    }

    /// Wake when it has ended, or it is time to ask.
    pub fn waits(&mut self, waits: &mut Waits) {
        match &self.fd {
            Some(fd) => self.wait = Some(waits.add(fd.as_fd(), Interest::Read)),
            None => self.ask_at.into_iter().for_each(|at| waits.until(at)),
        }
    }

    /// What came of that wait.
    pub fn told(&mut self, waits: &Waits) -> Told {
        if self.fd.is_some() {
            return match self.wait {
                Some(wait) if waits.is_ready(wait) => Told::Ended,
                _ => Told::Nothing,
            };
        }
        let now = Instant::now();
        if self.ask_at.is_none_or(|at| now < at) {
            return Told::Nothing;
        }
        self.ask_at = now.checked_add(self.every);
        Told::Ask
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn wait(end: &mut ProcessEnd) -> Told {
        let mut waits = Waits::default();
        end.waits(&mut waits);
        waits.wait().expect("poll");
        end.told(&waits)
    }

    #[test]
    fn it_wakes_at_the_end_of_a_process_and_not_before() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .spawn()
            .expect("cat");
        let mut end = ProcessEnd::new(child.id(), Duration::from_millis(1));
        if end.fd.is_some() {
            let mut waits = Waits::default();
            end.waits(&mut waits);
            assert_eq!(waits.look().expect("poll"), 0);
            assert_eq!(end.told(&waits), Told::Nothing);
            drop(child.stdin.take());
            assert_eq!(wait(&mut end), Told::Ended);
        }
        child.wait().expect("waited for");
    }

    #[test]
    fn where_the_system_does_not_tell_it_wakes_to_ask() {
        let mut end = ProcessEnd {
            fd: None,
            ..ProcessEnd::new(std::process::id(), Duration::from_millis(2))
        };
        assert_eq!(wait(&mut end), Told::Ask);
        assert_eq!(end.told(&Waits::default()), Told::Nothing);
        assert_eq!(wait(&mut end), Told::Ask);
    }

    #[test]
    fn never_is_a_time_to_ask_at() {
        let mut end = ProcessEnd {
            fd: None,
            ..ProcessEnd::new(std::process::id(), Duration::MAX)
        };
        assert_eq!(wait(&mut end), Told::Ask);
        let mut waits = Waits::default();
        end.waits(&mut waits);
        assert_eq!(end.told(&waits), Told::Nothing);
    }
}
