//! Every system call of the core that the standard library does not offer, each wrapped once: `EINTR` is
//! handled here, and the rest of the crate is safe code.

#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// The most buffers one call takes; POSIX promises 16 (`_XOPEN_IOV_MAX`), and more gains nothing here.
pub(crate) const MAX_SLICES: usize = 16;

/// What a descriptor stands for, as far as waiting for it differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Pipe,
    Socket,
    Regular,
    /// /dev/null.
    Null,
    Other,
}

pub(crate) fn kind(fd: BorrowedFd<'_>) -> io::Result<Kind> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: `stat` is a writable buffer of the type the call fills; it is read only after success.
    let stat = unsafe {
        check(libc::fstat(fd.as_raw_fd(), stat.as_mut_ptr()))?;
        stat.assume_init()
    };
    Ok(match stat.st_mode & libc::S_IFMT {
        libc::S_IFIFO => Kind::Pipe,
        libc::S_IFSOCK => Kind::Socket,
        // A block device too has a position of its own in every description of it, and always has room.
        libc::S_IFREG | libc::S_IFBLK => Kind::Regular,
        libc::S_IFCHR if is_null(stat.st_rdev) => Kind::Null,
        _ => Kind::Other,
    })
}

/// Is a character device of this number /dev/null? Only Linux has the same number everywhere.
fn is_null(device: libc::dev_t) -> bool {
    cfg!(target_os = "linux") && (libc::major(device), libc::minor(device)) == (1, 3)
}

/// The flags to open a FIFO that may have no writer yet. Linux's and FreeBSD's `poll` do not take that for a
/// hang-up; elsewhere it would be the end of the file, and `open` has to wait.
pub(crate) const OPEN_BEFORE_WRITER: libc::c_int = if cfg!(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd"
)) {
    libc::O_NONBLOCK
} else {
    0
};

pub(crate) fn is_nonblocking(fd: BorrowedFd<'_>) -> io::Result<bool> {
    // SAFETY: F_GETFL takes no argument and touches no memory of ours.
    let flags = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) };
    check(flags)?;
    Ok(flags & libc::O_NONBLOCK != 0)
}

