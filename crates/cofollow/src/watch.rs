//! The one place that knows `notify`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
#[cfg(target_os = "linux")]
use {
    std::thread::sleep,
    std::time::{Duration, Instant},
};

use costage::{Call, Error, Event, Result, Ring, Waits, event};
use notify::event::ModifyKind;
use notify::{Config, EventKind, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher};

use crate::direct::{Direct, FileWatch, TOO_MANY, is_mounted, no_watcher};
use crate::disk::Readable;
use crate::file_system::FileSystem;
use crate::identity::Identity;
use crate::passing::{Came, Made, Passed, Targets};
use crate::resolve::Hop;
use crate::routes::Routes;

/// From so many uses of a directory on, its files have one watch together. 10,000 of their own take a fifth more time
/// to start, 3 MiB of memory, and more watches than some users may have (8192). But whoever writes to any file in it
/// wakes a watch of the directory, and of another hard link it tells nothing.
const MANY: usize = 512;

/// What has changed since it was last asked: which names to look at.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Events were lost: anything may have changed.
    pub(crate) all: bool,
    /// Names of which more than the data changed.
    pub(crate) names: BTreeSet<usize>,
    /// What was made under these names.
    pub(crate) came: BTreeMap<usize, Came>,
    /// What links may have led to, and is gone.
    pub(crate) passed: Vec<Passed>,
    /// Names to whose files something was written.
    pub(crate) data: BTreeSet<usize>,
    /// Patterns of which any other files may match now.
    pub(crate) globs: BTreeSet<usize>,
    /// Patterns with the entries of their directories that may match now.
    pub(crate) entries: BTreeMap<usize, BTreeSet<PathBuf>>,
    /// Files that have lost their watch.
    pub(crate) unwatched: HashSet<FileWatch>,
    /// What changed otherwise than in its data: if it is a directory, it may have lost its watch.
    pub(crate) lost: HashSet<PathBuf>,
}

/// What notify's thread shares with the loop.
#[derive(Debug, Default)]
struct Shared {
    /// Whom a change concerns: by directory, by an entry of one, and by the path of a watched file.
    routes: Routes,
    /// The same for patterns: by what is on the way to their first directory.
    ways: Routes,
    /// And by directories of which every entry counts.
    entries: Routes,
    made: Made,
    targets: Targets,
    changes: Changes,
}

impl Shared {
    /// Events come from notify's thread. Is this one news for the loop? That something was only opened or read is
    /// none, and neither is what happens to files that nobody follows.
    fn note(&mut self, event: notify::Result<notify::Event>) -> bool {
        let event = match event {
            Ok(event) if !event.need_rescan() => event,
            Ok(_) | Err(_) => {
                self.changes.all = true;
                return true;
            }
        };
        let is_data = match event.kind {
            EventKind::Access(_) => return false,
            EventKind::Modify(ModifyKind::Data(_)) => true,
            _ => false,
        };
        let mut concerns = false;
        for path in event.paths {
            if !is_data {
                let passed = self.targets.note(event.kind, &path);
                concerns |= !passed.is_empty();
                self.changes.passed.extend(passed);
                let ways = self.ways.of(&path).into_iter().flatten();
                self.changes.globs.extend(ways.inspect(|_| concerns = true));
                let parent = path.parent().and_then(|parent| self.entries.of(parent));
                for glob in parent.into_iter().flatten() {
                    concerns = true;
                    let entries = self.changes.entries.entry(glob).or_default();
                    entries.insert(path.clone());
                }
                if concerns {
                    self.changes.lost.insert(path.clone());
                }
            }
            let Some(names) = self.routes.of(&path) else {
                continue;
            };
            concerns = true;
            if is_data {
                self.changes.data.extend(names);
            } else {
                let mut came = Came::default();
                self.made.note(event.kind, &path, &mut came);
                for name in names {
                    self.changes.names.insert(name);
                    self.changes.came.entry(name).or_default().add(came);
                }
                self.changes.lost.insert(path);
            }
        }
        concerns
    }
}

/// Watches directories and files for the names that depend on them, and rings when one changes.
pub(crate) struct Watch {
    /// There may be none: inotify instances are few (128 per user), and then everything is looked at instead.
    watcher: std::result::Result<RecommendedWatcher, io::Error>,
    shared: Arc<Mutex<Shared>>,
    bell: Event,
    /// A bell whose last ring is gone, as it is with a watcher that failed, never stops ringing.
    _ring: Ring,
    direct: Direct,
    /// The directories that are to be watched.
    directories: HashMap<PathBuf, Directory>,
}

