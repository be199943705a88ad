//! A large file, searched in parts by several threads, what is found in its order.
//!
//! The file is cut into parts of one size. A part but the first owns the lines that begin behind its first
//! byte, and one that begins right behind its last: it passes over the line that it begins in, and reads on to the end of its last. Each part has a [`Grep`] of its own; the loop takes what the
//! parts found, one part after the other. Nothing is mapped: a log that is cut short meanwhile ends early, and does
//! no harm.

mod lines;
mod shared;
mod worker;

use std::fs::File;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use costage::{Call, Driver, Error, Event, Pull, Pulled, Result, Waits, event};

use self::shared::{Shared, State};
use self::worker::Worker;
use crate::stage::Passed;
use crate::{Input, Matcher, Report, Settings};

/// The length of a part. Short enough that the last part does not leave the other threads idle for long.
const PART: u64 = 1 << 20;
/// So many parts for each thread may be searched before the first of them has been taken.
const AHEAD: u64 = 2;
/// More threads than this are not begun: each takes memory and time to begin.
const MOST: usize = 256;

/// A search through a large regular file by several threads, as a source: its blocks are not the file's but what
/// was found, in the file's order, to be sent to the target of a [`Grep`](crate::Grep).
///
/// It ends before an unfinished last line, which may still grow: what comes from [`end`](Parallel::end) on is for
/// an ordinary [`Reader`](costage::Reader), and the `Grep` goes on there after
/// [`absorb`](crate::Grep::absorb).
#[derive(Debug)]
pub struct Parallel {
    shared: Arc<Shared>,
    news: Event,
    threads: usize,
    parts: u64,
}

/// Where it is searched.
#[derive(Debug)]
pub struct Stretch {
    /// A regular file. Its position is left alone.
    pub file: File,
    /// What it is called in errors.
    pub what: Arc<str>,
    /// The bytes of it, of which the first begins a line.
    pub range: Range<u64>,
    /// What ends its lines.
    pub terminator: u8,
    /// What was passed of the input before them.
    pub before: Passed,
    /// Are lines counted though they are not numbered?
    pub counts_lines: bool,
}

impl Parallel {
    /// Can a search with these settings be split? What depends on the lines before cannot: a maximum, context; and
    /// where the first line is enough there is nothing to split.
    pub fn can(settings: &Settings) -> bool {
        settings.max_count.is_none()
            && settings.context.is_none()
            && matches!(
                settings.report,
                Report::Lines | Report::Matches | Report::Count
            )
    }

    /// Begins to search `input` with so many threads, at least one, or with fewer: no more than there are parts, at most
    /// 256, and those that are to be had.
    ///
    /// # Errors
    ///
    /// [`Call::Spawn`] if no thread is to be had.
    ///
    /// # Panics
    ///
    /// If the settings [cannot](Parallel::can) be split.
    pub fn new<M>(
        stretch: Stretch,
        matcher: &M,
        settings: &Settings,
        input: Input<'_>,
        threads: usize,
    ) -> Result<Parallel>
    where
        M: Matcher + Clone + Send + 'static,
    {
        assert!(Parallel::can(settings));
        let failed = |error| Error::io(Call::Spawn, "a thread to search", error);
        let (news, ring) = event().map_err(failed)?;
        let length = stretch.range.end.saturating_sub(stretch.range.start);
        let parts = length.div_ceil(PART);
        let threads = threads
            .clamp(1, MOST)
            .min(usize::try_from(parts).unwrap_or(MOST));
        let state = State {
            lines: stretch.before.lines,
            end: stretch.range.start,
            ..State::default()
        };
        let shared = Arc::new(Shared {
            stretch,
            parts,
            ahead: AHEAD * threads as u64,
            state: Mutex::new(state),
            changed: Condvar::new(),
            ring,
        });
        let mut running = 0;
        while running < threads {
            let mut worker = Worker {
                shared: Arc::clone(&shared),
                matcher: matcher.clone(),
                settings: settings.clone(),
                name: input.name.map(<[u8]>::to_vec),
                length: input.length,
                driver: Driver::new(),
            };
            let thread = thread::Builder::new().name("search".into());
            match thread.spawn(move || worker.run()) {
                Ok(_) => running += 1,
                Err(_) if running > 0 => break,
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(Parallel {
            shared,
            news,
            threads: running,
            parts,
        })
    }

    /// How many threads search.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// After its end: how far the file was searched.
    pub fn end(&self) -> u64 {
        self.shared.lock().end
    }

    /// What was passed up to there.
    pub fn passed(&self) -> Passed {
        self.shared.lock().passed
    }
}

impl Drop for Parallel {
    fn drop(&mut self) {
        // The threads end by themselves when they next look.
        self.shared.lock().stops = true;
        self.shared.changed.notify_all();
    }
}

impl Pull for Parallel {
    fn waits(&mut self, waits: &mut Waits, room: bool) {
        if room {
            let _ = self.news.waits(waits);
        }
        let state = self.shared.lock();
        // Of no part at all no thread would ring.
        if room && (state.has_something() || state.first == self.parts) {
            waits.now();
        }
    }

    fn pull(&mut self, _: &Waits) -> Result<Pulled> {
        self.news.clear();
        let mut state = self.shared.lock();
        if state.pass_searched() {
            self.shared.changed.notify_all();
        }
        if state.first == self.parts {
            return Ok(Pulled::End);
        }
        let Some(part) = state.parts.front_mut() else {
            return Ok(Pulled::Wait);
        };
        let was_full = part.is_full();
        if let Some(block) = part.take() {
            if was_full && !part.is_full() {
                self.shared.changed.notify_all();
            }
            return Ok(Pulled::Block(block));
        }
        match part.outcome.take() {
            Some(Err(error)) => Err(error),
            _ => Ok(Pulled::Wait),
        }
    }
}

#[cfg(test)]
mod tests;
