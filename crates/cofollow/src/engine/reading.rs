//! Reading: in which order the lines of a name's files are given out.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use costage::{Block, Gather};

use super::siblings::is_past;
use super::{Engine, is_passing};
use crate::disk::{Disk, Kind, Readable, STDIN};
use crate::generation::{Chunk, Generation};
use crate::{By, Notice};

/// So many bytes of older generations are held at once, but at least what one read brings.
const HELD: u64 = 256 << 10;

/// Has a generation lines to be given out?
pub(super) enum Ahead {
    Held,
    /// Only more of a line that is not finished.
    Unfinished,
    /// Another text was found in it.
    Renewed,
    /// It cannot be read now, for want of something that there may be more of later. Nothing newer may come before.
    Later,
    Nothing,
}

/// What came of reading on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    Lines,
    /// Only more of a line that is not finished.
    Unfinished,
    Nothing,
}

/// What there is to give out of a name.
enum Next {
    /// The lines that the generation at this place has read ahead.
    Lines(usize),
    /// More of a line that is not finished.
    Unfinished,
    /// That is to be looked for: there is another text in one of its files.
    Renewed,
    Nothing,
}

impl<D: Disk> Engine<D> {
    /// Reads on under a name.
    pub(crate) fn read_next(&mut self, index: usize) -> Came {
        loop {
            return match self.next_of(index) {
                Next::Lines(at) => {
                    self.give_out_ahead(index, at);
                    if self.is_drained(index) {
                        self.rest(index);
                    } else {
                        self.take_turns(index);
                    }
                    Came::Lines
                }
                Next::Unfinished => {
                    self.take_turns(index);
                    Came::Unfinished
                }
                Next::Renewed => {
                    self.save_before_looking();
                    // It may have been copied and truncated more than once, and the texts between come before this one.
                    self.forget_listings_before(Instant::now());
                    self.look_at_name(index, None);
                    for generation in &mut self.names[index].generations {
                        generation.is_fresh &= generation.position == 0;
                    }
                    continue;
                }
                Next::Nothing => {
                    self.rest(index);
                    Came::Nothing
                }
            };
        }
    }

    /// Is it known that there is no more to read? Only where no older file has to be asked again.
    fn is_drained(&self, index: usize) -> bool {
        let generations = &self.names[index].generations;
        generations.len() == 1 && generations[0].is_drained && generations[0].ahead.is_none()
    }

    /// Which lines of a name come next. Those of a newer generation come only when all older ones were found
    /// drained *after* they had been read: what the writer put there before it turned to the newer one is there
    /// by then.
    fn next_of(&mut self, index: usize) -> Next {
        let Some(newest) = self.names[index].generations.len().checked_sub(1) else {
            return Next::Nothing;
        };
        match self.read_ahead(index, newest) {
            Ahead::Unfinished => return Next::Unfinished,
            Ahead::Renewed => return Next::Renewed,
            Ahead::Held if self.is_first_of_fresh(index, newest) => return Next::Renewed,
            Ahead::Held | Ahead::Later | Ahead::Nothing => {}
        }
        // The newer before the older: then all that is held of them is given out without asking any of them again.
        for at in self.names[index].may_have_lines(HELD).into_iter().rev() {
            match self.read_ahead(index, at) {
                Ahead::Unfinished => return Next::Unfinished,
                Ahead::Renewed => return Next::Renewed,
                Ahead::Held | Ahead::Later | Ahead::Nothing => {}
            }
            // A few lines of each, in a buffer of its own, would take a hundred times their length.
            let ahead = &mut self.names[index].generations[at].ahead;
            *ahead = ahead.take().map(Block::compact);
        }
        let mut chosen = newest;
        let mut at = 0;
        while at < chosen {
            let generations = &self.names[index].generations;
            if generations[at].is_drained_since(&generations[chosen]) {
                at += 1;
                continue;
            }
            match self.read_ahead(index, at) {
                Ahead::Held => (chosen, at) = (at, 0),
                Ahead::Unfinished => return Next::Unfinished,
                Ahead::Renewed => return Next::Renewed,
                Ahead::Later => return Next::Nothing,
                Ahead::Nothing => at += 1,
            }
        }
        if self.names[index].generations[chosen].ahead.is_none() {
            return Next::Nothing;
        }
        match self.unfinished_before(index, chosen) {
            None => Next::Lines(chosen),
            Some(first) => match self.read_ahead(index, first) {
                Ahead::Held => Next::Lines(first),
                Ahead::Unfinished => Next::Unfinished,
                Ahead::Renewed => Next::Renewed,
                // Its end is waited for, until its file is let go.
                Ahead::Later | Ahead::Nothing => Next::Nothing,
            },
        }
    }

