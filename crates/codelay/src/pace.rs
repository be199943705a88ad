//! At most so many lines or bytes a second.

use crate::nanos::{self, Nanos};

/// What was late by no more than this is made up for: the lateness of timers on a busy machine would add up otherwise.
const MADE_UP: Nanos = 5_000_000;
/// How much may leave together unless it is said: what 1 ms brings.
const TOGETHER: Nanos = 1_000_000;

/// A rate: so many lines or bytes a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    per_second: f64,
    unit: Unit,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Whole lines.
    Lines,
    /// Bytes, those of the terminators included.
    Bytes,
}

impl Rate {
    /// So many a second; nothing, if that is none.
    ///
    /// ```
    /// use codelay::{Rate, Unit};
    /// assert!(Rate::new(0.5, Unit::Lines).is_some());
    /// assert!(Rate::new(0.0, Unit::Bytes).is_none());
    /// ```
    pub fn new(per_second: f64, unit: Unit) -> Option<Rate> {
        let longest = whole(1e9 / per_second);
        (per_second > 0.0 && per_second.is_finite() && longest < nanos::MAX)
            .then_some(Rate { per_second, unit })
    }

    /// What is counted.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// How many nanoseconds so many lines or bytes take.
    #[expect(clippy::cast_precision_loss)]
    fn time_of(&self, count: u64) -> f64 {
        count as f64 * 1e9 / self.per_second
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(nanos: f64) -> Nanos {
    (nanos as Nanos).min(nanos::MAX)
}

/// When the next line may leave, as far as the rate goes.
#[derive(Debug)]
pub(crate) struct Pace {
    rate: Rate,
    /// What backlogged lines wait for each other, to leave together.
    together: Nanos,
    free_at: Nanos,
    /// The part of a nanosecond that the line is behind `free_at`: a third of a second, three times, is a second.
    fraction: f64,
}

impl Pace {
    /// `burst` is how many lines or bytes may leave together.
    pub(crate) fn new(rate: Rate, burst: Option<u64>) -> Pace {
        let together = match (burst, rate.unit) {
            (None, _) => TOGETHER,
            (Some(bytes), Unit::Bytes) => whole(rate.time_of(bytes)),
            // From the first to the last of them.
            (Some(lines), Unit::Lines) => whole(rate.time_of(lines.saturating_sub(1))),
        };
        Pace {
            rate,
            together,
            free_at: 0,
            fraction: 0.0,
        }
    }

    pub(crate) fn free_at(&self) -> Nanos {
        self.free_at
    }

    /// How long so many lines, or bytes, take.
    pub(crate) fn backlog(&self, lines: usize, bytes: usize) -> Nanos {
        let count = match self.rate.unit {
            Unit::Lines => lines,
            Unit::Bytes => bytes,
        };
        whole(self.rate.time_of(count as u64))
    }

    /// How long a line that may leave now waits for those behind it, of which there are so many.
    pub(crate) fn wait_together(&self, lines: usize, bytes: usize) -> Nanos {
        self.together.min(self.backlog(lines, bytes))
    }

    /// A line of so many bytes that was due leaves now.
    pub(crate) fn left(&mut self, due: Nanos, now: Nanos, bytes: usize) {
        let made_up = MADE_UP.max(self.together);
        let from = due.max(now.saturating_sub(made_up));
        if from > self.free_at {
            self.fraction = 0.0;
        }
        let count = match self.rate.unit {
            Unit::Lines => 1,
            Unit::Bytes => bytes as u64,
        };
        let exact = self.rate.time_of(count) + self.fraction;
        self.fraction = exact.fract();
        self.free_at = (from + whole(exact)).min(nanos::MAX);
    }
}
