//! Where a stream, which cannot be sought, begins.

use std::collections::VecDeque;

use costage::{Block, Error, Flow, Result, Stage};
use memchr::memchr_iter;

use crate::Start;

/// Small blocks are held in pieces of about this size.
const SEGMENT: usize = 64 << 10;

/// Lets a stream through from where `start` says: what [`skip_to`](crate::skip_to) does for a file. Lines end in
/// the terminator of the blocks. These may begin and end within a line
/// ([`Framing::AsItComes`](costage::Framing::AsItComes)), so that what is passed over takes no memory.
///
/// ```
/// use cofollow::{Start, tail_of};
/// use costage::{Source, collect};
///
/// let (text, sink) = collect();
/// Source::text("one\ntwo\nthree\n").drive(tail_of(Start::LastBytes(8), sink))?;
/// assert_eq!(text.take(), b"o\nthree\n");
/// # Ok::<(), costage::Error>(())
/// ```
pub fn tail_of<'a>(start: Start, to: impl Stage + 'a) -> Box<dyn Stage + 'a> {
    match start {
        Start::Last(_) | Start::LastBytes(_) => Box::new(Last {
            end: TheEnd::new(start),
            to,
        }),
        Start::Line(number) | Start::Byte(number) => Box::new(Onwards {
            skip: number.saturating_sub(1),
            by_line: matches!(start, Start::Line(_)),
            to,
        }),
    }
}

/// Lets only the last lines or bytes through, once the end has come.
struct Last<S> {
    end: TheEnd,
    to: S,
}

impl<S: Stage> Last<S> {
    fn give_out(&mut self) -> Result<()> {
        for block in self.end.take() {
            if !block.is_empty() && self.to.send(&block)? == Flow::Stop {
                break;
            }
        }
        Ok(())
    }
}

impl<S: Stage> Stage for Last<S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        self.end.push(block);
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
        self.to.throw(error).and(given)
    }
}

/// The end of a stream: what is wanted of it, and at most one block more. Whole blocks are held, so that what
/// came cut at lines goes on cut at lines.
struct TheEnd {
    wanted: Start,
    terminator: u8,
    /// Blocks, and how many terminators or bytes, whichever are wanted, each has.
    held: VecDeque<(Block, u64)>,
    /// Small blocks that came after them, and how many these have.
    gather: Vec<u8>,
    gathered: u64,
    /// How many all of them have.
    total: u64,
}

impl TheEnd {
    fn new(wanted: Start) -> TheEnd {
        TheEnd {
            wanted,
            terminator: b'\n',
            held: VecDeque::new(),
            gather: Vec::new(),
            gathered: 0,
            total: 0,
        }
    }

    /// The most that can be needed, in what is counted. One terminator more than lines: the first line begins
    /// behind it.
    fn enough(&self) -> u64 {
        match self.wanted {
            Start::Last(0) => 0,
            Start::Last(lines) => lines.saturating_add(1),
            Start::LastBytes(bytes) | Start::Byte(bytes) | Start::Line(bytes) => bytes,
        }
    }

    fn push(&mut self, block: &Block) {
        if self.enough() == 0 {
            return;
        }
        self.terminator = block.terminator();
        let count = match self.wanted {
            Start::Last(_) => memchr_iter(self.terminator, block).count(),
            _ => block.len(),
        } as u64;
        // A large one is held by itself, and what was gathered comes before it.
        if block.len() >= SEGMENT / 2 || self.gather.len() + block.len() > SEGMENT {
            self.seal();
        }
        if block.len() < SEGMENT / 2 {
            self.gather.extend_from_slice(block);
            self.gathered += count;
        } else if block.len() >= block.retained() / 2 {
            self.held.push_back((block.clone(), count));
        } else {
            let own = Block::with_terminator(block.to_vec(), self.terminator);
            self.held.push_back((own, count));
        }
        self.total += count;
        // Let go of the blocks without which there is enough.
        while let Some((_, count)) = self.held.front()
            && self.total - count >= self.enough()
        {
            self.total -= count;
            self.held.pop_front();
        }
    }

