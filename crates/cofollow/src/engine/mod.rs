//! What follows: which files there are, what is ready to be read of them, and in which order it is given out.

mod copies;
mod globbing;
mod letting_go;
mod lookalikes;
mod looking;
mod missed;
mod owners;
mod reading;
mod resuming;
mod siblings;
mod unseen;
mod watching;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use costage::{Block, FileId, Framer, Framing, Interest, Pulled, Result, Wait, Waits};

use crate::disk::{Disk, Readable};
use crate::globs::Glob;
use crate::identity::{Identity, Text};
use crate::name::Name;
use crate::notice::Detail;
use crate::outbox::{Outbox, Whose};
use crate::passing::Account;
use crate::state::State;
use crate::state_file::StateFile;
use crate::watch::{Changes, Watch};
use crate::{By, Notice, Start};

pub(crate) use siblings::is_passing;

use lookalikes::Lookalikes;
use missed::LookedInto;
use owners::Owners;
use reading::Came;
use resuming::Saver;
use siblings::Listing;

/// A file that was let go, and how far it had been read: should it get a name back it goes on there.
pub(crate) struct Past {
    position: u64,
    marks: crate::marks::Marks,
}

impl Past {
    fn text(&self) -> Text {
        Text {
            position: self.position,
            fingerprint: self.marks.fingerprint(),
        }
    }
}

/// So many files that were let go are remembered.
const REMEMBERED: usize = 1024;

/// What does not change while it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) by: By,
    pub(crate) retry: bool,
    pub(crate) follow: bool,
    pub(crate) terminator: u8,
    pub(crate) poll: Duration,
    pub(crate) partial_after: Option<Duration>,
    pub(crate) output: Option<FileId>,
    pub(crate) messages: Option<FileId>,
}

impl Rules {
    /// When what cannot be watched is looked at next; beyond what a clock can count it is not.
    fn next_poll(&self) -> Option<Instant> {
        Instant::now().checked_add(self.poll)
    }
}

/// Follows files by name: looks, reads, and holds what is ready to be given out.
pub(crate) struct Engine<D: Disk> {
    /// None where all looks are asked for: at the end of files that are not followed, and in tests. It is
    /// dropped first, for the kernel takes its time to close it.
    watch: Option<Watch>,
    disk: D,
    rules: Rules,
    names: Vec<Name<D::File>>,
    /// Their places by their paths; of one that was given twice the first.
    paths: HashMap<PathBuf, usize>,
    owners: Owners,
    /// The free places in `names`, the one freed first in front.
    free: VecDeque<usize>,
    globs: Vec<Glob>,
    /// When to look at the patterns again, if they cannot be watched.
    globs_at: Option<Instant>,
    notify: Box<dyn FnMut(&Notice) + Send>,
    framer: Framer,
    /// Whose unfinished line the framer holds.
    loaded: Option<Whose>,
    /// Names that may have something to read; the first is being read.
    ready: VecDeque<usize>,
    outbox: Outbox,
    /// Does the chain take more?
    has_room: bool,
    /// Names with something to do at a certain time.
    alarms: BTreeSet<(Instant, usize)>,
    next_key: u64,
    /// How often a generation has been read.
    reads: u64,
    /// What directories hold, as far as it was asked in this round of looking.
    listings: HashMap<PathBuf, Listing>,
    /// A directory is there and could not be listed.
    is_blind: bool,
    /// Names whose present file is a stream, and what is waited for now.
    streams: BTreeSet<usize>,
    stream_waits: Vec<(usize, Wait)>,
    /// Files that were let go.
    past: HashMap<Identity, Past>,
    /// What matches a pattern and is, or looks like, the copy of a text that is followed.
    lookalikes: Lookalikes,
    looked_into: LookedInto,
    saver: Option<Saver>,
    said_none_left: bool,
    is_last_look: bool,
}

impl<D: Disk> Engine<D> {
    pub(crate) fn new(
        disk: D,
        rules: Rules,
        outbox: Outbox,
        watch: Option<Watch>,
        notify: Box<dyn FnMut(&Notice) + Send>,
    ) -> Engine<D> {
        Engine {
            watch,
            disk,
            rules,
            names: Vec::new(),
            paths: HashMap::new(),
            owners: Owners::default(),
            free: VecDeque::new(),
            globs: Vec::new(),
            globs_at: None,
            notify,
            framer: Framer::new(rules.terminator, Framing::Lines),
            loaded: None,
            ready: VecDeque::new(),
            outbox,
            has_room: true,
            alarms: BTreeSet::new(),
            next_key: 0,
            reads: 0,
            listings: HashMap::new(),
            is_blind: false,
            streams: BTreeSet::new(),
            stream_waits: Vec::new(),
            past: HashMap::new(),
            lookalikes: Lookalikes::default(),
            looked_into: LookedInto::default(),
            saver: None,
            said_none_left: false,
            is_last_look: false,
        }
    }

