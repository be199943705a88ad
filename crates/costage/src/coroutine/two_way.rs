//! Coroutines that answer: `answer = co.send(question)`.

use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use super::{Body, resume};
use crate::{Error, Result};

/// What passes between a body and the one who sends to it.
struct Slot<I, O> {
    /// What its `yield_` is going to answer.
    into: Option<Result<I>>,
    /// What it has yielded.
    out: Option<O>,
}

/// The body's side of a [`Coroutine`]: the `yield` of Python.
pub struct Yielder<I, O>(Rc<RefCell<Slot<I, O>>>);

impl<I, O> Yielder<I, O> {
    /// Answers `output` to the one who sent last, waits, and gives what is sent next: Python's
    /// `input = yield output`.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] when the coroutine is being closed, or the error that is thrown in. Pass it on with
    /// `?` or tidy up and return.
    pub async fn yield_(&mut self, output: O) -> Result<I> {
        self.0.borrow_mut().out = Some(output);
        poll_fn(|_| match self.0.borrow_mut().into.take() {
            Some(input) => Poll::Ready(input),
            None => Poll::Pending,
        })
        .await
    }
}

impl<O> Yielder<(), O> {
    /// Yields `output` from a generator, into which nothing is sent: Python's `yield output`.
    ///
    /// # Errors
    ///
    /// As [`yield_`](Yielder::yield_).
    pub async fn give(&mut self, output: O) -> Result<()> {
        self.yield_(output).await
    }
}

/// The one who sends' side, primed or not.
struct Suspended<I, O> {
    /// `None` once the body has returned.
    body: Option<Body>,
    slot: Rc<RefCell<Slot<I, O>>>,
}

impl<I, O> Suspended<I, O> {
    fn new<F, Fut>(body: F) -> Suspended<I, O>
    where
        F: FnOnce(Yielder<I, O>) -> Fut,
        Fut: Future<Output = Result<()>> + 'static,
    {
        let slot = Rc::new(RefCell::new(Slot {
            into: None,
            out: None,
        }));
        Suspended {
            body: Some(Box::pin(body(Yielder(Rc::clone(&slot))))),
            slot,
        }
    }

    /// Runs the body to its next `yield_`; `Finished` when it has returned.
    fn run(&mut self) -> Result<O> {
        let body = self.body.as_mut().ok_or(Error::Finished)?;
        match resume(body) {
            Poll::Pending => self.slot.borrow_mut().out.take().ok_or_else(|| {
                self.body = None;
                Error::other("a coroutine may wait only for its own yield_")
            }),
            Poll::Ready(returned) => {
                self.body = None;
                match returned {
                    Ok(()) => Err(Error::Finished),
                    // As Python has it (PEP 479): that one inside has finished does not silently finish this one.
                    Err(Error::Finished) => Err(Error::other("a coroutine inside had finished")),
                    Err(error) => Err(error),
                }
            }
        }
    }

    fn resume_with(&mut self, input: Result<I>) -> Result<O> {
        if self.body.is_some() {
            self.slot.borrow_mut().into = Some(input);
        }
        self.run()
    }

    fn close(&mut self) -> Result<()> {
        if self.body.is_none() {
            return Ok(());
        }
        match self.resume_with(Err(Error::Closed)) {
            Err(Error::Closed | Error::Finished) => Ok(()),
            Err(error) => Err(error),
            Ok(_) => {
                self.body = None;
                Err(Error::other("the coroutine ignored its closing"))
            }
        }
    }
}

/// A coroutine that is sent values and answers each: the course's `@coroutine` functions in full.
///
/// Making one primes it: the body runs to its first `yield_`, whose output nobody asked for and is dropped.
///
/// ```
/// use costage::{Coroutine, Error};
///
/// let mut average = Coroutine::new(async |mut co| {
///     let (mut sum, mut count) = (0.0, 0.0);
///     let mut answer = 0.0;
///     loop {
///         sum += co.yield_(answer).await?;
///         count += 1.0;
///         answer = sum / count;
///     }
/// })?;
/// assert_eq!(average.send(10.0)?, 10.0);
/// assert_eq!(average.send(20.0)?, 15.0);
/// average.close()?;
/// assert!(matches!(average.send(1.0), Err(Error::Finished)));
/// # Ok::<(), Error>(())
/// ```
///
/// Dropping one drops its body where it waits, without running it: to let it tidy up, close it.
pub struct Coroutine<I, O>(Suspended<I, O>);

