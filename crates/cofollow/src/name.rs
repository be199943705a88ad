//! One name that is followed, and the files it stands and stood for.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use costage::{Call, Error, FileId};

use crate::Notice;
use crate::direct::FileWatch;
use crate::disk::{Disk, Facts, Kind, Readable};
use crate::engine::is_passing;
use crate::generation::Generation;
use crate::identity::{Identity, Text};
use crate::marks::Marks;
use crate::passing::Account;
use crate::resolve::Hop;
use crate::state::SavedFile;

/// A retired file is let go when its writer has been silent for this long.
pub(crate) const SILENCE: Duration = Duration::from_secs(10);

/// One name, as it was typed.
pub(crate) struct Name<F> {
    pub(crate) path: PathBuf,
    /// The same for messages and headers.
    pub(crate) shown: Arc<OsStr>,
    /// What its meaning depends on, as it was last resolved and is watched.
    pub(crate) hops: Vec<Hop>,
    /// Oldest first.
    pub(crate) generations: VecDeque<Generation<F>>,
    /// Is the last generation what the name stands for?
    pub(crate) present: bool,
    /// The files beside it that a rotation may have made, when it was last looked at: those that were there
    /// before it was followed, too, which are not to be read.
    pub(crate) siblings: Vec<Identity>,
    /// What was last seen in those of them that their identity does not tell from later files.
    pub(crate) texts: BTreeMap<Identity, Text>,
    /// When the directory they are in had changed last as it was listed, if that would tell of a later change.
    pub(crate) listed: Option<u64>,
    /// Could they all be seen?
    pub(crate) knows_siblings: bool,
    /// What the name stood for in an earlier run and is gone, as was said: should it come back it goes on where it was.
    pub(crate) away: Option<SavedFile>,
    /// When the name was first looked at, in nanoseconds since 1970: what was made before was there before. None, if an
    /// earlier run looked at it.
    pub(crate) followed_since: Option<u64>,
    /// Those that were there before, and since when they are not.
    absent: Vec<(Identity, Instant)>,
    /// When another text was last found in one of its files.
    pub(crate) renewed: Option<Instant>,
    /// A look found changes, and more may have come while it looked.
    pub(crate) look_again: bool,
    /// Which of those that came have been found.
    pub(crate) account: Account,
    /// What is wrong with it, as it was last said.
    said: Option<io::ErrorKind>,
    /// It cannot be watched, or not all that it goes through.
    pub(crate) is_polled: bool,
    /// That has been said.
    pub(crate) said_polled: bool,
    /// Its file has been opened, and it is that which is followed, or it is given up.
    pub(crate) is_settled: bool,
    /// It is one of those that match a pattern.
    pub(crate) is_matched: bool,
    /// It matched, and is gone: its place is another's.
    pub(crate) is_free: bool,
    /// Has it ever had a file?
    was_read: bool,
    /// Reading one failed.
    failed: bool,
    /// Does the present file have other names (hard links)? What is written through one of them is not told of this
    /// one's directory.
    has_links: bool,
    /// The file it stands for had another name, under which it is still read.
    pub(crate) elsewhere: Option<Identity>,
    /// Is it in the queue of those to read?
    pub(crate) queued: bool,
    /// Has all been read that was there at the start, and how much was that?
    pub(crate) caught_up: bool,
    pub(crate) start_length: u64,
    /// When to look next though nothing is told: it cannot be watched, or a look was put off.
    pub(crate) look_at: Option<Instant>,
    /// When there is something to do, as the clock of all names has it.
    pub(crate) alarm: Option<Instant>,
}

/// What a look at a name found.
pub(crate) enum Found<F> {
    /// What was known.
    Same,
    /// The name stands for this file, which is new; it is not yet among the generations.
    New(F, Facts),
    /// Nothing that can be followed.
    Nothing,
    /// Another file, which cannot be opened now and may be later.
    Unknown,
}

