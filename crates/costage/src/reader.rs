//! Reading any descriptor without ever waiting in the read.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use crate::error::STANDARD_INPUT;
use crate::framer::BLOCK;
use crate::sys::{self, Kind};
use crate::{
    Block, Call, Error, Framer, Framing, Interest, Pull, Pulled, Result, Wait, Waits, start,
};

/// What a pipe holds if nobody asks for more, on Linux, and what a first read brings.
const PIPE: usize = 64 << 10;
/// What a pipe is made to hold once a read has found it full. It lets both ends run on while the other is busy:
/// `cogrep a | cogrep b | cogrep c` took 0.75 of the time, `cat | cogrep` 0.74; with 1 MiB the same, for four times as
/// much of what a user's pipes may take together. docs/benchmarks.md has the runs.
pub(crate) const BUSY_PIPE: i32 = 256 << 10;

/// A file, a pipe, a socket, a terminal: anything with a descriptor, read as blocks of lines.
pub struct Reader {
    fd: Box<dyn AsFd + Send>,
    name: Arc<str>,
    kind: Kind,
    how: How,
    framer: Framer,
    wait: Option<Wait>,
    ended: bool,
    /// A pipe that has not been found full yet.
    may_grow: bool,
    /// How much the next read may bring: less until one has brought all of it. Fresh memory costs as much as what is read
    /// into it, in vain where the first lines are enough.
    reach: usize,
}

/// How this descriptor is read without waiting.
#[derive(Clone, Copy, PartialEq)]
enum How {
    /// The call says when there is nothing: anonymous pipes, sockets.
    NoWait,
    /// Plain `read`, after the wait said that there is something; regular files always have.
    Plain,
}

impl Reader {
    /// Reads `fd`, which a message calls `name`. Its own mode is left as it is, blocking or not: the
    /// description may be shared with other processes.
    pub fn new(name: impl Into<Arc<str>>, fd: impl AsFd + Send + 'static) -> Result<Reader> {
        let name = name.into();
        let describe = |error| Error::io(Call::Read, Arc::clone(&name), error);
        let kind = sys::kind(fd.as_fd()).map_err(describe)?;
        if sys::is_write_only(fd.as_fd()).map_err(describe)? {
            // It would be waited for: there is nothing to read in the end of a pipe that is written to, ever.
            return Err(describe(io::Error::from_raw_os_error(libc::EBADF)));
        }
        let nonblocking = sys::is_nonblocking(fd.as_fd()).map_err(describe)?;
        let how = match kind {
            Kind::Pipe | Kind::Socket if !nonblocking => How::NoWait,
            _ => How::Plain,
        };
        Ok(Reader {
            fd: Box::new(fd),
            name,
            kind,
            how,
            framer: Framer::new(b'\n', Framing::Lines),
            wait: None,
            ended: false,
            may_grow: kind == Kind::Pipe,
            reach: match kind {
                Kind::Pipe | Kind::Regular => PIPE,
                // What does not fit of a packet would be lost.
                _ => BLOCK,
            },
        })
    }

    /// Standard input, unless it was closed when the process started.
    pub fn stdin() -> Result<Reader> {
        Reader::stdin_called(STANDARD_INPUT)
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The same, under the name that a message gives it.
    pub fn stdin_called(name: impl Into<Arc<str>>) -> Result<Reader> {
        if start::closed(io::stdin().as_raw_fd()) {
            let closed = io::Error::from_raw_os_error(libc::EBADF);
            return Err(Error::io(Call::Read, name, closed));
        }
        Reader::new(name, io::stdin())
    }

    /// The file at `path`; see [`open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Reader> {
        let path = path.as_ref();
        Reader::new(path.display().to_string(), open(path)?)
    }

    /// Lines end in `terminator`, and are cut as `framing` says.
    pub fn framed(mut self, terminator: u8, framing: Framing) -> Reader {
        self.framer = Framer::new(terminator, framing);
        self
    }

