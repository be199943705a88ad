//! The time it is in a channel.

use std::time::{Duration, Instant};

use costage::{Timer, Waits};

use crate::Clock;
use crate::nanos::{self, Nanos};

/// A clock that runs, or is computed.
#[derive(Debug)]
pub(crate) enum Time {
    Real {
        start: Instant,
        timer: Timer,
    },
    Virtual {
        now: Nanos,
        /// When the next line arrives, if there is room.
        next: Nanos,
        interval: Nanos,
    },
}

impl Time {
    pub(crate) fn new(clock: Clock) -> Time {
        match clock {
            Clock::Real => Time::Real {
                start: Instant::now(),
                timer: Timer::new(),
            },
            Clock::Virtual { interval } => Time::Virtual {
                now: 0,
                next: 0,
                interval: nanos::from(interval),
            },
        }
    }

    pub(crate) fn is_virtual(&self) -> bool {
        matches!(self, Time::Virtual { .. })
    }

    pub(crate) fn now(&self) -> Nanos {
        match self {
            Time::Real { start, .. } => nanos::from(start.elapsed()),
            Time::Virtual { now, .. } => *now,
        }
    }

    /// Virtual time goes on to this one, unless it is past.
    pub(crate) fn go_on(&mut self, to: Nanos) {
        if let Time::Virtual { now, .. } = self {
            *now = to.max(*now).min(nanos::MAX);
        }
    }

    /// Virtual time goes on to when the next line arrives.
    pub(crate) fn arrive(&mut self) {
        if let Time::Virtual {
            now,
            next,
            interval,
        } = self
        {
            *now = (*next).max(*now).min(nanos::MAX);
            *next = (*next + *interval).min(nanos::MAX);
        }
    }

    /// Wake when it is `at`. Virtual time need not be waited for.
    pub(crate) fn waits(&mut self, waits: &mut Waits, at: Option<Nanos>) {
        if let Time::Real { start, timer } = self {
            let start = *start;
            timer.waits(waits, at.map(|at| start + Duration::from_nanos(at)));
        }
    }
}
