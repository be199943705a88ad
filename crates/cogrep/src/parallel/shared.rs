//! What the loop and the threads share: the parts, and how far each of them is.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use costage::{Block, Result, Ring};

use super::Stretch;
use crate::stage::Passed;

/// So much of what is found in a part is held, and one block more: a part may yield many times its length.
const HELD: usize = 4 << 20;

/// What the loop and the threads share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) stretch: Stretch,
    pub(super) parts: u64,
    /// How many parts may be begun beyond the first that is not done with.
    pub(super) ahead: u64,
    pub(super) state: Mutex<State>,
    pub(super) changed: Condvar,
    pub(super) ring: Ring,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Those that are searched or not yet taken, in their order.
    pub(super) parts: VecDeque<Part>,
    /// The number of the first of them.
    pub(super) first: u64,
    /// How many lines were before it.
    pub(super) lines: u64,
    /// What was passed in the parts before it.
    pub(super) passed: Passed,
    /// How far the lines before it reach.
    pub(super) end: u64,
    /// The number of the next to be searched.
    pub(super) next: u64,
    pub(super) stops: bool,
}

#[derive(Debug, Default)]
pub(super) struct Part {
    found: VecDeque<Block>,
    /// How many bytes these are.
    held: usize,
    /// How many lines it has, where the lines of later parts are numbered.
    pub(super) lines: Option<u64>,
    /// What was passed and how far it reaches, if any line begins in it.
    pub(super) outcome: Option<Result<(Passed, Option<u64>)>>,
}

impl Part {
    /// Is there as much of it as is held before some is taken?
    pub(super) fn is_full(&self) -> bool {
        self.held >= HELD
    }

    pub(super) fn put(&mut self, block: Block) {
        self.held += block.len();
        self.found.push_back(block);
    }

    pub(super) fn take(&mut self) -> Option<Block> {
        let block = self.found.pop_front()?;
        self.held -= block.len();
        Some(block)
    }
}

impl State {
    /// Is there something to be taken: what was found in the first part, or why it failed?
    pub(super) fn has_something(&self) -> bool {
        let first = self.parts.front();
        first.is_some_and(|part| !part.found.is_empty() || part.outcome.is_some())
    }

    /// Is done with the first parts as far as they have been searched and all that was found in them has been taken.
    /// The threads do this, too: the loop need not be woken for parts in which nothing is found. Answers if there was
    /// one.
    pub(super) fn pass_searched(&mut self) -> bool {
        let first = self.first;
        while let Some(part) = self.parts.front()
            && part.found.is_empty()
            && let Some(Ok((passed, end))) = part.outcome
        {
            self.parts.pop_front();
            self.first += 1;
            self.lines += passed.lines;
            self.passed.add(passed);
            self.end = end.unwrap_or(self.end);
        }
        self.first > first
    }

    /// The part of this number. It is there as long as it is not done with.
    pub(super) fn part(&mut self, number: u64) -> Option<&mut Part> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.parts.get_mut(at)
    }

    /// How many lines are before this part, if all before it have been counted.
    pub(super) fn lines_before(&self, number: u64) -> Option<u64> {
        let before = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let counted = self.parts.iter().take(before).map(|part| part.lines);
        counted.sum::<Option<u64>>().map(|lines| lines + self.lines)
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is whole: a thread that failed elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let woken = self.changed.wait(state);
        woken.unwrap_or_else(PoisonError::into_inner)
    }

    /// The next part to be searched; `None` if there is none any more.
    pub(super) fn begin_part(&self) -> Option<u64> {
        let mut state = self.lock();
        loop {
            if state.stops || state.next == self.parts {
                return None;
            }
            if state.next < state.first + self.ahead {
                let number = state.next;
                state.next += 1;
                state.parts.push_back(Part::default());
                return Some(number);
            }
            state = self.wait(state);
        }
    }

    pub(super) fn end_part(&self, number: u64, outcome: Result<(Passed, Option<u64>)>) {
        let mut state = self.lock();
        if let Some(part) = state.part(number) {
            part.lines.get_or_insert(0);
            part.outcome = Some(outcome);
        }
        state.pass_searched();
        let is_news = state.has_something() || state.first == self.parts;
        drop(state);
        self.changed.notify_all();
        if is_news {
            self.ring.ring();
        }
    }

    /// Passes on what was found in a part, once there is room for it. Answers if it is still wanted.
    pub(super) fn pass(&self, number: u64, block: Block) -> bool {
        let mut state = self.lock();
        while !state.stops && state.part(number).is_some_and(|part| part.is_full()) {
            state = self.wait(state);
        }
        if state.stops {
            return false;
        }
        let is_first = state.first == number;
        if let Some(part) = state.part(number) {
            part.put(block);
        }
        drop(state);
        if is_first {
            self.ring.ring();
        }
        true
    }

    /// Tells how many lines a part has, and waits until it is known how many are before it. `None`: stop.
    pub(super) fn number_lines(&self, number: u64, lines: u64) -> Option<u64> {
        let mut state = self.lock();
        state.part(number)?.lines = Some(lines);
        self.changed.notify_all();
        loop {
            if state.stops {
                return None;
            }
            if let Some(before) = state.lines_before(number) {
                return Some(before);
            }
            state = self.wait(state);
        }
    }
}
