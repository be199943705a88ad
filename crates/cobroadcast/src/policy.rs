//! What a target gets that is slower than the input.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use costage::{Block, Call, Error, Flow, Result, Stage, Waits, Written};

use crate::account::Account;
use crate::shared_blocks::{Rest, SharedBlocks};
use crate::store::Store;

/// Handed on at once: what a pipe holds. What has been handed on is not given up any more.
const PIECE: usize = 64 << 10;
/// What is given up at once is at most this part of what may wait, or so many bytes: in smaller parts it would take longer
/// than to hand it on.
const PART: usize = 8;
const LEAST_PART: usize = 4 << 10;

/// So often is looked, within the time after which a target is given up, whether it has taken something.
pub(crate) const LOOKS: u32 = 8;

/// What happens when a target is full and so is its queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// Back-pressure: the source waits.
    #[default]
    Block,
    /// The lines that have waited longest are given up.
    DropOldest,
    /// The lines that come are given up.
    DropNewest,
    /// The lines that come go to disk, and come back in their order. If that fails it is back-pressure.
    Spill,
}

/// In the words of the command line.
impl fmt::Display for WhenFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WhenFull::Block => "block",
            WhenFull::DropOldest => "drop-oldest",
            WhenFull::DropNewest => "drop-newest",
            WhenFull::Spill => "spill",
        })
    }
}

/// How much waits for a target, and what happens then.
#[derive(Clone, Debug)]
pub struct Limits {
    /// What happens when the queue is full.
    pub when_full: WhenFull,
    /// How much memory what waits may take, in bytes. A block is held whole: up to one more.
    pub queue: usize,
    /// A full target that took something so short a time ago is waited for before lines are dropped: for a file, which
    /// is written by a thread and is slower than a flood for moments, not for good.
    pub patience: Duration,
    /// After the end, a target that has taken nothing for that long is given up: its stage fails with [`GivenUp`].
    pub drain_timeout: Option<Duration>,
}

/// Nothing is lost, and 1 MiB may wait for as long as it takes.
impl Default for Limits {
    fn default() -> Limits {
        Limits {
            when_full: WhenFull::Block,
            queue: 1 << 20,
            patience: Duration::ZERO,
            drain_timeout: None,
        }
    }
}

/// Puts a queue before `to`, and says what happens when it is full. Blocks that wait are shared with all others who
/// hold them.
///
/// ```
/// use cobroadcast::{Limits, WhenFull, policy};
/// use costage::{Source, Stage, broadcast, sink};
///
/// let (reader, writer) = std::io::pipe()?;                 // of which nobody reads
/// let limits = Limits { when_full: WhenFull::DropOldest, queue: 64 << 10, ..Limits::default() };
/// let slow = sink("a pipe", writer);
/// let slow = policy(limits, slow);
/// let account = slow.account();
/// # let slow = costage::keep_open(slow);
/// let targets: [Box<dyn Stage>; 1] = [Box::new(slow)];
/// Source::text("a line\n".repeat(100_000).as_str()).drive(broadcast(targets))?;
/// assert_eq!(account.received().lines, 100_000);
/// assert!(account.dropped().lines > 50_000);
/// # drop(reader);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn policy<S: Stage>(limits: Limits, to: S) -> Policy<S> {
    let policy = Policy {
        store: Store::new(limits.queue, limits.when_full == WhenFull::Spill),
        limits,
        to: Some(to),
        flow: Flow::More,
        end: None,
        taken: (0, Instant::now()),
        account: Account::default(),
        on_trouble: Box::new(|_| {}),
    };
    policy.sharing(&SharedBlocks::new())
}

/// A queue before a target. Made by [`policy`].
pub struct Policy<S> {
    limits: Limits,
    store: Store,
    /// Until it is given up.
    to: Option<S>,
    /// Its last answer.
    flow: Flow,
    /// Nothing more comes: since then, and whether the target has been closed, too.
    end: Option<End>,
    /// How much the target had taken when it last took something, and when that was.
    taken: (u64, Instant),
    account: Account,
    on_trouble: Box<dyn FnMut(&io::Error)>,
}

/// The input has ended.
#[derive(Debug)]
struct End {
    since: Instant,
    /// The target has been closed, too.
    is_passed_on: bool,
}

/// The error of a target that was given up.
#[derive(Clone, Copy, Debug)]
pub struct GivenUp(pub(crate) Duration);

impl fmt::Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "took nothing for {} s, given up", self.0.as_secs_f64())
    }
}

impl std::error::Error for GivenUp {}

impl<S: Stage> Policy<S> {
    /// What becomes of the lines.
    pub fn account(&self) -> Account {
        self.account.clone()
    }

    /// The target's writes are counted there: what it has taken and not written yet is then known to wait. Lines are
    /// counted only if they are there.
    pub fn counted_by(self, written: Written) -> Policy<S> {
        self.account.counted_by(written);
        self
    }

