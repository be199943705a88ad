//! The one place that knows `notify`.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use costage::{Call, Error, Event, Result, Ring, Wait, Waits, event};
use notify::event::ModifyKind;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::generation::Identity;
use crate::resolve::Hop;
use crate::routes::Routes;

/// Changes of more paths than this are forgotten: everything is looked at instead, which costs less.
const REMEMBERED: usize = 4096;

/// What has changed since it was last asked.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Events were lost, or too many to remember: anything may have changed.
    pub(crate) all: bool,
    /// The paths, and whether more than the data changed.
    pub(crate) paths: HashMap<PathBuf, bool>,
}

impl Changes {
    fn add(&mut self, path: PathBuf, structure: bool) {
        if self.all {
            return;
        }
        if self.paths.len() >= REMEMBERED {
            self.all = true;
            self.paths.clear();
            return;
        }
        *self.paths.entry(path).or_default() |= structure;
    }

    /// Events come from notify's thread; that something was only opened or read is none.
    fn note(&mut self, event: notify::Result<notify::Event>) -> bool {
        match event {
            Ok(event) if event.need_rescan() => self.all = true,
            Ok(event) => {
                let structure = match event.kind {
                    EventKind::Access(_) => return false,
                    EventKind::Modify(ModifyKind::Data(_)) => false,
                    _ => true,
                };
                for path in event.paths {
                    self.add(path, structure);
                }
            }
            Err(_) => self.all = true,
        }
        true
    }
}

/// Watches directories and files for the names that depend on them, and rings when one changes.
pub(crate) struct Watch {
    /// There may be none: inotify instances are few (128 per user), and then everything is looked at instead.
    watcher: std::result::Result<RecommendedWatcher, io::Error>,
    changes: Arc<Mutex<Changes>>,
    bell: Event,
    /// A bell whose last ring is gone, as it is with a watcher that failed, never stops ringing.
    _ring: Ring,
    /// Whom a change concerns: by directory, by an entry of one, and by the path of a watched file.
    routes: Routes,
    /// The directories that are to be watched.
    directories: HashMap<PathBuf, Directory>,
    /// The files that are watched themselves: one watch each, for inotify knows files and not names.
    files: HashMap<Identity, Arc<File>>,
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
        let changes = Arc::new(Mutex::new(Changes::default()));
        let watcher = notify::recommended_watcher(listener(Arc::clone(&changes), ring.clone()))
            .map_err(reason);
        Ok(Watch {
            watcher,
            changes,
            bell,
            _ring: ring,
            routes: Routes::default(),
            directories: HashMap::new(),
            files: HashMap::new(),
        })
    }

    /// Watches a hop's directory, not what is below it, for a name that depends on the hop. Even where it fails
    /// the name is a user, and [`unwatch_hop`](Watch::unwatch_hop) makes it none.
    pub(crate) fn watch_hop(&mut self, hop: &Hop, name: usize) -> io::Result<()> {
        self.routes.add(hop.path(), name);
        self.routes.add(hop.directory.clone(), name);
        let directory = self.directories.entry(hop.directory.clone()).or_default();
        directory.users += 1;
        // inotify watches what has the name now, and cannot be relied on to tell when something else has it.
        let present = Identity::of(&hop.directory.metadata()?);
        if directory.watched == Some(present) {
            return Ok(());
        }
        if directory.watched.is_some() {
            self.forget(&hop.directory);
        }
        self.watch(&hop.directory)?;
        if let Some(directory) = self.directories.get_mut(&hop.directory) {
            directory.watched = Some(present);
        }
        Ok(())
    }

    /// The name depends on the hop no longer.
    pub(crate) fn unwatch_hop(&mut self, hop: &Hop, name: usize) {
        self.routes.remove(&hop.path(), name);
        self.routes.remove(&hop.directory, name);
        if let Some(directory) = self.directories.get_mut(&hop.directory) {
            directory.users -= 1;
            if directory.users == 0 {
                self.directories.remove(&hop.directory);
                self.unwatch(&hop.directory);
            }
        }
    }

    /// A directory has lost its watch, or keeps it on what has lost the name.
    fn forget(&mut self, path: &Path) {
        self.unwatch(path);
        if let Some(directory) = self.directories.get_mut(path) {
            directory.watched = None;
        }
    }

    /// Watches a file, whatever its name is or becomes.
    pub(crate) fn watch_file(
        &mut self,
        identity: Identity,
        file: &Arc<File>,
        name: usize,
    ) -> io::Result<()> {
        if !self.files.contains_key(&identity) {
            self.watch(&own_path(file))?;
            self.files.insert(identity, Arc::clone(file));
        }
        self.routes.add(own_path(&self.files[&identity]), name);
        Ok(())
    }

    /// The name has let the file go.
    pub(crate) fn unwatch_file(&mut self, identity: Identity, name: usize) {
        let Some(file) = self.files.get(&identity) else {
            return;
        };
        let path = own_path(file);
        self.routes.remove(&path, name);
        if !self.routes.is_used(&path) {
            self.unwatch(&path);
            self.files.remove(&identity);
        }
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

    /// The names that a change of `path` concerns.
    pub(crate) fn names(&self, path: &Path) -> Vec<usize> {
        self.routes.of(path)
    }

    pub(crate) fn waits(&self, waits: &mut Waits) -> Wait {
        self.bell.waits(waits)
    }

    /// What has changed since it was last asked.
    pub(crate) fn take(&mut self) -> Changes {
        self.bell.clear();
        let changes = std::mem::take(&mut *lock(&self.changes));
        let lost: Vec<PathBuf> = if changes.all {
            self.directories.keys().cloned().collect()
        } else {
            let structural = changes.paths.iter().filter(|(_, structure)| **structure);
            structural
                .filter(|(path, _)| self.directories.contains_key(*path))
                .map(|(path, _)| path.clone())
                .collect()
        };
        for path in lost {
            self.forget(&path);
        }
        changes
    }
}

