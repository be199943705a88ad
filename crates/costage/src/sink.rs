//! Where a chain ends: writing to a descriptor without ever waiting in the write.

mod how;
mod memory;
mod written;

pub use memory::{Collect, Collected, Discard, collect, discard};
pub use written::Written;

use std::collections::VecDeque;
use std::io::{self, Stdout};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::how::How;
use crate::error::STANDARD_OUTPUT;
use crate::reader::BUSY_PIPE;
use crate::shortcut::Shortcut;
use crate::sys;
use crate::{Block, Call, Error, Flow, Gather, Interest, Result, Stage, Wait, Waits};

/// Lines are gathered up to a write of this size: what a pipe holds by default.
const GATHER: usize = 64 << 10;
/// A reader that makes room within this time is not slow.
const MOMENT: Duration = Duration::from_millis(10);

/// Prints lines to standard output: the course's `printer()`.
pub fn printer() -> Sink<Stdout> {
    sink(STANDARD_OUTPUT, io::stdout())
}

/// Writes to a file, a pipe, a socket, a child's input: anything with a descriptor; messages call it `name`.
/// It is closed when all has been written, or when its reader has gone away.
///
/// ```
/// use std::io::Read;
/// use costage::{Source, sink};
///
/// let (mut reader, writer) = std::io::pipe()?;
/// Source::text("into a pipe\n").drive(sink("a pipe", writer))?;
/// let mut text = String::new();
/// reader.read_to_string(&mut text)?;
/// assert_eq!(text, "into a pipe\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sink<F: AsFd>(name: impl Into<Arc<str>>, fd: F) -> Sink<F> {
    let how = How::of(fd.as_fd());
    Sink {
        name: name.into(),
        fd: Some(fd),
        how,
        gather: Gather::new(b'\n'),
        queue: VecDeque::new(),
        state: State::Open,
        blocked: false,
        may_grow: true,
        full_since: None,
        wait: None,
        written: Written::default(),
    }
}

/// A sink that writes to a descriptor. Made by [`sink`] and [`printer`].
///
/// It gathers small blocks, writes large ones as they are, and answers [`Flow::Full`] when the descriptor has
/// no room; it waits for room, or for the reader to go away, in the chain's one loop.
#[derive(Debug)]
pub struct Sink<F> {
    name: Arc<str>,
    /// Closed, and `None`, at the end.
    fd: Option<F>,
    how: How,
    /// What is too little to be written yet.
    gather: Gather,
    /// What is to be written before it; the first block may be written in part.
    queue: VecDeque<Block>,
    state: State,
    /// The last write found no room.
    blocked: bool,
    /// The output has not been made to hold more yet.
    may_grow: bool,
    /// If so: since when it has been full.
    full_since: Option<Instant>,
    wait: Option<Wait>,
    written: Written,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Open,
    /// All came that will come.
    Closing,
    /// The reader went away.
    ReaderGone,
    /// A write failed, which was said.
    Failed,
}

impl<F> Sink<F> {
    /// What messages call it.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }
}

