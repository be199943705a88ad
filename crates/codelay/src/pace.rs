//! At most so many lines or bytes a second.
//!
//! A line that waits for the rate is due a step after the one before it was *due*: what a timer or the machine is late
//! by does not add up. What that leaves behind leaves at [`HURRY`] times the rate and no faster, counted from when lines
//! really *left*: in no 100 ms more than 1.05 times their share leaves, and one burst.

use crate::nanos::{self, Nanos};

/// How much faster than the rate it is while it makes up for what it was late by: half of the tenth more than its share
/// that any 100 ms may have. The other half is for bursts, and for the lateness of who measures.
const HURRY: f64 = 1.05;
/// What it was late by more than this is not made up for, as what it was stopped for.
const MADE_UP: Nanos = 1_000_000_000;
/// How much may leave together unless it is said: what 1 ms brings.
const TOGETHER: f64 = 1e-3;

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
    /// While it makes up for lateness.
    hurried: Rate,
    /// How many lines or bytes may leave together.
    burst: u64,
    /// When the next line is due.
    free_at: Nanos,
    /// The part of a nanosecond that the line is behind `free_at`: a third of a second, three times, is a second.
    fraction: f64,
    /// When what left will have taken its time at the hurried rate: until then less than a burst may leave together.
    rested_at: Nanos,
}

impl Pace {
    /// `burst` is how many lines or bytes may leave together.
    pub(crate) fn new(rate: Rate, burst: Option<u64>) -> Pace {
        Pace {
            rate,
            hurried: Rate {
                per_second: rate.per_second * HURRY,
                ..rate
            },
            burst: burst.unwrap_or(whole(rate.per_second * TOGETHER)),
            free_at: 0,
            fraction: 0.0,
            rested_at: 0,
        }
    }

    /// When the next line is due.
    pub(crate) fn free_at(&self) -> Nanos {
        self.free_at
    }

    /// When one of so many bytes may leave that is late.
    pub(crate) fn recovered_at(&self, bytes: usize) -> Nanos {
        let others = self.burst.saturating_sub(self.count(1, bytes));
        let together = whole(self.hurried.time_of(others));
        self.rested_at.saturating_sub(together)
    }

    /// When a line of `own` bytes leaves together with those that wait behind it, of which there are so many.
    pub(crate) fn together_at(&self, own: usize, lines: usize, bytes: usize) -> Nanos {
        let others = self.burst.saturating_sub(self.count(1, own));
        let others = others.min(self.count(lines, bytes));
        let due = self.free_at + whole(self.rate.time_of(others));
        let recovered = self.recovered_at(own) + whole(self.hurried.time_of(others));
        due.max(recovered)
    }

    /// How long so many lines, or bytes, take.
    pub(crate) fn backlog(&self, lines: usize, bytes: usize) -> Nanos {
        whole(self.rate.time_of(self.count(lines, bytes)))
    }

    /// The number of those that the rate counts.
    fn count(&self, lines: usize, bytes: usize) -> u64 {
        (match self.rate.unit {
            Unit::Lines => lines,
            Unit::Bytes => bytes,
        }) as u64
    }

