//! A source that ends when processes have: `tail --pid`.

use std::time::Duration;

use costage::{ProcessEnd, Pull, Pulled, Result, Told, Waits};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use crate::last_look::end_if_silent;

/// Ends another source when certain processes have ended, and all they wrote has been read. They need be no
/// children. Where the system can be asked to tell, nothing wakes before.
///
/// ```
/// use std::time::Duration;
/// use cofollow::UntilEnded;
/// use costage::{Reader, Source, collect};
///
/// let (reader, writer) = std::io::pipe()?;
/// std::io::Write::write_all(&mut &writer, b"one\ntwo\n")?;
/// let mut child = std::process::Command::new("true").spawn()?;
/// let id = child.id();
/// child.wait()?;
/// let (text, sink) = collect();
/// let reader = Reader::new("a pipe", reader)?;
/// Source::new(UntilEnded::new(reader, &[id], Duration::from_secs(1))).drive(sink)?;
/// assert_eq!(text.take(), b"one\ntwo\n");
/// # drop(writer);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct UntilEnded<P> {
    pull: P,
    /// Those that have not ended.
    processes: Vec<Process>,
    /// Is there something to wait for at all?
    has_end: bool,
    /// Had all ended before the last wait? What they wrote was then waited for, too.
    had_ended: bool,
    ended: bool,
}

#[derive(Debug)]
struct Process {
    pid: Pid,
    end: ProcessEnd,
}

impl Process {
    /// `None` for what is no number of a process: it counts as one that has ended.
    fn new(id: u32, every: Duration) -> Option<Process> {
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw)?;
        Some(Process {
            pid,
            end: ProcessEnd::new(id, every),
        })
    }

    fn has_ended(&mut self, waits: &Waits) -> bool {
        match self.end.told(waits) {
            Told::Nothing => false,
            Told::Ended => true,
            // One that may not be sent a signal is there.
            Told::Ask => test_kill_process(self.pid) == Err(Errno::SRCH),
        }
    }
}

impl<P: Pull> UntilEnded<P> {
    /// Ends `pull` when all these processes have ended; with none it ends by itself. Where the system does not
    /// tell, they are asked for `every` so often.
    pub fn new(pull: P, processes: &[u32], every: Duration) -> UntilEnded<P> {
        let running = processes.iter().filter_map(|&id| Process::new(id, every));
        UntilEnded {
            pull,
            processes: running.collect(),
            has_end: !processes.is_empty(),
            had_ended: false,
            ended: false,
        }
    }
}

impl<P: Pull> Pull for UntilEnded<P> {
    fn waits(&mut self, waits: &mut Waits, room: bool) {
        self.pull.waits(waits, room);
        self.had_ended = self.has_end && self.processes.is_empty();
        if room && self.had_ended {
            waits.now();
        }
        for process in &mut self.processes {
            process.end.waits(waits);
        }
    }

    fn look(&mut self, waits: &Waits) -> Result<()> {
        self.processes
            .retain_mut(|process| !process.has_ended(waits));
        self.pull.look(waits)
    }

    fn pull(&mut self, waits: &Waits) -> Result<Pulled> {
        if self.ended {
            return Ok(Pulled::End);
        }
        let pulled = self.pull.pull(waits)?;
        if self.had_ended && matches!(pulled, Pulled::Wait) {
            return end_if_silent(&mut self.pull, waits, &mut self.ended);
        }
        Ok(pulled)
    }

    fn source(&mut self) -> Option<&mut dyn Pull> {
        Some(&mut self.pull)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use costage::{Block, Source, collect};
    use std::process::Command;

    /// A pipe into which the last is written after it was looked at, and before the end of its writer is.
    struct Late(u32);

    impl Pull for Late {
        fn waits(&mut self, _: &mut Waits, _: bool) {
            self.0 += 1;
        }

        fn pull(&mut self, _: &Waits) -> Result<Pulled> {
            if self.0 != 2 {
                return Ok(Pulled::Wait);
            }
            self.0 += 1;
            Ok(Pulled::Block(Block::from("the last\n")))
        }
    }

    // It was lost.
    #[test]
    fn what_was_written_just_before_the_end_is_waited_for_after_it() {
        let mut child = Command::new("true").spawn().expect("true");
        let id = child.id();
        child.wait().expect("ended");
        let (text, sink) = collect();
        let source = UntilEnded::new(Late(0), &[id], Duration::from_secs(1));
        Source::new(source).drive(sink).expect("no error");
        assert_eq!(text.take(), b"the last\n");
    }
}
