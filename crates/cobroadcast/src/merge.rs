//! Several streams of lines into one, in whole lines.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use costage::{Block, Call, Error, Flow, Gather, Result, Stage, Waits, Written, discard};

use crate::policy::{GivenUp, LOOKS};
use crate::shared_blocks::Rest;
use crate::shares::Shares;
use crate::store::Store;

/// Labelled at once. A label may be longer than its line.
const LABELLED: usize = 4 << 10;
/// What has waited for its turn is handed on in pieces of this size.
const PIECE: usize = 256 << 10;

/// The way from several stages into one: each sends to an [`outlet`](Merge::outlet) of its own. Lines of different
/// outlets are never mixed, each outlet's stay in their order, and what is sent last by one gets the terminator if it
/// lacks it. The target is closed behind the chain that the merge is [`of`](Merge::of).
///
/// [`command`](crate::command) has an example.
pub fn merge(to: impl Stage + 'static) -> Merge {
    Merge(Rc::new(RefCell::new(Target {
        to: Box::new(to),
        flow: Flow::More,
        failed: None,
        someone_waits: false,
        written: Written::default(),
        shares: Shares::default(),
        groups: Vec::new(),
        on_trouble: Box::new(|_| {}),
        patience: None,
    })))
}

/// Several streams of lines into one. Made by [`merge`].
#[derive(Debug)]
pub struct Merge(Rc<RefCell<Target>>);

/// Where all go.
struct Target {
    to: Box<dyn Stage>,
    /// Its last answer.
    flow: Flow,
    /// What went wrong with it, until that is told.
    failed: Option<Error>,
    /// One of the outlets was told that there is no room since they were last woken.
    someone_waits: bool,
    /// How much it has written.
    written: Written,
    shares: Shares,
    /// What the grouped outlets were sent, in their order.
    groups: Vec<Store>,
    on_trouble: Box<dyn FnMut(&io::Error)>,
    patience: Option<Patience>,
}

/// How long the target may take nothing after the end of the input.
struct Patience {
    timeout: Duration,
    /// How much it had taken when it last took something, and when that was; from the end of the input on.
    taken: Option<(u64, Instant)>,
}

impl Target {
    /// How things stand, told to an outlet.
    fn answer(&mut self) -> Flow {
        self.someone_waits |= self.flow == Flow::Full;
        self.flow
    }

    fn note(&mut self, answer: Result<Flow>) {
        // Once it wants no more it may still fail: while it is closed.
        if self.flow != Flow::Stop {
            self.flow = *answer.as_ref().unwrap_or(&Flow::Stop);
        }
        self.failed = self.failed.take().or(answer.err());
        self.shares.settle(self.written.bytes());
    }

    /// Takes what an outlet sends; that of a group waits.
    fn take(&mut self, block: &Block, group: Option<usize>, counted: Option<&Written>) {
        let Some(group) = group.and_then(|group| self.groups.get_mut(group)) else {
            self.send(block, counted);
            return;
        };
        if self.flow == Flow::Stop {
            return;
        }
        if let Err(error) = group.push(Rest::all(block)) {
            // It waits in memory.
            (self.on_trouble)(&error);
            self.on_trouble = Box::new(|_| {});
        }
    }

    /// Hands on what the groups hold, one after the other. Answers whether that was all.
    fn send_groups(&mut self) -> bool {
        while self.flow == Flow::More {
            let Some(group) = self.groups.first_mut() else {
                break;
            };
            match group.next(PIECE) {
                Ok(Some(block)) => self.send(&block, None),
                Ok(None) => {
                    self.groups.remove(0);
                }
                Err(error) => {
                    let error = Error::io(Call::Read, "what waited on disk", error);
                    self.note(Err(error));
                }
            }
        }
        self.groups.is_empty() || self.flow == Flow::Stop
    }

    /// The input has ended: from now on it is not to stand still.
    fn begin_to_end(&mut self) {
        if let Some(patience) = &mut self.patience {
            self.written.watch_reader();
            let taken = (self.written.taken(), Instant::now());
            patience.taken.get_or_insert(taken);
        }
    }

    /// When it is to be given up, if it takes nothing.
    fn deadline(&mut self) -> Option<Instant> {
        let is_behind = self.flow == Flow::Full || self.flow == Flow::Stop && !self.to.idle();
        let patience = self.patience.as_ref().filter(|_| is_behind)?;
        let (_, since) = patience.taken?;
        since.checked_add(patience.timeout)
    }

