//! Files that had a name unseen: between two looks, while the process was stopped, or before it ran. They are
//! found among the siblings of the name, by identity.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::io::Errno;

use super::reading::finished;
use super::{Engine, Listing};
use crate::Notice;
use crate::disk::{Disk, Facts, Kind, Readable};
use crate::generation::Generation;
use crate::identity::Identity;
use crate::name::{Name, SILENCE};
use crate::notice::Detail;
use crate::resolve::{Hop, Target};
use crate::series::{Age, Member, is_between, is_like, is_rotated, stem};

/// Files go on being renamed while they are looked for: so often it is looked again.
const PASSES: usize = 8;
/// How much of two files is compared to see whether one is a copy of the other.
const COMPARED: usize = 4096;
/// Times of changes are those of the clock's last tick, which may be this old: Linux has 100 to 1000 a second.
const TICK: Duration = Duration::from_millis(20);
/// Less than this in common may be chance.
const TELLING: usize = 64;

/// A file beside a name.
struct Sibling {
    path: PathBuf,
    facts: Facts,
}

/// The same, opened.
struct Opened<F> {
    sibling: Sibling,
    file: Arc<F>,
}

impl Sibling {
    fn member(&self) -> Member<'_> {
        Member {
            name: self.path.file_name().unwrap_or_default(),
            // Where the file system keeps no time of birth, that of the last change is in the same order.
            time: self.facts.identity.born.unwrap_or(self.facts.modified),
        }
    }
}

impl<F> Opened<F> {
    fn member(&self) -> Member<'_> {
        self.sibling.member()
    }
}

impl<D: Disk> Engine<D> {
    /// Notes what is there beside a name when it is first looked at: it is not to be read.
    pub(crate) fn note_siblings(&mut self, index: usize) {
        let paths = self.siblings(index, &[]);
        let identities = paths
            .iter()
            .filter_map(|path| self.disk.facts(path).ok())
            .map(|facts| facts.identity);
        let identities = identities.collect();
        self.names[index].siblings = identities;
        self.names[index].knows_siblings = !std::mem::take(&mut self.is_blind);
        if !self.names[index].knows_siblings {
            self.look_again_later(index);
        }
    }

    /// What could not be seen now will be looked for later.
    fn look_again_later(&mut self, index: usize) {
        self.names[index].look_again = true;
        self.look_later(index);
    }

    /// Finds the files that had the name unseen, and reads them before the present one. `before` is what the
    /// path went through when it was last looked at.
    pub(crate) fn find_unseen(&mut self, index: usize, before: &[Hop]) {
        if !self.names[index].knows_siblings {
            return self.note_siblings(index);
        }
        let name = &self.names[index];
        let generations = name
            .generations
            .iter()
            .map(|generation| generation.identity);
        let own: HashSet<Identity> = name.known_siblings().chain(generations).collect();
        let (mut known, mut unseen) = (Vec::new(), Vec::new());
        let mut met = HashSet::new();
        // Is there something of which more can be told later?
        let mut is_begun = false;
        for _ in 0..PASSES {
            let mut is_news = false;
            for path in self.siblings(index, before) {
                let Some(sibling) = self.sibling(path) else {
                    continue;
                };
                let identity = sibling.facts.identity;
                if met.contains(&identity) {
                    continue;
                }
                // Most are: of hundreds that were put aside only those are opened that have to be read.
                if own.contains(&identity) || self.is_anywhere(identity) {
                    met.insert(identity);
                    known.push(sibling);
                    continue;
                }
                let opened = match self.open(sibling) {
                    Ok(opened) => opened,
                    Err(error) => {
                        is_begun |= is_passing(&error);
                        continue;
                    }
                };
                let identity = opened.sibling.facts.identity;
                if !met.insert(identity) {
                    continue;
                }
                if own.contains(&identity) || self.is_anywhere(identity) {
                    known.push(opened.sibling);
                } else if self.is_begun(index, &opened.sibling) {
                    is_begun = true;
                } else {
                    is_news = true;
                    unseen.push(opened);
                }
            }
            if !is_news {
                break;
            }
        }
        if std::mem::take(&mut self.is_blind) {
            // Nothing is concluded from what is not all there is.
            return self.look_again_later(index);
        }
        if is_begun {
            self.look_again_later(index);
        }
        let old: Vec<Member<'_>> = known.iter().map(Sibling::member).collect();
        let new: Vec<Member<'_>> = unseen.iter().map(Opened::member).collect();
        let age = Age::learn(&old, &new);
        let new = unseen.iter().map(|opened| &opened.sibling);
        let all = known.iter().chain(new);
        let found = all.map(|sibling| sibling.facts.identity).collect();
        self.names[index].know_siblings(found);
        let (mut unseen, copies) = unseen
            .into_iter()
            .partition::<Vec<_>, _>(|opened| !self.is_copy(index, opened));
        unseen.sort_by(|one, other| age.compare(one.member(), other.member()));
        known.extend(copies.into_iter().map(|copy| copy.sibling));
        let present = self.names[index].present();
        if present.is_some_and(|present| place_of(&known, present.identity).is_some()) {
            // It was put aside since it was opened, and there may be younger ones.
            self.names[index].retire();
            self.look_soon(index);
        }
        for opened in unseen {
            let at = self.place_for(index, &opened.sibling, &known, &age);
            self.add_unseen(index, at, &opened);
            known.push(opened.sibling);
        }
        self.take_hold(index, &known);
    }

