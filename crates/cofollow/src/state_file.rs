//! The file in which a state is kept from one run to the next.
//!
//! It is never changed, only replaced: the new state is written whole into a file beside it, which then takes its
//! name. Killed at any instruction, a process leaves the old state or the new one, and at most one unfinished
//! file beside it, always of the same name, which the next run removes.
//!
//! Only one process may have it at a time, which a lock (`flock(2)`) on the file sees to; the system gives it up
//! when the process ends, however that ends. The lock passes from file to file: the new one is locked before it
//! has the name, the old one stays locked until it has lost it. Whoever opened the old one meanwhile finds, with
//! its lock in hand, that the name stands for another file by now, and opens that.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use costage::{Call, Error, FileId, Result, printable};

use crate::file_system::FileSystem;
use crate::identity::Identity;
use crate::state::{self, State};

/// How often a file is opened that is replaced each time before it is locked. Its owner replaces it some ten
/// times a second: after a few times in a row there is no doubt that it has one.
const ATTEMPTS: usize = 10;

/// Where a state is kept. Held by this process until it is dropped.
#[derive(Debug)]
pub(crate) struct StateFile {
    /// As the user knows it.
    shown: String,
    /// Free of symbolic links: it is their target that is replaced.
    path: PathBuf,
    /// Beside it, the name under which a new state is written.
    new: PathBuf,
    /// What the path stands for, locked.
    file: File,
    /// Which file that is.
    id: Option<FileId>,
    /// The text of a state; kept, to be filled again.
    text: Vec<u8>,
}

impl StateFile {
    /// Opens or creates it, reads it, and holds it for this process. What was read is saved at once: a directory
    /// in which it cannot be replaced is told of at the start, not after the first lines.
    ///
    /// Fails with "in use by another process" while another holds it, and if it is no state: what is no state is
    /// never overwritten.
    pub(crate) fn open(path: &Path) -> Result<(StateFile, State)> {
        let shown = path.display().to_string();
        let failed = |source| Error::io(Call::Open, &*shown, source);
        // Asked first: to open a FIFO or a device does something.
        if let Ok(meta) = path.metadata()
            && !meta.is_file()
            && !meta.is_dir()
        {
            return Err(failed(io::Error::other("not a regular file")));
        }
        let Some((file, path)) = open_locked(path).map_err(failed)? else {
            return Err(failed(io::Error::other("in use by another process")));
        };
        let mut new_name = OsString::from(".");
        new_name.push(path.file_name().unwrap_or_default());
        new_name.push(".new");
        let mut this = StateFile {
            shown: shown.clone(),
            new: path.with_file_name(new_name),
            path,
            file,
            id: None,
            text: Vec::new(),
        };
        let state = match State::parse(&read(&this.file).map_err(failed)?) {
            Ok(state) => state,
            Err(error) => return Err(Error::other(format!("{}: {error}", printable(&shown)))),
        };
        this.save(&state)?;
        Ok((this, state))
    }

    /// Replaces the state. Safe from then on from whatever happens to this process; from what happens to the
    /// machine only after a [`sync`](StateFile::sync).
    ///
    /// Fails, and leaves the old state, if it cannot be written, or if someone has put another file in its place.
    pub(crate) fn save(&mut self, state: &State) -> Result<()> {
        self.text.clear();
        state.write(&mut self.text);
        if !self.is_in_place()? {
            let error = io::Error::other("replaced by another process");
            return Err(self.unwritten(error));
        }
        let new = self.create()?;
        let replaced = self.fill(&new).and_then(|id| {
            fs::rename(&self.new, &self.path)?;
            Ok(id)
        });
        self.id = match replaced {
            Ok(id) => id,
            Err(error) => {
                // For the room it takes; if that fails too, the next save does it.
                let _ = fs::remove_file(&self.new);
                return Err(self.unwritten(error));
            }
        };
        // Lets go of the old one, which has lost its name.
        self.file = new;
        Ok(())
    }

    /// Which file it is, until it is next replaced.
    pub(crate) fn id(&self) -> Option<FileId> {
        self.id
    }

    /// Waits until what was saved is on the disk, and would outlive the machine's going down. It takes as long as
    /// the disk does: for the end, not for every save.
    pub(crate) fn sync(&self) -> Result<()> {
        self.file
            .sync_all()
            .map_err(|error| self.unwritten(error))?;
        // The name is part of the directory. Some may not be read, and some file systems cannot do it.
        let Ok(directory) = File::open(self.path.parent().unwrap_or(Path::new("/"))) else {
            return Ok(());
        };
        match directory.sync_all() {
            Err(error) if error.kind() != ErrorKind::InvalidInput => Err(self.unwritten(error)),
            _ => Ok(()),
        }
    }

    /// Does a path lead to it?
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        path.file_name() == self.path.file_name()
            && path.canonicalize().is_ok_and(|path| path == self.path)
    }

    /// Does the path still stand for the file that is held, or for none? One that was removed is made anew.
    fn is_in_place(&self) -> Result<bool> {
        match is_at(&self.path, &self.file) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
            other => other.map_err(|error| self.unwritten(error)),
        }
    }

    /// Creates the file for a new state. Only who holds the old one does, so one that is there was left behind.
    fn create(&self) -> Result<File> {
        let create = || {
            // Never through a link that someone has put there, and for nobody else until it is like the old one.
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).mode(0o600);
            options.open(&self.new)
        };
        let created = match create() {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                fs::remove_file(&self.new).and_then(|()| create())
            }
            created => created,
        };
        created.map_err(|error| Error::io(Call::Open, self.new.display().to_string(), error))
    }

    /// Makes a new file what the old one is, with the new text. Answers which file it is.
    fn fill(&self, mut new: &File) -> io::Result<Option<FileId>> {
        let (old_meta, new_meta) = (self.file.metadata()?, new.metadata()?);
        if (old_meta.uid(), old_meta.gid()) != (new_meta.uid(), new_meta.gid()) {
            // Only root may. For others it becomes theirs, as it does with every program that replaces files.
            let _ = fchown(new, Some(old_meta.uid()), Some(old_meta.gid()));
        }
        new.set_permissions(old_meta.permissions())?;
        new.try_lock()?;
        new.write_all(&self.text)?;
        Ok(FileId::of(&new_meta))
    }

    fn unwritten(&self, error: io::Error) -> Error {
        Error::io(Call::Write, &*self.shown, error)
    }
}

impl Drop for StateFile {
    fn drop(&mut self) {
        // Closing it is not enough while a child process, which is about to start, has a copy of the descriptor.
        let _ = self.file.unlock();
    }
}

/// Opens or creates a file, and locks it; with its path, free of symbolic links. None, if it is locked.
fn open_locked(path: &Path) -> io::Result<Option<(File, PathBuf)>> {
    for _ in 0..ATTEMPTS {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let real = path.canonicalize();
        match real.and_then(|real| Ok((is_at(&real, &file)?, real))) {
            Ok((true, real)) => return Ok(Some((file, real))),
            Ok((false, _)) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Does this path, free of symbolic links, stand for this file?
fn is_at(path: &Path, file: &File) -> io::Result<bool> {
    let identity = |meta: &Metadata| Identity::of(meta, || FileSystem::of(file));
    Ok(identity(&path.symlink_metadata()?) == identity(&file.metadata()?))
}

/// Reads all of a state; of anything else, which may be of any size, only the beginning.
fn read(mut file: &File) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let magic = state::MAGIC.len() as u64;
    file.take(magic).read_to_end(&mut text)?;
    if text == state::MAGIC {
        file.read_to_end(&mut text)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
