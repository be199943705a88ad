//! At most so many lines or bytes a second.

use crate::nanos::{self, Nanos};

/// What was late by no more than this is made up for: the lateness of timers on a busy machine would add up otherwise.
pub(crate) const MADE_UP: Nanos = 5_000_000;
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

    /// How long a line of `own` bytes that may leave now waits for those behind it, of which there are so many.
    pub(crate) fn wait_together(&self, own: usize, lines: usize, bytes: usize) -> Nanos {
        let together = match self.rate.unit {
            Unit::Lines => self.together,
            // It is one of those that leave together.
            Unit::Bytes => self.together.saturating_sub(self.backlog(1, own)),
        };
        together.min(self.backlog(lines, bytes))
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

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Nanos = 1_000_000;

    fn pace(per_second: f64, unit: Unit, burst: Option<u64>) -> Pace {
        Pace::new(Rate::new(per_second, unit).expect("a rate"), burst)
    }

    #[test]
    fn so_many_lines_wait_for_each_other_as_may_leave_together_and_no_longer_than_they_are() {
        let three = pace(100.0, Unit::Lines, Some(3));
        assert_eq!(three.wait_together(9, 100, 900), 20 * MS);
        assert_eq!(three.wait_together(9, 1, 9), 10 * MS);
        assert_eq!(three.wait_together(9, 0, 0), 0);
        assert_eq!(
            pace(100.0, Unit::Lines, Some(1)).wait_together(9, 100, 900),
            0
        );
        // What 1 ms brings.
        assert_eq!(
            pace(1e5, Unit::Lines, None).wait_together(9, 1000, 9000),
            MS
        );
    }

    #[test]
    fn the_last_line_of_a_burst_of_bytes_is_in_it() {
        let bytes = pace(1000.0, Unit::Bytes, Some(250));
        // Two of 100 bytes, not three.
        assert_eq!(bytes.wait_together(100, 5, 500), 150 * MS);
        assert_eq!(bytes.wait_together(300, 5, 500), 0);
    }

    #[test]
    fn what_was_late_by_a_little_is_made_up_for_and_what_was_idle_is_not() {
        let mut pace = pace(100.0, Unit::Lines, None);
        pace.left(0, 2 * MS, 9);
        assert_eq!(pace.free_at(), 10 * MS);
        pace.left(10 * MS, 50 * MS, 9);
        assert_eq!(pace.free_at(), 55 * MS);
        pace.left(900 * MS, 900 * MS, 9);
        assert_eq!(pace.free_at(), 910 * MS);
    }
}
