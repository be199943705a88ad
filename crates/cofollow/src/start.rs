//! Where reading begins.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use costage::{Block, Error, Flow, Result, Stage};
use memchr::{memchr_iter, memrchr_iter};

/// How much is read at a time while looking for the start.
const CHUNK: usize = 256 << 10;

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the last so many lines.
    Last(u64),
    /// At this line; 0 and 1 are both the first.
    Line(u64),
}

/// The last ten lines, as tail has it.
impl Default for Start {
    fn default() -> Start {
        Start::Last(10)
    }
}

/// The position in `file` of the line at which to start, in bytes. The last lines are looked for backwards from
/// the end, in blocks: the cost is that of those lines.
///
/// # Errors
///
/// Those of reading the file.
pub fn skip_to(file: &File, start: Start, terminator: u8) -> io::Result<u64> {
    match start {
        Start::Line(0 | 1) => Ok(0),
        Start::Line(number) => behind_terminators(file, number - 1, terminator),
        Start::Last(lines) => last_lines(file, lines, terminator),
    }
}

/// The position behind so many terminators, or the end.
fn behind_terminators(file: &File, mut count: u64, terminator: u8) -> io::Result<u64> {
    let mut chunk = vec![0; CHUNK];
    let mut position = 0;
    loop {
        let read = file.read_at(&mut chunk, position)?;
        if read == 0 {
            return Ok(position);
        }
        for end in memchr_iter(terminator, &chunk[..read]) {
            count -= 1;
            if count == 0 {
                return Ok(position + end as u64 + 1);
            }
        }
        position += read as u64;
    }
}

fn last_lines(file: &File, lines: u64, terminator: u8) -> io::Result<u64> {
    let end = match file.metadata()?.len() {
        // Empty, or a file of /proc, which does not know its length.
        0 => behind_terminators(file, u64::MAX, terminator)?,
        length => length,
    };
    if lines == 0 || end == 0 {
        return Ok(end);
    }
    let mut chunk = vec![0; CHUNK];
    // The terminator of the last line is not one before it.
    let mut position = end - 1;
    let mut left = lines;
    while position > 0 {
        let from = position.saturating_sub(CHUNK as u64);
        #[expect(clippy::cast_possible_truncation, reason = "at most CHUNK")]
        let part = &mut chunk[..(position - from) as usize];
        let read = read_full(file, part, from)?;
        if read < part.len() {
            // Shorter than it said, as files of /sys are, or truncated just now.
            let end = from + read as u64;
            (position, left) = (end.saturating_sub(1), lines);
            continue;
        }
        for at in memrchr_iter(terminator, part) {
            left -= 1;
            if left == 0 {
                return Ok(from + at as u64 + 1);
            }
        }
        position = from;
    }
    Ok(0)
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

/// Lets a stream through from where `start` says: what [`skip_to`] does for a file, for what cannot be sought.
pub fn tail_of<'a>(start: Start, to: impl Stage + 'a) -> Box<dyn Stage + 'a> {
    match start {
        Start::Last(lines) => Box::new(LastLines {
            wanted: lines,
            total: 0,
            held: VecDeque::new(),
            to,
        }),
        Start::Line(number) => Box::new(FromLine {
            skip: number.saturating_sub(1),
            to,
        }),
    }
}

/// Lets only the last lines through, once the end has come. Holds as many lines as it is to give, and at most
/// one block more.
#[derive(Debug)]
pub struct LastLines<S> {
    wanted: u64,
    /// How many lines are held.
    total: u64,
    /// Blocks and how many lines each has.
    held: VecDeque<(u64, Block)>,
    to: S,
}

impl<S: Stage> LastLines<S> {
    fn give_out(&mut self) -> Result<()> {
        let mut skip = self.total.saturating_sub(self.wanted);
        for (_, block) in self.held.drain(..) {
            let from = behind(&block, skip);
            skip = 0;
            if from < block.len() && self.to.send(&block.slice(from..block.len()))? == Flow::Stop {
                break;
            }
        }
        Ok(())
    }
}

