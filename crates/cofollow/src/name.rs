//! One name that is followed, and the files it stands and stood for.

use std::collections::VecDeque;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use costage::{Block, Call, Error, Result};

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
    pub(crate) was_read: bool,
    /// A chunk of the newest generation, read ahead of the last of the older ones.
    pub(crate) ahead: Option<Block>,
    /// Is it in the queue of those to read?
    pub(crate) queued: bool,
    /// Has all been read that was there at the start?
    pub(crate) caught_up: bool,
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
            ahead: None,
            queued: false,
            caught_up: false,
            look_at: None,
        }
    }

    /// Looks what the name stands for now.
    pub(crate) fn look(&mut self, notify: &mut dyn FnMut(&Notice)) -> Found {
        match self.path.metadata() {
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

    /// If the present file became shorter: its key.
    pub(crate) fn truncated(&mut self) -> Result<Option<u64>> {
        if !self.present {
            return Ok(None);
        }
        let Some(last) = self.generations.back_mut() else {
            return Ok(None);
        };
        match last.was_truncated() {
            Ok(truncated) => Ok(truncated.then_some(last.key)),
            Err(error) => Err(Error::io(Call::Read, Arc::clone(&self.shown), error)),
        }
    }

    /// When there is something to do: a retired generation is to be let go if its writer stays silent, or what
    /// cannot be watched is to be looked at.
    pub(crate) fn due(&self) -> Option<Instant> {
        let let_go = self
            .generations
            .iter()
            .take(self.retired())
            .map(|generation| generation.last_data + SILENCE);
        let_go.chain(self.look_at).min()
    }

    /// Takes out a retired generation whose writer has been silent for long enough.
    pub(crate) fn let_go(&mut self, now: Instant) -> Option<Generation> {
        let retired = self.retired();
        let silent = self
            .generations
            .iter()
            .take(retired)
            .position(|generation| generation.last_data + SILENCE <= now)?;
        self.generations.remove(silent)
    }
}
