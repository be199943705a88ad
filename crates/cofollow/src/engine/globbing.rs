//! Globs: names that come and go as files do.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf, absolute};
use std::time::Instant;

use costage::{Call, Error};
use rustix::io::Errno;

use super::Engine;
use super::copies::Copied;
use crate::disk::{Disk, Kind};
use crate::globs::Glob;
use crate::identity::Identity;
use crate::notice::Detail;
use crate::resolve::hops;
use crate::{Notice, Start};

impl<D: Disk> Engine<D> {
    /// Follows all that matches a pattern, now and later.
    pub(crate) fn add_glob(&mut self, pattern: &str) {
        self.globs.push(Glob::new(pattern));
    }

    /// Looks what matches a pattern, and follows what is new: from `start` on, or from its beginning.
    pub(crate) fn look_at_glob(&mut self, at: usize, start: Option<Start>) {
        // What was truncated has to be known before a copy of it is met.
        self.look_at_doubted();
        self.watch_glob(at);
        let matches = self.globs[at].matches();
        self.follow_matches(at, matches, start);
        let glob = &mut self.globs[at];
        if !glob.has_matched && !std::mem::replace(&mut glob.said_missing, true) {
            let missing = io::Error::from_raw_os_error(Errno::NOENT.raw_os_error());
            let error = Error::io(Call::Open, glob.typed(), missing);
            (self.notify)(&Notice::Unreadable(error));
        }
    }

    /// Looks what matches of the entries that changed: at the cost of these, not of all, where that can be.
    pub(crate) fn look_at_entries(&mut self, at: usize, changed: &BTreeSet<PathBuf>) {
        let matches = changed.iter().map(|path| self.globs[at].matches_at(path));
        let Some(matches) = matches.collect::<Option<Vec<_>>>() else {
            return self.look_at_glob(at, None);
        };
        self.look_at_doubted();
        self.follow_matches(at, matches.into_iter().flatten().collect(), None);
    }

    /// Adds the name of what matches a pattern, without looking at it yet.
    pub(super) fn add_match(&mut self, path: &Path) -> usize {
        let index = self.add_name(path, path);
        self.names[index].is_matched = true;
        index
    }

    /// Follows those of the paths that are not followed yet.
    fn follow_matches(&mut self, at: usize, matches: Vec<PathBuf>, start: Option<Start>) {
        for path in matches {
            // What it writes itself is not to be read: there would be no end of it.
            if self.is_state(&path) {
                continue;
            }
            if self.paths.contains_key(&path) {
                self.globs[at].has_matched = true;
                continue;
            }
            match self.disk.facts(&path) {
                // A directory matches along with what is in it, and is not meant.
                Ok(facts) if facts.kind == Kind::Directory => continue,
                Ok(facts) if self.is_own(facts.identity) => {
                    if self.globs[at].left_out.insert(path.clone()) {
                        let left_out = Detail::LeftOut(path.as_os_str().into());
                        (self.notify)(&Notice::Detail(left_out));
                    }
                    continue;
                }
                _ => {}
            }
            self.globs[at].has_matched = true;
            if start.is_none() && self.copied(&path) != Copied::No {
                continue;
            }
            let index = self.add_match(&path);
            let is_saved = self.take_up_saved(index);
            self.look_at_name(index, start.filter(|_| !is_saved));
        }
    }

    /// Is it what this run writes to?
    pub(super) fn is_own(&self, identity: Identity) -> bool {
        let file = Some(identity.file());
        [self.rules.output, self.rules.messages, self.state_file()].contains(&file)
    }

    /// Watches the directories whose entries decide what matches; where that fails they are looked at from time to
    /// time.
    fn watch_glob(&mut self, at: usize) {
        let base = self.globs[at].base();
        let hops = hops(&self.disk, &base);
        // The paths in events are absolute.
        let levels = self.globs[at].levels().into_iter();
        let levels: BTreeSet<PathBuf> = levels.filter_map(|level| absolute(level).ok()).collect();
        let mut failed = false;
        if let Some(watch) = &mut self.watch {
            for hop in &hops {
                failed |= watch.watch_way(hop, at).is_err();
            }
            for hop in &self.globs[at].hops {
                watch.unwatch_way(hop, at);
            }
            for directory in &levels {
                failed |= watch.watch_entries(directory, at).is_err();
            }
            for directory in &self.globs[at].directories {
                watch.unwatch_entries(directory, at);
            }
        }
        let glob = &mut self.globs[at];
        glob.hops = hops;
        glob.directories = levels;
        // Where the system does not tell of changes a watch is set all the same.
        failed |= glob
            .directories
            .iter()
            .any(|level| !self.disk.tells_changes_in(level));
        if failed && self.rules.follow {
            self.globs_at = self.globs_at.or_else(|| self.rules.next_poll());
        }
    }

    /// Looks at the patterns that cannot be watched, when it is time.
    pub(crate) fn poll_globs(&mut self, now: Instant) {
        if self.globs_at.is_some_and(|at| at <= now) {
            self.globs_at = None;
            for at in 0..self.globs.len() {
                self.look_at_glob(at, None);
            }
        }
    }

    /// The end has come to what was put off because it may be a copy, and nobody knows that it is: all of it is found,
    /// and read as far as one read goes.
    pub(crate) fn read_what_was_put_off(&mut self) {
        // Whatever is put off is to be looked at again.
        if self.globs_at.is_none() {
            return;
        }
        let before = self.next_key;
        self.look_at_last();
        for index in 0..self.names.len() {
            for at in 0..self.names[index].generations.len() {
                if self.names[index].generations[at].key > before {
                    self.read_ahead(index, at);
                }
            }
        }
    }

    /// A name that matched a pattern is forgotten when nothing is left of it; it may match again.
    pub(crate) fn forget_gone(&mut self, index: usize) {
        let name = &self.names[index];
        let is_gone = name.is_matched && !name.present && name.generations.is_empty();
        if is_gone && name.elsewhere.is_none() && self.disk.entry(&name.path).is_err() {
            self.unwatch_hops(index);
            self.streams.remove(&index);
            let name = &mut self.names[index];
            let was_free = std::mem::replace(&mut name.is_free, true);
            name.is_settled = true;
            name.siblings = Vec::new();
            name.texts.clear();
            name.look_at = None;
            if !was_free {
                self.paths.remove(&name.path);
                self.free.push_back(index);
                self.outbox.forget(index);
                self.looked_into.forget(index);
            }
            self.set_alarm(index);
        }
    }
}
