//! The one trait of a chain.

use crate::{Block, Error, Result, Waits};

/// What a stage answers to the one that sends to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a stage that answers Full or Stop is to be sent no more"]
pub enum Flow {
    /// Send on.
    More,
    /// Taken, but begin nothing more until [`Stage::wake`] or [`Stage::flush`] answers `More`: back-pressure. What the sender has in
    /// hand, the rest of a block, may still come.
    Full,
    /// Wants no more, ever, whatever `flush` and `wake` answer later. Not an error: `-m` was reached, a coroutine
    /// returned, a reader left.
    Stop,
}

/// A stage of a chain: it is sent blocks of whole lines, does its work, and sends on.
///
/// The source's loop ([`Source::drive`](crate::Source::drive)) makes all calls, from one thread. After
/// [`close`](Stage::close) or [`throw`](Stage::throw) there is no further `send`.
///
/// A filter writes [`send`](Stage::send) and [`target`](Stage::target); every other method forwards to the
/// target, so that no flush, deadline, hang-up or error is lost on the way. A stage that holds something back
/// hands it on in `flush`, `close` and `throw` before it forwards them.
///
/// ```
/// use costage::{Block, Flow, Gather, Result, Source, Stage, collect};
///
/// /// Lets every other line through.
/// struct Alternate<S> {
///     pass: bool,
///     hits: Gather,
///     to: S,
/// }
///
/// impl<S: Stage> Stage for Alternate<S> {
///     fn send(&mut self, block: &Block) -> Result<Flow> {
///         for line in block.lines() {
///             self.pass = !self.pass;
///             if self.pass {
///                 self.hits.push(line);
///             }
///         }
///         match self.hits.take() {
///             Some(hits) => self.to.send(&hits),
///             None => Ok(Flow::More),
///         }
///     }
///
///     fn target(&mut self) -> Option<&mut dyn Stage> {
///         Some(&mut self.to)
///     }
/// }
///
/// let (lines, sink) = collect();
/// Source::text("a\nb\nc\n").drive(Alternate { pass: false, hits: Gather::new(b'\n'), to: sink })?;
/// assert_eq!(lines.take(), b"a\nc\n");
/// # Ok::<(), costage::Error>(())
/// ```
pub trait Stage {
    /// Takes a block of whole lines; only the last block of all may end in an unfinished line. Unless the source frames
    /// its input as it comes ([`Framing::AsItComes`](crate::Framing::AsItComes)) or passes unfinished lines on: then a
    /// block may begin and end within a line, and a stage that needs whole lines must not stand in such a chain.
    fn send(&mut self, block: &Block) -> Result<Flow>;

    /// Where this stage sends on; `None` for a sink. What the default methods forward to.
    fn target(&mut self) -> Option<&mut dyn Stage>;

    /// Hand on what is held back only for speed: the source is about to wait, or the oldest byte sent since
    /// the last flush is 1 ms old.
    fn flush(&mut self) -> Result<Flow> {
        match self.target() {
            Some(target) => target.flush(),
            None => Ok(Flow::More),
        }
    }

    /// The end: hand on everything held, close the target. This begins the end; the loop goes on waking the
    /// chain until it is [`idle`](Stage::idle).
    fn close(&mut self) -> Result<()> {
        match self.target() {
            Some(target) => target.close(),
            None => Ok(()),
        }
    }

    /// An error, raised where the stage waits: hand on what is held, throw it on to the target. It ends the
    /// chain as `close` does. What is returned is the error, unless a stage took it as dealt with: it came first, and
    /// what else fails on the way, such as a reader that has left, does not stand in for it.
    fn throw(&mut self, error: Error) -> Result<()> {
        match self.target() {
            Some(target) => target.throw(error),
            None => Err(error),
        }
    }

    /// Adds the descriptors and the deadline this stage wants to be woken for. Asked before each wait.
    fn waits(&mut self, waits: &mut Waits) {
        if let Some(target) = self.target() {
            target.waits(waits);
        }
    }

    /// Something fired: of this stage, of another, or of the source. Answers how things stand now.
    fn wake(&mut self, waits: &Waits) -> Result<Flow> {
        match self.target() {
            Some(target) => target.wake(waits),
            None => Ok(Flow::More),
        }
    }

    /// After `close` or `throw`: is nothing left to write?
    fn idle(&mut self) -> bool {
        self.target().is_none_or(Stage::idle)
    }
}

/// A stage that is lent or boxed is the stage.
macro_rules! forward {
    () => {
        fn send(&mut self, block: &Block) -> Result<Flow> {
            (**self).send(block)
        }

        fn target(&mut self) -> Option<&mut dyn Stage> {
            (**self).target()
        }

        fn flush(&mut self) -> Result<Flow> {
            (**self).flush()
        }

        fn close(&mut self) -> Result<()> {
            (**self).close()
        }

        fn throw(&mut self, error: Error) -> Result<()> {
            (**self).throw(error)
        }

        fn waits(&mut self, waits: &mut Waits) {
            (**self).waits(waits);
        }

        fn wake(&mut self, waits: &Waits) -> Result<Flow> {
            (**self).wake(waits)
        }

        fn idle(&mut self) -> bool {
            (**self).idle()
        }
    };
}

impl<S: Stage + ?Sized> Stage for &mut S {
    forward!();
}

impl<S: Stage + ?Sized> Stage for Box<S> {
    forward!();
}