    /// Gives it up if it has taken nothing for too long.
    fn look_at_the_clock(&mut self) {
        if let Some(patience) = &mut self.patience
            && let Some(taken) = &mut patience.taken
            && taken.0 != self.written.taken()
        {
            *taken = (self.written.taken(), Instant::now());
        }
        let is_over = |deadline| Instant::now() >= deadline;
        if self.deadline().is_some_and(is_over)
            && let Some(patience) = self.patience.take()
        {
            self.to = Box::new(discard());
            self.groups.clear();
            self.flow = Flow::Stop;
            self.failed = Some(Error::other(GivenUp(patience.timeout)));
        }
    }

    fn send(&mut self, block: &Block, counted: Option<&Written>) {
        if self.flow != Flow::Stop {
            self.shares.send(block, counted);
            let answer = self.to.send(block);
            self.note(answer);
        }
    }

    fn flush(&mut self) {
        if self.flow != Flow::Stop {
            let answer = self.to.flush();
            self.note(answer);
        }
    }

    fn wake(&mut self, waits: &Waits) {
        let answer = self.to.wake(waits);
        self.note(answer);
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target")
            .field("flow", &self.flow)
            .finish_non_exhaustive()
    }
}

impl Merge {
    /// A way in.
    pub fn outlet(&self) -> Outlet {
        Outlet {
            target: Rc::clone(&self.0),
            label: None,
            group: None,
            counted: None,
        }
    }

    /// `written` counts what the target writes.
    pub fn counted_by(self, written: &Written) -> Merge {
        self.0.borrow_mut().written = written.clone();
        self
    }

    /// `tell` hears why what a group has to keep cannot go to disk, once: it is kept in memory then.
    pub fn on_trouble(self, tell: impl FnMut(&io::Error) + 'static) -> Merge {
        self.0.borrow_mut().on_trouble = Box::new(tell);
        self
    }

    /// After the end of the input the target is given up when it has taken nothing for that long: the merged chain
    /// fails with [`GivenUp`], and the outlets take no more. What it has taken is what it is [counted
    /// by](Merge::counted_by).
    pub fn given_up_after(self, timeout: Duration) -> Merge {
        self.0.borrow_mut().patience = Some(Patience {
            timeout,
            taken: None,
        });
        self
    }

    /// The chain whose stages send to the outlets.
    pub fn of<S: Stage>(self, chain: S) -> Merged<S> {
        Merged {
            chain,
            target: self.0,
            closing: false,
            closed: false,
        }
    }
}

/// A way into a [`Merge`], as a stage.
#[derive(Debug)]
pub struct Outlet {
    target: Rc<RefCell<Target>>,
    label: Option<Label>,
    group: Option<usize>,
    counted: Option<Written>,
}

#[derive(Debug)]
struct Label {
    text: Vec<u8>,
    lines: Gather,
    /// What has no label yet: a label is not to take more memory than there is room for.
    rest: VecDeque<Block>,
}

impl Label {
    /// Sends on what has no label yet, as long as there is room.
    fn send_rest(&mut self, target: &mut Target, group: Option<usize>) {
        while target.flow == Flow::More
            && let Some(rest) = self.rest.front_mut()
        {
            let piece = rest.split_lines(LABELLED);
            for line in piece.lines() {
                self.lines.push(&self.text);
                self.lines.push(line);
            }
            self.lines.finish_line();
            if let Some(labelled) = self.lines.take() {
                target.take(&labelled, group, None);
            }
            if rest.is_empty() {
                self.rest.pop_front();
            }
        }
        if target.flow == Flow::Stop {
            self.rest.clear();
        }
    }
}

impl Outlet {
    /// Puts `label` before each line.
    pub fn labelled(mut self, label: impl Into<Vec<u8>>) -> Outlet {
        self.label = Some(Label {
            text: label.into(),
            lines: Gather::new(b'\n'),
            rest: VecDeque::new(),
        });
        self
    }

    /// Counts in `written` what the target has written of what this was sent, if the merge is [counted
    /// by](Merge::counted_by) what counts the target's writes. Not of one that is labelled or grouped.
    pub fn counted_by(mut self, written: &Written) -> Outlet {
        self.counted = Some(written.clone());
        self
    }

    /// Keeps what it is sent until the merged chain has ended; then it comes out in one piece, those of other such
    /// outlets before or behind it, in the order in which this was called. What is beyond `memory` bytes waits on
    /// disk.
    pub fn grouped(mut self, memory: usize) -> Outlet {
        let mut target = self.target.borrow_mut();
        self.group = Some(target.groups.len());
        target.groups.push(Store::new(memory, true));
        drop(target);
        self
    }

