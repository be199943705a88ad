//! Which names have which files: a look-up, however many names there are.

use std::collections::{BTreeMap, BTreeSet};

use crate::generation::Generation;
use crate::identity::Identity;

/// Of each file that is followed, whose it is.
///
/// A generation of a name is here from when it is put among those of the name until it leaves them, by the file in
/// which it is read then.
#[derive(Debug, Default)]
pub(super) struct Owners {
    /// The places of names, by their generations' files and keys: one file may have had several texts.
    generations: BTreeMap<(Identity, u64), usize>,
    /// Names that stand for a file which is read under another name. One that has got a file of its own since may
    /// still be here.
    heirs: BTreeSet<(Identity, usize)>,
}

impl Owners {
    /// A generation is one of a name's.
    pub(super) fn add<F>(&mut self, generation: &Generation<F>, name: usize) {
        let key = (generation.identity, generation.key);
        self.generations.insert(key, name);
    }

    /// It is not any more. To whom does the file fall, if it is nobody's now?
    pub(super) fn remove<F>(&mut self, generation: &Generation<F>) -> Vec<usize> {
        let identity = generation.identity;
        self.generations.remove(&(identity, generation.key));
        if self.has(identity) {
            Vec::new()
        } else {
            self.take_heirs(identity)
        }
    }

    /// Is the file anyone's?
    pub(super) fn has(&self, identity: Identity) -> bool {
        self.keys_of(identity).next().is_some()
    }

    /// The names whose file it is.
    pub(super) fn of(&self, identity: Identity) -> BTreeSet<usize> {
        self.keys_of(identity).map(|(_, &name)| name).collect()
    }

    fn keys_of(&self, identity: Identity) -> impl Iterator<Item = (&(Identity, u64), &usize)> {
        self.generations
            .range((identity, u64::MIN)..=(identity, u64::MAX))
    }

    /// A name stands for a file that is another's. It is to be looked at when that one lets it go.
    pub(super) fn add_heir(&mut self, identity: Identity, name: usize) {
        self.heirs.insert((identity, name));
    }

    fn take_heirs(&mut self, identity: Identity) -> Vec<usize> {
        let all = (identity, usize::MIN)..=(identity, usize::MAX);
        let heirs: Vec<usize> = self.heirs.range(all).map(|(_, heir)| *heir).collect();
        for &heir in &heirs {
            self.heirs.remove(&(identity, heir));
        }
        heirs
    }

    /// All of it, to be compared with what the names have.
    #[cfg(test)]
    pub(super) fn entries(&self) -> impl Iterator<Item = (Identity, u64, usize)> {
        let generations = self.generations.iter();
        generations.map(|(&(identity, key), &name)| (identity, key, name))
    }

    #[cfg(test)]
    pub(super) fn has_heir(&self, identity: Identity, name: usize) -> bool {
        self.heirs.contains(&(identity, name))
    }
}
