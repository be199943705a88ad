//! A channel with latency, as a coroutine: `channel [DELAY] [PAYLOADS]` (course, part 0).
//!
//! A producer sends a payload every cycle, and the consumer gets each one `DELAY` cycles later. The queue that
//! makes the delay is nobody's business but the channel's: it lives in a local variable of a suspended function,
//! [`codelay::channel`], which is the model behind `codelay --trace DELAY`, too.
//!
//! | Python | here |
//! | --- | --- |
//! | `payload = yield payload` | `co.yield_(payload).await?` |
//! | `channel.send(payload)` | the same |
//! | `None`: no payload | `Option<u64>` says so in the type |

mod terminal;

use std::process::ExitCode;

use codelay::channel;
use costage::{Generator, Result};
use terminal::say;

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
    let mut channel = channel(delay.into())?;
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
