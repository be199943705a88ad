//! Which directory entries a path depends on.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use crate::disk::{Disk, Entry};

/// How many symbolic links a path may go through, as Linux has it (`MAXSYMLINKS`, `path_resolution(7)`).
const LINKS: usize = 40;

/// A directory entry whose change makes a path stand for something else: a symbolic link on the way, or the
/// last name. The directory is free of symbolic links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) directory: PathBuf,
    pub(crate) entry: OsString,
    /// Of a symbolic link: where it leads.
    pub(crate) target: Option<Target>,
}

/// Where a symbolic link on the way of a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    /// What of the path comes behind it.
    pub(crate) rest: PathBuf,
}

impl Hop {
    /// The entry of a directory, unless it is the root.
    fn to(directory: &Path) -> Option<Hop> {
        Some(Hop {
            entry: directory.file_name()?.to_owned(),
            directory: directory.parent()?.to_owned(),
            target: None,
        })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join(&self.entry)
    }
}

/// The entries that decide what `path` stands for, in the order in which they are met. Where a part is missing
/// the last hop is the missing entry: its appearance is what to wait for. The one before it is then the way to
/// its directory, which may go too: as long as anyone has a deleted file of it open, inotify does not tell the
/// watch of a directory that it was removed. None, if the path can never stand for anything: it is empty, or
/// relative to a directory that is gone.
pub(crate) fn hops(disk: &impl Disk, path: &Path) -> Vec<Hop> {
    let Ok(path) = std::path::absolute(path) else {
        return Vec::new();
    };
    let mut directory = PathBuf::from("/");
    let mut rest = reversed(&path);
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
        let mut hop = Hop {
            directory: directory.clone(),
            entry,
            target: None,
        };
        match disk.entry(&found) {
            Ok(Entry::Link(target)) => {
                hop.target = Some(Target {
                    path: directory.join(&target),
                    rest: remaining(&rest),
                });
                hops.push(hop);
                links += 1;
                if links > LINKS {
                    // A circle: opening it says so, and any of these entries may break it.
                    break;
                }
                rest.extend(reversed(&target));
            }
            Ok(Entry::Directory) if !rest.is_empty() => directory = found,
            // The last one, or where the way ends.
            found => {
                let is_missing = found.is_err_and(|error| error.kind() == ErrorKind::NotFound);
                hops.extend(Hop::to(&directory).filter(|_| is_missing));
                hops.push(hop);
                break;
            }
        }
    }
    // Kept for each of ten thousand files.
    hops.shrink_to_fit();
    hops
}

/// A part of a path, as far as finding its way goes.
enum Part {
    Root,
    Parent,
    Entry(OsString),
}

/// The path that is left of a stack of parts.
fn remaining(parts: &[Part]) -> PathBuf {
    let parts = parts.iter().rev().map(|part| match part {
        Part::Root => OsStr::new("/"),
        Part::Parent => OsStr::new(".."),
        Part::Entry(entry) => entry,
    });
    parts.collect()
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
    use crate::disk::Os;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn met(root: &Path, path: &str) -> Vec<String> {
        let root = root.canonicalize().expect("a directory");
        let entries = hops(&Os::default(), &root.join(path));
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
        fs::create_dir(dir.path().join("sub")).expect("made");
        assert_eq!(met(dir.path(), "sub/later/x.log"), ["sub", "sub/later"]);
        symlink("sub/nowhere", dir.path().join("link")).expect("linked");
        assert_eq!(met(dir.path(), "link"), ["link", "sub", "sub/nowhere"]);
        assert_eq!(hops(&Os::default(), Path::new("/nowhere-at-all")).len(), 1);
    }

    #[test]
    fn a_circle_ends() {
        let dir = tempfile::tempdir().expect("a directory");
        symlink("b", dir.path().join("a")).expect("linked");
        symlink("a", dir.path().join("b")).expect("linked");
        assert_eq!(met(dir.path(), "a").len(), LINKS + 1);
    }
}
