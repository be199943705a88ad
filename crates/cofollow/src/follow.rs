//! The source itself: what is ready to be read, and in which order it is given out.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use costage::{Block, Call, Error, Framer, Framing, Gather, Pull, Pulled, Result, Source, Waits};

use crate::generation::{Chunk, Generation};
use crate::name::{Found, Name};
use crate::resolve::hops;
use crate::watch::Watch;
use crate::{Notice, Start, UntilIdle, skip_to};

/// How often a name is looked at that cannot be watched.
const POLL: Duration = Duration::from_secs(1);
/// What a path depends on may change while its directories are being watched; so often it is resolved again.
const SETTLES_AFTER: usize = 8;

/// How to follow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// Where to start in the files that are there; those that appear later are read from their start.
    pub start: Start,
    /// End when nothing has come for this long.
    pub until_idle: Option<Duration>,
}

/// Follows files by name, from their last ten lines on: a source that gives out whole lines as they are
/// appended, and goes on with the new file when one is renamed, deleted or replaced.
///
/// # Errors
///
/// If there are no descriptors left. Whatever is wrong with a file is told as a notice: the others are still
/// followed.
pub fn follow<P: AsRef<Path>>(
    names: impl IntoIterator<Item = P>,
    settings: Settings,
) -> Result<Source<UntilIdle<Follow>>> {
    let follow = Follow::new(names, settings.start, |_| {})?;
    Ok(Source::new(UntilIdle::new(follow, settings.until_idle)))
}

/// Has a generation lines to be given out?
enum Ahead {
    Held,
    /// Only more of a line that is not finished.
    Unfinished,
    Nothing,
}

/// Follows files by name, without an end of its own; [`follow`] makes a source of it.
pub struct Follow {
    names: Vec<Name>,
    notify: Box<dyn FnMut(&Notice) + Send>,
    watch: Watch,
    framer: Framer,
    /// Whose unfinished line the framer holds: a name, and the key of its generation.
    loaded: Option<(usize, u64)>,
    /// Names that may have something to read; the first is being read.
    ready: VecDeque<usize>,
    /// Lines ready to be given out.
    outbox: VecDeque<Block>,
    /// Names with something to do at a certain time.
    timed: BTreeSet<usize>,
    /// Whose lines came last, for headers.
    shown_last: Option<usize>,
    next_key: u64,
}

impl Follow {
    /// Begins to follow, the files that are there from `start` on; `notify` is told what happens to them.
    ///
    /// # Errors
    ///
    /// If there are no descriptors left. Whatever is wrong with a file is told as a notice: the others are still
    /// followed.
    pub fn new<P: AsRef<Path>>(
        names: impl IntoIterator<Item = P>,
        start: Start,
        notify: impl FnMut(&Notice) + Send + 'static,
    ) -> Result<Follow> {
        let names: Vec<Name> = names
            .into_iter()
            .map(|path| Name::new(path.as_ref()))
            .collect();
        let mut follow = Follow {
            notify: Box::new(notify),
            watch: Watch::new()?,
            framer: Framer::new(b'\n', Framing::Lines),
            loaded: None,
            ready: VecDeque::new(),
            outbox: VecDeque::new(),
            timed: BTreeSet::new(),
            shown_last: None,
            next_key: 0,
            names,
        };
        for index in 0..follow.names.len() {
            follow.look_at_name(index, Some(start));
        }
        Ok(follow)
    }

    /// Has every name had a file, and could all of it be read?
    pub fn all_were_read(&self) -> bool {
        self.names.iter().all(Name::is_well_read)
    }

    /// Looks what a name stands for, and puts it among those to be read. A file found now is read from
    /// `start`, or from its beginning.
    fn look_at_name(&mut self, index: usize, start: Option<Start>) {
        self.rewatch(index);
        if let Found::New(file, meta) = self.names[index].look(&mut self.notify) {
            self.add_generation(index, file, &meta, start);
        }
        self.watch_files(index);
        self.look_at_data(index);
    }

