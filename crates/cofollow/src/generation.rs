//! One file that a name stands or stood for.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use costage::{Block, Framer};

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(crate) fn of(meta: &Metadata) -> Identity {
        Identity {
            device: meta.dev(),
            inode: meta.ino(),
        }
    }
}

/// One file that a name stands or stood for, and how far it has been read.
pub(crate) struct Generation {
    /// Tells it from every other there was.
    pub(crate) key: u64,
    pub(crate) identity: Identity,
    file: File,
    position: u64,
    /// The unfinished line before `position`, while the framer works for another file.
    pub(crate) tail: Option<Block>,
    /// When data last came, or when it was retired.
    pub(crate) last_data: Instant,
    /// The path by which a retired one is watched.
    pub(crate) watched: Option<PathBuf>,
}

/// What a read brought.
pub(crate) enum Chunk {
    Block(Block),
    /// More of a line that is not finished.
    Partial,
    /// All that is there has been read.
    Drained,
}

impl Generation {
    pub(crate) fn new(key: u64, file: File, meta: &Metadata, position: u64) -> Generation {
        Generation {
            key,
            identity: Identity::of(meta),
            file,
            position,
            tail: None,
            last_data: Instant::now(),
            watched: None,
        }
    }

    /// Opens a regular file; says of anything else why it cannot be followed.
    pub(crate) fn open(path: &Path) -> io::Result<(File, Metadata)> {
        // Asked first: opening a FIFO would wait for its writer.
        let kind = path.metadata()?.file_type();
        if kind.is_dir() {
            // Fails, in the system's words.
            File::open(path)?.read_at(&mut [0], 0)?;
        }
        if !kind.is_file() {
            return Err(io::Error::other("cannot follow this type of file"));
        }
        let file = File::open(path)?;
        let meta = file.metadata()?;
        Ok((file, meta))
    }

    /// Reads on, with `framer`, which holds this file's tail.
    pub(crate) fn read(&mut self, framer: &mut Framer) -> io::Result<Chunk> {
        let space = framer.space();
        let wanted = space.len();
        let count = self.file.read_at(space, self.position)?;
        if count == 0 {
            return Ok(Chunk::Drained);
        }
        self.position += count as u64;
        self.last_data = Instant::now();
        Ok(match framer.filled(count) {
            Some(block) => Chunk::Block(block),
            None if count == wanted => Chunk::Partial,
            // What comes after a short read rings the bell again.
            None => Chunk::Drained,
        })
    }

    /// Has the file become shorter than what was read of it? Then it is read from its start.
    pub(crate) fn was_truncated(&mut self) -> io::Result<bool> {
        let truncated = self.file.metadata()?.len() < self.position;
        if truncated {
            self.position = 0;
        }
        Ok(truncated)
    }

    /// A path by which the file itself can be watched, whatever its name has become: Linux resolves it to the
    /// open file. Elsewhere watching it fails, and the file is looked at once a second.
    pub(crate) fn watch_path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.file.as_raw_fd()).into()
    }
}
