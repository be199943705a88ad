//! Files that had a name and were gone before anyone looked. They left nothing to be found, but events tell of them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use notify::EventKind;
use notify::event::{CreateKind, ModifyKind, RemoveKind};

/// The event of a file's appearing comes at most so long after the file has been seen.
const LATE: Duration = Duration::from_secs(1);

/// What was made under a name since it was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Came {
    /// How many files.
    made: usize,
    /// How many files that had been made there were deleted: they are nowhere.
    gone: usize,
    /// One that was made is still there, as far as is known.
    is_there: bool,
}

impl Came {
    /// And then came this.
    pub(crate) fn add(&mut self, next: Came) {
        self.made += next.made;
        self.gone += next.gone;
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
                self.0.remove(path);
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
    /// How many were found whose events have not come yet.
    ahead: usize,
    found: Option<Instant>,
    /// One whose event has come is neither found nor known to be deleted.
    is_open: bool,
}

impl Account {
    /// A file that had the name, or has it, was found.
    pub(crate) fn find(&mut self) {
        self.ahead += 1;
        self.found = Some(Instant::now());
    }

    /// How many of those that came are gone and were never found. `is_known`: what has the name now is known.
    pub(crate) fn settle(&mut self, came: Came, is_known: bool) -> usize {
        let made = came.made + usize::from(self.is_open);
        let unseen = made.saturating_sub(self.ahead);
        self.ahead = self.ahead.saturating_sub(made);
        // What has still no event will have none: it was found otherwise than by one.
        if self.found.is_none_or(|found| found.elapsed() > LATE) {
            self.ahead = 0;
        }
        let missed = came.gone.min(unseen);
        self.is_open = came.is_there && !is_known && unseen > missed;
        missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::RenameMode;

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
            account.settle(came, *found > 0)
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
}
