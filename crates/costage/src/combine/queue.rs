//! A part of a chain in a thread of its own.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::event::{Event, Ring, event};
use crate::{Block, Call, Driver, Ended, Error, Flow, Pull, Pulled, Result, Stage, Wait, Waits};

/// Runs the stage that `make` makes in a thread of its own, behind a queue of at most `depth` blocks: for a
/// stage that must block, as one that calls a database. The rest of the chain goes on meanwhile; when the queue
/// is full, it is held back.
///
/// The stage is made in its thread, so it need not be [`Send`]. Its errors come back at a later call.
///
/// ```
/// use costage::{Flow, Source, per_line, queue};
/// use std::sync::mpsc;
///
/// let (sender, receiver) = mpsc::channel();
/// let slow = queue(4, move || {
///     per_line(move |line| {
///         sender.send(line.len()).ok();
///         Ok(Flow::More)
///     })
/// })?;
/// Source::text("a\nseries of\n").drive(slow)?;
/// assert_eq!(receiver.iter().collect::<Vec<_>>(), [2, 10]);
/// # Ok::<(), costage::Error>(())
/// ```
///
/// # Errors
///
/// If the thread or the pipes that wake it cannot be had.
pub fn queue<S, M>(depth: usize, make: M) -> Result<Queue>
where
    S: Stage,
    M: FnOnce() -> S + Send + 'static,
{
    let failed = |error| Error::io(Call::Spawn, "a thread for a queue", error);
    let (work, to_worker) = event().map_err(failed)?;
    let (news, to_stage) = event().map_err(failed)?;
    let shared = Arc::new(Shared::default());
    let mut inbox = Inbox {
        shared: Arc::clone(&shared),
        to_stage: to_stage.clone(),
    };
    let outcome = Arc::clone(&shared);
    thread::Builder::new()
        .name("queue".into())
        .spawn(move || {
            let ended = catch_unwind(AssertUnwindSafe(|| {
                let mut chain = Called {
                    shared: Arc::clone(&inbox.shared),
                    work,
                    chain: make(),
                };
                let mut driver = Driver::new();
                let ended = driver.pump(&mut inbox, &mut chain);
                driver.finish(&mut chain, ended)
            }));
            outcome.lock().ended = Some(ended);
            to_stage.ring();
        })
        .map_err(failed)?;
    Ok(Queue {
        depth: depth.max(1),
        shared,
        news,
        to_worker,
        wait: None,
        done: None,
    })
}

/// What the two threads share.
#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    blocks: VecDeque<Block>,
    /// Nothing more will be sent: the end, or an error to throw.
    last: Option<Result<()>>,
    /// A signal has come to this thread's loop; the other knows of none.
    last_call: bool,
    /// How the other thread's chain ended: an outcome, or a panic.
    ended: Option<Result<Result<Ended>, Box<dyn Any + Send>>>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock can panic half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of a chain in a thread of its own. Made by [`queue`].
pub struct Queue {
    depth: usize,
    shared: Arc<Shared>,
    news: Event,
    to_worker: Ring,
    wait: Option<Wait>,
    /// The other thread has ended: with this answer from now on.
    done: Option<Flow>,
}

impl Queue {
    /// How things stand: what the other thread's end means, or whether there is room.
    fn state(&mut self) -> Result<Flow> {
        if let Some(flow) = self.done {
            return Ok(flow);
        }
        let mut state = self.shared.lock();
        let Some(ended) = state.ended.take() else {
            return Ok(if state.blocks.len() < self.depth {
                Flow::More
            } else {
                Flow::Full
            });
        };
        drop(state);
        self.done = Some(Flow::Stop);
        match ended {
            Ok(ended) => ended.map(|_| Flow::Stop),
            Err(panic) => resume_unwind(panic),
        }
    }

    fn pass_last_call(&self, waits: &Waits) {
        if waits.is_last_call() && !std::mem::replace(&mut self.shared.lock().last_call, true) {
            self.to_worker.ring();
        }
    }

    fn say_last(&self, last: Result<()>) {
        self.shared.lock().last.get_or_insert(last);
        self.to_worker.ring();
    }
}

impl Stage for Queue {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        if self.state()? == Flow::Stop {
            return Ok(Flow::Stop);
        }
        self.shared.lock().blocks.push_back(block.clone().compact());
        self.to_worker.ring();
        self.state()
    }

    /// The target is in another thread, which flushes it whenever it waits.
    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }

    fn flush(&mut self) -> Result<Flow> {
        self.state()
    }

    fn close(&mut self) -> Result<()> {
        self.say_last(Ok(()));
        self.state().map(|_| ())
    }

    /// What becomes of the error is known when the other thread has ended: [`wake`](Stage::wake) answers.
    fn throw(&mut self, error: Error) -> Result<()> {
        if self.state()? == Flow::Stop {
            return Err(error);
        }
        self.say_last(Err(error));
        Ok(())
    }

    fn waits(&mut self, waits: &mut Waits) {
        self.pass_last_call(waits);
        self.wait = self.done.is_none().then(|| self.news.waits(waits));
    }

    fn wake(&mut self, waits: &Waits) -> Result<Flow> {
        self.pass_last_call(waits);
        if self.wait.is_some_and(|wait| waits.is_ready(wait)) {
            self.news.clear();
        }
        self.state()
    }

    fn idle(&mut self) -> bool {
        self.done.is_some()
    }
}

/// A queue that is dropped without being closed closes: its thread is not left waiting.
impl Drop for Queue {
    fn drop(&mut self) {
        self.say_last(Ok(()));
    }
}

/// The queue as the other thread's source.
struct Inbox {
    shared: Arc<Shared>,
    to_stage: Ring,
}

