//! What the system tells the loop itself, without the detour through `notify`'s thread: that a file was written to,
//! and that a directory far above one was renamed.
//!
//! The detour is one more thread to wake for each line, and a machine with few processors has none to spare for it.
//! `notify` could watch the directories above only with all that happens in them: with a log below `/tmp` or `/dev`
//! that would wake the process all the time.

use std::collections::HashMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
use {
    costage::{Interest, Wait},
    rustix::fs::inotify::{
        CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch,
    },
    rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags, open, statx},
    std::collections::BTreeSet,
    std::ffi::OsStr,
    std::mem::MaybeUninit,
    std::os::fd::{AsFd, AsRawFd, OwnedFd},
    std::os::unix::ffi::OsStrExt,
};

use costage::Waits;
use rustix::io::Errno;

use crate::routes::Routes;
use crate::watch::Changes;

/// Why there is no watch, in words that lead to the setting.
pub(crate) const TOO_MANY: &str = "no more watches (fs.inotify.max_user_watches)";

/// The same of what a watch is added to.
pub(crate) fn no_watcher(error: io::Error) -> io::Error {
    match Errno::from_io_error(&error) {
        Some(Errno::MFILE) => {
            io::Error::other("no more watchers (fs.inotify.max_user_instances) or descriptors")
        }
        _ => error,
    }
}

/// The watch of a file; all who watch the same file have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileWatch(i32);

/// What is told of a directory far above.
#[cfg(target_os = "linux")]
const ABOVE: WatchFlags = WatchFlags::MOVE_SELF
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::ONLYDIR);

/// Watches files for being written to, and directories for being renamed or removed.
#[cfg(target_os = "linux")]
#[derive(Debug, Default)]
pub(crate) struct Direct {
    /// None, until there is something to watch.
    inotify: Option<OwnedFd>,
    wait: Option<Wait>,
    /// Whom a file concerns that is watched itself.
    files: Routes<FileWatch>,
    /// The directories whose files are watched; each has one watch, whatever number of files is in it.
    directories: HashMap<PathBuf, i32>,
    /// The same from the other side: mounted twice, a directory has two paths and one watch.
    paths: HashMap<i32, BTreeSet<PathBuf>>,
    /// The directories above those.
    above: HashMap<PathBuf, i32>,
    /// What was above, and another had its path before that was heard.
    replaced: HashMap<i32, PathBuf>,
}

#[cfg(target_os = "linux")]
impl Direct {
    /// It is this that tells when a file was written to.
    pub(crate) const TELLS_DATA: bool = true;

    /// Watches an open file, whatever its name is or becomes, for a name.
    pub(crate) fn watch_file(
        &mut self,
        file: BorrowedFd<'_>,
        name: usize,
    ) -> io::Result<FileWatch> {
        // Linux resolves it to the open file.
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let watch = FileWatch(self.watch(path.as_ref(), WatchFlags::MODIFY)?);
        self.files.add(watch, name);
        Ok(watch)
    }

    /// The name has let the file go.
    pub(crate) fn unwatch_file(&mut self, watch: FileWatch, name: usize) {
        self.files.remove(&watch, name);
        if !self.files.is_used(&watch) {
            self.release(watch.0);
        }
    }

    /// Watches the files in a directory.
    pub(crate) fn watch_directory(&mut self, directory: &Path) -> io::Result<()> {
        if self.directories.contains_key(directory) {
            return Ok(());
        }
        let watch = self.watch(directory, WatchFlags::MODIFY | WatchFlags::ONLYDIR)?;
        self.directories.insert(directory.to_owned(), watch);
        let paths = self.paths.entry(watch).or_default();
        paths.insert(directory.to_owned());
        Ok(())
    }

    pub(crate) fn unwatch_directory(&mut self, directory: &Path) {
        let Some(watch) = self.directories.remove(directory) else {
            return;
        };
        if let Some(paths) = self.paths.get_mut(&watch) {
            paths.remove(directory);
            if paths.is_empty() {
                self.paths.remove(&watch);
                self.release(watch);
            }
        }
    }

    /// Watches all directories above this one.
    pub(crate) fn watch_above(&mut self, directory: &Path) {
        for above in directory.ancestors().skip(1) {
            // The root stays. And where one cannot be watched only that is not noticed.
            let Some(watch) = above.parent().and_then(|_| self.watch(above, ABOVE).ok()) else {
                break;
            };
            // A directory that was removed is told late, or never, while a file in it is open: its path may stand for
            // another by now, which has another watch.
            match self.above.insert(above.to_owned(), watch) {
                // What is above it has been seen to, too.
                Some(known) if known == watch => break,
                Some(gone) => {
                    self.replaced.insert(gone, above.to_owned());
                    self.release(gone);
                }
                None => {}
            }
        }
    }

