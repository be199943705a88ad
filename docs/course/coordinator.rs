//! Routines that hand control to each other: `coordinator [N] [MAXLEN]` (course, part 3).
//!
//! The producer fills a capped queue with 1 to N - 1 and pauses whenever it is full; the consumer empties it and
//! pauses. They yield nothing: a `yield` is where they give up control, and `next` is how they get it back.
//!
//! | Python | here |
//! | --- | --- |
//! | `yield` | `co.give(()).await?` |
//! | `next(producer)` | `producer.next()` |
//! | `except StopIteration: break` | `next` gave `None` |
//! | both hold `dq` | `Rc<RefCell<Deque<u32>>>`: two owners, one at a time |

mod deque;
mod terminal;

use std::cell::RefCell;
use std::process::ExitCode;
use std::rc::Rc;

use costage::{Generator, Result};
use deque::Deque;
use terminal::say;

type Queue = Rc<RefCell<Deque<u32>>>;

fn produce_elements(dq: Queue, n: u32) -> Generator<()> {
    Generator::new(async move |mut co| {
        for i in 1..n {
            dq.borrow_mut().append_left(i);
            let is_full = dq.borrow().is_full();
            if is_full {
                say!("queue full - yielding control")?;
                co.give(()).await?;
            }
        }
        Ok(())
    })
}

fn consume_elements(dq: Queue) -> Generator<()> {
    let pop = move || dq.borrow_mut().pop();
    Generator::new(async move |mut co| {
        loop {
            while let Some(item) = pop() {
                say!("processing  {item}")?;
            }
            say!("queue empty - yielding control")?;
            co.give(()).await?;
        }
    })
}

fn coordinator(n: u32, maxlen: usize) -> Result<()> {
    let dq = Rc::new(RefCell::new(Deque::capped([], maxlen)));
    let mut producer = produce_elements(Rc::clone(&dq), n);
    let mut consumer = consume_elements(dq);
    loop {
        say!("producing...")?;
        let paused = producer.next().transpose()?;
        say!("consuming...")?;
        consumer.next().transpose()?;
        if paused.is_none() {
            return Ok(());
        }
    }
}

fn main() -> ExitCode {
    terminal::run(|args| {
        let n = args.number(36)?;
        let maxlen = args.number(10)?;
        args.end()?;
        Ok(coordinator(n, maxlen)?)
    })
}
