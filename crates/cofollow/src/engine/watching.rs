//! Watching: what a look depends on, and when to look where that cannot be watched.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use super::Engine;
use crate::Notice;
use crate::direct::FileWatch;
use crate::disk::{Disk, Readable};
use crate::notice::Detail;
use crate::resolve::{Hop, hops};

/// A path may change while its directories are being watched; it is resolved again at most this often.
const SETTLES_AFTER: usize = 8;

impl<D: Disk> Engine<D> {
    /// Watches the directories the name goes through now, and no longer those it went through, which it tells.
    pub(crate) fn rewatch(&mut self, index: usize) -> Vec<Hop> {
        let before = self.names[index].hops.clone();
        for _ in 0..SETTLES_AFTER {
            let found = hops(&self.disk, &self.names[index].path);
            let is_settled = found == self.names[index].hops;
            let mut failure = None;
            if let Some(watch) = &mut self.watch {
                // Set again even if they are the same: a directory may have been replaced under its path.
                for hop in &found {
                    failure = watch.watch_hop(hop, index).err().or(failure);
                }
                for hop in &self.names[index].hops {
                    watch.unwatch_hop(hop, index);
                }
            }
            self.names[index].hops = found;
            match failure {
                // A directory went while it was being watched.
                Some(error) if error.kind() == io::ErrorKind::NotFound => {}
                Some(error) if is_settled => {
                    self.poll(index, &costage::reason(&error));
                    return before;
                }
                None if is_settled && self.is_silent(index) => {
                    self.poll(index, "its file system does not tell changes");
                    return before;
                }
                None if is_settled => {
                    let name = &mut self.names[index];
                    name.is_polled = false;
                    name.look_at = None;
                    return before;
                }
                _ => {}
            }
        }
        self.look_later(index);
        before
    }

    /// Is its directory in a file system that does not tell of changes, though it can be watched?
    fn is_silent(&self, index: usize) -> bool {
        let name = &self.names[index];
        let last = name.hops.last().filter(|_| self.rules.follow);
        last.is_some_and(|last| !self.disk.tells_changes_in(&last.directory))
    }

    pub(crate) fn unwatch_hops(&mut self, index: usize) {
        for hop in std::mem::take(&mut self.names[index].hops) {
            if let Some(watch) = &mut self.watch {
                watch.unwatch_hop(&hop, index);
            }
        }
    }

    /// The system does not tell when it changes.
    pub(super) fn poll(&mut self, index: usize, why: &str) {
        let name = &mut self.names[index];
        name.is_polled = true;
        if !std::mem::replace(&mut name.said_polled, true) {
            let polled = Detail::Polled(Arc::clone(&name.shown), why.into());
            (self.notify)(&Notice::Detail(polled));
        }
        self.look_later(index);
    }

    pub(crate) fn look_later(&mut self, index: usize) {
        self.names[index].look_at = self.rules.next_poll();
        self.set_alarm(index);
    }

    /// Something was met while reading that a look has to see to.
    pub(crate) fn look_soon(&mut self, index: usize) {
        self.names[index].look_at = Some(Instant::now());
        self.set_alarm(index);
    }

    /// Watches the files of a name, and sees to those that are polled.
    pub(super) fn watch_files(&mut self, index: usize) {
        let mut generations = self.names[index].generations.iter();
        if self.names[index].is_polled || generations.any(|file| !file.tells_changes()) {
            self.look_later(index);
        }
        for at in 0..self.names[index].generations.len() {
            let name = &mut self.names[index];
            if name.is_nameless(at) {
                // It could not be opened again.
                let _ = name.generations[at].file.descriptor();
            }
            let generation = &name.generations[at];
            // A stream is waited for itself.
            if generation.ended || generation.kind.is_stream() {
                continue;
            }
            let is_watched = generation.watch.is_some();
            let Some(watch) = &mut self.watch else {
                return;
            };
            let directory = name.directory_of(at);
            if directory.is_some_and(|directory| watch.watch_with_others(&name.path, directory)) {
                // It had its own before there were so many.
                let own = name.generations[at].watch.take();
                self.unwatch_file(index, own);
                continue;
            }
            if is_watched {
                continue;
            }
            // What is out of reach may come within it again.
            if !generation.file.is_within_reach() {
                continue;
            }
            match watch.watch_file(&*generation.file, index) {
                Ok(watch) => name.generations[at].watch = Some(watch),
                // There may be no /proc.
                Err(_) if directory.is_some_and(|at| watch.watch_files_in(at).is_ok()) => {}
                Err(error) => self.poll(index, &costage::reason(&error)),
            }
        }
    }

    pub(crate) fn unwatch_file(&mut self, index: usize, file: Option<FileWatch>) {
        if let Some(file) = file
            && let Some(watch) = &mut self.watch
        {
            watch.unwatch_file(file, index);
        }
    }
}
