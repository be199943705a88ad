//! Letting go: retired files whose writers have been silent.

use std::sync::Arc;
use std::time::Instant;

use super::reading::Ahead;
use super::{Engine, Past, REMEMBERED};
use crate::Notice;
use crate::disk::{Disk, Readable};
use crate::generation::Generation;
use crate::notice::Detail;

impl<D: Disk> Engine<D> {
    /// Lets retired files go whose writers have been silent.
    pub(crate) fn let_go(&mut self, index: usize, now: Instant) {
        if self.names[index].queued {
            // Something came, which ends the silence when it is read.
            return;
        }
        while let Some(at) = self.names[index].silent(now) {
            let generation = &mut self.names[index].generations[at];
            let whose = (index, generation.key);
            if self
                .outbox
                .ledger
                .as_ref()
                .is_some_and(|ledger| ledger.owes(whose))
            {
                // A state that is saved has to know it.
                generation.last_data = now;
                continue;
            }
            if !generation.ended && !generation.file.is_within_reach() {
                // What it holds is known when there is a descriptor to open it with, or when it is found to be gone.
                generation.last_data = now;
                self.look_again_later(index);
                continue;
            }
            if generation.has_more() {
                if !generation.said_unreadable {
                    // It came just now, or the file cannot be watched.
                    return self.look_at_data(index);
                }
                let came = self.read_ahead(index, at);
                let name = &self.names[index];
                let generation = &name.generations[at];
                if !matches!(came, Ahead::Nothing) || !generation.said_unreadable {
                    return self.queue(index);
                }
                let given_up = Notice::GivenUp(Arc::clone(&name.shown), generation.unread());
                (self.notify)(&given_up);
            }
            let tail = self.take_tail(index, at);
            let Some(mut generation) = self.names[index].generations.remove(at) else {
                return;
            };
            let heirs = self.disown(&generation);
            self.unwatch_file(index, generation.watch);
            self.give_out_last(index, &mut generation, tail);
            self.mark_unsaved();
            let shown = Arc::clone(&self.names[index].shown);
            (self.notify)(&Notice::Detail(Detail::LetGo(shown)));
            self.remember(index, generation);
            for heir in heirs {
                self.look_at_name(heir, None);
            }
            if !self.names[index].present {
                self.give_up(index);
            }
            // Lines of newer ones may have waited for it.
            self.queue(index);
            self.forget_gone(index);
        }
    }

    /// A generation has left its name. Which names stand for its file, and go on with it now?
    pub(super) fn disown(&mut self, generation: &Generation<D::File>) -> Vec<usize> {
        let mut heirs = self.owners.remove(generation);
        heirs.retain(|&heir| {
            let elsewhere = &mut self.names[heir].elsewhere;
            elsewhere
                .take_if(|other| *other == generation.identity)
                .is_some()
        });
        heirs
    }

    /// Remembers how far a file was read that is let go.
    fn remember(&mut self, index: usize, generation: Generation<D::File>) {
        if generation.ended || generation.kind.is_stream() {
            return;
        }
        if self.past.len() >= REMEMBERED {
            // Which, matters little: few ever come back.
            let some = self.past.keys().next().copied();
            some.and_then(|identity| self.past.remove(&identity));
        }
        if generation.identity.telling_birth().is_none() {
            let texts = &mut self.names[index].texts;
            texts.insert(generation.identity, generation.text());
        }
        let past = Past {
            position: generation.position,
            marks: generation.marks,
        };
        self.past.insert(generation.identity, past);
    }
}
