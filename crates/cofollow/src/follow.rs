//! The source itself: what is ready to be read, and in which order it is given out.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use costage::{Block, Call, Error, Framer, Framing, Gather, Pull, Pulled, Result, Source, Waits};

use crate::generation::{Chunk, Generation};
use crate::name::{Found, Name};
use crate::resolve::{Hop, hops};
use crate::watch::Watch;
use crate::{Notice, Start, skip_to};

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
/// If no watch can be set up, or a file that is there cannot be read.
pub fn follow<P: AsRef<Path>>(
    names: impl IntoIterator<Item = P>,
    settings: Settings,
) -> Result<Source<Follow>> {
    Follow::new(names, settings, |_| {}).map(Source::new)
}

/// Follows files by name. Made by [`follow`].
pub struct Follow {
    names: Vec<Name>,
    settings: Settings,
    notify: Box<dyn FnMut(&Notice)>,
    watch: Watch,
    /// Which names to look at when a path changes.
    routes: HashMap<PathBuf, Vec<usize>>,
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
    last_data: Instant,
    /// The last unfinished lines have been given out: nothing more comes.
    ended: bool,
}

impl Follow {
    /// Begins to follow; `notify` is told what happens to the files.
    ///
    /// # Errors
    ///
    /// If no watch can be set up, or a file that is there cannot be read.
    pub fn new<P: AsRef<Path>>(
        names: impl IntoIterator<Item = P>,
        settings: Settings,
        notify: impl FnMut(&Notice) + 'static,
    ) -> Result<Follow> {
        let names: Vec<Name> = names
            .into_iter()
            .map(|path| Name::new(path.as_ref()))
            .collect();
        let mut follow = Follow {
            settings,
            notify: Box::new(notify),
            watch: Watch::new()?,
            routes: HashMap::new(),
            framer: Framer::new(b'\n', Framing::Lines),
            loaded: None,
            ready: VecDeque::new(),
            outbox: VecDeque::new(),
            timed: BTreeSet::new(),
            shown_last: None,
            next_key: 0,
            last_data: Instant::now(),
            ended: false,
            names,
        };
        for index in 0..follow.names.len() {
            follow.look_at_name(index, Some(settings.start))?;
        }
        Ok(follow)
    }

    /// Has every name had a file?
    pub fn all_were_read(&self) -> bool {
        self.names.iter().all(|name| name.was_read)
    }

    /// Looks what a name stands for, and puts it among those to be read. A file found now is read from
    /// `start`, or from its beginning.
    fn look_at_name(&mut self, index: usize, start: Option<Start>) -> Result<()> {
        self.rewatch(index)?;
        if let Found::New(file, meta) = self.names[index].look(&mut self.notify) {
            self.add_generation(index, file, &meta, start)?;
        }
        self.watch_retired(index);
        self.look_at_data(index)
    }

    /// Something may have been written under this name.
    fn look_at_data(&mut self, index: usize) -> Result<()> {
        if let Some(key) = self.names[index].truncated()? {
            (self.notify)(&Notice::Truncated(Arc::clone(&self.names[index].shown)));
            self.give_out_tail(index, key);
        }
        if !self.names[index].queued {
            self.names[index].queued = true;
            self.ready.push_back(index);
        }
        Ok(())
    }

    fn add_generation(
        &mut self,
        index: usize,
        file: File,
        meta: &Metadata,
        start: Option<Start>,
    ) -> Result<()> {
        let position = match start {
            Some(start) => skip_to(&file, start, b'\n').map_err(|error| {
                Error::io(Call::Read, Arc::clone(&self.names[index].shown), error)
            })?,
            None => 0,
        };
        let key = self.next_key;
        self.next_key += 1;
        self.names[index].add(Generation::new(key, file, meta, position));
        Ok(())
    }

    /// Watches the directories the name goes through now, and no longer those it went through.
    fn rewatch(&mut self, index: usize) -> Result<()> {
        self.names[index].look_at = None;
        for _ in 0..SETTLES_AFTER {
            let name = &self.names[index];
            let found = hops(&name.path)
                .map_err(|error| Error::io(Call::Open, Arc::clone(&name.shown), error))?;
            let is_settled = found == name.hops;
            let old = std::mem::replace(&mut self.names[index].hops, found.clone());
            // Set again even if they are the same: a directory may have been replaced under its path.
            for hop in &found {
                if let Err(why) = self.watch.watch_directory(&hop.directory) {
                    self.poll(index, &why);
                }
                self.route(hop, index);
            }
            for hop in &old {
                self.watch.unwatch_directory(&hop.directory);
                if !found.contains(hop) {
                    self.unroute(&hop.path(), index);
                    self.unroute(&hop.directory, index);
                }
            }
            if is_settled {
                break;
            }
        }
        Ok(())
    }

