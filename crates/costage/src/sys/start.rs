//! How the process was started.

use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU32, Ordering};

/// The signals whose disposition at the start is worth knowing, by their bit in [`START`].
const WATCHED: [libc::c_int; 5] = [
    libc::SIGPIPE,
    libc::SIGINT,
    libc::SIGTERM,
    libc::SIGHUP,
    libc::SIGXFSZ,
];
/// Bits 0 to 4: this signal was ignored; bits 8 to 10: this descriptor was closed.
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

/// Ignores SIGPIPE, and opens /dev/null on closed standard descriptors.
pub(crate) fn prepare() {
    for _ in (0..3).filter(|&fd| closed_at_start(fd)) {
        // SAFETY: the path is a C string. What is opened gets the lowest free number, which is the next of these.
        if unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) } == -1 {
            // As the runtime does: nothing that is opened may become standard output.
            std::process::abort();
        }
    }
    // SAFETY: to ignore a signal needs no handler of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
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
