//! Where reading begins.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use memchr::{memchr_iter, memrchr_iter};

/// How much is read at a time while looking for the start.
const CHUNK: usize = 256 << 10;
/// A read that lands at the start of a page is several times faster than one that lands 16 bytes behind it, where
/// the allocator puts large memory.
const PAGE: usize = 4096;

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the last so many lines; an unfinished last one counts.
    Last(u64),
    /// At this line; 0 and 1 are both the first.
    Line(u64),
    /// At the last so many bytes.
    LastBytes(u64),
    /// At this byte; 0 and 1 are both the first.
    Byte(u64),
}

impl Start {
    /// Is it the beginning, whatever is read?
    pub fn is_beginning(self) -> bool {
        matches!(self, Start::Line(0 | 1) | Start::Byte(0 | 1))
    }
}

/// The last ten lines, as tail has it.
impl Default for Start {
    fn default() -> Start {
        Start::Last(10)
    }
}

/// The position in `file` at which to start, in bytes; lines end in `terminator`. It is never behind the end. The
/// last lines are looked for backwards from the end, in blocks: the cost is that of those lines. Bytes are not
/// looked for, unless the file does not know its length.
///
/// ```
/// use std::io::Write;
/// use cofollow::{Start, skip_to};
///
/// let mut file = tempfile::tempfile()?;
/// file.write_all(b"one\ntwo\nthree\n")?;
/// assert_eq!(skip_to(&file, Start::Last(2), b'\n')?, 4);
/// assert_eq!(skip_to(&file, Start::Byte(3), b'\n')?, 2);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// Those of reading the file.
pub fn skip_to(file: &File, start: Start, terminator: u8) -> io::Result<u64> {
    match start {
        Start::Line(0 | 1) | Start::Byte(0 | 1) => Ok(0),
        Start::Line(number) => behind_terminators(file, number - 1, terminator),
        Start::Last(lines) => last_lines(file, lines, terminator),
        Start::Byte(number) => Ok(end_of(file)?.min(number - 1)),
        Start::LastBytes(count) => Ok(end_of(file)?.saturating_sub(count)),
    }
}

/// Memory to read into.
struct Chunk {
    memory: Vec<u8>,
    /// Where its first page begins.
    base: usize,
}

impl Chunk {
    fn new() -> Chunk {
        let memory = vec![0; CHUNK + PAGE];
        // `align_offset` may refuse to say; then the reads are slow, not wrong.
        let base = memory.as_ptr().align_offset(PAGE);
        let base = if base > PAGE { 0 } else { base };
        Chunk { memory, base }
    }

    fn space(&mut self) -> &mut [u8] {
        &mut self.memory[self.base..][..CHUNK]
    }
}

/// The position behind so many terminators, or the end.
fn behind_terminators(file: &File, mut count: u64, terminator: u8) -> io::Result<u64> {
    let mut chunk = Chunk::new();
    let mut position = 0;
    loop {
        let read = file.read_at(chunk.space(), position)?;
        if read == 0 {
            return Ok(position);
        }
        let part = &chunk.space()[..read];
        // To count them is several times faster than to visit each.
        let here = memchr_iter(terminator, part).count() as u64;
        if here >= count {
            let mut ends = memchr_iter(terminator, part);
            let end = nth(&mut ends, count).map_or(read, |end| end + 1);
            return Ok(position + end as u64);
        }
        count -= here;
        position += read as u64;
    }
}

/// Where a file ends. One of /proc says that it is empty, one of /sys that it has a page.
fn end_of(file: &File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    if length > PAGE as u64 {
        return Ok(length);
    }
    let mut chunk = Chunk::new();
    let mut position = 0;
    loop {
        match file.read_at(chunk.space(), position)? {
            0 => return Ok(position),
            read => position += read as u64,
        }
    }
}

fn last_lines(file: &File, lines: u64, terminator: u8) -> io::Result<u64> {
    let end = end_of(file)?;
    if lines == 0 || end == 0 {
        return Ok(end);
    }
    let mut chunk = Chunk::new();
    // The terminator of the last line is not one before it.
    let mut position = end - 1;
    let mut left = lines;
    while position > 0 {
        let from = position.saturating_sub(CHUNK as u64);
        #[expect(clippy::cast_possible_truncation, reason = "at most CHUNK")]
        let part = &mut chunk.space()[..(position - from) as usize];
        let read = read_full(file, part, from)?;
        if read < part.len() {
            // Truncated just now.
            let end = from + read as u64;
            (position, left) = (end.saturating_sub(1), lines);
            continue;
        }
        let here = memchr_iter(terminator, part).count() as u64;
        if here >= left {
            let mut ends = memrchr_iter(terminator, part);
            let end = nth(&mut ends, left).map_or(0, |end| end + 1);
            return Ok(from + end as u64);
        }
        left -= here;
        position = from;
    }
    Ok(0)
}

/// The item of this number, counted from 1.
fn nth(ends: &mut impl Iterator<Item = usize>, number: u64) -> Option<usize> {
    ends.nth(usize::try_from(number.checked_sub(1)?).ok()?)
}

/// Fills `part`, as far as the file goes.
fn read_full(file: &File, part: &mut [u8], from: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < part.len() {
        match file.read_at(&mut part[filled..], from + filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}