impl Pull for Inbox {
    fn waits(&mut self, waits: &mut Waits, room: bool) {
        let state = self.shared.lock();
        if room && (!state.blocks.is_empty() || state.last.is_some()) {
            waits.now();
        }
    }

    fn pull(&mut self, _: &Waits) -> Result<Pulled> {
        let mut state = self.shared.lock();
        if let Some(block) = state.blocks.pop_front() {
            drop(state);
            self.to_stage.ring();
            return Ok(Pulled::Block(block));
        }
        match state.last.take() {
            None => Ok(Pulled::Wait),
            Some(Ok(())) => Ok(Pulled::End),
            Some(Err(error)) => Err(error),
        }
    }
}

/// The other thread's chain, which hears the bell: also while it takes nothing, and after its input has ended, for
/// the last call may come then.
struct Called<S> {
    shared: Arc<Shared>,
    work: Event,
    chain: S,
}

impl<S: Stage> Stage for Called<S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        self.chain.send(block)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.chain)
    }

    fn waits(&mut self, waits: &mut Waits) {
        if self.shared.lock().last_call {
            waits.call_last();
        }
        self.work.waits(waits);
        self.chain.waits(waits);
    }

    fn wake(&mut self, waits: &Waits) -> Result<Flow> {
        self.work.clear();
        self.chain.wake(waits)
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("depth", &self.depth)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, Text, per_line, sink};
    use std::io::Read;
    use std::sync::mpsc;

    #[test]
    fn all_comes_through_in_order_however_short_the_queue() {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let text = (0..50_000).fold(String::new(), |text, n| text + &format!("line {n}\n"));
        let expected = text.clone();
        let read = thread::spawn(move || {
            let mut got = String::new();
            reader.read_to_string(&mut got).expect("read");
            got
        });
        let block = Block::from(text.as_str());
        let mut rest = block;
        let mut stage = queue(1, move || sink("a pipe", writer)).expect("a thread");
        let mut driver = Driver::new();
        while !rest.is_empty() {
            let piece = rest.split_lines(1000);
            driver
                .pump(&mut Text::new(piece), &mut stage)
                .expect("pumped");
        }
        driver
            .finish(&mut stage, Ok(Ended::Input))
            .expect("finished");
        assert_eq!(read.join().expect("joined"), expected);
    }

    #[test]
    fn a_full_queue_holds_back_and_says_when_there_is_room() {
        let (go, gate) = mpsc::channel::<()>();
        let mut stage = queue(2, move || {
            per_line(move |_| {
                gate.recv().ok();
                Ok(Flow::More)
            })
        })
        .expect("a thread");
        let block = Block::from("x\n");
        let mut sent = 1;
        while stage.send(&block).expect("sent") == Flow::More {
            sent += 1;
        }
        // One may be with the stage already, two wait.
        assert!((2..=3).contains(&sent), "{sent}");
        drop(go);
        let mut waits = Waits::default();
        loop {
            waits.clear();
            stage.waits(&mut waits);
            waits.wait().expect("poll");
            if stage.wake(&waits).expect("woken") == Flow::More {
                break;
            }
        }
    }

    #[test]
    fn errors_and_stops_of_the_other_thread_come_back() {
        let failing =
            queue(1, || per_line(|_| Err(Error::other("no database")))).expect("a thread");
        let ended = Source::text("a\nb\n").drive(failing);
        assert_eq!(ended.expect_err("failed").to_string(), "no database");
        let stopping = queue(1, || per_line(|_| Ok(Flow::Stop))).expect("a thread");
        Source::text("a\nb\n").drive(stopping).expect("stopped");
    }

    #[test]
    fn an_error_thrown_in_comes_back_through_the_other_thread() {
        let mut stage = queue(1, || per_line(|_| Ok(Flow::More))).expect("a thread");
        let ended = Driver::new().finish(&mut stage, Err(Error::other("no disk")));
        assert_eq!(ended.expect_err("failed").to_string(), "no disk");
    }

    /// Is full once it was sent something, until the last call.
    struct FullUntilCalled {
        is_full: bool,
        tell: mpsc::Sender<&'static str>,
    }

    impl Stage for FullUntilCalled {
        fn send(&mut self, _: &Block) -> Result<Flow> {
            self.is_full = true;
            Ok(Flow::Full)
        }

        fn target(&mut self) -> Option<&mut dyn Stage> {
            None
        }

        fn flush(&mut self) -> Result<Flow> {
            Ok(if self.is_full { Flow::Full } else { Flow::More })
        }

        fn waits(&mut self, waits: &mut Waits) {
            if self.is_full {
                let state = if waits.is_last_call() {
                    "called"
                } else {
                    "full"
                };
                self.tell.send(state).ok();
            }
        }

        fn wake(&mut self, waits: &Waits) -> Result<Flow> {
            self.is_full &= !waits.is_last_call();
            Ok(if self.is_full { Flow::Full } else { Flow::More })
        }
    }

    #[test]
    fn the_last_call_is_heard_also_by_who_is_full() {
        let (tell, told) = mpsc::channel();
        let mut stage = queue(1, move || FullUntilCalled {
            is_full: false,
            tell,
        })
        .expect("a thread");
        let _ = stage.send(&Block::from("x\n")).expect("sent");
        // Once before it is asked whether it is to wait, and once before it does.
        for _ in 0..2 {
            assert_eq!(told.recv(), Ok("full"));
        }
        let mut waits = Waits::default();
        waits.call_last();
        stage.waits(&mut waits);
        let heard = told.recv_timeout(std::time::Duration::from_secs(30));
        assert_eq!(heard, Ok("called"));
    }
}
