//! The one waiting loop.

mod copy;

use std::time::{Duration, Instant};

use crate::framer::BLOCK;
use crate::{Block, Flow, Pull, Pulled, Result, Signals, Stage, Waits};

/// No byte is held back longer than this while input flows.
const HELD_AT_MOST: Duration = Duration::from_millis(1);
/// What one `send` should take at most, so that the bound above is looked at often enough: a block that a slow
/// stage needs longer for is cut into smaller ones.
const SEND_AT_MOST: Duration = Duration::from_micros(500);
/// The first piece, before it is known how long the chain takes for one: what the slowest of regexes needs a few
/// milliseconds for. A fast chain gets whole blocks six sends later.
const FIRST_PIECE: usize = 4 << 10;
/// The smallest piece a block is cut into; a line is never cut.
const SMALLEST_PIECE: usize = 512;
/// After a signal: how long upstream may be silent before it counts as done, and how long all may take.
const SILENCE: Duration = Duration::from_millis(100);
/// The same for one who holds an unfinished line: it ends first, and the next stage of a chain that got the same
/// signal is still there to take the line.
const SILENCE_IN_A_LINE: Duration = Duration::from_millis(50);
const LAST_CALL: Duration = Duration::from_secs(1);

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
    /// The most that is sent at once.
    piece: usize,
    /// What was read and not yet sent because the chain was full.
    rest: Option<Block>,
    stopping: Option<Stopping>,
}

/// A signal has come.
#[derive(Clone, Copy, Debug)]
struct Stopping {
    signal: i32,
    until: Instant,
    /// When something was last read.
    heard: Instant,
    /// Has the source been asked since the chain was last full?
    asked: bool,
    /// How much of an unfinished line was held then.
    held: usize,
}

impl Stopping {
    /// When reading ends.
    fn deadline(&self, flow: Flow) -> Instant {
        if flow == Flow::Full || !self.asked {
            return self.until;
        }
        let silence = if self.held > 0 {
            SILENCE_IN_A_LINE
        } else {
            SILENCE
        };
        self.until.min(self.heard + silence)
    }

    /// While the chain is full, or has the rest of a block to take, nothing is read, and the silence is our own.
    fn excuse(&mut self, asks: bool) {
        self.asked &= asks;
    }

    /// The source is waited for: from now on the silence is its own.
    fn ask(&mut self) {
        if !self.asked {
            self.asked = true;
            self.heard = Instant::now();
        }
    }

    /// The source was asked.
    fn hear(&mut self, something_came: bool, held: usize) {
        self.held = held;
        if something_came {
            self.heard = Instant::now();
        }
    }
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
            if self.held_since.is_some() || has_rest {
                if self.waits.look()? == 0 && !has_rest {
                    flow = self.flush(flow, chain)?;
                    continue;
                }
            } else {
                self.waits.wait()?;
            }
            if let Some(stopping) = &mut self.stopping {
                stopping.excuse(asks);
            }
            if self.must_stop(source.drains(), flow) {
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
            if let Some(stopping) = self.stopping {
                if self.is_patient() {
                    if self.is_to_end_now() {
                        break;
                    }
                } else if Instant::now() >= stopping.until {
                    return outcome.and(Ok(Ended::Abandoned(stopping.signal)));
                }
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

    /// Sends a block, in pieces small enough that a slow stage does not keep back what it has found. Comes back
    /// with a rest when the chain is full, and every millisecond, to look at signals and hang-ups.
    fn send(&mut self, mut block: Block, chain: &mut dyn Stage) -> Result<Flow> {
        let mut flow = Flow::More;
        while flow == Flow::More && !block.is_empty() {
            let piece = block.split_lines(self.piece);
            let before = Instant::now();
            flow = chain.send(&piece)?;
            let after = Instant::now();
            self.adapt(piece.len(), after - before);
            if after - *self.held_since.get_or_insert(before) >= HELD_AT_MOST {
                flow = self.flush(flow, chain)?;
                break;
            }
        }
        if !block.is_empty() {
            self.rest = Some(block);
        }
        Ok(flow)
    }

    /// Flushes what has been held for as long as it may.
    fn flush_in_time(&mut self, chain: &mut dyn Stage) -> Result<Flow> {
        match self.held_since {
            Some(since) if since.elapsed() >= HELD_AT_MOST => self.flush(Flow::More, chain),
            _ => Ok(Flow::More),
        }
    }

    /// Flushes a chain whose source has no more now: without asking first, so that a single line is out a system call
    /// sooner. Where the last one has only just been, more are on their way, and are gathered.
    fn flush_at_rest(&mut self, flow: Flow, chain: &mut dyn Stage) -> Result<Flow> {
        let is_single = match (self.flushed, self.held_since) {
            (Some(flushed), Some(held)) => held - flushed >= HELD_AT_MOST,
            _ => true,
        };
        if is_single && self.rest.is_none() {
            self.flush(flow, chain)
        } else {
            Ok(flow)
        }
    }

    /// Something may be held back from now on, if nothing was before.
    fn may_hold(&mut self) {
        self.held_since.get_or_insert_with(Instant::now);
    }

    /// Flushes a chain that answered `flow`, unless it stopped. A flush may make room, and then nothing would wake
    /// the chain; a stage that is full all the same says so when it is woken, before anything is sent to it.
    fn flush(&mut self, flow: Flow, chain: &mut dyn Stage) -> Result<Flow> {
        self.flushed = self.held_since.take().or(self.flushed);
        if flow == Flow::Stop {
            return Ok(flow);
        }
        chain.flush()
    }

    fn adapt(&mut self, sent: usize, took: Duration) {
        if took > SEND_AT_MOST {
            // Below one, because `took` is more: the product fits.
            let share = SEND_AT_MOST.as_secs_f64() / took.as_secs_f64();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss
            )]
            let piece = (sent as f64 * share) as usize;
            self.piece = piece.clamp(SMALLEST_PIECE, BLOCK);
        } else if took < SEND_AT_MOST / 4 && sent >= self.piece / 2 {
            self.piece = (self.piece * 2).min(BLOCK);
        }
    }

