//! The files beside a name that rotations may have made of it.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::io::Errno;

use super::Engine;
use crate::disk::{Disk, Facts, Kind, Readable};
use crate::identity::Identity;
use crate::resolve::{Hop, Target};
use crate::series::{Member, by_numbers, is_between, is_like, is_rotated, stem};

/// Files go on being renamed while they are looked for: so often it is looked again.
pub(super) const PASSES: usize = 8;
/// Times of changes are those of the clock's last tick, which may be this old: Linux has 100 to 1000 a second.
const TICK: Duration = Duration::from_millis(20);

/// What takes less is done again.
const CHEAP: Duration = Duration::from_millis(1);

/// The names in a directory, in order.
pub(super) struct Listing {
    pub(super) names: Arc<[OsString]>,
    pub(super) made: Instant,
    /// For how long it may be used again: twice the time it took to make, if that is worth it.
    pub(super) cost: Duration,
    /// When the directory had changed last, in nanoseconds since 1970; none, if that may not tell of a later change.
    pub(super) changed: Option<u64>,
}

/// A file beside a name.
pub(super) struct Sibling {
    pub(super) path: PathBuf,
    pub(super) facts: Facts,
}

/// The same, opened.
pub(super) struct Opened<F> {
    pub(super) sibling: Sibling,
    pub(super) file: Arc<F>,
}

impl Sibling {
    pub(super) fn member(&self) -> Member<'_> {
        Member {
            name: self.path.file_name().unwrap_or_default(),
            // Where the file system keeps no time of birth, that of the last change is in the same order.
            time: self.facts.identity.born.unwrap_or(self.facts.modified),
        }
    }
}

impl<F> Opened<F> {
    pub(super) fn member(&self) -> Member<'_> {
        self.sibling.member()
    }
}

impl<D: Disk> Engine<D> {
    /// The paths of files that rotations may have made of the name, or that a symbolic link on its way may have
    /// led to since it was last looked at.
    pub(super) fn siblings(&mut self, index: usize, before: &[Hop]) -> Vec<PathBuf> {
        let hops = self.names[index].hops.clone();
        let mut paths = Vec::new();
        if let Some(last) = hops.last() {
            let stem = stem(&last.entry);
            for entry in starting_with(&self.listing(&last.directory), stem) {
                if is_rotated(&last.entry, entry) {
                    paths.push(last.directory.join(entry));
                }
            }
            let listing = self.listings.get(&last.directory);
            self.names[index].listed = listing.and_then(|listing| listing.changed);
        }
        for hop in &hops {
            let Some(target) = &hop.target else {
                continue;
            };
            let same_entry =
                |other: &&Hop| other.directory == hop.directory && other.entry == hop.entry;
            let earlier = before.iter().find(same_entry);
            let earlier = earlier.and_then(|hop| hop.target.as_ref());
            let counts_up = !before.is_empty() && self.looked_into.goes_up(index, &target.path);
            self.add_targets(earlier, target, counts_up, &mut paths);
        }
        paths
    }

    /// What a link may have led to between two targets; while only one is known, all that is like it. Of a link whose
    /// targets count up, what has a higher number is still to come, even if it is being written already.
    fn add_targets(
        &mut self,
        from: Option<&Target>,
        to: &Target,
        counts_up: bool,
        paths: &mut Vec<PathBuf>,
    ) {
        let (Some(directory), Some(name)) = (to.path.parent(), to.path.file_name()) else {
            return;
        };
        let from = from.filter(|from| from.path.parent() == Some(directory));
        let from = from.and_then(|from| from.path.file_name());
        let digit = name.as_bytes().iter().position(u8::is_ascii_digit);
        let prefix = &name.as_bytes()[..digit.unwrap_or(name.len())];
        for entry in starting_with(&self.listing(directory), prefix) {
            let is_candidate = match from {
                Some(from) if from != name => is_between(from, entry, name),
                _ if counts_up => is_like(name, entry) && by_numbers(entry, name).is_lt(),
                _ => entry != name && is_like(name, entry),
            };
            if is_candidate {
                let path = directory.join(entry);
                paths.push(if to.rest.as_os_str().is_empty() {
                    path
                } else {
                    path.join(&to.rest)
                });
            }
        }
    }

    /// The names in a directory, in order; none, if it cannot be read, which is noted unless it is not there. Asking again
    /// costs as much as was spent on asking at most twice: when ten thousand files are rotated at once, one listing
    /// serves many; in a small directory each is new.
    pub(super) fn listing(&mut self, directory: &Path) -> Arc<[OsString]> {
        let now = Instant::now();
        if let Some(listing) = self.listings.get(directory)
            && now - listing.made < listing.cost
        {
            return Arc::clone(&listing.names);
        }
        let changed = self.changed(directory).filter(|changed| is_past(*changed));
        let names = self.disk.names(directory);
        self.is_blind |= names.as_ref().is_err_and(|error| !is_absent(error));
        let mut names = names.unwrap_or_default();
        names.sort_unstable();
        let listing = Listing {
            names: names.into(),
            made: now,
            cost: Some(now.elapsed())
                .filter(|took| *took > CHEAP)
                .unwrap_or_default()
                * 2,
            changed,
        };
        let names = Arc::clone(&listing.names);
        self.listings.insert(directory.to_owned(), listing);
        names
    }