    /// Something may have been written under this name.
    fn look_at_data(&mut self, index: usize) {
        for at in 0..self.names[index].generations.len() {
            if self.names[index].generations[at].was_truncated() {
                (self.notify)(&Notice::Truncated(Arc::clone(&self.names[index].shown)));
                // What was read of its last line is all there was of it.
                if let Some(tail) = self.take_tail(index, at) {
                    self.names[index].generations[at].finish(&tail);
                }
            }
        }
        if !std::mem::replace(&mut self.names[index].queued, true) {
            self.ready.push_back(index);
        }
    }

    fn add_generation(&mut self, index: usize, file: File, meta: &Metadata, start: Option<Start>) {
        let position = start.map_or(Ok(0), |start| skip_to(&file, start, b'\n'));
        let key = self.next_key;
        self.next_key += 1;
        let name = &mut self.names[index];
        let from = *position.as_ref().unwrap_or(&meta.len());
        name.add(Generation::new(key, file, meta, from));
        if start.is_some() {
            name.start_length = meta.len();
        }
        if let Err(error) = position {
            name.fail(name.generations.len() - 1, error, &mut self.notify);
        }
    }

    /// Watches the directories the name goes through now, and no longer those it went through.
    fn rewatch(&mut self, index: usize) {
        self.names[index].look_at = None;
        for _ in 0..SETTLES_AFTER {
            let found = hops(&self.names[index].path);
            let mut failure = None;
            // Set again even if they are the same: a directory may have been replaced under its path.
            for hop in &found {
                failure = self.watch.watch_hop(hop, index).err().or(failure);
            }
            let is_settled = found == self.names[index].hops;
            for hop in std::mem::replace(&mut self.names[index].hops, found) {
                self.watch.unwatch_hop(&hop, index);
            }
            match failure {
                // A directory went while it was being watched.
                Some(error) if error.kind() == io::ErrorKind::NotFound => {}
                Some(error) if is_settled => return self.poll(index, error),
                None if is_settled => return,
                _ => {}
            }
        }
        self.look_later(index);
    }

    fn poll(&mut self, index: usize, error: io::Error) {
        let name = &mut self.names[index];
        if !std::mem::replace(&mut name.said_polled, true) {
            let error = Error::io(Call::Watch, Arc::clone(&name.shown), error);
            (self.notify)(&Notice::Polled(error));
        }
        self.look_later(index);
    }

    fn look_later(&mut self, index: usize) {
        self.names[index].look_at = Some(Instant::now() + POLL);
        self.timed.insert(index);
    }

    /// Watches the files of a name whose directories would not tell of them.
    fn watch_files(&mut self, index: usize) {
        if self.names[index].retired() > 0 {
            self.timed.insert(index);
        }
        for at in 0..self.names[index].generations.len() {
            let needs_watch = self.names[index].needs_watch(at);
            let generation = &mut self.names[index].generations[at];
            if !needs_watch || generation.is_watched {
                continue;
            }
            let (identity, file) = (generation.identity, &generation.file);
            match self.watch.watch_file(identity, file, index) {
                Ok(()) => generation.is_watched = true,
                Err(error) => self.poll(index, error),
            }
        }
    }

    /// Lets retired files go whose writers have been silent.
    fn let_go(&mut self, index: usize, now: Instant) {
        if self.names[index].queued {
            // Something came, which ends the silence when it is read.
            return;
        }
        while let Some(at) = self.names[index].silent(now) {
            if self.names[index].generations[at].has_more() {
                // It came just now, or the file cannot be watched.
                return self.look_at_data(index);
            }
            let tail = self.take_tail(index, at);
            let Some(generation) = self.names[index].generations.remove(at) else {
                return;
            };
            if generation.is_watched {
                self.watch.unwatch_file(generation.identity, index);
            }
            self.give_out_finished(index, tail);
        }
    }

