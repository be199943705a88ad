//! Files that had a name and were gone before anyone looked. They left nothing to be found, but events tell of them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use notify::EventKind;
use notify::event::{CreateKind, ModifyKind, RemoveKind, RenameMode};

use crate::resolve::Hop;
use crate::routes::Routes;

/// The event of a file's appearing comes at most so long after the file has been seen.
const LATE: Duration = Duration::from_secs(1);
/// The events of what is done at once are taken together: one by one they do not tell which file is still there.
const AT_ONCE: Duration = Duration::from_millis(100);
/// A file that goes from name to name has one to stay with at most so long after it left one.
const ON_ITS_WAY: Duration = Duration::from_millis(100);

/// What was made under a name since it was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Came {
    /// How many files.
    made: usize,
    /// How many files that had been made there were deleted: they are nowhere.
    gone: usize,
    /// How many of them left the name otherwise: they may be anywhere.
    left: usize,
    /// One that was made is still there, as far as is known.
    is_there: bool,
}

impl Came {
    /// And then came this.
    pub(crate) fn add(&mut self, next: Came) {
        self.made += next.made;
        self.gone += next.gone;
        self.left += next.left;
        self.is_there = next.is_there;
    }
}

/// Under which paths files have been made that have not left them.
#[derive(Debug, Default)]
pub(crate) struct Made(HashSet<PathBuf>);

impl Made {
    /// Adds what this event says of the path. That something else got the name says nothing: it may be known.
    pub(crate) fn note(&mut self, kind: EventKind, path: &Path, came: &mut Came) {
        match kind {
            EventKind::Create(kind) if kind != CreateKind::Folder => {
                self.0.insert(path.to_owned());
                came.made += 1;
            }
            EventKind::Remove(kind) if kind != RemoveKind::Folder => {
                came.gone += usize::from(self.0.remove(path));
            }
            EventKind::Modify(ModifyKind::Name(_)) => {
                came.left += usize::from(self.0.remove(path));
            }
            _ => {}
        }
        came.is_there = self.0.contains(path);
    }

    /// Events were lost.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// The files that were made under a name, of which events tell, against those that were found: what is left was never
/// seen. In doubt none is, for a file is often found before its event comes, or under another name.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// What came, and since when, of which it has not been told yet.
    pending: Option<(Came, Instant)>,
    /// How many were found whose events have not come yet.
    early: usize,
    found: Option<Instant>,
    /// How many left the name and were not found, and since when.
    left: usize,
    since: Option<Instant>,
    /// One whose event has come is neither found nor known to be deleted.
    is_open: bool,
}

impl Account {
    /// A file that had the name, or has it, was found.
    pub(crate) fn find(&mut self) {
        self.early += 1;
        self.found = Some(Instant::now());
    }

    /// One that had the name was found under another.
    pub(crate) fn find_aside(&mut self) {
        self.left = self.left.saturating_sub(1);
        self.find();
    }

    /// Any that left the name may be read under another.
    pub(crate) fn excuse(&mut self) {
        self.left = 0;
    }

    /// Events have told of this.
    pub(crate) fn note(&mut self, came: Came) {
        let (pending, _) = self
            .pending
            .get_or_insert_with(|| (Came::default(), Instant::now()));
        pending.add(came);
    }

    /// When to settle what came.
    pub(crate) fn settles_at(&self) -> Option<Instant> {
        self.pending.map(|(_, since)| since + AT_ONCE)
    }

    /// When to look for those that left the name, and to tell of what was not found.
    pub(crate) fn looks_at(&self) -> Option<Instant> {
        let since = self.since.filter(|_| self.left > 0);
        since.map(|since| since + ON_ITS_WAY)
    }

