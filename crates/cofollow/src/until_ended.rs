//! A source that ends when processes have: `tail --pid`.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use costage::{Block, Interest, Pull, Pulled, Result, Wait, Waits};
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
    poll: Duration,
    /// Is there something to wait for at all?
    has_end: bool,
    ended: bool,
}

#[derive(Debug)]
struct Process {
    pid: Pid,
    /// Readable when it has ended.
    handle: Option<OwnedFd>,
    wait: Option<Wait>,
    /// Without a handle: when to ask next.
    ask_at: Instant,
}

impl Process {
    fn new(pid: Pid) -> Process {
        Process {
            pid,
            handle: open(pid),
            wait: None,
            ask_at: Instant::now(),
        }
    }

    fn has_ended(&mut self, waits: &Waits, poll: Duration) -> bool {
        if self.handle.is_some() {
            return self.wait.is_some_and(|wait| waits.is_ready(wait));
        }
        let now = Instant::now();
        if now < self.ask_at {
            return false;
        }
        self.ask_at = now + poll;
        // One that may not be sent a signal is there.
        test_kill_process(self.pid) == Err(Errno::SRCH)
    }
}

#[cfg(target_os = "linux")]
fn open(pid: Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn open(_: Pid) -> Option<OwnedFd> {
    None
}

impl<P: Pull> UntilEnded<P> {
    /// Ends `pull` when all these processes have ended; with none it ends by itself. Where the system does not
    /// tell, they are asked for `every` so often.
    pub fn new(pull: P, processes: &[u32], every: Duration) -> UntilEnded<P> {
        let pids = processes.iter().filter_map(|&id| i32::try_from(id).ok());
        UntilEnded {
            pull,
            // What is no number of a process is the number of one that has ended.
            processes: pids.filter_map(Pid::from_raw).map(Process::new).collect(),
            poll: every,
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
            match &process.handle {
                Some(handle) => process.wait = Some(waits.add(handle.as_fd(), Interest::Read)),
                None => waits.until(process.ask_at),
            }
        }
    }

    fn look(&mut self, waits: &Waits) -> Result<()> {
        let poll = self.poll;
        self.processes
            .retain_mut(|process| !process.has_ended(waits, poll));
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