impl<F: Readable> Name<F> {
    pub(crate) fn new(path: &Path, shown: Arc<OsStr>) -> Name<F> {
        Name {
            path: path.to_owned(),
            shown,
            hops: Vec::new(),
            // Most never have another; the next size would be four.
            generations: VecDeque::with_capacity(1),
            present: false,
            siblings: Vec::new(),
            texts: BTreeMap::new(),
            listed: None,
            knows_siblings: true,
            away: None,
            followed_since: None,
            absent: Vec::new(),
            renewed: None,
            look_again: false,
            account: Account::default(),
            said: None,
            is_polled: false,
            said_polled: false,
            is_settled: false,
            is_matched: false,
            is_free: false,
            was_read: false,
            failed: false,
            has_links: false,
            elsewhere: None,
            queued: false,
            caught_up: false,
            start_length: 0,
            look_at: None,
            alarm: None,
        }
    }

    /// Looks what the name stands for now. The output and the state are what this run writes itself.
    pub(crate) fn look(
        &mut self,
        disk: &impl Disk<File = F>,
        output: Option<FileId>,
        state: Option<FileId>,
        notify: &mut dyn FnMut(&Notice),
    ) -> Found<F> {
        let facts = disk.facts(&self.path);
        self.has_links = facts.as_ref().is_ok_and(|facts| facts.links > 1);
        match facts {
            Ok(facts) if self.is_present(facts.identity) => return Found::Same,
            Ok(facts) if self.come_back(facts.identity) => return Found::Same,
            Ok(facts) if self.elsewhere == Some(facts.identity) => return Found::Same,
            Ok(facts) if matches!(facts.kind, Kind::Directory | Kind::Other) => {
                self.refuse(facts.kind, notify);
                return Found::Nothing;
            }
            _ => {}
        }
        let opened = disk.open(&self.path).and_then(|file| {
            let facts = file.facts()?;
            Ok((file, facts))
        });
        match opened {
            Ok((_, facts)) if output == Some(facts.identity.file()) => {
                self.refuse_own(Notice::IsOutput, notify);
                Found::Nothing
            }
            Ok((_, facts)) if state == Some(facts.identity.file()) => {
                self.refuse_own(Notice::IsState, notify);
                Found::Nothing
            }
            // Swapped between the two calls, perhaps back to what was known.
            Ok((_, facts)) if matches!(facts.kind, Kind::Directory | Kind::Other) => {
                self.refuse(facts.kind, notify);
                Found::Nothing
            }
            Ok((_, facts)) if self.is_present(facts.identity) => Found::Same,
            Ok((_, facts)) if self.come_back(facts.identity) => Found::Same,
            Ok((file, facts)) => {
                let name = Arc::clone(&self.shown);
                if self.present {
                    notify(&Notice::Replaced(name));
                } else {
                    match self.said {
                        Some(io::ErrorKind::NotFound) => notify(&Notice::Appeared(name)),
                        Some(_) => notify(&Notice::Accessible(name)),
                        // It was put aside while it was looked at. What was put aside before an earlier run ended
                        // on it is no news: who runs it every minute would hear of each rotation.
                        None if self.was_read => notify(&Notice::Replaced(name)),
                        None => {}
                    }
                }
                self.retire();
                Found::New(file, facts)
            }
            Err(error) if is_passing(&error) => {
                if self.said.replace(error.kind()) != Some(error.kind()) {
                    let error = Error::io(Call::Open, self.shown.to_string_lossy(), error);
                    notify(&Notice::Unreadable(error));
                }
                Found::Unknown
            }
            Err(error) => {
                self.miss(error, notify);
                Found::Nothing
            }
        }
    }

    /// The file the name stands for.
    pub(crate) fn present(&self) -> Option<&Generation<F>> {
        self.generations.back().filter(|_| self.present)
    }

    /// Has it a present file of which nothing has been read yet?
    pub(crate) fn has_unread_present(&self) -> bool {
        self.present().is_some_and(|present| present.position == 0)
    }

    fn is_present(&self, identity: Identity) -> bool {
        self.present()
            .is_some_and(|present| present.identity == identity)
    }

    /// A retired file that has its name back goes on where it was.
    fn come_back(&mut self, identity: Identity) -> bool {
        let known = self
            .generations
            .iter()
            .rposition(|generation| generation.identity == identity && !generation.ended);
        let Some(generation) = known.and_then(|at| self.generations.remove(at)) else {
            return false;
        };
        self.retire();
        self.generations.push_back(generation);
        self.account.find();
        self.has_file();
        true
    }

