//! Writing, if need be without waiting.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::{count, retry};

/// The most buffers one call takes; POSIX promises 16 (`_XOPEN_IOV_MAX`), and more gains nothing here.
pub(crate) const MAX_SLICES: usize = 16;

/// `writev(2)` of at most [`MAX_SLICES`] slices; may wait if the descriptor does.
pub(crate) fn write(fd: BorrowedFd<'_>, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
    write_by(slices, |slices| {
        // SAFETY: IoSlice has the layout of iovec on Unix (promised by its documentation), and `slices` holds as
        // many as the call is told.
        unsafe { libc::writev(fd.as_raw_fd(), slices.as_ptr().cast(), slice_count(slices)) }
    })
}

/// Like [`write`], and never waits: `WouldBlock` when there is no room, `Unsupported` where the kernel cannot
/// do this for the descriptor (FIFOs with a name, terminals, regular files).
#[cfg(target_os = "linux")]
pub(crate) fn write_nowait(fd: BorrowedFd<'_>, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
    write_by(slices, |slices| {
        // SAFETY: as in `write`.
        unsafe {
            libc::pwritev2(
                fd.as_raw_fd(),
                slices.as_ptr().cast(),
                slice_count(slices),
                -1,
                libc::RWF_NOWAIT,
            )
        }
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn write_nowait(_: BorrowedFd<'_>, _: &[io::IoSlice<'_>]) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Writes at most [`MAX_SLICES`] slices by `call`. Tests put [`faults`] in its way.
fn write_by(
    slices: &[io::IoSlice<'_>],
    call: impl Fn(&[io::IoSlice<'_>]) -> isize,
) -> io::Result<usize> {
    let slices = &slices[..slices.len().min(MAX_SLICES)];
    retry(|| {
        #[cfg(test)]
        match faults::next() {
            Some(faults::Fault::Fails(errno)) => return Err(io::Error::from_raw_os_error(errno)),
            Some(faults::Fault::IsShort(most)) => {
                let most = most.min(slices[0].len());
                return count(call(&[io::IoSlice::new(&slices[0][..most])]));
            }
            None => {}
        }
        count(call(slices))
    })
}

/// As the calls want it: there are at most [`MAX_SLICES`].
fn slice_count(slices: &[io::IoSlice<'_>]) -> libc::c_int {
    libc::c_int::try_from(slices.len()).unwrap_or(1)
}

/// What tests put in the way of the writes of their thread.
#[cfg(test)]
pub(crate) mod faults {
    use std::cell::RefCell;
    use std::collections::VecDeque;

    #[derive(Clone, Copy, Debug)]
    pub(crate) enum Fault {
        /// It fails with this error.
        Fails(libc::c_int),
        /// It writes no more than this, which is not 0.
        IsShort(usize),
    }

    thread_local! {
        static COMING: RefCell<VecDeque<Fault>> = const { RefCell::new(VecDeque::new()) };
    }

    /// The next writes meet these, one each.
    pub(crate) fn inject(faults: impl IntoIterator<Item = Fault>) {
        COMING.set(faults.into_iter().collect());
    }

    pub(super) fn next() -> Option<Fault> {
        COMING.with_borrow_mut(VecDeque::pop_front)
    }
}