    /// What waits is kept in `shared`, once for all the targets of a broadcast that are given the same: many that are
    /// slow take no more memory than the one for which most waits.
    pub fn sharing(mut self, shared: &SharedBlocks) -> Policy<S> {
        self.store.shared = shared.clone();
        if self.drops() {
            shared.keep_in_parts_of(self.part());
        }
        self
    }

    /// `tell` hears why what waits cannot go to disk, once.
    pub fn on_trouble(mut self, tell: impl FnMut(&io::Error) + 'static) -> Policy<S> {
        self.on_trouble = Box::new(tell);
        self
    }

    /// Notes the target's answer. If it wants no more, what waits is lost.
    fn note(&mut self, answer: Result<Flow>) -> Result<Flow> {
        let flow = *answer.as_ref().unwrap_or(&Flow::Stop);
        if flow == Flow::Full && self.flow == Flow::More {
            // Until now there was nothing that it could have taken.
            self.taken.1 = Instant::now();
        }
        self.flow = flow;
        if self.flow == Flow::Stop {
            self.store.clear();
        }
        answer
    }

    fn pass(&mut self, block: &Block) -> Result<Flow> {
        let Some(to) = &mut self.to else {
            return Ok(Flow::Stop);
        };
        let answer = to.send(block);
        self.account.pass(block);
        self.note(answer)
    }

    /// Keeps what the target does not take now.
    fn hold(&mut self, rest: Rest<'_>) {
        let is_patient = self.patient_until().is_some();
        match self.limits.when_full {
            WhenFull::DropNewest if !is_patient => {
                let kept = self.store.push_lines(rest);
                self.account.drop_lines(&rest.after(kept));
            }
            _ => {
                if let Err(error) = self.store.push(rest) {
                    (self.on_trouble)(&error);
                    self.on_trouble = Box::new(|_| {});
                }
            }
        }
        if self.limits.when_full == WhenFull::DropOldest && !is_patient {
            while let Some(oldest) = self.store.next_of_too_many(self.part()) {
                self.account.drop_lines(&oldest);
            }
        }
    }

    /// Hands on what waits, as long as it is taken.
    fn drain(&mut self) -> Result<()> {
        while self.flow == Flow::More {
            let block = match self.store.next(PIECE) {
                Ok(Some(block)) => block,
                Ok(None) => break,
                Err(error) => {
                    // Without it the target would get the wrong lines.
                    let error = Error::io(Call::Read, "what waited on disk", error);
                    return self.note(Err(error)).map(|_| ());
                }
            };
            let _ = self.pass(&block)?;
        }
        Ok(())
    }

    /// Closes the target, once nothing waits for it.
    fn pass_on_end(&mut self) -> Result<()> {
        match (&mut self.end, &mut self.to) {
            (Some(end), Some(to)) if !end.is_passed_on && self.store.is_empty() => {
                end.is_passed_on = true;
                to.close()
            }
            _ => Ok(()),
        }
    }

    /// Does the target have something left to take?
    fn is_behind(&self) -> bool {
        let passed = self.account.passed().bytes;
        let in_its_hands = self.flow != Flow::Stop && passed > self.account.written().bytes;
        !self.store.is_empty() || in_its_hands
    }

    /// Looks whether the target has taken something.
    fn look_at_the_target(&mut self) {
        let taken = self.account.taken();
        if taken != self.taken.0 || self.account.is_reader_excused() {
            self.taken = (taken, Instant::now());
        }
    }

    /// Until when a full target is waited for before lines are dropped.
    fn patient_until(&self) -> Option<Instant> {
        let until = self.taken.1 + self.limits.patience;
        (self.drops() && self.flow == Flow::Full && until > Instant::now()).then_some(until)
    }

    /// When it is to be given up, if nothing happens.
    fn deadline(&self) -> Option<Instant> {
        let (end, timeout) = (self.end.as_ref()?, self.limits.drain_timeout?);
        let since = end.since.max(self.taken.1);
        // None for one that no clock will see.
        since.checked_add(timeout).filter(|_| self.is_behind())
    }

    /// Gives the target up if it has taken nothing for too long.
    fn look_at_the_clock(&mut self) -> Result<()> {
        if self
            .deadline()
            .is_some_and(|deadline| Instant::now() >= deadline)
        {
            self.to = None;
            let timeout = self.limits.drain_timeout.unwrap_or_default();
            return self.note(Err(Error::other(GivenUp(timeout)))).map(|_| ());
        }
        Ok(())
    }

    /// How things stand for the one who sends.
    fn answer(&self) -> Flow {
        let is_full = match self.limits.when_full {
            WhenFull::Block => self.flow == Flow::Full && self.store.is_full(),
            WhenFull::Spill => self.store.is_full(),
            WhenFull::DropOldest | WhenFull::DropNewest => {
                self.store.is_full() && self.patient_until().is_some()
            }
        };
        match self.flow {
            Flow::Stop => Flow::Stop,
            _ if is_full => Flow::Full,
            _ => Flow::More,
        }
    }

    fn drops(&self) -> bool {
        matches!(
            self.limits.when_full,
            WhenFull::DropOldest | WhenFull::DropNewest
        )
    }

