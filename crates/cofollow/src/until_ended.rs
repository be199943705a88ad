//! A source that ends when processes have: `tail --pid`.

use std::time::Duration;

use costage::{Block, ProcessEnd, Pull, Pulled, Result, Told, Waits};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

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
            ended: false,
        }
    }
}

impl<P: Pull> Pull for UntilEnded<P> {
    fn waits(&mut self, waits: &mut Waits, room: bool) {
        self.pull.waits(waits, room);
        if room && (self.ended || self.has_end && self.processes.is_empty()) {
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
        let had_ended = self.has_end && self.processes.is_empty();
        let pulled = self.pull.pull(waits)?;
        if !had_ended || !matches!(pulled, Pulled::Wait) {
            return Ok(pulled);
        }
        // What it wrote last may not have been told of yet.
        self.pull.look_again();
        let pulled = self.pull.pull(waits)?;
        if !matches!(pulled, Pulled::Wait) {
            return Ok(pulled);
        }
        self.ended = true;
        Ok(self.pull.stop().map_or(Pulled::End, Pulled::Block))
    }

    fn drains(&self) -> bool {
        self.pull.drains()
    }

    fn held(&self) -> usize {
        self.pull.held()
    }

    fn is_drained(&self) -> bool {
        self.pull.is_drained()
    }

    fn look_again(&mut self) {
        self.pull.look_again();
    }

    fn stop(&mut self) -> Option<Block> {
        self.pull.stop()
    }
}