impl<I, O> Coroutine<I, O> {
    /// Makes a coroutine of `body` and primes it.
    ///
    /// # Errors
    ///
    /// The error with which the body returned before its first `yield_`. One that returned without an error
    /// is simply finished.
    pub fn new<F, Fut>(body: F) -> Result<Coroutine<I, O>>
    where
        F: FnOnce(Yielder<I, O>) -> Fut,
        Fut: Future<Output = Result<()>> + 'static,
    {
        let mut suspended = Suspended::new(body);
        match suspended.run() {
            Ok(_) | Err(Error::Finished) => Ok(Coroutine(suspended)),
            Err(error) => Err(error),
        }
    }

    /// Lets the waiting `yield_` answer `input`, and gives what the body yields next.
    ///
    /// # Errors
    ///
    /// [`Error::Finished`] if the body returns instead, or did before; the error it returns with.
    pub fn send(&mut self, input: I) -> Result<O> {
        self.0.resume_with(Ok(input))
    }

    /// Lets the waiting `yield_` fail with `error`, and gives what the body yields next if it goes on.
    ///
    /// # Errors
    ///
    /// `error` itself if the body passes it on, or has finished; [`Error::Finished`] if it returns instead.
    pub fn throw(&mut self, error: Error) -> Result<O> {
        if self.is_finished() {
            return Err(error);
        }
        self.0.resume_with(Err(error))
    }

    /// Lets the waiting `yield_` fail with [`Error::Closed`], so that the body tidies up and returns. A
    /// coroutine that has finished is closed already.
    ///
    /// # Errors
    ///
    /// That of the body; or that it yielded once more instead of ending. It is finished in any case.
    pub fn close(&mut self) -> Result<()> {
        self.0.close()
    }

    /// Has the body returned?
    pub fn is_finished(&self) -> bool {
        self.0.body.is_none()
    }
}

/// A coroutine into which nothing is sent: it produces, and is asked by [`next`](Iterator::next). Nothing runs
/// before the first.
///
/// ```
/// use costage::Generator;
///
/// let countdown = Generator::new(async |mut co| {
///     for n in (1..=3).rev() {
///         co.give(n).await?;
///     }
///     Ok(())
/// });
/// assert_eq!(countdown.collect::<Result<Vec<_>, _>>()?, [3, 2, 1]);
/// # Ok::<(), costage::Error>(())
/// ```
pub struct Generator<O> {
    suspended: Suspended<(), O>,
    started: bool,
}

impl<O> Generator<O> {
    /// Makes a generator of `body`.
    pub fn new<F, Fut>(body: F) -> Generator<O>
    where
        F: FnOnce(Yielder<(), O>) -> Fut,
        Fut: Future<Output = Result<()>> + 'static,
    {
        Generator {
            suspended: Suspended::new(body),
            started: false,
        }
    }

    /// Ends it: see [`Coroutine::close`]. A body that has not begun never does.
    ///
    /// # Errors
    ///
    /// As [`Coroutine::close`].
    pub fn close(&mut self) -> Result<()> {
        if !self.started {
            self.suspended.body = None;
        }
        self.suspended.close()
    }
}

/// Ends when the body returns; an error it returns with is the last item.
impl<O> Iterator for Generator<O> {
    type Item = Result<O>;

    fn next(&mut self) -> Option<Result<O>> {
        let given = if self.started {
            self.suspended.resume_with(Ok(()))
        } else {
            self.started = true;
            self.suspended.run()
        };
        match given {
            Err(Error::Finished) => None,
            given => Some(given),
        }
    }
}

impl<I, O> fmt::Debug for Coroutine<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coroutine")
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