    /// How much is given up at once.
    fn part(&self) -> usize {
        (self.limits.queue / PART).max(LEAST_PART)
    }

    /// How much is handed on at once: that cannot be given up any more.
    fn piece(&self) -> usize {
        if self.drops() { PIECE } else { usize::MAX }
    }
}

impl<S: Stage> Stage for Policy<S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        let before = self.account.received().bytes;
        self.account.receive(block);
        let mut rest = block.clone();
        while self.flow == Flow::More && self.store.is_empty() && !rest.is_empty() {
            let piece = rest.split_lines(self.piece());
            let _ = self.pass(&piece)?;
        }
        if self.flow != Flow::Stop && !rest.is_empty() {
            self.hold(Rest::of(block, rest.len(), before));
        }
        Ok(self.answer())
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        self.to.as_mut().map(|to| to as &mut dyn Stage)
    }

    fn flush(&mut self) -> Result<Flow> {
        while let (Some(to), true) = (&mut self.to, self.flow != Flow::Stop) {
            let answer = to.flush();
            if self.note(answer)? != Flow::More || self.store.is_empty() {
                break;
            }
            // A flush made room. What takes it is to be flushed, too.
            self.drain()?;
        }
        Ok(self.answer())
    }

    fn close(&mut self) -> Result<()> {
        self.end.get_or_insert_with(|| End {
            since: Instant::now(),
            is_passed_on: false,
        });
        if self.limits.drain_timeout.is_some() {
            self.account.watch_reader();
        }
        let drained = self.drain();
        drained.and(self.pass_on_end())
    }

    fn throw(&mut self, error: Error) -> Result<()> {
        let _ = self.close();
        Err(error)
    }

    fn waits(&mut self, waits: &mut Waits) {
        if let Some(until) = self.patient_until() {
            waits.until(until);
        }
        if let (Some(deadline), Some(timeout)) = (self.deadline(), self.limits.drain_timeout) {
            // Not all that its reader takes wakes.
            waits.until(deadline.min(Instant::now() + timeout / LOOKS));
        }
        if let Some(to) = &mut self.to {
            to.waits(waits);
        }
    }

    fn wake(&mut self, waits: &Waits) -> Result<Flow> {
        let Some(to) = &mut self.to else {
            return Ok(Flow::Stop);
        };
        let mut outcome = match to.wake(waits) {
            // It wanted no more before.
            Ok(_) if self.flow == Flow::Stop => Ok(()),
            answer => self.note(answer).map(|_| ()),
        };
        self.look_at_the_target();
        outcome = outcome.and_then(|()| self.drain());
        // Whatever went wrong: it has to be closed, too.
        outcome = outcome.and(self.pass_on_end());
        outcome = outcome.and_then(|()| self.look_at_the_clock());
        outcome.map(|()| self.answer())
    }

    fn idle(&mut self) -> bool {
        let is_passed_on = self.end.as_ref().is_some_and(|end| end.is_passed_on);
        self.to.as_mut().is_none_or(|to| is_passed_on && to.idle())
    }
}

impl<S> fmt::Debug for Policy<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("limits", &self.limits)
            .field("flow", &self.flow)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    /// Full until it is flushed, which writes what it was sent.
    struct Gathers {
        is_full: bool,
        held: u32,
        written: Rc<Cell<u32>>,
    }

    impl Stage for Gathers {
        fn send(&mut self, _: &Block) -> Result<Flow> {
            self.held += 1;
            Ok(if self.is_full { Flow::Full } else { Flow::More })
        }

        fn target(&mut self) -> Option<&mut dyn Stage> {
            None
        }

        fn flush(&mut self) -> Result<Flow> {
            self.is_full = false;
            self.written.set(self.written.get() + self.held);
            self.held = 0;
            Ok(Flow::More)
        }
    }

    // It stayed in the target until more came.
    #[test]
    fn what_takes_the_room_that_a_flush_made_is_flushed_too() {
        let written = Rc::new(Cell::new(0));
        let to = Gathers {
            is_full: true,
            held: 0,
            written: Rc::clone(&written),
        };
        let mut queue = policy(Limits::default(), to);
        for _ in 0..2 {
            let _ = queue.send(&Block::from("a line\n")).expect("sent");
        }
        let _ = queue.flush().expect("flushed");
        assert_eq!(written.get(), 2);
    }

    // The program died of SIGPIPE, and nobody was told what had gone wrong.
    #[test]
    fn an_error_counts_before_a_reader_that_is_found_to_have_left() {
        let unread = || {
            let (reader, writer) = io::pipe().expect("a pipe");
            drop(reader);
            costage::sink("a pipe", writer)
        };
        let targets: [Box<dyn Stage>; 2] = [
            Box::new(policy(Limits::default(), unread())),
            Box::new(crate::guard(unread(), Err)),
        ];
        for mut to in targets {
            let _ = to.send(&Block::from("held\n")).expect("taken");
            let thrown = to.throw(Error::other("the disk is gone"));
            assert_eq!(thrown.expect_err("failed").to_string(), "the disk is gone");
        }
    }
}
