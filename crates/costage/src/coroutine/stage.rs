//! A stage of a chain written as straight-line code.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::task::Poll;

use super::input::{Input, Mail};
use super::output::{Output, Target};
use super::{Body, resume};
use crate::{Block, Error, Flow, Gather, Result, Stage, Waits};

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
    let input = Input::new(Rc::clone(&mail));
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
        if self.body.is_some() && !matches!(*self.mail.borrow(), Mail::Empty | Mail::Closed(_)) {
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

    /// Lets the body see the end, and ends it.
    fn end(&mut self) -> Result<()> {
        self.deliver(Mail::Closed(0))?;
        match self.body.take() {
            Some(_) => Err(Error::other("a coroutine stage ignored its end")),
            None => Ok(()),
        }
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
            let terminator = block.terminator();
            self.target.borrow_mut().gather.set_terminator(terminator);
            self.deliver(Mail::Block(block.clone()))?;
        }
        Ok(self.flow())
    }

    /// The target is the body's, which may be using it: everything is forwarded by the methods below.
    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }

    fn flush(&mut self) -> Result<Flow> {
        self.target.borrow_mut().flush()?;
        Ok(self.flow())
    }

    fn close(&mut self) -> Result<()> {
        let tidied = self.end();
        tidied.and(self.target.borrow_mut().to.close())
    }

    fn throw(&mut self, error: Error) -> Result<()> {
        let was_waiting = self.body.is_some();
        let passed_on = match self.deliver(Mail::Thrown(error.clone())) {
            Ok(()) if was_waiting => self.end(),
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
        self.target.borrow_mut().wake(waits)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ended, Source, collect};

    /// A sink that notes what is done to it.
    struct Journal(Rc<RefCell<Vec<String>>>);

    impl Stage for Journal {
        fn send(&mut self, block: &Block) -> Result<Flow> {
            assert!(block.is_finished());
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

    /// Takes one block and wants no more.
    struct Stops(Journal);

    impl Stage for Stops {
        fn send(&mut self, block: &Block) -> Result<Flow> {
            self.0.send(block).map(|_| Flow::Stop)
        }

        fn target(&mut self) -> Option<&mut dyn Stage> {
            None
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

    // What `line` had not handed out yet of its block was lost.
    #[test]
    fn blocks_go_on_where_lines_left_off() {
        let (lines, sink) = collect();
        let stage = coroutine(sink, async |mut input, mut out| {
            let header = input.line().await?.map(<[u8]>::to_vec);
            assert_eq!(header.as_deref(), Some(&b"header\n"[..]));
            while let Some(block) = input.recv().await? {
                let _ = out.send(&block)?;
            }
            Ok(())
        });
        Source::text("header\none\ntwo\n")
            .drive(stage)
            .expect("driven");
        assert_eq!(lines.take(), b"one\ntwo\n");
    }

    // The blocks of lines that end in NUL said that they end in newlines.
    #[test]
    fn lines_keep_their_terminator() {
        let (notes, sink) = journal();
        let mut stage = coroutine(sink, async |mut input, mut out| {
            while let Some(line) = input.line().await? {
                let _ = out.line(line)?;
            }
            Ok(())
        });
        let block = Block::with_terminator(b"a\0b\0".to_vec(), 0);
        let _ = stage.send(&block).expect("sent");
        assert_eq!(*notes.borrow(), ["Block(a\\x00b\\x00)"]);
        assert!(block.is_finished());
    }

    #[test]
    fn a_body_that_ignores_the_end_is_an_error_not_a_hang() {
        let (notes, sink) = journal();
        let mut stage = coroutine(sink, async |mut input, _| {
            loop {
                let _ = input.recv().await;
            }
        });
        let error = stage.close().expect_err("ignored");
        assert_eq!(error.to_string(), "a coroutine stage ignored its end");
        assert_eq!(*notes.borrow(), ["close"]);
    }

    #[test]
    fn a_target_that_wants_no_more_gets_no_more() {
        let (notes, sink) = journal();
        let stops = Stops(sink);
        let mut stage = coroutine(stops, async |mut input, mut out| {
            while let Some(block) = input.recv().await? {
                let _ = out.send(&block)?;
                let _ = out.send(&block)?;
            }
            Ok(())
        });
        assert_eq!(stage.send(&Block::from("a\n")).expect("sent"), Flow::Stop);
        assert_eq!(*notes.borrow(), ["Block(a\\n)"]);
    }

    // The flush before the next block made it forgotten.
    #[test]
    fn a_target_that_wanted_no_more_gets_no_more_after_a_flush_either() {
        let (notes, sink) = journal();
        let stage = coroutine(Stops(sink), async |mut input, mut out| {
            let _ = out.line(b"a header\n")?;
            while let Some(block) = input.recv().await? {
                let _ = out.send(&block)?;
            }
            Ok(())
        });
        let ended = Source::text("a\nb\n").drive(stage);
        assert_eq!(ended.expect("driven"), Ended::Stopped);
        assert_eq!(*notes.borrow(), ["Block(a header\\n)"]);
    }

    #[test]
    fn waiting_for_anything_else_is_an_error_not_a_hang() {
        let (_lines, sink) = collect();
        let mut stage = coroutine(sink, async |_, _| std::future::pending().await);
        assert!(stage.send(&Block::from("x\n")).is_err());
    }
}