    fn wait_for_signals(&mut self) {
        if let Some(signals) = &self.signals {
            signals.waits(&mut self.waits);
        }
    }

    /// Is the chain waited for after a signal?
    fn is_patient(&self) -> bool {
        self.signals.as_ref().is_some_and(Signals::are_patient)
    }

    /// Has a second signal come that ends the loop?
    fn is_to_end_now(&self) -> bool {
        self.signals.as_ref().is_some_and(Signals::end_the_loop)
    }

    fn hear_signals(&mut self) {
        if self.stopping.is_some() {
            if self.is_patient()
                && let Some(signals) = &mut self.signals
            {
                signals.silence();
            }
            return;
        }
        if let Some(signals) = &mut self.signals
            && let Some(signal) = signals.caught()
        {
            signals.silence();
            self.waits.call_last();
            let now = Instant::now();
            self.stopping = Some(Stopping {
                signal,
                until: now + LAST_CALL,
                heard: now,
                asked: true,
                held: 0,
            });
        }
    }

    /// Has a signal come, and is there nothing to wait for any more?
    fn must_stop(&mut self, drains: bool, flow: Flow) -> bool {
        self.hear_signals();
        self.stopping.is_some_and(|stopping| {
            !drains || self.is_to_end_now() || Instant::now() >= stopping.deadline(flow)
        })
    }

    /// Passes on what was read before the signal.
    fn stop(&mut self, source: &mut dyn Pull, chain: &mut dyn Stage) -> Result<Ended> {
        self.send_held(source, chain)?;
        Ok(self
            .stopping
            .map_or(Ended::Stopped, |stopping| Ended::Signal(stopping.signal)))
    }

