//! SIGINT, SIGTERM and SIGHUP as something the waiting loop wakes for.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

use crate::{Interest, Wait, Waits, start, sys};

/// Catches the first SIGINT, SIGTERM or SIGHUP so that a chain can end in order. A signal that was ignored when the
/// process started stays ignored.
#[derive(Debug)]
pub struct Signals {
    second: Second,
    /// A second has come.
    again: Arc<AtomicBool>,
    bell: UnixStream,
    /// The other end of the bell. If all signals are ignored nobody else has it, and a bell without one would
    /// ring for ever.
    _ring: UnixStream,
    caught: Arc<AtomicUsize>,
}

/// Signals that come so soon after the first are the same event: `timeout` signals its child and then the child's
/// group, a terminal's ^C may reach a program and again through its parent.
const SAME: Duration = Duration::from_millis(100);

/// So much processor time a chain may take after the first signal, of which it has a second: one that is at work on a
/// single line for longer does not look up. Time in which it waits, or others run, is not counted.
const BUSY_AT_MOST: Duration = Duration::from_secs(2);

/// What a second signal does that comes 0.1 s or more after the first: what comes sooner is taken for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Second {
    /// It ends the process at once. After the first a chain has a second to write what it holds, and is ended when it
    /// has used two seconds of processor time in code of its own (user mode).
    EndsTheProcess,
    /// It ends the loop: [`Driver::finish`](crate::Driver::finish) returns though the chain may not be idle. After
    /// the first the chain has all the time it needs. For who has others to tell of it.
    EndsTheLoop,
}

impl Signals {
    /// Begins to catch SIGINT, SIGTERM and SIGHUP; a second signal ends the process. Once a process; the handlers
    /// stay.
    pub fn catch() -> io::Result<Signals> {
        Signals::catch_these(&[SIGINT, SIGTERM, SIGHUP], Second::EndsTheProcess)
    }

    /// Begins to catch these signals, of SIGINT, SIGTERM and SIGHUP.
    pub fn catch_these(signals: &[i32], second: Second) -> io::Result<Signals> {
        let (bell, ring) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        let caught = Arc::new(AtomicUsize::new(0));
        let first = Arc::new(AtomicU64::new(0));
        let again = Arc::new(AtomicBool::new(false));
        let signals: Vec<i32> = signals
            .iter()
            .copied()
            .filter(|&signal| !start::ignored(signal))
            .collect();
        for &signal in &signals {
            // The actions run in this order.
            sys::flag_repeat(signal, SAME, Arc::clone(&first), Arc::clone(&again))?;
            if second == Second::EndsTheProcess {
                flag::register_conditional_default(signal, Arc::clone(&again))?;
            }
            flag::register_usize(signal, Arc::clone(&caught), signal.unsigned_abs() as usize)?;
            low_level::pipe::register(signal, ring.try_clone()?)?;
        }
        if second == Second::EndsTheProcess {
            sys::end_if_busy(&signals, BUSY_AT_MOST, &caught)?;
        }
        Ok(Signals {
            second,
            again,
            bell,
            _ring: ring,
            caught,
        })
    }

    /// The signal that came, if one did.
    pub fn caught(&self) -> Option<i32> {
        i32::try_from(self.caught.load(Ordering::SeqCst))
            .ok()
            .filter(|&signal| signal != 0)
    }

    pub(crate) fn waits(&self, waits: &mut Waits) -> Wait {
        waits.add(self.bell.as_fd(), Interest::Read)
    }

    /// The bell has been heard: it shall not wake again.
    pub(crate) fn silence(&mut self) {
        let mut rings = [0; 16];
        // Nothing to read is as good as something: `caught` tells.
        let _ = self.bell.read(&mut rings);
    }

    /// Is the chain waited for after a signal, however long it takes?
    pub(crate) fn are_patient(&self) -> bool {
        self.second == Second::EndsTheLoop
    }

    /// Has a second one come that ends the loop?
    pub(crate) fn end_the_loop(&self) -> bool {
        self.are_patient() && self.again.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::{Block, Driver, Ended, Flow, Pull, Pulled, Result, Stage, discard};

    /// A pipe from which nothing comes, and two signals that do, one after the other.
    struct Signalled {
        ring: UnixStream,
        caught: Arc<AtomicUsize>,
        waited: u32,
    }

    impl Pull for Signalled {
        fn waits(&mut self, _: &mut Waits, _: bool) {
            self.waited += 1;
            // The second comes when the first has been heard.
            if self.waited == 1 || self.waited == 3 {
                self.caught.store(2, Ordering::SeqCst);
                self.ring.write_all(&[0]).expect("rung");
            }
        }

        fn pull(&mut self, _: &Waits) -> Result<Pulled> {
            Ok(Pulled::Wait)
        }

        fn drains(&mut self) -> bool {
            true
        }
    }

    impl Signalled {
        /// One of which the signals are, and these.
        fn with(second: Second, again: bool) -> (Signalled, Signals) {
            let (bell, ring) = UnixStream::pair().expect("a socket");
            bell.set_nonblocking(true).expect("a socket");
            let caught = Arc::new(AtomicUsize::new(0));
            let signals = Signals {
                second,
                again: Arc::new(AtomicBool::new(again)),
                bell,
                _ring: ring.try_clone().expect("a socket"),
                caught: Arc::clone(&caught),
            };
            let source = Signalled {
                ring,
                caught,
                waited: 0,
            };
            (source, signals)
        }
    }

    // `timeout` signals its child twice: a processor was busy with the second until upstream had been silent.
    #[test]
    fn a_second_signal_that_counts_for_the_first_does_not_wake_for_ever() {
        let (mut source, signals) = Signalled::with(Second::EndsTheProcess, false);
        let mut driver = Driver::new().signals(signals);
        let ended = driver.pump(&mut source, &mut discard());
        assert_eq!(ended.expect("no error"), Ended::Signal(2));
        assert!((4..20).contains(&source.waited), "{}", source.waited);
    }

    /// Goes on for ever.
    struct Busy;

    impl Stage for Busy {
        fn send(&mut self, _: &Block) -> Result<Flow> {
            Ok(Flow::More)
        }

        fn target(&mut self) -> Option<&mut dyn Stage> {
            None
        }

        fn idle(&mut self) -> bool {
            false
        }
    }

    // It had rung while input came, and nothing rang again.
    #[test]
    fn a_second_signal_ends_the_loop_whenever_it_came() {
        let (mut source, signals) = Signalled::with(Second::EndsTheLoop, true);
        let mut driver = Driver::new().signals(signals);
        let ended = driver.pump(&mut source, &mut Busy);
        let ended = driver.finish(&mut Busy, ended);
        assert_eq!(ended.expect("no error"), Ended::Signal(2));
    }
}
