//! The file system, as far as following files goes: the real one, and in tests one in memory.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use crate::descriptors::{Descriptors, Slot};
use crate::file_system::FileSystem;
use crate::identity::Identity;
use crate::{Start, skip_to};

/// By which name standard input is opened.
pub(crate) const STDIN: &str = "/dev/stdin";

/// Where names lead to files.
pub(crate) trait Disk {
    type File: Readable;

    /// What a path stands for, through symbolic links.
    fn facts(&self, path: &Path) -> io::Result<Facts>;
    /// What the path itself is.
    fn entry(&self, path: &Path) -> io::Result<Entry>;
    /// The names in a directory, in any order.
    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>>;
    /// Opens a file to be read, without waiting for a FIFO's writer.
    fn open(&self, path: &Path) -> io::Result<Self::File>;
    /// Does the system tell of changes in this directory? What cannot be asked cannot be watched either, which
    /// shows by itself.
    fn tells_changes_in(&self, directory: &Path) -> bool;
    /// The position of the line or byte at which to start.
    fn skip_to(&self, file: &Self::File, start: Start, terminator: u8) -> io::Result<u64>;
}

/// An open file.
pub(crate) trait Readable {
    fn facts(&self) -> io::Result<Facts>;
    /// Reads at a position; a stream, which has none, where it stands. 0 is the end.
    fn read_at(&self, into: &mut [u8], position: u64) -> io::Result<usize>;
    /// A descriptor to wait with, which the file keeps from now on.
    fn descriptor(&self) -> Option<BorrowedFd<'_>>;
    /// Lends its descriptor, which it need not keep.
    fn lend<T>(&self, used: impl FnOnce(BorrowedFd<'_>) -> io::Result<T>) -> io::Result<T>;
    /// Can it be read? One that is closed while it is quiet cannot when its path leads to another file.
    fn is_within_reach(&self) -> bool;
    /// Does the system tell when the file changes? Network file systems do not, when it is changed elsewhere, and
    /// those that make their files up do not either.
    fn tells_changes(&self) -> bool;
}

/// What is known of a file without reading it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) identity: Identity,
    pub(crate) kind: Kind,
    /// In bytes.
    pub(crate) length: u64,
    /// Nanoseconds since 1970.
    pub(crate) modified: u64,
    /// How many names it has.
    pub(crate) links: u64,
}

/// What kind of file, as far as following it differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Regular,
    Directory,
    /// Its end is only that no writer is there now.
    Fifo,
    /// A character device, such as a terminal.
    Device,
    Other,
}

impl Kind {
    /// Is it read as it comes, without positions?
    pub(crate) fn is_stream(self) -> bool {
        matches!(self, Kind::Fifo | Kind::Device)
    }
}

/// What stands in a directory under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Link(PathBuf),
    Directory,
    File,
}

impl Facts {
    fn of_open(file: &File) -> io::Result<Facts> {
        let meta = file.metadata()?;
        Ok(Facts::of(&meta, || FileSystem::of(file)))
    }

    /// `file_system` tells in which file system it is, if that is asked.
    fn of(meta: &Metadata, file_system: impl FnOnce() -> io::Result<FileSystem>) -> Facts {
        let kind = meta.file_type();
        let modified = meta.modified().ok();
        let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Facts {
            identity: Identity::of(meta, file_system),
            kind: if kind.is_file() {
                Kind::Regular
            } else if kind.is_dir() {
                Kind::Directory
            } else if kind.is_fifo() {
                Kind::Fifo
            } else if kind.is_char_device() {
                Kind::Device
            } else {
                Kind::Other
            },
            length: meta.len(),
            modified: modified.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)),
            links: meta.nlink(),
        }
    }
}

/// The operating system's files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Os(Descriptors);

/// One of them.
#[derive(Debug)]
pub(crate) struct OsFile {
    slot: Arc<Slot>,
    is_stream: bool,
}

impl Disk for Os {
    type File = OsFile;

    fn facts(&self, path: &Path) -> io::Result<Facts> {
        let meta = path.metadata()?;
        Ok(Facts::of(&meta, || FileSystem::at(path)))
    }

    fn entry(&self, path: &Path) -> io::Result<Entry> {
        let meta = path.symlink_metadata()?;
        Ok(if meta.is_symlink() {
            Entry::Link(path.read_link()?)
        } else if meta.is_dir() {
            Entry::Directory
        } else {
            Entry::File
        })
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        directory
            .read_dir()?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect()
    }

    fn open(&self, path: &Path) -> io::Result<OsFile> {
        let slot = self.0.open(path)?;
        let is_stream = slot.with(Facts::of_open)?.kind.is_stream();
        Ok(OsFile { slot, is_stream })
    }

    fn tells_changes_in(&self, directory: &Path) -> bool {
        let directory = File::open(directory);
        let asked = directory.and_then(FileSystem::of);
        asked.map_or(true, FileSystem::tells_changes)
    }

    fn skip_to(&self, file: &OsFile, start: Start, terminator: u8) -> io::Result<u64> {
        file.slot.with(|file| skip_to(file, start, terminator))
    }
}

impl Readable for OsFile {
    fn facts(&self) -> io::Result<Facts> {
        self.slot.with(Facts::of_open)
    }

    fn read_at(&self, into: &mut [u8], position: u64) -> io::Result<usize> {
        self.slot.with(|mut file| {
            if self.is_stream {
                file.read(into)
            } else {
                file.read_at(into, position)
            }
        })
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.slot.pin()
    }

    fn lend<T>(&self, used: impl FnOnce(BorrowedFd<'_>) -> io::Result<T>) -> io::Result<T> {
        self.slot.with(|file| used(file.as_fd()))
    }

    fn is_within_reach(&self) -> bool {
        self.slot.with(|_| Ok(())).is_ok()
    }

    fn tells_changes(&self) -> bool {
        let asked = self.slot.with(|file| FileSystem::of(file));
        asked.map_or(true, FileSystem::tells_changes)
    }
}
