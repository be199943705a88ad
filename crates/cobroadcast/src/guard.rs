//! A target whose failure is its own.

use costage::{Block, Error, Flow, Result, Stage, Waits};

/// Lets `to` fail without its chain: each of its errors is given to `judge`. What that takes as dealt with ends this
/// target alone; what it returns goes up, as without it. That a reader left is an error here like any other, and to
/// return it is what [`costage::broadcast`] wants.
///
/// ```
/// use cobroadcast::guard;
/// use costage::{Error, Source, Stage, broadcast, collect, per_line};
/// use std::cell::RefCell;
///
/// let told = RefCell::new(Vec::new());
/// let broken = guard(per_line(|_| Err(Error::other("full"))), |error| {
///     told.borrow_mut().push(error.to_string());
///     Ok(())
/// });
/// let (text, sink) = collect();
/// let targets: [Box<dyn Stage>; 2] = [Box::new(broken), Box::new(sink)];
/// Source::text("to all\n").drive(broadcast(targets))?;
/// assert_eq!(text.take(), b"to all\n");
/// assert_eq!(told.into_inner(), ["full"]);
/// # Ok::<(), costage::Error>(())
/// ```
pub fn guard<S, J>(to: S, judge: J) -> Guard<S, J>
where
    S: Stage,
    J: FnMut(Error) -> Result<()>,
{
    Guard { to, judge }
}

/// A target whose failure is its own. Made by [`guard`].
#[derive(Debug)]
pub struct Guard<S, J> {
    to: S,
    judge: J,
}

impl<S: Stage, J: FnMut(Error) -> Result<()>> Guard<S, J> {
    /// One that failed wants no more; whoever sends to it closes it then.
    fn judged(&mut self, answer: Result<Flow>) -> Result<Flow> {
        match answer {
            Err(error) => (self.judge)(error).map(|()| Flow::Stop),
            answer => answer,
        }
    }
}

impl<S: Stage, J: FnMut(Error) -> Result<()>> Stage for Guard<S, J> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        let answer = self.to.send(block);
        self.judged(answer)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.to)
    }

    fn flush(&mut self) -> Result<Flow> {
        let answer = self.to.flush();
        self.judged(answer)
    }

    fn close(&mut self) -> Result<()> {
        self.to.close().or_else(&mut self.judge)
    }

    /// The error is not the target's own: it is not judged, and goes on.
    fn throw(&mut self, error: Error) -> Result<()> {
        let _ = self.close();
        Err(error)
    }

    fn wake(&mut self, waits: &Waits) -> Result<Flow> {
        let answer = self.to.wake(waits);
        self.judged(answer)
    }
}