    fn miss(&mut self, error: io::Error, notify: &mut dyn FnMut(&Notice)) {
        let kind = error.kind();
        let is_gone = kind == io::ErrorKind::NotFound;
        if self.present {
            let error = Arc::new(error);
            notify(&Notice::Gone(Arc::clone(&self.shown), error));
        } else if self.said != Some(kind) && !(is_gone && (self.was_read || self.is_matched)) {
            let error = Error::io(Call::Open, self.shown.to_string_lossy(), error);
            notify(&Notice::Unreadable(error));
        }
        self.retire();
        self.said = Some(kind);
    }

    /// It stands for something that has no lines.
    fn refuse(&mut self, kind: Kind, notify: &mut dyn FnMut(&Notice)) {
        let said = io::ErrorKind::IsADirectory;
        if self.present || self.was_read && self.said != Some(said) {
            notify(&Notice::ReplacedByOther(Arc::clone(&self.shown)));
        } else if self.said != Some(said) {
            if kind == Kind::Directory {
                // What reading it would answer.
                let error = io::Error::from_raw_os_error(rustix::io::Errno::ISDIR.raw_os_error());
                let error = Error::io(Call::Read, self.shown.to_string_lossy(), error);
                notify(&Notice::Unreadable(error));
            }
            notify(&Notice::Unfollowable(Arc::clone(&self.shown)));
        }
        self.retire();
        self.said = Some(said);
    }

    /// It stands for what it is written to itself.
    fn refuse_own(&mut self, why: impl Fn(Arc<OsStr>) -> Notice, notify: &mut dyn FnMut(&Notice)) {
        let said = io::ErrorKind::ResourceBusy;
        if self.said.replace(said) != Some(said) {
            notify(&why(Arc::clone(&self.shown)));
        }
        self.retire();
    }

    /// The name stands for its present file no longer.
    pub(crate) fn retire(&mut self) {
        if self.present
            && let Some(last) = self.generations.back_mut()
        {
            last.last_data = Instant::now();
        }
        self.present = false;
    }

    /// How far an earlier run read a file that has the name again, if it is that and has the same text.
    pub(crate) fn was_away(&self, identity: Identity, file: &F) -> Option<u64> {
        let away = self.away.filter(|away| away.identity == identity)?;
        let marks = Marks::saved(file, away.fingerprint, away.position);
        marks.ok().flatten().map(|_| away.position)
    }

    /// The name stands for this file now.
    pub(crate) fn add(&mut self, generation: Generation<F>) {
        self.generations.push_back(generation);
        self.account.find();
        self.has_file();
    }

    fn has_file(&mut self) {
        self.present = true;
        self.away = None;
        self.said = None;
        self.was_read = true;
        self.elsewhere = None;
    }

    /// These are beside it now. What was there before may only have been on its way from one name to the next.
    pub(crate) fn know_siblings(&mut self, found: Vec<Identity>) {
        let now = Instant::now();
        let before = std::mem::replace(&mut self.siblings, found);
        self.absent.retain(|(_, since)| now - *since < SILENCE);
        self.absent
            .extend(before.into_iter().map(|absent| (absent, now)));
        let found: HashSet<Identity> = self.siblings.iter().copied().collect();
        self.absent.retain(|(absent, _)| !found.contains(absent));
        if !self.texts.is_empty() {
            let known: HashSet<Identity> = self.known_siblings().collect();
            self.texts.retain(|identity, _| known.contains(identity));
        }
    }

    /// What is in a known sibling, if its identity does not tell it from a later file.
    pub(crate) fn text_of(&self, identity: Identity) -> Option<Text> {
        if identity.telling_birth().is_some() {
            return None;
        }
        let mut generations = self.generations.iter().rev();
        let own = generations.find(|own| own.identity == identity && !own.ended);
        own.map(Generation::text)
            .or_else(|| self.texts.get(&identity).copied())
    }

    /// Those that are known not to be read.
    pub(crate) fn known_siblings(&self) -> impl Iterator<Item = Identity> {
        let absent = self.absent.iter().map(|(absent, _)| *absent);
        self.siblings.iter().copied().chain(absent)
    }

