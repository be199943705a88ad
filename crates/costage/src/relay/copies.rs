//! Files that are written at the same time.

use std::collections::VecDeque;
use std::io;
use std::num::NonZero;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use crate::sys;

/// With less to copy into each file to wake another thread would cost more than it saves.
const LEAST: usize = 256 << 10;

/// What is in a pipe and is to be copied into a file: unlike what goes into a pipe, that keeps a processor busy.
#[derive(Debug)]
pub(super) struct FileCopy<'a> {
    pub(super) from: BorrowedFd<'a>,
    pub(super) to: BorrowedFd<'a>,
    pub(super) count: usize,
}

/// Makes copies, on several processors if it pays. The threads that help are started when there first is much to copy,
/// and end with it: to start one for each MiB took up to a twentieth of the processor time.
#[derive(Debug, Default)]
pub(super) struct Writers {
    helped: Option<Arc<Queue>>,
}

impl Writers {
    /// Makes all copies and returns how many bytes each took, in their order. None is under way when this returns.
    pub(super) fn make(&mut self, copies: &[&FileCopy<'_>]) -> Vec<io::Result<usize>> {
        let are_many = copies.len() > 1 && copies.iter().all(|copy| copy.count >= LEAST);
        if are_many
            && processors() > 1
            && let Ok(made) = self.make_with_help(copies)
        {
            return made;
        }
        let make = |copy: &&FileCopy<'_>| sys::splice(copy.from, copy.to, copy.count);
        copies.iter().map(make).collect()
    }

    /// An error if not even the first was begun.
    fn make_with_help(&mut self, copies: &[&FileCopy<'_>]) -> io::Result<Vec<io::Result<usize>>> {
        let (tell, told) = channel();
        let job = |(number, copy): (usize, &&FileCopy<'_>)| {
            Ok(Job {
                number,
                from: copy.from.try_clone_to_owned()?,
                to: copy.to.try_clone_to_owned()?,
                count: copy.count,
                made: tell.clone(),
            })
        };
        let jobs: VecDeque<Job> = copies
            .iter()
            .enumerate()
            .map(job)
            .collect::<io::Result<_>>()?;
        drop(tell);
        let queue = self.helped.get_or_insert_with(Queue::with_helpers);
        queue.jobs().waiting = jobs;
        queue.changed.notify_all();
        loop {
            // Not within the copying: the others are to take theirs.
            let Some(job) = queue.jobs().waiting.pop_front() else {
                break;
            };
            job.make();
        }
        let mut made: Vec<(usize, io::Result<usize>)> = told.iter().collect();
        made.sort_by_key(|&(number, _)| number);
        Ok(made.into_iter().map(|(_, taken)| taken).collect())
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        if let Some(queue) = &self.helped {
            queue.jobs().are_over = true;
            queue.changed.notify_all();
        }
    }
}

/// The copies that nobody has begun.
#[derive(Debug, Default)]
struct Queue {
    jobs: Mutex<Jobs>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    are_over: bool,
}

impl Queue {
    /// One from which as many threads take as there are other processors.
    fn with_helpers() -> Arc<Queue> {
        let queue = Arc::new(Queue::default());
        for _ in 1..processors() {
            let helped = Arc::clone(&queue);
            // Without it the others make all.
            let _ = thread::Builder::new().spawn(move || helped.help());
        }
        queue
    }

    fn help(&self) {
        let nothing_to_do = |jobs: &mut Jobs| jobs.waiting.is_empty() && !jobs.are_over;
        loop {
            let mut jobs = self
                .changed
                .wait_while(self.jobs(), nothing_to_do)
                .unwrap_or_else(PoisonError::into_inner);
            let Some(job) = jobs.waiting.pop_front() else {
                return;
            };
            drop(jobs);
            job.make();
        }
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        // Nothing that is done with it can leave it half done.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A copy that any thread can make.
#[derive(Debug)]
struct Job {
    number: usize,
    from: OwnedFd,
    to: OwnedFd,
    count: usize,
    made: Sender<(usize, io::Result<usize>)>,
}

impl Job {
    fn make(self) {
        let taken = sys::splice(self.from.as_fd(), self.to.as_fd(), self.count);
        // Who asked for it waits for it.
        let _ = self.made.send((self.number, taken));
    }
}

fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get))
}
