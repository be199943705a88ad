//! A channel whose delay is a number of lines.

use std::collections::VecDeque;

use costage::{Block, Error, Flow, Result, Stage, Waits};

use crate::Held;
use crate::line_ends;
use crate::store::Store;

/// Small blocks count as one up to this size: what is searched at most for one line end.
const COUNTED: usize = 64 << 10;

/// Holds the last `delay` lines: a line goes on when so many later ones have come. The end of the input, an error and
/// a signal let all go on.
///
/// Whole blocks are held with the number of their lines, and only the one in which the border lies is searched. The
/// memory is that of the lines, and 1 MiB at most.
///
/// ```
/// use costage::{Source, collect};
///
/// let (lines, sink) = collect();
/// Source::text("one\ntwo\nthree\n").drive(codelay::by_lines(2, sink))?;
/// assert_eq!(lines.take(), b"one\ntwo\nthree\n");
/// # Ok::<(), costage::Error>(())
/// ```
pub fn by_lines<S: Stage>(delay: u64, to: S) -> ByLines<S> {
    ByLines {
        delay: usize::try_from(delay).unwrap_or(usize::MAX),
        store: Store::default(),
        counts: VecDeque::new(),
        lines: 0,
        held: Held::default(),
        to,
    }
}

/// A channel whose delay is a number of lines. Made by [`by_lines`].
#[derive(Debug)]
pub struct ByLines<S> {
    /// 0 from the last call on.
    delay: usize,
    store: Store,
    /// The lines of what is in the store, block by block.
    counts: VecDeque<Count>,
    /// All of them.
    lines: usize,
    held: Held,
    to: S,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    lines: usize,
    bytes: usize,
}

impl<S: Stage> ByLines<S> {
    /// Tells `held` how many lines it holds.
    #[must_use]
    pub fn told_to(mut self, held: Held) -> ByLines<S> {
        self.held = held;
        self
    }

    /// Holds a block. The length of what is to go on because of it.
    fn hold(&mut self, block: &Block) -> usize {
        self.store.push(block);
        let unfinished = usize::from(!block.is_finished());
        let nth = self.delay.saturating_add(1) - unfinished;
        match line_ends::nth_back(block.terminator(), block, nth) {
            Ok(end) => self.hold_last(block.len() - end - 1, block.len()),
            Err(ends) => {
                self.count(ends + unfinished, block.len());
                self.surplus()
            }
        }
    }

    /// Of the newest block, `of` bytes long, the last `bytes` are all that stays.
    fn hold_last(&mut self, bytes: usize, of: usize) -> usize {
        let before: usize = self.counts.drain(..).map(|count| count.bytes).sum();
        self.lines = self.delay;
        self.held.set(self.lines);
        self.counts.push_back(Count {
            lines: self.lines,
            bytes,
        });
        before + of - bytes
    }

    fn count(&mut self, lines: usize, bytes: usize) {
        self.lines += lines;
        match self.counts.back_mut() {
            Some(last) if last.bytes + bytes <= COUNTED => {
                last.lines += lines;
                last.bytes += bytes;
            }
            _ => self.counts.push_back(Count { lines, bytes }),
        }
    }

    /// The length of what is to go on: all but the last `delay` lines.
    fn surplus(&mut self) -> usize {
        let mut bytes = 0;
        let mut surplus = self.lines.saturating_sub(self.delay);
        self.lines -= surplus;
        self.held.set(self.lines);
        while surplus > 0 {
            let Some(first) = self.counts.pop_front() else {
                break;
            };
            if first.lines > surplus {
                bytes += self.split(first, surplus, bytes);
                break;
            }
            surplus -= first.lines;
            bytes += first.bytes;
        }
        bytes
    }

    /// The length of the first lines of `count`, which is `at` in the store; the others stay counted.
    fn split(&mut self, count: Count, lines: usize, at: usize) -> usize {
        let at = at..at + count.bytes;
        let bytes = self.store.length_of_lines(lines, count.lines, at);
        self.counts.push_front(Count {
            lines: count.lines - lines,
            bytes: count.bytes - bytes,
        });
        bytes
    }

    /// Lets the first so many bytes go on.
    fn release(&mut self, mut left: usize) -> Result<Flow> {
        let mut flow = Flow::More;
        while left > 0
            && let Some(block) = self.store.pop(left)
        {
            left -= block.len();
            flow = self.to.send(&block)?;
            if flow == Flow::Stop {
                break;
            }
        }
        Ok(flow)
    }

    fn release_all(&mut self) -> Result<Flow> {
        self.delay = 0;
        let all = self.surplus();
        self.release(all)
    }
}

impl<S: Stage> Stage for ByLines<S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        if self.delay == 0 {
            return self.to.send(block);
        }
        let leaving = self.hold(block);
        self.release(leaving)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.to)
    }

    fn close(&mut self) -> Result<()> {
        let released = self.release_all();
        self.to.close().and(released.map(|_| ()))
    }

    fn throw(&mut self, error: Error) -> Result<()> {
        let released = self.release_all();
        let thrown = self.to.throw(error);
        thrown.and(released.map(|_| ()))
    }

    fn waits(&mut self, waits: &mut Waits) {
        if waits.is_last_call() && self.delay > 0 {
            waits.now();
        }
        self.to.waits(waits);
    }

    fn wake(&mut self, waits: &Waits) -> Result<Flow> {
        let flow = self.to.wake(waits)?;
        if waits.is_last_call() && self.delay > 0 && flow != Flow::Stop {
            return self.release_all();
        }
        Ok(flow)
    }
}
