//! The one place that knows `notify`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use costage::{Call, Error, Event, Result, Ring, Wait, Waits, event};
use notify::event::ModifyKind;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

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

/// Watches directories and files, and rings when one changes.
pub(crate) struct Watch {
    watcher: RecommendedWatcher,
    changes: Arc<Mutex<Changes>>,
    bell: Event,
    /// The directories that are watched.
    directories: HashMap<PathBuf, Watched>,
}

/// A directory that is watched.
struct Watched {
    users: usize,
    /// It was itself moved or removed, and so lost its watch: the next user sets it anew, on what then has the
    /// name.
    is_stale: bool,
}

impl Watch {
    pub(crate) fn new() -> Result<Watch> {
        let (bell, ring) = event().map_err(|error| Error::io(Call::Watch, "a pipe", error))?;
        let changes = Arc::new(Mutex::new(Changes::default()));
        let watcher = notify::recommended_watcher(listener(Arc::clone(&changes), ring))
            .map_err(|error| Error::other(format!("cannot watch files: {}", reason(&error))))?;
        Ok(Watch {
            watcher,
            changes,
            bell,
            directories: HashMap::new(),
        })
    }

    /// Watches a directory, not what is below it, for one user more.
    pub(crate) fn watch_directory(&mut self, path: &Path) -> std::result::Result<(), String> {
        if let Some(watched) = self.directories.get_mut(path)
            && !watched.is_stale
        {
            watched.users += 1;
            return Ok(());
        }
        self.watch(path)?;
        let watched = self.directories.entry(path.to_owned()).or_insert(Watched {
            users: 0,
            is_stale: false,
        });
        watched.users += 1;
        watched.is_stale = false;
        Ok(())
    }

    /// One user of a directory's watch less.
    pub(crate) fn unwatch_directory(&mut self, path: &Path) {
        if let Some(watched) = self.directories.get_mut(path) {
            watched.users -= 1;
            if watched.users == 0 {
                self.directories.remove(path);
                self.unwatch(path);
            }
        }
    }

    /// Watches one file.
    pub(crate) fn watch(&mut self, path: &Path) -> std::result::Result<(), String> {
        self.watcher
            .watch(path, RecursiveMode::NonRecursive)
            .map_err(|error| reason(&error))
    }

    /// Watches a file no longer.
    pub(crate) fn unwatch(&mut self, path: &Path) {
        // What no longer exists is not watched any more either.
        let _ = self.watcher.unwatch(path);
    }

    pub(crate) fn waits(&self, waits: &mut Waits) -> Wait {
        self.bell.waits(waits)
    }

    /// What has changed since it was last asked.
    pub(crate) fn take(&mut self) -> Changes {
        self.bell.clear();
        let changes = std::mem::take(&mut *lock(&self.changes));
        for (path, _) in changes.paths.iter().filter(|(_, structure)| **structure) {
            if let Some(watched) = self.directories.get_mut(path) {
                watched.is_stale = true;
                // notify has forgotten some of these, and keeps others on what has lost the name.
                let _ = self.watcher.unwatch(path);
            }
        }
        changes
    }
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

/// notify's words, without the paths it adds: the message names the file.
fn reason(error: &notify::Error) -> String {
    match &error.kind {
        notify::ErrorKind::Io(error) => error.to_string(),
        notify::ErrorKind::MaxFilesWatch => "no more watches (fs.inotify.max_user_watches)".into(),
        _ => error.to_string(),
    }
}