    /// Looks at all names for the first time: from `start`, or from where a saved state says.
    pub(crate) fn begin(&mut self, start: Start, resume: Option<(StateFile, State)>) -> Result<()> {
        if let Some((file, state)) = resume {
            self.saver = Some(Saver::new(file, state));
        }
        // All before the first is looked at: whose each file is has to be known when files are met that had a name unseen.
        let typed = 0..self.names.len();
        let is_new: Vec<bool> = typed.map(|index| !self.take_up_saved(index)).collect();
        let patterns = 0..self.globs.len();
        let are_new: Vec<bool> = patterns.map(|at| !self.take_up_matches(at)).collect();
        for index in 0..self.names.len() {
            // Those that match a pattern, which come behind, have been taken up.
            let is_new = is_new.get(index).is_some_and(|is_new| *is_new);
            self.look_at_name(index, is_new.then_some(start));
        }
        for (at, are_new) in are_new.into_iter().enumerate() {
            self.look_at_glob(at, are_new.then_some(start));
        }
        for index in 0..self.names.len() {
            let mut generations = self.names[index].generations.iter();
            // Where many are in a directory the first were watched before the others were known.
            if generations.any(|generation| generation.watch.is_some()) {
                self.watch_files(index);
            }
        }
        for name in &mut self.names {
            // What was there before has no events to come.
            name.account = Account::default();
        }
        // Before the first line is given out: it is not to be found again at another start.
        self.save()
    }

    /// Adds a name, without looking at it yet.
    pub(crate) fn add_name(&mut self, path: &Path, shown: impl AsRef<OsStr>) -> usize {
        let name = Name::new(path, shown.as_ref().into());
        // One that matched a pattern once and is gone leaves its place, when it is in no queue any more.
        let free = self.free.front().copied();
        let index = if let Some(free) = free.filter(|&free| !self.names[free].queued) {
            self.free.pop_front();
            self.names[free] = name;
            free
        } else {
            self.names.push(name);
            self.names.len() - 1
        };
        self.paths.entry(path.to_owned()).or_insert(index);
        index
    }

    /// Has every name had a file, and could all of it be read?
    pub(crate) fn all_were_read(&self) -> bool {
        let mut names = self.names.iter().filter(|name| !name.is_free);
        let has_any = self.globs.iter().all(|glob| glob.has_matched);
        has_any && names.all(Name::is_well_read) && !self.said_none_left
    }

    pub(crate) fn waits(&mut self, waits: &mut Waits, room: bool) {
        self.settle();
        let had_room = std::mem::replace(&mut self.has_room, room);
        if had_room && !room {
            self.look_at_doubted();
        }
        if let Some(watch) = &mut self.watch {
            watch.waits(waits);
        }
        let alarm = self.alarms.first().map(|(alarm, _)| *alarm);
        for due in alarm.into_iter().chain(self.globs_at) {
            waits.until(due);
        }
        if let Some(saver) = &self.saver
            && let Some(due) = saver.due()
        {
            waits.until(due);
        }
        self.stream_waits.clear();
        if !room {
            return;
        }
        if !self.is_at_rest() || self.is_over() {
            waits.now();
        }
        for &index in &self.streams {
            let generations = self.names[index].generations.iter();
            for generation in generations.filter(|generation| generation.is_stream()) {
                if let Some(descriptor) = generation.file.descriptor() {
                    let wait = waits.add(descriptor, Interest::Read);
                    self.stream_waits.push((index, wait));
                }
            }
        }
    }

    /// New files are opened, and retired ones held, even while the chain takes nothing: a name may be renamed
    /// many times before the reader of the output comes back.
    pub(crate) fn look(&mut self, waits: &Waits) {
        self.listings.clear();
        for (index, wait) in std::mem::take(&mut self.stream_waits) {
            if waits.is_ready(wait) {
                self.queue(index);
            }
        }
        if let Some(watch) = &mut self.watch {
            let changes = watch.take(waits);
            self.look_at(changes);
        }
        // The clock is not read for each line.
        if self.globs_at.is_some() || !self.alarms.is_empty() {
            let now = Instant::now();
            self.keep_time(now);
            self.poll_globs(now);
        }
        self.save_in_time();
    }