    /// Are these the first lines of a text that came in the place of another, or into a file that has changed since it was
    /// opened? What was copied and truncated before it was read left no trace in the file, and its copy is to be looked for
    /// once more.
    fn is_first_of_fresh(&mut self, index: usize, at: usize) -> bool {
        if self.names[index].generations[at].is_fresh && self.has_nothing_new_beside(index) {
            // Thousands of files may get their first lines at once.
            self.names[index].generations[at].is_fresh = false;
        }
        let name = &mut self.names[index];
        let generation = &mut name.generations[at];
        let is_followed = self.rules.follow || self.saver.is_some();
        if !is_followed || self.rules.by != By::Name {
            generation.is_fresh = false;
        } else if generation.is_fresh && name.renewed.is_none() {
            let facts = generation.file.facts();
            generation.is_fresh = facts.is_ok_and(|facts| {
                facts.modified != generation.modified || !is_past(facts.modified)
            });
        }
        name.look_again |= generation.is_fresh;
        generation.is_fresh
    }

    /// A retired generation whose last line was given out without its end, which must come before any other line
    /// of the name.
    fn unfinished_before(&self, index: usize, chosen: usize) -> Option<usize> {
        let (of, key) = self.outbox.open()?;
        let name = &self.names[index];
        let at = name.place(key).filter(|_| of == index)?;
        let is_retired = at < name.retired() && !name.generations[at].ended;
        (at != chosen && is_retired).then_some(at)
    }

    /// Makes a generation hold its next lines, if it has any.
    pub(super) fn read_ahead(&mut self, index: usize, at: usize) -> Ahead {
        if self.names[index].generations[at].ahead.is_some() {
            return Ahead::Held;
        }
        self.load(index, at);
        self.reads += 1;
        let name = &mut self.names[index];
        name.generations[at].asked = self.reads;
        let chunk = name.generations[at].read(&mut self.framer);
        match chunk {
            Ok(Chunk::Block(block)) => {
                name.generations[at].ahead = Some(block);
                Ahead::Held
            }
            Ok(Chunk::Partial) => Ahead::Unfinished,
            Ok(Chunk::Drained)
                if self.rules.by == By::Name && name.generations[at].has_passed() =>
            {
                name.look_again = true;
                Ahead::Renewed
            }
            Ok(Chunk::Drained) => Ahead::Nothing,
            Ok(Chunk::Renewed(how)) => {
                self.renew(index, at, how);
                Ahead::Renewed
            }
            Ok(Chunk::End) => {
                self.end_stream(index, at);
                match self.names[index].generations[at].ahead {
                    Some(_) => Ahead::Held,
                    None => Ahead::Nothing,
                }
            }
            // It was closed while it was quiet, and has lost its name since.
            Err(error)
                if error.kind() == ErrorKind::NotFound && self.rules.follow && !name.is_settled =>
            {
                self.look_again_later(index);
                Ahead::Nothing
            }
            Err(error) => {
                let is_passing = is_passing(&error) && self.rules.follow;
                name.fail(at, error, &mut self.notify);
                if !is_passing {
                    return Ahead::Nothing;
                }
                self.look_again_later(index);
                Ahead::Later
            }
        }
    }

    /// All writers of a FIFO are gone, and others may come, but not to a pipe, which has no name: what standard
    /// input is. A device that says it is at its end has no more.
    fn end_stream(&mut self, index: usize, at: usize) {
        let tail = self.take_tail(index, at);
        let name = &mut self.names[index];
        let generation = &mut name.generations[at];
        let may_come_again = self.rules.follow && name.path != Path::new(STDIN);
        let again = if generation.kind == Kind::Fifo && may_come_again {
            // Opened again before it is closed, so that what a next writer wrote already is kept.
            let opened = self.disk.open(&name.path);
            opened.ok().filter(|file| {
                let facts = file.facts();
                facts.is_ok_and(|facts| facts.identity == generation.identity)
            })
        } else {
            None
        };
        match again {
            Some(file) => generation.file = Arc::new(file),
            None => generation.ended = true,
        }
        if let Some(tail) = tail {
            // The next writer begins a line of its own.
            generation.ahead = Some(finished(&tail));
        }
    }

