//! One chain, several branches.

use crate::{Block, Error, Flow, Result, Stage, Waits};

/// Sends every block to each target, in their order; the blocks are shared, not copied.
///
/// A target that wants no more is closed and left out, and so is one whose reader went away; when none is left
/// the chain stops. A target that is full holds the others back. All are closed at the end even if one fails.
///
/// ```
/// use costage::{Source, Stage, broadcast, collect};
///
/// let ((first, one), (second, two)) = (collect(), collect());
/// let branches: [Box<dyn Stage>; 2] = [Box::new(one), Box::new(two)];
/// Source::text("to all\n").drive(broadcast(branches))?;
/// assert_eq!((first.take(), second.take()), (b"to all\n".to_vec(), b"to all\n".to_vec()));
/// # Ok::<(), costage::Error>(())
/// ```
pub fn broadcast<'a>(to: impl IntoIterator<Item = Box<dyn Stage + 'a>>) -> Broadcast<'a> {
    let branches: Vec<Branch> = to
        .into_iter()
        .map(|stage| Branch {
            stage,
            flow: Flow::More,
            lost: None,
        })
        .collect();
    Broadcast {
        branches,
        ends: Ends::default(),
    }
}

/// A stage with several targets. Made by [`broadcast`].
pub struct Broadcast<'a> {
    branches: Vec<Branch<'a>>,
    ends: Ends,
}

/// How the branches ended that have.
#[derive(Default)]
struct Ends {
    /// The last one did because its reader went away: when none is left, that is why.
    reader_gone: Option<Error>,
    /// The first that failed, until it has been told by `throw`.
    failed: Option<Error>,
    /// One that ends ends all.
    together: bool,
}

impl Ends {
    /// Notes how a branch ended. That its reader went away is no error as long as others are left that go on.
    fn note(&mut self, ended: Result<()>) -> Result<()> {
        self.reader_gone = None;
        match ended {
            Err(error) if error.is_reader_gone() && !self.together => {
                self.reader_gone = Some(error);
                Ok(())
            }
            ended => ended,
        }
    }
}

struct Branch<'a> {
    stage: Box<dyn Stage + 'a>,
    /// Its last answer; `Stop` once it is closed.
    flow: Flow,
    /// It was closed, and its reader went away before all was written.
    lost: Option<Error>,
}

impl Branch<'_> {
    /// Notes an answer. One who wants no more is closed, and so is one who failed.
    fn note(&mut self, answer: Result<Flow>, ends: &mut Ends) -> Result<()> {
        match answer {
            Ok(Flow::Stop) => {
                self.flow = Flow::Stop;
                ends.note(self.stage.close())
            }
            Ok(flow) => {
                self.flow = flow;
                Ok(())
            }
            Err(error) => {
                self.flow = Flow::Stop;
                // The branch tidies up what it can; it may take its own error as dealt with.
                let ended = ends.note(self.stage.throw(error));
                ends.failed = ends.failed.take().or(ended.clone().err());
                ended
            }
        }
    }

    /// Notes the answer of one that is closed and still writes. That its reader goes away is no error as long as
    /// another one's is there.
    fn note_late(&mut self, answer: Result<Flow>) -> Result<()> {
        match answer {
            Err(error) if error.is_reader_gone() => {
                self.lost = Some(error);
                Ok(())
            }
            answer => answer.map(|_| ()),
        }
    }
}

