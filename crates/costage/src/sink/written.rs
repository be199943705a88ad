//! How much has been written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memchr::memchr_iter;

use crate::Block;

/// How much a [`Sink`] has written so far: what a source that must not forget asks before it saves where it
/// stands.
#[derive(Clone, Debug, Default)]
pub struct Written(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    bytes: AtomicU64,
    lines: AtomicU64,
    counts_lines: bool,
}

impl Written {
    /// One that counts the ends of lines, too, for [`Sink::counted_by`]. They have to be looked for.
    pub fn with_lines() -> Written {
        Written(Arc::new(Counters {
            counts_lines: true,
            ..Counters::default()
        }))
    }

    /// In bytes. Written is what the descriptor has taken; a reader may still lose it.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// The ends of lines in these bytes, as `wc -l` counts them; 0 unless they [are counted](Written::counts_lines).
    pub fn lines(&self) -> u64 {
        self.0.lines.load(Ordering::Relaxed)
    }

    /// Does it count lines?
    pub fn counts_lines(&self) -> bool {
        self.0.counts_lines
    }

    pub(super) fn add_bytes(&self, count: usize) {
        self.0.bytes.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// The first `count` bytes of `block` were written.
    pub(super) fn add(&self, block: &Block, count: usize) {
        self.add_bytes(count);
        if self.0.counts_lines {
            let lines = memchr_iter(block.terminator(), &block[..count]).count();
            self.0.lines.fetch_add(lines as u64, Ordering::Relaxed);
        }
    }
}
