//! Going on where an earlier run ended.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use costage::{Error, FileId, Result};

use super::Engine;
use crate::Notice;
use crate::disk::{Disk, Facts, Readable};
use crate::generation::Generation;
use crate::globs::Glob;
use crate::identity::Identity;
use crate::marks::Marks;
use crate::name::{Name, SILENCE};
use crate::notice::Detail;
use crate::state::{SavedFile, SavedName, SavedSibling, State};
use crate::state_file::StateFile;

/// What has been written is saved after this long: what is written in between is repeated after a SIGKILL. Half
/// of what is promised, so that a busy machine keeps the promise.
const SAVE_AFTER: Duration = Duration::from_millis(50);
/// Before something that may take long, what has been written is saved after this long.
const SAVE_EARLY: Duration = Duration::from_millis(10);
/// Where that fails it is tried again, after twice as long each time, and at the latest after this long.
const SAVE_AGAIN_AT_MOST: Duration = Duration::from_secs(1);

/// Saves where reading stands.
pub(crate) struct Saver {
    file: StateFile,
    /// Names that are not followed now, which are kept; one that was given twice was saved twice.
    others: BTreeMap<PathBuf, Vec<SavedName>>,
    /// Since when something is not saved, or when saving it failed.
    pub(crate) since: Option<Instant>,
    /// Saving failed last, and is not tried again before this has passed.
    pause: Option<Duration>,
    said_unsaved: bool,
}

impl Saver {
    pub(crate) fn new(file: StateFile, state: State) -> Saver {
        let mut others = BTreeMap::<PathBuf, Vec<SavedName>>::new();
        for name in state.names {
            others.entry(name.path.clone()).or_default().push(name);
        }
        Saver {
            file,
            others,
            since: Some(Instant::now()),
            pause: None,
            said_unsaved: false,
        }
    }

    /// When to save next.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due_after(SAVE_AFTER)
    }

    fn due_after(&self, delay: Duration) -> Option<Instant> {
        self.since.map(|since| since + self.pause.unwrap_or(delay))
    }

    /// Takes what was saved of a name; of one that was saved twice the first.
    fn take(&mut self, path: &Path) -> Option<SavedName> {
        let saved = self.others.get_mut(path)?;
        let first = saved.remove(0);
        if saved.is_empty() {
            self.others.remove(path);
        }
        Some(first)
    }

    /// Replaces the state.
    fn save(&mut self, state: &State) -> Result<()> {
        let saved = self.file.save(state);
        if saved.is_ok() {
            (self.since, self.pause, self.said_unsaved) = (None, None, false);
        } else {
            let pause = 2 * self.pause.unwrap_or(SAVE_AFTER);
            self.pause = Some(pause.min(SAVE_AGAIN_AT_MOST));
            self.since = Some(Instant::now());
        }
        saved
    }
}

impl<D: Disk> Engine<D> {
    /// Takes up what was saved of a name, without looking at it yet; false, if nothing was.
    pub(crate) fn take_up_saved(&mut self, index: usize) -> bool {
        let path = &self.names[index].path;
        let found = self.saver.as_mut().and_then(|saver| saver.take(path));
        let is_saved = found.is_some();
        if let Some(saved) = found {
            self.take_up(index, saved);
        }
        is_saved
    }

    /// Takes up what was saved of the names that match a pattern, without looking at them yet; false, if no earlier run
    /// followed the pattern.
    pub(crate) fn take_up_matches(&mut self, at: usize) -> bool {
        let was_followed = self.take_up_pattern(at);
        for path in self.saved_matches(at) {
            // Their files may have other names now, which match too.
            let is_meant = was_followed || self.disk.entry(&path).is_ok();
            let is_own = |facts: Facts| self.is_own(facts.identity);
            let is_meant = is_meant && !self.disk.facts(&path).is_ok_and(is_own);
            if is_meant && !self.paths.contains_key(&path) {
                let index = self.add_match(&path);
                self.take_up_saved(index);
            }
        }
        was_followed
    }

