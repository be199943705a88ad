//! A source that ends when nothing comes any more.

use std::time::{Duration, Instant};

use costage::{Pull, Pulled, Result, Waits};

use crate::last_look::end_if_silent;

/// Ends another source when nothing has come from it for a while; what it holds of an unfinished line is given
/// out before. While the chain takes nothing, nothing can come, and that is no idleness.
///
/// ```
/// use std::time::Duration;
/// use cofollow::UntilIdle;
/// use costage::{Reader, Source, collect};
///
/// let (reader, writer) = std::io::pipe()?;
/// std::io::Write::write_all(&mut &writer, b"one\ntw")?;
/// let (text, sink) = collect();
/// let reader = Reader::new("a pipe", reader)?;
/// Source::new(UntilIdle::new(reader, Some(Duration::from_millis(1)))).drive(sink)?;
/// assert_eq!(text.take(), b"one\ntw");
/// # drop(writer);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct UntilIdle<P> {
    pull: P,
    idle: Option<Duration>,
    /// When something came last.
    last: Instant,
    ended: bool,
}

impl<P: Pull> UntilIdle<P> {
    /// Ends `pull` when nothing has come for `idle`; with `None` it ends by itself.
    pub fn new(pull: P, idle: Option<Duration>) -> UntilIdle<P> {
        UntilIdle {
            pull,
            idle,
            last: Instant::now(),
            ended: false,
        }
    }

    /// When it ends, unless something comes; beyond what a clock can count it does not.
    fn deadline(&self) -> Option<Instant> {
        self.idle.and_then(|idle| self.last.checked_add(idle))
    }
}

impl<P: Pull> Pull for UntilIdle<P> {
    fn waits(&mut self, waits: &mut Waits, room: bool) {
        self.pull.waits(waits, room);
        if !room {
            // Silence counts only while something could come.
            self.last = Instant::now();
        } else if self.ended {
            waits.now();
        } else if let Some(deadline) = self.deadline() {
            waits.until(deadline);
        }
    }

    fn pull(&mut self, waits: &Waits) -> Result<Pulled> {
        if self.ended {
            return Ok(Pulled::End);
        }
        let mut pulled = self.pull.pull(waits)?;
        if matches!(pulled, Pulled::Wait) {
            let is_over = |deadline| Instant::now() >= deadline;
            if !self.deadline().is_some_and(is_over) {
                return Ok(pulled);
            }
            pulled = end_if_silent(&mut self.pull, waits, &mut self.ended)?;
        }
        if self.idle.is_some() {
            self.last = Instant::now();
        }
        Ok(pulled)
    }

    fn source(&mut self) -> Option<&mut dyn Pull> {
        Some(&mut self.pull)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source from which nothing ever comes.
    struct Nothing;

    impl Pull for Nothing {
        fn waits(&mut self, _: &mut Waits, _: bool) {}

        fn pull(&mut self, _: &Waits) -> Result<Pulled> {
            Ok(Pulled::Wait)
        }
    }

    // `yes | head -c 20M | cofollow --until-idle 100ms | (sleep 1; wc -c)` lost nearly all.
    #[test]
    fn silence_counts_only_while_something_could_come() {
        let mut waits = Waits::default();
        let mut source = UntilIdle::new(Nothing, Some(Duration::from_millis(500)));
        let long_ago = Instant::now().checked_sub(Duration::from_secs(1));
        source.last = long_ago.expect("the machine has run for longer");
        source.waits(&mut waits, false);
        assert!(matches!(source.pull(&waits), Ok(Pulled::Wait)));
        source.last = long_ago.expect("the machine has run for longer");
        source.waits(&mut waits, true);
        assert!(matches!(source.pull(&waits), Ok(Pulled::End)));
    }
}
