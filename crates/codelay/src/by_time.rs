//! A channel whose delay is a time.

mod admission;

use std::collections::VecDeque;
use std::fmt;

use costage::{Block, Error, Flow, Result, Stage, Waits};

use crate::clock::Time;
use crate::law::{Entry, Law};
use crate::nanos::Nanos;
use crate::outlet::Outlet;
use crate::waiting::Waiting;
use crate::{Capacity, Clock, Fates, Held, Settings, WhenFull};

/// What leaves is handed on in pieces of this size, so that a full target is noticed.
const PIECE: usize = 64 << 10;
/// While the target is full, so much more is taken in: beyond it the source waits, too.
const BEHIND_FULL: usize = 1 << 20;
/// A reader that is late by so little is not slow: what came meanwhile is not dropped because of it.
const MOMENT: Nanos = 10_000_000;

/// Holds each line for a time, as the settings say: it leaves that long after it came, never earlier, and not before
/// those that came before it. At the end of the input the delays run out; an error of the source and a signal let all
/// go on at once.
///
/// The stage is woken by a [`Timer`](costage::Timer) in the chain's one loop, and by nothing while it holds nothing. With the same delay
/// for all lines it keeps one deadline for each block; otherwise one for each line. The memory is that of what is held.
///
/// ```
/// use std::time::{Duration, Instant};
/// use codelay::{Delay, Settings, by_time};
/// use costage::{Source, collect};
///
/// let settings = Settings {
///     delay: Delay::constant(Duration::from_millis(5)),
///     ..Settings::default()
/// };
/// let started = Instant::now();
/// let (lines, sink) = collect();
/// Source::text("one\ntwo\n").drive(by_time(&settings, sink))?;
/// assert_eq!(lines.take(), b"one\ntwo\n");
/// assert!(started.elapsed() >= Duration::from_millis(5));
/// # Ok::<(), costage::Error>(())
/// ```
pub fn by_time<S: Stage>(settings: &Settings, to: S) -> ByTime<S> {
    let law = Law::new(settings);
    let is_plain =
        settings.clock == Clock::Real && settings.capacity.is_none() && !settings.reorder;
    ByTime {
        constant: law.is_constant().filter(|_| is_plain),
        law,
        waiting: Waiting::new(settings.reorder),
        time: Time::new(settings.clock),
        now: 0,
        capacity: settings.capacity,
        before: Held::default(),
        when_full: settings.when_full,
        finishes_lines: settings.reorder || settings.duplicate.is_possible(),
        inbox: VecDeque::new(),
        copy: None,
        number: 0,
        fates: Fates::default(),
        has_sent: false,
        behind_since: None,
        held_when_full: None,
        rushes: false,
        end: End::Open,
        outlet: Outlet::new(to),
    }
}

/// A channel whose delay is a time. Made by [`by_time`].
pub struct ByTime<S> {
    /// The delay, where one deadline a block will do.
    constant: Option<Nanos>,
    law: Law,
    waiting: Waiting,
    time: Time,
    /// When it was last looked at.
    now: Nanos,
    capacity: Option<Capacity>,
    /// What counts as well for a capacity in lines.
    before: Held,
    when_full: WhenFull,
    /// Something may leave after an unfinished last line.
    finishes_lines: bool,
    /// What did not fit, and has not arrived yet as far as the channel goes.
    inbox: VecDeque<Block>,
    /// The second of a line that comes twice, before it came.
    copy: Option<(Entry, Box<[u8]>, u8)>,
    /// The next line's.
    number: u64,
    fates: Fates,
    /// Something was handed on since it was last looked at.
    has_sent: bool,
    /// Since when lines are due that the target has no room for.
    behind_since: Option<Nanos>,
    /// How much was held when the target became full.
    held_when_full: Option<usize>,
    /// A signal or an error came: nothing is waited for any more.
    rushes: bool,
    end: End,
    outlet: Outlet<S>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    /// Nothing more comes; the delays run out.
    Closing,
    /// The target is closed.
    Closed,
}