    /// Did an earlier run follow a pattern? It is noted as a name without files.
    fn take_up_pattern(&mut self, at: usize) -> bool {
        let saver = self.saver.as_mut();
        let pattern = Path::new(self.globs[at].typed());
        saver.and_then(|saver| saver.take(pattern)).is_some()
    }

    /// Is this the file in which the state is kept?
    pub(crate) fn is_state(&self, path: &Path) -> bool {
        let saver = self.saver.as_ref();
        saver.is_some_and(|saver| saver.file.is_at(path))
    }

    /// The same, which changes with each save.
    pub(crate) fn state_file(&self) -> Option<FileId> {
        self.saver.as_ref().and_then(|saver| saver.file.id())
    }

    /// The names that an earlier run found to match a pattern.
    fn saved_matches(&self, at: usize) -> Vec<PathBuf> {
        let saved = self.saver.iter().flat_map(|saver| &saver.others);
        let saved = saved.filter(|(path, saved)| {
            let has_files = saved.iter().any(|saved| !saved.files.is_empty());
            has_files && self.globs[at].fits(path)
        });
        saved.map(|(path, _)| path.clone()).collect()
    }

    /// Finds the files of a name again, each of which is read on.
    fn take_up(&mut self, index: usize, saved: SavedName) {
        let name = &mut self.names[index];
        name.siblings = saved.siblings.iter().map(|known| known.identity).collect();
        let texts = saved.siblings.iter();
        let texts = texts.filter_map(|known| Some((known.identity, known.text?)));
        name.texts = texts.collect();
        // The files that were followed may all have other names now.
        self.rewatch(index);
        // Asked once: there may be as many files to find as there are siblings.
        let places = self.places(index);
        let files = saved.files.into_iter().map(|file| (file, false));
        for (file, is_told) in files.chain(saved.away.map(|file| (file, true))) {
            let is_found = self.take_up_file(index, &file, &places, is_told);
            self.names[index].away = (!is_found).then_some(file);
        }
        self.names[index].look_again = true;
        self.names[index].caught_up = true;
    }

    /// Finds a file again, or tells that it is gone, if that has not been told.
    fn take_up_file(
        &mut self,
        index: usize,
        saved: &SavedFile,
        places: &HashMap<Identity, PathBuf>,
        is_told: bool,
    ) -> bool {
        // An earlier run may have followed what this one writes to.
        if self.rules.output == Some(saved.identity.file()) {
            return true;
        }
        let present = self.names[index].path.clone();
        let present = self.disk.open(&present).and_then(|file| {
            let facts = file.facts()?;
            Ok((Arc::new(file), facts))
        });
        let is_it = |file: &D::File| Marks::saved(file, saved.fingerprint, saved.position);
        let present = present
            .ok()
            .filter(|(_, facts)| facts.identity == saved.identity);
        let length = present.as_ref().map(|(_, facts)| facts.length);
        let found = match present {
            // Another text, if it was truncated or written anew.
            Some((file, facts)) => is_it(&file)
                .ok()
                .flatten()
                .map(|marks| (file, facts, marks)),
            None => self
                .opened_at(places.get(&saved.identity), saved)
                .or_else(|| {
                    // It may have been renamed since.
                    self.sibling_with(index, |file, facts| {
                        (facts.identity == saved.identity)
                            .then(|| is_it(file).ok().flatten())
                            .flatten()
                    })
                })
                .or_else(|| self.match_with(saved)),
        };
        let found = found.or_else(|| {
            // Its text may stand in a copy.
            (saved.position > 0)
                .then(|| self.sibling_with(index, |file, _| is_it(file).ok().flatten()))
                .flatten()
        });
        let name = &self.names[index];
        let shown = Arc::clone(&name.shown);
        let Some((file, facts, marks)) = found else {
            if is_told {
                return false;
            }
            (self.notify)(&match length {
                None => Notice::Vanished(shown, saved.position),
                Some(length) if length < saved.position => {
                    Notice::TruncatedUnseen(shown, saved.position)
                }
                Some(_) => Notice::RewrittenUnseen(shown, saved.position),
            });
            return false;
        };
        let key = self.new_key();
        let resumed = Detail::Resumed(shown, saved.position);
        (self.notify)(&Notice::Detail(resumed));
        let generation = Generation::marked(key, file, &facts, saved.position, marks);
        self.owners.add(&generation, index);
        self.names[index].generations.push_back(generation);
        true
    }

