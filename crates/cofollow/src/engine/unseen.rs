//! Files that had a name unseen: between two looks, while the process was stopped, or before it ran. They are
//! found among the siblings of the name, by identity.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{Engine, Listing};
use crate::Notice;
use crate::disk::{Disk, Facts, Kind, Readable};
use crate::generation::Generation;
use crate::identity::Identity;
use crate::name::SILENCE;
use crate::notice::Detail;
use crate::resolve::{Hop, Target};
use crate::series::{Age, Member, is_between, is_like, is_rotated, stem};

/// Files go on being renamed while they are looked for: so often it is looked again.
const PASSES: usize = 8;
/// How much of two files is compared to see whether one is a copy of the other.
const COMPARED: usize = 4096;
/// Less than this in common may be chance.
const TELLING: usize = 64;

/// A file beside a name.
struct Sibling<F> {
    path: PathBuf,
    file: Arc<F>,
    facts: Facts,
}

impl<F> Sibling<F> {
    fn member(&self) -> Member<'_> {
        Member {
            name: self.path.file_name().unwrap_or_default(),
            // Where the file system keeps no time of birth, that of the last change is in the same order.
            time: self.facts.identity.born.unwrap_or(self.facts.modified),
        }
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
    }

    /// Finds the files that had the name unseen, and reads them before the present one. `before` is what the
    /// path went through when it was last looked at.
    pub(crate) fn find_unseen(&mut self, index: usize, before: &[Hop]) {
        let mut known: Vec<Sibling<D::File>> = Vec::new();
        let mut unseen: Vec<Sibling<D::File>> = Vec::new();
        let mut is_begun = false;
        for _ in 0..PASSES {
            let mut is_news = false;
            for path in self.siblings(index, before) {
                let Some(sibling) = self.open_sibling(path) else {
                    continue;
                };
                let identity = sibling.facts.identity;
                let all = known.iter().chain(&unseen);
                if all
                    .map(|other| other.facts.identity)
                    .any(|other| other == identity)
                {
                    continue;
                }
                if self.is_known(index, &sibling) {
                    known.push(sibling);
                } else if self.is_begun(index, &sibling) {
                    is_begun = true;
                } else {
                    is_news = true;
                    unseen.push(sibling);
                }
            }
            if !is_news {
                break;
            }
        }
        if is_begun {
            self.names[index].look_again = true;
            self.look_later(index);
        }
        let old: Vec<Member<'_>> = known.iter().map(Sibling::member).collect();
        let new: Vec<Member<'_>> = unseen.iter().map(Sibling::member).collect();
        let age = Age::learn(&old, &new);
        let all = known.iter().chain(&unseen);
        let found = all.map(|sibling| sibling.facts.identity).collect();
        self.names[index].know_siblings(found);
        let (mut unseen, copies) = unseen
            .into_iter()
            .partition::<Vec<_>, _>(|sibling| !self.is_copy(index, sibling));
        unseen.sort_by(|one, other| age.compare(one.member(), other.member()));
        known.extend(copies);
        let present = self.names[index].present();
        if present.is_some_and(|present| place_of(&known, present.identity).is_some()) {
            // It was put aside since it was opened, and there may be younger ones.
            self.names[index].retire();
            self.look_soon(index);
        }
        for sibling in unseen {
            let at = self.place_for(index, &sibling, &known, &age);
            self.add_unseen(index, at, &sibling);
            known.push(sibling);
        }
        self.take_hold(index, &known);
    }

    /// Files that were quiet, and closed, and have lost their name since can be opened by the one they have now.
    fn take_hold(&mut self, index: usize, known: &[Sibling<D::File>]) {
        let name = &mut self.names[index];
        let retired = name.retired();
        for generation in name.generations.iter_mut().take(retired) {
            if generation.ended || generation.file.is_within_reach() {
                continue;
            }
            if let Some(at) = place_of(known, generation.identity) {
                generation.file = Arc::clone(&known[at].file);
                generation.is_watched = false;
            } else {
                generation.ended = true;
                let shown = Arc::clone(&name.shown);
                (self.notify)(&Notice::Vanished(shown, generation.position));
            }
        }
    }

    /// Where among the files of a name its sibling belongs, by its age: before the present one in any case.
    fn place_for(
        &self,
        index: usize,
        sibling: &Sibling<D::File>,
        known: &[Sibling<D::File>],
        age: &Age,
    ) -> usize {
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

    fn add_unseen(&mut self, index: usize, at: usize, sibling: &Sibling<D::File>) {
        let key = self.new_key();
        let name = &mut self.names[index];
        let path: Arc<Path> = sibling.path.as_path().into();
        let unseen = Detail::Unseen(Arc::clone(&name.shown), path);
        (self.notify)(&Notice::Detail(unseen));
        let file = Arc::clone(&sibling.file);
        let generation = Generation::new(key, file, &sibling.facts, 0);
        name.generations.insert(at, generation);
        self.queue(index);
    }

    /// The file that a truncated text was copied to, if more of it is there than was read.
    pub(crate) fn find_copy(&mut self, index: usize, at: usize) -> Option<(Arc<D::File>, Facts)> {
        let old = &self.names[index].generations[at];
        if old.position == 0 {
            return None;
        }
        let (marks, position, identity) = (old.marks.clone(), old.position, old.identity);
        let silence = u64::try_from(SILENCE.as_nanos()).unwrap_or(u64::MAX);
        let long_ago = old.modified.saturating_sub(silence);
        let before = self.names[index].siblings.clone();
        let mut copies = Vec::new();
        let copy = self.sibling_that(index, |file, facts| {
            // What was put aside before, and begins alike, is no copy.
            let is_old = facts.modified < long_ago && before.contains(&facts.identity);
            if facts.identity == identity || is_old {
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
        });
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
                let Some(sibling) = self.open_sibling(path) else {
                    is_moved = true;
                    continue;
                };
                if is_it(&sibling.file, &sibling.facts) {
                    self.names[index].siblings.push(sibling.facts.identity);
                    return Some((sibling.file, sibling.facts));
                }
            }
            if !is_moved {
                break;
            }
            self.listings.clear();
        }
        None
    }

    fn open_sibling(&self, path: PathBuf) -> Option<Sibling<D::File>> {
        // What goes away meanwhile is no sibling, and what is no file should not be opened.
        let facts = self.disk.facts(&path).ok()?;
        if facts.kind != Kind::Regular {
            return None;
        }
        let file = Arc::new(self.disk.open(&path).ok()?);
        let facts = file.facts().ok()?;
        Some(Sibling { path, file, facts })
    }

    /// Is it one of the name's own, or was it there before, or is it another name's?
    fn is_known(&self, index: usize, sibling: &Sibling<D::File>) -> bool {
        let identity = sibling.facts.identity;
        self.names[index].knows_sibling(identity)
            || self.past.contains_key(&identity)
            || self.names.iter().any(|name| {
                let mut generations = name.generations.iter();
                generations.any(|generation| generation.identity == identity)
            })
    }

    /// Is somebody just copying the present file, perhaps, and not far enough to tell?
    fn is_begun(&self, index: usize, sibling: &Sibling<D::File>) -> bool {
        let present = self.names[index].present();
        let is_younger = |present: &Generation<D::File>| {
            let (born, since) = (sibling.facts.identity.born, present.identity.born);
            born.is_some() && born > since
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let is_new = |born: u64| {
            now.is_ok_and(|now| now.saturating_sub(Duration::from_nanos(born)) < self.rules.poll)
        };
        present.is_some_and(is_younger)
            && sibling.facts.length < TELLING as u64
            && sibling.facts.identity.born.is_some_and(is_new)
    }

    /// Is it a copy of a text that is read already? Then it was made by who copies and truncates, or by hand.
    fn is_copy(&self, index: usize, sibling: &Sibling<D::File>) -> bool {
        let born = sibling.facts.identity.born;
        let name = &self.names[index];
        name.generations.iter().enumerate().any(|(at, generation)| {
            // What is older than the file was not copied from it, however alike they begin.
            let is_older = born < generation.identity.born && !generation.is_copy;
            // What is younger than the file that still has the name was not put aside before. The text may have
            // been truncated since it was last looked at, and be in the copy only.
            let is_present = at >= name.retired() && born > generation.identity.born;
            if generation.kind.is_stream() {
                return false;
            }
            (generation.ended || is_present) && has_what_was_read(generation, sibling)
                || !generation.ended
                    && !is_older
                    && is_part(&*sibling.file, &sibling.facts, &*generation.file)
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

    /// The names in a directory, in order; none, if it cannot be read. Asking again costs as much as was spent on
    /// asking at most twice: when ten thousand files are rotated at once, one listing serves many; in a small
    /// directory each is new.
    fn listing(&mut self, directory: &Path) -> Arc<[OsString]> {
        let now = Instant::now();
        if let Some(listing) = self.listings.get(directory)
            && now - listing.made < listing.cost
        {
            return Arc::clone(&listing.names);
        }
        let mut names = self.disk.names(directory).unwrap_or_default();
        names.sort_unstable();
        let listing = Listing {
            names: names.into(),
            made: now,
            cost: now.elapsed() * 2,
        };
        let names = Arc::clone(&listing.names);
        self.listings.insert(directory.to_owned(), listing);
        names
    }
}

/// Those of the names, which are in order, that start so: of ten thousand, the few of one file.
fn starting_with<'a>(names: &'a [OsString], prefix: &[u8]) -> &'a [OsString] {
    let from = names.partition_point(|name| name.as_bytes() < prefix);
    let names = &names[from..];
    &names[..names.partition_point(|name| name.as_bytes().starts_with(prefix))]
}

/// The place among siblings of the file that it is.
fn place_of<F>(siblings: &[Sibling<F>], identity: Identity) -> Option<usize> {
    let mut identities = siblings.iter().map(|sibling| sibling.facts.identity);
    identities.position(|other| other == identity)
}

/// Are the marks of what was read in another file, as far as it goes?
fn has_what_was_read<F: Readable>(generation: &Generation<F>, sibling: &Sibling<F>) -> bool {
    let (marks, position) = (&generation.marks, generation.position);
    let found = if sibling.facts.length >= position {
        marks.are_in(&*sibling.file, position)
    } else {
        marks.begin(&*sibling.file)
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
