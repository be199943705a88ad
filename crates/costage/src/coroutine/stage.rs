//! A stage of a chain written as straight-line code.

use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use super::{Body, resume};
use crate::{Block, Error, Flow, Gather, Result, Stage, Waits};

/// Lines a body puts out are sent on at the latest when this much is gathered.
const GATHER: usize = 64 << 10;

/// A stage of a chain as a coroutine: `input.recv().await?` is where it waits for what is sent to it, and `out`
/// is its target. The body runs to its first wait at once: it is primed here.
///
/// `recv` gives `None` when the chain is closed (Python's `GeneratorExit`), and the error when one is thrown.
/// A body that returns wants no more: the chain stops.
///
/// ```
/// use costage::{Flow, Source, collect, coroutine};
///
/// let (lines, sink) = collect();
/// let grep = coroutine(sink, async |mut input, mut out| {
///     while let Some(line) = input.line().await? {
///         if line.starts_with(b"python") && out.line(line)? == Flow::Stop {
///             break;
///         }
///     }
///     Ok(())
/// });
/// Source::text("a series of tubes\npython generators rock!\n").drive(grep)?;
/// assert_eq!(lines.take(), b"python generators rock!\n");
/// # Ok::<(), costage::Error>(())
/// ```
///
/// A hop through a coroutine costs a poll and two moves of a block beyond the plain stage; per block, not per
/// line.
pub fn coroutine<S, F, Fut>(to: S, body: F) -> CoroutineStage
where
    S: Stage + 'static,
    F: FnOnce(Input, Output) -> Fut,
    Fut: Future<Output = Result<()>> + 'static,
{
    let mail = Rc::new(RefCell::new(Mail::Empty));
    let target = Rc::new(RefCell::new(Target {
        to,
        gather: Gather::new(b'\n'),
        flow: Flow::More,
    }));
    let input = Input {
        mail: Rc::clone(&mail),
        block: None,
        at: 0,
    };
    let body = body(input, Output(Rc::clone(&target) as _));
    let mut stage = CoroutineStage {
        body: Some(Box::pin(body)),
        mail,
        target,
        failed: None,
    };
    // An error this early has nobody to go to: the first call answers with it.
    stage.failed = stage.run().err();
    stage
}

/// What the stage has for its body.
enum Mail {
    Empty,
    Block(Block),
    Thrown(Error),
    Closed,
}

/// Where a coroutine's lines go: the target and what is gathered for it.
struct Target<S: ?Sized> {
    gather: Gather,
    flow: Flow,
    to: S,
}

impl<S: Stage + ?Sized> Target<S> {
    fn send_gathered(&mut self) -> Result<()> {
        if let Some(block) = self.gather.take() {
            self.flow = self.to.send(&block)?;
        }
        Ok(())
    }
}

/// Where a coroutine receives: the `(yield)` of the course.
pub struct Input {
    mail: Rc<RefCell<Mail>>,
    /// The block whose lines [`line`](Input::line) hands out, and how far it is.
    block: Option<Block>,
    at: usize,
}

impl Input {
    /// Waits for the next block; `None` is the end.
    ///
    /// # Errors
    ///
    /// The error that is thrown into the chain.
    pub async fn recv(&mut self) -> Result<Option<Block>> {
        poll_fn(|_| {
            let mut mail = self.mail.borrow_mut();
            match std::mem::replace(&mut *mail, Mail::Empty) {
                Mail::Empty => Poll::Pending,
                Mail::Block(block) => Poll::Ready(Ok(Some(block))),
                Mail::Thrown(error) => Poll::Ready(Err(error)),
                Mail::Closed => {
                    *mail = Mail::Closed;
                    Poll::Ready(Ok(None))
                }
            }
        })
        .await
    }

    /// Waits for the next line, with its terminator; `None` is the end. About twice the cost of a block at a
    /// time for short lines.
    ///
    /// # Errors
    ///
    /// As [`recv`](Input::recv).
    pub async fn line(&mut self) -> Result<Option<&[u8]>> {
        while self
            .block
            .as_ref()
            .is_none_or(|block| self.at == block.len())
        {
            self.block = None;
            self.at = 0;
            match self.recv().await? {
                Some(block) => self.block = Some(block),
                None => return Ok(None),
            }
        }
        let Some(block) = &self.block else {
            return Ok(None);
        };
        let rest = &block[self.at..];
        let length = memchr::memchr(block.terminator(), rest).map_or(rest.len(), |end| end + 1);
        self.at += length;
        Ok(Some(&rest[..length]))
    }
}

/// Where a coroutine sends on.
pub struct Output(Rc<RefCell<Target<dyn Stage>>>);

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
        target.flow = target.to.send(block)?;
        Ok(target.flow)
    }
}

/// A stage whose work is a coroutine. Made by [`coroutine`].
pub struct CoroutineStage {
    /// `None` once it has returned.
    body: Option<Body>,
    mail: Rc<RefCell<Mail>>,
    target: Rc<RefCell<Target<dyn Stage>>>,
    failed: Option<Error>,
}

impl CoroutineStage {
    /// Lets the body run until it waits or returns, and sends on what it gathered.
    fn run(&mut self) -> Result<()> {
        let Some(body) = &mut self.body else {
            return Ok(());
        };
        let returned = match resume(body) {
            Poll::Pending => Ok(()),
            Poll::Ready(returned) => {
                self.body = None;
                returned
            }
        };
        let sent = self.target.borrow_mut().send_gathered();
        returned?;
        sent?;
        if self.body.is_some() && !matches!(*self.mail.borrow(), Mail::Empty | Mail::Closed) {
            self.body = None;
            return Err(Error::other(
                "a coroutine stage may wait only for its input",
            ));
        }
        Ok(())
    }

