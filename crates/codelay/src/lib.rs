//! A channel with latency: lines come out later than they went in, as stages of a chain.
//!
//! | stage | a line goes on |
//! | --- | --- |
//! | [`by_lines`] | when so many later lines have come |
//! | [`by_time`] | a time after it came: constant or drawn from a distribution, at most so many a second, with the gaps of the times in them, lost or doubled by chance; in the system's time or in virtual time |
//! | [`account`] | not at all: what the latency model does to it is written down |
//!
//! [`channel`] is the latency model itself, as a coroutine.
//!
//! ```
//! use std::time::Duration;
//! use codelay::{Clock, Delay, Settings, by_time};
//! use costage::{Source, collect, discard};
//!
//! // A simulation: lines that come each 10 ms, and are under way for 25 ms.
//! let settings = Settings {
//!     delay: Delay::constant(Duration::from_millis(25)),
//!     clock: Clock::Virtual { interval: Duration::from_millis(10) },
//!     ..Settings::default()
//! };
//! let (trace, to) = collect();
//! Source::text("a\nb\n").drive(by_time(&settings, discard()).traced(to))?;
//! let expected = "r\t0\t0.000000000\t0.025000000\t0.025000000\n\
//!                 r\t1\t0.010000000\t0.025000000\t0.035000000\n";
//! assert_eq!(trace.take(), expected.as_bytes());
//! # Ok::<(), costage::Error>(())
//! ```

mod account;
mod by_lines;
mod by_time;
mod clock;
mod delay;
mod entries;
mod fates;
mod held;
mod law;
mod line_ends;
mod model;
mod nanos;
mod outlet;
mod pace;
mod random;
mod replay;
mod settings;
mod store;
mod timestamp;
mod trace;
mod waiting;

pub use account::{Account, account};
pub use by_lines::{ByLines, by_lines};
pub use by_time::{ByTime, by_time};
pub use delay::{Delay, DelayError};
pub use fates::Fates;
pub use held::Held;
pub use model::channel;
pub use pace::{Rate, Unit};
pub use random::Probability;
pub use replay::Replay;
pub use settings::{Capacity, Clock, Settings, WhenFull};
pub use timestamp::{Timestamps, TimestampsError};