    /// Files that were quiet, and closed, and have lost their name since can be opened by the one they have now.
    fn take_hold(&mut self, index: usize, known: &[Sibling]) {
        for at in 0..self.names[index].retired() {
            let generation = &self.names[index].generations[at];
            if generation.ended || generation.file.is_within_reach() {
                continue;
            }
            let tail = self.take_tail(index, at);
            let name = &mut self.names[index];
            let generation = &mut name.generations[at];
            let found = place_of(known, generation.identity);
            let found = found.and_then(|at| self.disk.open(&known[at].path).ok());
            let is_it = |file: &D::File| {
                let facts = file.facts();
                facts.is_ok_and(|facts| facts.identity == generation.identity)
            };
            if let Some(file) = found.filter(is_it) {
                generation.file = Arc::new(file);
                generation.held = tail.as_ref().map_or(0, |tail| tail.len());
                generation.tail = tail;
            } else {
                generation.ended = true;
                if generation.ahead.is_none() {
                    generation.ahead = tail.as_ref().map(finished);
                }
                let shown = Arc::clone(&name.shown);
                (self.notify)(&Notice::Vanished(shown, generation.position));
            }
        }
    }

    /// Where among the files of a name its sibling belongs, by its age: before the present one in any case.
    fn place_for(&self, index: usize, sibling: &Sibling, known: &[Sibling], age: &Age) -> usize {
        let name = &self.names[index];
        let is_younger = |other: &Generation<D::File>| match place_of(known, other.identity) {
            Some(at) => age.compare(known[at].member(), sibling.member()).is_gt(),
            // It is not there any more: then the time of birth has to do.
            None => other.identity.born > sibling.facts.identity.born,
        };
        let mut at = name.retired();
        while at > 0 && is_younger(&name.generations[at - 1]) {
            at -= 1;
        }
        at
    }

    fn add_unseen(&mut self, index: usize, at: usize, opened: &Opened<D::File>) {
        let key = self.new_key();
        let name = &mut self.names[index];
        let path: Arc<Path> = opened.sibling.path.as_path().into();
        let unseen = Detail::Unseen(Arc::clone(&name.shown), path);
        (self.notify)(&Notice::Detail(unseen));
        let file = Arc::clone(&opened.file);
        let generation = Generation::new(key, file, &opened.sibling.facts, 0);
        name.generations.insert(at, generation);
        name.account.find();
        self.queue(index);
    }

    /// The file that a truncated text was copied to, if more of it is there than was read.
    pub(crate) fn find_copy(&mut self, index: usize, at: usize) -> Option<(Arc<D::File>, Facts)> {
        let old = &self.names[index].generations[at];
        if old.position == 0 {
            return None;
        }
        let (marks, position) = (old.marks.clone(), old.position);
        // What is read itself is no copy, however alike the two begin; in a copy there may be another one by now.
        let followed = self.names[index].generations.iter();
        let followed = followed.filter(|generation| !generation.is_copy && !generation.ended);
        let followed: Vec<Identity> = followed.map(|generation| generation.identity).collect();
        let silence = u64::try_from(SILENCE.as_nanos()).unwrap_or(u64::MAX);
        let long_ago = old.modified.saturating_sub(silence);
        let before = self.names[index].siblings.clone();
        let mut copies = Vec::new();
        let mut is_it = |file: &D::File, facts: &Facts| {
            // What was put aside before, and begins alike, is no copy.
            let is_old = facts.modified < long_ago && before.contains(&facts.identity);
            if followed.contains(&facts.identity) || is_old {
                return false;
            }
            if facts.length >= position {
                return marks.are_in(file, position).unwrap_or(false);
            }
            // Copied before all was written that was read: then it has nothing to give.
            if marks.are_telling() && marks.begin(file).unwrap_or(false) {
                copies.push(facts.identity);
            }
            false
        };
        let now = Instant::now();
        let mut copy = self.sibling_that(index, &mut is_it);
        if copy.is_none() && self.forget_listings_before(now) {
            copy = self.sibling_that(index, &mut is_it);
        }
        if copy.is_none() {
            // Otherwise they can be compared with it.
            self.names[index].siblings.extend(copies);
        }
        copy
    }

