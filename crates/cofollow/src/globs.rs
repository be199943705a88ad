//! Patterns that stand for all the files that match them, now and later.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use crate::resolve::Hop;

/// As a shell has it: `*` goes not beyond a `/`, nor does it stand for a dot at the beginning of a name.
const AS_A_SHELL: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Is it a pattern for file names, and no name of a file? An existing name beats a pattern.
///
/// ```
/// use cofollow::is_glob;
/// assert!(is_glob("log/*.log"));
/// assert!(!is_glob("access.log"));
/// ```
pub fn is_glob(name: impl AsRef<OsStr>) -> bool {
    let name = name.as_ref();
    let Some(text) = name.to_str() else {
        return false;
    };
    has_wildcard(text) && Pattern::new(text).is_ok() && Path::new(name).symlink_metadata().is_err()
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// A pattern that is followed.
pub(crate) struct Glob {
    pattern: String,
    /// The way to the first directory in which it is looked for.
    pub(crate) hops: Vec<Hop>,
    /// The directories whose entries decide what matches.
    pub(crate) directories: BTreeSet<PathBuf>,
    /// It has been said that nothing matches.
    pub(crate) said_missing: bool,
}

impl Glob {
    pub(crate) fn new(pattern: &str) -> Glob {
        Glob {
            pattern: pattern.to_owned(),
            hops: Vec::new(),
            directories: BTreeSet::new(),
            said_missing: false,
        }
    }

    pub(crate) fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Does a path match, whether anything has it or not?
    pub(crate) fn fits(&self, path: &Path) -> bool {
        Pattern::new(&self.pattern).is_ok_and(|pattern| pattern.matches_path_with(path, AS_A_SHELL))
    }

    /// The first directory in which it is looked for.
    pub(crate) fn base(&self) -> PathBuf {
        let mut base = PathBuf::new();
        for part in Path::new(&self.pattern).components() {
            let part = part.as_os_str();
            if part.to_str().is_none_or(has_wildcard) {
                break;
            }
            base.push(part);
        }
        if base.as_os_str().is_empty() {
            base.push(".");
        }
        base
    }

    /// The directories whose entries decide what matches, as they are now.
    pub(crate) fn levels(&self) -> BTreeSet<PathBuf> {
        let mut levels = BTreeSet::from([self.base()]);
        let mut prefix = PathBuf::new();
        let parts: Vec<_> = Path::new(&self.pattern).components().collect();
        // The last part is looked for in what the others match.
        for part in &parts[..parts.len().saturating_sub(1)] {
            prefix.push(part);
            if prefix.to_str().is_some_and(has_wildcard) {
                let matches = prefix.to_str().map(matches_of).unwrap_or_default();
                levels.extend(matches.into_iter().filter(|path| path.is_dir()));
            }
        }
        levels
    }

    /// What matches now, directories too.
    pub(crate) fn matches(&self) -> Vec<PathBuf> {
        matches_of(&self.pattern)
    }
}

/// What cannot be read has no entries that match.
fn matches_of(pattern: &str) -> Vec<PathBuf> {
    let paths = glob::glob_with(pattern, AS_A_SHELL);
    paths.map_or(Vec::new(), |paths| paths.filter_map(Result::ok).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directories_that_decide_are_those_of_each_level() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |path: &str| dir.path().join(path);
        for sub in ["a/log", "b/log", "c"] {
            std::fs::create_dir_all(at(sub)).expect("made");
        }
        std::fs::write(at("a/log/x.log"), "").expect("written");
        let pattern = at("*/log/*.log").display().to_string();
        let glob = Glob::new(&pattern);
        assert_eq!(glob.base(), dir.path());
        let expected = [at(""), at("a"), at("a/log"), at("b"), at("b/log"), at("c")];
        let levels: BTreeSet<PathBuf> = glob.levels();
        assert_eq!(
            levels,
            expected
                .iter()
                .map(|path| path.components().collect())
                .collect()
        );
        assert_eq!(glob.matches(), [at("a/log/x.log")]);
    }

    #[test]
    fn an_existing_name_beats_a_pattern() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("[x].log");
        assert!(is_glob(&path));
        std::fs::write(&path, "").expect("written");
        assert!(!is_glob(&path));
        assert!(!is_glob("[x"), "no pattern");
    }
}
