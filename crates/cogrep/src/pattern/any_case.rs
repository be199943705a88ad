//! Several texts in any case, of all scripts: of each a few characters are looked for in every spelling, and where
//! they are the whole text is compared.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, OnceLock};

use super::candidates::Candidates;
use super::folded::Folded;
use super::folding::{self, Folding, Unit};
use super::words::is_word;
use super::{PatternError, Syntax};

/// So many bytes of a text are looked for: more are no rarer to speak of.
const WINDOW: usize = 9;
/// In so many spellings at most.
const SPELLINGS: usize = 16;
/// So many times as many units as there are bytes are compared in vain, and so many more, until an automaton is
/// faster, which takes about as long for a byte.
const COMPARED_AT_MOST: usize = 4;
const COMPARED_AT_LEAST: usize = 512;

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
    /// For each spelling that is looked for, what it is of which texts.
    windows: Vec<Vec<Window>>,
    candidates: Candidates,
    /// How far behind the beginning of a text it may be found, at most.
    reach: usize,
    /// For texts of which a part is nearly everywhere. Made when it is needed; `None` if it is too large.
    folded: OnceLock<Option<Folded>>,
}

/// A part of a text, in units.
#[derive(Clone, Debug)]
struct Window {
    text: usize,
    units: Range<usize>,
}

/// How much was compared since the search began.
struct Compared {
    from: usize,
    units: usize,
}

impl AnyCaseTexts {
    /// The first of two that match at one place is the match. None of them is empty.
    pub(super) fn new(texts: &[&[u8]], syntax: Syntax) -> Result<AnyCaseTexts, PatternError> {
        let folding = Folding::of(texts);
        let mut seen = HashSet::new();
        let texts = texts.iter().map(|text| folding.units(text));
        let texts: Vec<Vec<Unit>> = texts.filter(|text| seen.insert(text.clone())).collect();
        let mut windows: Vec<Vec<Window>> = Vec::new();
        let mut spelled: Vec<Vec<u8>> = Vec::new();
        let mut numbers: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut before = 0;
        for (text, units) in texts.iter().enumerate() {
            let window = best_window(&folding, units);
            let longest = |unit: &Unit| folding.spellings(*unit).iter().map(Vec::len).max();
            let longest = units[..window.start].iter().filter_map(longest);
            before = before.max(longest.sum::<usize>());
            for spelling in every_spelling(&folding, &units[window.clone()]) {
                let number = *numbers.entry(spelling).or_insert_with_key(|spelling| {
                    spelled.push(spelling.clone());
                    windows.push(Vec::new());
                    windows.len() - 1
                });
                let units = window.clone();
                windows[number].push(Window { text, units });
            }
        }
        let candidates = Candidates::new(&spelled)?;
        let shared = Shared {
            folding,
            texts,
            windows,
            reach: before + candidates.reach(),
            candidates,
            folded: OnceLock::new(),
        };
        Ok(AnyCaseTexts {
            shared: Arc::new(shared),
            are_words: syntax.words,
        })
    }

    /// Where one of them is, from `from` on.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        let shared = &self.shared;
        let mut compared = Compared { from, units: 0 };
        let mut goes_on = None;
        // A line's end is part of no word, so the line need not be cut out.
        let fits = |found: &Range<usize>| !self.are_words || is_word(text, found);
        let found = shared.candidates.find(text, from, |spelling, place| {
            for window in &shared.windows[spelling] {
                let found = shared.whole(text, from, window, place.start, &mut compared);
                if let Some(found) = found.filter(fits) {
                    return Some(found);
                }
                goes_on = compared.too_much(&place).then(|| shared.folded()).flatten();
                if goes_on.is_some() {
                    return Some(place);
                }
            }
            None
        });
        let found = match goes_on {
            Some(folded) => folded.find(&shared.folding, text, from, fits),
            None => found,
        };
        found.map(|found| found.start)
    }

    pub(super) fn bounds(&self, line: &[u8], from: usize) -> Option<Range<usize>> {
        let shared = &self.shared;
        let mut compared = Compared { from, units: 0 };
        let mut goes_on = None;
        let fits = |found: &Range<usize>| !self.are_words || is_word(line, found);
        let whole = |spelling: usize, place: Range<usize>| {
            let mut best: Option<(Range<usize>, usize)> = None;
            for window in &shared.windows[spelling] {
                let found = shared.whole(line, from, window, place.start, &mut compared);
                if let Some(found) = found.filter(fits) {
                    // Not in vain.
                    compared.units = 0;
                    if best
                        .as_ref()
                        .is_none_or(|(best, _)| found.start < best.start)
                    {
                        best = Some((found, window.text));
                    }
                }
                goes_on = compared.too_much(&place).then(|| shared.folded()).flatten();
                if goes_on.is_some() {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(best)
        };
        let reach = shared.reach;
        let found = shared.candidates.leftmost(line, from, reach, whole);
        match goes_on {
            Some(folded) => folded.leftmost(&shared.folding, line, from, fits),
            None => found,
        }
    }
}

impl Compared {
    /// Is it more than pays, up to this place?
    fn too_much(&self, place: &Range<usize>) -> bool {
        let passed = place.end - self.from;
        self.units > COMPARED_AT_MOST * passed + COMPARED_AT_LEAST
    }
}

impl Shared {
    fn folded(&self) -> Option<&Folded> {
        let folded = self.folded.get_or_init(|| Folded::new(&self.texts));
        folded.as_ref()
    }

    /// The text around this window of it, which begins at `start`, if it is all there.
    fn whole(
        &self,
        line: &[u8],
        from: usize,
        window: &Window,
        mut start: usize,
        compared: &mut Compared,
    ) -> Option<Range<usize>> {
        let text = &self.texts[window.text];
        for unit in text[..window.units.start].iter().rev() {
            compared.units += 1;
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
            compared.units += 1;
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
