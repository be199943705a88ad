//! `-w` in one line, where what a search for ASCII's words has found is beside other letters.
//!
//! To the regex crate no word begins or ends beside a byte that is no character; to grep such a byte is like a blank.

use std::ops::Range;

use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::Hir;

use super::regex::Meta;
use super::words::{character, is_word, is_word_before};

/// Words of all scripts.
#[derive(Clone, Debug)]
pub(super) struct UnicodeWords {
    hir: Hir,
    compiled: Option<Meta>,
    matches: Matches,
}

#[derive(Clone, Debug)]
enum Matches {
    /// The pattern matches whole characters only, so the terminator may stand for each broken byte of the line.
    Characters(Mended),
    /// It has broken bytes itself: each place is tried. Slow, and rare.
    Bytes { terminator: u8 },
}

/// Ends no line of characters: to the engine a line is all there is, and `^` its start.
const IN_NO_TEXT: u8 = 0xFF;

impl UnicodeWords {
    /// `hir` matches characters, and has to be a word by itself.
    pub(super) fn of_characters(hir: Hir, terminator: u8) -> UnicodeWords {
        UnicodeWords {
            hir,
            compiled: None,
            matches: Matches::Characters(Mended {
                terminator,
                place: NOWHERE,
                line: Vec::new(),
            }),
        }
    }

    /// `hir` matches whatever it does; what of that is a word is asked here.
    pub(super) fn of_bytes(hir: Hir, terminator: u8) -> UnicodeWords {
        UnicodeWords {
            hir,
            compiled: None,
            matches: Matches::Bytes { terminator },
        }
    }

    /// Another line is searched: it may be where the last one was.
    pub(super) fn begin_line(&mut self) {
        if let Matches::Characters(mended) = &mut self.matches {
            mended.place = NOWHERE;
        }
    }

    pub(super) fn bounds(&mut self, line: &[u8], from: usize) -> Option<Range<usize>> {
        match &mut self.matches {
            Matches::Characters(mended) => {
                let line = mended.of(line);
                let engine = self.compiled.get_or_insert_with(|| first_engine(&self.hir));
                engine.find(&Input::new(line).range(from..))
            }
            Matches::Bytes { terminator } => {
                let engine = self
                    .compiled
                    .get_or_insert_with(|| longest_engine(&self.hir, *terminator));
                first_word(engine, line, from)
            }
        }
    }

    /// The same with its groups, of which there are none if there is no match.
    pub(super) fn groups(
        &mut self,
        line: &[u8],
        from: usize,
        groups: &mut Vec<Option<Range<usize>>>,
    ) {
        groups.clear();
        let Some(found) = self.bounds(line, from) else {
            return;
        };
        let line = match &mut self.matches {
            Matches::Characters(mended) => mended.of(line),
            Matches::Bytes { .. } => line,
        };
        if let Some(engine) = &mut self.compiled {
            engine.groups(
                &Input::new(line).range(found).anchored(Anchored::Yes),
                groups,
            );
        }
    }
}

fn first_engine(hir: &Hir) -> Meta {
    Meta::unbounded(hir, IN_NO_TEXT, MatchKind::LeftmostFirst)
}

fn longest_engine(hir: &Hir, terminator: u8) -> Meta {
    Meta::unbounded(hir, terminator, MatchKind::All)
}

/// The longest match at each place, and if that is no word a shorter one, as grep tries them.
fn first_word(engine: &mut Meta, line: &[u8], from: usize) -> Option<Range<usize>> {
    let mut start = from;
    while start <= line.len() {
        if is_word_before(line, start) {
            start += character(&line[start..]);
            continue;
        }
        let mut end = Some(line.len());
        while let Some(before) = end.filter(|&end| end >= start) {
            let input = Input::new(line).range(start..before);
            let Some(found) = engine.find(&input.anchored(Anchored::Yes)) else {
                break;
            };
            if is_word(line, &found) {
                return Some(found);
            }
            end = found.end.checked_sub(1);
        }
        start += character(&line[start..]);
    }
    None
}

/// The place of no line.
const NOWHERE: (usize, usize) = (0, 0);

/// A line without broken bytes, made once a line and not once a match.
#[derive(Clone, Debug)]
struct Mended {
    terminator: u8,
    /// Where the line is that is searched, and how long it is.
    place: (usize, usize),
    /// Itself, if it had broken bytes.
    line: Vec<u8>,
}

impl Mended {
    /// `line`, or what is to be searched in its place. The terminator takes the place of broken bytes: no pattern
    /// matches it, and it is in no word.
    fn of<'a>(&'a mut self, line: &'a [u8]) -> &'a [u8] {
        let place = (line.as_ptr().addr(), line.len());
        if self.place != place {
            self.place = place;
            self.line.clear();
            if std::str::from_utf8(line).is_err() {
                for chunk in line.utf8_chunks() {
                    let blanks = std::iter::repeat_n(self.terminator, chunk.invalid().len());
                    self.line.extend_from_slice(chunk.valid().as_bytes());
                    self.line.extend(blanks);
                }
            }
        }
        if self.line.is_empty() {
            line
        } else {
            &self.line
        }
    }
}