    fn deliver(&mut self, mail: Mail) -> Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        *self.mail.borrow_mut() = mail;
        self.run()
    }

    /// The target's answer, unless the body wants no more anyway.
    fn flow(&self) -> Flow {
        match self.body {
            Some(_) => self.target.borrow().flow,
            None => Flow::Stop,
        }
    }
}

impl Stage for CoroutineStage {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        if self.body.is_some() || self.failed.is_some() {
            self.deliver(Mail::Block(block.clone()))?;
        }
        Ok(self.flow())
    }

    /// The target is the body's, which may be using it: everything is forwarded by the methods below.
    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }

    fn flush(&mut self) -> Result<Flow> {
        let flow = self.target.borrow_mut().to.flush()?;
        self.target.borrow_mut().flow = flow;
        Ok(self.flow())
    }

    fn close(&mut self) -> Result<()> {
        let tidied = self.deliver(Mail::Closed);
        self.body = None;
        tidied.and(self.target.borrow_mut().to.close())
    }

    fn throw(&mut self, error: Error) -> Result<()> {
        let was_waiting = self.body.is_some();
        let passed_on = match self.deliver(Mail::Thrown(error.clone())) {
            Ok(()) if was_waiting => self.deliver(Mail::Closed),
            Ok(()) => Err(error),
            Err(error) => Err(error),
        };
        self.body = None;
        let to = &mut self.target.borrow_mut().to;
        match passed_on {
            Ok(()) => to.close(),
            Err(error) => to.throw(error),
        }
    }

    fn waits(&mut self, waits: &mut Waits) {
        self.target.borrow_mut().to.waits(waits);
    }

    fn wake(&mut self, waits: &Waits) -> Result<Flow> {
        let flow = self.target.borrow_mut().to.wake(waits)?;
        self.target.borrow_mut().flow = flow;
        Ok(self.flow())
    }

    fn idle(&mut self) -> bool {
        self.target.borrow_mut().to.idle()
    }
}

impl fmt::Debug for CoroutineStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoroutineStage")
            .field("finished", &self.body.is_none())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").finish_non_exhaustive()
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ended, Source, collect};

    /// A sink that notes what is done to it.
    struct Journal(Rc<RefCell<Vec<String>>>);

    impl Stage for Journal {
        fn send(&mut self, block: &Block) -> Result<Flow> {
            self.0.borrow_mut().push(format!("{block:?}"));
            Ok(Flow::More)
        }

        fn target(&mut self) -> Option<&mut dyn Stage> {
            None
        }

        fn close(&mut self) -> Result<()> {
            self.0.borrow_mut().push("close".into());
            Ok(())
        }

        fn throw(&mut self, error: Error) -> Result<()> {
            self.0.borrow_mut().push(format!("throw {error}"));
            Err(error)
        }
    }

    fn journal() -> (Rc<RefCell<Vec<String>>>, Journal) {
        let notes = Rc::new(RefCell::new(Vec::new()));
        (Rc::clone(&notes), Journal(notes))
    }

    #[test]
    fn a_body_that_returns_stops_the_chain() {
        let (lines, sink) = collect();
        let first = coroutine(sink, async |mut input, mut out| {
            if let Some(line) = input.line().await? {
                let _ = out.line(line)?;
            }
            Ok(())
        });
        assert_eq!(
            Source::text("one\ntwo\n").drive(first).expect("driven"),
            Ended::Stopped
        );
        assert_eq!(lines.take(), b"one\n");
    }

    #[test]
    fn close_lets_the_body_tidy_up_before_the_target_closes() {
        let (notes, sink) = journal();
        let count = coroutine(sink, async |mut input, mut out| {
            let mut lines = 0;
            while input.line().await?.is_some() {
                lines += 1;
            }
            let _ = out.line(format!("{lines}\n").as_bytes())?;
            Ok(())
        });
        Source::text("a\nb\n").drive(count).expect("driven");
        assert_eq!(*notes.borrow(), ["Block(2\\n)", "close"]);
    }

    #[test]
    fn an_error_thrown_is_raised_where_the_body_waits_and_goes_on_down() {
        let (notes, sink) = journal();
        let mut stage = coroutine(sink, async |mut input, mut out| {
            let failed = input.recv().await.err();
            let _ = out.line(b"tidied up\n")?;
            failed.map_or(Ok(()), Err)
        });
        assert!(stage.throw(Error::other("no disk")).is_err());
        assert_eq!(*notes.borrow(), ["Block(tidied up\\n)", "throw no disk"]);
        let (notes, sink) = journal();
        let mut swallows = coroutine(sink, async |mut input, _| {
            while !matches!(input.recv().await, Ok(None)) {}
            Ok(())
        });
        swallows.throw(Error::other("no disk")).expect("dealt with");
        assert_eq!(*notes.borrow(), ["close"]);
    }

    #[test]
    fn an_error_before_the_first_wait_answers_the_first_send() {
        let (_lines, sink) = collect();
        let mut stage = coroutine(sink, async |_, _| Err(Error::other("no such pattern")));
        assert!(stage.send(&Block::from("x\n")).is_err());
        assert_eq!(stage.send(&Block::from("x\n")).expect("over"), Flow::Stop);
    }

    #[test]
    fn waiting_for_anything_else_is_an_error_not_a_hang() {
        let (_lines, sink) = collect();
        let mut stage = coroutine(sink, async |_, _| std::future::pending().await);
        assert!(stage.send(&Block::from("x\n")).is_err());
    }
}
