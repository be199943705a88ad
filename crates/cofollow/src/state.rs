//! How far every file has been read, as text.
//!
//! ```text
//! cofollow state 1
//! name present access.log
//!   file 64768:1311 born 1700000000000000000 position 5242880 head 64:85944171f73967e8 tail 64:46810940eff5f915
//!   file 64768:1312 born - position 170 head 64:af63dc4c8601ec8c tail 64:af63df4c8601f1a5
//!   sibling 64768:1300 born 1690000000000000000
//!   sibling 64768:1299 born - position 99 head 64:b55cdefb2b1e1f16 tail 64:09aca14ad8a3d7ab
//! name missing late.log
//!   away 64768:1313 born 1700000000000000001 position 170 head 64:85944171f73967e8 tail 64:af63dc4c8601ec8c
//! end 2
//! ```
//!
//! A file is its device and inode, when it was born in nanoseconds since 1970 if that tells, the offset in it up to which its
//! lines were given out, and the lengths and hashes of its fingerprint; of a sibling that its birth does not tell from
//! others, these are of what was last seen in it. A path is the rest of its line: a
//! backslash in it is doubled, and a byte that is no text or that would end the line is `\x` and two digits. The
//! last line counts the names, so that a part of a state is never taken for the whole.

use std::ffi::OsString;
use std::fmt;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use crate::identity::{Fingerprint, Identity, Print, Text};

/// With what every state begins, whatever its version.
pub(crate) const MAGIC: &[u8] = b"cofollow state ";

/// The version written, and the only one read.
const VERSION: &[u8] = b"1";

/// How far every file has been read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) names: Vec<SavedName>,
}

/// A name that is followed, and the files of it that matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SavedName {
    /// As it was typed.
    pub(crate) path: PathBuf,
    /// Oldest first; the last is what the name stood for if `present`.
    pub(crate) files: Vec<SavedFile>,
    pub(crate) present: bool,
    /// The newest of its files, if it is gone, and that has been told.
    pub(crate) away: Option<SavedFile>,
    /// Files beside the name that are no generation of it to be read: rotated away before it was followed, or
    /// done with.
    pub(crate) siblings: Vec<SavedSibling>,
}

/// A file that is not to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SavedSibling {
    pub(crate) identity: Identity,
    /// What is in it, if its identity does not tell it from a later file.
    pub(crate) text: Option<Text>,
}

/// A file that was not read to its last end yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SavedFile {
    pub(crate) identity: Identity,
    pub(crate) fingerprint: Fingerprint,
    /// The offset up to which its lines were given out.
    pub(crate) position: u64,
}

/// Why a text is no state that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It never was a state.
    NotAState,
    /// It was written by another version of cofollow.
    Version(String),
    /// A line is not what can stand there.
    Line { number: usize, why: &'static str },
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::NotAState => write!(f, "line 1: not a state of cofollow"),
            Unreadable::Version(version) => write!(
                f,
                "line 1: a state of version {}, of which this cofollow knows only {}",
                costage::printable(version),
                VERSION.escape_ascii()
            ),
            Unreadable::Line { number, why } => write!(f, "line {number}: {why}"),
        }
    }
}

impl std::error::Error for Unreadable {}

impl State {
    /// Adds the state to a text.
    pub(crate) fn write(&self, text: &mut Vec<u8>) {
        text.extend(MAGIC);
        text.extend(VERSION);
        text.push(b'\n');
        for name in &self.names {
            name.write(text);
        }
        text.extend(b"end ");
        write_number(self.names.len() as u64, text);
        text.push(b'\n');
    }

    /// Reads what [`write`](State::write) wrote. An empty text is a state without names: a process may be killed
    /// between creating its file and filling it.
    pub(crate) fn parse(text: &[u8]) -> Result<State, Unreadable> {
        let mut state = State::default();
        if text.is_empty() {
            return Ok(state);
        }
        let mut lines = Lines {
            rest: text,
            number: 0,
        };
        let first = lines.next().unwrap_or_default();
        match first.strip_prefix(MAGIC) {
            Some(VERSION) => {}
            Some(version) => {
                let version = String::from_utf8_lossy(version).into_owned();
                return Err(Unreadable::Version(version));
            }
            None => return Err(Unreadable::NotAState),
        }
        loop {
            let line = lines.next();
            let number = lines.number;
            let line = line.ok_or("the rest of the state is missing");
            match line.and_then(|line| state.take(line)) {
                Ok(Taken::Part) => {}
                Ok(Taken::End) if lines.rest.is_empty() => return Ok(state),
                Ok(Taken::End) => {
                    let why = "something follows the end of the state";
                    let number = number + 1;
                    return Err(Unreadable::Line { number, why });
                }
                Err(why) => return Err(Unreadable::Line { number, why }),
            }
        }
    }

