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
    fn of(meta: &Metadata) -> Facts {
        let kind = meta.file_type();
        let modified = meta.modified().ok();
        let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Facts {
            identity: Identity::of(meta),
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
        path.metadata().map(|meta| Facts::of(&meta))
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
        let kind = slot
            .with(File::metadata)
            .map(|meta| Facts::of(&meta).kind)?;
        let is_stream = kind.is_stream();
        Ok(OsFile { slot, is_stream })
    }

    fn tells_changes_in(&self, directory: &Path) -> bool {
        let directory = File::open(directory);
        let asked = directory.and_then(|directory| tells_changes(directory.as_fd()));
        asked.unwrap_or(true)
    }

    fn skip_to(&self, file: &OsFile, start: Start, terminator: u8) -> io::Result<u64> {
        file.slot.with(|file| skip_to(file, start, terminator))
    }
}

impl Readable for OsFile {
    fn facts(&self) -> io::Result<Facts> {
        self.slot.with(File::metadata).map(|meta| Facts::of(&meta))
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
        let asked = self.slot.with(|file| tells_changes(file.as_fd()));
        asked.unwrap_or(true)
    }
}

/// Does the file system tell when what is in it changes?
#[cfg(target_os = "linux")]
fn tells_changes(file: BorrowedFd<'_>) -> io::Result<bool> {
    /// From `linux/magic.h` and the file systems' own headers: 9p, AFS, Ceph, CIFS, FUSE, NFS, SMB, SMB2;
    /// proc, sysfs, debugfs, tracefs, the two cgroups.
    const SILENT: [u32; 14] = [
        0x0102_1997,
        0x5346_414f,
        0x00c3_6400,
        0xff53_4d42,
        0x6573_5546,
        0x6969,
        0x517b,
        0xfe53_4d42,
        0x9fa0,
        0x6265_6572,
        0x6462_6720,
        0x7472_6163,
        0x0027_e0eb,
        0x6367_7270,
    ];
    let stat = rustix::fs::fstatfs(file)?;
    // The field is signed on some machines, with the sign in the way.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::unnecessary_cast
    )]
    let magic = stat.f_type as u32;
    Ok(!SILENT.contains(&magic))
}

#[cfg(not(target_os = "linux"))]
fn tells_changes(_: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(true)
}