impl<F: AsFd> Sink<F> {
    /// Counts what is written from now on; also after the sink is gone.
    ///
    /// ```
    /// use costage::{Source, sink};
    ///
    /// let (_reader, writer) = std::io::pipe()?;
    /// let sink = sink("a pipe", writer);
    /// let written = sink.written();
    /// Source::text("eight b\n").drive(sink)?;
    /// assert_eq!(written.bytes(), 8);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn written(&self) -> Written {
        self.written.clone()
    }

    /// Counts in `written` together with others, as the sinks that take the place of each other do.
    pub fn counted_by(mut self, written: &Written) -> Sink<F> {
        self.written = written.clone();
        self
    }

    /// Writes what is queued until nothing is left or there is no room.
    fn write(&mut self) -> Result<Flow> {
        self.blocked = false;
        while !self.queue.is_empty() {
            match self.write_once() {
                Ok(written) => {
                    self.advance(written);
                    self.grow();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(self.block()),
                Err(error) if error.raw_os_error() == Some(libc::EPIPE) => {
                    self.give_up(State::ReaderGone);
                    return Ok(Flow::Stop);
                }
                Err(error) => {
                    self.give_up(State::Failed);
                    return Err(self.error(error));
                }
            }
        }
        if self.state == State::Closing {
            self.close_fd();
        }
        Ok(Flow::More)
    }

    /// There was no room: it is waited for.
    fn block(&mut self) -> Flow {
        self.blocked = true;
        if self.may_grow {
            self.full_since.get_or_insert_with(Instant::now);
        }
        Flow::Full
    }

    /// There was room: if that came soon after there was none, both ends are busy, and a pipe that holds more lets each
    /// run on while the other is. In front of a reader that is slow lines would only get old.
    fn grow(&mut self) {
        let waited = self.full_since.take().map(|since| since.elapsed());
        if waited.is_some_and(|waited| waited < MOMENT)
            && let Some(output) = self.output()
        {
            sys::enlarge_pipe(output, BUSY_PIPE);
            self.may_grow = false;
        }
    }

    fn write_once(&mut self) -> io::Result<usize> {
        let Some(fd) = self.fd.as_ref().map(AsFd::as_fd) else {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        };
        self.how.write(fd, &self.queue)
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(mut first) = self.queue.pop_front() {
            self.written.add(&first, written.min(first.len()));
            if written < first.len() {
                first.skip(written);
                self.queue.push_front(first);
                return;
            }
            written -= first.len();
        }
    }

    /// Lets go of the descriptor, so that a reader sees the end; that of [`printer`] stays open.
    fn close_fd(&mut self) {
        self.fd = None;
        self.how = How::Closed;
    }

    fn give_up(&mut self, state: State) {
        self.state = state;
        self.close_fd();
        self.queue.clear();
        self.gather.take();
    }

    /// A failed write into it.
    pub(crate) fn error(&self, error: io::Error) -> Error {
        Error::io(Call::Write, Arc::clone(&self.name), error)
    }

    /// So many bytes were moved into the output.
    pub(crate) fn moved(&self, count: usize) {
        self.written.add_bytes(count);
    }

    /// Can bytes be moved into the output, unseen?
    pub(crate) fn needs_no_bytes(&self) -> bool {
        !self.written.counts_lines()
    }

    /// Where it writes to, if it does.
    pub(crate) fn output(&self) -> Option<BorrowedFd<'_>> {
        match (&self.fd, &self.how) {
            (None, _) | (_, How::Closed) => None,
            (Some(fd), _) => Some(fd.as_fd()),
        }
    }

    /// Has all that it was sent been written?
    pub(crate) fn holds_nothing(&self) -> bool {
        self.queue.is_empty() && self.gather.is_empty()
    }

    /// The way that the system has from a file into this output without passing through the process.
    pub(crate) fn shortcut(&self) -> Option<Shortcut> {
        self.output().and_then(Shortcut::into)
    }

    /// Moves some of `file` along `shortcut`. `None`: this way goes no further, and an ordinary read or write will tell
    /// what is wrong, if anything is. To be called only when all that was sent before has been written.
    pub(crate) fn step(&mut self, shortcut: &mut Shortcut, file: BorrowedFd<'_>) -> Option<Flow> {
        debug_assert!(self.holds_nothing());
        let fd = self.fd.as_ref()?.as_fd();
        match shortcut.step(file, fd) {
            Ok(0) => None,
            Ok(_) if !shortcut.is_blocked() => Some(Flow::More),
            // Full, as far as one knows: the wait tells.
            Ok(_) => Some(self.block()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Some(self.block()),
            Err(error) if error.raw_os_error() == Some(libc::EPIPE) => {
                self.give_up(State::ReaderGone);
                Some(Flow::Stop)
            }
            Err(_) => None,
        }
    }

    fn reader_gone(&self) -> Error {
        Error::ReaderGone {
            what: Arc::clone(&self.name),
        }
    }

    /// Puts what was gathered behind what is queued.
    fn queue_gathered(&mut self) {
        self.queue.extend(self.gather.take());
    }
}

