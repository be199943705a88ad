//! How much a channel of lines holds, as another one is told.

use std::cell::Cell;
use std::rc::Rc;

/// How many lines a channel of lines holds now. Both have it: [`ByLines::told_to`](crate::ByLines::told_to), and the
/// channel of time behind it, which is to hold no more than its capacity together with it:
/// [`ByTime::behind`](crate::ByTime::behind).
#[derive(Clone, Debug, Default)]
pub struct Held(Rc<Cell<usize>>);

impl Held {
    pub(crate) fn set(&self, lines: usize) {
        self.0.set(lines);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.get()
    }
}
