//! How much has been written.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use memchr::memchr_iter;

use crate::Block;
use crate::sys::{self, Kind};

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
    /// Is it asked what of it is still in a pipe?
    is_watched: AtomicBool,
    /// So many bytes were, when that was last asked.
    unread: AtomicU64,
    /// Its reader waits for somebody else.
    is_excused: AtomicBool,
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

    /// From now on it is asked, whenever its sink is woken, how much of it is still in a pipe.
    pub fn watch_reader(&self) {
        self.0.is_watched.store(true, Ordering::Relaxed);
    }

    /// How much of it its reader has taken, as far as is known: what has been [written](Written::bytes), without what
    /// was in the pipe when that was last [asked](Written::watch_reader). A pipe may long have no room while its reader
    /// takes line after line: on Linux there is some when a whole page has been read.
    pub fn taken(&self) -> u64 {
        let unread = self.0.unread.load(Ordering::Relaxed);
        self.bytes().saturating_sub(unread)
    }

    /// Does its reader wait for somebody else? Then it is not its fault that it takes nothing.
    pub fn excuse_reader(&self, waits: bool) {
        self.0.is_excused.store(waits, Ordering::Relaxed);
    }

    /// Was that said last?
    pub fn is_reader_excused(&self) -> bool {
        self.0.is_excused.load(Ordering::Relaxed)
    }

    /// Asks, if it is to be asked.
    pub(super) fn look_at_reader(&self, output: BorrowedFd<'_>) {
        if self.0.is_watched.load(Ordering::Relaxed) {
            let is_pipe = sys::kind(output).is_ok_and(|kind| kind == Kind::Pipe);
            let unread = if is_pipe {
                sys::available(output).unwrap_or(0)
            } else {
                0
            };
            self.0.unread.store(unread as u64, Ordering::Relaxed);
        }
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
