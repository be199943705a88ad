//! Several texts as they are: the packed search of Aho-Corasick where they are few, grams where they are many, the
//! automaton where they are very many and short, and a set where they have to be whole lines.

use std::collections::HashSet;
use std::fmt;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, Match, MatchKind};
use memchr::memchr;

use super::candidates::Candidates;
use super::folding::Folding;
use super::grams::Grams;
use super::words::is_word;
use super::{PatternError, Syntax, line_around};

/// From so many texts on grams are faster than the packed search, which looks at two nibbles of each byte.
const WORTH_GRAMS: usize = 24;

/// So long, all together, few texts may be for the automaton to be a table.
const LONG_TOGETHER: usize = 10_000;

/// Texts of which one has to be there; it may have to be a word.
#[derive(Clone, Debug)]
pub(super) struct Literals {
    search: Search,
    are_words: bool,
}

#[derive(Clone, Debug)]
enum Search {
    Automaton(AhoCorasick),
    Grams(Arc<Candidates>, usize),
}

impl Literals {
    /// The first of two that match at one place is the match.
    pub(super) fn new(texts: &[&[u8]], syntax: Syntax) -> Result<Literals, PatternError> {
        let are_words = syntax.words;
        let is_worth_it = texts.len() >= WORTH_GRAMS;
        if let Some(grams) = Some(texts).filter(|_| is_worth_it).and_then(Grams::new) {
            let search = Search::Grams(Arc::new(Candidates::Grams(grams)), texts.len());
            return Ok(Literals { search, are_words });
        }
        // Of words every one at a place has to be looked at.
        let kind = if are_words {
            MatchKind::Standard
        } else {
            MatchKind::LeftmostFirst
        };
        // A table of all states takes minutes to make for long texts.
        let are_long = texts.iter().map(|text| text.len()).sum::<usize>() > LONG_TOGETHER;
        let automaton = AhoCorasick::builder()
            .kind(are_long.then_some(AhoCorasickKind::ContiguousNFA))
            .match_kind(kind)
            .build(texts);
        let search = Search::Automaton(automaton.map_err(PatternError::new)?);
        Ok(Literals { search, are_words })
    }

    pub(super) fn find(&self, text: &[u8], mut from: usize, terminator: u8) -> Option<usize> {
        let automaton = match &self.search {
            Search::Automaton(automaton) => automaton,
            Search::Grams(grams, _) => {
                return grams.find(text, from, |_, found| {
                    // A terminator is part of no word: the line need not be cut out.
                    let fits = !self.are_words || is_word(text, &found);
                    fits.then_some(found.start)
                });
            }
        };
        loop {
            let input = Input::new(text).range(from..).earliest(true);
            let at = automaton.find(input)?.start();
            if !self.are_words {
                return Some(at);
            }
            let line = line_around(text, from, at, terminator);
            let end = line.end - usize::from(text[line.clone()].ends_with(&[terminator]));
            if let Some(found) = first_word(automaton, &text[line.start..end], 0) {
                return Some(line.start + found.start);
            }
            from = line.end;
            if from >= text.len() {
                return None;
            }
        }
    }

    pub(super) fn bounds(&self, line: &[u8], from: usize) -> Option<Range<usize>> {
        match &self.search {
            Search::Automaton(automaton) if self.are_words => first_word(automaton, line, from),
            Search::Automaton(automaton) => {
                let found = automaton.find(Input::new(line).range(from..))?;
                Some(found.range())
            }
            Search::Grams(grams, _) => {
                grams.leftmost(line, from, grams.reach(), |number, found| {
                    let fits = !self.are_words || is_word(line, &found);
                    ControlFlow::Continue(fits.then_some((found, number)))
                })
            }
        }
    }
}

/// Of the texts that are words the leftmost, and at one place the first.
fn first_word(automaton: &AhoCorasick, line: &[u8], from: usize) -> Option<Range<usize>> {
    let longest = automaton.max_pattern_len();
    let mut best: Option<Match> = None;
    // They come in the order of their ends.
    for found in automaton.find_overlapping_iter(Input::new(line).range(from..)) {
        let place = |found: &Match| (found.start(), found.pattern());
        if let Some(best) = &best
            && found.end() > best.start() + longest
        {
            break;
        }
        let is_better = best.as_ref().is_none_or(|best| place(&found) < place(best));
        if is_better && is_word(line, &found.range()) {
            best = Some(found);
        }
    }
    best.map(|found| found.range())
}

impl fmt::Display for Literals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.search {
            Search::Grams(_, texts) => write!(f, "grams of {texts} texts"),
            Search::Automaton(automaton) => {
                write!(f, "Aho-Corasick of {} texts", automaton.patterns_len())
            }
        }
    }
}

/// Texts of which a line has to be one: a look into a set for each line, however many they are.
#[derive(Clone, Debug)]
pub(super) struct WholeLines {
    texts: Arc<HashSet<Vec<u8>>>,
    /// A longer line is none of them: it is neither folded nor looked up.
    longest: usize,
    /// Where case does not count the texts are folded, and so is a line, into this.
    folding: Option<(Arc<Folding>, Vec<u8>)>,
}

impl WholeLines {
    pub(super) fn new(texts: &[&[u8]], syntax: Syntax) -> WholeLines {
        let folding = syntax.ignore_case.then(|| Folding::of(texts));
        let folded = |text: &&[u8]| {
            let mut folded = text.to_vec();
            if let Some(folding) = &folding {
                folding.fold_into(text, &mut folded);
            }
            folded
        };
        let texts: HashSet<Vec<u8>> = texts.iter().map(folded).collect();
        // Folded, a character may be a quarter as long.
        let shrinks = if folding.is_some() { 4 } else { 1 };
        WholeLines {
            longest: texts.iter().map(Vec::len).max().unwrap_or(0) * shrinks,
            texts: Arc::new(texts),
            folding: folding.map(|folding| (Arc::new(folding), Vec::new())),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(super) fn find(&mut self, text: &[u8], mut from: usize, terminator: u8) -> Option<usize> {
        while from < text.len() {
            let end = memchr(terminator, &text[from..]).map_or(text.len(), |end| from + end);
            if self.has(&text[from..end]) {
                return Some(from);
            }
            from = end + 1;
        }
        None
    }

    fn has(&mut self, line: &[u8]) -> bool {
        if line.len() > self.longest {
            return false;
        }
        match &mut self.folding {
            None => self.texts.contains(line),
            Some((folding, folded)) => {
                folding.fold_into(line, folded);
                self.texts.contains(folded.as_slice())
            }
        }
    }

    pub(super) fn bounds(&mut self, line: &[u8], from: usize) -> Option<Range<usize>> {
        (from == 0 && self.has(line)).then_some(0..line.len())
    }
}
