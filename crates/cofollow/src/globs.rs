//! Patterns that stand for all the files that match them, now and later.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

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
    has_wildcard(text)
        && Pattern::new(&from_shell(text)).is_ok()
        && Path::new(name).symlink_metadata().is_err()
}

/// A pattern in the words of `glob`: there `[^b]` is one of the two, and `**` no pattern if something stands beside it.
fn from_shell(text: &str) -> String {
    let parts = text.split('/').map(|part| match part {
        // Any number of directories.
        "**" => part.to_owned(),
        part => part_from_shell(part),
    });
    parts.collect::<Vec<_>>().join("/")
}

fn part_from_shell(mut rest: &str) -> String {
    let mut part = String::new();
    while let Some(at) = rest.find(['*', '[']) {
        part += &rest[..at];
        rest = &rest[at..];
        if rest.starts_with('*') {
            part.push('*');
            rest = rest.trim_start_matches('*');
            continue;
        }
        let (others, members) = match rest[1..].strip_prefix(['!', '^']) {
            Some(members) => ("!", members),
            None => ("", &rest[1..]),
        };
        // As the first of the characters `]` is one of them.
        let behind = members.char_indices().skip(1).find(|(_, c)| *c == ']');
        let Some((end, _)) = behind else {
            break;
        };
        part = part + "[" + others + &members[..=end];
        rest = &members[end + 1..];
    }
    part + rest
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// A pattern that is followed.
pub(crate) struct Glob {
    /// As it was typed.
    typed: String,
    pattern: String,
    /// The way to the first directory in which it is looked for.
    pub(crate) hops: Vec<Hop>,
    /// The directories whose entries decide what matches.
    pub(crate) directories: BTreeSet<PathBuf>,
    /// Has anything matched?
    pub(crate) has_matched: bool,
    /// It has been said that nothing matches.
    pub(crate) said_missing: bool,
    /// What is written by who follows it, as it was said to match.
    pub(crate) left_out: BTreeSet<PathBuf>,
}

impl Glob {
    pub(crate) fn new(typed: &str) -> Glob {
        Glob {
            typed: typed.to_owned(),
            pattern: from_shell(typed),
            hops: Vec::new(),
            directories: BTreeSet::new(),
            has_matched: false,
            said_missing: false,
            left_out: BTreeSet::new(),
        }
    }

    /// The pattern as it was typed.
    pub(crate) fn typed(&self) -> &str {
        &self.typed
    }

    /// Does a path match, whether anything has it or not?
    pub(crate) fn fits(&self, path: &Path) -> bool {
        Shape::new(&self.pattern).is_some_and(|shape| shape.fits(path))
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

    /// What matches of the entry that changed, if that is to be told from the entry alone: where the pattern is
    /// looked for in one directory.
    pub(crate) fn matches_at(&self, changed: &Path) -> Option<Vec<PathBuf>> {
        let path = Path::new(&self.pattern);
        let above = path.parent().and_then(Path::to_str)?;
        if has_wildcard(above) || self.pattern.contains("**") || self.pattern.ends_with('/') {
            return None;
        }
        // What is not UTF-8 matches nothing.
        let Some(entry) = changed.file_name().and_then(OsStr::to_str) else {
            return Some(Vec::new());
        };
        let path = path.with_file_name(Pattern::escape(entry));
        let mut matches = path.to_str().map_or(Vec::new(), matches_of);
        matches.retain(|path| self.fits(path));
        Some(matches)
    }

    /// What matches now, directories too.
    pub(crate) fn matches(&self) -> Vec<PathBuf> {
        matches_of(&self.pattern)
    }
}

/// What cannot be read has no entries that match.
fn matches_of(pattern: &str) -> Vec<PathBuf> {
    // Where it is to look for dots `glob` 0.3.4 panics at names that are not UTF-8.
    let with_dots = MatchOptions {
        require_literal_leading_dot: false,
        ..AS_A_SHELL
    };
    let (paths, shape) = (glob::glob_with(pattern, with_dots), Shape::new(pattern));
    let (Ok(paths), Some(shape)) = (paths, shape) else {
        return Vec::new();
    };
    paths
        .filter_map(Result::ok)
        .filter(|path| shape.fits(path))
        .collect()
}

/// A pattern for whole paths, whether anything has them or not.
struct Shape(Pattern);

impl Shape {
    fn new(pattern: &str) -> Option<Shape> {
        let pattern = plain(Path::new(pattern));
        Pattern::new(pattern.to_str()?).ok().map(Shape)
    }

    fn fits(&self, path: &Path) -> bool {
        self.0.matches_path_with(&plain(path), AS_A_SHELL)
    }
}

/// A path without the parts that lead nowhere, such as those of `./log//x`.
fn plain(path: &Path) -> PathBuf {
    let parts = path.components();
    parts.filter(|part| *part != Component::CurDir).collect()
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
    fn an_entry_matches_as_it_does_among_all() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |path: &str| dir.path().join(path);
        std::fs::create_dir(at("sub")).expect("made");
        let names = ["a.log", ".b.log", "c.txt", "[d].log", "e*.log", "sub"];
        for name in &names[..5] {
            std::fs::write(at(name), "").expect("written");
        }
        for end in [
            "*.log",
            ".*",
            "/./*.log",
            "*",
            "[!a]*",
            "sub/../*.log",
            "none*",
        ] {
            let glob = Glob::new(&format!("{}/{end}", dir.path().display()));
            let alone = |name: &&str| glob.matches_at(&at(name)).expect("one directory");
            let mut alone: Vec<PathBuf> = names.iter().flat_map(alone).collect();
            alone.sort_unstable();
            let mut all = glob.matches();
            all.retain(|path| {
                path.file_name()
                    .is_some_and(|name| names.iter().any(|n| name == *n))
            });
            all.sort_unstable();
            assert_eq!(alone, all, "{end}");
        }
        for end in ["*/x", "**", "*/"] {
            let glob = Glob::new(&format!("{}/{end}", dir.path().display()));
            assert_eq!(glob.matches_at(&at("a.log")), None, "{end}");
        }
    }

    #[test]
    fn patterns_are_those_of_a_shell() {
        for (typed, expected) in [
            ("a[^b]c", "a[!b]c"),
            ("[^^]", "[!^]"),
            ("[!^]", "[!^]"),
            ("[b^]", "[b^]"),
            ("[[^b]", "[[^b]"),
            ("[]^b][^]b]", "[]^b][!]b]"),
            ("[^ß]*/[^b]", "[!ß]*/[!b]"),
            ("[*][[]**[?]", "[*][[]*[?]"),
            ("**/a**b/***/x", "**/a*b/*/x"),
            ("a[^", "a[^"),
            ("a[^]", "a[^]"),
            ("a/", "a/"),
            ("/**", "/**"),
        ] {
            assert_eq!(from_shell(typed), expected, "{typed}");
        }
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
