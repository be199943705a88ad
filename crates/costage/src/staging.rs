//! A pipe of our own between what is read and an output, for bytes that do not pass through this process.

use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::{AsFd, BorrowedFd};

use crate::sys;

/// The pipe, and how many bytes are in it.
#[derive(Debug)]
pub(crate) struct Staging {
    out: PipeReader,
    into: PipeWriter,
    held: usize,
}

impl Staging {
    /// How much is moved at once: what the pipes on both sides are made to hold, as far as the system lets them.
    /// 1 GiB of a file to a reader of 64 KiB took 332 ms with the output's pipe at 1 MiB and 357 at 256 KiB; to one
    /// that splices 111, 130 at 256 KiB and 195 at the system's 64 KiB. Through a pipe of our own, which lets the
    /// reader read while pages are looked up, it took 271 and 102. Medians of 25 runs.
    pub(crate) const SIZE: libc::c_int = 1 << 20;

    /// An empty one.
    pub(crate) fn new() -> io::Result<Staging> {
        Staging::of(Staging::SIZE)
    }

    /// One that holds so much, if the system lets it.
    pub(crate) fn of(size: libc::c_int) -> io::Result<Staging> {
        let (out, into) = io::pipe()?;
        sys::set_pipe_capacity(into.as_fd(), size);
        Ok(Staging { out, into, held: 0 })
    }

    /// How much it can hold at most.
    pub(crate) fn capacity(&self) -> usize {
        sys::pipe_capacity(self.into.as_fd())
    }

    /// How many bytes are in it.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Where they can be read.
    pub(crate) fn head(&self) -> BorrowedFd<'_> {
        self.out.as_fd()
    }

    /// Moves at most so many bytes into it, from a pipe or from where a file stands.
    pub(crate) fn fill(&mut self, from: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
        let moved = sys::splice(from, self.into.as_fd(), most)?;
        self.held += moved;
        Ok(moved)
    }

    /// Puts at most so many bytes of another pipe into it, which stay there too.
    pub(crate) fn tee(&mut self, from: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
        let put = sys::tee(from, self.into.as_fd(), most)?;
        self.held += put;
        Ok(put)
    }

    /// Moves what is in it on to `output`, as much as that takes.
    pub(crate) fn push(&mut self, output: BorrowedFd<'_>) -> io::Result<usize> {
        let moved = sys::splice(self.out.as_fd(), output, self.held)?;
        self.held -= moved;
        Ok(moved)
    }

    /// So many bytes less are in it: they were moved from its [`head`](Staging::head).
    pub(crate) fn taken(&mut self, count: usize) {
        self.held -= count;
    }

    /// Reads so many of the bytes that are in it.
    pub(crate) fn read(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count.min(self.held)];
        self.out.read_exact(&mut bytes)?;
        self.held -= bytes.len();
        Ok(bytes)
    }
}
