//! Files that look like copies of texts that are followed, as long as they are there.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::disk::Facts;
use crate::identity::Identity;

/// So many are kept before it is asked which of them are gone.
const FEW: usize = 64;

/// What is known of them: a log that is copied and truncated for months leaves many.
#[derive(Debug)]
pub(super) struct Lookalikes {
    files: HashMap<Identity, Lookalike>,
    /// When there are so many it is asked which are gone: again when there are twice as many as were left, so that
    /// each costs as much as if it was asked for once.
    limit: usize,
}

#[derive(Debug)]
struct Lookalike {
    /// Where it was last seen.
    path: PathBuf,
    /// None, if it is known to be a copy.
    doubt: Option<Doubt>,
}

/// Since when a file has looked like a copy.
#[derive(Debug)]
pub(super) struct Doubt {
    pub(super) since: Instant,
    /// How long it was when it was last seen, and since when.
    length: u64,
    grown: Instant,
    /// The name under which it has been told that it is held.
    pub(super) told: Option<Arc<OsStr>>,
}

impl Default for Lookalikes {
    fn default() -> Lookalikes {
        Lookalikes {
            files: HashMap::new(),
            limit: FEW,
        }
    }
}

impl Lookalikes {
    pub(super) fn is_copy(&self, identity: Identity) -> bool {
        let known = self.files.get(&identity);
        known.is_some_and(|known| known.doubt.is_none())
    }

    /// What is in doubt of a file; none, if nothing is.
    pub(super) fn doubt(&self, identity: Identity) -> Option<&Doubt> {
        self.files.get(&identity)?.doubt.as_ref()
    }

    pub(super) fn doubt_mut(&mut self, identity: Identity) -> Option<&mut Doubt> {
        self.files.get_mut(&identity)?.doubt.as_mut()
    }

    /// A file, perhaps a known one, is seen under this path.
    pub(super) fn see(&mut self, identity: Identity, path: &Path) {
        if let Some(known) = self.files.get_mut(&identity)
            && known.path != path
        {
            path.clone_into(&mut known.path);
        }
    }

    /// A file looks like a copy; it is not known to be one. Since when has it not grown?
    pub(super) fn note_doubt(&mut self, facts: &Facts, path: &Path) -> Instant {
        let now = Instant::now();
        let new = || Lookalike {
            path: path.to_owned(),
            doubt: None,
        };
        let known = self.files.entry(facts.identity).or_insert_with(new);
        let doubt = known.doubt.get_or_insert(Doubt {
            since: now,
            length: facts.length,
            grown: now,
            told: None,
        });
        if doubt.length != facts.length {
            (doubt.length, doubt.grown) = (facts.length, now);
        }
        doubt.grown
    }

    /// It is a copy. Under which name has it been told that it is held?
    pub(super) fn prove(&mut self, identity: Identity) -> Option<Arc<OsStr>> {
        self.files.get_mut(&identity)?.doubt.take()?.told
    }

    /// It is none: it is followed. Under which name has it been told that it is held?
    pub(super) fn clear(&mut self, identity: Identity) -> Option<Arc<OsStr>> {
        self.files.remove(&identity)?.doubt?.told
    }

    /// Lets those go that are not there any more, if they have become many.
    pub(super) fn forget_gone(&mut self, is_there: impl Fn(Identity, &Path) -> bool) {
        if self.files.len() >= self.limit {
            self.files
                .retain(|&identity, known| is_there(identity, &known.path));
            self.limit = FEW.max(2 * self.files.len());
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }
}
