//! Files that had a name unseen: between two looks, while the process was stopped, or before it ran. They are
//! found among the siblings of the name, by identity.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::reading::finished;
use super::siblings::{Opened, PASSES, Sibling, is_passing, place_of};
use super::{Engine, Past};
use crate::Notice;
use crate::disk::{Disk, Readable};
use crate::generation::Generation;
use crate::identity::{Identity, Text};
use crate::notice::Detail;
use crate::resolve::Hop;
use crate::series::{Age, Member};

impl<D: Disk> Engine<D> {
    /// Notes what is there beside a name when it is first looked at: it is not to be read.
    pub(crate) fn note_siblings(&mut self, index: usize) {
        let paths = self.siblings(index, &[]).into_iter();
        let siblings: Vec<Sibling> = paths.filter_map(|path| self.sibling(path)).collect();
        let identities = siblings.iter().map(|sibling| sibling.facts.identity);
        self.names[index].siblings = identities.collect();
        self.note_texts(index, &siblings);
        self.names[index].knows_siblings = !std::mem::take(&mut self.is_blind);
        if !self.names[index].knows_siblings {
            self.look_again_later(index);
        }
    }

    /// Now that there is a link, notes what is like its target and was there before the name was first looked at: it is not
    /// to be read.
    pub(crate) fn note_earlier_targets(&mut self, index: usize, before: &[Hop]) {
        let name = &self.names[index];
        let Some(since) = name.followed_since else {
            return;
        };
        let is_known = |hop: &Hop| {
            let mut links = before.iter().filter(|other| other.target.is_some());
            links.any(|other| other.directory == hop.directory && other.entry == hop.entry)
        };
        let mut links = name.hops.iter().filter(|hop| hop.target.is_some());
        if links.all(is_known) {
            return;
        }
        for path in self.siblings(index, &[]) {
            let sibling = self.sibling(path);
            let earlier = sibling.filter(|sibling| sibling.member().time < since);
            let earlier = earlier.map(|sibling| sibling.facts.identity);
            self.names[index].siblings.extend(earlier);
        }
    }

    /// What could not be seen now will be looked for later.
    pub(super) fn look_again_later(&mut self, index: usize) {
        self.names[index].look_again = true;
        self.look_later(index);
    }