    /// The earlier of the two.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.settles_at().into_iter().chain(self.looks_at()).min()
    }

    /// How many left the name and are nowhere beside it.
    pub(crate) fn take_left(&mut self) -> usize {
        std::mem::take(&mut self.left)
    }

    /// How many of those that came are gone and were never found. `is_known`: what has the name now is known.
    pub(crate) fn settle(&mut self, is_known: bool) -> usize {
        let (came, _) = self.pending.take().unzip();
        let came = came.unwrap_or_default();
        let made = came.made + usize::from(self.is_open);
        let unseen = made.saturating_sub(self.early);
        self.early = self.early.saturating_sub(made);
        // What has still no event will have none: it was found otherwise than by one.
        if self.found.is_none_or(|found| found.elapsed() > LATE) {
            self.early = 0;
        }
        let missed = came.gone.min(unseen);
        let left = came.left.min(unseen - missed);
        if self.left == 0 {
            self.since = Some(Instant::now());
        }
        self.left += left;
        self.is_open = came.is_there && !is_known && unseen > missed + left;
        missed
    }
}

/// So many of what was made where a link leads are remembered.
pub(crate) const REMEMBERED: usize = 64;

/// What links led to and is gone: it was made beside a target of a link, with a name that differs from the target's in
/// its numbers only, and was deleted when the link had been replaced twice since, to lead there and away. So
/// Kubernetes swaps `..data`. Those who looked there meanwhile have seen it.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    /// Whom a link concerns, and whom what is like its target.
    links: Routes,
    shapes: Routes,
    /// Where links of a shape led for a name when it was last looked at.
    present: HashMap<(usize, PathBuf), PathBuf>,
    /// What was made that is like the target of a name's link, the oldest first.
    made: HashMap<usize, VecDeque<Candidate>>,
}

/// What was made that is like the target of a link.
#[derive(Debug)]
struct Candidate {
    path: PathBuf,
    /// How often the name's links have been replaced since.
    replaced: usize,
    /// Where the link led by then, as far as was known.
    before: Option<PathBuf>,
}

/// What a link of a name may have led to, and is gone.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) name: usize,
    pub(crate) path: PathBuf,
    before: Option<PathBuf>,
    later: Vec<PathBuf>,
}

impl Passed {
    /// May a link have led there that leads to `target` now? One that was only set again has not: it leads where it led.
    pub(crate) fn is_before(&self, target: &Path) -> bool {
        let is_beside = target.parent() == self.path.parent();
        let is_changed = self.before.as_deref() != Some(target);
        is_beside && (is_changed || self.later.iter().any(|later| later == target))
    }
}

impl Targets {
    /// A name goes through a hop.
    pub(crate) fn add(&mut self, hop: &Hop, name: usize) {
        if let Some(target) = &hop.target {
            self.links.add(hop.path(), name);
            let shape = shape_of(&target.path);
            let present = (name, shape.clone());
            self.present.insert(present, target.path.clone());
            self.shapes.add(shape, name);
        }
    }

    /// It does not any more.
    pub(crate) fn remove(&mut self, hop: &Hop, name: usize) {
        if let Some(target) = &hop.target {
            self.links.remove(&hop.path(), name);
            let present = (name, shape_of(&target.path));
            self.shapes.remove(&present.1, name);
            let users = self.shapes.of(&present.1);
            if !users.is_some_and(|mut users| users.any(|user| user == name)) {
                self.present.remove(&present);
            }
        }
    }

    /// Takes in what this event says of the path. For which names may a link have led there, and away before it was gone?
    pub(crate) fn note(&mut self, kind: EventKind, path: &Path) -> Vec<Passed> {
        let mut passed = Vec::new();
        let is_made = match kind {
            EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => true,
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => false,
            _ => return passed,
        };
        for name in self.links.of(path).into_iter().flatten() {
            let made = self.made.get_mut(&name).filter(|_| is_made);
            for candidate in made.into_iter().flatten() {
                candidate.replaced += 1;
            }
        }
        let shape = shape_of(path);
        for name in self.shapes.of(&shape).into_iter().flatten() {
            let made = self.made.entry(name).or_default();
            let known = made.iter().position(|known| known.path == path);
            let known = known.and_then(|at| Some((at, made.remove(at)?)));
            if is_made {
                if made.len() == REMEMBERED {
                    made.pop_front();
                }
                made.push_back(Candidate {
                    path: path.to_owned(),
                    replaced: 0,
                    before: self.present.get(&(name, shape.clone())).cloned(),
                });
            } else if matches!(kind, EventKind::Remove(_))
                && let Some((at, known)) = known
                && known.replaced > 1
            {
                passed.push(Passed {
                    name,
                    path: known.path,
                    before: known.before,
                    later: made
                        .iter()
                        .skip(at)
                        .map(|later| later.path.clone())
                        .collect(),
                });
            }
        }
        passed
    }