    /// Takes a generation's unfinished line, wherever it is.
    fn take_tail(&mut self, index: usize, at: usize) -> Option<Block> {
        let generation = &mut self.names[index].generations[at];
        if self.loaded == Some((index, generation.key)) {
            self.loaded = None;
            return self.framer.take_tail();
        }
        generation.tail.take()
    }

    /// Makes the framer hold no unfinished line.
    fn unload(&mut self) {
        if let Some((index, key)) = self.loaded.take() {
            let tail = self.framer.take_tail();
            if let Some(at) = self.names[index].place(key) {
                self.names[index].generations[at].tail = tail.map(Block::compact);
            }
        }
    }

    /// Makes the framer hold this generation's unfinished line.
    fn load(&mut self, index: usize, at: usize) {
        let wanted = Some((index, self.names[index].generations[at].key));
        if self.loaded == wanted {
            return;
        }
        self.unload();
        self.loaded = wanted;
        if let Some(tail) = self.names[index].generations[at].tail.take() {
            self.framer.put_tail(tail);
        }
    }

    fn read(&mut self, index: usize, at: usize) -> Chunk {
        self.load(index, at);
        let name = &mut self.names[index];
        match name.generations[at].read(&mut self.framer) {
            Ok(chunk) => chunk,
            Err(error) => {
                name.fail(at, error, &mut self.notify);
                Chunk::Drained
            }
        }
    }

    /// Makes a generation hold its next lines, if it has any.
    fn read_ahead(&mut self, index: usize, at: usize) -> Ahead {
        if self.names[index].generations[at].ahead.is_some() {
            return Ahead::Held;
        }
        match self.read(index, at) {
            Chunk::Block(block) => {
                self.names[index].generations[at].ahead = Some(block);
                Ahead::Held
            }
            Chunk::Partial => Ahead::Unfinished,
            Chunk::Drained => Ahead::Nothing,
        }
    }

    /// The next lines of a name. Those of a newer generation are given out only when all older ones were found
    /// drained *after* they had been read: what the writer put there before it turned to the newer one is there
    /// by then.
    fn read_name(&mut self, index: usize) -> Chunk {
        let Some(newest) = self.names[index].generations.len().checked_sub(1) else {
            return Chunk::Drained;
        };
        if let Ahead::Unfinished = self.read_ahead(index, newest) {
            return Chunk::Partial;
        }
        let (mut chosen, mut at) = (newest, 0);
        while at < chosen {
            match self.read_ahead(index, at) {
                Ahead::Held => (chosen, at) = (at, 0),
                Ahead::Unfinished => return Chunk::Partial,
                Ahead::Nothing => at += 1,
            }
        }
        let next = self.names[index].generations[chosen].ahead.take();
        next.map_or(Chunk::Drained, Chunk::Block)
    }

    /// A header, if the lines before were another name's.
    fn give_out_header(&mut self, index: usize) {
        if self.names.len() > 1 && self.shown_last != Some(index) {
            let gap = if self.shown_last.is_some() { "\n" } else { "" };
            let header = format!("{gap}==> {} <==\n", self.names[index].shown);
            self.outbox.push_back(Block::from(header.as_str()));
        }
        self.shown_last = Some(index);
    }

    /// Lines of this name are given out.
    fn give_out(&mut self, index: usize, block: Block) {
        self.give_out_header(index);
        self.outbox.push_back(block);
    }

    /// An unfinished line whose end will not come is given out as a line.
    fn give_out_finished(&mut self, index: usize, tail: Option<Block>) {
        if let Some(tail) = tail {
            let mut line = Gather::new(tail.terminator());
            line.push(&tail);
            line.finish_line();
            if let Some(line) = line.take() {
                self.give_out(index, line);
            }
        }
    }