/// Waits until a descriptor is ready or `timeout` has passed (`None`: for ever) and says how many are.
/// An interruption by a signal is 0 ready, like a timeout: the caller looks at everything again.
pub(crate) fn poll(fds: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<usize> {
    match poll_call(fds, timeout) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            for fd in fds {
                fd.revents = 0;
            }
            Ok(0)
        }
        ready => ready,
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn poll_call(fds: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<usize> {
    let spec = timeout.map(|t| libc::timespec {
        tv_sec: libc::time_t::try_from(t.as_secs()).unwrap_or(libc::time_t::MAX),
        // Below 10^9: fits every width of the field.
        #[allow(clippy::cast_lossless)]
        tv_nsec: t.subsec_nanos() as _,
    });
    let spec = spec.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: `fds` is a valid array of its length for the time of the call, `spec` null or a live timespec,
    // and a null mask leaves the signal mask alone.
    let ready = unsafe { libc::ppoll(fds.as_mut_ptr(), fds.len() as _, spec, std::ptr::null()) };
    count(ready as isize)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn poll_call(fds: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<usize> {
    // Rounded up: a timeout that fires early would spin until the deadline.
    let millis = timeout.map_or(-1, |t| {
        i32::try_from(t.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
    });
    // SAFETY: `fds` is a valid array of its length for the time of the call.
    let ready = unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as _, millis) };
    count(ready as isize)
}

/// A timer that is a descriptor: readable once it has fired, until it is set again. `Unsupported` where there is none.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn timer() -> io::Result<OwnedFd> {
    use std::os::fd::FromRawFd;
    // SAFETY: takes integers only.
    let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC) };
    check(fd)?;
    // SAFETY: the call has just made this descriptor, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn timer() -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Lets a [`timer`] fire after this time, or, with `None`, not at all.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn set_timer(timer: BorrowedFd<'_>, after: Option<Duration>) -> io::Result<()> {
    // All zero would disarm it.
    let after = after.map_or(Duration::ZERO, |after| after.max(Duration::from_nanos(1)));
    let never = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let spec = libc::itimerspec {
        it_interval: never,
        it_value: libc::timespec {
            tv_sec: libc::time_t::try_from(after.as_secs()).unwrap_or(libc::time_t::MAX),
            // Below 10^9: fits every width of the field.
            #[allow(clippy::cast_lossless)]
            tv_nsec: after.subsec_nanos() as _,
        },
    };
    // SAFETY: `spec` lives as long as the call; a null old value is not written.
    check(unsafe {
        libc::timerfd_settime(timer.as_raw_fd(), 0, &raw const spec, std::ptr::null_mut())
    })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn set_timer(_: BorrowedFd<'_>, _: Option<Duration>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// `read(2)`; 0 is the end of the file.
pub(crate) fn read(fd: BorrowedFd<'_>, into: &mut [u8]) -> io::Result<usize> {
    retry(|| {
        // SAFETY: `into` is writable for its whole length.
        count(unsafe { libc::read(fd.as_raw_fd(), into.as_mut_ptr().cast(), into.len()) })
    })
}

/// Reads what is there and never waits, whatever the descriptor's own mode, which others may share:
/// `WouldBlock` when nothing is, `Unsupported` where the kernel cannot do this for the descriptor.
#[cfg(target_os = "linux")]
pub(crate) fn read_nowait(fd: BorrowedFd<'_>, into: &mut [u8]) -> io::Result<usize> {
    let slice = libc::iovec {
        iov_base: into.as_mut_ptr().cast(),
        iov_len: into.len(),
    };
    retry(|| {
        // SAFETY: one iovec over `into`, which is writable for its whole length.
        count(unsafe { libc::preadv2(fd.as_raw_fd(), &raw const slice, 1, -1, libc::RWF_NOWAIT) })
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn read_nowait(_: BorrowedFd<'_>, _: &mut [u8]) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Lets a pipe hold more. That it may not is no error: an unprivileged user has a limit on the memory of all
/// pipes together (`pipe(7)`, pipe-user-pages-soft).
#[cfg(target_os = "linux")]
pub(crate) fn enlarge_pipe(fd: BorrowedFd<'_>, capacity: libc::c_int) {
    // SAFETY: F_GETPIPE_SZ takes no argument and touches no memory of ours.
    let has = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETPIPE_SZ) };
    if (0..capacity).contains(&has) {
        set_pipe_capacity(fd, capacity);
    }
}

/// Lets a pipe hold so much, if the system allows it.
#[cfg(target_os = "linux")]
pub(crate) fn set_pipe_capacity(fd: BorrowedFd<'_>, capacity: libc::c_int) {
    // SAFETY: F_SETPIPE_SZ takes an integer and touches no memory of ours.
    unsafe {
        libc::fcntl(fd.as_raw_fd(), libc::F_SETPIPE_SZ, capacity);
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn set_pipe_capacity(_: BorrowedFd<'_>, _: libc::c_int) {}

#[cfg(not(target_os = "linux"))]
pub(crate) fn enlarge_pipe(_: BorrowedFd<'_>, _: libc::c_int) {}

/// How much a pipe holds if all that is put into it are whole pages; 0 if nobody tells.
#[cfg(target_os = "linux")]
pub(crate) fn pipe_capacity(fd: BorrowedFd<'_>) -> usize {
    // SAFETY: F_GETPIPE_SZ takes no argument and touches no memory of ours.
    let capacity = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETPIPE_SZ) };
    usize::try_from(capacity).unwrap_or(0)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn pipe_capacity(_: BorrowedFd<'_>) -> usize {
    0
}

/// How many bytes can be read from a pipe now.
pub(crate) fn available(fd: BorrowedFd<'_>) -> io::Result<usize> {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int to where it is told, which lives as long as the call.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONREAD, &raw mut count) })?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Moves at most `length` bytes from where a file stands, or from a pipe, into a pipe or between pipes, and never
/// waits for a pipe, whatever its mode: `WouldBlock` when it has no room or nothing in it. 0 is the end. Pages
/// of a file are not copied: who writes to them before they are read changes what is read.
#[cfg(target_os = "linux")]
pub(crate) fn splice(from: BorrowedFd<'_>, to: BorrowedFd<'_>, length: usize) -> io::Result<usize> {
    retry(|| {
        // SAFETY: null offsets, so that the call touches no memory of ours.
        count(unsafe {
            libc::splice(
                from.as_raw_fd(),
                std::ptr::null_mut(),
                to.as_raw_fd(),
                std::ptr::null_mut(),
                length,
                libc::SPLICE_F_NONBLOCK,
            )
        })
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn splice(_: BorrowedFd<'_>, _: BorrowedFd<'_>, _: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Puts at most `length` bytes that are at the head of a pipe into another one too, and leaves them where they are.
/// Never waits, whatever the pipes' modes: `WouldBlock` when there is no room or nothing to put. What does not fit
/// cannot be put later, because the next call begins at the head again.
#[cfg(target_os = "linux")]
pub(crate) fn tee(from: BorrowedFd<'_>, to: BorrowedFd<'_>, length: usize) -> io::Result<usize> {
    retry(|| {
        // SAFETY: takes integers only.
        count(unsafe {
            libc::tee(
                from.as_raw_fd(),
                to.as_raw_fd(),
                length,
                libc::SPLICE_F_NONBLOCK,
            )
        })
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn tee(_: BorrowedFd<'_>, _: BorrowedFd<'_>, _: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Copies at most `length` bytes from where one file stands to where another does; file systems that can, share
/// them. 0 is the end, or a file that does not know its length (/proc, before Linux 5.19).
#[cfg(target_os = "linux")]
pub(crate) fn copy_file_range(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    length: usize,
) -> io::Result<usize> {
    retry(|| {
        // SAFETY: null offsets, so that the call touches no memory of ours.
        count(unsafe {
            libc::copy_file_range(
                from.as_raw_fd(),
                std::ptr::null_mut(),
                to.as_raw_fd(),
                std::ptr::null_mut(),
                length,
                0,
            )
        })
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn copy_file_range(_: BorrowedFd<'_>, _: BorrowedFd<'_>, _: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// How many descriptors the process may have: what it may use now, and what it may raise that to.
pub(crate) fn descriptor_limits() -> io::Result<(u64, u64)> {
    let mut limits = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: `limits` is a writable buffer of the type the call fills; it is read only after success.
    unsafe {
        check(libc::getrlimit(libc::RLIMIT_NOFILE, limits.as_mut_ptr()))?;
        let limits = limits.assume_init();
        Ok((limits.rlim_cur, limits.rlim_max))
    }
}

/// Sets what [`descriptor_limits`] tells.
pub(crate) fn set_descriptor_limits(now: u64, most: u64) -> io::Result<()> {
    let limits = libc::rlimit {
        rlim_cur: now,
        rlim_max: most,
    };
    // SAFETY: the call reads the live struct it is given.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limits) })
}

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

fn retry(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

fn count(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// The signals whose disposition at the start is worth knowing, by their bit in [`START`].
const WATCHED: [libc::c_int; 4] = [libc::SIGPIPE, libc::SIGINT, libc::SIGTERM, libc::SIGHUP];
/// Bits 0 to 3: this signal was ignored; bits 8 to 10: this descriptor was closed.
static START: AtomicU32 = AtomicU32::new(0);
const FIRST_DESCRIPTOR_BIT: u32 = 8;

/// Was `signal` ignored when the process started? Rust's runtime ignores SIGPIPE before `main`, so it must be
/// asked before that.
pub(crate) fn ignored_at_start(signal: libc::c_int) -> bool {
    WATCHED
        .iter()
        .position(|&watched| watched == signal)
        .is_some_and(|bit| START.load(Ordering::Relaxed) & (1 << bit) != 0)
}

/// Was this descriptor of 0, 1 and 2 closed when the process started? Rust's runtime puts /dev/null there
/// before `main`, and what should fail would seem to work.
pub(crate) fn closed_at_start(fd: RawFd) -> bool {
    u32::try_from(fd).is_ok_and(|fd| {
        fd < 3 && START.load(Ordering::Relaxed) & (1 << (FIRST_DESCRIPTOR_BIT + fd)) != 0
    })
}

/// From now on `signal` sets `again` if it comes `apart` or more after the first of all signals that share `first`:
/// its time in nanoseconds, 0 as long as none has come.
pub(crate) fn flag_repeat(
    signal: libc::c_int,
    apart: Duration,
    first: Arc<AtomicU64>,
    again: Arc<AtomicBool>,
) -> io::Result<()> {
    let action = move || {
        let now = monotonic_nanos();
        if let Err(first) = first.compare_exchange(0, now, Ordering::SeqCst, Ordering::SeqCst)
            && u128::from(now.saturating_sub(first)) >= apart.as_nanos()
        {
            again.store(true, Ordering::SeqCst);
        }
    };
    // SAFETY: the action calls clock_gettime, which is async-signal-safe (POSIX 2.4.3), and touches atomics; it
    // neither allocates nor locks nor panics.
    unsafe { signal_hook::low_level::register(signal, action) }.map(|_| ())
}

/// The clock that is never set, in nanoseconds; not 0.
fn monotonic_nanos() -> u64 {
    let mut now = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: `now` is a writable buffer of the type the call fills, read only after success.
    let now = unsafe {
        if libc::clock_gettime(libc::CLOCK_MONOTONIC, now.as_mut_ptr()) == -1 {
            return 1;
        }
        now.assume_init()
    };
    let (seconds, nanos) = (now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs());
    #[allow(clippy::useless_conversion)]
    let (seconds, nanos) = (u64::from(seconds), u64::from(nanos));
    (seconds * 1_000_000_000 + nanos).max(1)
}

extern "C" fn record_start() {
    let mut start = 0;
    for (bit, &signal) in WATCHED.iter().enumerate() {
        let mut action = MaybeUninit::<libc::sigaction>::uninit();
        // SAFETY: a null new action only asks; `action` is a writable buffer, read only after success.
        let ignored = unsafe {
            libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
                && action.assume_init().sa_sigaction == libc::SIG_IGN
        };
        start |= u32::from(ignored) << bit;
    }
    for fd in 0..3 {
        // SAFETY: F_GETFD takes no argument and touches no memory of ours.
        let closed = unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1;
        start |= u32::from(closed) << (FIRST_DESCRIPTOR_BIT + fd.unsigned_abs());
    }
    START.store(start, Ordering::Relaxed);
}

// SAFETY: the section holds pointers to functions that the loader calls before `main`, which is what this is;
// `record_start` calls only async-signal-safe functions, allocates nothing and uses nothing of the runtime.
#[used]
#[cfg_attr(
    target_vendor = "apple",
    unsafe(link_section = "__DATA,__mod_init_func")
)]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
static RECORD_START: extern "C" fn() = record_start;

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