    /// Sends what is left of what was read, an unfinished line included.
    fn send_held(&mut self, source: &mut dyn Pull, chain: &mut dyn Stage) -> Result<()> {
        for held in [self.rest.take(), source.stop()].into_iter().flatten() {
            // A full chain keeps what it was sent.
            if chain.send(&held)? == Flow::Stop {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    /// Notes how long the first block is that it is sent.
    struct First<'a>(&'a mut Option<usize>);

    impl Stage for First<'_> {
        fn send(&mut self, block: &Block) -> Result<Flow> {
            self.0.get_or_insert(block.len());
            Ok(Flow::More)
        }

        fn target(&mut self) -> Option<&mut dyn Stage> {
            None
        }
    }

    #[test]
    fn after_a_signal_who_holds_an_unfinished_line_ends_first() {
        let now = Instant::now();
        let idle = Stopping {
            heard: now,
            ..stopping_in(LAST_CALL)
        };
        let mut holding = idle;
        holding.hear(false, 3);
        assert_eq!(holding.heard, now, "nothing came");
        assert!(holding.deadline(Flow::More) < idle.deadline(Flow::More));
        holding.hear(true, 4);
        assert!(holding.heard > now, "a part of a line is no silence");
        assert_eq!(holding.deadline(Flow::Full), idle.until);
    }

    /// A pipe that has so many blocks and stays open.
    struct Open(u32);

    impl Pull for Open {
        fn waits(&mut self, waits: &mut Waits, room: bool) {
            if room && self.0 > 0 {
                waits.now();
            }
        }

        fn pull(&mut self, _: &Waits) -> Result<Pulled> {
            let Some(left) = self.0.checked_sub(1) else {
                return Ok(Pulled::Wait);
            };
            self.0 = left;
            Ok(Pulled::Block(Block::from("a line\n")))
        }

        fn drains(&self) -> bool {
            true
        }
    }

    /// Takes a block, and is full until a time after any silence.
    struct FullUntil(Instant, u32);

    impl Stage for FullUntil {
        fn send(&mut self, _: &Block) -> Result<Flow> {
            self.1 += 1;
            Ok(self.flow())
        }

        fn target(&mut self) -> Option<&mut dyn Stage> {
            None
        }

        fn flush(&mut self) -> Result<Flow> {
            Ok(self.flow())
        }

        fn waits(&mut self, waits: &mut Waits) {
            waits.until(self.0);
        }

        fn wake(&mut self, _: &Waits) -> Result<Flow> {
            Ok(self.flow())
        }
    }

    impl FullUntil {
        fn flow(&self) -> Flow {
            if Instant::now() < self.0 {
                Flow::Full
            } else {
                Flow::More
            }
        }
    }

    /// A signal that came now, with so much time for all.
    fn stopping_in(time: Duration) -> Stopping {
        let now = Instant::now();
        Stopping {
            signal: 2,
            until: now + time,
            heard: now,
            asked: true,
            held: 0,
        }
    }

    // What upstream had sent by then was not read: our own silence was taken for upstream's.
    #[test]
    fn after_a_signal_a_chain_that_was_full_is_no_silent_upstream() {
        let now = Instant::now();
        let mut driver = Driver::new();
        driver.stopping = Some(stopping_in(100 * LAST_CALL));
        let mut chain = FullUntil(now + 2 * SILENCE, 0);
        let ended = driver.pump(&mut Open(3), &mut chain);
        assert_eq!(ended.expect("no error"), Ended::Signal(2));
        assert_eq!(chain.1, 3);
    }

    // It was waited for until the second was over, as if it had never been asked.
    #[test]
    fn after_a_signal_an_upstream_that_is_silent_once_there_is_room_has_ended() {
        let began = Instant::now();
        let mut driver = Driver::new();
        driver.stopping = Some(stopping_in(100 * LAST_CALL));
        let mut chain = FullUntil(began + 2 * SILENCE, 0);
        let ended = driver.pump(&mut Open(1), &mut chain);
        assert_eq!(ended.expect("no error"), Ended::Signal(2));
        assert_eq!(chain.1, 1);
        assert!(began.elapsed() < 50 * LAST_CALL);
    }

    /// Holds what it is sent for ever, unless a signal comes.
    struct Holds<S>(Vec<Block>, S);

    impl<S: Stage> Stage for Holds<S> {
        fn send(&mut self, block: &Block) -> Result<Flow> {
            self.0.push(block.clone());
            Ok(Flow::More)
        }

        fn target(&mut self) -> Option<&mut dyn Stage> {
            Some(&mut self.1)
        }

        fn waits(&mut self, waits: &mut Waits) {
            if waits.is_last_call() && !self.0.is_empty() {
                waits.now();
            }
            self.1.waits(waits);
        }

        fn wake(&mut self, waits: &Waits) -> Result<Flow> {
            if waits.is_last_call() {
                for held in self.0.drain(..) {
                    let _ = self.1.send(&held)?;
                }
            }
            self.1.wake(waits)
        }

        fn idle(&mut self) -> bool {
            self.0.is_empty() && self.1.idle()
        }
    }

    #[test]
    fn the_last_call_reaches_who_holds_for_later_also_after_the_end_of_the_input() {
        for ended in [Ended::Input, Ended::Signal(2)] {
            let (text, sink) = crate::collect();
            let mut chain = Holds(vec![Block::from("held\n")], sink);
            let mut driver = Driver::new();
            driver.waits.call_last();
            driver.finish(&mut chain, Ok(ended)).expect("no error");
            assert_eq!(text.take(), b"held\n");
        }
    }

    #[test]
    fn the_last_call_reaches_who_holds_for_later_in_a_queue() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let mut chain = crate::queue(4, move || {
            let sink = crate::per_line(move |line| {
                let sent = sender.send(line.to_vec());
                Ok(sent.map_or(Flow::Stop, |()| Flow::More))
            });
            Holds(Vec::new(), sink)
        })
        .expect("a thread");
        let mut driver = Driver::new();
        let mut source = Open(1);
        driver.stopping = Some(stopping_in(SILENCE));
        driver.waits.call_last();
        let ended = driver.pump(&mut source, &mut chain).expect("no error");
        assert_eq!(ended, Ended::Signal(2));
        // Not closed: it came out because of the call alone.
        assert_eq!(receiver.recv().expect("came"), b"a line\n");
        driver.finish(&mut chain, Ok(ended)).expect("no error");
    }

    #[test]
    fn a_chain_that_may_be_slow_is_not_sent_much_at_first() {
        let mut first = None;
        let text = "a line\n".repeat(BLOCK / 7);
        let ended = Source::text(&*text).drive(First(&mut first));
        assert_eq!(ended.expect("no error"), Ended::Input);
        assert_eq!(first, Some(FIRST_PIECE / 7 * 7));
    }
}
