//! What kind of file system a file is in, as far as following it differs.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

/// By the number that the system has for its kind; where none can be had, none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileSystem(Option<u32>);

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

/// From `linux/magic.h`.
const OVERLAYFS: u32 = 0x794c_7630;

impl FileSystem {
    #[cfg(target_os = "linux")]
    pub(crate) fn of(file: impl AsFd) -> io::Result<FileSystem> {
        Ok(FileSystem::kind(&rustix::fs::fstatfs(file)?))
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn at(path: &Path) -> io::Result<FileSystem> {
        Ok(FileSystem::kind(&rustix::fs::statfs(path)?))
    }

    #[cfg(target_os = "linux")]
    fn kind(stat: &rustix::fs::StatFs) -> FileSystem {
        // The field is signed on some machines, with the sign in the way.
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::unnecessary_cast
        )]
        FileSystem(Some(stat.f_type as u32))
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn of(_: impl AsFd) -> io::Result<FileSystem> {
        Ok(FileSystem(None))
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn at(_: &Path) -> io::Result<FileSystem> {
        Ok(FileSystem(None))
    }

    /// Does it tell when what is in it changes?
    pub(crate) fn tells_changes(self) -> bool {
        !self.0.is_some_and(|kind| SILENT.contains(&kind))
    }

    /// Does a file keep the time of birth it has? On overlayfs it gets another when it is first written to or renamed,
    /// which copies it up from the layer it was in.
    pub(crate) fn keeps_births(self) -> bool {
        self.0 != Some(OVERLAYFS)
    }
}
