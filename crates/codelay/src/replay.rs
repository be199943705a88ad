//! The gaps between lines, as the times in them have them.

use std::time::Duration;

use crate::Timestamps;
use crate::nanos::{self, Nanos};
use crate::timestamp::Stamp;

/// Times that go back by no more than this are lines out of order; by more, a clock that was set.
const OUT_OF_ORDER: Stamp = 60_000_000_000;

/// Lines leave with the gaps between the times in them; the first at once. A line without a time goes with the one
/// before it.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Where the times are.
    pub timestamps: Timestamps,
    /// So many times as fast as they say.
    pub speed: f64,
    /// No gap is longer than this, after the speed.
    pub max_gap: Option<Duration>,
}

impl Default for Replay {
    fn default() -> Replay {
        Replay {
            timestamps: Timestamps::default(),
            speed: 1.0,
            max_gap: None,
        }
    }
}

/// Where lines are on the time line of their log.
#[derive(Debug)]
pub(crate) struct Timeline {
    replay: Replay,
    last: Option<Stamp>,
    /// In the time of the channel, the first line being at 0.
    position: Nanos,
    /// How many lines went back in time.
    backwards: u64,
    /// How many had no time.
    untimed: u64,
}

impl Timeline {
    pub(crate) fn new(replay: Replay) -> Timeline {
        Timeline {
            replay,
            last: None,
            position: 0,
            backwards: 0,
            untimed: 0,
        }
    }

    /// Where the next line is: not before the one before it.
    pub(crate) fn position(&mut self, line: &[u8]) -> Nanos {
        if let Some(stamp) = self.replay.timestamps.find(line) {
            let gap = stamp - self.last.unwrap_or(stamp);
            if gap >= 0 {
                self.position = (self.position + self.gap(gap)).min(nanos::MAX);
            } else {
                self.backwards += 1;
            }
            if !(-OUT_OF_ORDER..0).contains(&gap) {
                self.last = Some(stamp);
            }
        } else {
            self.untimed += 1;
        }
        self.position
    }

    /// How many lines were earlier than one before them.
    pub(crate) fn backwards(&self) -> u64 {
        self.backwards
    }

    /// How many lines had no time.
    pub(crate) fn untimed(&self) -> u64 {
        self.untimed
    }

    fn gap(&self, gap: Stamp) -> Nanos {
        // A gap is less than 2^53 ns, 104 days, or does not have to be exact.
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss
        )]
        let gap = (gap as f64 / self.replay.speed).round() as Nanos;
        let most = self.replay.max_gap.map_or(nanos::MAX, nanos::from);
        gap.min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(replay: Replay, lines: &[&str]) -> Vec<u64> {
        let mut timeline = Timeline::new(replay);
        let millis = |line: &&str| timeline.position(line.as_bytes()) / 1_000_000;
        lines.iter().map(millis).collect()
    }

    #[test]
    fn gaps_are_those_of_the_times_and_a_line_without_one_goes_with_the_last() {
        let lines = [
            "x",
            "1000000010 a",
            "  more of a",
            "1000000010.25 b",
            "1000000012 c",
        ];
        assert_eq!(positions(Replay::default(), &lines), [0, 0, 0, 250, 2000]);
        let ten = Replay {
            speed: 10.0,
            ..Replay::default()
        };
        assert_eq!(positions(ten, &lines), [0, 0, 0, 25, 200]);
        let short = Replay {
            max_gap: Some(Duration::from_secs(1)),
            ..Replay::default()
        };
        assert_eq!(positions(short, &lines), [0, 0, 0, 250, 1250]);
    }

    #[test]
    fn time_that_goes_back_a_little_is_waited_for_and_a_clock_that_was_set_is_not() {
        let lines = [
            "1000000010 a",
            "1000000009 b",
            "1000000011 c",
            "1000000000 d",
            "1000000012 e",
        ];
        assert_eq!(
            positions(Replay::default(), &lines),
            [0, 0, 1000, 1000, 2000]
        );
        let lines = ["1000000100 a", "1000000000 b", "1000000001 c"];
        assert_eq!(positions(Replay::default(), &lines), [0, 0, 1000]);
    }
}