    /// Makes the framer hold no unfinished line.
    fn unload(&mut self) {
        if let Some((index, key)) = self.loaded.take()
            && let Some(tail) = self.framer.take_tail()
            && let Some(at) = self.names[index].place(key)
        {
            self.names[index].generations[at].tail = Some(tail.compact());
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

    /// Takes a generation's unfinished line, wherever it is.
    pub(crate) fn take_tail(&mut self, index: usize, at: usize) -> Option<Block> {
        let generation = &mut self.names[index].generations[at];
        generation.held = 0;
        if self.loaded == Some((index, generation.key)) {
            self.loaded = None;
            return self.framer.take_tail();
        }
        generation.tail.take()
    }

    /// Gives out what a generation has read ahead.
    fn give_out_ahead(&mut self, index: usize, at: usize) {
        let name = &mut self.names[index];
        let generation = &mut name.generations[at];
        if let Some(block) = generation.ahead.take() {
            let until = generation.position - generation.held as u64;
            let from = until.saturating_sub(block.len() as u64);
            let whose = (index, generation.key);
            self.outbox.lines(whose, &name.shown, block, from, until);
        }
    }

    /// Gives out the unfinished line of a file that is let go, as a line: its end will not come.
    pub(crate) fn give_out_last(
        &mut self,
        index: usize,
        generation: &mut Generation<D::File>,
        tail: Option<Block>,
    ) {
        if let Some(tail) = tail {
            if generation.is_copy {
                return self.tell_cut(index, &tail);
            }
            let (whose, until) = ((index, generation.key), generation.position);
            let from = until - tail.len() as u64;
            let shown = Arc::clone(&self.names[index].shown);
            self.outbox
                .lines(whose, &shown, finished(&tail), from, until);
        }
    }

    /// A copy ends within a line, whose end was truncated away before anyone read it: that is no line.
    fn tell_cut(&mut self, index: usize, tail: &Block) {
        let shown = Arc::clone(&self.names[index].shown);
        (self.notify)(&Notice::Truncated(shown, tail.len() as u64));
    }

    /// Passes on the unfinished last line of a name when it has been so for as long as it may.
    pub(crate) fn pass_on_partial(&mut self, index: usize, now: Instant) {
        let name = &self.names[index];
        let is_due = |since: Instant| {
            let limit = self.rules.partial_after;
            limit.is_some_and(|limit| now.saturating_duration_since(since) >= limit)
        };
        if name.queued || !name.partial().is_some_and(is_due) {
            return;
        }
        let at = name.generations.len() - 1;
        if self.unfinished_before(index, at).is_some() {
            // It has to wait for the end of another line.
            self.names[index].generations[at].last_data = now;
            return;
        }
        let Some(tail) = self.take_tail(index, at) else {
            return;
        };
        let name = &self.names[index];
        let (key, until) = (name.generations[at].key, name.generations[at].position);
        let from = until - tail.len() as u64;
        let shown = Arc::clone(&name.shown);
        self.outbox.lines((index, key), &shown, tail, from, until);
    }

    /// The end: what was read is given out, the unfinished lines as lines of their own, the last of all as it
    /// is. Of a name that has not been read to its end nothing is given out that comes after the gap. Where a next
    /// run goes on, unfinished lines are left to it.
    pub(crate) fn give_out_the_rest(&mut self) {
        self.unload();
        let keeps_unfinished = self.saver.is_some();
        let mut last: Option<(usize, usize)> = None;
        for index in 0..self.names.len() {
            for at in 0..self.names[index].generations.len() {
                if self.names[index].generations[at].ahead.is_some()
                    && let Some((index, at)) = last.take()
                {
                    self.give_out_tail(index, at, finished);
                }
                self.give_out_ahead(index, at);
                if self.names[index].generations[at].has_more() {
                    break;
                }
                if self.names[index].generations[at].is_copy && !keeps_unfinished {
                    if let Some(tail) = self.take_tail(index, at) {
                        self.tell_cut(index, &tail);
                    }
                } else if self.names[index].generations[at].tail.is_some()
                    && !keeps_unfinished
                    && let Some((index, at)) = last.replace((index, at))
                {
                    self.give_out_tail(index, at, finished);
                }
            }
        }
        if let Some((index, at)) = last {
            self.give_out_tail(index, at, Block::clone);
        }
    }

    fn give_out_tail(&mut self, index: usize, at: usize, shape: fn(&Block) -> Block) {
        if let Some(tail) = self.take_tail(index, at) {
            let name = &self.names[index];
            let generation = &name.generations[at];
            let (whose, until) = ((index, generation.key), generation.position);
            let from = until - tail.len() as u64;
            let shown = Arc::clone(&name.shown);
            self.outbox.lines(whose, &shown, shape(&tail), from, until);
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
        let forgotten = name.forget_ended();
        for generation in &forgotten {
            for heir in self.disown(generation) {
                self.look_soon(heir);
            }
            self.unwatch_file(index, generation.watch);
        }
        let name = &mut self.names[index];
        if !was_caught_up && !name.generations.is_empty() {
            // As tail does: a file that was there at the start is named, even if it is empty.
            let shown = Arc::clone(&name.shown);
            self.outbox.header(index, &shown);
        }
        // Now silence can be counted.
        self.set_alarm(index);
    }
}

/// An unfinished line, with an end.
pub(crate) fn finished(tail: &Block) -> Block {
    let mut line = Gather::new(tail.terminator());
    line.push(tail);
    line.finish_line();
    line.take().unwrap_or_else(|| tail.clone())
}
