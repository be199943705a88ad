//! When a line leaves.

use rand_chacha::ChaCha8Rng;

use crate::nanos::{self, Nanos};
use crate::pace::Pace;
use crate::random::{Coin, Purpose, generator};
use crate::replay::Timeline;
use crate::waiting::Waiting;
use crate::{Delay, Settings};

/// What the gaps of a log were late by no more than this is made up for: the lateness of timers would add up otherwise.
const MADE_UP: Nanos = 5_000_000;
/// So far ahead of a rate lines are read: reading more would let none leave earlier.
const AHEAD: Nanos = 100_000_000;

/// What the law knows of a line, or of a block of lines that leave together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Which one it is, from 0: copies have the same number.
    pub(crate) number: u64,
    pub(crate) arrival: Nanos,
    /// The delay drawn for it.
    pub(crate) drawn: Nanos,
    /// Where it is on the time line that is replayed.
    pub(crate) position: Nanos,
    pub(crate) bytes: usize,
}

impl Entry {
    /// When it has been under way for its delay.
    pub(crate) fn ready(&self) -> Nanos {
        self.arrival + self.drawn
    }
}

/// When lines leave: no clock and no bytes are needed to know it. A line is asked for when it is the next to leave,
/// because what was before it may have been dropped.
#[derive(Debug)]
pub(crate) struct Law {
    delay: Delay,
    random: ChaCha8Rng,
    loss: Option<Coin>,
    duplicate: Option<Coin>,
    pace: Option<Pace>,
    timeline: Option<Timeline>,
    reorder: bool,
    /// When the last line that left was due.
    last: Nanos,
    /// Where that was on the time line.
    last_position: Nanos,
    /// When it was there, for the gap to the next.
    there_at: Nanos,
    /// Where the last line is that came.
    newest_position: Nanos,
    /// The longest delay so far.
    longest: Nanos,
}

impl Law {
    pub(crate) fn new(settings: &Settings) -> Law {
        let seed = settings.seed;
        Law {
            delay: settings.delay,
            random: generator(seed, Purpose::Delay),
            loss: Coin::new(settings.loss, seed, Purpose::Loss),
            duplicate: Coin::new(settings.duplicate, seed, Purpose::Duplicate),
            pace: settings.rate.map(|rate| Pace::new(rate, settings.burst)),
            timeline: settings.replay.clone().map(Timeline::new),
            reorder: settings.reorder,
            last: 0,
            last_position: 0,
            there_at: 0,
            newest_position: 0,
            longest: 0,
        }
    }

    /// Is it the same for all lines that come together? Then this is their delay.
    pub(crate) fn is_constant(&self) -> Option<Nanos> {
        let each = self.loss.is_some()
            || self.duplicate.is_some()
            || self.pace.is_some()
            || self.timeline.is_some();
        self.delay.is_constant().filter(|_| !each)
    }

    /// The next line's delay.
    pub(crate) fn draw(&mut self) -> Nanos {
        self.delay.draw(&mut self.random)
    }

    /// Where the next line is on the time line.
    pub(crate) fn position(&mut self, line: &[u8]) -> Nanos {
        let timeline = self.timeline.as_mut();
        timeline.map_or(0, |timeline| timeline.position(line))
    }

    /// How many lines went back on it.
    pub(crate) fn backwards(&self) -> u64 {
        self.timeline.as_ref().map_or(0, Timeline::backwards)
    }

    /// How many lines had no place on it of their own.
    pub(crate) fn untimed(&self) -> u64 {
        self.timeline.as_ref().map_or(0, Timeline::untimed)
    }

    /// How often the next line comes out: 0, once or twice.
    pub(crate) fn copies(&mut self) -> u32 {
        let lost = self.loss.as_mut().is_some_and(Coin::toss);
        let twice = self.duplicate.as_mut().is_some_and(Coin::toss);
        match (lost, twice) {
            (true, _) => 0,
            (false, true) => 2,
            (false, false) => 1,
        }
    }

