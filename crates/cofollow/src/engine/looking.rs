//! Looking: what a name stands for, and what has become of the files it stood for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use costage::Block;

use super::Engine;
use super::copies::{Copied, Searched};
use super::siblings::a_tick_ago;
use crate::disk::{Disk, Facts, Readable};
use crate::generation::{Generation, Renewed};
use crate::identity::Identity;
use crate::name::Found;
use crate::notice::Detail;
use crate::{By, Notice, Start};

/// A log to which something was written so lately is being written to.
const HOT: Duration = Duration::from_millis(100);

impl<D: Disk> Engine<D> {
    /// Looks what a name stands for, and puts it among those to be read. At the start, a file found now is read
    /// from `start`; later, from its beginning.
    pub(crate) fn look_at_name(&mut self, index: usize, start: Option<Start>) {
        if self.names[index].is_settled {
            self.watch_files(index);
            return self.look_at_data(index);
        }
        if let Some(identity) = self.names[index].elsewhere
            && !self.is_anothers(index, identity)
        {
            self.names[index].elsewhere = None;
        }
        let before = self.rewatch(index);
        let copied = self.pattern_of_copy(index, start);
        if copied != Copied::No {
            return self.leave_to_other(index, copied);
        }
        let is_first = start.is_some();
        let mut was_there = None;
        if is_first && self.rules.by == By::Name {
            // Before it is looked at: what is put aside from now on is not to be taken for what was there.
            was_there = self.disk.facts(&self.names[index].path).ok();
            self.names[index].followed_since = Some(a_tick_ago());
            self.note_siblings(index);
        }
        let (output, state) = (self.rules.output, self.state_file());
        let found = self.names[index].look(&self.disk, output, state, &mut self.notify);
        self.note_targets(index, &found);
        if matches!(found, Found::New(..)) && self.has_links(index) {
            // They may have been swapped since they were resolved, and what was opened is the end of what came in between.
            self.rewatch(index);
            self.note_earlier_targets(index, &before);
        }
        let is_change = !matches!(found, Found::Same);
        match found {
            // Nothing of it is to come twice.
            Found::New(_, facts) if !is_first && self.is_anothers(index, facts.identity) => {
                self.names[index].elsewhere = Some(facts.identity);
                self.owners.add_heir(facts.identity, index);
            }
            Found::New(file, facts) => {
                // It may have been made since it was asked for.
                let copied = self.pattern_of_copy(index, start);
                if copied != Copied::No {
                    return self.leave_to_other(index, copied);
                }
                self.add_file(index, file, &facts, start);
            }
            Found::Same => {}
            Found::Unknown if self.rules.retry && self.rules.follow => self.look_later(index),
            Found::Nothing | Found::Unknown => self.give_up(index),
        }
        // First, for what was truncated has to be known before a copy of it is met.
        self.renew_all(index);
        if self.rules.by == By::Name {
            if is_first {
                let name = &mut self.names[index];
                let was_there = was_there.map(|facts| facts.identity);
                let present = name.present().map(|present| present.identity);
                if present.is_some() && present != was_there {
                    name.siblings.extend(was_there);
                }
            } else if is_change || std::mem::take(&mut self.names[index].look_again) {
                self.names[index].look_again = is_change;
                self.find_unseen(index, &before);
            }
        }
        self.watch_files(index);
        self.queue(index);
        self.forget_gone(index);
    }

    /// Is this a pattern's name for a text that comes under another?
    fn pattern_of_copy(&mut self, index: usize, start: Option<Start>) -> Copied {
        if start.is_some() || !self.names[index].is_matched {
            return Copied::No;
        }
        let path = self.names[index].path.clone();
        self.copied(&path)
    }

    fn leave_to_other(&mut self, index: usize, copied: Copied) {
        if copied == Copied::Perhaps {
            self.look_later(index);
        }
        self.note_targets(index, &Found::Same);
        self.names[index].retire();
        self.watch_files(index);
        self.queue(index);
    }

    /// Something may have been written under this name.
    pub(crate) fn look_at_data(&mut self, index: usize) {
        let name = &mut self.names[index];
        if self.has_room {
            // It is read at once, and most of the time that tells.
            for generation in &mut name.generations {
                generation.doubt();
            }
        } else if self.renew_all(index) {
            self.names[index].look_again = true;
        }
        if self.names[index].look_again && !self.names[index].is_settled {
            return self.look_at_name(index, None);
        }
        self.queue(index);
    }

    /// The chain takes nothing more, and what is queued may have to wait for long: what has happened to it is looked
    /// at now.
    pub(crate) fn look_at_doubted(&mut self) {
        for at in 0..self.ready.len() {
            let index = self.ready[at];
            let mut generations = self.names[index].generations.iter();
            if generations.any(|generation| generation.is_doubted) && self.renew_all(index) {
                // There may be more than one copy, and no event to come.
                self.look_soon(index);
            }
        }
    }

    /// Looks whether there is another text in one of its files.
    pub(super) fn renew_all(&mut self, index: usize) -> bool {
        let mut is_renewed = false;
        let mut at = 0;
        while at < self.names[index].generations.len() {
            let before = self.names[index].generations.len();
            if let Some(how) = self.names[index].generations[at].renewed() {
                self.renew(index, at, how);
                is_renewed = true;
            }
            // Behind the new one, if the old one is still there.
            at += 1 + self.names[index].generations.len() - before;
        }
        is_renewed
    }