    /// Does what can be done, and says how things stand.
    fn answer(&mut self) -> Flow {
        let mut target = self.target.borrow_mut();
        if let Some(label) = &mut self.label {
            label.send_rest(&mut target, self.group);
        }
        target.answer()
    }
}

impl Stage for Outlet {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        let mut target = self.target.borrow_mut();
        if let Some(label) = &mut self.label {
            label.lines.set_terminator(block.terminator());
            // After a signal it may be sent more than there is room for.
            label.rest.push_back(block.clone());
        } else {
            target.take(block, self.group, self.counted.as_ref());
            if !block.is_finished() {
                let end = Block::from(vec![block.terminator()]);
                target.take(&end, self.group, None);
            }
        }
        drop(target);
        Ok(self.answer())
    }

    /// The target is the merged chain's to flush, wait for and close.
    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }

    fn flush(&mut self) -> Result<Flow> {
        Ok(self.answer())
    }

    fn wake(&mut self, _: &Waits) -> Result<Flow> {
        Ok(self.answer())
    }

    fn idle(&mut self) -> bool {
        self.label
            .as_ref()
            .is_none_or(|label| label.rest.is_empty())
    }
}

/// A chain whose stages send to the outlets of a merge, and the merge's target. Made by [`Merge::of`].
#[derive(Debug)]
pub struct Merged<S> {
    chain: S,
    target: Rc<RefCell<Target>>,
    closing: bool,
    /// The target is closed, which is when all outlets are silent.
    closed: bool,
}

impl<S: Stage> Merged<S> {
    /// What went wrong with the target is told once.
    fn checked<T>(&self, outcome: Result<T>) -> Result<T> {
        match self.target.borrow_mut().failed.take() {
            Some(error) => outcome.and(Err(error)),
            None => outcome,
        }
    }

    /// Closes the target when the chain has ended and the groups are out.
    fn close_target(&mut self) -> Result<()> {
        if !self.closing || self.closed || !self.chain.idle() {
            return Ok(());
        }
        let mut target = self.target.borrow_mut();
        if !target.send_groups() {
            return Ok(());
        }
        self.closed = true;
        target.flow = Flow::Stop;
        let closed = target.to.close();
        let written = target.written.bytes();
        target.shares.settle(written);
        closed
    }

    /// The end has begun: from now on the loop has no flushes to give, and what is gathered is written before each wait.
    fn go_on_ending(&mut self) -> Result<()> {
        if !self.closed {
            self.target.borrow_mut().flush();
        }
        self.close_target()
    }
}

impl<S: Stage> Stage for Merged<S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        let answer = self.chain.send(block);
        self.checked(answer)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.chain)
    }

    fn flush(&mut self) -> Result<Flow> {
        self.target.borrow_mut().flush();
        let answer = self.chain.flush();
        // What waited for the room that this made.
        self.target.borrow_mut().flush();
        self.checked(answer)
    }

    fn close(&mut self) -> Result<()> {
        self.closing = true;
        self.target.borrow_mut().begin_to_end();
        let closed = self.chain.close();
        let closed = closed.and(self.go_on_ending());
        self.checked(closed)
    }

    fn throw(&mut self, error: Error) -> Result<()> {
        self.closing = true;
        self.target.borrow_mut().begin_to_end();
        let thrown = self.chain.throw(error);
        let thrown = thrown.and(self.go_on_ending());
        self.checked(thrown)
    }

    fn waits(&mut self, waits: &mut Waits) {
        self.chain.waits(waits);
        let mut target = self.target.borrow_mut();
        target.to.waits(waits);
        if let (Some(deadline), Some(patience)) = (target.deadline(), &target.patience) {
            // Not all that its reader takes wakes.
            waits.until(deadline.min(Instant::now() + patience.timeout / LOOKS));
        }
        if target.someone_waits && target.flow != Flow::Full {
            // A flush made room, of which nothing else would tell.
            waits.now();
        }
    }

    fn wake(&mut self, waits: &Waits) -> Result<Flow> {
        // First the target, so that there is room when the outlets are asked.
        {
            let mut target = self.target.borrow_mut();
            target.wake(waits);
            target.look_at_the_clock();
            target.someone_waits = false;
        }
        let flow = self.chain.wake(waits);
        // Whatever went wrong: when the chain has ended nothing else would wake this.
        let closed = if self.closing {
            self.go_on_ending()
        } else {
            Ok(())
        };
        let flow = self.checked(flow)?;
        closed.map(|()| flow)
    }

    fn idle(&mut self) -> bool {
        self.closed && self.target.borrow_mut().to.idle()
    }
}

#[cfg(test)]
mod tests;