    /// Makes a block of what was gathered.
    fn seal(&mut self) {
        if !self.gather.is_empty() {
            self.gather.shrink_to_fit();
            let block = Block::with_terminator(std::mem::take(&mut self.gather), self.terminator);
            self.held.push_back((block, self.gathered));
            self.gathered = 0;
        }
    }

    /// Gives out what is wanted, block by block: that was the end.
    fn take(&mut self) -> impl Iterator<Item = Block> + use<'_> {
        self.seal();
        let mut excess = self.excess();
        let by_line = matches!(self.wanted, Start::Last(_));
        self.held.drain(..).map(move |(mut block, count)| {
            let from = if by_line {
                behind(&block, excess)
            } else {
                usize::try_from(excess).unwrap_or(usize::MAX)
            };
            excess = excess.saturating_sub(count);
            block.skip(from.min(block.len()));
            block
        })
    }

    /// How many of the terminators or bytes that are held come before what is wanted.
    fn excess(&self) -> u64 {
        match self.wanted {
            Start::Last(lines) => {
                let unfinished = self
                    .held
                    .back()
                    .is_some_and(|(last, _)| !last.is_finished());
                (self.total + u64::from(unfinished)).saturating_sub(lines)
            }
            _ => self.total.saturating_sub(self.enough()),
        }
    }
}

/// Passes over so many terminators, or so many bytes, and lets the rest through as it comes.
struct Onwards<S> {
    /// How many are still to be passed over.
    skip: u64,
    by_line: bool,
    to: S,
}

impl<S: Stage> Stage for Onwards<S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        if self.skip == 0 {
            return self.to.send(block);
        }
        let here = if self.by_line {
            memchr_iter(block.terminator(), block).count()
        } else {
            block.len()
        } as u64;
        if here < self.skip {
            self.skip -= here;
            return Ok(Flow::More);
        }
        let from = if self.by_line {
            behind(block, self.skip)
        } else {
            // No more than the block has.
            usize::try_from(self.skip).unwrap_or(block.len())
        };
        self.skip = 0;
        let mut rest = block.clone();
        rest.skip(from);
        if rest.is_empty() {
            return Ok(Flow::More);
        }
        self.to.send(&rest)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.to)
    }
}