/// A directory that is to be watched.
#[derive(Debug, Default)]
struct Directory {
    /// How many hops go through it.
    users: usize,
    /// What is watched. It may have lost its watch, or its name, and then the next user sets the watch anew.
    watched: Option<Identity>,
}

impl Watch {
    pub(crate) fn new() -> Result<Watch> {
        let (bell, ring) = event().map_err(|error| Error::io(Call::Watch, "a pipe", error))?;
        let shared = Arc::new(Mutex::new(Shared::default()));
        // Nothing of what is opened, closed and read in a directory.
        let mut kinds = EventKindMask::CREATE
            | EventKindMask::REMOVE
            | EventKindMask::MODIFY_NAME
            | EventKindMask::MODIFY_META;
        if !Direct::TELLS_DATA {
            kinds |= EventKindMask::MODIFY_DATA;
        }
        let config = Config::default().with_event_kinds(kinds);
        let listener = listener(Arc::clone(&shared), ring.clone());
        let watcher =
            RecommendedWatcher::new(listener, config).map_err(|error| no_watcher(reason(error)));
        Ok(Watch {
            watcher,
            shared,
            direct: Direct::default(),
            bell,
            _ring: ring,
            directories: HashMap::new(),
        })
    }

    /// Watches a hop's directory, not what is below it, for a name that depends on the hop. Even where it fails
    /// the name is a user, and [`unwatch_hop`](Watch::unwatch_hop) makes it none.
    pub(crate) fn watch_hop(&mut self, hop: &Hop, name: usize) -> io::Result<()> {
        {
            let shared = &mut *lock(&self.shared);
            shared.routes.add(hop.path(), name);
            shared.routes.add(hop.directory.clone(), name);
            shared.targets.add(hop, name);
        }
        self.watch_directory(&hop.directory)
    }

    /// Watches a directory for one more user.
    fn watch_directory(&mut self, path: &Path) -> io::Result<()> {
        self.direct.watch_above(path);
        let directory = self.directories.entry(path.to_owned()).or_default();
        directory.users += 1;
        // inotify watches what has the name now, and cannot be relied on to tell when something else has it.
        let present = Identity::of(&path.metadata()?, || FileSystem::at(path));
        let is_present = |watched: Identity| watched == present && watched.born == present.born;
        if directory.watched.is_some_and(is_present) {
            return Ok(());
        }
        if directory.watched.is_some() {
            self.forget(path);
        }
        self.watch(path)?;
        if let Some(directory) = self.directories.get_mut(path) {
            directory.watched = Some(present);
        }
        Ok(())
    }

    /// The name depends on the hop no longer.
    pub(crate) fn unwatch_hop(&mut self, hop: &Hop, name: usize) {
        {
            let shared = &mut *lock(&self.shared);
            shared.routes.remove(&hop.path(), name);
            shared.routes.remove(&hop.directory, name);
            shared.targets.remove(hop, name);
        }
        self.unwatch_directory(&hop.directory);
    }

    fn unwatch_directory(&mut self, path: &Path) {
        if let Some(directory) = self.directories.get_mut(path) {
            directory.users -= 1;
            if directory.users == 0 {
                self.directories.remove(path);
                self.unwatch(path);
                self.direct.unwatch_directory(path);
                self.direct.unwatch_above(path, &self.directories);
            }
        }
    }

    /// Watches for a pattern a hop on the way to where it is looked for.
    pub(crate) fn watch_way(&mut self, hop: &Hop, glob: usize) -> io::Result<()> {
        {
            let ways = &mut lock(&self.shared).ways;
            ways.add(hop.path(), glob);
            ways.add(hop.directory.clone(), glob);
        }
        self.watch_directory(&hop.directory)
    }

    pub(crate) fn unwatch_way(&mut self, hop: &Hop, glob: usize) {
        {
            let ways = &mut lock(&self.shared).ways;
            ways.remove(&hop.path(), glob);
            ways.remove(&hop.directory, glob);
        }
        self.unwatch_directory(&hop.directory);
    }

    /// Watches for a pattern all entries of a directory.
    pub(crate) fn watch_entries(&mut self, directory: &Path, glob: usize) -> io::Result<()> {
        lock(&self.shared).entries.add(directory.to_owned(), glob);
        self.watch_directory(directory)
    }

    pub(crate) fn unwatch_entries(&mut self, directory: &Path, glob: usize) {
        lock(&self.shared).entries.remove(directory, glob);
        self.unwatch_directory(directory);
    }

