//! Two plain functions and a queue: `uncapped [N]` (course, part 3).
//!
//! The producer adds 1 to N - 1 and only then the consumer begins: what `coordinator` makes cooperative.
//!
//! | Python | here |
//! | --- | --- |
//! | `range(1, n)` | `1..n` |
//! | `while len(dq) > 0: dq.pop()` | `while let Some(item) = dq.pop()` |

mod deque;
mod terminal;

use std::process::ExitCode;

use costage::Result;
use deque::Deque;
use terminal::say;

fn produce_elements(dq: &mut Deque<u32>, n: u32) {
    for i in 1..n {
        dq.append_left(i);
    }
}

fn consume_elements(dq: &mut Deque<u32>) -> Result<()> {
    while let Some(item) = dq.pop() {
        say!("processing item {item}")?;
    }
    Ok(())
}

fn main() -> ExitCode {
    terminal::run(|args| {
        let n = args.number(36)?;
        args.end()?;
        let mut dq = Deque::new([]);
        produce_elements(&mut dq, n);
        Ok(consume_elements(&mut dq)?)
    })
}
