//! Which directory entries a path depends on.

use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

/// How many symbolic links a path may go through, as Linux has it (`MAXSYMLINKS`, `path_resolution(7)`).
const LINKS: usize = 40;

/// A directory entry whose change makes a path stand for something else: a symbolic link on the way, or the
/// last name. The directory is free of symbolic links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) directory: PathBuf,
    pub(crate) entry: OsString,
}

impl Hop {
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join(&self.entry)
    }
}

/// The entries that decide what `path` stands for, in the order in which they are met. Where a part is missing
/// the last hop is the missing entry: its appearance is what to wait for.
pub(crate) fn hops(path: &Path) -> io::Result<Vec<Hop>> {
    let mut directory = PathBuf::from("/");
    let mut rest = reversed(&std::path::absolute(path)?);
    let mut hops = Vec::new();
    let mut links = 0;
    while let Some(part) = rest.pop() {
        let entry = match part {
            Part::Root => {
                directory = PathBuf::from("/");
                continue;
            }
            Part::Parent => {
                directory.pop();
                continue;
            }
            Part::Entry(entry) => entry,
        };
        let found = directory.join(&entry);
        let hop = Hop {
            directory: directory.clone(),
            entry,
        };
        match found.symlink_metadata() {
            Ok(meta) if meta.is_symlink() => {
                hops.push(hop);
                links += 1;
                if links > LINKS {
                    // A circle: opening it says so, and any of these entries may break it.
                    break;
                }
                rest.extend(reversed(&found.read_link()?));
            }
            Ok(meta) if meta.is_dir() && !rest.is_empty() => directory = found,
            // The last one, or where the way ends.
            _ => {
                hops.push(hop);
                break;
            }
        }
    }
    Ok(hops)
}

/// A part of a path, as far as finding its way goes.
enum Part {
    Root,
    Parent,
    Entry(OsString),
}

/// The parts of a path, the last first: a stack to pop from.
fn reversed(path: &Path) -> Vec<Part> {
    path.components()
        .rev()
        .filter_map(|component| match component {
            Component::RootDir => Some(Part::Root),
            Component::ParentDir => Some(Part::Parent),
            Component::Normal(entry) => Some(Part::Entry(entry.to_owned())),
            Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn met(root: &Path, path: &str) -> Vec<String> {
        let root = root.canonicalize().expect("a directory");
        let entries = hops(&root.join(path)).expect("resolved");
        entries
            .iter()
            .map(|hop| {
                let path = hop.path();
                let below = path.strip_prefix(&root).expect("below the root");
                below.display().to_string()
            })
            .collect()
    }

    #[test]
    fn every_link_on_the_way_is_a_hop() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("v1")).expect("made");
        fs::write(at("v1/app.log"), "").expect("written");
        // As Kubernetes mounts a volume: the name, through ..data, to the present version.
        symlink("v1", at("..data")).expect("linked");
        symlink("..data/app.log", at("app.log")).expect("linked");
        assert_eq!(
            met(dir.path(), "app.log"),
            ["app.log", "..data", "v1/app.log"]
        );
        assert_eq!(met(dir.path(), "v1/../v1/app.log"), ["v1/app.log"]);
    }

    #[test]
    fn the_last_hop_is_what_is_missing() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(met(dir.path(), "later/x.log"), ["later"]);
        symlink("nowhere", dir.path().join("link")).expect("linked");
        assert_eq!(met(dir.path(), "link"), ["link", "nowhere"]);
    }

    #[test]
    fn a_circle_ends() {
        let dir = tempfile::tempdir().expect("a directory");
        symlink("b", dir.path().join("a")).expect("linked");
        symlink("a", dir.path().join("b")).expect("linked");
        assert_eq!(met(dir.path(), "a").len(), LINKS + 1);
    }
}
