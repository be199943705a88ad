//! Where one of many short texts is, whatever the case of ASCII's letters: all such places, for one who looks closer.

use std::ops::{ControlFlow, Range};

use aho_corasick::{AhoCorasick, Input};

use super::PatternError;
use super::grams::Grams;

/// Finds every place of every text.
#[derive(Debug)]
pub(super) enum Candidates {
    Grams(Grams),
    /// Where the texts are too many and too short for grams.
    Automaton(AhoCorasick),
}

impl Candidates {
    /// Of these texts, in any case of ASCII's letters.
    pub(super) fn new(texts: &[Vec<u8>]) -> Result<Candidates, PatternError> {
        let borrowed: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        if let Some(grams) = Grams::in_any_case(&borrowed) {
            return Ok(Candidates::Grams(grams));
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(texts);
        automaton
            .map(Candidates::Automaton)
            .map_err(PatternError::new)
    }

    /// How far behind its beginning a text is found, at most.
    pub(super) fn reach(&self) -> usize {
        match self {
            Candidates::Grams(grams) => grams.reach(),
            Candidates::Automaton(automaton) => automaton.max_pattern_len(),
        }
    }

    /// What `whole` makes of the first candidate it accepts; they come in the order of the places where they are found.
    pub(super) fn find<T>(
        &self,
        text: &[u8],
        from: usize,
        mut whole: impl FnMut(usize, Range<usize>) -> Option<T>,
    ) -> Option<T> {
        let mut found = None;
        self.each(text, from, |_, number, place| {
            found = whole(number, place);
            if found.is_some() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        found
    }

    /// Of the matches that `whole` accepts the one that begins first, and of two that begin at one place the one of the
    /// lower order, until it breaks off. No candidate is found more than `reach` bytes behind the start of its match.
    pub(super) fn leftmost(
        &self,
        line: &[u8],
        from: usize,
        reach: usize,
        mut whole: impl FnMut(usize, Range<usize>) -> ControlFlow<(), Option<(Range<usize>, usize)>>,
    ) -> Option<Range<usize>> {
        let mut best: Option<(Range<usize>, usize)> = None;
        self.each(line, from, |at, number, place| {
            if best
                .as_ref()
                .is_some_and(|(best, _)| at > best.start + reach)
            {
                return ControlFlow::Break(());
            }
            let key = |(range, order): &(Range<usize>, usize)| (range.start, *order);
            if let Some(found) = whole(number, place)?
                && best.as_ref().is_none_or(|best| key(&found) < key(best))
            {
                best = Some(found);
            }
            ControlFlow::Continue(())
        });
        best.map(|(range, _)| range)
    }

    /// Calls `take` for each text, with where it is found, its number and its place, in the order of where they are
    /// found.
    fn each(
        &self,
        text: &[u8],
        from: usize,
        mut take: impl FnMut(usize, usize, Range<usize>) -> ControlFlow<()>,
    ) {
        match self {
            Candidates::Grams(grams) => grams.each(text, from, take),
            Candidates::Automaton(automaton) => {
                let found = automaton.find_overlapping_iter(Input::new(text).range(from..));
                let _ = found.into_iter().try_for_each(|found| {
                    take(found.end(), found.pattern().as_usize(), found.range())
                });
            }
        }
    }
}
