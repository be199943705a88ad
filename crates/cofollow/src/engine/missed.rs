//! Files that had a name and are gone before anyone looked: events tell of them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ffi::OsStr;
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::Engine;
use crate::disk::{Disk, Readable};
use crate::name::Found;
use crate::passing::REMEMBERED;
use crate::resolve::Target;
use crate::series::{by_numbers, is_like};
use crate::watch::Changes;
use crate::{By, Notice};

/// Through which targets of its links each name has been looked at; those of late, of names that have links.
#[derive(Debug, Default)]
pub(super) struct LookedInto(HashMap<usize, VecDeque<PathBuf>>);

impl LookedInto {
    fn add(&mut self, name: usize, target: PathBuf) {
        let targets = self.0.entry(name).or_default();
        if !targets.contains(&target) {
            if targets.len() == REMEMBERED {
                targets.pop_front();
            }
            targets.push_back(target);
        }
    }

    fn has(&self, name: usize, target: &Path) -> bool {
        let targets = self.0.get(&name).into_iter().flatten();
        targets.into_iter().any(|known| known == target)
    }

    /// Has the link that leads to this target led to one with a lower number before?
    pub(super) fn goes_up(&self, name: usize, target: &Path) -> bool {
        let Some(present) = target.file_name() else {
            return false;
        };
        let known = self.0.get(&name).into_iter().flatten();
        let beside = known.filter(|known| known.parent() == target.parent());
        let mut earlier = beside.filter_map(|known| known.file_name());
        earlier.any(|one| is_like(one, present) && by_numbers(one, present).is_lt())
    }

    /// The name with this number is another from now on.
    pub(super) fn forget(&mut self, name: usize) {
        self.0.remove(&name);
    }
}

impl<D: Disk> Engine<D> {
    /// Takes in what came and went since the last look; of links' targets it is told at once.
    pub(super) fn note_missed(&mut self, changes: &Changes) {
        for (&index, &came) in &changes.came {
            self.names[index].account.note(came);
            self.set_alarm(index);
        }
        let mut missed: BTreeMap<usize, usize> = BTreeMap::new();
        for passed in &changes.passed {
            let index = passed.name;
            let is_swapped = self.targets(index).any(|now| passed.is_before(&now.path));
            if is_swapped && !self.looked_into.has(index, &passed.path) {
                *missed.entry(index).or_default() += 1;
            }
        }
        for (index, count) in missed {
            self.tell_missed(index, count);
        }
    }

    fn tell_missed(&mut self, index: usize, count: usize) {
        if count > 0 && self.rules.by == By::Name {
            let shown = Arc::clone(&self.names[index].shown);
            (self.notify)(&Notice::Missed(shown, count));
        }
    }

    /// Tells of the files that are known to have come and gone, when it is time to.
    pub(super) fn account_for(&mut self, index: usize, now: Instant) {
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if is_due(self.names[index].account.settles_at()) {
            self.settle_account(index);
        }
        if is_due(self.names[index].account.looks_at()) {
            self.tell_left(index);
        }
    }

    /// Tells of the files of which it is known already, for there is no later.
    pub(super) fn settle_accounts(&mut self) {
        for index in 0..self.names.len() {
            if self.names[index].account.settles_at().is_some() {
                self.settle_account(index);
            }
        }
    }

    fn settle_account(&mut self, index: usize) {
        // With others, what left a name may be read under any of them.
        let has_others = self.names.len() > 1 || !self.globs.is_empty();
        let name = &mut self.names[index];
        let is_known = name.present || name.elsewhere.is_some();
        let count = name.account.settle(is_known);
        let has_links = name.hops.iter().any(|hop| hop.target.is_some());
        if has_links || has_others {
            name.account.excuse();
        }
        // A link that comes and goes may lead to the same file each time.
        if !has_links {
            self.tell_missed(index, count);
        }
    }

    /// Looks once more for files that left a name before anyone looked, and tells of those that are nowhere beside it.
    fn tell_left(&mut self, index: usize) {
        self.names[index].look_again = true;
        self.look_at_name(index, None);
        let name = &mut self.names[index];
        // It may have got the name back by another that it has.
        let has_links = name.generations.iter().any(|generation| {
            let facts = generation.file.facts();
            facts.is_ok_and(|facts| facts.links > 1)
        });
        // What could not be opened, or listed, may be what left.
        if has_links || name.look_again {
            name.account.excuse();
        }
        let count = name.account.take_left();
        self.tell_missed(index, count);
    }

    /// Notes through which targets of its links a name has been looked at. They may have been swapped since the links
    /// were followed: what was opened knows best.
    pub(super) fn note_targets(&mut self, index: usize, found: &Found<D::File>) {
        let targets: Vec<Target> = self.targets(index).cloned().collect();
        let opened = match found {
            Found::New(file, _) if !targets.is_empty() => path_of(file),
            _ => None,
        };
        for target in targets {
            let through = opened.as_ref().and_then(|path| through(&target, path));
            self.looked_into.add(index, through.unwrap_or(target.path));
        }
    }

    /// A file was found by this path, which a name may have led to.
    pub(super) fn note_found(&mut self, index: usize, path: &Path) {
        let targets = self.targets(index);
        let targets: Vec<PathBuf> = targets.filter_map(|to| through(to, path)).collect();
        for target in targets {
            self.looked_into.add(index, target);
        }
    }

    /// Does a name go through symbolic links?
    pub(super) fn has_links(&self, index: usize) -> bool {
        self.targets(index).next().is_some()
    }

    fn targets(&self, index: usize) -> impl Iterator<Item = &Target> {
        let hops = self.names[index].hops.iter();
        hops.filter_map(|hop| hop.target.as_ref())
    }
}

/// What stands on the way of a path where a target of a link does.
fn through(target: &Target, path: &Path) -> Option<PathBuf> {
    let directory = target.path.parent()?;
    let entry = path.strip_prefix(directory).ok()?.components().next()?;
    Some(directory.join(entry))
}

/// By which path a file was opened, where the system knows it.
fn path_of(file: &impl Readable) -> Option<PathBuf> {
    let known = |descriptor: std::os::fd::BorrowedFd<'_>| {
        fs::read_link(format!("/proc/self/fd/{}", descriptor.as_raw_fd()))
    };
    let path = file.lend(known).ok()?;
    // As Linux tells of one that has lost its name.
    let bytes = path.as_os_str().as_bytes();
    let named = bytes.strip_suffix(b" (deleted)").unwrap_or(bytes);
    Some(OsStr::from_bytes(named).into())
}