    fn poll(&mut self, index: usize, why: &str) {
        let name = &mut self.names[index];
        if !std::mem::replace(&mut name.said_polled, true) {
            (self.notify)(&Notice::Polled(Arc::clone(&name.shown), why.into()));
        }
        name.look_at = Some(Instant::now() + POLL);
        self.timed.insert(index);
    }

    fn route(&mut self, hop: &Hop, index: usize) {
        for path in [hop.path(), hop.directory.clone()] {
            let names = self.routes.entry(path).or_default();
            if !names.contains(&index) {
                names.push(index);
            }
        }
    }

    fn unroute(&mut self, path: &Path, index: usize) {
        let still_used = self.names[index]
            .hops
            .iter()
            .any(|hop| hop.directory == path || hop.path() == path);
        if still_used {
            return;
        }
        if let Some(names) = self.routes.get_mut(path) {
            names.retain(|&name| name != index);
            if names.is_empty() {
                self.routes.remove(path);
            }
        }
    }

    /// A retired file has no name by which its directory's watch could tell of it: it is watched itself.
    fn watch_retired(&mut self, index: usize) {
        if self.names[index].retired() > 0 {
            self.timed.insert(index);
        }
        for at in 0..self.names[index].retired() {
            let generation = &mut self.names[index].generations[at];
            if generation.watched.is_some() {
                continue;
            }
            let path = generation.watch_path();
            match self.watch.watch(&path) {
                Ok(()) => {
                    self.routes.insert(path.clone(), vec![index]);
                    generation.watched = Some(path);
                }
                Err(why) => self.poll(index, &why),
            }
        }
    }

    /// Lets retired files go whose writers have been silent.
    fn let_go(&mut self, index: usize, now: Instant) {
        if self.names[index].queued {
            // Something came, which ends the silence when it is read.
            return;
        }
        while let Some(mut generation) = self.names[index].let_go(now) {
            if let Some(path) = generation.watched.take() {
                self.routes.remove(&path);
                self.watch.unwatch(&path);
            }
            let tail = if self.loaded == Some((index, generation.key)) {
                self.loaded = None;
                self.framer.take_tail()
            } else {
                generation.tail.take()
            };
            self.give_out_finished(index, tail);
        }
    }

    /// Makes the framer hold this generation's unfinished line.
    fn load(&mut self, index: usize, at: usize) {
        let wanted = (index, self.names[index].generations[at].key);
        if self.loaded == Some(wanted) {
            return;
        }
        if let Some((index, key)) = self.loaded.replace(wanted) {
            let tail = self.framer.take_tail();
            let generations = &mut self.names[index].generations;
            if let Some(owner) = generations.iter_mut().find(|owner| owner.key == key) {
                owner.tail = tail.map(Block::compact);
            }
        }
        if let Some(tail) = self.names[index].generations[at].tail.take() {
            self.framer.put_tail(tail);
        }
    }

    fn read(&mut self, index: usize, at: usize) -> Result<Chunk> {
        self.load(index, at);
        let name = &mut self.names[index];
        let chunk = name.generations[at]
            .read(&mut self.framer)
            .map_err(|error| Error::io(Call::Read, Arc::clone(&name.shown), error))?;
        if !matches!(chunk, Chunk::Drained) {
            self.last_data = Instant::now();
        }
        Ok(chunk)
    }

    /// The next lines of the older generations of a name, oldest first.
    fn read_retired(&mut self, index: usize) -> Result<Option<Block>> {
        for at in 0..self.names[index].generations.len().saturating_sub(1) {
            loop {
                match self.read(index, at)? {
                    Chunk::Block(block) => return Ok(Some(block)),
                    Chunk::Partial => {}
                    Chunk::Drained => break,
                }
            }
        }
        Ok(None)
    }

    /// The next lines of a name: those of older generations first. A chunk of the newest is read ahead, and
    /// then the older ones once more: what their writer put there before it turned to the newest is there now.
    fn read_name(&mut self, index: usize) -> Result<Chunk> {
        if self.names[index].ahead.is_none() {
            let Some(newest) = self.names[index].generations.len().checked_sub(1) else {
                return Ok(Chunk::Drained);
            };
            match self.read(index, newest)? {
                Chunk::Block(block) if newest == 0 => return Ok(Chunk::Block(block)),
                Chunk::Block(block) => self.names[index].ahead = Some(block),
                chunk if newest == 0 => return Ok(chunk),
                Chunk::Partial => return Ok(Chunk::Partial),
                Chunk::Drained => {}
            }
        }
        let next = match self.read_retired(index)? {
            Some(block) => Some(block),
            None => self.names[index].ahead.take(),
        };
        Ok(next.map_or(Chunk::Drained, Chunk::Block))
    }