    /// Watches no longer what is above this directory, but for what is above one of `others`, too.
    pub(crate) fn unwatch_above<T>(&mut self, directory: &Path, others: &HashMap<PathBuf, T>) {
        for above in directory.ancestors().skip(1) {
            let is_below = |other: &PathBuf| other.starts_with(above) && other != above;
            if others.keys().any(is_below) {
                break;
            }
            if let Some(watch) = self.above.remove(above) {
                self.release(watch);
            }
        }
    }

    /// What is watched, some of it more than once.
    pub(crate) fn watches(&self) -> impl Iterator<Item = i32> {
        let files = self.files.keys().map(|file| file.0);
        let directories = self.paths.keys().chain(self.above.values());
        files.chain(directories.copied())
    }

    /// Ends a watch with all its uses, which must not be used again.
    pub(crate) fn end(&self, watch: i32) {
        if let Some(inotify) = &self.inotify {
            let _ = remove_watch(inotify, watch);
        }
    }

    pub(crate) fn waits(&mut self, waits: &mut Waits) {
        let inotify = self.inotify.as_ref();
        self.wait = inotify.map(|inotify| waits.add(inotify.as_fd(), Interest::Read));
    }

    /// Takes in what the system has told; `routes` say whom the files in a directory concern. Which directories above
    /// have lost their paths?
    pub(crate) fn hear(
        &mut self,
        waits: &Waits,
        routes: &Routes,
        changes: &mut Changes,
    ) -> Vec<PathBuf> {
        let is_ready = self.wait.take().is_some_and(|wait| waits.is_ready(wait));
        if is_ready {
            self.read(routes, changes)
        } else {
            Vec::new()
        }
    }

    fn read(&mut self, routes: &Routes, changes: &mut Changes) -> Vec<PathBuf> {
        let mut moved = Vec::new();
        let Some(inotify) = self.inotify.take() else {
            return moved;
        };
        // Some hundred events; what does not fit rings again.
        let mut buffer = [MaybeUninit::uninit(); 8 << 10];
        let mut reader = Reader::new(&inotify, &mut buffer);
        while let Ok(event) = reader.next() {
            let (flags, watch) = (event.events(), event.wd());
            changes.all |= flags.contains(ReadFlags::QUEUE_OVERFLOW);
            if flags.intersects(ReadFlags::MOVE_SELF | ReadFlags::DELETE_SELF) {
                let of = |(path, above): (&PathBuf, &i32)| (*above == watch).then(|| path.clone());
                moved.extend(self.above.iter().filter_map(of));
            }
            // Any other that was let go before this was heard has nothing below it.
            moved.extend(self.replaced.remove(&watch));
            if flags.contains(ReadFlags::IGNORED) {
                self.lose(watch, changes);
            } else if let Some(entry) = event.file_name() {
                let entry = OsStr::from_bytes(entry.to_bytes());
                for directory in self.paths.get(&watch).into_iter().flatten() {
                    changes
                        .data
                        .extend(routes.of(&directory.join(entry)).into_iter().flatten());
                }
            } else {
                changes
                    .data
                    .extend(self.files.of(&FileWatch(watch)).into_iter().flatten());
            }
            if reader.is_buffer_empty() {
                break;
            }
        }
        self.inotify = Some(inotify);
        for path in &moved {
            // Nothing below is watched any more: its path may stand for another.
            let below = self.above.extract_if(|above, _| above.starts_with(path));
            let below: Vec<i32> = below.map(|(_, watch)| watch).collect();
            for watch in below {
                self.release(watch);
            }
        }
        moved
    }

    /// The system has given a watch up: what was watched is gone, or its file system was unmounted.
    fn lose(&mut self, watch: i32, changes: &mut Changes) {
        self.above.retain(|_, above| *above != watch);
        for directory in self.paths.remove(&watch).into_iter().flatten() {
            self.directories.remove(&directory);
            changes.lost.insert(directory);
        }
        if let Some(names) = self.files.forget(&FileWatch(watch)) {
            changes.names.extend(names);
            changes.unwatched.insert(FileWatch(watch));
        }
    }

