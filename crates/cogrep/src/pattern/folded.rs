//! Texts in any case by an automaton of their folded form: slower than to look for a part of each, but in a time that
//! does not grow with how much of them is nearly everywhere.

use std::ops::{ControlFlow, Range};

use aho_corasick::Anchored;
use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::contiguous::NFA;

use super::folding::{Folding, Unit, encode};

/// The automaton of some texts.
#[derive(Debug)]
pub(super) struct Folded {
    automaton: NFA,
    /// How many units each text has, and the most that one has.
    lengths: Vec<usize>,
    longest: usize,
}

/// A text that was found: which, and how many units and bytes are before its end.
struct Found {
    text: usize,
    units: usize,
    end: usize,
}

impl Folded {
    /// `None` if it would be too large.
    pub(super) fn new(texts: &[Vec<Unit>]) -> Option<Folded> {
        let encoded = texts.iter().map(|text| {
            let mut bytes = Vec::with_capacity(text.len());
            for &unit in text {
                encode(unit, &mut bytes);
            }
            bytes
        });
        let lengths: Vec<usize> = texts.iter().map(Vec::len).collect();
        Some(Folded {
            automaton: NFA::new(encoded).ok()?,
            longest: lengths.iter().copied().max()?,
            lengths,
        })
    }

    /// The first that ends, of those that fit.
    pub(super) fn find(
        &self,
        folding: &Folding,
        line: &[u8],
        from: usize,
        fits: impl Fn(&Range<usize>) -> bool,
    ) -> Option<Range<usize>> {
        let mut first = None;
        self.each(folding, line, from, |found| {
            first = Some(self.range(folding, line, &found)).filter(&fits);
            match first {
                Some(_) => ControlFlow::Break(()),
                None => ControlFlow::Continue(()),
            }
        });
        first
    }

    /// The first that begins, of those that fit; of two that begin at one place the first of the texts.
    pub(super) fn leftmost(
        &self,
        folding: &Folding,
        line: &[u8],
        from: usize,
        fits: impl Fn(&Range<usize>) -> bool,
    ) -> Option<Range<usize>> {
        let mut best: Option<((usize, usize), Range<usize>)> = None;
        self.each(folding, line, from, |found| {
            let key = (found.units - self.lengths[found.text], found.text);
            if let Some((best, _)) = &best {
                if found.units > best.0 + self.longest {
                    return ControlFlow::Break(());
                }
                if key > *best {
                    return ControlFlow::Continue(());
                }
            }
            let range = self.range(folding, line, &found);
            if fits(&range) {
                best = Some((key, range));
            }
            ControlFlow::Continue(())
        });
        best.map(|(_, range)| range)
    }

    fn range(&self, folding: &Folding, line: &[u8], found: &Found) -> Range<usize> {
        let mut start = found.end;
        for _ in 0..self.lengths[found.text] {
            start -= folding.last(&line[..start]).map_or(0, |(_, length)| length);
        }
        start..found.end
    }

    /// Calls `take` for each text, in the order of their ends.
    fn each(
        &self,
        folding: &Folding,
        line: &[u8],
        from: usize,
        mut take: impl FnMut(Found) -> ControlFlow<()>,
    ) {
        let Ok(mut state) = self.automaton.start_state(Anchored::No) else {
            return;
        };
        let (mut units, mut end) = (0, from);
        let mut bytes = Vec::new();
        while let Some((unit, length)) = folding.first(&line[end..]) {
            bytes.clear();
            encode(unit, &mut bytes);
            for &byte in &bytes {
                state = self.automaton.next_state(Anchored::No, state, byte);
            }
            units += 1;
            end += length;
            if self.automaton.is_match(state) {
                for index in 0..self.automaton.match_len(state) {
                    let text = self.automaton.match_pattern(state, index).as_usize();
                    if take(Found { text, units, end }).is_break() {
                        return;
                    }
                }
            }
        }
    }
}
