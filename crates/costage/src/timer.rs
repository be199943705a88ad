//! Waking at a time, and not a little later.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use crate::{Interest, Waits, sys};

/// Wakes a chain at a time as exactly as the system can. The deadline of [`Waits::until`] costs nothing, but the
/// kernel adds up to a thousandth of the time waited, at most 100 ms, to save power; this costs a descriptor, and a
/// system call whenever the time changes.
///
/// Where the system has no such timer (only Linux has it) the deadline is used.
///
/// ```
/// use costage::{Block, Flow, Result, Source, Stage, Timer, Waits, collect};
/// use std::time::{Duration, Instant};
///
/// /// Is full until a time has come.
/// struct Pause<S> {
///     until: Option<Instant>,
///     timer: Timer,
///     to: S,
/// }
///
/// impl<S: Stage> Stage for Pause<S> {
///     fn send(&mut self, block: &Block) -> Result<Flow> {
///         self.until = Some(Instant::now() + Duration::from_millis(1));
///         let _ = self.to.send(block)?;
///         Ok(Flow::Full)
///     }
///
///     fn target(&mut self) -> Option<&mut dyn Stage> {
///         Some(&mut self.to)
///     }
///
///     fn waits(&mut self, waits: &mut Waits) {
///         self.timer.waits(waits, self.until);
///         self.to.waits(waits);
///     }
///
///     fn wake(&mut self, waits: &Waits) -> Result<Flow> {
///         self.until.take_if(|until| *until <= Instant::now());
///         let flow = self.to.wake(waits)?;
///         Ok(if self.until.is_some() { Flow::Full } else { flow })
///     }
/// }
///
/// let started = Instant::now();
/// let (lines, sink) = collect();
/// Source::text("one\n").drive(Pause { until: None, timer: Timer::new(), to: sink })?;
/// assert_eq!(lines.take(), b"one\n");
/// assert!(started.elapsed() >= Duration::from_millis(1));
/// # Ok::<(), costage::Error>(())
/// ```
#[derive(Debug)]
pub struct Timer {
    clock: Option<Clock>,
    set: Option<Instant>,
}

#[derive(Debug)]
struct Clock {
    fd: OwnedFd,
    /// One time as `Instant` has it, which does not tell what the system's clock shows, and as that clock does. The
    /// second was taken after the first, so that no time of it is early.
    origin: (Instant, Duration),
}

impl Clock {
    fn new() -> io::Result<Clock> {
        let fd = sys::timer()?;
        let now = Instant::now();
        let origin = (now, sys::timer_clock()?);
        Ok(Clock { fd, origin })
    }

    /// Absolute, not a time to wait: a delay between the call and the setting makes it no later. The slack of
    /// `prctl(2)` does not apply to it.
    fn set(&self, at: Instant) -> io::Result<()> {
        let (origin, shown) = self.origin;
        let at = shown.saturating_add(at.saturating_duration_since(origin));
        sys::set_timer(self.fd.as_fd(), at)
    }
}

impl Timer {
    /// One that is not set.
    pub fn new() -> Timer {
        // Without a descriptor to spare, too, the deadline does.
        Timer {
            clock: Clock::new().ok(),
            set: None,
        }
    }

    /// Wake at this time, which may be past; with `None` it never does.
    pub fn waits(&mut self, waits: &mut Waits, at: Option<Instant>) {
        // One that is not waited for need not be disarmed: it fires once at most, and wakes nobody.
        let Some(at) = at else {
            return;
        };
        if self.set != Some(at) {
            self.set = Some(at);
            self.clock.take_if(|clock| clock.set(at).is_err());
        }
        match &self.clock {
            Some(clock) => {
                waits.add(clock.fd.as_fd(), Interest::Read);
            }
            None => waits.until(at),
        }
    }
}

impl Default for Timer {
    fn default() -> Timer {
        Timer::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits once, for nothing else.
    fn wait(timer: &mut Timer, at: Option<Instant>) -> Instant {
        let mut waits = Waits::default();
        timer.waits(&mut waits, at);
        waits.wait().expect("poll");
        Instant::now()
    }

    #[test]
    fn it_fires_at_its_time_again_and_again_and_never_early() {
        let without = Timer {
            clock: None,
            set: None,
        };
        for mut timer in [Timer::new(), without] {
            for _ in 0..3 {
                let at = Instant::now() + Duration::from_millis(2);
                assert!(wait(&mut timer, Some(at)) >= at);
            }
            wait(&mut timer, Some(Instant::now()));
        }
    }

    #[test]
    fn one_that_is_not_set_and_one_that_fired_and_is_set_no_more_do_not_wake() {
        let mut timer = Timer::new();
        let fires = Instant::now();
        wait(&mut timer, Some(fires));
        let mut waits = Waits::default();
        timer.waits(&mut waits, None);
        assert_eq!(waits.look().expect("poll"), 0);
        // Nor one that is set anew after it fired.
        timer.waits(&mut waits, Some(fires + Duration::from_hours(1)));
        assert_eq!(waits.look().expect("poll"), 0);
    }
}