    /// The file at a path, if it is the saved one.
    fn opened_at(
        &self,
        path: Option<&PathBuf>,
        saved: &SavedFile,
    ) -> Option<(Arc<D::File>, Facts, Marks)> {
        let file = self.disk.open(path?).ok()?;
        let facts = file.facts().ok()?;
        if facts.identity != saved.identity {
            return None;
        }
        let marks = Marks::saved(&file, saved.fingerprint, saved.position);
        Some((Arc::new(file), facts, marks.ok()??))
    }

    /// A sibling in which `find` finds the marks of what was read.
    fn sibling_with(
        &mut self,
        index: usize,
        mut find: impl FnMut(&D::File, &Facts) -> Option<Marks>,
    ) -> Option<(Arc<D::File>, Facts, Marks)> {
        // It may have been renamed since the directory was last listed, just when all are looked for.
        for _ in 0..2 {
            let mut found = None;
            let sibling = self.sibling_that(index, |file, facts| {
                found = find(file, facts);
                found.is_some()
            });
            if let (Some((file, facts)), Some(marks)) = (sibling, found) {
                return Some((file, facts, marks));
            }
            self.listings.clear();
        }
        None
    }

    /// A file that was saved, under another name that matches a pattern.
    fn match_with(&self, saved: &SavedFile) -> Option<(Arc<D::File>, Facts, Marks)> {
        let mut matches = self.globs.iter().flat_map(Glob::matches);
        matches.find_map(|path| {
            let is_it = |facts: &Facts| facts.identity == saved.identity;
            self.disk.facts(&path).ok().filter(is_it)?;
            let file = self.disk.open(&path).ok()?;
            let facts = file.facts().ok().filter(is_it)?;
            let marks = Marks::saved(&file, saved.fingerprint, saved.position);
            Some((Arc::new(file), facts, marks.ok().flatten()?))
        })
    }

    /// Learns what has been written since it was last asked.
    pub(crate) fn settle(&mut self) {
        let Some(ledger) = &mut self.outbox.ledger else {
            return;
        };
        let names = &mut self.names;
        let mut is_news = false;
        ledger.settle(|(index, key), position| {
            if let Some(at) = names[index].place(key) {
                let written = &mut names[index].generations[at].written;
                is_news |= *written != position;
                *written = position;
            }
        });
        if is_news {
            self.mark_unsaved();
        }
    }

    /// What is saved is not as it is any more.
    pub(crate) fn mark_unsaved(&mut self) {
        if let Some(saver) = &mut self.saver {
            saver.since.get_or_insert_with(Instant::now);
        }
    }

    /// Saves what is due to be saved.
    pub(crate) fn save_in_time(&mut self) {
        self.save_after(SAVE_AFTER);
    }

    /// Saves before names are looked at: among many siblings, or on a busy machine, that may take longer than what has
    /// been written may wait.
    pub(crate) fn save_before_looking(&mut self) {
        self.save_after(SAVE_EARLY);
    }

    fn save_after(&mut self, delay: Duration) {
        let due = self.saver.as_ref().and_then(|saver| saver.due_after(delay));
        if due.is_some_and(|due| due <= Instant::now())
            && let Err(error) = self.save()
        {
            self.tell_unsaved(error);
        }
    }

