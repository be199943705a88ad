//! Several texts as they are: the packed search of Aho-Corasick where they are few, grams where they are many, and
//! the automaton where they are very many.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, Anchored, Input, Match, MatchKind, StartKind};
use memchr::memchr;

use super::grams::Grams;
use super::words::is_word;
use super::{PatternError, Syntax, line_around};

/// From so many texts on grams are faster than the packed search, which looks at two nibbles of each byte.
const WORTH_GRAMS: usize = 24;

/// Texts of which one has to be there; it may have to be a word.
#[derive(Clone, Debug)]
pub(super) struct Literals {
    automaton: AhoCorasick,
    grams: Option<Box<Grams>>,
    are_words: bool,
}

impl Literals {
    /// The first of two that match at one place is the match. ASCII's case is ignored if `syntax` says so.
    pub(super) fn new(texts: &[&[u8]], syntax: Syntax) -> Result<Literals, PatternError> {
        Literals::build(texts, syntax, false)
    }

    /// Those that can be asked what is [`at`](Literals::at) a place.
    pub(super) fn anchored(texts: &[&[u8]], syntax: Syntax) -> Result<Literals, PatternError> {
        Literals::build(texts, syntax, true)
    }

    fn build(texts: &[&[u8]], syntax: Syntax, anchors: bool) -> Result<Literals, PatternError> {
        // Of words every one at a place has to be looked at.
        let kind = if syntax.words {
            MatchKind::Standard
        } else {
            MatchKind::LeftmostFirst
        };
        let automaton = AhoCorasick::builder()
            .match_kind(kind)
            .start_kind(if anchors {
                StartKind::Both
            } else {
                StartKind::Unanchored
            })
            .ascii_case_insensitive(syntax.ignore_case)
            .build(texts)
            .map_err(PatternError::new)?;
        let are_many = texts.len() >= WORTH_GRAMS && !syntax.ignore_case;
        let grams = Some(texts).filter(|_| are_many).and_then(Grams::new);
        Ok(Literals {
            automaton,
            grams: grams.map(Box::new),
            are_words: syntax.words,
        })
    }

    pub(super) fn find(&self, text: &[u8], mut from: usize, terminator: u8) -> Option<usize> {
        loop {
            let at = if let Some(grams) = &self.grams {
                grams.find(text, from)?
            } else {
                let input = Input::new(text).range(from..).earliest(true);
                self.automaton.find(input)?.start()
            };
            if !self.are_words {
                return Some(at);
            }
            let line = line_around(text, from, at, terminator);
            let end = line.end - usize::from(text[line.clone()].ends_with(&[terminator]));
            if let Some(found) = self.first_word(&text[line.start..end], 0) {
                return Some(line.start + found.start);
            }
            from = line.end;
            if from >= text.len() {
                return None;
            }
        }
    }

    pub(super) fn bounds(&self, line: &[u8], from: usize) -> Option<Range<usize>> {
        if self.are_words {
            return self.first_word(line, from);
        }
        let found = self.automaton.find(Input::new(line).range(from..))?;
        Some(found.range())
    }

    /// Of the texts that are words the leftmost, and at one place the first.
    fn first_word(&self, line: &[u8], from: usize) -> Option<Range<usize>> {
        let longest = self.automaton.max_pattern_len();
        let mut best: Option<Match> = None;
        // They come in the order of their ends.
        for found in self
            .automaton
            .find_overlapping_iter(Input::new(line).range(from..))
        {
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

    /// The text that is at `from`, if one is.
    pub(super) fn at(&self, line: &[u8], from: usize) -> Option<Range<usize>> {
        let input = Input::new(line).range(from..).anchored(Anchored::Yes);
        self.automaton.find(input).map(|found| found.range())
    }
}

impl fmt::Display for Literals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = self.automaton.patterns_len();
        match self.grams {
            Some(_) => write!(f, "grams of {texts} texts"),
            None => write!(f, "Aho-Corasick of {texts} texts"),
        }
    }
}

/// Texts of which a line has to be one: a look into a set for each line, however many they are.
#[derive(Clone, Debug)]
pub(super) struct WholeLines(Arc<HashSet<Vec<u8>>>);

impl WholeLines {
    pub(super) fn new(texts: &[&[u8]]) -> WholeLines {
        WholeLines(Arc::new(texts.iter().map(|text| text.to_vec()).collect()))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn find(&self, text: &[u8], mut from: usize, terminator: u8) -> Option<usize> {
        while from < text.len() {
            let end = memchr(terminator, &text[from..]).map_or(text.len(), |end| from + end);
            if self.0.contains(&text[from..end]) {
                return Some(from);
            }
            from = end + 1;
        }
        None
    }

    pub(super) fn bounds(&self, line: &[u8], from: usize) -> Option<Range<usize>> {
        (from == 0 && self.0.contains(line)).then_some(0..line.len())
    }
}
