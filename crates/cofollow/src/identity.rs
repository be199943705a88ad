//! Which file it is, whatever its name and whatever its number was used for before.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::UNIX_EPOCH;

use costage::FileId;

/// Which file it is, whatever its name. A number that was given back is given out again: the time of birth,
/// where the file system keeps it, tells the two apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// Nanoseconds since 1970.
    pub(crate) born: Option<u64>,
}

impl Identity {
    /// The same without the time of birth.
    pub(crate) fn file(self) -> FileId {
        FileId {
            device: self.device,
            inode: self.inode,
        }
    }

    pub(crate) fn of(meta: &Metadata) -> Identity {
        let born = meta.created().ok();
        let since = born.and_then(|born| born.duration_since(UNIX_EPOCH).ok());
        Identity {
            device: meta.dev(),
            inode: meta.ino(),
            born: since.and_then(|since| u64::try_from(since.as_nanos()).ok()),
        }
    }
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
    fn a_print_says_of_how_many_bytes_it_is() {
        assert_eq!(Print::of(b"").length, 0);
        assert_eq!(Print::of(&[0; 255]).length, 255);
        assert_ne!(Print::of(&[0; 3]), Print::of(&[0; 4]));
    }
}