    /// The descriptor of a file that has more to come than one read brings, if nothing of it is held: what a
    /// [`Shortcut`](crate::shortcut::Shortcut) is worth its pipe for.
    pub(crate) fn large_file(&self) -> Option<BorrowedFd<'_>> {
        if self.kind != Kind::Regular || !self.holds_nothing() {
            return None;
        }
        let fd = self.fd.as_fd();
        let mut file = File::from(fd.try_clone_to_owned().ok()?);
        let length = file.metadata().ok()?.len();
        let left = length.saturating_sub(file.stream_position().ok()?);
        (left > BLOCK as u64).then_some(fd)
    }

    /// The descriptor.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// The descriptor, if it is a pipe and nothing of it is held.
    pub(crate) fn pipe(&self) -> Option<BorrowedFd<'_>> {
        (self.kind == Kind::Pipe && self.holds_nothing()).then(|| self.fd.as_fd())
    }

    /// Is nothing read that has not been passed on, and may more come?
    pub(crate) fn holds_nothing(&self) -> bool {
        !self.ended && self.framer.tail_len() == 0
    }

    /// Did the wait for it end with something to read?
    pub(crate) fn is_ready(&self, waits: &Waits) -> bool {
        self.wait.is_some_and(|wait| waits.is_ready(wait))
    }

    /// A failed read of it.
    pub(crate) fn error(&self, error: io::Error) -> Error {
        Error::io(Call::Read, Arc::clone(&self.name), error)
    }

    fn read(&mut self) -> io::Result<usize> {
        self.framer.reserve()?;
        let space = self.framer.space();
        let length = space.len().min(self.reach);
        let count = read(self.fd.as_fd(), &mut self.how, &mut space[..length])?;
        if count == self.reach {
            self.reach = BLOCK;
        }
        Ok(count)
    }
}

/// Reads in this way, and finds out whether it can be done.
fn read(fd: BorrowedFd<'_>, how: &mut How, into: &mut [u8]) -> io::Result<usize> {
    if *how == How::NoWait {
        match sys::read_nowait(fd, into) {
            // A FIFO with a name, or a kernel without the call: from now on the wait decides.
            Err(error) if is_unsupported(&error) => *how = How::Plain,
            read => return read,
        }
    }
    sys::read(fd, into)
}

/// Opens a file to be read. A FIFO is opened without waiting for its writer where the system can tell later that
/// none has come yet; the wait is then in the loop, which meanwhile hears signals and hang-ups.
///
/// # Errors
///
/// That of the system, with the path.
pub fn open(path: impl AsRef<Path>) -> Result<File> {
    let path = path.as_ref();
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOCTTY | sys::OPEN_BEFORE_WRITER)
        .open(path)
        .map_err(|error| Error::io(Call::Open, path.display().to_string(), error))
}

/// Does the kernel not have this call, or not for this descriptor?
pub(crate) fn is_unsupported(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
        || matches!(
            error.raw_os_error(),
            Some(libc::EOPNOTSUPP | libc::ENOSYS | libc::EINVAL)
        )
}

impl Pull for Reader {
    fn waits(&mut self, waits: &mut Waits, room: bool) {
        self.wait = None;
        if room && self.ended {
            // A terminal or a packet socket tells its end once, and would be waited for again.
            waits.now();
        } else if room {
            self.wait = Some(waits.add(self.fd.as_fd(), Interest::Read));
        }
    }

    fn pull(&mut self, waits: &Waits) -> Result<Pulled> {
        if self.ended {
            return Ok(Pulled::End);
        }
        if !self.is_ready(waits) {
            return Ok(Pulled::Wait);
        }
        match self.read() {
            Ok(0) => {
                self.ended = true;
                Ok(self.framer.take_tail().map_or(Pulled::End, Pulled::Block))
            }
            Ok(count) => {
                if self.may_grow && count >= PIPE {
                    self.may_grow = false;
                    sys::enlarge_pipe(self.fd.as_fd(), BUSY_PIPE);
                }
                Ok(self
                    .framer
                    .filled(count)
                    .map_or(Pulled::Partial, Pulled::Block))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Pulled::Wait),
            Err(error) => Err(self.error(error)),
        }
    }

    fn drains(&mut self) -> bool {
        matches!(self.kind, Kind::Pipe | Kind::Socket)
    }

    fn held(&mut self) -> usize {
        self.framer.tail_len()
    }

    fn stop(&mut self) -> Option<Block> {
        self.framer.take_tail()
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