    /// The end: what was read is given out, the unfinished lines as lines of their own, the last of all as it
    /// is. Of a name that has not been read to its end nothing is given out that comes after the gap.
    fn give_out_the_rest(&mut self) {
        self.unload();
        let mut last: Option<(usize, Block)> = None;
        for index in 0..self.names.len() {
            let mut rest: Vec<Block> = Vec::new();
            for generation in &mut self.names[index].generations {
                rest.extend(generation.ahead.take());
                if generation.has_more() {
                    break;
                }
                rest.extend(generation.tail.take());
            }
            for block in rest {
                if let Some((index, block)) = last.replace((index, block)) {
                    self.give_out_finished(index, Some(block));
                }
            }
        }
        if let Some((index, block)) = last {
            self.give_out(index, block);
        }
    }

    /// Does what is due.
    fn keep_time(&mut self) {
        let now = Instant::now();
        for index in std::mem::take(&mut self.timed) {
            if self.names[index].look_at.is_some_and(|at| at <= now) {
                self.look_at_name(index, None);
            }
            self.let_go(index, now);
            if self.names[index].due().is_some() {
                self.timed.insert(index);
            }
        }
    }

    /// What is there at the start is given out file by file; after that one that never rests shall not keep the
    /// others waiting.
    fn take_turns(&mut self, index: usize) {
        let name = &mut self.names[index];
        name.caught_up |= name
            .generations
            .back()
            .is_some_and(|newest| newest.is_read_to(name.start_length));
        if name.caught_up {
            self.ready.rotate_left(1);
        }
    }

    /// All of a name has been read.
    fn rest(&mut self, index: usize) {
        self.ready.pop_front();
        let name = &mut self.names[index];
        name.queued = false;
        let was_caught_up = std::mem::replace(&mut name.caught_up, true);
        if name.retired() > 0 {
            // Now silence can be counted.
            self.timed.insert(index);
        }
        if !was_caught_up && !name.generations.is_empty() {
            // As tail does: a file that was there at the start is named, even if it is empty.
            self.give_out_header(index);
        }
    }
}

impl Pull for Follow {
    fn waits(&mut self, waits: &mut Waits, room: bool) {
        self.watch.waits(waits);
        for due in self
            .timed
            .iter()
            .filter_map(|&index| self.names[index].due())
        {
            waits.until(due);
        }
        if room && !(self.outbox.is_empty() && self.ready.is_empty()) {
            waits.now();
        }
    }

    /// New files are opened, and retired ones held, even while the chain takes nothing: a name may be renamed
    /// many times before the reader of the output comes back.
    fn look(&mut self, _: &Waits) -> Result<()> {
        let changes = self.watch.take();
        if changes.all {
            for index in 0..self.names.len() {
                self.look_at_name(index, None);
            }
        }
        for (path, structure) in changes.paths {
            for index in self.watch.names(&path) {
                if structure {
                    self.look_at_name(index, None);
                } else {
                    self.look_at_data(index);
                }
            }
        }
        if !self.timed.is_empty() {
            self.keep_time();
        }
        Ok(())
    }

    fn pull(&mut self, _: &Waits) -> Result<Pulled> {
        if let Some(block) = self.outbox.pop_front() {
            return Ok(Pulled::Block(block));
        }
        let Some(&index) = self.ready.front() else {
            return Ok(Pulled::Wait);
        };
        let nothing = match self.read_name(index) {
            Chunk::Block(block) => {
                self.give_out(index, block);
                self.take_turns(index);
                Pulled::Wait
            }
            Chunk::Partial => {
                self.take_turns(index);
                Pulled::Partial
            }
            Chunk::Drained => {
                self.rest(index);
                Pulled::Wait
            }
        };
        Ok(self.outbox.pop_front().map_or(nothing, Pulled::Block))
    }

    fn stop(&mut self) -> Option<Block> {
        self.give_out_the_rest();
        let mut rest = Gather::new(b'\n');
        for block in self.outbox.drain(..) {
            rest.push(&block);
        }
        rest.take()
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow")
            .field("names", &self.names.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