    /// Takes in a line after the first.
    fn take(&mut self, line: &[u8]) -> Result<Taken, &'static str> {
        const NO_NAME: &str = "expected a name before its files";
        if let Some(line) = line.strip_prefix(b"  file ") {
            let name = self.names.last_mut().ok_or(NO_NAME)?;
            name.files.push(SavedFile::parse(&mut Fields(line))?);
        } else if let Some(line) = line.strip_prefix(b"  away ") {
            let name = self.names.last_mut().ok_or(NO_NAME)?;
            name.away = Some(SavedFile::parse(&mut Fields(line))?);
        } else if let Some(line) = line.strip_prefix(b"  sibling ") {
            let name = self.names.last_mut().ok_or(NO_NAME)?;
            let mut fields = Fields(line);
            name.siblings.push(SavedSibling::parse(&mut fields)?);
        } else if let Some(path) = line.strip_prefix(b"name present ") {
            self.names.push(SavedName::parse(path, true)?);
        } else if let Some(path) = line.strip_prefix(b"name missing ") {
            self.names.push(SavedName::parse(path, false)?);
        } else if let Some(count) = line.strip_prefix(b"end ") {
            if number(count) != Some(self.names.len() as u64) {
                return Err("expected as many names as there are");
            }
            return Ok(Taken::End);
        } else {
            return Err("expected a name, a file, a sibling or the end");
        }
        Ok(Taken::Part)
    }
}

impl SavedName {
    fn write(&self, text: &mut Vec<u8>) {
        text.extend(if self.present {
            b"name present "
        } else {
            b"name missing "
        });
        escape(self.path.as_os_str().as_bytes(), text);
        text.push(b'\n');
        for file in &self.files {
            text.extend(b"  file ");
            file.write(text);
            text.push(b'\n');
        }
        if let Some(away) = &self.away {
            text.extend(b"  away ");
            away.write(text);
            text.push(b'\n');
        }
        for sibling in &self.siblings {
            text.extend(b"  sibling ");
            sibling.write(text);
            text.push(b'\n');
        }
    }

    fn parse(path: &[u8], present: bool) -> Result<SavedName, &'static str> {
        let path = unescape(path).ok_or("expected `\\\\` or `\\x` and two digits")?;
        Ok(SavedName {
            path: OsString::from_vec(path).into(),
            files: Vec::new(),
            present,
            away: None,
            siblings: Vec::new(),
        })
    }
}

impl SavedFile {
    fn write(&self, text: &mut Vec<u8>) {
        self.identity.write(text);
        let Self {
            fingerprint,
            position,
            ..
        } = *self;
        let read = Text {
            position,
            fingerprint,
        };
        read.write(text);
    }

    fn parse(fields: &mut Fields<'_>) -> Result<SavedFile, &'static str> {
        let identity = Identity::parse(fields)?;
        let text = Text::parse(fields)?;
        fields.finished()?;
        Ok(SavedFile {
            identity,
            fingerprint: text.fingerprint,
            position: text.position,
        })
    }
}

impl SavedSibling {
    fn write(&self, text: &mut Vec<u8>) {
        self.identity.write(text);
        if let Some(seen) = self.text {
            seen.write(text);
        }
    }

    fn parse(fields: &mut Fields<'_>) -> Result<SavedSibling, &'static str> {
        let identity = Identity::parse(fields)?;
        let text = if fields.finished().is_ok() {
            None
        } else {
            Some(Text::parse(fields)?)
        };
        fields.finished()?;
        Ok(SavedSibling { identity, text })
    }
}

impl Text {
    fn write(self, text: &mut Vec<u8>) {
        text.extend(b" position ");
        write_number(self.position, text);
        text.extend(b" head ");
        self.fingerprint.head.write(text);
        text.extend(b" tail ");
        self.fingerprint.tail.write(text);
    }

    fn parse(fields: &mut Fields<'_>) -> Result<Text, &'static str> {
        let position = fields.after(b"position");
        let position = position.and_then(number).ok_or("expected a position")?;
        let mut print = |word| fields.after(word).and_then(Print::parse);
        let fingerprint = Fingerprint {
            head: print(b"head").ok_or("expected the print of the head")?,
            tail: print(b"tail").ok_or("expected the print of the tail")?,
        };
        Ok(Text {
            position,
            fingerprint,
        })
    }
}

impl Identity {
    fn write(&self, text: &mut Vec<u8>) {
        write_number(self.device, text);
        text.push(b':');
        write_number(self.inode, text);
        text.extend(b" born ");
        match self.telling_birth() {
            Some(born) => write_number(born, text),
            None => text.push(b'-'),
        }
    }