/// The position in `block` behind so many terminators; its end if it has not so many.
fn behind(block: &Block, terminators: u64) -> usize {
    let Some(before) = terminators.checked_sub(1) else {
        return 0;
    };
    usize::try_from(before)
        .ok()
        .and_then(|before| memchr_iter(block.terminator(), block).nth(before))
        .map_or(block.len(), |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::skip_to;
    use costage::{Driver, Ended, Text, collect};
    use std::io::Write;

    const CHUNK: usize = 256 << 10;

    fn naive(text: &str, start: Start, terminator: u8) -> String {
        let small = |number: u64| usize::try_from(number).expect("small");
        let lines: Vec<&str> = text.split_inclusive(char::from(terminator)).collect();
        let skip = match start {
            Start::Last(last) => lines.len().saturating_sub(small(last)),
            Start::Line(number) => small(number).saturating_sub(1),
            Start::LastBytes(last) => {
                return text[text.len().saturating_sub(small(last))..].into();
            }
            Start::Byte(number) => {
                return text[small(number).saturating_sub(1).min(text.len())..].into();
            }
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
            "one\ntwo\0\n\0three\0\0".into(),
        ]
    }

    /// What a stream brings, in pieces of at most so many bytes or a line.
    fn streamed(text: &str, start: Start, terminator: u8, cut: usize) -> Vec<u8> {
        let (output, sink) = collect();
        let mut chain = tail_of(start, sink);
        let mut driver = Driver::new();
        let mut rest = Block::with_terminator(text.into(), terminator);
        while !rest.is_empty() {
            let mut piece = Text::new(rest.split_lines(cut));
            driver.pump(&mut piece, &mut chain).expect("pumped");
        }
        driver
            .finish(&mut chain, Ok(Ended::Input))
            .expect("finished");
        output.take()
    }

    #[test]
    fn a_file_and_a_stream_begin_where_the_naive_twin_does() {
        for text in texts() {
            let mut file = tempfile::tempfile().expect("a file");
            file.write_all(text.as_bytes()).expect("written");
            let starts = [0, 1, 2, 3, 5, 1000, SEGMENT as u64, 2 * SEGMENT as u64 + 1];
            let starts = starts.into_iter().flat_map(|n| {
                [
                    Start::Last(n),
                    Start::Line(n),
                    Start::LastBytes(n),
                    Start::Byte(n),
                ]
            });
            for (start, terminator) in starts.flat_map(|start| [(start, b'\n'), (start, 0)]) {
                let expected = naive(&text, start, terminator);
                let at = skip_to(&file, start, terminator).expect("read");
                let at = usize::try_from(at).expect("small");
                assert!(text[at..] == expected, "{start:?}");
                // Cutting the longest text at each line would only be slow.
                let cut = if text.len() > CHUNK { 100_000 } else { 1 };
                let streamed = streamed(&text, start, terminator, cut);
                assert!(streamed == expected.as_bytes(), "{start:?} of a stream");
            }
        }
    }

    #[test]
    fn a_stream_may_be_cut_anywhere() {
        let text = "one\n\ntwo\nthree";
        for start in (0..20).flat_map(|n| [Start::Last(n), Start::Line(n), Start::LastBytes(n)]) {
            let (output, sink) = collect();
            let mut chain = tail_of(start, sink);
            for byte in text.as_bytes().chunks(1) {
                let _ = chain.send(&Block::from(byte.to_vec())).expect("sent");
            }
            chain.close().expect("closed");
            assert_eq!(
                output.take(),
                naive(text, start, b'\n').as_bytes(),
                "{start:?}"
            );
        }
    }

    #[test]
    fn no_more_is_held_than_is_wanted_and_a_block() {
        let line = "x".repeat(99) + "\n";
        for kind in [Start::Last(1000), Start::LastBytes(100_000)] {
            let mut end = TheEnd::new(kind);
            for _ in 0..10_000 {
                end.push(&Block::from(line.as_str()));
                let blocks: usize = end.held.iter().map(|(block, _)| block.retained()).sum();
                let held = blocks + end.gather.capacity();
                assert!(held <= 100_000 + 3 * SEGMENT, "{held}");
            }
        }
        let mut nothing = TheEnd::new(Start::Last(0));
        nothing.push(&Block::from("endless"));
        assert!(nothing.held.is_empty() && nothing.gather.is_empty());
    }

    #[test]
    fn what_came_in_whole_lines_goes_on_in_whole_lines() {
        let line = "x".repeat(999) + "\n";
        let mut end = TheEnd::new(Start::Last(500));
        for lines in 1..100 {
            end.push(&Block::from(line.repeat(lines).as_str()));
        }
        let blocks: Vec<Block> = end.take().collect();
        assert!(blocks.iter().all(Block::is_finished));
        assert_eq!(
            blocks.iter().map(|block| block.len()).sum::<usize>(),
            500_000
        );
    }

    #[test]
    fn an_error_counts_before_one_that_is_met_while_the_end_is_given_out() {
        let full = costage::per_line(|_| Err(Error::other("full")));
        let mut last = tail_of(Start::Last(1), full);
        let _ = last.send(&Block::from("held\n")).expect("taken");
        let thrown = last.throw(Error::other("the disk is gone"));
        assert_eq!(thrown.expect_err("failed").to_string(), "the disk is gone");
    }
}
