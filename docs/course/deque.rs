//! Python's `collections.deque`, as far as the course uses it.

#![allow(dead_code, reason = "each program uses a part of this")]

use std::collections::VecDeque;
use std::fmt;

/// A queue with two ends and, if `maxlen` is given, a cap: what is added at one end of a full one pushes an
/// item out at the other.
#[derive(Debug)]
pub(crate) struct Deque<T> {
    items: VecDeque<T>,
    maxlen: Option<usize>,
}

impl<T> Deque<T> {
    /// A deque of `items`, uncapped.
    pub(crate) fn new(items: impl IntoIterator<Item = T>) -> Deque<T> {
        Deque {
            items: items.into_iter().collect(),
            maxlen: None,
        }
    }

    /// A deque of the last `maxlen` of `items`.
    pub(crate) fn capped(items: impl IntoIterator<Item = T>, maxlen: usize) -> Deque<T> {
        let mut deque = Deque {
            items: VecDeque::new(),
            maxlen: Some(maxlen),
        };
        for item in items {
            deque.append(item);
        }
        deque
    }

    /// Adds at the right.
    pub(crate) fn append(&mut self, item: T) {
        self.items.push_back(item);
        if self.is_over() {
            self.items.pop_front();
        }
    }

    /// Adds at the left.
    pub(crate) fn append_left(&mut self, item: T) {
        self.items.push_front(item);
        if self.is_over() {
            self.items.pop_back();
        }
    }

    fn is_over(&self) -> bool {
        self.maxlen.is_some_and(|maxlen| self.len() > maxlen)
    }

    /// Takes from the right.
    pub(crate) fn pop(&mut self) -> Option<T> {
        self.items.pop_back()
    }

    /// Takes from the left.
    pub(crate) fn pop_left(&mut self) -> Option<T> {
        self.items.pop_front()
    }

    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// The cap.
    pub(crate) fn maxlen(&self) -> Option<usize> {
        self.maxlen
    }

    /// Is there no room for one more?
    pub(crate) fn is_full(&self) -> bool {
        Some(self.len()) == self.maxlen
    }
}

impl<T: fmt::Debug> fmt::Display for Deque<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "deque({:?})", self.items)
    }
}
