//! One file that a name stands or stood for.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use costage::{Block, Framer, Gather};

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// Shared with its watch, which goes by the number of this descriptor.
    pub(crate) file: Arc<File>,
    position: u64,
    /// Lines that were read and wait for those of older generations.
    pub(crate) ahead: Option<Block>,
    /// The unfinished line before `position`, while the framer works for another file.
    pub(crate) tail: Option<Block>,
    /// When data last came, or when it was retired.
    pub(crate) last_data: Instant,
    /// Is it itself watched, not only its directory?
    pub(crate) is_watched: bool,
    /// Reading failed, which has been said.
    pub(crate) said_unreadable: bool,
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
            file: Arc::new(file),
            position,
            ahead: None,
            tail: None,
            last_data: Instant::now(),
            is_watched: false,
            said_unreadable: false,
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
        framer.reserve()?;
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

    /// Has it been read up to here?
    pub(crate) fn is_read_to(&self, position: u64) -> bool {
        self.position >= position
    }

    /// Is there more to read? If that cannot be told, or not be read, there is not.
    pub(crate) fn has_more(&self) -> bool {
        let is_longer = |meta: Metadata| meta.len() > self.position;
        !self.said_unreadable && self.file.metadata().is_ok_and(is_longer)
    }

    /// Has the file become shorter than what was read of it? Then it is read from its start.
    pub(crate) fn was_truncated(&mut self) -> bool {
        let is_shorter = |meta: Metadata| meta.len() < self.position;
        let truncated = self.file.metadata().is_ok_and(is_shorter);
        if truncated {
            self.position = 0;
        }
        truncated
    }

    /// The end of this unfinished line will not come: it is a line now, the last of those read ahead.
    pub(crate) fn finish(&mut self, tail: &Block) {
        let mut lines = Gather::new(tail.terminator());
        lines.push(self.ahead.as_deref().unwrap_or_default());
        lines.push(tail);
        lines.finish_line();
        self.ahead = lines.take();
    }
}