impl<F: AsFd> Stage for Sink<F> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        match self.state {
            State::Open => {}
            State::ReaderGone | State::Failed | State::Closing => return Ok(Flow::Stop),
        }
        if self.gather.len() + block.len() < GATHER {
            self.gather.push(block);
            return Ok(if self.blocked { Flow::Full } else { Flow::More });
        }
        self.queue_gathered();
        self.queue.push_back(block.clone());
        self.write()
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }

    fn flush(&mut self) -> Result<Flow> {
        if self.state != State::Open {
            return Ok(Flow::Stop);
        }
        self.queue_gathered();
        self.write()
    }

    fn close(&mut self) -> Result<()> {
        if self.state == State::Open {
            self.queue_gathered();
            self.state = State::Closing;
            let _ = self.write()?;
        }
        match self.state {
            State::ReaderGone => Err(self.reader_gone()),
            _ => Ok(()),
        }
    }

    fn throw(&mut self, error: Error) -> Result<()> {
        let _ = self.close();
        Err(error)
    }

    fn waits(&mut self, waits: &mut Waits) {
        self.wait = match (&self.fd, self.state) {
            (Some(fd), State::Open | State::Closing) => {
                let interest = if self.blocked {
                    Interest::Write
                } else {
                    Interest::HangUp
                };
                Some(waits.add(fd.as_fd(), interest))
            }
            _ => None,
        };
    }

    fn wake(&mut self, waits: &Waits) -> Result<Flow> {
        let closing = self.state == State::Closing;
        if self.wait.is_some_and(|wait| waits.is_hung_up(wait)) {
            self.give_up(State::ReaderGone);
        }
        let flow = match self.state {
            State::ReaderGone | State::Failed => Flow::Stop,
            State::Open | State::Closing if self.blocked => self.write()?,
            State::Open | State::Closing => Flow::More,
        };
        if let Some(output) = self.output() {
            self.written.look_at_reader(output);
        }
        // Open, the coming `close` will say so; closing, there is none.
        if closing && self.state == State::ReaderGone {
            return Err(self.reader_gone());
        }
        Ok(flow)
    }

    fn idle(&mut self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;
    use crate::sys::faults::{Fault, inject};
    use proptest::prelude::*;
    use std::io::Read;
    use std::thread;

    fn fault() -> impl Strategy<Value = Fault> {
        let fails = |errno| Just(Fault::Fails(errno));
        prop_oneof![
            4 => fails(libc::EINTR),
            4 => fails(libc::EAGAIN),
            8 => (1_usize..5000).prop_map(Fault::IsShort),
            1 => fails(libc::ENOSPC),
            1 => fails(libc::EPIPE),
            1 => fails(libc::EIO),
        ]
    }

    /// Fills a pipe and makes room in it again and again, each time after so long, until it holds more; at most so often.
    #[cfg(target_os = "linux")]
    fn grows(after: Duration, times: usize) -> bool {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let before = sys::pipe_capacity(writer.as_fd());
        let mut sink = sink("a pipe", writer.try_clone().expect("a descriptor"));
        let block = Block::from(vec![b'\n'; GATHER]);
        (0..times).any(|_| {
            while sink.send(&block).expect("no error") == Flow::More {}
            // The reader is as slow as that, or slower.
            thread::sleep(after);
            reader.read_exact(&mut vec![0; GATHER]).expect("full");
            let _ = sink.flush().expect("no error");
            sys::pipe_capacity(writer.as_fd()) > before
        })
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_pipe_is_made_to_hold_more_unless_its_reader_is_slow() {
        // Often: on a busy machine any reader is slow at times.
        assert!(grows(Duration::ZERO, 1000));
        assert!(!grows(MOMENT, 5));
    }

    proptest! {
        /// Whatever happens to its writes: what was written is the beginning of what was sent, all of it unless a
        /// write failed, and the counts say how much.
        #[test]
        fn writes_that_fail_or_are_short_lose_and_repeat_nothing(
            faults in proptest::collection::vec(fault(), 0..20),
            lines in 0_usize..30_000,
        ) {
            let text = "line\n".repeat(lines);
            let (mut reader, writer) = io::pipe().expect("a pipe");
            let read = thread::spawn(move || {
                let mut got = Vec::new();
                reader.read_to_end(&mut got).expect("read");
                got
            });
            let written = Written::with_lines();
            let sink = sink("a pipe", writer).counted_by(&written);
            inject(faults.iter().copied());
            let ended = Source::text(text.as_str()).drive(sink);
            inject([]);
            let got = read.join().expect("a reader");
            prop_assert!(text.as_bytes().starts_with(&got));
            prop_assert_eq!(written.bytes(), got.len() as u64);
            let lines = got.split_inclusive(|&byte| byte == b'\n').count();
            prop_assert_eq!(written.lines(), lines as u64);
            if ended.is_ok() {
                prop_assert_eq!(got.len(), text.len());
            } else {
                let is_fatal = |fault: &Fault| match fault {
                    Fault::Fails(errno) => ![libc::EINTR, libc::EAGAIN].contains(errno),
                    Fault::IsShort(_) => false,
                };
                prop_assert!(faults.iter().any(is_fatal), "{:?}", ended);
            }
        }
    }

    // A pipe has room again when a page of it is free: who read it line by line seemed to read nothing.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_reader_takes_from_a_full_pipe_is_seen() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let mut sink = sink("a pipe", writer);
        let written = sink.written();
        written.watch_reader();
        let block = Block::from(vec![b'x'; 1 << 20]);
        assert_eq!(sink.send(&block).expect("sent"), Flow::Full);
        let mut wake = || sink.wake(&Waits::default()).expect("woken");
        assert_eq!(wake(), Flow::Full);
        assert_eq!(written.taken(), 0);
        reader.read_exact(&mut [0; 10]).expect("read");
        assert_eq!(wake(), Flow::Full);
        assert_eq!(written.taken(), 10);
    }
}
