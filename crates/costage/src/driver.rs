//! The one waiting loop.

mod copy;
mod looks;
mod sending;
mod stopping;

use std::time::Instant;

use self::looks::Looks;
use self::sending::FIRST_PIECE;
use self::stopping::Stopping;
use crate::{Block, Flow, Pull, Pulled, Result, Signals, Stage, Waits};

/// How a chain ended, if not by an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The source has given all it had.
    Input,
    /// The chain wanted no more.
    Stopped,
    /// This signal came; what had been read was passed on.
    Signal(i32),
    /// This signal came, and a second later the output had still not taken all that had been read.
    Abandoned(i32),
}

/// The waiting loop between a source and its chain: one `ppoll` over the signals, the source, and what the
/// stages wait for. No executor, no thread, no timer while nothing happens.
///
/// It reads only while the chain answers [`Flow::More`]. Before it would wait it flushes the chain, and while
/// input keeps coming it flushes every millisecond: throughput as with large buffers, latency as without.
///
/// [`Source::drive`](crate::Source::drive) is the use of it that most want. By itself it runs several sources
/// one after the other into one chain:
///
/// ```
/// use costage::{Driver, Reader, Result, collect};
///
/// fn cat(files: &[&str]) -> Result<Vec<u8>> {
///     let (text, mut sink) = collect();
///     let mut driver = Driver::new();
///     let mut ended = Ok(costage::Ended::Input);
///     for file in files {
///         ended = Reader::open(file).and_then(|mut reader| driver.pump(&mut reader, &mut sink));
///         if ended.is_err() {
///             break;
///         }
///     }
///     driver.finish(&mut sink, ended)?;
///     Ok(text.take())
/// }
/// # let twice = cat(&["Cargo.toml", "Cargo.toml"]).unwrap();
/// # assert_eq!(twice, std::fs::read("Cargo.toml").unwrap().repeat(2));
/// # assert!(cat(&["no-such-file"]).is_err());
/// ```
#[derive(Debug)]
pub struct Driver {
    waits: Waits,
    signals: Option<Signals>,
    /// Since when the chain may hold something back.
    held_since: Option<Instant>,
    /// The same of what was flushed last.
    flushed: Option<Instant>,
    looks: Looks,
    /// The most that is sent at once.
    piece: usize,
    /// What was read and not yet sent because the chain was full.
    rest: Option<Block>,
    stopping: Option<Stopping>,
}

impl Default for Driver {
    fn default() -> Driver {
        Driver::new()
    }
}

impl Driver {
    /// A loop that knows no signals.
    pub fn new() -> Driver {
        Driver {
            waits: Waits::default(),
            signals: None,
            held_since: None,
            flushed: None,
            looks: Looks::default(),
            piece: FIRST_PIECE,
            rest: None,
            stopping: None,
        }
    }

    /// Ends in order at a signal.
    pub fn signals(mut self, signals: Signals) -> Driver {
        self.signals = Some(signals);
        self
    }

    /// Pushes all that `source` gives through `chain`, and leaves the chain open for another source.
    ///
    /// # Errors
    ///
    /// Those of the source and of the stages. They end the chain: pass them to [`finish`](Driver::finish).
    pub fn pump(&mut self, source: &mut dyn Pull, chain: &mut dyn Stage) -> Result<Ended> {
        let mut flow = Flow::More;
        // Something may have been sent before: a header, a count, what a coroutine says when it is primed.
        self.may_hold();
        loop {
            if flow == Flow::Stop {
                self.rest = None;
                return Ok(Ended::Stopped);
            }
            self.waits.clear();
            self.wait_for_signals();
            let has_rest = flow == Flow::More && self.rest.is_some();
            let asks = flow == Flow::More && !has_rest;
            if let Some(stopping) = &mut self.stopping {
                if asks {
                    stopping.ask();
                }
                self.waits.until(stopping.deadline(flow));
            }
            source.waits(&mut self.waits, asks);
            chain.waits(&mut self.waits);
            if has_rest {
                self.waits.look()?;
            } else if self.held_since.is_some() {
                if self.nothing_is_ready()? {
                    flow = self.flush(flow, chain)?;
                    continue;
                }
            } else {
                self.waits.wait()?;
            }
            if let Some(stopping) = &mut self.stopping {
                stopping.excuse(asks);
            }
            if self.must_stop(source.drains(), flow)? {
                return self.stop(source, chain);
            }
            let looked = source.look(&self.waits);
            flow = chain.wake(&self.waits)?;
            // A stage that was woken may have sent something on.
            self.may_hold();
            if let Some(rest) = self.rest.take_if(|_| flow == Flow::More && looked.is_ok()) {
                flow = self.send(rest, chain)?;
                continue;
            }
            let pulled = match looked {
                // What was not waited for is not asked: it would seem to have nothing.
                Ok(()) if !asks || flow != Flow::More => continue,
                Ok(()) => source.pull(&self.waits),
                Err(error) => Err(error),
            };
            let pulled = match pulled {
                Ok(pulled) => pulled,
                Err(error) => {
                    // Nothing more comes; what came of a line is what there is of it.
                    self.send_held(source, chain)?;
                    return Err(error);
                }
            };
            if let Some(stopping) = &mut self.stopping {
                stopping.hear(
                    matches!(pulled, Pulled::Block(_) | Pulled::Partial),
                    source.held(),
                );
            }
            flow = match pulled {
                Pulled::Block(block) => {
                    let flow = self.send(block, chain)?;
                    if source.is_drained() {
                        self.flush_at_rest(flow, chain)?
                    } else {
                        flow
                    }
                }
                // A part of a long line: it may go on like this for as long as one likes.
                Pulled::Partial => self.flush_in_time(chain)?,
                Pulled::Wait => Flow::More,
                Pulled::End => return Ok(Ended::Input),
            };
        }
    }

    /// Ends the chain: closes it, or throws the error into it, and goes on until all is written.
    ///
    /// # Errors
    ///
    /// The first: the one `ended` brings unless a stage took it as dealt with, or one met while closing.
    pub fn finish(&mut self, chain: &mut dyn Stage, ended: Result<Ended>) -> Result<Ended> {
        self.rest = None;
        let mut outcome = match ended {
            Ok(ended) => chain.close().map(|()| ended),
            Err(error) => chain.throw(error).map(|()| Ended::Stopped),
        };
        while !chain.idle() {
            // It may have come before, and would not wake again.
            if self.is_to_end_now() {
                break;
            }
            self.waits.clear();
            self.wait_for_signals();
            if let Some(stopping) = self.stopping
                && !self.is_patient()
            {
                self.waits.until(stopping.until);
            }
            chain.waits(&mut self.waits);
            self.waits.wait()?;
            self.hear_signals();
            if let Some(stopping) = self.stopping
                && !self.is_patient()
                && Instant::now() >= stopping.until
            {
                return outcome.and(Ok(Ended::Abandoned(stopping.signal)));
            }
            if let Err(error) = chain.wake(&self.waits) {
                outcome = outcome.and(Err(error));
            }
        }
        match self.stopping {
            Some(stopping) => outcome.map(|_| Ended::Signal(stopping.signal)),
            None => outcome,
        }
    }
}
