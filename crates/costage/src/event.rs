//! Another thread's way to wake a loop.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Interest, Wait, Waits};

/// A bell between threads: [`Ring::ring`] in one makes the [`Waits`] of the other ready until it is cleared.
/// Ringing a bell that rings costs one atomic exchange.
///
/// ```
/// let (mut event, ring) = costage::event()?;
/// std::thread::spawn(move || ring.ring());
/// // … the loop waits; then:
/// event.clear();
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn event() -> io::Result<(Event, Ring)> {
    let (reader, writer) = io::pipe()?;
    let rung = Arc::new(AtomicBool::new(false));
    let listener = Event {
        rung: Arc::clone(&rung),
        reader,
    };
    let writer = Arc::new(writer);
    Ok((listener, Ring { rung, writer }))
}

/// The side that waits.
#[derive(Debug)]
pub struct Event {
    rung: Arc<AtomicBool>,
    reader: PipeReader,
}

/// The side that wakes. A clone rings the same bell.
#[derive(Clone, Debug)]
pub struct Ring {
    rung: Arc<AtomicBool>,
    writer: Arc<PipeWriter>,
}

impl Event {
    /// Wake when it rings.
    pub fn waits(&self, waits: &mut Waits) -> Wait {
        waits.add(self.reader.as_fd(), Interest::Read)
    }

    /// Stops the ringing. Look at what changed only *after* this: what changes later rings again.
    pub fn clear(&mut self) -> bool {
        if !self.rung.load(Ordering::SeqCst) {
            return false;
        }
        // `rung` is set just before its one byte is written: the read waits for that at most. Gone writers
        // are no reason to fail, there is only nothing more to come.
        let _ = self.reader.read_exact(&mut [0]);
        self.rung.store(false, Ordering::SeqCst);
        true
    }
}

impl Ring {
    /// Wakes the other side, now or when it next waits.
    pub fn ring(&self) {
        if !self.rung.swap(true, Ordering::SeqCst) {
            // At most one byte is ever in the pipe, so there is room; a listener that is gone needs no waking.
            let _ = (&*self.writer).write_all(&[1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_until_cleared_and_again_after() {
        let (mut event, ring) = event().expect("a pipe");
        let mut waits = Waits::default();
        for _ in 0..2 {
            ring.ring();
            ring.ring();
            waits.clear();
            let wait = event.waits(&mut waits);
            assert_eq!(waits.look().expect("poll"), 1);
            assert!(waits.is_ready(wait));
            assert!(event.clear());
            waits.clear();
            event.waits(&mut waits);
            assert_eq!(waits.look().expect("poll"), 0);
            assert!(!event.clear());
        }
    }
}