    /// Saves up to where lines have been written, if that has changed.
    pub(crate) fn save(&mut self) -> Result<()> {
        self.settle();
        let Some(saver) = &mut self.saver else {
            return Ok(());
        };
        if saver.since.is_none() {
            return Ok(());
        }
        let mut names: Vec<SavedName> = saver.others.values().flatten().cloned().collect();
        let followed = self.names.iter().filter(|name| !name.is_free);
        names.extend(followed.map(|name| {
            SavedName {
                path: name.path.clone(),
                files: saved_files(name),
                present: name.present,
                away: name.away,
                siblings: name
                    .known_siblings()
                    .filter(|known| self.lookalikes.doubt(*known).is_none())
                    .map(|identity| SavedSibling {
                        identity,
                        text: name.text_of(identity),
                    })
                    .collect(),
            }
        }));
        names.extend(self.globs.iter().map(|glob| SavedName {
            path: glob.typed().into(),
            files: Vec::new(),
            present: false,
            away: None,
            siblings: Vec::new(),
        }));
        saver.save(&State { names })
    }

    /// The same, for whoever has not: failing is told, if it was not.
    pub(crate) fn save_at_last(&mut self) {
        if let Err(error) = self.save() {
            self.tell_unsaved(error);
        }
    }

    fn tell_unsaved(&mut self, error: Error) {
        if let Some(saver) = &mut self.saver
            && !std::mem::replace(&mut saver.said_unsaved, true)
        {
            (self.notify)(&Notice::Unsaved(error));
        }
    }

    /// Saves before the chain takes the last of it, which another signal may cut short. If that fails the last save
    /// tells.
    pub(crate) fn save_at_the_stop(&mut self) {
        self.count_parts(true);
        let _ = self.save();
        self.count_parts(false);
    }

    /// Does each byte count of a line that was written in part? Only of what the next run gives out first, and as it
    /// stands.
    fn count_parts(&mut self, counts: bool) {
        let is_alone = self.names.len() == 1 && self.globs.is_empty() && self.outbox.is_plain();
        let oldest = self.names.first().and_then(|name| name.generations.front());
        let oldest = oldest.map(|oldest| (0, oldest.key));
        if let Some(ledger) = &mut self.outbox.ledger {
            ledger.to_the_byte = oldest.filter(|_| counts && is_alone);
        }
    }

    /// Saves at the end, so that it lasts: within a line, if the output keeps the part of it that it has.
    pub(crate) fn save_at_the_end(&mut self, keeps_parts: bool) -> Result<()> {
        self.count_parts(keeps_parts);
        let saved = self.save();
        if let Some(saver) = &mut self.saver {
            // Whoever asked for it is told.
            saver.said_unsaved |= saved.is_err();
            saved?;
            saver.file.sync()?;
        }
        Ok(())
    }
}

/// The files of a name that matter to the next run. Not those that would have been let go: one day they are gone,
/// and that is no gap.
fn saved_files<F: Readable>(name: &Name<F>) -> Vec<SavedFile> {
    let is_done = |generation: &Generation<F>| {
        let facts = generation.file.facts();
        let is_read = generation.written == generation.position && !generation.has_more();
        is_read && facts.is_ok_and(|facts| is_silent(facts.modified))
    };
    let generations = name.generations.iter().enumerate();
    let alive =
        generations.filter(|(at, generation)| *at >= name.retired() || !is_done(generation));
    alive
        .filter_map(|(_, generation)| saved(generation))
        .collect()
}

/// Has nothing been written since so long that a file can be let go?
fn is_silent(modified: u64) -> bool {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.is_ok_and(|since| since.saturating_sub(Duration::from_nanos(modified)) >= SILENCE)
}

/// What is saved of a file: as far as its lines have been written.
fn saved<F: Readable>(generation: &Generation<F>) -> Option<SavedFile> {
    if generation.kind.is_stream() || generation.ended {
        return None;
    }
    let position = generation.written;
    let marks = if position == generation.position {
        generation.marks.clone()
    } else {
        // They are read now, and have to be of the text that was read.
        let is_there = generation
            .marks
            .are_in(&*generation.file, generation.position);
        if !is_there.unwrap_or(false) {
            return None;
        }
        Marks::read(&*generation.file, position).ok()?
    };
    Some(SavedFile {
        identity: generation.identity,
        fingerprint: marks.fingerprint(),
        position,
    })
}