impl<S: Stage> ByTime<S> {
    /// Sends the account of what happens to each line to `trace`, one record for each event in the order in which they
    /// happen: `op seq arrival delay departure`, with tabs between them. `op` is `r` for a line that came out, and `d`
    /// for one that was lost or dropped, whose departure is `-`. Times are in seconds since the start; `delay` is the
    /// one that was drawn. Costs a deadline for each line.
    pub fn traced(mut self, trace: impl Stage + 'static) -> ByTime<S> {
        self.outlet.trace_to(Box::new(trace));
        self.constant = None;
        self
    }

    /// Counts what a channel of lines before it holds, as `before` tells, for a capacity in lines, too.
    #[must_use]
    pub fn behind(mut self, before: Held) -> ByTime<S> {
        self.before = before;
        self
    }

    /// What has become of the lines so far, where it was not what became of the others.
    pub fn fates(&self) -> Fates {
        Fates {
            came: self.number,
            untimed: self.law.untimed(),
            backwards: self.law.backwards(),
            ..self.fates
        }
    }

    /// From now on nothing is waited for.
    fn rush(&mut self) {
        self.rushes = true;
        self.waiting.keep_order();
    }

    /// Does it leave now, the next to do so?
    fn is_due(&self, first: &Entry) -> bool {
        self.waits_for_nothing() || self.law.due(first) <= self.now
    }

    /// Does all that is held leave now?
    fn waits_for_nothing(&self) -> bool {
        // At the end all that virtual time waits for comes to pass.
        self.rushes || self.time.is_virtual() && self.end != End::Open
    }

    fn holds_nothing(&self) -> bool {
        self.waiting.count() == 0 && !self.has_more()
    }

    /// Is there something that did not fit?
    fn has_more(&self) -> bool {
        !self.inbox.is_empty() || self.copy.is_some()
    }

    /// Lets leave what is due, and lets in what there is room for, until neither changes anything.
    fn advance(&mut self) -> Result<()> {
        self.release()?;
        while self.has_more() && self.outlet.flow() != Flow::Stop && self.admit()? {
            self.release()?;
        }
        self.outlet.send_records()
    }

    /// Hands on what is due.
    fn release(&mut self) -> Result<()> {
        // Virtual time does not wait for a target, which takes what its sender has in hand.
        let heeds_full = !self.rushes && !self.time.is_virtual();
        while !(heeds_full && self.outlet.flow() == Flow::Full) {
            let mut bytes = self.let_leave();
            if bytes == 0 {
                break;
            }
            self.has_sent = true;
            while bytes > 0
                && let Some(block) = self.waiting.take(bytes)
            {
                bytes -= block.len();
                self.outlet.send(&block)?;
            }
            self.outlet.send_records()?;
            if self.outlet.flow() == Flow::Stop {
                self.waiting.clear();
                self.inbox.clear();
                self.copy = None;
            }
        }
        let is_behind = self.waiting.first().is_some_and(|first| self.is_due(first));
        self.behind_since = self.behind_since.or(Some(self.now)).filter(|_| is_behind);
        Ok(())
    }

    /// Takes out of those that wait the first that are due: how many bytes these are.
    fn let_leave(&mut self) -> usize {
        let mut bytes = 0;
        while bytes < PIECE
            && let Some(&first) = self.waiting.first()
        {
            if !self.is_due(&first) {
                break;
            }
            let departure = if self.time.is_virtual() {
                self.law.due(&first)
            } else {
                self.now
            };
            self.law.left(&first, departure);
            self.outlet.received(&first, departure);
            self.waiting.leave();
            bytes += first.bytes;
        }
        bytes
    }

    /// May more be sent?
    fn flow(&mut self) -> Flow {
        let target = self.outlet.flow();
        let held = self.waiting.bytes();
        let held_when_full = match target {
            Flow::Stop => return Flow::Stop,
            Flow::More => {
                self.held_when_full = None;
                held
            }
            Flow::Full => *self.held_when_full.get_or_insert(held),
        };
        let is_behind = if self.time.is_virtual() || self.rushes {
            target == Flow::Full
        } else {
            self.capacity.is_none() && held > held_when_full + BEHIND_FULL
        };
        if is_behind || self.ahead_until().is_some() || self.has_more() {
            Flow::Full
        } else {
            Flow::More
        }
    }

