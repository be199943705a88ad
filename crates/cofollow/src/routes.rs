//! Whom a change of a path concerns.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// Which names depend on a path, and in how many ways: a name may go through a directory more than once.
#[derive(Debug, Default)]
pub(crate) struct Routes(HashMap<PathBuf, BTreeMap<usize, usize>>);

impl Routes {
    pub(crate) fn add(&mut self, path: PathBuf, name: usize) {
        *self.0.entry(path).or_default().entry(name).or_default() += 1;
    }

    pub(crate) fn remove(&mut self, path: &Path, name: usize) {
        let Some(names) = self.0.get_mut(path) else {
            return;
        };
        if let Some(uses) = names.get_mut(&name) {
            *uses -= 1;
            if *uses == 0 {
                names.remove(&name);
            }
        }
        if names.is_empty() {
            self.0.remove(path);
        }
    }

    /// The names that depend on `path`, if any do.
    pub(crate) fn of(&self, path: &Path) -> Option<impl Iterator<Item = usize>> {
        self.0.get(path).map(|names| names.keys().copied())
    }

    pub(crate) fn is_used(&self, path: &Path) -> bool {
        self.0.contains_key(path)
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