    /// The name stands for a file that is new to it.
    fn add_file(&mut self, index: usize, file: D::File, facts: &Facts, start: Option<Start>) {
        let key = self.new_key();
        let file = Arc::new(file);
        self.let_in(facts.identity);
        let past = self.past.remove(&facts.identity);
        let past = past.filter(|past| past.marks.are_in(&*file, past.position).unwrap_or(false));
        let past = past.map(|past| past.position);
        let past = past.or_else(|| self.names[index].was_away(facts.identity, &*file));
        let position = match (start, past) {
            _ if facts.kind.is_stream() => Ok(0),
            (_, Some(position)) => Ok(position),
            (Some(start), None) => self.disk.skip_to(&file, start, self.rules.terminator),
            (None, None) => Ok(0),
        };
        let from = *position.as_ref().unwrap_or(&facts.length);
        let generation = Generation::new(key, Arc::clone(&file), facts, from);
        let tells_changes = generation.tells_changes();
        self.mark_unsaved();
        self.owners.add(&generation, index);
        let name = &mut self.names[index];
        name.add(generation);
        if start.is_some() {
            name.start_length = facts.length;
        }
        if facts.kind.is_stream() {
            self.streams.insert(index);
        }
        if let Err(error) = position {
            name.fail(name.generations.len() - 1, error, &mut self.notify);
        }
        name.is_settled = self.rules.by == By::Descriptor;
        let shown = Arc::clone(&name.shown);
        if name.is_settled {
            // Whatever becomes of its name.
            self.unwatch_hops(index);
        }
        if self.rules.follow && !tells_changes {
            self.poll(index, "its file system does not tell changes");
        }
        (self.notify)(&Notice::Detail(Detail::Opened(shown, from)));
    }

    /// Is the file read to its end as one that had another name?
    fn is_anothers(&mut self, index: usize, identity: Identity) -> bool {
        let owners = self.owners.of(identity);
        for other in owners.into_iter().filter(|&other| other != index) {
            let owns = |generation: &Generation<D::File>| {
                generation.identity == identity && !generation.ended
            };
            if !self.names[other].generations.iter().any(owns) {
                continue;
            }
            if self.names[other].present().is_some_and(owns) {
                // Perhaps it has lost that name, which has not been seen yet.
                self.look_at_name(other, None);
            }
            let name = &self.names[other];
            if name.generations.iter().take(name.retired()).any(owns) {
                return true;
            }
        }
        false
    }

    /// There is no file. Is it waited for?
    pub(super) fn give_up(&mut self, index: usize) {
        // What it stood for is still read, and until that is let go it may come back.
        let is_all = self.names[index].generations.is_empty();
        if is_all && !(self.rules.retry && self.rules.follow) {
            self.names[index].is_settled = true;
            self.names[index].look_at = None;
            self.unwatch_hops(index);
        }
    }

    /// There is another text in a file: what was read of it is one generation, and what is there now another.
    pub(crate) fn renew(&mut self, index: usize, at: usize, how: Renewed) {
        let tail = self.take_tail(index, at);
        self.mark_unsaved();
        if self.names[index].generations[at].is_copy {
            return self.end_copy(index, at, tail, how);
        }
        let key = self.new_key();
        let searched = self.find_copy(index, at);
        let is_outgrown = matches!(searched, Searched::Outgrown);
        let copy = match searched {
            Searched::Found(file, facts) => Some((file, facts)),
            Searched::Outgrown | Searched::Nothing => None,
        };
        if let Some((_, copied)) = &copy {
            self.end_doubt(copied.identity, index);
        }
        let name = &mut self.names[index];
        name.renewed = Some(Instant::now());
        let shown = Arc::clone(&name.shown);
        let old = &mut name.generations[at];
        let Ok(facts) = old.file.facts() else {
            // It is out of reach: there is no new text either.
            old.ended = true;
            return;
        };
        let mut new = Generation::new(key, Arc::clone(&old.file), &facts, 0);
        new.watch = old.watch.take();
        // Before the old one may go on in another file: this one is not nobody's in between.
        self.owners.add(&new, index);
        // Was it being written to? Nothing tells what came between the copy and the truncation.
        let is_cut = copy.as_ref().map_or(is_outgrown, |(_, copied)| {
            let is_behind = copied.length > old.position;
            is_behind || facts.length > 0 || old.last_data.elapsed() < HOT
        });
        let lost = if let Some((copy, copied)) = copy {
            (self.notify)(&Notice::Detail(Detail::Copied(Arc::clone(&shown))));
            let lost = old.lost_behind(copied.length, how);
            old.held = tail.as_ref().map_or(0, |tail| tail.len());
            old.tail = tail;
            self.owners.remove(old);
            old.go_on_in(copy, &copied);
            self.owners.add(old, index);
            lost
        } else {
            // An unfinished line whose end is lost is no line.
            let lost = old.lost_behind(0, how) + tail.map_or(0, |tail| tail.len() as u64);
            old.ended = true;
            lost
        };
        let is_over = old.ended && old.ahead.is_none();
        name.generations.insert(at + 1, new);
        let is_present = name.present && at + 2 == name.generations.len();
        if is_over && let Some(old) = name.generations.remove(at) {
            self.owners.remove(&old);
        }
        // It may have been copied and truncated more than once.
        name.look_again |= is_present;
        (self.notify)(&match how {
            _ if is_cut && lost == 0 => Notice::Cut(shown),
            Renewed::Truncated => Notice::Truncated(shown, lost),
            Renewed::Rewritten => Notice::Rewritten(shown, lost),
        });
    }

    /// The copy in which a truncated text was read is overwritten: by that of a later text, which is known.
    fn end_copy(&mut self, index: usize, at: usize, tail: Option<Block>, how: Renewed) {
        let name = &mut self.names[index];
        let copy = &mut name.generations[at];
        copy.ended = true;
        let lost = copy.lost_behind(0, how) + tail.map_or(0, |tail| tail.len() as u64);
        if lost > 0 {
            (self.notify)(&Notice::Truncated(Arc::clone(&name.shown), lost));
        }
    }
}