    /// Looks at what has changed.
    fn look_at(&mut self, changes: Changes) {
        let is_of_globs = !changes.globs.is_empty() || !changes.entries.is_empty();
        if !changes.names.is_empty() || is_of_globs || changes.all {
            self.save_before_looking();
        }
        if changes.all {
            (self.notify)(&Notice::Detail(Detail::Rescan));
            self.look_at_all();
        }
        for &index in &changes.names {
            self.save_in_time();
            self.names[index].lose_watches(&changes.unwatched);
            self.look_at_name(index, None);
        }
        self.note_missed(&changes);
        for &index in changes.data.difference(&changes.names) {
            self.look_at_data(index);
        }
        // After the names: a file that has only lost its name for one that matches too is known by then.
        for (at, entries) in &changes.entries {
            if !changes.globs.contains(at) {
                self.look_at_entries(*at, entries);
            }
        }
        for at in changes.globs {
            self.look_at_glob(at, None);
        }
    }

    /// Looks at every name and pattern.
    pub(crate) fn look_at_all(&mut self) {
        self.listings.clear();
        for index in 0..self.names.len() {
            self.save_in_time();
            if !self.names[index].is_free {
                self.look_at_name(index, None);
            }
        }
        for at in 0..self.globs.len() {
            self.look_at_glob(at, None);
        }
    }

    /// Looks at all before the end: nothing is put off any more.
    pub(crate) fn look_at_last(&mut self) {
        self.is_last_look = true;
        self.look_at_all();
        self.is_last_look = false;
    }

    pub(crate) fn pull(&mut self) -> Pulled {
        loop {
            if let Some(block) = self.outbox.pop() {
                // No more is given out while what was written before is to be saved, however long reading took.
                self.save_in_time();
                return Pulled::Block(block);
            }
            let Some(&index) = self.ready.front() else {
                if !self.is_over() {
                    return Pulled::Wait;
                }
                if self.rules.follow && !std::mem::replace(&mut self.said_none_left, true) {
                    (self.notify)(&Notice::NoneLeft);
                }
                return Pulled::End;
            };
            if self.read_next(index) == Came::Unfinished {
                return Pulled::Partial;
            }
        }
    }

    /// Has all been given out that has been seen to be there?
    pub(crate) fn is_at_rest(&self) -> bool {
        self.outbox.is_empty() && self.ready.is_empty()
    }

    /// Is all done: printed, if it is not followed, and otherwise nothing left to follow?
    fn is_over(&self) -> bool {
        let is_given_up = |name: &Name<D::File>| name.is_settled && name.generations.is_empty();
        let is_done = || self.globs.is_empty() && self.names.iter().all(is_given_up);
        self.is_at_rest() && (!self.rules.follow || is_done())
    }

    /// The end: all that was read, and unless it is to be read again, what is unfinished.
    pub(crate) fn stop(&mut self) -> Option<Block> {
        if self.saver.is_none() {
            self.read_what_was_put_off();
        }
        self.settle_accounts();
        self.give_out_the_rest();
        self.save_at_the_stop();
        self.outbox.take()
    }

    /// Does what is due.
    pub(crate) fn keep_time(&mut self, now: Instant) {
        while let Some(&(alarm, index)) = self.alarms.first()
            && alarm <= now
        {
            self.save_in_time();
            self.alarms.pop_first();
            self.names[index].alarm = None;
            if self.names[index].look_at.is_some_and(|at| at <= now) {
                self.names[index].look_at = None;
                self.look_at_name(index, None);
            }
            self.account_for(index, now);
            self.let_go(index, now);
            self.pass_on_partial(index, now);
            self.set_alarm(index);
        }
    }

    /// Sets a name's alarm to what is due for it next.
    fn set_alarm(&mut self, index: usize) {
        let name = &mut self.names[index];
        let due = name.due(self.rules.partial_after);
        if due == name.alarm {
            return;
        }
        if let Some(alarm) = std::mem::replace(&mut name.alarm, due) {
            self.alarms.remove(&(alarm, index));
        }
        if let Some(due) = due {
            self.alarms.insert((due, index));
        }
    }

    /// A name may have something to read.
    fn queue(&mut self, index: usize) {
        if !std::mem::replace(&mut self.names[index].queued, true) {
            self.ready.push_back(index);
        }
        self.set_alarm(index);
    }

    fn new_key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }
}