    /// Until when no more is to be read, because those that wait take so long.
    fn ahead_until(&self) -> Option<Nanos> {
        let reads_all = self.capacity.is_some() || self.time.is_virtual() || self.rushes;
        let first = self.waiting.first().filter(|_| !reads_all)?;
        let until = self.law.ahead_until(first, &self.waiting, self.now);
        (until > self.now).then_some(until)
    }

    /// When the next line leaves, or more is to be read, if nothing else is to be waited for before.
    fn next(&self) -> Option<Nanos> {
        let first = self.waiting.first()?;
        match self.outlet.flow() {
            Flow::More => {
                let due = self.law.due_together(first, &self.waiting);
                let reads = self.ahead_until().filter(|_| self.end == End::Open);
                Some(reads.map_or(due, |reads| due.min(reads)))
            }
            // When what does not fit is dropped.
            Flow::Full if self.has_more() && self.when_full != WhenFull::Block => {
                self.behind_since.map(|since| since + MOMENT)
            }
            Flow::Full | Flow::Stop => None,
        }
    }

    /// Closes the target, if nothing is held any more.
    fn close_if_empty(&mut self) -> Result<()> {
        if self.end == End::Closing && (self.holds_nothing() || self.outlet.flow() == Flow::Stop) {
            self.end = End::Closed;
            return self.outlet.close();
        }
        Ok(())
    }
}

impl<S: Stage> Stage for ByTime<S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        self.now = self.time.now();
        if let Some(delay) = self.constant {
            self.release()?;
            if (delay == 0 || self.rushes) && self.waiting.count() == 0 {
                self.outlet.send(block)?;
                return Ok(self.outlet.flow());
            }
            let entry = Entry {
                number: self.number,
                arrival: self.now,
                drawn: delay,
                position: 0,
                bytes: block.len(),
            };
            self.number += 1;
            self.waiting.push(entry, block);
            self.fates.held = self.fates.held.max(self.waiting.count());
        } else {
            self.inbox.push_back(block.clone());
            self.advance()?;
        }
        Ok(self.flow())
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(self.outlet.target())
    }

    fn flush(&mut self) -> Result<Flow> {
        self.outlet.flush()?;
        Ok(self.flow())
    }

    fn close(&mut self) -> Result<()> {
        self.end = End::Closing;
        self.now = self.time.now();
        // What left is not to wait for what the delays still hold.
        let advanced = self.advance().and_then(|()| self.outlet.flush());
        advanced.and(self.close_if_empty())
    }

    fn throw(&mut self, error: Error) -> Result<()> {
        self.rush();
        let advanced = self.advance();
        self.end = End::Closed;
        self.outlet.throw(error).and(advanced)
    }

    fn waits(&mut self, waits: &mut Waits) {
        if waits.is_last_call() && !self.rushes {
            waits.now();
        }
        let next = self.next();
        self.time.waits(waits, next);
        self.outlet.waits(waits);
    }

    fn wake(&mut self, waits: &Waits) -> Result<Flow> {
        let woken = self.outlet.wake(waits);
        if waits.is_last_call() && !self.rushes {
            self.rush();
        }
        self.now = self.time.now();
        self.has_sent = false;
        let mut advanced = woken.and_then(|()| self.advance());
        // It is late already: it does not wait for more to be written with it.
        if advanced.is_ok() && self.has_sent && self.end != End::Closed {
            advanced = self.outlet.flush();
        }
        // Also after an error, or the end would be waited for.
        let closed = self.close_if_empty();
        advanced.and(closed)?;
        Ok(self.flow())
    }

    fn idle(&mut self) -> bool {
        self.end == End::Closed && self.outlet.idle()
    }
}

impl<S> fmt::Debug for ByTime<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByTime")
            .field("law", &self.law)
            .field("fates", &self.fates)
            .finish_non_exhaustive()
    }
}
