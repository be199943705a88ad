//! Which of several ways through a text is the fastest depends on the text: each is tried on a stretch of it.

use std::time::Duration;

/// How much each is tried on: a fraction of a millisecond of the fastest.
const TRIAL: usize = 512 << 10;

/// The ways a regex has through a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To look for what every match has in it, and try the regex there.
    Filter,
    /// The engine of the regex crate.
    Regex,
    /// A table of states.
    Table,
}

/// The trials so far.
#[derive(Clone, Debug)]
pub(super) struct Race {
    /// The next is the last of these.
    to_come: Vec<Way>,
    /// What was tried, and how long it took.
    tried: Vec<(Way, Duration)>,
    searched: usize,
    took: Duration,
}

impl Race {
    /// Of these, of which the last is tried first.
    pub(super) fn new(to_come: Vec<Way>) -> Race {
        Race {
            to_come,
            tried: Vec::new(),
            searched: 0,
            took: Duration::ZERO,
        }
    }

    /// Notes that `way` has searched so many bytes in that time. Answers what to go on with, and whether that is
    /// settled, when `way` has been tried enough.
    pub(super) fn note(&mut self, way: Way, bytes: usize, took: Duration) -> Option<(Way, bool)> {
        self.searched += bytes;
        self.took += took;
        if self.searched < TRIAL {
            return None;
        }
        // A stretch may be longer than a trial, by less than a block: both fit a float.
        #[expect(clippy::cast_precision_loss)]
        let scale = TRIAL as f64 / self.searched as f64;
        self.tried.push((way, self.took.mul_f64(scale)));
        (self.searched, self.took) = (0, Duration::ZERO);
        if let Some(next) = self.to_come.pop() {
            return Some((next, false));
        }
        Some((self.fastest(), true))
    }

    /// Of those that were tried.
    pub(super) fn fastest(&self) -> Way {
        let fastest = self.tried.iter().min_by_key(|(_, took)| *took);
        fastest.map_or(Way::Regex, |&(way, _)| way)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_tried_and_the_fastest_goes_on() {
        let mut race = Race::new(vec![Way::Table, Way::Regex]);
        let millis = Duration::from_millis;
        assert_eq!(race.note(Way::Filter, TRIAL / 2, millis(400)), None);
        let next = race.note(Way::Filter, TRIAL / 2, millis(400));
        assert_eq!(next, Some((Way::Regex, false)));
        let next = race.note(Way::Regex, TRIAL * 2, millis(600));
        assert_eq!(next, Some((Way::Table, false)));
        let next = race.note(Way::Table, TRIAL, millis(60_000));
        assert_eq!(next, Some((Way::Regex, true)));
    }
}
