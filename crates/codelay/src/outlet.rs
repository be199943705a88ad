//! Where lines go that leave, and the account of them, if one is kept.

use costage::{Block, Error, Flow, Result, Stage, Waits};

use crate::law::Entry;
use crate::nanos::Nanos;
use crate::trace::Records;

/// The target of a channel, and that of its trace.
pub(crate) struct Outlet<S> {
    lines: Branch<S>,
    trace: Option<(Records, Branch<Box<dyn Stage>>)>,
}

/// A stage, and what it last answered.
struct Branch<S> {
    stage: S,
    flow: Flow,
}

impl<S: Stage> Branch<S> {
    fn new(stage: S) -> Branch<S> {
        let flow = Flow::More;
        Branch { stage, flow }
    }

    fn send(&mut self, block: &Block) -> Result<()> {
        if self.flow == Flow::Stop {
            return Ok(());
        }
        let answer = self.stage.send(block);
        self.note(answer)
    }

    fn flush(&mut self) -> Result<()> {
        if self.flow == Flow::Stop {
            return Ok(());
        }
        let answer = self.stage.flush();
        self.note(answer)
    }

    fn wake(&mut self, waits: &Waits) -> Result<()> {
        let answer = self.stage.wake(waits);
        self.note(answer)
    }

    /// One that failed takes no more.
    fn note(&mut self, answer: Result<Flow>) -> Result<()> {
        self.flow = *answer.as_ref().unwrap_or(&Flow::Stop);
        answer.map(|_| ())
    }
}

impl<S: Stage> Outlet<S> {
    pub(crate) fn new(to: S) -> Outlet<S> {
        Outlet {
            lines: Branch::new(to),
            trace: None,
        }
    }

    pub(crate) fn trace_to(&mut self, trace: Box<dyn Stage>) {
        self.trace = Some((Records::new(), Branch::new(trace)));
    }

    /// How both stand: the one that takes less.
    pub(crate) fn flow(&self) -> Flow {
        let trace = self.trace.as_ref().map_or(Flow::More, |(_, to)| to.flow);
        match (self.lines.flow, trace) {
            (Flow::Stop, _) | (_, Flow::Stop) => Flow::Stop,
            (Flow::Full, _) | (_, Flow::Full) => Flow::Full,
            (Flow::More, Flow::More) => Flow::More,
        }
    }

    pub(crate) fn send(&mut self, block: &Block) -> Result<()> {
        self.lines.send(block)
    }

    pub(crate) fn received(&mut self, entry: &Entry, departure: Nanos) {
        if let Some((records, _)) = &mut self.trace {
            records.received(entry, departure);
        }
    }

    pub(crate) fn dropped(&mut self, entry: &Entry) {
        if let Some((records, _)) = &mut self.trace {
            records.dropped(entry);
        }
    }

    /// Sends on what was recorded.
    pub(crate) fn send_records(&mut self) -> Result<()> {
        if let Some((records, to)) = &mut self.trace
            && let Some(block) = records.take()
        {
            return to.send(&block);
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> Result<()> {
        self.send_records()?;
        if let Some((_, to)) = &mut self.trace {
            to.flush()?;
        }
        self.lines.flush()
    }

    pub(crate) fn close(&mut self) -> Result<()> {
        let sent = self.send_records();
        let closed = self.lines.stage.close();
        let traced = match &mut self.trace {
            Some((_, to)) => to.stage.close(),
            None => Ok(()),
        };
        sent.and(closed).and(traced)
    }

    pub(crate) fn throw(&mut self, error: Error) -> Result<()> {
        let sent = self.send_records();
        let traced = match &mut self.trace {
            Some((_, to)) => to.stage.throw(error.clone()),
            None => Ok(()),
        };
        let thrown = self.lines.stage.throw(error);
        thrown.and(traced).and(sent)
    }

    pub(crate) fn waits(&mut self, waits: &mut Waits) {
        self.lines.stage.waits(waits);
        if let Some((_, to)) = &mut self.trace {
            to.stage.waits(waits);
        }
    }

    pub(crate) fn wake(&mut self, waits: &Waits) -> Result<()> {
        let woken = self.lines.wake(waits);
        if let Some((_, to)) = &mut self.trace {
            to.wake(waits)?;
        }
        woken
    }

    pub(crate) fn idle(&mut self) -> bool {
        let trace = self.trace.as_mut();
        self.lines.stage.idle() && trace.is_none_or(|(_, to)| to.stage.idle())
    }

    pub(crate) fn target(&mut self) -> &mut S {
        &mut self.lines.stage
    }
}