    /// When a directory was changed last, in nanoseconds since 1970.
    fn changed(&self, directory: &Path) -> Option<u64> {
        let facts = self.disk.facts(directory);
        facts.ok().map(|facts| facts.modified)
    }

    /// Is there nothing beside a name that was not there when that was last listed?
    pub(super) fn has_nothing_new_beside(&self, index: usize) -> bool {
        let name = &self.names[index];
        let directory = name.hops.last().map(|hop| &hop.directory);
        !name.look_again
            && name.renewed.is_none()
            && !self.has_links(index)
            && name.listed.is_some()
            && name.listed == directory.and_then(|directory| self.changed(directory))
    }

    /// Forgets what was listed before, if the directory may have changed since. Was there such a one?
    pub(super) fn forget_listings_before(&mut self, time: Instant) -> bool {
        let mut listings = std::mem::take(&mut self.listings);
        let before = listings.len();
        listings.retain(|directory, listing| {
            let is_same =
                || listing.changed.is_some() && listing.changed == self.changed(directory);
            listing.made >= time || is_same()
        });
        self.listings = listings;
        self.listings.len() < before
    }

    /// A sibling that is as it should be. It is known from now on.
    pub(crate) fn sibling_that(
        &mut self,
        index: usize,
        mut is_it: impl FnMut(&D::File, &Facts) -> bool,
    ) -> Option<(Arc<D::File>, Facts)> {
        let known = self.names[index].known_siblings();
        let mut met: HashSet<Identity> = known.collect();
        for _ in 0..PASSES {
            let mut is_moved = false;
            for path in self.siblings(index, &[]) {
                let opened = self.sibling(path).map(|sibling| self.open(sibling));
                let Some(Ok(Opened { sibling, file })) = opened else {
                    is_moved = true;
                    continue;
                };
                let identity = sibling.facts.identity;
                if is_it(&file, &sibling.facts) {
                    self.names[index].siblings.push(identity);
                    return Some((file, sibling.facts));
                }
                // It may have come by a name that another had when they were listed.
                is_moved |= met.insert(identity);
            }
            if !is_moved {
                break;
            }
            self.listings.clear();
        }
        None
    }

    /// Where each sibling is now.
    pub(crate) fn places(&mut self, index: usize) -> HashMap<Identity, PathBuf> {
        let paths = self.siblings(index, &[]).into_iter();
        let siblings = paths.filter_map(|path| self.sibling(path));
        siblings
            .map(|sibling| (sibling.facts.identity, sibling.path))
            .collect()
    }

    /// What goes away meanwhile is no sibling, what is no file should not be opened, and what this run writes begins as
    /// what it reads, and is no copy.
    pub(super) fn sibling(&self, path: PathBuf) -> Option<Sibling> {
        let facts = self.disk.facts(&path).ok()?;
        let is_sibling = facts.kind == Kind::Regular && !self.is_own(facts.identity);
        is_sibling.then_some(Sibling { path, facts })
    }

    pub(super) fn open(&self, sibling: Sibling) -> io::Result<Opened<D::File>> {
        let file = Arc::new(self.disk.open(&sibling.path)?);
        // It may be another by now.
        let facts = file.facts()?;
        let path = sibling.path;
        let sibling = Sibling { path, facts };
        Ok(Opened { sibling, file })
    }
}

/// Does this fail for want of something that there may be more of later: descriptors, memory?
pub(crate) fn is_passing(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM))
}

/// Does it fail because there is nothing?
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Is the clock past the tick of this time, so that a change now would have another?
pub(super) fn is_past(time: u64) -> bool {
    time < a_tick_ago()
}

/// What is made from now on has no time before this, in nanoseconds since 1970.
pub(super) fn a_tick_ago() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let ago = now.unwrap_or_default().saturating_sub(TICK);
    u64::try_from(ago.as_nanos()).unwrap_or(u64::MAX)
}

/// Those of the names, which are in order, that start so: of ten thousand, the few of one file.
fn starting_with<'a>(names: &'a [OsString], prefix: &[u8]) -> &'a [OsString] {
    let from = names.partition_point(|name| name.as_bytes() < prefix);
    let names = &names[from..];
    &names[..names.partition_point(|name| name.as_bytes().starts_with(prefix))]
}

/// The place among siblings of the file that it is.
pub(super) fn place_of(siblings: &[Sibling], identity: Identity) -> Option<usize> {
    let mut identities = siblings.iter().map(|sibling| sibling.facts.identity);
    identities.position(|other| other == identity)
}