    /// Finds the files that had the name unseen, and reads them before the present one. `before` is what the
    /// path went through when it was last looked at.
    pub(crate) fn find_unseen(&mut self, index: usize, before: &[Hop]) {
        if !self.names[index].knows_siblings {
            return self.note_siblings(index);
        }
        let mut tries = 0;
        let (mut known, mut unseen, copies, is_open) = loop {
            let (known, unseen, is_open) = self.meet_siblings(index, before);
            if std::mem::take(&mut self.is_blind) {
                // Nothing is concluded from what is not all there is.
                return self.look_again_later(index);
            }
            let (unseen, copies) = unseen
                .into_iter()
                .partition::<Vec<_>, _>(|opened| !self.is_copy(index, opened, &known));
            tries += 1;
            // What is still in the present file came after all of these. If it is not, some of them may have come after it,
            // and its own copy is among them.
            if unseen.is_empty() || !self.renew_all(index) || tries == PASSES {
                break (known, unseen, copies, is_open);
            }
            self.forget_listings_before(Instant::now());
        };
        if is_open {
            self.look_again_later(index);
        }
        // What has just been put aside is no older than what was found with it.
        let present = self.names[index].present().map(|present| present.identity);
        let old = known.iter();
        let old = old.filter(|sibling| present != Some(sibling.facts.identity));
        let old: Vec<Member<'_>> = old.map(Sibling::member).collect();
        let new: Vec<Member<'_>> = unseen.iter().chain(&copies).map(Opened::member).collect();
        let entry = self.names[index].hops.last().map(|hop| &*hop.entry);
        let age = Age::learn(&old, &new, entry.unwrap_or_default());
        // Of a text that has not been read yet nothing tells after it is truncated: what is its copy now may be all of it.
        let is_unread = !copies.is_empty() && self.names[index].has_unread_present();
        let to_come = copies.iter().filter(|_| !is_unread);
        let new = unseen.iter().chain(to_come).map(|opened| &opened.sibling);
        let all = known.iter().chain(new);
        let found = all.map(|sibling| sibling.facts.identity).collect();
        let name = &mut self.names[index];
        name.know_siblings(found);
        name.look_again |= is_unread;
        unseen.sort_by(|one, other| age.compare(one.member(), other.member()));
        for copy in copies {
            if !self.globs.is_empty() && !self.lookalikes.is_copy(copy.sibling.facts.identity) {
                self.note_doubt(&copy.sibling);
            }
            self.names[index].texts.remove(&copy.sibling.facts.identity);
            known.push(copy.sibling);
        }
        self.note_texts(index, &known);
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

    /// The siblings that are known, and those that are not, and whether there is one of which more can be told later.
    fn meet_siblings(
        &mut self,
        index: usize,
        before: &[Hop],
    ) -> (Vec<Sibling>, Vec<Opened<D::File>>, bool) {
        let name = &self.names[index];
        let generations = name
            .generations
            .iter()
            .map(|generation| generation.identity);
        let own: HashSet<Identity> = name.known_siblings().chain(generations).collect();
        let (mut known, mut unseen) = (Vec::new(), Vec::new());
        let mut met = HashSet::new();
        let mut is_open = false;
        let present = name.present().map(|present| present.identity);
        let of_present = present.and_then(|present| present.born);
        for _ in 0..PASSES {
            // While files go from one name to the next, one that has not been met may pass by.
            let mut is_moving = false;
            for path in self.siblings(index, before) {
                let Some(sibling) = self.sibling(path.clone()) else {
                    is_moving |= self.disk.entry(&path).is_err();
                    continue;
                };
                let identity = sibling.facts.identity;
                if met.contains(&identity) {
                    continue;
                }
                is_moving |= present == Some(identity);
                // Most are: of hundreds that were put aside only those are opened that have to be read.
                if self.is_known(&own, identity) && self.is_sure(&own, identity) {
                    met.insert(identity);
                    known.push(sibling);
                    continue;
                }
                let opened = match self.open(sibling) {
                    Ok(opened) => opened,
                    Err(error) => {
                        is_open |= is_passing(&error);
                        continue;
                    }
                };
                let identity = opened.sibling.facts.identity;
                if !met.insert(identity) {
                    continue;
                }
                if self.is_known(&own, identity) && !self.is_another(index, &opened) {
                    known.push(opened.sibling);
                } else if identity.born > of_present && self.may_become_copy(index, &opened) {
                    is_open = true;
                } else {
                    is_moving = true;
                    unseen.push(opened);
                }
            }
            if !is_moving {
                break;
            }
            self.forget_listings_before(Instant::now());
        }
        (known, unseen, is_open)
    }

    /// Files that were quiet, and closed, and have lost their name since can be opened by the one they have now.
    fn take_hold(&mut self, index: usize, known: &[Sibling]) {
        for at in 0..self.names[index].retired() {
            let generation = &self.names[index].generations[at];
            if generation.ended || generation.file.is_within_reach() {
                continue;
            }
            let found = place_of(known, generation.identity);
            let found = found.map(|at| self.disk.open(&known[at].path)).transpose();
            if found.as_ref().is_err_and(is_passing) {
                self.look_again_later(index);
                continue;
            }
            let found = found.ok().flatten();
            let tail = self.take_tail(index, at);
            let name = &mut self.names[index];
            let generation = &mut name.generations[at];
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
        let is_younger = |other: &Generation<D::File>| {
            if other.is_copy && other.position > 0 && !other.is_fresh {
                // What goes on with a text that was read comes first, however late it was copied.
                return false;
            }
            match place_of(known, other.identity) {
                Some(at) => age.compare(known[at].member(), sibling.member()).is_gt(),
                // It is not there any more: then the time of birth has to do.
                None => other.identity.born > sibling.facts.identity.born,
            }
        };
        let mut at = name.retired();
        while at > 0 && is_younger(&name.generations[at - 1]) {
            at -= 1;
        }
        at
    }

    fn add_unseen(&mut self, index: usize, at: usize, opened: &Opened<D::File>) {
        let key = self.new_key();
        let identity = opened.sibling.facts.identity;
        // It may have the number of one that is gone.
        self.past.remove(&identity);
        let name = &mut self.names[index];
        name.texts.remove(&identity);
        let path: Arc<Path> = opened.sibling.path.as_path().into();
        let unseen = Detail::Unseen(Arc::clone(&name.shown), Arc::clone(&path));
        (self.notify)(&Notice::Detail(unseen));
        let file = Arc::clone(&opened.file);
        let mut generation = Generation::new(key, file, &opened.sibling.facts, 0);
        // The file that has the name, and was truncated, had it before this one was made, which never did, then: it is a
        // copy of a text that came and went in that file. (One that was not may have been made before it got the name.)
        let present = name.present().filter(|_| name.renewed.is_some());
        generation.is_copy = present.is_some_and(|present| present.identity.born < identity.born);
        self.owners.add(&generation, index);
        name.generations.insert(at, generation);
        name.account.find_aside();
        self.note_found(index, &path);
        self.queue(index);
    }

    /// Notes what is in siblings that their identity does not tell from later files, which may get their numbers.
    fn note_texts(&mut self, index: usize, siblings: &[Sibling]) {
        for sibling in siblings {
            let identity = sibling.facts.identity;
            let is_noted = self.names[index].texts.contains_key(&identity);
            if identity.telling_birth().is_some() || is_noted || self.owners.has(identity) {
                continue;
            }
            let opened = self.disk.open(&sibling.path);
            let text = opened.and_then(|file| {
                let facts = file.facts()?;
                let text = Text::read(&file, facts.length)?;
                Ok((facts.identity, text))
            });
            if let Ok((opened, text)) = text
                && opened == identity
            {
                self.names[index].texts.insert(identity, text);
            }
        }
    }

    fn is_known(&self, own: &HashSet<Identity>, identity: Identity) -> bool {
        own.contains(&identity) || self.is_anywhere(identity)
    }

    /// Is a known file the one that was known, whatever is in it?
    fn is_sure(&self, own: &HashSet<Identity>, identity: Identity) -> bool {
        let born = own.get(&identity).and_then(|known| known.born);
        identity.telling_birth().is_some()
            || self.owners.has(identity)
            || born.is_some() && born == identity.born
    }

    /// Is it another file than the known one that had its number, as far as what was seen in that can tell?
    fn is_another(&self, index: usize, opened: &Opened<D::File>) -> bool {
        let facts = &opened.sibling.facts;
        let identity = facts.identity;
        if identity.telling_birth().is_some() || self.owners.has(identity) {
            return false;
        }
        let past = self.past.get(&identity).map(Past::text);
        let text = self.names[index].texts.get(&identity).copied().or(past);
        let is_in = text.map(|text| text.is_in(&*opened.file, facts.length));
        matches!(is_in, Some(Ok(false)))
    }

    /// Was it let go, or is it another name's?
    pub(super) fn is_anywhere(&self, identity: Identity) -> bool {
        self.past.contains_key(&identity) || self.owners.has(identity)
    }
}
