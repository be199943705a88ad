//! How the loop ends at a signal: upstream may have got the same one and still be sending what it holds.

use std::time::{Duration, Instant};

use super::Driver;
use crate::{Ended, Flow, Pull, Result, Signals, Stage};

/// How long upstream may be silent after a signal before it counts as done.
const SILENCE: Duration = Duration::from_millis(100);
/// The same for one who holds an unfinished line: it ends first, and the next stage of a chain that got the same
/// signal is still there to take the line.
const SILENCE_IN_A_LINE: Duration = Duration::from_millis(50);
/// How long all may take after a signal.
const LAST_CALL: Duration = Duration::from_secs(1);

/// Since a signal has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopping {
    pub(super) signal: i32,
    /// When all has to be over.
    pub(super) until: Instant,
    /// When something was last read.
    heard: Instant,
    /// Has the source been asked since the chain was last full?
    asked: bool,
    /// How much of an unfinished line was held then.
    held: usize,
}

impl Stopping {
    /// It came now, and there is so much time for all.
    fn new(signal: i32, time: Duration) -> Stopping {
        let now = Instant::now();
        Stopping {
            signal,
            until: now + time,
            heard: now,
            asked: true,
            held: 0,
        }
    }

    /// When reading ends.
    pub(super) fn deadline(&self, flow: Flow) -> Instant {
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
    pub(super) fn excuse(&mut self, asks: bool) {
        self.asked &= asks;
    }

    /// The source is waited for: from now on the silence is its own.
    pub(super) fn ask(&mut self) {
        if !self.asked {
            self.asked = true;
            self.heard = Instant::now();
        }
    }

    /// The source was asked.
    pub(super) fn hear(&mut self, something_came: bool, held: usize) {
        self.held = held;
        if something_came {
            self.heard = Instant::now();
        }
    }
}

impl Driver {
    pub(super) fn wait_for_signals(&mut self) {
        if let Some(signals) = &self.signals {
            signals.waits(&mut self.waits);
        }
    }

    /// Is the chain waited for after a signal?
    pub(super) fn is_patient(&self) -> bool {
        self.signals.as_ref().is_some_and(Signals::are_patient)
    }

    /// Has a second signal come that ends the loop?
    pub(super) fn is_to_end_now(&self) -> bool {
        self.signals.as_ref().is_some_and(Signals::end_the_loop)
    }

    /// Notes the first signal; those that come after it ring, too, and must not wake again and again.
    pub(super) fn hear_signals(&mut self) {
        if let Some(signals) = &mut self.signals
            && let Some(signal) = signals.caught()
        {
            signals.silence();
            if self.stopping.is_none() {
                self.waits.call_last();
                self.stopping = Some(Stopping::new(signal, LAST_CALL));
            }
        }
    }

    /// Has a signal come, and is there nothing to wait for any more?
    pub(super) fn must_stop(&mut self, drains: bool, flow: Flow) -> Result<bool> {
        self.hear_signals();
        let Some(stopping) = self.stopping else {
            return Ok(false);
        };
        let now = Instant::now();
        if !drains || self.is_to_end_now() || now >= stopping.until {
            return Ok(true);
        }
        // On a busy machine time passes also in which nobody has looked.
        Ok(now >= stopping.deadline(flow) && self.waits.look()? == 0)
    }

    /// Passes on what was read before the signal.
    pub(super) fn stop(&mut self, source: &mut dyn Pull, chain: &mut dyn Stage) -> Result<Ended> {
        self.send_held(source, chain)?;
        Ok(self
            .stopping
            .map_or(Ended::Stopped, |stopping| Ended::Signal(stopping.signal)))
    }

    /// Sends what is left of what was read, an unfinished line included.
    pub(super) fn send_held(&mut self, source: &mut dyn Pull, chain: &mut dyn Stage) -> Result<()> {
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
    use crate::{Block, Pulled, Queue, Reader, Text, Waits, queue};
    use std::io::Write;
    use std::sync::mpsc::{Receiver, Sender, channel};

    #[test]
    fn after_a_signal_who_holds_an_unfinished_line_ends_first() {
        let idle = Stopping::new(2, LAST_CALL);
        let now = idle.heard;
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

        fn drains(&mut self) -> bool {
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

    // On a busy machine, where it had not run for as long, what upstream had sent was lost.
    #[test]
    fn after_a_signal_it_looks_before_it_takes_time_that_has_passed_for_silence() {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        writer.write_all(b"a line\n").expect("written");
        let mut driver = Driver::new();
        let mut stopping = Stopping::new(2, 100 * LAST_CALL);
        let long_ago = stopping.heard.checked_sub(2 * SILENCE);
        stopping.heard = long_ago.expect("the machine has run for longer");
        driver.stopping = Some(stopping);
        let (text, mut sink) = crate::collect();
        let mut source = Reader::new("a pipe", reader).expect("a reader");
        let ended = driver.pump(&mut source, &mut sink);
        assert_eq!(ended.expect("no error"), Ended::Signal(2));
        assert_eq!(text.take(), b"a line\n");
        drop(writer);
    }

    // What upstream had sent by then was not read: our own silence was taken for upstream's.
    #[test]
    fn after_a_signal_a_chain_that_was_full_is_no_silent_upstream() {
        let now = Instant::now();
        let mut driver = Driver::new();
        driver.stopping = Some(Stopping::new(2, 100 * LAST_CALL));
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
        driver.stopping = Some(Stopping::new(2, 100 * LAST_CALL));
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

    /// Passes on what comes and "closed" at the end.
    struct Tells(Sender<Vec<u8>>);

    impl Stage for Tells {
        fn send(&mut self, block: &Block) -> Result<Flow> {
            let sent = self.0.send(block.to_vec());
            Ok(sent.map_or(Flow::Stop, |()| Flow::More))
        }

        fn target(&mut self) -> Option<&mut dyn Stage> {
            None
        }

        fn close(&mut self) -> Result<()> {
            self.0.send(b"closed".to_vec()).ok();
            Ok(())
        }
    }

    fn holds_in_a_queue() -> (Queue, Receiver<Vec<u8>>) {
        let (sender, receiver) = channel();
        let held = queue(4, || Holds(Vec::new(), Tells(sender)));
        (held.expect("a thread"), receiver)
    }

    #[test]
    fn the_last_call_reaches_who_holds_for_later_in_a_queue() {
        let (mut chain, told) = holds_in_a_queue();
        let mut driver = Driver::new();
        let mut source = Open(1);
        driver.stopping = Some(Stopping::new(2, SILENCE));
        driver.waits.call_last();
        let ended = driver.pump(&mut source, &mut chain).expect("no error");
        assert_eq!(ended, Ended::Signal(2));
        // Not closed: it came out because of the call alone.
        assert_eq!(told.recv().expect("came"), b"a line\n");
        driver.finish(&mut chain, Ok(ended)).expect("no error");
    }

    // What was held in the other thread was lost a second after the signal.
    #[test]
    fn the_last_call_reaches_a_queue_whose_input_has_ended() {
        let (mut chain, told) = holds_in_a_queue();
        let mut driver = Driver::new();
        let ended = driver.pump(&mut Text::new("a line\n"), &mut chain);
        chain.close().expect("no error");
        assert_eq!(told.recv().expect("told"), b"closed");
        driver.stopping = Some(Stopping::new(2, 100 * LAST_CALL));
        driver.waits.call_last();
        let ended = driver.finish(&mut chain, ended).expect("no error");
        assert_eq!(ended, Ended::Signal(2));
        assert_eq!(told.recv().expect("came"), b"a line\n");
    }
}