    /// A sibling that is as it should be. It is known from now on.
    pub(crate) fn sibling_that(
        &mut self,
        index: usize,
        mut is_it: impl FnMut(&D::File, &Facts) -> bool,
    ) -> Option<(Arc<D::File>, Facts)> {
        for _ in 0..PASSES {
            let mut is_moved = false;
            for path in self.siblings(index, &[]) {
                let opened = self.sibling(path).map(|sibling| self.open(sibling));
                let Some(Ok(Opened { sibling, file })) = opened else {
                    is_moved = true;
                    continue;
                };
                if is_it(&file, &sibling.facts) {
                    self.names[index].siblings.push(sibling.facts.identity);
                    return Some((file, sibling.facts));
                }
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

    /// What goes away meanwhile is no sibling, and what is no file should not be opened.
    fn sibling(&self, path: PathBuf) -> Option<Sibling> {
        let facts = self.disk.facts(&path).ok()?;
        (facts.kind == Kind::Regular).then_some(Sibling { path, facts })
    }

    fn open(&self, sibling: Sibling) -> io::Result<Opened<D::File>> {
        let file = Arc::new(self.disk.open(&sibling.path)?);
        // It may be another by now.
        let facts = file.facts()?;
        let path = sibling.path;
        let sibling = Sibling { path, facts };
        Ok(Opened { sibling, file })
    }

    /// Was it let go, or is it another name's?
    fn is_anywhere(&self, identity: Identity) -> bool {
        self.past.contains_key(&identity)
            || self.names.iter().any(|name| {
                let mut generations = name.generations.iter();
                generations.any(|generation| generation.identity == identity)
            })
    }

    /// Is somebody just copying the present file, perhaps, and not far enough to tell?
    fn is_begun(&self, index: usize, sibling: &Sibling) -> bool {
        let present = self.names[index].present();
        let is_younger = |present: &Generation<D::File>| {
            let (born, since) = (sibling.facts.identity.born, present.identity.born);
            born.is_some() && born > since
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let is_new = |born: u64| {
            now.is_ok_and(|now| now.saturating_sub(Duration::from_nanos(born)) < self.rules.poll)
        };
        // Who does not follow will not look again.
        self.rules.follow
            && present.is_some_and(is_younger)
            && sibling.facts.length < TELLING as u64
            && sibling.facts.identity.born.is_some_and(is_new)
    }

    /// Does a path that came to match a pattern stand for the copy of a text that is followed under another name?
    pub(crate) fn is_followed_copy(&mut self, path: &Path) -> bool {
        let Some(sibling) = self.sibling(path.to_owned()) else {
            return false;
        };
        let identity = sibling.facts.identity;
        if self.is_anywhere(identity) {
            return false;
        }
        let is_of = |name: &Name<D::File>| {
            let base = name.path.file_name().zip(path.file_name());
            name.present
                && name.path.parent() == path.parent()
                && base.is_some_and(|(base, other)| is_rotated(base, other))
        };
        let Some(owner) = self.names.iter().position(is_of) else {
            return false;
        };
        if self.copies.contains(&identity)
            || self.names[owner]
                .known_siblings()
                .any(|known| known == identity)
        {
            return true;
        }
        if self.is_begun(owner, &sibling) {
            let later = Instant::now() + self.rules.poll;
            self.globs_at.get_or_insert(later);
            return true;
        }
        let opened = self.open(sibling);
        let is_copy = opened.is_ok_and(|opened| self.is_copy(owner, &opened));
        if is_copy {
            self.copies.insert(identity);
        }
        is_copy
    }

    /// Is it a copy of a text that is read already? Then it was made by who copies and truncates, or by hand.
    fn is_copy(&self, index: usize, opened: &Opened<D::File>) -> bool {
        let sibling = &opened.sibling;
        let born = sibling.facts.identity.born;
        let name = &self.names[index];
        name.generations.iter().enumerate().any(|(at, generation)| {
            // What is older than the file was not copied from it, however alike they begin.
            let is_older = born < generation.identity.born && !generation.is_copy;
            // What is younger than the file that still has the name was not put aside before; within one tick of
            // the clock nothing is younger, and what was read of it tells. The text may have been truncated since
            // it was last looked at, and be in the copy only.
            let is_present = at >= name.retired() && born >= generation.identity.born;
            if generation.kind.is_stream() {
                return false;
            }
            (generation.ended || is_present) && has_what_was_read(generation, opened)
                || !generation.ended
                    && !is_older
                    && is_part(&*opened.file, &sibling.facts, &*generation.file)
        })
    }

    /// The paths of files that rotations may have made of the name, or that a symbolic link on its way may have
    /// led to since it was last looked at.
    fn siblings(&mut self, index: usize, before: &[Hop]) -> Vec<PathBuf> {
        let hops = self.names[index].hops.clone();
        let mut paths = Vec::new();
        if let Some(last) = hops.last() {
            let stem = stem(&last.entry);
            for entry in starting_with(&self.listing(&last.directory), stem) {
                if is_rotated(&last.entry, entry) {
                    paths.push(last.directory.join(entry));
                }
            }
        }
        for hop in &hops {
            let Some(target) = &hop.target else {
                continue;
            };
            let same_entry =
                |other: &&Hop| other.directory == hop.directory && other.entry == hop.entry;
            let earlier = before.iter().find(same_entry);
            let earlier = earlier.and_then(|hop| hop.target.as_ref());
            self.add_targets(earlier, target, &mut paths);
        }
        paths
    }

    /// What a link may have led to between two targets; while only one is known, all that is like it.
    fn add_targets(&mut self, from: Option<&Target>, to: &Target, paths: &mut Vec<PathBuf>) {
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

    /// The names in a directory, in order; none, if it cannot be read, which is noted if it will pass. Asking again
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
        self.is_blind |= names.as_ref().is_err_and(is_passing);
        let mut names = names.unwrap_or_default();
        names.sort_unstable();
        let listing = Listing {
            names: names.into(),
            made: now,
            cost: now.elapsed() * 2,
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

    /// Forgets what was listed before, if the directory may have changed since. Was there such a one?
    fn forget_listings_before(&mut self, time: Instant) -> bool {
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
}

/// Does this fail for want of something that there may be more of later: descriptors, memory?
pub(crate) fn is_passing(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM))
}

/// Is the clock past the tick of this time, so that a change now would have another?
fn is_past(time: u64) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.is_ok_and(|now| now.saturating_sub(Duration::from_nanos(time)) > TICK)
}

/// Those of the names, which are in order, that start so: of ten thousand, the few of one file.
fn starting_with<'a>(names: &'a [OsString], prefix: &[u8]) -> &'a [OsString] {
    let from = names.partition_point(|name| name.as_bytes() < prefix);
    let names = &names[from..];
    &names[..names.partition_point(|name| name.as_bytes().starts_with(prefix))]
}

/// The place among siblings of the file that it is.
fn place_of(siblings: &[Sibling], identity: Identity) -> Option<usize> {
    let mut identities = siblings.iter().map(|sibling| sibling.facts.identity);
    identities.position(|other| other == identity)
}

/// Are the marks of what was read in another file, as far as it goes?
fn has_what_was_read<F: Readable>(generation: &Generation<F>, opened: &Opened<F>) -> bool {
    let (marks, position) = (&generation.marks, generation.position);
    let found = if opened.sibling.facts.length >= position {
        marks.are_in(&*opened.file, position)
    } else {
        marks.begin(&*opened.file)
    };
    marks.are_telling() && found.unwrap_or(false)
}

/// Is a file what another begins with, as far as comparing its own beginning and end can tell?
fn is_part<F: Readable>(part: &F, facts: &Facts, whole: &F) -> bool {
    let alike = |position: u64| {
        let (mut first, mut second) = ([0; COMPARED], [0; COMPARED]);
        let read = part.read_at(&mut first, position);
        let (Ok(one), Ok(other)) = (read, whole.read_at(&mut second, position)) else {
            return false;
        };
        // It may have grown since it was asked.
        one.min(other) >= TELLING && first[..one] == second[..one.min(other)]
    };
    alike(0) && alike(facts.length.saturating_sub(COMPARED as u64))
}
