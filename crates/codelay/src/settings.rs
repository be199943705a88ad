//! What was decided about a channel of time.

use std::time::Duration;

use crate::{Delay, Probability, Rate, Replay};

/// What a channel of time does. The default delays nothing.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a line is under way.
    pub delay: Delay,
    /// Fixes all that is drawn: the same settings, seed and input give the same delays, losses and duplicates.
    pub seed: u64,
    /// A line is lost.
    pub loss: Probability,
    /// A line comes twice; each has a delay of its own.
    pub duplicate: Probability,
    /// Lines may overtake each other. Otherwise none leaves before the one that came before it.
    pub reorder: bool,
    /// At most so many lines or bytes leave in a second, evenly: none is saved up while the channel is idle.
    pub rate: Option<Rate>,
    /// How many lines, or bytes, that wait for the rate may leave together. The default is what 1 ms brings, or one line.
    pub burst: Option<u64>,
    /// Lines leave with the gaps that the times in them have.
    pub replay: Option<Replay>,
    /// How much is held at most.
    pub capacity: Option<Capacity>,
    /// What becomes of a line that does not fit.
    pub when_full: WhenFull,
    /// Whose time it is.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            delay: Delay::constant(Duration::ZERO),
            seed: 0,
            loss: Probability::default(),
            duplicate: Probability::default(),
            reorder: false,
            rate: None,
            burst: None,
            replay: None,
            capacity: None,
            when_full: WhenFull::default(),
            clock: Clock::default(),
        }
    }
}

/// How much a channel holds at most. A line that is larger is held alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// So many lines.
    Lines(usize),
    /// So many bytes of lines.
    Bytes(usize),
}

/// What becomes of a line that does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It comes later: the channel stops reading.
    #[default]
    Block,
    /// The lines that have waited longest are dropped for it.
    DropOldest,
    /// It is dropped.
    DropNewest,
}

/// Whose time it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The system's.
    #[default]
    Real,
    /// Computed: nothing waits. A line arrives each `interval`, the first at 0.
    Virtual {
        /// The time between two arrivals.
        interval: Duration,
    },
}
