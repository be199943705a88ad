//! A regex without a text that could be looked for, as a table of states: one look into it for each byte.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr, memchr_iter};
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::{Compiler, NFA, WhichCaptures};
use regex_automata::util::look::LookMatcher;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::{Hir, Look};

/// Limits, in bytes: of the table, and of the memory to build it. Beyond them states are made as they are needed.
const TABLE_AT_MOST: usize = 1 << 20;
const MAKING_AT_MOST: usize = 4 << 20;
/// And of the NFA that it is built from: from more the table takes seconds to build, and does not fit in the end.
const NFA_AT_MOST: usize = 256 << 10;
/// How much is looked at one line after the other, in bytes: where lines match often it is enough.
const NEAR: usize = 8;
/// How long two lanes are at first, and at most. Each is looked through while the other waits for memory; where a match
/// is in the first what the second has looked at was in vain.
const LANE: usize = 128;
const LANE_AT_MOST: usize = 4 << 10;

/// A table of states, and the way through the text.
#[derive(Clone, Debug)]
pub(super) struct Dense {
    dfa: Arc<dense::DFA<Vec<u32>>>,
    scan: Scan,
    /// What the last byte of a line has to be, where a match ends there.
    last: Option<Bytes>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scan {
    /// Through every byte. With the state to begin a line in.
    Through(StateID),
    /// A match begins where a line does: from there, as far as it may still be one. With the state to begin in.
    FromStart(StateID),
    /// A match ends where a line does: from there back.
    FromEnd(StateID),
}

impl Dense {
    /// `None` if it would be too large, or looks at what a table cannot: characters beyond ASCII around a word.
    pub(super) fn new(hir: &Hir, terminator: u8) -> Option<Dense> {
        let looks = hir.properties();
        let at_start = looks.look_set_prefix().contains(Look::StartLF);
        let at_end = looks.look_set_suffix().contains(Look::EndLF);
        if at_start {
            let dfa = table(hir, terminator, false, Anchored::Yes)?;
            let first = first_state(&dfa, terminator, Anchored::Yes)?;
            return Some(Dense {
                dfa: Arc::new(dfa),
                scan: Scan::FromStart(first),
                last: None,
            });
        }
        if at_end {
            let dfa = table(hir, terminator, true, Anchored::Yes)?;
            let first = first_state(&dfa, terminator, Anchored::Yes)?;
            return Some(Dense {
                last: Bytes::that_lead_on(&dfa, first, terminator),
                dfa: Arc::new(dfa),
                scan: Scan::FromEnd(first),
            });
        }
        let dfa = table(hir, terminator, false, Anchored::No)?;
        let first = first_state(&dfa, terminator, Anchored::No)?;
        Some(Dense {
            dfa: Arc::new(dfa),
            scan: Scan::Through(first),
            last: None,
        })
    }

    /// A place in the first line that matches, or its end.
    pub(super) fn find(&self, text: &[u8], from: usize, terminator: u8) -> Option<usize> {
        match self.scan {
            Scan::Through(first) => self.through(first, text, from, terminator),
            Scan::FromStart(first) => self.forward(first, text, from, terminator),
            Scan::FromEnd(first) => self.backward(first, text, from, terminator),
        }
    }

    /// A state depends on the one before it, which is waited for at each byte; that of another line does not.
    fn through(&self, first: StateID, text: &[u8], from: usize, terminator: u8) -> Option<usize> {
        let line_end = |at: usize| Some(at + memchr(terminator, text.get(at..)?)? + 1);
        let Some(near) = line_end(from + NEAR) else {
            return self.one_by_one(text, from..text.len());
        };
        if let Some(found) = self.one_by_one(text, from..near) {
            return Some(found);
        }
        let (mut start, mut length) = (near, LANE);
        loop {
            let middle = line_end(start + length);
            let Some((middle, end)) = middle.and_then(|at| Some((at, line_end(at + length)?)))
            else {
                return self.one_by_one(text, start..text.len());
            };
            if let Some(at) = self.abreast(first, &text[start..middle], &text[middle..end]) {
                return Some(start + at);
            }
            start = end;
            length = LANE_AT_MOST.min(2 * length);
        }
    }