    /// The oldest of those before the newest that may have lines which are not held yet, with so many bytes as far as was
    /// seen, or one.
    pub(crate) fn may_have_lines(&self, bytes: u64) -> Vec<usize> {
        let older = self.generations.len().saturating_sub(1);
        let older = self.generations.iter().take(older).enumerate();
        let may_have = older.filter(|(_, generation)| {
            !generation.ended && !generation.is_drained && generation.ahead.is_none()
        });
        let mut seen = 0;
        let few = may_have.take_while(|(_, generation)| {
            let is_room = seen < bytes;
            seen += generation.seen_ahead();
            is_room
        });
        few.map(|(at, _)| at).collect()
    }

    /// How many generations are retired.
    pub(crate) fn retired(&self) -> usize {
        self.generations.len() - usize::from(self.present)
    }

    /// These watches are gone.
    pub(crate) fn lose_watches(&mut self, lost: &HashSet<FileWatch>) {
        for generation in &mut self.generations {
            generation.watch.take_if(|watch| lost.contains(watch));
        }
    }

    /// Has this one no name, or one that may change unseen?
    pub(crate) fn is_nameless(&self, at: usize) -> bool {
        at < self.retired() || self.is_settled
    }

    /// The directory that tells of this one when it is watched for its files; none, if it would not.
    pub(crate) fn directory_of(&self, at: usize) -> Option<&Path> {
        let hop = self.hops.last()?;
        let is_told_of = !self.is_nameless(at) && !self.has_links;
        is_told_of.then_some(&hop.directory)
    }

    /// Has it had a file, if only one that is read under another name, and could all of it be read?
    pub(crate) fn is_well_read(&self) -> bool {
        (self.was_read || self.elsewhere.is_some()) && !self.failed
    }

    /// One of its files cannot be read: it stays, for a read may succeed when something was appended.
    pub(crate) fn fail(&mut self, at: usize, error: io::Error, notify: &mut dyn FnMut(&Notice)) {
        self.failed = true;
        if !std::mem::replace(&mut self.generations[at].said_unreadable, true) {
            let error = Error::io(Call::Read, self.shown.to_string_lossy(), error);
            notify(&Notice::Unreadable(error));
        }
    }

    /// Forgets the retired files of which nothing is left to be given out, and tells which.
    pub(crate) fn forget_ended(&mut self) -> Vec<Generation<F>> {
        let mut forgotten = Vec::new();
        let mut at = 0;
        while at < self.retired() {
            let generation = &self.generations[at];
            if generation.ended && generation.ahead.is_none() {
                forgotten.extend(self.generations.remove(at));
            } else {
                at += 1;
            }
        }
        forgotten
    }

    /// The place of a generation, if it is still there.
    pub(crate) fn place(&self, key: u64) -> Option<usize> {
        self.generations
            .iter()
            .position(|generation| generation.key == key)
    }

    /// When there is something to do: a retired generation is to be let go if its writer stays silent, what
    /// cannot be watched is to be looked at, or an unfinished line is to be passed on.
    pub(crate) fn due(&self, partial_after: Option<Duration>) -> Option<Instant> {
        let look = self.look_at.into_iter().chain(self.account.due()).min();
        if self.queued {
            // While it waits to be read nothing is let go.
            return look;
        }
        let let_go = self.generations.iter().take(self.retired());
        // What waits for an older file's line to end is let go after that.
        let let_go = let_go.filter(|generation| generation.ahead.is_none());
        let let_go = let_go.map(|generation| generation.last_data + SILENCE);
        let partial = self
            .partial()
            .and_then(|last_data| last_data.checked_add(partial_after?));
        let_go.chain(partial).chain(look).min()
    }

    /// Since when the present file has had an unfinished line.
    pub(crate) fn partial(&self) -> Option<Instant> {
        let present = self.present()?;
        (present.held > 0 && present.ahead.is_none()).then_some(present.last_data)
    }

    /// A retired generation whose writer has been silent for long enough.
    pub(crate) fn silent(&self, now: Instant) -> Option<usize> {
        self.generations
            .iter()
            .take(self.retired())
            .position(|generation| {
                generation.ahead.is_none() && generation.last_data + SILENCE <= now
            })
    }
}