impl<'a> Broadcast<'a> {
    /// Ends as soon as one of the targets wants no more, or its reader has gone away: where what one takes is worth
    /// nothing without what the others take.
    ///
    /// ```
    /// use costage::{Flow, Source, Stage, broadcast, collect, per_line};
    ///
    /// let (lines, all) = collect();
    /// let first = per_line(|_| Ok(Flow::Stop));
    /// let branches: [Box<dyn Stage>; 2] = [Box::new(all), Box::new(first)];
    /// let endless = Source::reader("endless", std::fs::File::open("/dev/zero")?)?.framed(0, costage::Framing::Lines);
    /// endless.drive(broadcast(branches).together())?;
    /// assert!(!lines.take().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn together(mut self) -> Broadcast<'a> {
        self.ends.together = true;
        self
    }

    /// Does `call` to every branch that is open, and answers for all of them.
    fn each(
        &mut self,
        mut call: impl FnMut(&mut (dyn Stage + 'a)) -> Result<Flow>,
    ) -> Result<Flow> {
        let mut outcome = Ok(());
        for branch in &mut self.branches {
            if branch.flow != Flow::Stop {
                let answer = call(&mut *branch.stage);
                outcome = outcome.and(branch.note(answer, &mut self.ends));
            }
        }
        outcome?;
        Ok(self.flow())
    }

    fn flow(&self) -> Flow {
        let has = |flow| self.branches.iter().any(|branch| branch.flow == flow);
        if self.ends.together && has(Flow::Stop) {
            Flow::Stop
        } else if has(Flow::Full) {
            Flow::Full
        } else if has(Flow::More) {
            Flow::More
        } else {
            Flow::Stop
        }
    }

    fn is_ended(&self) -> bool {
        self.branches.iter().all(|branch| branch.flow == Flow::Stop)
    }

    /// Ends every branch that is open, whatever becomes of the others; the first error counts. If all that were
    /// open lost their readers, or the last one before did, so has the chain.
    fn end(&mut self, mut end: impl FnMut(&mut (dyn Stage + 'a)) -> Result<()>) -> Result<()> {
        let mut outcome = Ok(());
        let mut someone_read = false;
        for branch in &mut self.branches {
            if branch.flow != Flow::Stop {
                branch.flow = Flow::Stop;
                outcome = outcome.and(self.ends.note(end(&mut *branch.stage)));
                someone_read |= self.ends.reader_gone.is_none();
            }
        }
        match self.ends.reader_gone.take() {
            Some(gone) if !someone_read => outcome.and(Err(gone)),
            _ => outcome,
        }
    }
}

impl Stage for Broadcast<'_> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        self.each(|stage| stage.send(block))
    }

    /// There are several: everything is forwarded by the methods below.
    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }

    fn flush(&mut self) -> Result<Flow> {
        self.each(Stage::flush)
    }

    fn close(&mut self) -> Result<()> {
        self.end(Stage::close)
    }

    /// Thrown into every branch; dealt with only if all of them took it so.
    fn throw(&mut self, error: Error) -> Result<()> {
        if self.is_ended() {
            return Err(error);
        }
        let ended = self.end(|stage| stage.throw(error.clone()));
        self.ends.failed.take().map_or(ended, Err)
    }

    fn waits(&mut self, waits: &mut Waits) {
        for branch in &mut self.branches {
            branch.stage.waits(waits);
        }
    }

    fn wake(&mut self, waits: &Waits) -> Result<Flow> {
        let mut outcome = Ok(());
        for branch in &mut self.branches {
            let answer = branch.stage.wake(waits);
            outcome = outcome.and(match branch.flow {
                Flow::Stop => branch.note_late(answer),
                _ => branch.note(answer, &mut self.ends),
            });
        }
        outcome?;
        let all_lost = self.branches.iter().all(|branch| branch.lost.is_some());
        match self.branches.iter().find_map(|branch| branch.lost.clone()) {
            Some(gone) if all_lost || self.ends.together => Err(gone),
            _ => Ok(self.flow()),
        }
    }

    fn idle(&mut self) -> bool {
        // Not `all`: every branch is asked, none waits for another.
        self.branches
            .iter_mut()
            .map(|branch| branch.stage.idle())
            .fold(true, |all, idle| all & idle)
    }
}