    /// A directory has lost its watch, or keeps it on what has lost the name.
    fn forget(&mut self, path: &Path) {
        if let Some(directory) = self.directories.get_mut(path) {
            directory.watched = None;
            self.unwatch(path);
            self.direct.unwatch_directory(path);
        }
    }

    /// Watches all files in a directory, if so many are followed there that it pays. Does that tell of this one?
    pub(crate) fn watch_with_others(&mut self, file: &Path, directory: &Path) -> bool {
        let known = self.directories.get(directory);
        let pays = known.is_some_and(|known| known.users >= MANY) && !is_mounted(file, directory);
        // Where it is not this that tells of data, the watch that the directory has already does.
        !Direct::TELLS_DATA || pays && self.watch_files_in(directory).is_ok()
    }

    /// Watches all files in a directory that is watched.
    pub(crate) fn watch_files_in(&mut self, directory: &Path) -> io::Result<()> {
        let known = self.directories.get(directory);
        if known.is_none_or(|known| known.watched.is_none()) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.direct.watch_directory(directory)
    }

    /// Watches a file, whatever its name is or becomes.
    pub(crate) fn watch_file(
        &mut self,
        file: &impl Readable,
        name: usize,
    ) -> io::Result<FileWatch> {
        file.lend(|descriptor| self.direct.watch_file(descriptor, name))
    }

    /// The name has let the file go.
    pub(crate) fn unwatch_file(&mut self, watch: FileWatch, name: usize) {
        self.direct.unwatch_file(watch, name);
    }

    fn watch(&mut self, path: &Path) -> io::Result<()> {
        match &mut self.watcher {
            Ok(watcher) => watcher
                .watch(path, RecursiveMode::NonRecursive)
                .map_err(reason),
            Err(error) => Err(match error.raw_os_error() {
                Some(code) => io::Error::from_raw_os_error(code),
                None => io::Error::other(error.to_string()),
            }),
        }
    }

    fn unwatch(&mut self, path: &Path) {
        if let Ok(watcher) = &mut self.watcher {
            // What no longer exists is not watched any more either.
            let _ = watcher.unwatch(path);
        }
    }

    pub(crate) fn waits(&mut self, waits: &mut Waits) {
        self.bell.waits(waits);
        self.direct.waits(waits);
    }

    /// What has changed since it was last asked.
    pub(crate) fn take(&mut self, waits: &Waits) -> Changes {
        self.bell.clear();
        let mut changes = {
            let shared = &mut *lock(&self.shared);
            let mut changes = std::mem::take(&mut shared.changes);
            if changes.all {
                shared.made.clear();
                shared.targets.clear();
            }
            for moved in self.direct.hear(waits, &shared.routes, &mut changes) {
                changes.names.extend(shared.routes.below(&moved));
                let globs = shared.ways.below(&moved);
                changes
                    .globs
                    .extend(globs.chain(shared.entries.below(&moved)));
                let directories = self.directories.keys();
                let below = directories.filter(|directory| directory.starts_with(&moved));
                changes.lost.extend(below.cloned());
            }
            changes
        };
        if changes.all {
            let directories: Vec<PathBuf> = self.directories.keys().cloned().collect();
            changes.lost.extend(directories);
        }
        for path in &changes.lost {
            self.forget(path);
        }
        changes
    }
}

/// Ends few watches one at a time. Linux waits for a grace period of SRCU for each file and directory whose last watch
/// has gone, and to close an inotify for one more. A grace period takes 20 us if there was none in the 25 us before it,
/// else 12 ms: all at once, they would keep the process for 12 to 18 ms.
#[cfg(target_os = "linux")]
impl Drop for Watch {
    fn drop(&mut self) {
        /// For so many it takes 1 ms.
        const FEW: usize = 10;
        /// With what a sleep takes longer, 80 us.
        const PAUSE: Duration = Duration::from_micros(25);
        /// On a busy machine a sleep takes so much longer that nothing would be gained any more.
        const ENOUGH: Duration = Duration::from_millis(2);
        let directories: Vec<PathBuf> = self.directories.keys().cloned().collect();
        let watches: BTreeSet<i32> = self.direct.watches().take(FEW + 1).collect();
        if directories.len() + watches.len() > FEW {
            return;
        }
        let begun = Instant::now();
        for directory in directories {
            self.unwatch(&directory);
            sleep(PAUSE);
        }
        for watch in watches {
            self.direct.end(watch);
            sleep(PAUSE);
            if begun.elapsed() > ENOUGH {
                break;
            }
        }
    }
}