impl<O> fmt::Debug for Generator<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generator")
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}

impl<I, O> fmt::Debug for Yielder<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yielder").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo() -> Coroutine<i32, i32> {
        Coroutine::new(async |mut co| {
            let mut last = 0;
            loop {
                last = co.yield_(last).await?;
            }
        })
        .expect("primed")
    }

    #[test]
    fn an_error_thrown_in_surfaces_to_the_thrower_and_finishes() {
        let mut co = echo();
        assert_eq!(co.send(7).expect("sent"), 7);
        let error = co.throw(Error::other("You're hosed")).expect_err("thrown");
        assert_eq!(error.to_string(), "You're hosed");
        assert!(co.is_finished());
        assert!(matches!(co.send(8), Err(Error::Finished)));
        let again = co.throw(Error::other("again")).expect_err("thrown");
        assert_eq!(again.to_string(), "again");
        co.close().expect("closing a finished one");
    }

    #[test]
    fn a_body_may_catch_what_is_thrown_and_go_on() {
        let mut co: Coroutine<i32, i32> = Coroutine::new(async |mut co| {
            let mut answer = 0;
            loop {
                answer = match co.yield_(answer).await {
                    Ok(number) => number,
                    Err(Error::Closed) => return Ok(()),
                    Err(_) => -1,
                };
            }
        })
        .expect("primed");
        assert_eq!(co.throw(Error::other("caught")).expect("caught"), -1);
        assert_eq!(co.send(3).expect("sent"), 3);
        co.close().expect("closed");
        assert!(co.is_finished());
    }

    #[test]
    fn one_that_ignores_its_closing_is_told_so_and_ended() {
        let mut co: Coroutine<(), ()> = Coroutine::new(async |mut co| {
            loop {
                let _ = co.yield_(()).await;
            }
        })
        .expect("primed");
        let error = co.close().expect_err("ignored");
        assert_eq!(error.to_string(), "the coroutine ignored its closing");
        assert!(co.is_finished());
    }

    #[test]
    fn one_that_returns_while_primed_is_finished() {
        let mut co: Coroutine<(), ()> = Coroutine::new(async |_| Ok(())).expect("returned well");
        assert!(matches!(co.send(()), Err(Error::Finished)));
        let failed = Coroutine::<(), ()>::new(async |_| Err(Error::other("no")));
        assert_eq!(failed.expect_err("failed").to_string(), "no");
    }

    #[test]
    fn waiting_for_anything_else_is_an_error_not_a_hang() {
        let stuck = Coroutine::<(), ()>::new(async |_| {
            std::future::pending::<()>().await;
            Ok(())
        });
        assert!(stuck.is_err());
    }

    #[test]
    fn a_generator_starts_with_its_first_next_and_ends_with_its_error() {
        let ran = Rc::new(RefCell::new(0));
        let count = Rc::clone(&ran);
        let mut generator = Generator::new(async move |mut co| {
            *count.borrow_mut() += 1;
            co.give('a').await?;
            Err(Error::other("broken"))
        });
        assert_eq!(*ran.borrow(), 0);
        assert!(matches!(generator.next(), Some(Ok('a'))));
        assert!(matches!(generator.next(), Some(Err(_))));
        assert!(generator.next().is_none());
        assert_eq!(*ran.borrow(), 1);
    }

    #[test]
    fn one_that_finishes_inside_does_not_silently_finish_the_other() {
        let mut generator = Generator::new(async |mut co| {
            let mut inner: Coroutine<(), ()> = Coroutine::new(async |_| Ok(()))?;
            co.give(1).await?;
            inner.send(())?;
            co.give(2).await
        });
        assert!(matches!(generator.next(), Some(Ok(1))));
        assert!(matches!(generator.next(), Some(Err(Error::Other(_)))));
    }

    #[test]
    fn closing_a_generator_that_never_ran_does_not_start_it() {
        let mut generator = Generator::<()>::new(async |_| panic!("started"));
        generator.close().expect("closed");
        assert!(generator.next().is_none());
    }
}
