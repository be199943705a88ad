//! Times inside a channel: nanoseconds since its start, which an integer counts exactly for 146 years.

use std::time::Duration;

/// A time since the start, or between two.
pub(crate) type Nanos = u64;

/// The longest: two of them can be added.
pub(crate) const MAX: Nanos = Nanos::MAX / 4;

pub(crate) fn from(time: Duration) -> Nanos {
    Nanos::try_from(time.as_nanos()).map_or(MAX, |nanos| nanos.min(MAX))
}