    /// Events were lost.
    pub(crate) fn clear(&mut self) {
        self.made.clear();
    }
}

/// A path that those have in common that differ in the numbers of their last part only.
fn shape_of(path: &Path) -> PathBuf {
    let entry = path.file_name().unwrap_or_default().as_bytes();
    let is_same_number = |one: &u8, other: &u8| one.is_ascii_digit() && other.is_ascii_digit();
    let parts = entry.chunk_by(is_same_number).map(|part| match part[0] {
        b'0'..=b'9' => b'0',
        other => other,
    });
    path.with_file_name(OsString::from_vec(parts.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::Target;

    const MADE: EventKind = EventKind::Create(CreateKind::File);
    const DELETED: EventKind = EventKind::Remove(RemoveKind::File);
    const LEFT: EventKind = EventKind::Modify(ModifyKind::Name(RenameMode::From));

    /// What is missed of these batches of events, before each of which so many files were found.
    fn missed(batches: &[(usize, &[EventKind])]) -> Vec<usize> {
        let (mut made, mut account) = (Made::default(), Account::default());
        let settle = |(found, events): &(usize, &[EventKind])| {
            let mut came = Came::default();
            for event in *events {
                made.note(*event, Path::new("/log"), &mut came);
            }
            for _ in 0..*found {
                account.find();
            }
            account.note(came);
            account.settle(*found > 0)
        };
        batches.iter().map(settle).collect()
    }

    #[test]
    fn those_that_were_made_and_deleted_and_not_found_are_missed() {
        // The first had been read; of the two that were made the second has the name now.
        let second = [DELETED, MADE, DELETED, MADE];
        assert_eq!(
            missed(&[(1, &second), (0, &[DELETED, MADE, DELETED])]),
            [1, 1]
        );
        // However the events are cut.
        assert_eq!(missed(&[(0, &[MADE]), (0, &[DELETED])]), [0, 1]);
        assert_eq!(missed(&[(0, &[MADE]), (1, &[DELETED, MADE])]), [0, 1]);
    }

    // Looked at after each event, the last file was found before its own, and each of the others could be that one.
    #[test]
    fn what_is_done_at_once_is_accounted_for_at_once() {
        let (mut made, mut account) = (Made::default(), Account::default());
        account.find();
        for event in [DELETED, MADE, DELETED, MADE, DELETED, MADE] {
            let mut came = Came::default();
            made.note(event, Path::new("/log"), &mut came);
            account.note(came);
        }
        assert_eq!(account.settle(true), 2);
        assert!(account.due().is_none());
    }

    #[test]
    fn those_that_were_found_are_not() {
        assert_eq!(missed(&[(1, &[MADE]), (0, &[DELETED])]), [0, 0]);
        // Before their events came.
        assert_eq!(
            missed(&[(1, &[DELETED]), (1, &[MADE, DELETED, MADE])]),
            [0, 0]
        );
        // Put aside: they are looked for beside the name.
        assert_eq!(
            missed(&[(0, &[MADE, LEFT]), (0, &[MADE]), (0, &[LEFT])]),
            [0, 0, 0]
        );
        // Directories are no files.
        let folder = EventKind::Create(CreateKind::Folder);
        let gone = EventKind::Remove(RemoveKind::Folder);
        assert_eq!(missed(&[(0, &[folder, gone])]), [0]);
    }

    #[test]
    fn those_that_left_the_name_are_missed_unless_they_are_found() {
        for found_aside in [false, true] {
            let (mut made, mut account) = (Made::default(), Account::default());
            // One had been read; a second left the name, too, before anyone looked, and the third is found.
            let mut came = Came::default();
            for event in [MADE, LEFT, MADE] {
                made.note(event, Path::new("/log"), &mut came);
            }
            account.find();
            account.note(came);
            assert!(account.settles_at().is_some());
            assert_eq!(account.settle(true), 0);
            assert!(account.looks_at().is_some());
            if found_aside {
                account.find_aside();
                assert!(account.due().is_none());
            }
            assert_eq!(account.take_left(), usize::from(!found_aside));
            assert!(account.due().is_none());
        }
    }

    /// Whom these events tell of a target that came and went, of a link `/v/data` to `/v/..1`.
    fn passed(events: &[(EventKind, &str)]) -> usize {
        let hop = Hop {
            directory: "/v".into(),
            entry: "data".into(),
            target: Some(Target {
                path: "/v/..1".into(),
                rest: "log".into(),
            }),
        };
        let mut targets = Targets::default();
        targets.add(&hop, 7);
        let told = events
            .iter()
            .flat_map(|(kind, path)| targets.note(*kind, Path::new(path)));
        told.inspect(|passed| assert_eq!(passed.name, 7)).count()
    }

    // `ln -sfn app-1.log app.log` twice, with an `app-7.log` that came and went.
    #[test]
    fn a_link_that_leads_where_it_led_has_led_nowhere_else() {
        let passed = |later: &[&str]| Passed {
            name: 7,
            path: "/v/..2".into(),
            before: Some("/v/..1".into()),
            later: later.iter().map(PathBuf::from).collect(),
        };
        assert!(!passed(&[]).is_before(Path::new("/v/..1")));
        assert!(!passed(&["/v/..3"]).is_before(Path::new("/v/..1")));
        assert!(!passed(&[]).is_before(Path::new("/other/..3")));
        assert!(passed(&[]).is_before(Path::new("/v/..3")));
        // It was told of late, when the next was known already.
        assert!(passed(&["/v/..1"]).is_before(Path::new("/v/..1")));
    }

    #[test]
    fn a_target_that_a_link_led_to_and_away_from_has_passed_when_it_is_deleted() {
        let folder = EventKind::Create(CreateKind::Folder);
        let gone = EventKind::Remove(RemoveKind::Folder);
        let put = EventKind::Modify(ModifyKind::Name(RenameMode::To));
        let both = EventKind::Modify(ModifyKind::Name(RenameMode::Both));
        let away = EventKind::Modify(ModifyKind::Name(RenameMode::From));
        let (made, swapped, next) = ((folder, "/v/..2"), (put, "/v/data"), (folder, "/v/..10"));
        let deleted = (gone, "/v/..2");
        assert_eq!(passed(&[made, swapped, next, swapped, deleted]), 1);
        assert_eq!(passed(&[made, swapped, next, swapped, deleted, deleted]), 1);
        // Not by unlinking and linking, either.
        let linked = (MADE, "/v/data");
        assert_eq!(passed(&[made, linked, linked, deleted]), 1);
        // It was never linked to, or is still; its rename is told twice.
        assert_eq!(passed(&[made, deleted]), 0);
        assert_eq!(passed(&[made, swapped, (both, "/v/data"), deleted]), 0);
        // It was there before, has another name now, or is nothing like the target.
        assert_eq!(passed(&[swapped, swapped, deleted]), 0);
        assert_eq!(
            passed(&[made, swapped, swapped, (away, "/v/..2"), deleted]),
            0
        );
        let other = [(folder, "/v/.2"), swapped, swapped, (gone, "/v/.2")];
        assert_eq!(passed(&other), 0);
        // For years of rotation no more than a few are remembered.
        let paths: Vec<String> = (3..)
            .map(|number| format!("/v/..{number}"))
            .take(REMEMBERED)
            .collect();
        let mut many = vec![made];
        many.extend(paths.iter().map(|path| (folder, path.as_str())));
        many.extend([swapped, swapped, deleted]);
        assert_eq!(passed(&many), 0);
        many.remove(1);
        assert_eq!(passed(&many), 1);
    }
}
