//! Which file it is, so that nothing reads what it writes itself.

use std::fs::{File, Metadata};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

/// What makes two names the same file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    /// The number of its file system.
    pub device: u64,
    /// Its number there, which is given out again when the file is gone.
    pub inode: u64,
}

impl FileId {
    /// Of a regular file: only one that grows by what is read from it never ends.
    ///
    /// ```
    /// use costage::FileId;
    ///
    /// let file = std::fs::File::open("Cargo.toml")?;
    /// assert_eq!(FileId::of(&std::fs::metadata("./Cargo.toml")?), FileId::behind(&file));
    /// assert_eq!(FileId::of(&std::fs::metadata("/dev/null")?), None);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn of(metadata: &Metadata) -> Option<FileId> {
        metadata.is_file().then(|| FileId {
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    /// Of what a descriptor is, such as standard output, if that is a regular file.
    pub fn behind(descriptor: impl AsFd) -> Option<FileId> {
        let file = descriptor.as_fd().try_clone_to_owned().map(File::from);
        FileId::of(&file.and_then(|file| file.metadata()).ok()?)
    }
}
