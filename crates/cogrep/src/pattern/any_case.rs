//! Several texts in any case, of all scripts: of each a few characters are looked for in every spelling, and where
//! they are the whole text is compared.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::candidates::Candidates;
use super::folding::{self, Folding, Unit};
use super::words::is_word;
use super::{PatternError, Syntax};

/// So many bytes of a text are looked for: more are no rarer to speak of.
const WINDOW: usize = 9;
/// In so many spellings at most.
const SPELLINGS: usize = 16;

/// Texts of which one has to be there, whatever its case; it may have to be a word.
#[derive(Clone, Debug)]
pub(super) struct AnyCaseTexts {
    shared: Arc<Shared>,
    are_words: bool,
}

#[derive(Debug)]
struct Shared {
    folding: Folding,
    texts: Vec<Vec<Unit>>,
    /// For each spelling that is looked for, what it is of which text.
    windows: Vec<Window>,
    candidates: Candidates,
    /// How far behind the beginning of a text it may be found, at most.
    reach: usize,
}

/// A part of a text, in units.
#[derive(Clone, Debug)]
struct Window {
    text: usize,
    units: Range<usize>,
}

impl AnyCaseTexts {
    /// The first of two that match at one place is the match. None of them is empty.
    pub(super) fn new(texts: &[&[u8]], syntax: Syntax) -> Result<AnyCaseTexts, PatternError> {
        let folding = Folding::of(texts);
        let texts: Vec<Vec<Unit>> = texts.iter().map(|text| folding.units(text)).collect();
        let mut windows = Vec::new();
        let mut spelled = Vec::new();
        let mut before = 0;
        for (number, text) in texts.iter().enumerate() {
            let units = best_window(&folding, text);
            let longest = |unit: &Unit| folding.spellings(*unit).iter().map(Vec::len).max();
            before = before.max(
                text[..units.start]
                    .iter()
                    .filter_map(longest)
                    .sum::<usize>(),
            );
            for spelling in every_spelling(&folding, &text[units.clone()]) {
                spelled.push(spelling);
                let units = units.clone();
                windows.push(Window {
                    text: number,
                    units,
                });
            }
        }
        let candidates = Candidates::new(&spelled)?;
        let shared = Shared {
            folding,
            texts,
            windows,
            reach: before + candidates.reach(),
            candidates,
        };
        Ok(AnyCaseTexts {
            shared: Arc::new(shared),
            are_words: syntax.words,
        })
    }

    /// Where one of them is, from `from` on.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        self.shared.candidates.find(text, from, |window, place| {
            let found = self.shared.whole(text, from, window, place)?;
            // A line's end is part of no word, so the line need not be cut out.
            (!self.are_words || is_word(text, &found)).then_some(found.start)
        })
    }

    pub(super) fn bounds(&self, line: &[u8], from: usize) -> Option<Range<usize>> {
        let shared = &self.shared;
        shared
            .candidates
            .leftmost(line, from, shared.reach, |window, place| {
                let found = shared.whole(line, from, window, place)?;
                let fits = !self.are_words || is_word(line, &found);
                fits.then_some((found, shared.windows[window].text))
            })
    }
}

impl Shared {
    /// The text around this window of it, which is at `place`, if it is all there.
    fn whole(
        &self,
        line: &[u8],
        from: usize,
        window: usize,
        place: Range<usize>,
    ) -> Option<Range<usize>> {
        let window = &self.windows[window];
        let text = &self.texts[window.text];
        let mut start = place.start;
        for unit in text[..window.units.start].iter().rev() {
            let (found, length) = self.folding.last(&line[from..start])?;
            if found != *unit {
                return None;
            }
            start -= length;
        }
        // A byte that is no character may be the end of one in the line.
        let first = text[0];
        if folding::is_broken(first) && self.folding.last(&line[from..=start])?.0 != first {
            return None;
        }
        let mut end = start;
        for unit in text {
            let (found, length) = self.folding.first(&line[end..])?;
            if found != *unit {
                return None;
            }
            end += length;
        }
        Some(start..end)
    }
}

impl fmt::Display for AnyCaseTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} texts in any case", self.shared.texts.len())
    }
}

/// The part of a text that is the longest, as far as that matters, of those that have few spellings.
fn best_window(folding: &Folding, text: &[Unit]) -> Range<usize> {
    let mut best = (0, 0..0);
    let mut start = 0;
    let (mut spellings, mut length) = (1, 0);
    for (at, unit) in text.iter().enumerate() {
        let (count, shortest) = measure(folding, *unit);
        spellings *= count;
        length += shortest;
        while spellings > SPELLINGS {
            let (count, shortest) = measure(folding, text[start]);
            spellings /= count;
            length -= shortest;
            start += 1;
        }
        if length > best.0 {
            best = (length, start..at + 1);
        }
        if length >= WINDOW {
            break;
        }
    }
    best.1
}

/// How many spellings a unit has, and the shortest length of one.
fn measure(folding: &Folding, unit: Unit) -> (usize, usize) {
    let spellings = folding.spellings(unit);
    (
        spellings.len().max(1),
        spellings.iter().map(Vec::len).min().unwrap_or(0),
    )
}

fn every_spelling(folding: &Folding, units: &[Unit]) -> Vec<Vec<u8>> {
    units.iter().fold(vec![Vec::new()], |spellings, unit| {
        let forms = folding.spellings(*unit);
        spellings
            .iter()
            .flat_map(|spelling: &Vec<u8>| {
                forms.iter().map(move |form| [&spelling[..], form].concat())
            })
            .collect()
    })
}