/// A path by which an open file can be watched, whatever its name has become: Linux resolves it to the open
/// file. Elsewhere watching it fails, and the file is looked at once a second.
fn own_path(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

fn listener(
    changes: Arc<Mutex<Changes>>,
    ring: Ring,
) -> impl FnMut(notify::Result<notify::Event>) + Send {
    move |event| {
        if lock(&changes).note(event) {
            ring.ring();
        }
    }
}

fn lock(changes: &Mutex<Changes>) -> std::sync::MutexGuard<'_, Changes> {
    // Nothing that is done under the lock can leave it half done.
    changes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the system said; notify adds paths, and the message names the file.
fn reason(error: notify::Error) -> io::Error {
    match error.kind {
        notify::ErrorKind::Io(error) => error,
        notify::ErrorKind::PathNotFound => io::ErrorKind::NotFound.into(),
        notify::ErrorKind::MaxFilesWatch => {
            io::Error::other("no more watches (fs.inotify.max_user_watches)")
        }
        _ => io::Error::other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{AccessKind, CreateKind, DataChange, Flag, MetadataKind};

    fn event_of(kind: EventKind, path: &str) -> notify::Event {
        notify::Event::new(kind).add_path(path.into())
    }

    #[test]
    fn a_path_is_remembered_once_with_the_most_that_happened_to_it() {
        let mut changes = Changes::default();
        let data = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let other = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));
        assert!(!changes.note(Ok(event_of(EventKind::Access(AccessKind::Any), "/read"))));
        assert!(changes.note(Ok(event_of(data, "/a"))));
        assert!(changes.note(Ok(event_of(other, "/b"))));
        assert!(changes.note(Ok(event_of(data, "/b"))));
        let expected = [("/a".into(), false), ("/b".into(), true)];
        assert_eq!(changes.paths, HashMap::from(expected));
        assert!(!changes.all);
    }

    #[test]
    fn lost_and_too_many_events_mean_that_anything_may_have_changed() {
        let rescan = notify::Event::new(EventKind::Other).set_flag(Flag::Rescan);
        for event in [Ok(rescan), Err(notify::Error::generic("broken"))] {
            let mut changes = Changes::default();
            assert!(changes.note(event));
            assert!(changes.all);
        }
        let mut changes = Changes::default();
        for number in 0..=REMEMBERED {
            let created = EventKind::Create(CreateKind::File);
            changes.note(Ok(event_of(created, &format!("/{number}"))));
        }
        assert!(changes.all);
        assert!(changes.paths.is_empty());
    }

    fn hop(directory: &Path) -> Hop {
        Hop {
            directory: directory.to_owned(),
            entry: "log".into(),
        }
    }

    // A directory that had been replaced when events were lost kept its watch on what had lost the name.
    #[test]
    fn when_events_were_lost_every_directory_is_watched_anew() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut watch = Watch::new().expect("a watch");
        watch.watch_hop(&hop(dir.path()), 0).expect("watched");
        assert!(watch.directories[dir.path()].watched.is_some());
        lock(&watch.changes).all = true;
        assert!(watch.take().all);
        assert!(watch.directories[dir.path()].watched.is_none());
        watch.watch_hop(&hop(dir.path()), 0).expect("watched");
        assert!(watch.directories[dir.path()].watched.is_some());
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
        assert_eq!(watch.names(&dir.join("log")), [1]);
        watch.unwatch_hop(&hop(&dir), 1);
        assert!(watch.directories.is_empty());
    }

    #[test]
    fn a_file_that_two_names_stand_for_is_watched_until_both_have_let_it_go() {
        let file = Arc::new(tempfile::tempfile().expect("a file"));
        let again = Arc::new(file.try_clone().expect("a file"));
        let identity = Identity::of(&file.metadata().expect("asked"));
        let mut watch = Watch::new().expect("a watch");
        watch.watch_file(identity, &file, 0).expect("watched");
        watch.watch_file(identity, &again, 1).expect("watched");
        assert_eq!(watch.names(&own_path(&file)), [0, 1]);
        watch.unwatch_file(identity, 0);
        assert_eq!(watch.names(&own_path(&file)), [1]);
        watch.unwatch_file(identity, 1);
        assert!(watch.files.is_empty());
    }
}