    fn one_by_one(&self, text: &[u8], range: Range<usize>) -> Option<usize> {
        let input = Input::new(text).range(range).earliest(true);
        // A table without bytes at which it gives up does not fail.
        let found = self.dfa.try_search_fwd(&input).ok().flatten()?;
        Some(found.offset())
    }

    /// A place in the first line that matches of two runs of lines, of which the second follows the first.
    fn abreast(&self, first: StateID, left: &[u8], right: &[u8]) -> Option<usize> {
        let (mut in_left, mut in_right) = (first, first);
        for (at, (&a, &b)) in left.iter().zip(right).enumerate() {
            in_left = self.dfa.next_state(in_left, a);
            in_right = self.dfa.next_state(in_right, b);
            // Seldom, and one question instead of two.
            if !self.dfa.is_special_state(in_left.max(in_right))
                && !self.dfa.is_special_state(in_left.min(in_right))
            {
                continue;
            }
            if self.dfa.is_match_state(in_left) {
                return Some(at);
            }
            if self.dfa.is_match_state(in_right) {
                let before = self.first_match(in_left, left, at + 1);
                return before.or(Some(left.len() + at));
            }
        }
        let both = left.len().min(right.len());
        self.first_match(in_left, left, both).or_else(|| {
            let at = self.first_match(in_right, right, both)?;
            Some(left.len() + at)
        })
    }

    /// The place in whole lines at which a match is known of, from a state and a place on.
    fn first_match(&self, mut state: StateID, lines: &[u8], from: usize) -> Option<usize> {
        let place = lines[from..].iter().position(|&byte| {
            state = self.dfa.next_state(state, byte);
            self.dfa.is_special_state(state) && self.dfa.is_match_state(state)
        })?;
        Some(from + place)
    }

    fn forward(&self, first: StateID, text: &[u8], from: usize, terminator: u8) -> Option<usize> {
        let mut start = from;
        while start < text.len() {
            let mut state = first;
            let mut at = start;
            // The terminator ends every match, so that no line is left.
            loop {
                let Some(&byte) = text.get(at) else {
                    state = self.dfa.next_eoi_state(state);
                    break;
                };
                state = self.dfa.next_state(state, byte);
                if self.dfa.is_special_state(state) && self.is_decided(state) {
                    break;
                }
                at += 1;
            }
            if self.dfa.is_match_state(state) {
                return Some(start);
            }
            let behind = at.min(text.len());
            // It may have been decided by the terminator itself.
            start = behind + memchr(terminator, &text[behind..])? + 1;
        }
        None
    }

    fn backward(&self, first: StateID, text: &[u8], from: usize, terminator: u8) -> Option<usize> {
        if let Some(last) = &self.last {
            if let Some(end) = last.ends(text, from, terminator, |end| {
                self.ends_at(first, &text[..end])
            }) {
                return Some(end);
            }
            return self.unfinished(text, from, terminator);
        }
        for end in memchr_iter(terminator, &text[from..]) {
            if self.ends_at(first, &text[..from + end]) {
                return Some(from + end);
            }
        }
        self.unfinished(text, from, terminator)
    }

    /// The last line of all may lack its terminator.
    fn unfinished(&self, text: &[u8], from: usize, terminator: u8) -> Option<usize> {
        if text.last() != Some(&terminator) && from < text.len() {
            let end = start::Config::new().anchored(Anchored::Yes);
            let first = self.dfa.start_state(&end).ok()?;
            return self.ends_at(first, text).then_some(text.len());
        }
        None
    }

    #[inline]
    fn ends_at(&self, first: StateID, text: &[u8]) -> bool {
        let mut state = first;
        for &byte in text.iter().rev() {
            state = self.dfa.next_state(state, byte);
            if self.dfa.is_special_state(state) && self.is_decided(state) {
                return self.dfa.is_match_state(state);
            }
        }
        self.dfa.is_match_state(self.dfa.next_eoi_state(state))
    }

