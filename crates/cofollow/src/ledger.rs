//! Which lines have been written out, and where in their files they stand.

use std::collections::VecDeque;

use costage::{Block, Written};
use memchr::memchr;

use crate::outbox::Whose;

/// What was given out and may not have been written yet, oldest first.
pub(crate) struct Ledger {
    written: Written,
    /// How many bytes have been given out.
    given: u64,
    entries: VecDeque<Entry>,
    /// Of whose lines that were written in part each byte counts: they are gone on with. Of others the whole lines do.
    pub(crate) to_the_byte: Option<Whose>,
}

struct Entry {
    whose: Whose,
    /// Where it stands in the output.
    start: u64,
    end: u64,
    /// As it stands in its file, from one position to another.
    source: Block,
    from: u64,
    until: u64,
    prefixes: Prefixes,
    lines: WholeLines,
}

/// How far the lines of an entry were found to be written whole. What was looked at is not looked at again: a line of
/// which every read finds a little more written may be as long as one likes.
#[derive(Default)]
struct WholeLines {
    /// Where they end in the source.
    source: usize,
    /// Where they end in what was given out.
    shown: usize,
    /// Up to where in the source no line ends behind them.
    searched: usize,
}

/// What stands in the output before each of some lines: so many bytes, which may end lines themselves, as the name
/// of a file may.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefixes {
    pub(crate) length: usize,
    /// The first line goes on with one that has it already.
    pub(crate) goes_on: bool,
}

impl Ledger {
    /// For an output that counts what it writes, and has written nothing else.
    pub(crate) fn new(written: Written) -> Ledger {
        Ledger {
            written,
            given: 0,
            entries: VecDeque::new(),
            to_the_byte: None,
        }
    }

    /// Lines are given out.
    pub(crate) fn give(
        &mut self,
        whose: Whose,
        shown: &Block,
        source: Block,
        from: u64,
        until: u64,
        prefixes: Prefixes,
    ) {
        let start = self.given;
        self.add(shown);
        self.entries.push_back(Entry {
            whose,
            start,
            end: self.given,
            source,
            from,
            until,
            prefixes,
            lines: WholeLines::default(),
        });
    }

    /// Something that stands in no file is given out.
    pub(crate) fn add(&mut self, block: &Block) {
        self.given += block.len() as u64;
    }

    /// Is there something of this file that was given out and not yet written?
    pub(crate) fn owes(&self, whose: Whose) -> bool {
        self.entries.iter().any(|entry| entry.whose == whose)
    }

    /// Tells up to which position of its file each has been written since this was last asked. Of lines that were
    /// written in part the whole ones count, if not [each byte](Ledger::to_the_byte).
    pub(crate) fn settle(&mut self, mut tell: impl FnMut(Whose, u64)) {
        let written = self.written.bytes();
        while let Some(first) = self.entries.pop_front_if(|first| first.end <= written) {
            tell(first.whose, first.until);
        }
        if let Some(first) = self.entries.front_mut()
            && let Ok(part) = usize::try_from(written.saturating_sub(first.start))
            && part > 0
        {
            let is_exact = self.to_the_byte == Some(first.whose) && first.has_as_it_stands(part);
            let counts = if is_exact { part } else { first.whole_in(part) };
            tell(first.whose, first.from + counts as u64);
        }
    }
}

impl Entry {
    /// Does the beginning of what was given out stand in the file, and more behind it? An end that was given to an
    /// unfinished line does not.
    fn has_as_it_stands(&self, part: usize) -> bool {
        self.prefixes.length == 0 && self.from + (part as u64) < self.until
    }

    /// How much of the source is whole lines in the first `part` bytes of what was given out, of which there are no
    /// fewer than when this was last asked.
    fn whole_in(&mut self, part: usize) -> usize {
        let lines = &mut self.lines;
        while lines.source < self.source.len() {
            let has_prefix = lines.source > 0 || !self.prefixes.goes_on;
            let prefix = if has_prefix { self.prefixes.length } else { 0 };
            let Some(of_it) = part.checked_sub(lines.shown + prefix) else {
                break;
            };
            let written = (lines.source + of_it).min(self.source.len());
            let unsearched = &self.source[lines.searched.min(written)..written];
            let end = match memchr(self.source.terminator(), unsearched) {
                Some(at) => lines.searched + at + 1,
                None if written == self.source.len() => written,
                None => {
                    lines.searched = written;
                    break;
                }
            };
            lines.shown += prefix + end - lines.source;
            lines.source = end;
            lines.searched = end;
        }
        lines.source
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prefix::prefixed;
    use costage::{Source, keep_open, sink};

    // A newline in the name of a file counted as the end of a line, and the next run began too late.
    #[test]
    fn of_what_was_written_in_part_the_whole_lines_count() {
        for name in ["", "log", "a\nname"] {
            for goes_on in [false, true] {
                let text = "one\ntwo\n\nthree\n";
                let source = Block::from(text);
                let length = if name.is_empty() { 0 } else { name.len() + 1 };
                let shown = if length == 0 {
                    source.clone()
                } else {
                    prefixed(&source, name.as_ref(), goes_on)
                };
                let given = || {
                    let (reader, writer) = std::io::pipe().expect("a pipe");
                    let sink = sink("a pipe", writer);
                    let mut ledger = Ledger::new(sink.written());
                    let prefixes = Prefixes { length, goes_on };
                    let until = 100 + text.len() as u64;
                    ledger.give((0, 1), &shown, source.clone(), 100, until, prefixes);
                    (reader, sink, ledger)
                };
                // One that is asked at each byte, besides those that are asked once.
                let (_reader, mut slow, mut asked) = given();
                for part in 1..shown.len() {
                    let (_reader, sink, mut ledger) = given();
                    let bytes = Block::from(shown[..part].to_vec());
                    Source::text(bytes).drive(sink).expect("written");
                    let byte = Block::from(shown[part - 1..part].to_vec());
                    Source::text(byte)
                        .drive(keep_open(&mut slow))
                        .expect("written");
                    let mut told = None;
                    ledger.to_the_byte = Some((0, 1));
                    ledger.settle(|_, position| told = Some(position));
                    if length == 0 {
                        assert_eq!(told, Some(100 + part as u64), "{part} bytes");
                    }
                    // It can be taken back.
                    ledger.to_the_byte = None;
                    ledger.settle(|_, position| told = Some(position));
                    // As many lines as there are behind which the output has gone.
                    let ends = (0..=4).rev().map(|lines| {
                        let lines: Vec<&str> = text.split_inclusive('\n').take(lines).collect();
                        let prefixes = lines.len() - usize::from(goes_on && !lines.is_empty());
                        let source = lines.concat().len();
                        (source, source + prefixes * length)
                    });
                    let expected = ends.into_iter().find(|(_, shown)| *shown <= part);
                    let expected = expected.map(|(source, _)| 100 + source as u64);
                    assert_eq!(told, expected, "{part} bytes after {name:?}");
                    asked.settle(|_, position| told = Some(position));
                    assert_eq!(told, expected, "{part} bytes, one by one, after {name:?}");
                }
            }
        }
    }
}