    /// Lines of this name are given out, after a header if those before were another's.
    fn give_out(&mut self, index: usize, block: Block) {
        if self.names.len() > 1 && self.shown_last != Some(index) {
            let gap = if self.shown_last.is_some() { "\n" } else { "" };
            let header = format!("{gap}==> {} <==\n", self.names[index].shown);
            self.outbox.push_back(Block::from(header.as_str()));
        }
        self.shown_last = Some(index);
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

    /// The file begins anew: what was read of its last line is all there was of it.
    fn give_out_tail(&mut self, index: usize, key: u64) {
        if self.loaded == Some((index, key)) {
            let tail = self.framer.take_tail();
            self.give_out_finished(index, tail);
            return;
        }
        let generations = &mut self.names[index].generations;
        let tail = generations
            .iter_mut()
            .find(|generation| generation.key == key)
            .and_then(|generation| generation.tail.take());
        self.give_out_finished(index, tail);
    }

    /// The end: what was read is given out, the unfinished lines as lines of their own, the last of all as it
    /// is.
    fn give_out_the_rest(&mut self) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if let Some((index, key)) = self.loaded.take() {
            let tail = self.framer.take_tail();
            let generations = &mut self.names[index].generations;
            if let Some(owner) = generations.iter_mut().find(|owner| owner.key == key) {
                owner.tail = tail;
            }
        }
        let mut last: Option<(usize, Block)> = None;
        for index in 0..self.names.len() {
            let name = &mut self.names[index];
            let mut rest: Vec<Block> = Vec::new();
            let newest = name.generations.pop_back();
            rest.extend(
                name.generations
                    .iter_mut()
                    .filter_map(|older| older.tail.take()),
            );
            rest.extend(name.ahead.take());
            rest.extend(newest.and_then(|newest| newest.tail));
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
    fn keep_time(&mut self) -> Result<()> {
        let now = Instant::now();
        for index in std::mem::take(&mut self.timed) {
            if self.names[index].look_at.is_some_and(|at| at <= now) {
                self.look_at_name(index, None)?;
            }
            self.let_go(index, now);
            if self.names[index].due().is_some() {
                self.timed.insert(index);
            }
        }
        Ok(())
    }

    fn idle_at(&self) -> Option<Instant> {
        self.settings.until_idle.map(|idle| self.last_data + idle)
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
        if room {
            if let Some(deadline) = self.idle_at() {
                waits.until(deadline);
            }
            if !self.outbox.is_empty() || !self.ready.is_empty() || self.ended {
                waits.now();
            }
        }
    }

    /// New files are opened, and retired ones held, even while the chain takes nothing: a name may be renamed
    /// many times before the reader of the output comes back.
    fn look(&mut self, _: &Waits) -> Result<()> {
        let changes = self.watch.take();
        if changes.all {
            for index in 0..self.names.len() {
                self.look_at_name(index, None)?;
            }
        }
        for (path, structure) in changes.paths {
            for index in self.routes.get(&path).cloned().unwrap_or_default() {
                if structure {
                    self.look_at_name(index, None)?;
                } else {
                    self.look_at_data(index)?;
                }
            }
        }
        if !self.timed.is_empty() {
            self.keep_time()?;
        }
        Ok(())
    }

    fn pull(&mut self, _: &Waits) -> Result<Pulled> {
        if let Some(block) = self.outbox.pop_front() {
            return Ok(Pulled::Block(block));
        }
        if self.ended {
            return Ok(Pulled::End);
        }
        let Some(&index) = self.ready.front() else {
            if self.idle_at().is_some_and(|at| at <= Instant::now()) {
                self.give_out_the_rest();
            }
            return Ok(Pulled::Wait);
        };
        match self.read_name(index)? {
            Chunk::Block(block) => {
                self.give_out(index, block);
                // What is there at the start is given out file by file; after that one that never rests
                // shall not keep the others waiting.
                if self.names[index].caught_up {
                    self.ready.rotate_left(1);
                }
            }
            Chunk::Partial => {}
            Chunk::Drained => {
                self.ready.pop_front();
                self.names[index].queued = false;
                self.names[index].caught_up = true;
            }
        }
        Ok(self.outbox.pop_front().map_or(Pulled::Wait, Pulled::Block))
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
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
