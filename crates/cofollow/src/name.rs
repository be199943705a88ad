//! One name that is followed, and the files it stands and stood for.

use std::collections::VecDeque;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use costage::{Call, Error};

use crate::Notice;
use crate::generation::{Generation, Identity};
use crate::resolve::Hop;

/// A retired file is let go when its writer has been silent for this long.
const SILENCE: Duration = Duration::from_secs(10);

/// One name, as it was typed.
pub(crate) struct Name {
    pub(crate) path: PathBuf,
    /// The same for messages and headers.
    pub(crate) shown: Arc<str>,
    /// What its meaning depends on, as it was last resolved and is watched.
    pub(crate) hops: Vec<Hop>,
    /// Oldest first.
    pub(crate) generations: VecDeque<Generation>,
    /// Is the last generation what the name stands for?
    present: bool,
    /// It has been said that there is no file.
    said_missing: bool,
    /// It has been said that it cannot be watched.
    pub(crate) said_polled: bool,
    /// Has it ever had a file?
    was_read: bool,
    /// Reading one failed.
    failed: bool,
    /// Has the present file other names? Who writes by one of those is not seen by this one's directory.
    has_links: bool,
    /// Is it in the queue of those to read?
    pub(crate) queued: bool,
    /// Has all been read that was there at the start, and how much was that?
    pub(crate) caught_up: bool,
    pub(crate) start_length: u64,
    /// Watching failed: when to look next.
    pub(crate) look_at: Option<Instant>,
}

/// What a look at a name found.
pub(crate) enum Found {
    /// What was known.
    Same,
    /// The name stands for this file, which is new; it is not yet among the generations.
    New(std::fs::File, Metadata),
    /// Nothing that can be followed.
    Nothing,
}

impl Name {
    pub(crate) fn new(path: &Path) -> Name {
        Name {
            path: path.to_owned(),
            shown: path.display().to_string().into(),
            hops: Vec::new(),
            generations: VecDeque::new(),
            present: false,
            said_missing: false,
            said_polled: false,
            was_read: false,
            failed: false,
            has_links: false,
            queued: false,
            caught_up: false,
            start_length: 0,
            look_at: None,
        }
    }

    /// Looks what the name stands for now.
    pub(crate) fn look(&mut self, notify: &mut dyn FnMut(&Notice)) -> Found {
        let meta = self.path.metadata();
        self.has_links = meta.as_ref().is_ok_and(|meta| meta.nlink() > 1);
        match meta {
            Ok(meta) if self.is_present(&meta) => return Found::Same,
            Ok(meta) if self.come_back(&meta) => return Found::Same,
            _ => {}
        }
        match Generation::open(&self.path) {
            // Swapped between the two calls, back to what was known.
            Ok((_, meta)) if self.is_present(&meta) => Found::Same,
            Ok((file, meta)) => {
                if self.present {
                    notify(&Notice::Replaced(Arc::clone(&self.shown)));
                } else if self.said_missing {
                    notify(&Notice::Appeared(Arc::clone(&self.shown)));
                }
                self.retire();
                Found::New(file, meta)
            }
            Err(error) => {
                self.miss(error, notify);
                Found::Nothing
            }
        }
    }

    fn is_present(&self, meta: &Metadata) -> bool {
        self.present
            && self
                .generations
                .back()
                .is_some_and(|last| last.identity == Identity::of(meta))
    }

    /// A retired file that has its name back goes on where it was.
    fn come_back(&mut self, meta: &Metadata) -> bool {
        let identity = Identity::of(meta);
        let known = self
            .generations
            .iter()
            .position(|generation| generation.identity == identity);
        let Some(generation) = known.and_then(|index| self.generations.remove(index)) else {
            return false;
        };
        self.retire();
        self.generations.push_back(generation);
        self.has_file();
        true
    }

    fn miss(&mut self, error: io::Error, notify: &mut dyn FnMut(&Notice)) {
        let is_gone = error.kind() == io::ErrorKind::NotFound;
        if self.present && is_gone {
            notify(&Notice::Gone(Arc::clone(&self.shown)));
        } else if self.present || !self.said_missing {
            let error = Error::io(Call::Open, Arc::clone(&self.shown), error);
            notify(&Notice::Unreadable(error));
        }
        self.retire();
        self.said_missing = true;
    }

    fn retire(&mut self) {
        if self.present
            && let Some(last) = self.generations.back_mut()
        {
            last.last_data = Instant::now();
        }
        self.present = false;
    }

    /// The name stands for this file now.
    pub(crate) fn add(&mut self, generation: Generation) {
        self.generations.push_back(generation);
        self.has_file();
    }

    fn has_file(&mut self) {
        self.present = true;
        self.said_missing = false;
        self.was_read = true;
    }

    /// How many generations are retired.
    pub(crate) fn retired(&self) -> usize {
        self.generations.len() - usize::from(self.present)
    }

    /// Has this one to be watched itself? A retired file has no name by which its directory could tell of it.
    pub(crate) fn needs_watch(&self, at: usize) -> bool {
        at < self.retired() || self.has_links
    }

    /// Has it had a file, and could all of it be read?
    pub(crate) fn is_well_read(&self) -> bool {
        self.was_read && !self.failed
    }

    /// One of its files cannot be read: it stays, for a read may succeed when something was appended.
    pub(crate) fn fail(&mut self, at: usize, error: io::Error, notify: &mut dyn FnMut(&Notice)) {
        self.failed = true;
        if !std::mem::replace(&mut self.generations[at].said_unreadable, true) {
            let error = Error::io(Call::Read, Arc::clone(&self.shown), error);
            notify(&Notice::Unreadable(error));
        }
    }

    /// The place of a generation, if it is still there.
    pub(crate) fn place(&self, key: u64) -> Option<usize> {
        self.generations
            .iter()
            .position(|generation| generation.key == key)
    }

    /// When there is something to do: a retired generation is to be let go if its writer stays silent, or what
    /// cannot be watched is to be looked at.
    pub(crate) fn due(&self) -> Option<Instant> {
        // While it waits to be read nothing is let go.
        let retired = if self.queued { 0 } else { self.retired() };
        let let_go = self
            .generations
            .iter()
            .take(retired)
            .map(|generation| generation.last_data + SILENCE);
        let_go.chain(self.look_at).min()
    }

    /// A retired generation whose writer has been silent for long enough.
    pub(crate) fn silent(&self, now: Instant) -> Option<usize> {
        self.generations
            .iter()
            .take(self.retired())
            .position(|generation| generation.last_data + SILENCE <= now)
    }
}
