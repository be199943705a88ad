//! A branch that fails: how that is told, and when it is started again.

use std::fmt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use costage::printable;

use crate::child::in_words;

/// The pause before a branch that fails is started again; it doubles with each failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause. After having run for longer, a failure counts as the first.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A branch that failed: the error of its stage, in a [`costage::Error::Other`].
#[derive(Clone, Debug)]
pub struct Failed {
    pub(crate) name: Arc<str>,
    pub(crate) status: ExitStatus,
}

impl Failed {
    /// How it ended.
    pub fn status(&self) -> ExitStatus {
        self.status
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", printable(&self.name), in_words(self.status))
    }
}

impl std::error::Error for Failed {}

/// A branch that failed and is to be started again.
#[derive(Clone, Debug)]
pub struct Restart {
    pub(crate) name: Arc<str>,
    pub(crate) status: ExitStatus,
    pub(crate) pause: Duration,
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Restart { name, pause, .. } = self;
        let (name, how) = (printable(name), in_words(self.status));
        write!(
            f,
            "{name}: {how}; started again in {} s",
            pause.as_secs_f64()
        )
    }
}

/// The pauses of a branch that fails again and again.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    /// How often in a row it failed.
    failures: u32,
}

impl Pauses {
    /// The pause after it has failed, having run for so long.
    pub(crate) fn after(&mut self, ran: Duration) -> Duration {
        if ran > LONGEST_PAUSE {
            self.failures = 0;
        }
        let factor = 2_u32.saturating_pow(self.failures);
        self.failures = self.failures.saturating_add(1);
        FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew_after_a_long_run() {
        let mut pauses = Pauses::default();
        let mut next = |ran| pauses.after(Duration::from_secs(ran)).as_millis();
        let in_ms: Vec<u128> = (0..8).map(|_| next(1)).collect();
        assert_eq!(in_ms, [100, 200, 400, 800, 1600, 3200, 6400, 10_000]);
        assert_eq!([next(11), next(10)], [100, 200]);
    }
}