    fn is_decided(&self, state: StateID) -> bool {
        self.dfa.is_match_state(state) || self.dfa.is_dead_state(state)
    }
}

fn table(
    hir: &Hir,
    terminator: u8,
    reverse: bool,
    anchored: Anchored,
) -> Option<dense::DFA<Vec<u32>>> {
    let mut looks = LookMatcher::new();
    looks.set_line_terminator(terminator);
    let nfa = NFA::config()
        .utf8(false)
        .reverse(reverse)
        .which_captures(WhichCaptures::None)
        .look_matcher(looks)
        .nfa_size_limit(Some(NFA_AT_MOST));
    let nfa = Compiler::new().configure(nfa).build_from_hir(hir).ok()?;
    let starts = if anchored.is_anchored() {
        StartKind::Anchored
    } else {
        StartKind::Unanchored
    };
    let config = dense::Config::new()
        .start_kind(starts)
        .match_kind(MatchKind::All)
        .dfa_size_limit(Some(TABLE_AT_MOST))
        .determinize_size_limit(Some(MAKING_AT_MOST));
    dense::Builder::new()
        .configure(config)
        .build_from_nfa(&nfa)
        .ok()
}

/// The state beside a line's end.
fn first_state(dfa: &dense::DFA<Vec<u32>>, terminator: u8, anchored: Anchored) -> Option<StateID> {
    let beside = start::Config::new()
        .anchored(anchored)
        .look_behind(Some(terminator));
    dfa.start_state(&beside).ok()
}

/// A range of bytes.
#[derive(Clone, Copy, Debug)]
struct Bytes {
    low: u8,
    high: u8,
}

/// So many places are looked at before it is asked whether one of them was a hit; the compiler makes vector
/// instructions of it.
const AT_ONCE: usize = 64;

impl Bytes {
    /// The bytes that do not end every hope of a match, if they are one range and the match is not empty.
    fn that_lead_on(dfa: &dense::DFA<Vec<u32>>, first: StateID, terminator: u8) -> Option<Bytes> {
        let leads_on = |byte: &u8| !dfa.is_dead_state(dfa.next_state(first, *byte));
        let end = dfa.next_eoi_state(first);
        if leads_on(&terminator) || dfa.is_match_state(end) {
            return None;
        }
        let low = (0..=u8::MAX).find(leads_on)?;
        let high = (0..=u8::MAX).rfind(leads_on)?;
        (low..=high)
            .all(|byte| leads_on(&byte))
            .then_some(Bytes { low, high })
    }

    fn has(self, byte: u8) -> bool {
        byte.wrapping_sub(self.low) <= self.high - self.low
    }

    /// The first end of a line, behind one of these bytes, that `fits`.
    fn ends(
        self,
        text: &[u8],
        from: usize,
        terminator: u8,
        mut fits: impl FnMut(usize) -> bool,
    ) -> Option<usize> {
        let lasts = text.get(from..text.len().checked_sub(1)?)?.chunks(AT_ONCE);
        let ends = text[from + 1..].chunks(AT_ONCE);
        for (number, (lasts, ends)) in lasts.zip(ends).enumerate() {
            let any = match (lasts.as_array(), ends.as_array()) {
                (Some(lasts), Some(ends)) => self.any_ends(lasts, ends, terminator),
                _ => true,
            };
            if !any {
                continue;
            }
            for (offset, (&last, &end)) in lasts.iter().zip(ends).enumerate() {
                let at = from + number * AT_ONCE + offset + 1;
                if end == terminator && self.has(last) && fits(at) {
                    return Some(at);
                }
            }
        }
        None
    }

    /// Without a branch in it, which is what makes it fast.
    #[inline]
    fn any_ends(self, lasts: &[u8; AT_ONCE], ends: &[u8; AT_ONCE], terminator: u8) -> bool {
        let mut any = 0;
        for at in 0..AT_ONCE {
            any |= u8::from(self.has(lasts[at])) & u8::from(ends[at] == terminator);
        }
        any != 0
    }
}

impl fmt::Display for Dense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.scan {
            Scan::Through(_) => "a table of states",
            Scan::FromStart(_) => "a table of states, from the start of each line",
            Scan::FromEnd(_) => "a table of states, from the end of each line",
        })
    }
}
