//! Files that have a descriptor while there are enough: of more than that the quiet ones are closed, and opened again
//! when something happens to them.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use crate::file_system::FileSystem;
use crate::identity::Identity;

/// So many that were open are kept in mind before it is asked which of them are gone.
const FEW: usize = 64;

/// What a process has open besides: the standard ones, bells, watches, directories that are being read.
const OTHERS: u64 = 24;

/// The descriptors that are kept. A clone is the same.
#[derive(Clone, Debug)]
pub(crate) struct Descriptors(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    most: usize,
    open: Mutex<Open>,
}

/// Those that are open, the oldest first, as far as they were not used again.
#[derive(Debug, Default)]
struct Open {
    slots: VecDeque<Weak<Slot>>,
    /// When there are so many it is asked which are gone: twice as many as were left, so that each costs as much as if
    /// it was asked for once.
    limit: usize,
}

/// A file that was opened by a path, and is the same when it is opened again.
#[derive(Debug)]
pub(crate) struct Slot {
    path: PathBuf,
    identity: Identity,
    /// It was used since the others last had their turn.
    used: AtomicBool,
    file: Mutex<Option<File>>,
    /// It keeps its descriptor from now on.
    pinned: OnceLock<File>,
    kept: Descriptors,
}

impl Default for Descriptors {
    fn default() -> Descriptors {
        // A file that is deleted while it is closed is lost. Half of what is allowed is left for those that have to keep
        // theirs.
        let allowed = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
        let allowed = usize::try_from(allowed.saturating_sub(OTHERS) / 2);
        Descriptors::new(allowed.unwrap_or(usize::MAX))
    }
}

impl Descriptors {
    pub(crate) fn new(most: usize) -> Descriptors {
        Descriptors(Arc::new(Kept {
            most,
            open: Mutex::default(),
        }))
    }

    /// Opens a file to be read, without waiting for a FIFO's writer.
    pub(crate) fn open(&self, path: &Path) -> io::Result<Arc<Slot>> {
        let file = open(path)?;
        let identity = identity_of(&file)?;
        let slot = Arc::new(Slot {
            path: path.to_owned(),
            identity,
            used: AtomicBool::new(true),
            file: Mutex::new(Some(file)),
            pinned: OnceLock::new(),
            kept: self.clone(),
        });
        self.enter(&slot);
        Ok(slot)
    }

    /// One more is open: one that was not used for long is closed. Each that was used gets another turn (the clock
    /// algorithm, Corbató 1968).
    fn enter(&self, slot: &Arc<Slot>) {
        let Open { slots: open, limit } = &mut *lock(&self.0.open);
        open.push_back(Arc::downgrade(slot));
        if open.len() > *limit {
            open.retain(|slot| slot.strong_count() > 0);
            *limit = FEW.max(2 * open.len());
        }
        // In the second round none has been used since the first; the one that comes in stays.
        let turns = 2 * open.len();
        for _ in 0..turns {
            if open.len() <= self.0.most {
                break;
            }
            let Some(oldest) = open.pop_front().and_then(|oldest| oldest.upgrade()) else {
                continue;
            };
            if oldest.pinned.get().is_some() {
                continue;
            }
            if oldest.used.swap(false, Ordering::Relaxed) || Arc::ptr_eq(&oldest, slot) {
                open.push_back(Arc::downgrade(&oldest));
            } else {
                *lock(&oldest.file) = None;
            }
        }
    }
}

impl Slot {
    /// Uses the file, which is opened again if it was closed. Fails, if its path leads to another file now.
    pub(crate) fn with<T>(
        self: &Arc<Slot>,
        use_it: impl FnOnce(&File) -> io::Result<T>,
    ) -> io::Result<T> {
        if let Some(file) = self.pinned.get() {
            return use_it(file);
        }
        self.used.store(true, Ordering::Relaxed);
        let mut file = lock(&self.file);
        if let Some(file) = &*file {
            return use_it(file);
        }
        let again = file.insert(self.open_again()?);
        let done = use_it(again);
        drop(file);
        self.kept.enter(self);
        done
    }

    /// The descriptor, which the file keeps from now on; none, if its path leads to another file.
    pub(crate) fn pin(&self) -> Option<BorrowedFd<'_>> {
        if let Some(file) = self.pinned.get() {
            return Some(file.as_fd());
        }
        let file = lock(&self.file).take();
        let file = file.or_else(|| self.open_again().ok())?;
        Some(self.pinned.get_or_init(|| file).as_fd())
    }

    fn open_again(&self) -> io::Result<File> {
        let file = open(&self.path)?;
        if identity_of(&file)? == self.identity {
            Ok(file)
        } else {
            Err(Errno::NOENT.into())
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags).open(path)
}

fn identity_of(file: &File) -> io::Result<Identity> {
    let meta = file.metadata()?;
    Ok(Identity::of(&meta, || FileSystem::of(file)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that is done under the lock can leave it half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::FileExt;

    fn text(slot: &Arc<Slot>) -> io::Result<String> {
        slot.with(|file| {
            let mut bytes = [0; 8];
            let count = file.read_at(&mut bytes, 0)?;
            Ok(String::from_utf8_lossy(&bytes[..count]).into_owned())
        })
    }

    fn is_open(slot: &Slot) -> bool {
        slot.pinned.get().is_some() || lock(&slot.file).is_some()
    }

    #[test]
    fn only_so_many_are_open_and_all_can_be_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let descriptors = Descriptors::new(3);
        let open = |number: usize| {
            let path = dir.path().join(number.to_string());
            fs::write(&path, number.to_string()).expect("written");
            descriptors.open(&path).expect("opened")
        };
        let slots: Vec<_> = (0..10).map(open).collect();
        for _ in 0..3 {
            for (number, slot) in slots.iter().enumerate() {
                assert_eq!(text(slot).expect("read"), number.to_string());
                assert!(is_open(slot));
                assert!(slots.iter().filter(|slot| is_open(slot)).count() <= 3);
            }
        }
        // One that is pinned stays, whatever happens to the others or to its name.
        assert!(slots[0].pin().is_some());
        fs::remove_file(dir.path().join("0")).expect("removed");
        for slot in &slots[1..] {
            text(slot).expect("read");
        }
        assert_eq!(text(&slots[0]).expect("read"), "0");
    }

    // For months of rotation no more is kept than there is.
    #[test]
    fn what_is_gone_is_forgotten() {
        let dir = tempfile::tempdir().expect("a directory");
        let descriptors = Descriptors::new(usize::MAX);
        let path = dir.path().join("log");
        fs::write(&path, "text").expect("written");
        let kept = descriptors.open(&path).expect("opened");
        for _ in 0..10 * FEW {
            descriptors.open(&path).expect("opened");
            assert!(lock(&descriptors.0.open).slots.len() <= FEW + 1);
        }
        assert!(is_open(&kept));
    }

    #[test]
    fn a_file_that_was_closed_and_lost_its_name_is_not_taken_for_another() {
        let dir = tempfile::tempdir().expect("a directory");
        let descriptors = Descriptors::new(1);
        let path = dir.path().join("log");
        fs::write(&path, "old").expect("written");
        let old = descriptors.open(&path).expect("opened");
        fs::rename(&path, dir.path().join("log.1")).expect("renamed");
        fs::write(&path, "new").expect("written");
        let new = descriptors.open(&path).expect("opened");
        assert_eq!(text(&new).expect("read"), "new");
        assert!(text(&old).is_err());
        assert!(old.pin().is_none());
    }
}
