//! A regex without a text that could be looked for, as a table of states: one look into it for each byte.

use std::fmt;
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
    /// Through every byte.
    Through,
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
            let first = first_state(&dfa, terminator)?;
            return Some(Dense {
                dfa: Arc::new(dfa),
                scan: Scan::FromStart(first),
                last: None,
            });
        }
        if at_end {
            let dfa = table(hir, terminator, true, Anchored::Yes)?;
            let first = first_state(&dfa, terminator)?;
            return Some(Dense {
                last: Bytes::that_lead_on(&dfa, first, terminator),
                dfa: Arc::new(dfa),
                scan: Scan::FromEnd(first),
            });
        }
        Some(Dense {
            dfa: Arc::new(table(hir, terminator, false, Anchored::No)?),
            scan: Scan::Through,
            last: None,
        })
    }

    /// A place in the first line that matches, or its end.
    pub(super) fn find(&self, text: &[u8], from: usize, terminator: u8) -> Option<usize> {
        match self.scan {
            Scan::Through => {
                let input = Input::new(text).range(from..).earliest(true);
                // A table without bytes at which it gives up does not fail.
                let found = self.dfa.try_search_fwd(&input).ok().flatten()?;
                Some(found.offset())
            }
            Scan::FromStart(first) => self.forward(first, text, from, terminator),
            Scan::FromEnd(first) => self.backward(first, text, from, terminator),
        }
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
fn first_state(dfa: &dense::DFA<Vec<u32>>, terminator: u8) -> Option<StateID> {
    let beside = start::Config::new()
        .anchored(Anchored::Yes)
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
            Scan::Through => "a table of states",
            Scan::FromStart(_) => "a table of states, from the start of each line",
            Scan::FromEnd(_) => "a table of states, from the end of each line",
        })
    }
}
