//! Whom a change of a path concerns.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::path::{Path, PathBuf};

/// Which names depend on a path, or on another key, and in how many ways: a name may go through a directory more
/// than once.
#[derive(Debug)]
pub(crate) struct Routes<K = PathBuf>(HashMap<K, BTreeMap<usize, usize>>);

impl<K> Default for Routes<K> {
    fn default() -> Routes<K> {
        Routes(HashMap::new())
    }
}

impl<K: Eq + Hash> Routes<K> {
    pub(crate) fn add(&mut self, key: K, name: usize) {
        *self.0.entry(key).or_default().entry(name).or_default() += 1;
    }

    pub(crate) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q, name: usize)
    where
        K: Borrow<Q>,
    {
        let Some(names) = self.0.get_mut(key) else {
            return;
        };
        if let Some(uses) = names.get_mut(&name) {
            *uses -= 1;
            if *uses == 0 {
                names.remove(&name);
            }
        }
        if names.is_empty() {
            self.0.remove(key);
        }
    }

    /// The names that depend on `key`, if any do.
    pub(crate) fn of<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<impl Iterator<Item = usize>>
    where
        K: Borrow<Q>,
    {
        self.0.get(key).map(|names| names.keys().copied())
    }

    /// Nothing depends on `key` any more. The names that did, if any.
    #[cfg(target_os = "linux")]
    pub(crate) fn forget(&mut self, key: &K) -> Option<impl Iterator<Item = usize> + use<K>> {
        self.0.remove(key).map(BTreeMap::into_keys)
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.keys()
    }

    #[cfg(any(target_os = "linux", test))]
    pub(crate) fn is_used<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.0.contains_key(key)
    }
}

impl Routes {
    /// The names that depend on a path or on what is below it, some more than once.
    pub(crate) fn below(&self, above: &Path) -> impl Iterator<Item = usize> {
        let below = self
            .0
            .iter()
            .filter(move |(path, _)| path.starts_with(above));
        below.flat_map(|(_, names)| names.keys().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_a_name_until_its_last_use_is_gone() {
        let names = |routes: &Routes| {
            routes
                .of(Path::new("/dir"))
                .map(Iterator::collect::<Vec<_>>)
        };
        let mut routes = Routes::default();
        let dir = Path::new("/dir");
        for name in [2, 1, 1] {
            routes.add(dir.into(), name);
        }
        assert_eq!(names(&routes), Some(vec![1, 2]));
        routes.remove(dir, 1);
        assert_eq!(names(&routes), Some(vec![1, 2]));
        routes.remove(dir, 1);
        assert_eq!(names(&routes), Some(vec![2]));
        // One use too few is no reason to forget another's.
        routes.remove(dir, 1);
        assert_eq!(names(&routes), Some(vec![2]));
        routes.remove(dir, 2);
        assert!(!routes.is_used(dir));
    }
}
