//! Copies of texts that are read: who rotates a log may copy and truncate it.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Engine;
use super::siblings::{Opened, Sibling, place_of};
use crate::Notice;
use crate::disk::{Disk, Facts, Readable};
use crate::generation::Generation;
use crate::identity::Identity;
use crate::name::{Name, SILENCE};
use crate::series::{bases, is_like};

/// How much of two files is compared to see whether one is a copy of the other.
const COMPARED: usize = 4096;
/// What is held for so long is told. A log that is copied to be truncated is truncated sooner.
const MOMENT: Duration = Duration::from_secs(1);
/// Less than this in common may be chance.
const TELLING: usize = 64;

/// Is a file the copy of a text that is followed under another name?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copied {
    Yes,
    /// It was just made, and may not be far enough to tell; or it would be, if the text was truncated.
    Perhaps,
    No,
}

/// What there is of the copy of a truncated text.
pub(super) enum Searched<F> {
    /// All that was read of it is there.
    Found(Arc<F>, Facts),
    /// One that was made before all was written that was read: it has nothing to give.
    Outgrown,
    Nothing,
}

impl<D: Disk> Engine<D> {
    /// The file that a truncated text was copied to.
    pub(super) fn find_copy(&mut self, index: usize, at: usize) -> Searched<D::File> {
        let name = &self.names[index];
        let old = &name.generations[at];
        let (marks, position, longest) = (old.marks.clone(), old.position, old.longest());
        // The copies of the texts before it were made before its own.
        let earlier = name.generations.iter().take(at).filter(|text| text.is_copy);
        let born = earlier
            .map(|copy| copy.identity.born)
            .fold(old.identity.born, Ord::max);
        if position == 0 && (longest == 0 || !name.knows_siblings) {
            return Searched::Nothing;
        }
        // What is read itself is no copy, however alike the two begin; in a copy there may be another one by now.
        let followed = name.generations.iter();
        let followed = followed.filter(|generation| !generation.is_copy && !generation.ended);
        let followed: Vec<Identity> = followed.map(|generation| generation.identity).collect();
        let silence = u64::try_from(SILENCE.as_nanos()).unwrap_or(u64::MAX);
        let long_ago = old.modified.saturating_sub(silence);
        let before: HashSet<Identity> = name.known_siblings().collect();
        let mut copies = Vec::new();
        let mut is_it = |file: &D::File, facts: &Facts| {
            // What was put aside before, and begins alike, is no copy.
            let is_old = facts.modified < long_ago && before.contains(&facts.identity);
            if followed.contains(&facts.identity) || is_old {
                return false;
            }
            if position == 0 {
                // Nothing tells it but its age and its length. If it is the copy of another text, that was not read either.
                let is_known = before.contains(&facts.identity);
                return !is_known && facts.identity.born >= born && facts.length >= longest;
            }
            if facts.length >= position {
                return marks.are_in(file, position).unwrap_or(false);
            }
            // Copied before all was written that was read.
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
        if let Some((file, facts)) = copy {
            return Searched::Found(file, facts);
        }
        if copies.is_empty() {
            return Searched::Nothing;
        }
        // Otherwise they can be compared with it.
        self.names[index].siblings.extend(copies);
        Searched::Outgrown
    }

    /// Does a path that came to match a pattern stand for the copy of a text that is followed under another name?
    pub(crate) fn copied(&mut self, path: &Path) -> Copied {
        let Some(sibling) = self.sibling(path.to_owned()) else {
            return Copied::No;
        };
        let identity = sibling.facts.identity;
        if self.is_anywhere(identity) {
            return Copied::No;
        }
        let bases = path.file_name().into_iter().flat_map(bases);
        let owners = bases.filter_map(|base| self.paths.get(&path.with_file_name(base)));
        let owners: Vec<usize> = owners.copied().collect();
        let is_known = |name: &Name<D::File>| name.known_siblings().any(|known| known == identity);
        let Some(owner) = owners
            .iter()
            .copied()
            .filter(|&at| self.names[at].present)
            .min()
        else {
            // What is done with is not read again, though nothing has the log's name now.
            let is_done = self.lookalikes.doubt(identity).is_none()
                && owners.iter().any(|&owner| is_known(&self.names[owner]));
            return if is_done { Copied::Yes } else { Copied::No };
        };
        self.find_texts_between(owner);
        if self.is_anywhere(identity) {
            return Copied::No;
        }
        self.lookalikes.see(identity, path);
        if self.lookalikes.is_copy(identity) || self.has_proved_copy(owner, identity) {
            return Copied::Yes;
        }
        if self.lookalikes.doubt(identity).is_none() && is_known(&self.names[owner]) {
            return Copied::Yes;
        }
        let Ok(opened) = self.open(sibling) else {
            return Copied::No;
        };
        let mut copied = Copied::No;
        if self.may_become_copy(owner, &opened) {
            copied = Copied::Perhaps;
        } else if self.is_copy(owner, &opened, &[]) {
            copied = self.doubt(&opened.sibling);
            if copied == Copied::Perhaps {
                self.tell_held(owner, path, identity);
            }
        }
        if copied == Copied::Perhaps {
            self.globs_at = self.globs_at.or_else(|| self.rules.next_poll());
        }
        copied
    }

    /// Finds the texts that came and went unread before the one that is in a file now, if there may be such: they are
    /// the file's own, though their copies may match a pattern, too.
    fn find_texts_between(&mut self, index: usize) {
        self.renew_all(index);
        let name = &self.names[index];
        let is_fresh = name.present().is_some_and(|present| present.is_fresh);
        if is_fresh || name.look_again {
            let hops = name.hops.clone();
            self.find_unseen(index, &hops);
            self.watch_files(index);
        }
    }

    /// Has the text been truncated of which a file looked like a copy?
    fn has_proved_copy(&mut self, owner: usize, identity: Identity) -> bool {
        let doubt = self.lookalikes.doubt(identity);
        let proof = doubt.zip(self.names[owner].renewed);
        // It may have been known before the copy was met.
        let is_proved = proof.is_some_and(|(doubt, renewed)| renewed + SILENCE >= doubt.since);
        if is_proved {
            self.end_doubt(identity, owner);
        }
        is_proved
    }

    /// The text of which a file looked like a copy has been truncated: it is one.
    pub(super) fn end_doubt(&mut self, identity: Identity, owner: usize) {
        if let Some(told) = self.lookalikes.prove(identity) {
            let of = Arc::clone(&self.names[owner].shown);
            (self.notify)(&Notice::Copy(told, of));
        }
    }

    /// A file is read that may have been held.
    pub(super) fn let_in(&mut self, identity: Identity) {
        if let Some(told) = self.lookalikes.clear(identity) {
            (self.notify)(&Notice::LetIn(told));
        }
    }

    /// Tells once that a file is held, if that has not been over in a moment.
    fn tell_held(&mut self, owner: usize, path: &Path, identity: Identity) {
        if let Some(doubt) = self.lookalikes.doubt_mut(identity)
            && doubt.told.is_none()
            && doubt.since.elapsed() >= MOMENT
        {
            let name: Arc<OsStr> = path.as_os_str().into();
            doubt.told = Some(Arc::clone(&name));
            let of = Arc::clone(&self.names[owner].shown);
            (self.notify)(&Notice::Held(name, of));
        }
    }

    /// A file looks like a copy. It is one if the text is truncated; otherwise it may be a log that begins alike, which
    /// is to be read.
    fn doubt(&mut self, sibling: &Sibling) -> Copied {
        let now = Instant::now();
        let grown = self.note_doubt(sibling);
        let is_silent = now.saturating_duration_since(grown) >= SILENCE;
        // Without following there is no other look.
        if is_silent || self.is_last_look || !self.rules.follow {
            Copied::No
        } else {
            Copied::Perhaps
        }
    }

    /// Notes that a file looks like a copy, and tells since when it has not grown.
    pub(super) fn note_doubt(&mut self, sibling: &Sibling) -> Instant {
        let is_there = |identity, path: &Path| {
            let facts = self.disk.facts(path);
            facts.is_ok_and(|facts| facts.identity == identity)
        };
        self.lookalikes.forget_gone(is_there);
        self.lookalikes.note_doubt(&sibling.facts, &sibling.path)
    }

    /// Is somebody just copying the present file, perhaps, and not far enough to tell? Nothing is younger than what was
    /// made in the same tick of the clock.
    pub(super) fn may_become_copy(&self, index: usize, opened: &Opened<D::File>) -> bool {
        let facts = &opened.sibling.facts;
        let Some((present, born)) = self.names[index].present().zip(facts.identity.born) else {
            return false;
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let is_new =
            now.is_ok_and(|now| now.saturating_sub(Duration::from_nanos(born)) < self.rules.poll);
        // Without following there is no other look.
        self.rules.follow
            && !self.is_last_look
            && is_new
            && Some(born) >= present.identity.born
            && facts.length < TELLING as u64
            && begins_as(&*opened.file, present)
    }

    /// Is it a copy of a text that is already read? Then it comes of a copy-and-truncate, or was made by hand. `known` are
    /// the siblings that were there before.
    pub(super) fn is_copy(
        &self,
        index: usize,
        opened: &Opened<D::File>,
        known: &[Sibling],
    ) -> bool {
        let sibling = &opened.sibling;
        let born = sibling.facts.identity.born;
        let name = &self.names[index];
        // Whoever renames the files of a series does not copy them: one that stands in the series of a renamed one, and was
        // made when that was written last or later, was renamed, too, even if all lines are alike.
        let is_renamed = |generation: &Generation<D::File>| {
            let is_text = !generation.ended && !generation.is_copy;
            let at = place_of(known, generation.identity).filter(|_| is_text);
            at.is_some_and(|at| {
                let (of, facts) = (&known[at].facts, &sibling.facts);
                // Within one tick of the clock, what was copied and then written to is longer than its copy.
                let is_after = of.modified == born.unwrap_or(0) && of.length == facts.length;
                (Some(of.modified) < born || is_after)
                    && is_like(known[at].member().name, sibling.member().name)
            })
        };
        let is_in_series = name.generations.iter().any(is_renamed);
        name.generations.iter().enumerate().any(|(at, generation)| {
            if generation.kind.is_stream() || is_renamed(generation) {
                return false;
            }
            let of_file = generation.identity.born;
            // What is older than the file was not copied from it, however alike they begin.
            let is_older = born < of_file || is_in_series && born == of_file;
            // What is younger than the file that still has the name was not put aside before; within one tick of
            // the clock nothing is younger, and what was read of it tells. The text may have been truncated since
            // it was last looked at, and be in the copy only.
            let is_present = at >= name.retired() && born >= of_file;
            (generation.ended || is_present) && has_what_was_read(generation, opened)
                || !generation.ended
                    && (!is_older || generation.is_copy)
                    && is_part(&*opened.file, &sibling.facts, &*generation.file)
        })
    }
}

/// Does a short file begin as what is in another, or as what was read of it?
fn begins_as<F: Readable>(file: &F, other: &Generation<F>) -> bool {
    let (mut first, mut second) = ([0; TELLING], [0; TELLING]);
    let read = (
        file.read_at(&mut first, 0),
        other.file.read_at(&mut second, 0),
    );
    let (Ok(one), Ok(two)) = read else {
        return false;
    };
    second[..two].starts_with(&first[..one]) || other.marks.begin_with(&first[..one])
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
