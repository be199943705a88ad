//! Which file it is, whatever its name and whatever its number was used for before.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs::Metadata;
use std::hash::{Hash, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use costage::FileId;

use crate::file_system::FileSystem;

/// Which file it is, whatever its name. A number that was given back is given out again: the time of birth,
/// where the file system keeps it, tells the two apart. Where it may change it does not count: then it only tells
/// the older from the younger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// Nanoseconds since 1970.
    pub(crate) born: Option<u64>,
    /// The file may get another time of birth.
    pub(crate) may_change: bool,
}

impl Identity {
    /// `file_system` tells in which file system the file is; it is asked once for each device.
    pub(crate) fn of(
        meta: &Metadata,
        file_system: impl FnOnce() -> io::Result<FileSystem>,
    ) -> Identity {
        let born = meta.created().ok();
        let since = born.and_then(|born| born.duration_since(UNIX_EPOCH).ok());
        Identity {
            device: meta.dev(),
            inode: meta.ino(),
            born: since.and_then(|since| u64::try_from(since.as_nanos()).ok()),
            may_change: since.is_some() && !keeps_births(meta.dev(), file_system),
        }
    }

    /// The same without the time of birth.
    pub(crate) fn file(self) -> FileId {
        FileId {
            device: self.device,
            inode: self.inode,
        }
    }

    /// The time of birth, if it tells the file from others.
    pub(crate) fn telling_birth(self) -> Option<u64> {
        self.born.filter(|_| !self.may_change)
    }

    fn key(self) -> (u64, u64, Option<u64>) {
        (self.device, self.inode, self.telling_birth())
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Identity) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Identity {}

impl PartialOrd for Identity {
    fn partial_cmp(&self, other: &Identity) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Identity {
    fn cmp(&self, other: &Identity) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// Do the files of a device keep their times of birth? Asking may take a round trip to a server.
fn keeps_births(device: u64, file_system: impl FnOnce() -> io::Result<FileSystem>) -> bool {
    static KNOWN: Mutex<BTreeMap<u64, bool>> = Mutex::new(BTreeMap::new());
    // Nothing that is done under the lock can leave it half done.
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(keeps) = known.get(&device) {
        return *keeps;
    }
    let Ok(file_system) = file_system() else {
        return true;
    };
    *known.entry(device).or_insert(file_system.keeps_births())
}

/// A few bytes of a file that was read, by which to see that it is still the same text: those at its beginning
/// and those before a position. Lengths and hashes, so that nothing of a log stands in a state file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// The first bytes, at most [`Fingerprint::LONGEST`].
    pub(crate) head: Print,
    /// The last bytes before the position, at most [`Fingerprint::LONGEST`].
    pub(crate) tail: Print,
}

impl Fingerprint {
    /// How many bytes a print is of, if there are as many.
    pub(crate) const LONGEST: usize = 64;
}

/// What was in a file up to a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) position: u64,
    pub(crate) fingerprint: Fingerprint,
}

/// So many bytes, and their hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Print {
    pub(crate) length: u8,
    pub(crate) hash: u64,
}

impl Print {
    /// The print of at most 255 bytes.
    ///
    /// The hash is FNV-1a of 64 bits (RFC 9923, section 2.2): it is stored, so it has to be the same in every
    /// version and on every machine. It tells texts apart that differ by chance, not by malice.
    pub(crate) fn of(bytes: &[u8]) -> Print {
        /// Of 64 bits: RFC 9923, sections 5 and 6.3.
        const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let hash = bytes.iter().fold(OFFSET_BASIS, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(PRIME)
        });
        Print {
            length: u8::try_from(bytes.len()).expect("a print is of at most 255 bytes"),
            hash,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeSet, HashSet};

    // From test_fnv.c of Landon Curt Noll's reference implementation (isthe.com/chongo/tech/comp/fnv).
    #[test]
    fn the_hash_is_the_published_one() {
        let hash = |text: &str| Print::of(text.as_bytes()).hash;
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash("b"), 0xaf63_df4c_8601_f1a5);
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(hash("chongo was here!\n"), 0x4681_0940_eff5_f915);
    }

    #[test]
    fn a_time_of_birth_counts_unless_it_may_change() {
        let identity = |born, may_change| Identity {
            device: 1,
            inode: 2,
            born: Some(born),
            may_change,
        };
        assert_ne!(identity(3, false), identity(4, false));
        assert_eq!(identity(3, true), identity(4, true));
        let both = BTreeSet::from([identity(3, true), identity(4, true)]);
        assert_eq!(both.len(), 1);
        assert!(HashSet::from([identity(3, true)]).contains(&identity(4, true)));
    }

    #[test]
    fn a_print_says_of_how_many_bytes_it_is() {
        assert_eq!(Print::of(b"").length, 0);
        assert_eq!(Print::of(&[0; 255]).length, 255);
        assert_ne!(Print::of(&[0; 3]), Print::of(&[0; 4]));
    }
}