    fn parse(fields: &mut Fields<'_>) -> Result<Identity, &'static str> {
        let pair = fields.next().and_then(pair);
        let (device, inode) = pair.ok_or("expected device:inode")?;
        let both = number(device).zip(number(inode));
        let (device, inode) = both.ok_or("expected the numbers of a device and an inode")?;
        let born = match fields.after(b"born") {
            Some(b"-") => Some(None),
            Some(born) => number(born).map(Some),
            None => None,
        };
        Ok(Identity {
            device,
            inode,
            born: born.ok_or("expected a time of birth or `-`")?,
            may_change: false,
        })
    }
}

impl Print {
    fn write(self, text: &mut Vec<u8>) {
        write_number(self.length.into(), text);
        text.push(b':');
        for byte in self.hash.to_be_bytes() {
            text.extend(hex(byte));
        }
    }

    fn parse(field: &[u8]) -> Option<Print> {
        let (length, mut digits) = pair(field)?;
        let mut hash = [0; 8];
        for byte in &mut hash {
            *byte = unhex(digits.split_off(..2)?)?;
        }
        digits.is_empty().then_some(Print {
            length: u8::try_from(number(length)?).ok()?,
            hash: u64::from_be_bytes(hash),
        })
    }
}

/// What a line was.
enum Taken {
    Part,
    End,
}

/// The lines of a text, as far as they are whole.
struct Lines<'a> {
    rest: &'a [u8],
    /// Which line it was that came last, or was looked for.
    number: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.number += 1;
        let end = memchr::memchr(b'\n', self.rest)?;
        let (line, rest) = self.rest.split_at(end);
        self.rest = &rest[1..];
        Some(line)
    }
}

/// What of a line is still to be read, split at its spaces.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memchr(b' ', self.0).unwrap_or(self.0.len());
        let (field, rest) = self.0.split_at(end);
        self.0 = rest.strip_prefix(b" ").unwrap_or_default();
        (!field.is_empty()).then_some(field)
    }

    /// The field after this word, if the word comes next.
    fn after(&mut self, word: &[u8]) -> Option<&'a [u8]> {
        (self.next()? == word).then(|| self.next())?
    }

    fn finished(&self) -> Result<(), &'static str> {
        let is_empty = self.0.is_empty();
        is_empty.then_some(()).ok_or("something follows")
    }
}

/// Adds a number in decimal.
fn write_number(number: u64, text: &mut Vec<u8>) {
    // A vector takes all that it is given.
    let _ = write!(text, "{number}");
}

/// A number in decimal, without a sign.
fn number(digits: &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for digit in digits {
        let value = digit.is_ascii_digit().then(|| digit - b'0')?;
        number = number.checked_mul(10)?.checked_add(value.into())?;
    }
    (!digits.is_empty()).then_some(number)
}

/// What stands before and after the colon.
fn pair(field: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', field)?;
    Some((&field[..colon], &field[colon + 1..]))
}

/// A byte as two digits.
fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)])
}

/// The byte that two digits are.
fn unhex(digits: &[u8]) -> Option<u8> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    match digits {
        &[high, low] => Some(value(high)? << 4 | value(low)?),
        _ => None,
    }
}

/// Adds a path so that it stays on its line and on a terminal shows as what it is.
fn escape(path: &[u8], text: &mut Vec<u8>) {
    let escape_bytes = |bytes: &[u8], text: &mut Vec<u8>| {
        for &byte in bytes {
            text.extend(b"\\x");
            text.extend(hex(byte));
        }
    };
    if path
        .iter()
        .all(|&byte| matches!(byte, b' '..=b'~') && byte != b'\\')
    {
        text.extend(path);
        return;
    }
    for chunk in path.utf8_chunks() {
        for c in chunk.valid().chars() {
            let mut buffer = [0; 4];
            let c_bytes = c.encode_utf8(&mut buffer).as_bytes();
            if c == '\\' {
                text.extend(b"\\\\");
            } else if c.is_control() {
                escape_bytes(c_bytes, text);
            } else {
                text.extend(c_bytes);
            }
        }
        escape_bytes(chunk.invalid(), text);
    }
}

/// What [`escape`] was given.
fn unescape(mut text: &[u8]) -> Option<Vec<u8>> {
    let mut path = Vec::with_capacity(text.len());
    while let Some(at) = memchr::memchr(b'\\', text) {
        path.extend(&text[..at]);
        text = &text[at + 1..];
        match text.split_off_first()? {
            b'\\' => path.push(b'\\'),
            b'x' => path.push(unhex(text.split_off(..2)?)?),
            _ => return None,
        }
    }
    path.extend(text);
    Some(path)
}

#[cfg(test)]
mod tests;