fn listener(
    shared: Arc<Mutex<Shared>>,
    ring: Ring,
) -> impl FnMut(notify::Result<notify::Event>) + Send {
    move |event| {
        if lock(&shared).note(event) {
            ring.ring();
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // Nothing that is done under the lock can leave it half done.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the system said; notify adds paths, and the message names the file.
fn reason(error: notify::Error) -> io::Error {
    match error.kind {
        notify::ErrorKind::Io(error) => error,
        notify::ErrorKind::PathNotFound => io::ErrorKind::NotFound.into(),
        notify::ErrorKind::MaxFilesWatch => io::Error::other(TOO_MANY),
        _ => io::Error::other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{AccessKind, DataChange, Flag, MetadataKind};

    fn event_of(kind: EventKind, path: &str) -> notify::Event {
        notify::Event::new(kind).add_path(path.into())
    }

    #[test]
    fn a_name_is_remembered_once_with_the_most_that_happened_to_it() {
        let mut shared = Shared::default();
        for (name, path) in ["/a", "/b"].iter().enumerate() {
            shared.routes.add(path.into(), name);
        }
        let data = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let other = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));
        assert!(!shared.note(Ok(event_of(EventKind::Access(AccessKind::Any), "/a"))));
        // Nobody follows it: no reason to wake.
        assert!(!shared.note(Ok(event_of(data, "/c"))));
        assert!(shared.note(Ok(event_of(data, "/a"))));
        assert!(shared.note(Ok(event_of(other, "/b"))));
        assert!(shared.note(Ok(event_of(data, "/b"))));
        assert_eq!(shared.changes.data, BTreeSet::from([0, 1]));
        assert_eq!(shared.changes.names, BTreeSet::from([1]));
        assert!(!shared.changes.all);
    }

    #[test]
    fn lost_events_mean_that_anything_may_have_changed() {
        let rescan = notify::Event::new(EventKind::Other).set_flag(Flag::Rescan);
        for event in [Ok(rescan), Err(notify::Error::generic("broken"))] {
            let mut shared = Shared::default();
            assert!(shared.note(event));
            assert!(shared.changes.all);
        }
    }

    /// Whom a change of this path concerns.
    fn names(watch: &Watch, path: &Path) -> Vec<usize> {
        lock(&watch.shared)
            .routes
            .of(path)
            .into_iter()
            .flatten()
            .collect()
    }

    fn hop(directory: &Path) -> Hop {
        Hop {
            directory: directory.to_owned(),
            entry: "log".into(),
            target: None,
        }
    }

    // A directory that had been replaced when events were lost kept its watch on what had lost the name.
    #[test]
    fn when_events_were_lost_every_directory_is_watched_anew() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut watch = Watch::new().expect("a watch");
        watch.watch_hop(&hop(dir.path()), 0).expect("watched");
        assert!(watch.directories[dir.path()].watched.is_some());
        lock(&watch.shared).changes.all = true;
        assert!(watch.take(&Waits::default()).all);
        assert!(watch.directories[dir.path()].watched.is_none());
        watch.watch_hop(&hop(dir.path()), 0).expect("watched");
        assert!(watch.directories[dir.path()].watched.is_some());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn files_have_one_watch_together_where_many_are_followed() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut watch = Watch::new().expect("a watch");
        let log = dir.path().join("log");
        std::fs::write(&log, "").expect("written");
        let mut use_again = |name| {
            watch.watch_hop(&hop(dir.path()), name).expect("watched");
            watch.watch_with_others(&log, dir.path())
        };
        assert!(!(1..MANY).any(&mut use_again));
        assert!(use_again(MANY));
    }

    // A name whose watch had failed counted as no user, and took another's watch along when it went.
    #[test]
    fn a_name_whose_watch_failed_takes_no_other_ones_along() {
        let parent = tempfile::tempdir().expect("a directory");
        let dir = parent.path().join("later");
        let mut watch = Watch::new().expect("a watch");
        let error = watch.watch_hop(&hop(&dir), 0).expect_err("missing");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        std::fs::create_dir(&dir).expect("made");
        watch.watch_hop(&hop(&dir), 1).expect("watched");
        watch.unwatch_hop(&hop(&dir), 0);
        assert!(watch.directories[&dir].watched.is_some());
        assert_eq!(names(&watch, &dir.join("log")), [1]);
        watch.unwatch_hop(&hop(&dir), 1);
        assert!(watch.directories.is_empty());
    }
}
