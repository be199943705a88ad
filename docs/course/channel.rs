//! A channel with latency, as a coroutine: `channel [DELAY] [PAYLOADS]` (course, part 0).
//!
//! A producer sends a payload every cycle, and the consumer gets each one `DELAY` cycles later. The queue that
//! makes the delay is nobody's business but the channel's: it lives in a local variable of a suspended function.
//!
//! | Python | here |
//! | --- | --- |
//! | `payload = yield payload` | `co.yield_(payload).await?` |
//! | `channel.send(payload)` | the same |
//! | `None`: no payload | `Option<u64>` says so in the type |

mod terminal;

use std::collections::VecDeque;
use std::process::ExitCode;

use costage::{Coroutine, Generator, Result};
use terminal::say;

/// Answers what was sent to it `delay` cycles ago; priming it takes the one `None` more.
fn channel(delay: u32) -> Result<Coroutine<Option<u64>, Option<u64>>> {
    Coroutine::new(async move |mut co| {
        let mut queue: VecDeque<Option<u64>> = (0..=delay).map(|_| None).collect();
        loop {
            let payload = queue.pop_front().flatten();
            let payload = co.yield_(payload).await?;
            queue.push_back(payload);
        }
    })
}

/// The producer.
fn payload_generator(payloads: u32) -> Generator<u64> {
    Generator::new(async move |mut co| {
        for payload in 0..u64::from(payloads) {
            say!("Cycle {payload}: Generate payload {payload}")?;
            co.give(payload).await?;
        }
        Ok(())
    })
}

/// The consumer.
fn consume(cycle: u64, payload: Option<u64>) -> Result<()> {
    match payload {
        Some(payload) => say!("Cycle {cycle}: Process payload {payload}"),
        None => say!("Cycle {cycle}: Idle"),
    }
}

fn simulate(delay: u32, payloads: u32) -> Result<()> {
    let mut channel = channel(delay)?;
    let mut cycle = 0;
    for payload in payload_generator(payloads) {
        consume(cycle, channel.send(Some(payload?))?)?;
        cycle += 1;
    }
    say!("Cycle {cycle}: Flush the channel")?;
    for _ in 0..delay {
        consume(cycle, channel.send(None)?)?;
        cycle += 1;
    }
    say!("Simulated {cycle} cycles")
}

fn main() -> ExitCode {
    terminal::run(|args| {
        let delay = args.number(4)?;
        let payloads = args.number(10)?;
        args.end()?;
        Ok(simulate(delay, payloads)?)
    })
}