    /// A line of so many bytes that was due leaves now.
    pub(crate) fn left(&mut self, due: Nanos, now: Nanos, bytes: usize) {
        let count = self.count(1, bytes);
        let from = due.max(now.saturating_sub(MADE_UP));
        if from > self.free_at {
            self.fraction = 0.0;
        }
        let exact = self.rate.time_of(count) + self.fraction;
        self.fraction = exact.fract();
        self.free_at = (from + whole(exact)).min(nanos::MAX);
        let rests = whole(self.hurried.time_of(count));
        self.rested_at = (self.rested_at.max(now) + rests).min(nanos::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Nanos = 1_000_000;
    const SECOND: Nanos = 1000 * MS;

    fn pace(per_second: f64, unit: Unit, burst: Option<u64>) -> Pace {
        Pace::new(Rate::new(per_second, unit).expect("a rate"), burst)
    }

    #[test]
    fn so_many_lines_wait_for_each_other_as_may_leave_together_and_no_longer_than_they_are() {
        let three = pace(100.0, Unit::Lines, Some(3));
        assert_eq!(three.together_at(9, 100, 900), 20 * MS);
        assert_eq!(three.together_at(9, 1, 9), 10 * MS);
        assert_eq!(three.together_at(9, 0, 0), 0);
        let one = pace(100.0, Unit::Lines, Some(1));
        assert_eq!(one.together_at(9, 100, 900), 0);
        // What 1 ms brings: a hundred, of which the first waits for 99, and one.
        let many = pace(1e5, Unit::Lines, None);
        assert_eq!(many.together_at(9, 1000, 9000), 990_000);
        let single = pace(1e3, Unit::Lines, None);
        assert_eq!(single.together_at(9, 1000, 9000), 0);
    }

    #[test]
    fn the_last_line_of_a_burst_of_bytes_is_in_it() {
        let bytes = pace(1000.0, Unit::Bytes, Some(250));
        // Two of 100 bytes, not three.
        assert_eq!(bytes.together_at(100, 5, 500), 150 * MS);
        assert_eq!(bytes.together_at(300, 5, 500), 0);
    }

    #[test]
    fn what_was_idle_and_what_was_stopped_for_long_is_not_made_up_for() {
        let mut pace = pace(100.0, Unit::Lines, None);
        pace.left(0, 2 * MS, 9);
        assert_eq!(pace.free_at(), 10 * MS);
        pace.left(10 * MS, 5000 * MS, 9);
        assert_eq!(pace.free_at(), 4010 * MS);
        pace.left(9000 * MS, 9000 * MS, 9);
        assert_eq!(pace.free_at(), 9010 * MS);
    }

    /// When lines of a flood leave that is woken so much later than it wants, each time; then never late again, until
    /// so many have left.
    fn flood(pace: &mut Pace, late: &[Nanos], lines: usize) -> Vec<Nanos> {
        let (mut now, mut left) = (0, Vec::new());
        let mut late = late.iter();
        while left.len() < lines {
            now = pace.together_at(1, usize::MAX, usize::MAX).max(now);
            now += late.next().unwrap_or(&0);
            while pace.free_at().max(pace.recovered_at(1)) <= now {
                pace.left(pace.free_at(), now, 1);
                left.push(now);
            }
        }
        left
    }

    proptest! {
        /// However late it is woken: no line is early, in no 100 ms more than 1.1 of their share leaves, no more than
        /// a burst leaves together, and in the end it is as far as if it had never been late.
        #[test]
        fn lateness_is_made_up_for_without_a_flood(
            (per_second, unit) in prop_oneof![
                Just((1000_u32, Unit::Lines)),
                Just((7000, Unit::Bytes)),
                Just((20_000, Unit::Lines)),
            ],
            late in proptest::collection::vec(prop_oneof![9 => 0..2 * MS, 1 => 0..80 * MS], 0..20),
        ) {
            // What is made up for in two seconds, at a twentieth more.
            prop_assume!(late.iter().sum::<Nanos>() < 90 * MS);
            let mut pace = pace(f64::from(per_second), unit, None);
            let lines = 2 * usize::try_from(per_second).expect("few");
            let left = flood(&mut pace, &late, lines);
            let step = SECOND / Nanos::from(per_second);
            let mut first = 0;
            for (line, &at) in left.iter().enumerate() {
                // The step is rounded down.
                prop_assert!(at >= line as Nanos * step);
                while at - left[first] >= 100 * MS {
                    first += 1;
                }
                prop_assert!((line + 1 - first) * 200 <= 11 * lines);
            }
            for together in left.chunk_by(|one, other| one == other) {
                prop_assert!(together.len() as u64 <= pace.burst);
            }
            prop_assert!(left[lines - 1] <= 2 * SECOND + MS);
        }
    }
}