    /// Adds `flags` to the watch of `path`, which may serve another use already.
    fn watch(&mut self, path: &Path, flags: WatchFlags) -> io::Result<i32> {
        if self.inotify.is_none() {
            let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK);
            self.inotify = Some(inotify.map_err(|error| no_watcher(error.into()))?);
        }
        let inotify = self.inotify.as_ref().ok_or(io::ErrorKind::NotFound)?;
        add_watch(inotify, path, flags | WatchFlags::MASK_ADD).map_err(|error| match error {
            Errno::NOSPC => io::Error::other(TOO_MANY),
            error => error.into(),
        })
    }

    /// One use of a watch has ended: it tells no more than what is left wants, and goes with the last.
    fn release(&mut self, watch: i32) {
        if self.paths.contains_key(&watch) || self.files.is_used(&FileWatch(watch)) {
            return;
        }
        let Some(inotify) = &self.inotify else {
            return;
        };
        // What no longer exists is not watched any more either.
        let _ = match self.above.iter().find(|(_, above)| **above == watch) {
            Some((path, _)) => narrow(inotify, watch, path),
            None => remove_watch(inotify, watch),
        };
    }
}

/// Has the watch of a directory, which told of the files in it, too, tell only what one above does: every write
/// beside the next directory would wake the process.
#[cfg(target_os = "linux")]
fn narrow(inotify: &OwnedFd, watch: i32, path: &Path) -> rustix::io::Result<()> {
    // A mask is set by path, and what has the path may be another by now, watched for its files: an open directory
    // stays the same.
    let directory = open(
        path,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let opened = format!("/proc/self/fd/{}", directory.as_raw_fd());
    if add_watch(inotify, &opened, ABOVE | WatchFlags::MASK_ADD)? == watch {
        add_watch(inotify, &opened, ABOVE)?;
    }
    Ok(())
}

/// Is a file in this directory mounted there by itself? Then another directory is told of it. Before Linux 5.8 that
/// cannot be asked.
#[cfg(target_os = "linux")]
pub(crate) fn is_mounted(file: &Path, directory: &Path) -> bool {
    let mount = |path: &Path| {
        let found = statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID).ok()?;
        (found.stx_mask & StatxFlags::MNT_ID.bits() != 0).then_some(found.stx_mnt_id)
    };
    mount(file) != mount(directory)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_mounted(_: &Path, _: &Path) -> bool {
    false
}

/// Elsewhere `notify` tells of the files, with their directories, and nothing of those above.
#[cfg(not(target_os = "linux"))]
#[derive(Debug, Default)]
pub(crate) struct Direct;

#[cfg(not(target_os = "linux"))]
impl Direct {
    pub(crate) const TELLS_DATA: bool = false;

    pub(crate) fn watch_file(&mut self, _: BorrowedFd<'_>, _: usize) -> io::Result<FileWatch> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn unwatch_file(&mut self, _: FileWatch, _: usize) {}

    pub(crate) fn watch_directory(&mut self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn unwatch_directory(&mut self, _: &Path) {}

    pub(crate) fn watch_above(&mut self, _: &Path) {}

    pub(crate) fn unwatch_above<T>(&mut self, _: &Path, _: &HashMap<PathBuf, T>) {}

    pub(crate) fn waits(&mut self, _: &mut Waits) {}

    pub(crate) fn hear(&mut self, _: &Waits, _: &Routes, _: &mut Changes) -> Vec<PathBuf> {
        Vec::new()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::fs::{self, File};

    /// Whom what has been written concerns.
    fn written(direct: &mut Direct, routes: &Routes) -> Vec<usize> {
        let mut changes = Changes::default();
        assert!(direct.read(routes, &mut changes).is_empty());
        assert!(!changes.all && changes.names.is_empty());
        changes.data.into_iter().collect()
    }

    #[test]
    fn a_file_that_two_names_stand_for_is_watched_until_both_have_let_it_go() {
        let named = tempfile::NamedTempFile::new().expect("a file");
        let again = File::open(named.path()).expect("a file");
        let routes = Routes::default();
        let mut direct = Direct::default();
        let watch = direct
            .watch_file(named.as_file().as_fd(), 0)
            .expect("watched");
        assert_eq!(direct.watch_file(again.as_fd(), 1).expect("watched"), watch);
        for (left, expected) in [(Some(0), vec![0, 1]), (Some(1), vec![1]), (None, vec![])] {
            fs::write(named.path(), "a line\n").expect("written");
            assert_eq!(written(&mut direct, &routes), expected);
            if let Some(name) = left {
                direct.unwatch_file(watch, name);
            }
        }
    }

    // It was kept for each file that was deleted while it was followed.
    #[test]
    fn a_watch_that_the_system_gives_up_is_told_once_and_forgotten() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("log");
        fs::write(&path, "a line\n").expect("written");
        let mut direct = Direct::default();
        let file = File::open(&path).expect("a file");
        let watch = direct.watch_file(file.as_fd(), 3).expect("watched");
        drop(file);
        fs::remove_file(&path).expect("removed");
        let mut changes = Changes::default();
        direct.read(&Routes::default(), &mut changes);
        assert!(changes.names.contains(&3) && changes.unwatched.contains(&watch));
        assert_eq!(direct.watches().count(), 0);
    }

    // One watch an inode: what it was told last would be all that it tells.
    #[test]
    fn a_directory_is_watched_for_its_files_and_for_what_is_below() {
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path().canonicalize().expect("a path");
        let (above, below) = (root.join("above"), root.join("above/below"));
        fs::create_dir_all(&below).expect("made");
        let log = above.join("log");
        let mut routes = Routes::default();
        routes.add(log.clone(), 7);
        let mut direct = Direct::default();
        direct.watch_directory(&above).expect("watched");
        direct.watch_directory(&below).expect("watched");
        direct.watch_above(&below);
        fs::write(&log, "a line\n").expect("written");
        assert_eq!(written(&mut direct, &routes), [7]);
        // Of a file that nobody follows nothing is told.
        fs::write(above.join("other"), "a line\n").expect("written");
        assert_eq!(written(&mut direct, &routes), []);
        direct.unwatch_directory(&above);
        fs::rename(&above, root.join("aside")).expect("renamed");
        let mut changes = Changes::default();
        assert_eq!(direct.read(&routes, &mut changes), [above]);
        assert!(!changes.all);
    }

    // Each directory that had once been above another was watched until it was removed.
    #[test]
    fn what_is_above_is_watched_as_long_as_something_is_below() {
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path().canonicalize().expect("a path");
        let below = ["a/b", "a/c"].map(|name| root.join(name));
        let mut direct = Direct::default();
        for directory in &below {
            fs::create_dir_all(directory).expect("made");
            direct.watch_above(directory);
        }
        let others = |path: PathBuf| HashMap::from([(path, 1)]);
        direct.unwatch_above(&below[0], &others(root.join("a/c")));
        assert!(direct.above.contains_key(&root.join("a")));
        direct.unwatch_above(&below[1], &others(root.join("a")));
        assert!(!direct.above.contains_key(&root.join("a")));
        assert!(direct.above.contains_key(&root));
        direct.unwatch_above(&root.join("a"), &others("/elsewhere/log".into()));
        assert!(direct.above.is_empty());
    }

    // It was taken for lost events, and everything was looked at.
    #[test]
    fn of_what_was_let_go_before_it_was_heard_only_what_is_below_its_path_is_looked_at() {
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path().canonicalize().expect("a path");
        let above = root.join("above");
        let mut direct = Direct::default();
        let read = |direct: &mut Direct| {
            let mut changes = Changes::default();
            let moved = direct.read(&Routes::default(), &mut changes);
            assert!(!changes.all);
            moved
        };
        fs::create_dir(&above).expect("made");
        direct.watch_above(&above.join("below"));
        fs::rename(&above, root.join("aside")).expect("renamed");
        fs::create_dir(&above).expect("made");
        direct.watch_above(&above.join("other"));
        assert_eq!(read(&mut direct), std::slice::from_ref(&above));
        direct.watch_above(&above.join("other"));
        fs::rename(&above, root.join("aside.2")).expect("renamed");
        direct.unwatch_above(&above.join("other"), &HashMap::<_, usize>::new());
        assert!(read(&mut direct).is_empty());
        assert!(direct.above.is_empty() && direct.replaced.is_empty());
    }

    // What is told of a directory is set by its path, which another may have by then.
    #[test]
    fn a_directory_that_took_the_path_of_another_keeps_its_watch() {
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path().canonicalize().expect("a path");
        let (above, other) = (root.join("above"), root.join("other"));
        fs::create_dir(&above).expect("made");
        fs::create_dir(&other).expect("made");
        let mut routes = Routes::default();
        routes.add(other.join("log"), 7);
        let mut direct = Direct::default();
        direct.watch_directory(&above).expect("watched");
        direct.watch_above(&above.join("below"));
        direct.watch_directory(&other).expect("watched");
        fs::rename(&above, root.join("aside")).expect("renamed");
        fs::rename(&other, &above).expect("renamed");
        direct.unwatch_directory(&above);
        fs::write(above.join("log"), "a line\n").expect("written");
        let mut changes = Changes::default();
        assert_eq!(direct.read(&routes, &mut changes), [above]);
        assert_eq!(changes.data.into_iter().collect::<Vec<_>>(), [7]);
    }
}
