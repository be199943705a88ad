//! What the loop sends, and when it flushes: throughput as with large blocks, latency as without.

use std::time::{Duration, Instant};

use super::Driver;
use crate::framer::BLOCK;
use crate::{Block, Flow, Result, Stage};

/// No byte is held back longer than this while input flows.
const HELD_AT_MOST: Duration = Duration::from_millis(1);
/// What one `send` should take at most, so that the bound above is looked at often enough: a block that a slow
/// stage needs longer for is cut into smaller ones.
const SEND_AT_MOST: Duration = Duration::from_micros(500);
/// The first piece, before it is known how long the chain takes for one: what the slowest of regexes needs a few
/// milliseconds for. A fast chain gets whole blocks six sends later.
pub(super) const FIRST_PIECE: usize = 4 << 10;
/// The smallest piece a block is cut into; a line is never cut.
const SMALLEST_PIECE: usize = 512;

impl Driver {
    /// Sends a block, in pieces small enough that a slow stage does not keep back what it has found. Comes back
    /// with a rest when the chain is full, and every millisecond, to look at signals and hang-ups.
    pub(super) fn send(&mut self, mut block: Block, chain: &mut dyn Stage) -> Result<Flow> {
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
    pub(super) fn flush_in_time(&mut self, chain: &mut dyn Stage) -> Result<Flow> {
        match self.held_since {
            Some(since) if since.elapsed() >= HELD_AT_MOST => self.flush(Flow::More, chain),
            _ => Ok(Flow::More),
        }
    }

    /// Flushes a chain whose source has no more now: without asking first, so that a single line is out a system call
    /// sooner. Where the last one has only just been, more are on their way, and are gathered.
    pub(super) fn flush_at_rest(&mut self, flow: Flow, chain: &mut dyn Stage) -> Result<Flow> {
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
    pub(super) fn may_hold(&mut self) {
        self.held_since.get_or_insert_with(Instant::now);
    }

    /// Flushes a chain that answered `flow`, unless it stopped. A flush may make room, and then nothing would wake
    /// the chain; a stage that is full all the same says so when it is woken, before anything is sent to it.
    pub(super) fn flush(&mut self, flow: Flow, chain: &mut dyn Stage) -> Result<Flow> {
        self.flushed = self.held_since.take().or(self.flushed);
        if flow == Flow::Stop {
            return Ok(flow);
        }
        chain.flush()
    }

    /// Is there nothing to be done before the chain is flushed? Asks the system, or takes it to be as it was.
    pub(super) fn nothing_is_ready(&mut self) -> Result<bool> {
        if self.looks.are_in_vain() {
            return Ok(true);
        }
        let is_ready = self.waits.look()? > 0;
        self.looks.saw(is_ready);
        Ok(!is_ready)
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ended, Source};

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
    fn a_chain_that_may_be_slow_is_not_sent_much_at_first() {
        let mut first = None;
        let text = "a line\n".repeat(BLOCK / 7);
        let ended = Source::text(&*text).drive(First(&mut first));
        assert_eq!(ended.expect("no error"), Ended::Input);
        assert_eq!(first, Some(FIRST_PIECE / 7 * 7));
    }
}
