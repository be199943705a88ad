//! What is in the channel, in the order in which it leaves.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use costage::Block;

use crate::Capacity;
use crate::entries::Entries;
use crate::law::Entry;
use crate::nanos::Nanos;
use crate::store::Store;

/// The lines under way.
#[derive(Debug)]
pub(crate) struct Waiting {
    order: Order,
    /// The bytes of those whose order is kept, and of those that leave now.
    store: Store,
    bytes: usize,
}

#[derive(Debug)]
enum Order {
    /// They leave as they came.
    Kept(Entries),
    /// The next to leave is the one that is ready first.
    Free {
        heap: BinaryHeap<Reverse<Overtaker>>,
        pushed: u64,
    },
}

/// A line that may overtake others.
#[derive(Debug, PartialEq, Eq)]
struct Overtaker {
    ready: Nanos,
    /// Of two that are ready at the same time the one that came first is first.
    pushed: u64,
    entry: Entry,
    line: Box<[u8]>,
}

impl Ord for Overtaker {
    fn cmp(&self, other: &Overtaker) -> Ordering {
        (self.ready, self.pushed).cmp(&(other.ready, other.pushed))
    }
}

impl PartialOrd for Overtaker {
    fn partial_cmp(&self, other: &Overtaker) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Waiting {
    pub(crate) fn new(reorder: bool) -> Waiting {
        let order = if reorder {
            Order::Free {
                heap: BinaryHeap::new(),
                pushed: 0,
            }
        } else {
            Order::Kept(Entries::default())
        };
        Waiting {
            order,
            store: Store::default(),
            bytes: 0,
        }
    }

    /// Adds lines that leave together.
    pub(crate) fn push(&mut self, entry: Entry, lines: &Block) {
        self.bytes += entry.bytes;
        match &mut self.order {
            Order::Kept(entries) => {
                entries.push(entry);
                self.store.push(lines);
            }
            Order::Free { .. } => self.push_free(entry, lines),
        }
    }

    /// Adds a line of a block that may be large.
    pub(crate) fn push_line(&mut self, entry: Entry, line: &[u8], terminator: u8) {
        self.bytes += entry.bytes;
        self.store.set_terminator(terminator);
        match &mut self.order {
            Order::Kept(entries) => {
                entries.push(entry);
                self.store.push_line(line);
            }
            Order::Free { .. } => self.push_free(entry, line),
        }
    }

    fn push_free(&mut self, entry: Entry, line: &[u8]) {
        if let Order::Free { heap, pushed } = &mut self.order {
            heap.push(Reverse(Overtaker {
                ready: entry.ready(),
                pushed: *pushed,
                entry,
                line: line.into(),
            }));
            *pushed += 1;
        }
    }

    /// Settles the order: what comes from now on leaves after those that wait. Much faster than to let them leave one by
    /// one, where there are many.
    pub(crate) fn keep_order(&mut self) {
        if let Order::Free { heap, .. } = &mut self.order {
            let mut lines = std::mem::take(heap).into_vec();
            lines.sort_unstable_by(|Reverse(one), Reverse(other)| one.cmp(other));
            let mut entries = Entries::default();
            for Reverse(line) in lines {
                self.store.push_line(&line.line);
                entries.push(line.entry);
            }
            self.order = Order::Kept(entries);
        }
    }

    /// The next to leave.
    pub(crate) fn first(&self) -> Option<&Entry> {
        match &self.order {
            Order::Kept(entries) => entries.first(),
            Order::Free { heap, .. } => heap.peek().map(|Reverse(first)| &first.entry),
        }
    }

    /// Lets it leave: its bytes are to be taken next, with those of others that leave now.
    pub(crate) fn leave(&mut self) {
        if let Some(left) = self.remove_first() {
            self.bytes -= left;
        }
    }

    fn remove_first(&mut self) -> Option<usize> {
        match &mut self.order {
            Order::Kept(entries) => entries.pop().map(|entry| entry.bytes),
            Order::Free { heap, .. } => heap.pop().map(|Reverse(first)| {
                self.store.push_line(&first.line);
                first.entry.bytes
            }),
        }
    }

    /// Takes some of the `bytes` that leave now.
    pub(crate) fn take(&mut self, bytes: usize) -> Option<Block> {
        self.store.pop(bytes)
    }

    /// Drops the next to leave.
    pub(crate) fn drop_first(&mut self) -> Option<Entry> {
        let first = *self.first()?;
        self.leave();
        let mut left = first.bytes;
        while left > 0
            && let Some(block) = self.store.pop(left)
        {
            left -= block.len();
        }
        Some(first)
    }

    /// Forgets all: nobody wants them.
    pub(crate) fn clear(&mut self) {
        while self.drop_first().is_some() {}
    }

    /// How many there are: lines, or blocks of lines that leave together.
    pub(crate) fn count(&self) -> usize {
        match &self.order {
            Order::Kept(entries) => entries.len(),
            Order::Free { heap, .. } => heap.len(),
        }
    }

    /// How many bytes are held.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Is there room for a line of so many bytes?
    pub(crate) fn has_room(&self, capacity: Option<Capacity>, bytes: usize) -> bool {
        match capacity {
            Some(Capacity::Lines(lines)) => self.count() < lines,
            Some(Capacity::Bytes(at_most)) => self.bytes + bytes <= at_most || self.count() == 0,
            None => true,
        }
    }
}
