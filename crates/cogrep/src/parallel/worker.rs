//! The threads, each of which searches one part after the other.

use std::sync::Arc;

use costage::{Block, Driver, Error, Flow, Result, Stage};

use super::lines::PartLines;
use super::shared::Shared;
use crate::stage::Passed;
use crate::{Grep, Input, Matcher, Settings};

/// One of the threads.
pub(super) struct Worker<M> {
    pub(super) shared: Arc<Shared>,
    pub(super) matcher: M,
    pub(super) settings: Settings,
    pub(super) name: Option<Vec<u8>>,
    pub(super) length: Option<u64>,
    /// Knows how much the search takes at once without being late.
    pub(super) driver: Driver,
}

/// Says so if the thread ends by a panic: nobody shall wait for its part for ever.
struct Ending<'a>(&'a Shared, u64, Option<Result<(Passed, Option<u64>)>>);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let panicked = || Err(Error::other("a thread that searched has panicked"));
        let outcome = self.2.take().unwrap_or_else(panicked);
        self.0.end_part(self.1, outcome);
    }
}

impl<M: Matcher> Worker<M> {
    pub(super) fn run(&mut self) {
        let shared = Arc::clone(&self.shared);
        while let Some(number) = shared.begin_part() {
            let mut ending = Ending(&shared, number, None);
            ending.2 = Some(self.search(number));
        }
    }

    fn search(&mut self, number: u64) -> Result<(Passed, Option<u64>)> {
        let shared = Arc::clone(&self.shared);
        let mut lines = PartLines::new(&shared.stretch, number);
        let mut passed = Passed::default();
        let mut own = 0;
        if self.settings.line_numbers || shared.stretch.counts_lines {
            own = lines.read_all()?;
            let Some(before) = shared.number_lines(number, own) else {
                return Ok((passed, None));
            };
            passed.lines = before;
        } else {
            lines.read_first()?;
        }
        passed.bytes = shared.stretch.before.bytes + lines.begin - shared.stretch.range.start;
        let to = ToPart {
            shared: &shared,
            number,
        };
        let mut grep = Grep::several(&mut self.matcher, self.settings.clone(), to);
        let _ = grep.begin(Input {
            name: self.name.as_deref(),
            length: self.length,
        })?;
        grep.absorb(passed);
        self.driver.pump(&mut lines, &mut grep)?;
        let mut all = grep.passed();
        all.lines = own;
        all.bytes -= passed.bytes;
        Ok((all, lines.end()))
    }
}

/// Where a thread's search sends what it finds.
struct ToPart<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Stage for ToPart<'_> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        Ok(if self.shared.pass(self.number, block.clone()) {
            Flow::More
        } else {
            Flow::Stop
        })
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }
}
