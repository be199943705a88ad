//! By what to see that a file is still the one that was read.

use std::io;

use crate::disk::Readable;
use crate::identity::{Fingerprint, Print, Text};

/// The first bytes of a file and those before the position to which it was read: if they are still there, the
/// rest is, too. A file that was truncated and written anew, to whatever size, shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    head: Few,
    tail: Few,
}

/// A few bytes.
#[derive(Clone, Copy, Debug)]
struct Few {
    bytes: [u8; Fingerprint::LONGEST],
    length: u8,
}

impl Default for Few {
    fn default() -> Few {
        Few {
            bytes: [0; Fingerprint::LONGEST],
            length: 0,
        }
    }
}

impl Few {
    /// Reads up to `length` bytes at a position.
    fn read(file: &impl Readable, position: u64, length: usize) -> io::Result<Few> {
        let mut few = Few::default();
        let mut filled = 0;
        while filled < length {
            match file.read_at(&mut few.bytes[filled..length], position + filled as u64)? {
                0 => break,
                count => filled += count,
            }
        }
        few.length = u8::try_from(filled).unwrap_or(0);
        Ok(few)
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Adds bytes at the end, and keeps the last that fit.
    fn push_back(&mut self, bytes: &[u8]) {
        let new = &bytes[bytes.len().saturating_sub(Fingerprint::LONGEST)..];
        let keep = usize::from(self.length).min(Fingerprint::LONGEST - new.len());
        let from = usize::from(self.length) - keep;
        self.bytes.copy_within(from..from + keep, 0);
        self.bytes[keep..keep + new.len()].copy_from_slice(new);
        self.length = u8::try_from(keep + new.len()).unwrap_or(0);
    }

    /// Adds bytes as long as there is room.
    fn fill(&mut self, bytes: &[u8]) {
        let length = usize::from(self.length);
        let count = bytes.len().min(Fingerprint::LONGEST - length);
        self.bytes[length..length + count].copy_from_slice(&bytes[..count]);
        self.length = u8::try_from(length + count).unwrap_or(0);
    }

    fn print(&self) -> Print {
        Print::of(self.bytes())
    }
}

/// How many bytes before a position are marked.
fn before(position: u64) -> usize {
    usize::try_from(position)
        .unwrap_or(usize::MAX)
        .min(Fingerprint::LONGEST)
}

impl Marks {
    /// Those of a file that is read from `position` on.
    pub(crate) fn read(file: &impl Readable, position: u64) -> io::Result<Marks> {
        let length = before(position);
        Ok(Marks {
            head: Few::read(file, 0, length)?,
            tail: Few::read(file, position - length as u64, length)?,
        })
    }

    /// `bytes` were read, and `position` is behind them.
    pub(crate) fn advance(&mut self, bytes: &[u8]) {
        self.head.fill(bytes);
        self.tail.push_back(bytes);
    }

    /// Does the file still have them, with `position` behind the last that was read?
    pub(crate) fn are_in(&self, file: &impl Readable, position: u64) -> io::Result<bool> {
        let (head, tail) = (self.head.bytes(), self.tail.bytes());
        let from = position - tail.len() as u64;
        if Few::read(file, from, tail.len())?.bytes() != tail {
            return Ok(false);
        }
        // The same bytes, if so little was read.
        Ok(from == 0 || Few::read(file, 0, head.len())?.bytes() == head)
    }

    /// Are there none, because nothing has been read, or nothing could be?
    pub(crate) fn is_empty(&self) -> bool {
        self.tail.length == 0
    }

    /// Is there enough of them to tell one text from another?
    pub(crate) fn are_telling(&self) -> bool {
        usize::from(self.head.length) == Fingerprint::LONGEST
    }

    /// Do they begin with these bytes?
    pub(crate) fn begin_with(&self, bytes: &[u8]) -> bool {
        self.head.bytes().starts_with(bytes)
    }

    /// Does the file begin with the same bytes?
    pub(crate) fn begin(&self, file: &impl Readable) -> io::Result<bool> {
        let head = self.head.bytes();
        Ok(Few::read(file, 0, head.len())?.bytes() == head)
    }

    /// What of them is saved.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint {
            head: self.head.print(),
            tail: self.tail.print(),
        }
    }

    /// Those of a file of which this fingerprint was saved at this position; none if it is another text now.
    pub(crate) fn saved(
        file: &impl Readable,
        fingerprint: Fingerprint,
        position: u64,
    ) -> io::Result<Option<Marks>> {
        let tail = u64::from(fingerprint.tail.length);
        if tail < before(position) as u64 {
            // Too few to tell: read when there was another text already.
            return Ok(None);
        }
        let Some(from) = position.checked_sub(tail) else {
            return Ok(None);
        };
        let marks = Marks {
            head: Few::read(file, 0, fingerprint.head.length.into())?,
            tail: Few::read(file, from, fingerprint.tail.length.into())?,
        };
        Ok((marks.fingerprint() == fingerprint).then_some(marks))
    }
}

impl Text {
    /// What is in a file up to a position.
    pub(crate) fn read(file: &impl Readable, position: u64) -> io::Result<Text> {
        let fingerprint = Marks::read(file, position)?.fingerprint();
        Ok(Text {
            position,
            fingerprint,
        })
    }

    /// Does a file of this length begin with it? Where nothing was, nothing else tells.
    pub(crate) fn is_in(self, file: &impl Readable, length: u64) -> io::Result<bool> {
        if self.position == 0 {
            return Ok(length == 0);
        }
        let marks = Marks::saved(file, self.fingerprint, self.position)?;
        Ok(marks.is_some())
    }
}
