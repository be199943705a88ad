//! How much has been written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use memchr::memchr_iter;

use crate::Block;

/// How much a [`Sink`](crate::Sink) has written so far: what a source that must not forget asks before it saves where it
/// stands.
#[derive(Clone, Debug, Default)]
pub struct Written(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    bytes: AtomicU64,
    line_ends: AtomicU64,
    /// The last line has no end yet.
    is_unfinished: AtomicBool,
    counts_lines: bool,
}

impl Written {
    /// One that counts lines, too, for [`Sink::counted_by`](crate::Sink::counted_by). Their ends have to be looked for.
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

    /// The lines in these bytes, an unfinished last one included; 0 unless they [are counted](Written::counts_lines).
    pub fn lines(&self) -> u64 {
        let unfinished = self.0.is_unfinished.load(Ordering::Relaxed);
        self.0.line_ends.load(Ordering::Relaxed) + u64::from(unfinished)
    }

    /// Does it count lines?
    pub fn counts_lines(&self) -> bool {
        self.0.counts_lines
    }

    pub(super) fn add_bytes(&self, count: usize) {
        self.0.bytes.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// The first `count` bytes of `block` were written: for who writes without a sink of its own.
    pub fn add(&self, block: &Block, count: usize) {
        self.add_bytes(count);
        if let (true, Some(last)) = (self.0.counts_lines, count.checked_sub(1)) {
            let ends = memchr_iter(block.terminator(), &block[..count]).count();
            self.0.line_ends.fetch_add(ends as u64, Ordering::Relaxed);
            let is_unfinished = block[last] != block.terminator();
            self.0.is_unfinished.store(is_unfinished, Ordering::Relaxed);
        }
    }
}