    /// When `entry` leaves, the next to do so.
    pub(crate) fn due(&self, entry: &Entry) -> Nanos {
        let recovered = self.pace.as_ref();
        let recovered = recovered.map_or(0, |pace| pace.recovered_at(entry.bytes));
        self.scheduled(entry).max(recovered)
    }

    /// When it would leave, had none before it been late.
    fn scheduled(&self, entry: &Entry) -> Nanos {
        let ready = entry.ready();
        let paced = self.pace.as_ref().map_or(0, Pace::free_at);
        // Who may overtake is ready later than who left before it, or came later.
        let behind = match entry.position - self.last_position {
            _ if self.reorder => 0,
            0 => self.last,
            gap => self.there_at + gap,
        };
        ready.max(behind).max(paced).min(nanos::MAX)
    }

    /// When it and those that wait behind it leave together.
    pub(crate) fn due_together(&self, first: &Entry, waiting: &Waiting) -> Nanos {
        let due = self.due(first);
        match &self.pace {
            Some(pace) if due > first.ready() => {
                let (lines, bytes) = (waiting.count() - 1, waiting.bytes() - first.bytes);
                due.max(pace.together_at(first.bytes, lines, bytes))
            }
            _ => due,
        }
    }

    /// Those that wait, `first` the first of them, take so long that what comes need not be known before this time.
    pub(crate) fn ahead_until(&self, first: &Entry, waiting: &Waiting, now: Nanos) -> Nanos {
        let paced = self.pace.as_ref().map_or(0, |pace| {
            let backlog = pace.backlog(waiting.count(), waiting.bytes());
            self.due(first).max(now) + backlog
        });
        let replayed = self.there_at + (self.newest_position - self.last_position);
        paced
            .max(replayed)
            .saturating_sub(self.longest.saturating_add(AHEAD))
    }

    /// It came into the channel.
    pub(crate) fn came(&mut self, entry: &Entry) {
        self.longest = self.longest.max(entry.drawn);
        self.newest_position = entry.position;
    }

    /// It left `now`.
    pub(crate) fn left(&mut self, entry: &Entry, now: Nanos) {
        // At a signal it leaves before it is due.
        let due = self.scheduled(entry).min(now);
        self.last = due;
        // The gaps of a log are those after a stop, too; the lateness of a timer does not add up.
        self.there_at = due.max(now.saturating_sub(MADE_UP));
        self.last_position = entry.position;
        if let Some(pace) = &mut self.pace {
            pace.left(due, now, entry.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rate, Unit};

    const MS: Nanos = 1_000_000;

    /// When lines leave that came together, if so many of the first wakes are late by so much.
    fn departures(settings: &Settings, lines: u64, wakes: usize, late: Nanos) -> Vec<Nanos> {
        let mut law = Law::new(settings);
        let mut waiting = Waiting::new(false);
        for number in 0..lines {
            let entry = Entry {
                number,
                arrival: 0,
                drawn: 0,
                position: 0,
                bytes: 2,
            };
            waiting.push_line(entry, b"x\n", b'\n');
        }
        let mut departures = Vec::new();
        let mut now = 0;
        let mut lateness = std::iter::repeat_n(late, wakes);
        while let Some(&first) = waiting.first() {
            if law.due(&first) > now {
                now = now.max(law.due_together(&first, &waiting)) + lateness.next().unwrap_or(0);
            }
            law.left(&first, now);
            waiting.leave();
            departures.push(now);
        }
        departures
    }

    // A line that was more than 5 ms late, as all but the last of a burst are, took the rate's time from those behind it.
    #[test]
    fn a_rate_is_kept_whatever_leaves_together_and_however_late() {
        let settings = Settings {
            rate: Rate::new(100.0, Unit::Lines),
            burst: Some(20),
            ..Settings::default()
        };
        for (wakes, late) in [(0, 0), (1000, MS), (1, 100 * MS)] {
            let departures = departures(&settings, 400, wakes, late);
            assert!(departures[399] >= 3990 * MS);
            assert!(departures[399] <= 3991 * MS, "{departures:?}");
        }
    }
}