impl std::fmt::Debug for Broadcast<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broadcast")
            .field("branches", &self.branches.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ended, Source, collect, per_line, sink};

    #[test]
    fn one_branch_that_stops_or_loses_its_reader_does_not_end_the_others() {
        let (lines, keep) = collect();
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let branches: [Box<dyn Stage>; 3] = [
            Box::new(per_line(|_| Ok(Flow::Stop))),
            Box::new(sink("a pipe", writer)),
            Box::new(keep),
        ];
        let ended = Source::text("a\nb\n").drive(broadcast(branches));
        assert_eq!(ended.expect("driven"), Ended::Input);
        assert_eq!(lines.take(), b"a\nb\n");
    }

    #[test]
    fn when_every_reader_is_gone_so_is_the_chain() {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let branches: [Box<dyn Stage>; 1] = [Box::new(sink("a pipe", writer))];
        let mut stage = broadcast(branches);
        let big = Block::from(b"x\n".repeat(100_000));
        assert_eq!(stage.send(&big).expect("sent"), Flow::Stop);
        assert!(stage.close().expect_err("gone").is_reader_gone());
    }

    // The branch that had had enough died of SIGPIPE after another one's reader had left.
    #[test]
    fn who_left_last_says_why_the_chain_ended() {
        let gone = || {
            let (reader, writer) = std::io::pipe().expect("a pipe");
            drop(reader);
            Box::new(sink("a pipe", writer))
        };
        let satisfied = || Box::new(per_line(|_| Ok(Flow::Stop)));
        let big = Block::from(b"x\n".repeat(100_000));
        let mut stage = broadcast([gone() as Box<dyn Stage>, satisfied()]);
        assert_eq!(stage.send(&big).expect("sent"), Flow::Stop);
        stage.close().expect("the last one had enough");
        // Too little to have been written before the end.
        let mut stage = broadcast([gone() as Box<dyn Stage>]);
        let _ = stage.send(&Block::from("x\n")).expect("sent");
        assert!(stage.close().expect_err("gone").is_reader_gone());
    }

    // What one branch had failed with was forgotten when the others did not mind.
    #[test]
    fn an_error_that_its_own_branch_did_not_deal_with_counts() {
        let unmoved = crate::coroutine(collect().1, async |mut input, _| {
            while !matches!(input.recv().await, Ok(None)) {}
            Ok(())
        });
        let branches: [Box<dyn Stage>; 2] = [
            Box::new(per_line(|_| Err(Error::other("broken")))),
            Box::new(unmoved),
        ];
        let ended = Source::text("a\n").drive(broadcast(branches));
        assert_eq!(ended.expect_err("failed").to_string(), "broken");
    }

    // The program died of SIGPIPE, and nobody was told.
    #[test]
    fn an_error_counts_before_a_reader_that_left_at_the_same_block() {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let branches: [Box<dyn Stage>; 2] = [
            Box::new(per_line(|_| Err(Error::other("broken")))),
            Box::new(sink("a pipe", writer)),
        ];
        let mut stage = broadcast(branches);
        let big = Block::from(b"x\n".repeat(100_000));
        let error = stage.send(&big).expect_err("failed");
        assert_eq!(error.to_string(), "broken");
        let ended = stage.throw(error);
        assert_eq!(ended.expect_err("failed").to_string(), "broken");
    }

    #[test]
    fn all_branches_are_closed_even_when_one_fails() {
        let (lines, keep) = collect();
        let late = crate::coroutine(keep, async |mut input, mut out| {
            while input.recv().await?.is_some() {}
            let _ = out.line(b"closed\n")?;
            Ok(())
        });
        let fails = crate::coroutine(collect().1, async |mut input, _| {
            while input.recv().await?.is_some() {}
            Err(Error::other("cannot close"))
        });
        let branches: [Box<dyn Stage>; 2] = [Box::new(fails), Box::new(late)];
        let ended = Source::text("a\n").drive(broadcast(branches));
        assert_eq!(ended.expect_err("failed").to_string(), "cannot close");
        assert_eq!(lines.take(), b"closed\n");
    }

    #[test]
    fn an_error_of_one_branch_reaches_the_others_as_a_throw() {
        let (lines, keep) = collect();
        let told = crate::coroutine(keep, async |mut input, mut out| {
            loop {
                match input.recv().await {
                    Ok(Some(_)) => {}
                    Ok(None) => return Ok(()),
                    Err(error) => {
                        let _ = out.line(format!("told: {error}\n").as_bytes())?;
                        return Err(error);
                    }
                }
            }
        });
        let branches: [Box<dyn Stage>; 2] = [
            Box::new(per_line(|_| Err(Error::other("broken")))),
            Box::new(told),
        ];
        let ended = Source::text("a\n").drive(broadcast(branches));
        assert_eq!(ended.expect_err("failed").to_string(), "broken");
        assert_eq!(lines.take(), b"told: broken\n");
    }
}
