//! Files that are written at the same time.

use std::io;
use std::num::NonZero;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use crate::sys;

/// With less to copy into each file a thread would cost more than it saves.
const LEAST: usize = 256 << 10;

/// What is in a pipe and is to be copied into a file: unlike what goes into a pipe, that keeps a processor busy.
#[derive(Debug)]
pub(super) struct FileCopy<'a> {
    pub(super) from: BorrowedFd<'a>,
    pub(super) to: BorrowedFd<'a>,
    pub(super) count: usize,
}

/// Makes all copies and returns how many bytes each took, in their order. On several processors if it pays; the threads
/// have ended when this returns.
pub(super) fn make(copies: &[&FileCopy<'_>]) -> Vec<io::Result<usize>> {
    let copy_now = |copy: &&FileCopy<'_>| sys::splice(copy.from, copy.to, copy.count);
    let are_few = copies.len() < 2 || copies.iter().any(|copy| copy.count < LEAST);
    if are_few || processors() < 2 {
        return copies.iter().map(copy_now).collect();
    }
    let threads = processors().min(copies.len());
    let next = AtomicUsize::new(0);
    let made = Mutex::new(Vec::with_capacity(copies.len()));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(copy) = copies.get(number) else {
                return;
            };
            let taken = copy_now(copy);
            // A push cannot leave it half done.
            let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
            made.push((number, taken));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            // Without it this thread makes all.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let mut made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.sort_by_key(|&(number, _)| number);
    made.into_iter().map(|(_, taken)| taken).collect()
}

fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get))
}