impl<S: Stage> Stage for LastLines<S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        let lines = count(block);
        self.held.push_back((lines, block.clone().compact()));
        self.total += lines;
        while let Some((first, _)) = self.held.front()
            && self.total - first >= self.wanted
        {
            self.total -= first;
            self.held.pop_front();
        }
        Ok(Flow::More)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.to)
    }

    fn close(&mut self) -> Result<()> {
        let given = self.give_out();
        given.and(self.to.close())
    }

    fn throw(&mut self, error: Error) -> Result<()> {
        let given = self.give_out();
        given.and(self.to.throw(error))
    }
}

/// Lets the lines through from one on. It looks for terminators only, so that blocks may begin and end within a
/// line.
#[derive(Debug)]
pub struct FromLine<S> {
    /// How many terminators are still to be passed over.
    skip: u64,
    to: S,
}

impl<S: Stage> Stage for FromLine<S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        if self.skip == 0 {
            return self.to.send(block);
        }
        for end in memchr_iter(block.terminator(), block) {
            self.skip -= 1;
            if self.skip == 0 && end + 1 < block.len() {
                return self.to.send(&block.slice(end + 1..block.len()));
            } else if self.skip == 0 {
                break;
            }
        }
        Ok(Flow::More)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.to)
    }
}

/// How many lines a block has; an unfinished one counts.
fn count(block: &Block) -> u64 {
    memchr_iter(block.terminator(), block).count() as u64 + u64::from(!block.is_finished())
}

/// The position in `block` behind so many lines.
fn behind(block: &Block, lines: u64) -> usize {
    match lines.checked_sub(1) {
        None => 0,
        Some(before) => usize::try_from(before)
            .ok()
            .and_then(|before| memchr_iter(block.terminator(), block).nth(before))
            .map_or(block.len(), |end| end + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use costage::{Driver, Ended, Text, collect};
    use std::io::Write;

    fn naive(text: &str, start: Start) -> String {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let skip = match start {
            Start::Last(last) => lines
                .len()
                .saturating_sub(usize::try_from(last).expect("small")),
            Start::Line(number) => usize::try_from(number).expect("small").saturating_sub(1),
        };
        lines.into_iter().skip(skip).collect()
    }

    /// Texts with few and many lines, on both sides of a chunk, finished or not.
    fn texts() -> Vec<String> {
        let long = "x".repeat(CHUNK - 2);
        vec![
            String::new(),
            "\n".into(),
            "one".into(),
            "one\ntwo\nthree\n".into(),
            "one\ntwo\nthree".into(),
            format!("{long}\n{long}\na\n{long}{long}\nb"),
            "\n".repeat(CHUNK + 3),
        ]
    }

    #[test]
    fn a_file_and_a_stream_begin_where_the_naive_twin_does() {
        for text in texts() {
            let mut file = tempfile::tempfile().expect("a file");
            file.write_all(text.as_bytes()).expect("written");
            let starts = [0, 1, 2, 3, 5, 1000]
                .into_iter()
                .flat_map(|n| [Start::Last(n), Start::Line(n)]);
            for start in starts {
                let expected = naive(&text, start);
                let at = skip_to(&file, start, b'\n').expect("read");
                let at = usize::try_from(at).expect("small");
                assert!(text[at..] == expected, "{start:?}");
                for cut in [1, 100_000] {
                    let (lines, sink) = collect();
                    let mut chain = tail_of(start, sink);
                    let mut driver = Driver::new();
                    let mut rest = Block::from(text.as_str());
                    // Cutting the longest text at each line would only be slow.
                    let cut = if text.len() > CHUNK { 100_000 } else { cut };
                    while !rest.is_empty() {
                        let mut piece = Text::new(rest.split_lines(cut));
                        driver.pump(&mut piece, &mut chain).expect("pumped");
                    }
                    driver
                        .finish(&mut chain, Ok(Ended::Input))
                        .expect("finished");
                    assert!(lines.take() == expected.as_bytes(), "{start:?}");
                }
            }
        }
    }
}
