//! Where a coroutine sends on.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use crate::{Block, Flow, Gather, Result, Stage, Waits};

/// Lines a body puts out are sent on at the latest when this much is gathered.
const GATHER: usize = 64 << 10;

/// Where a coroutine's lines go: the target and what is gathered for it.
pub(super) struct Target<S: ?Sized> {
    pub(super) gather: Gather,
    pub(super) flow: Flow,
    pub(super) to: S,
}

impl<S: Stage + ?Sized> Target<S> {
    /// Sends on, unless the target wants no more.
    fn send(&mut self, block: &Block) -> Result<()> {
        if self.flow != Flow::Stop {
            self.flow = self.to.send(block)?;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        let answer = self.to.flush()?;
        self.note(answer);
        Ok(())
    }

    pub(super) fn wake(&mut self, waits: &Waits) -> Result<()> {
        let answer = self.to.wake(waits)?;
        self.note(answer);
        Ok(())
    }

    /// That it wants no more sticks.
    fn note(&mut self, answer: Flow) {
        if self.flow != Flow::Stop {
            self.flow = answer;
        }
    }

    pub(super) fn send_gathered(&mut self) -> Result<()> {
        self.gather.take().map_or(Ok(()), |block| self.send(&block))
    }
}

/// Where a coroutine sends on.
pub struct Output(pub(super) Rc<RefCell<Target<dyn Stage>>>);

impl Output {
    /// Sends a line on: gathered with others, and on its way when the body next waits.
    ///
    /// # Errors
    ///
    /// That of the target.
    pub fn line(&mut self, line: &[u8]) -> Result<Flow> {
        let target = &mut *self.0.borrow_mut();
        target.gather.push(line);
        if target.gather.len() >= GATHER {
            target.send_gathered()?;
        }
        Ok(target.flow)
    }

    /// Sends a block on, at once.
    ///
    /// # Errors
    ///
    /// That of the target.
    pub fn send(&mut self, block: &Block) -> Result<Flow> {
        let target = &mut *self.0.borrow_mut();
        target.send_gathered()?;
        target.send(block)?;
        Ok(target.flow)
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}
