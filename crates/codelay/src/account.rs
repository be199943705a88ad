//! What the latency model does to a stream of lines, written down.

use std::fmt;

use costage::{Block, Coroutine, Error, Flow, Gather, Result, Stage, Waits};

use crate::channel;

/// The account is handed on in pieces of this size.
const PIECE: usize = 64 << 10;
/// So many cycles are flushed at a time: a few milliseconds.
const CYCLES: u64 = 1 << 16;

/// Drives the latency model with a stream of lines, one each cycle, and sends on what happens:
///
/// ```
/// use costage::{Source, collect};
///
/// let (account, sink) = collect();
/// Source::text("a\nb\n").drive(codelay::account(1, sink)?)?;
/// let expected = "\
/// Cycle 0: Generate payload a
/// Cycle 0: Idle
/// Cycle 1: Generate payload b
/// Cycle 1: Process payload a
/// Cycle 2: Flush the channel
/// Cycle 2: Process payload b
/// Simulated 3 cycles
/// ";
/// assert_eq!(account.take(), expected.as_bytes());
/// # Ok::<(), costage::Error>(())
/// ```
///
/// # Errors
///
/// As [`channel`].
pub fn account<S: Stage>(delay: u64, to: S) -> Result<Account<S>> {
    Ok(Account {
        delay,
        channel: channel(delay)?,
        cycle: 0,
        text: Gather::new(b'\n'),
        digits: itoa::Buffer::new(),
        end: End::Open,
        flow: Flow::More,
        to,
    })
}

/// What the latency model does. Made by [`account`].
pub struct Account<S> {
    delay: u64,
    channel: Coroutine<Option<Block>, Option<Block>>,
    cycle: u64,
    text: Gather,
    digits: itoa::Buffer,
    end: End,
    /// What the target last answered.
    flow: Flow,
    to: S,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    /// So many cycles are left until the channel is empty.
    Flushing(u64),
    /// The target is closed.
    Closed,
}

impl<S: Stage> Account<S> {
    fn say_cycle(&mut self) {
        self.text.push(b"Cycle ");
        self.text.push(self.digits.format(self.cycle).as_bytes());
    }

    /// `doing` is between the number of the cycle and the text of a line.
    fn say(&mut self, doing: &[u8], line: &Block) {
        self.say_cycle();
        self.text.push(doing);
        self.text
            .push(line.strip_suffix(&[line.terminator()]).unwrap_or(line));
        self.text.push(b"\n");
    }

    /// One cycle: what is sent, and what comes out.
    fn cycle(&mut self, payload: Option<Block>) -> Result<()> {
        if let Some(payload) = &payload {
            self.say(b": Generate payload ", payload);
        }
        if let Some(payload) = self.channel.send(payload)? {
            self.say(b": Process payload ", &payload);
        } else {
            self.say_cycle();
            self.text.push(b": Idle\n");
        }
        self.cycle += 1;
        if self.text.len() >= PIECE {
            self.hand_on()?;
        }
        Ok(())
    }

    fn hand_on(&mut self) -> Result<()> {
        if let Some(text) = self.text.take() {
            self.flow = self.to.send(&text)?;
        }
        Ok(())
    }

    /// Goes on emptying the channel, as far as the target takes the account of it, and not for too long at a time:
    /// signals are to be heard.
    fn flush_channel(&mut self) -> Result<()> {
        let pause = self.cycle + CYCLES;
        while let End::Flushing(left) = self.end {
            match self.flow {
                Flow::Full => return Ok(()),
                Flow::Stop => break,
                Flow::More => {}
            }
            let Some(left) = left.checked_sub(1) else {
                self.text.push(b"Simulated ");
                self.text.push(self.digits.format(self.cycle).as_bytes());
                self.text.push(b" cycles\n");
                self.hand_on()?;
                break;
            };
            self.end = End::Flushing(left);
            self.cycle(None)?;
            if self.cycle == pause {
                return self.hand_on();
            }
        }
        self.end = End::Closed;
        self.to.close()
    }
}

impl<S: Stage> Stage for Account<S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        // Its lines are held for as many cycles as the delay has.
        let block = block.clone().compact();
        let mut at = 0;
        for line in block.lines() {
            let end = at + line.len();
            self.cycle(Some(block.slice(at..end)))?;
            at = end;
        }
        self.hand_on()?;
        Ok(self.flow)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.to)
    }

    fn close(&mut self) -> Result<()> {
        self.say_cycle();
        self.text.push(b": Flush the channel\n");
        self.end = End::Flushing(self.delay);
        self.flush_channel()
    }

    fn throw(&mut self, error: Error) -> Result<()> {
        self.end = End::Closed;
        self.to.throw(error)
    }

    fn waits(&mut self, waits: &mut Waits) {
        if matches!(self.end, End::Flushing(_)) && self.flow == Flow::More {
            waits.now();
        }
        self.to.waits(waits);
    }

    fn wake(&mut self, waits: &Waits) -> Result<Flow> {
        let woken = self.to.wake(waits);
        // One that failed takes no more; the end is not waited for then.
        self.flow = *woken.as_ref().unwrap_or(&Flow::Stop);
        let flushed = match self.end {
            End::Flushing(_) => self.flush_channel(),
            End::Open | End::Closed => Ok(()),
        };
        woken.and_then(|flow| flushed.map(|()| flow))
    }

    fn idle(&mut self) -> bool {
        self.end == End::Closed && self.to.idle()
    }
}

impl<S> fmt::Debug for Account<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("delay", &self.delay)
            .field("cycle", &self.cycle)
            .finish_non_exhaustive()
    }
}
