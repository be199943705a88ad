//! The life of a coroutine: `grep_coroutine [close|prime|throw]` (course, part 2).
//!
//! `grep` is primed, is sent three lines, and then
//! - `close`: is closed, and says goodbye;
//! - `prime`: is left waiting;
//! - `throw` (and is sent nothing): has an error thrown in, which comes back to the one who threw it. A coroutine
//!   that an error has ended takes nothing more.
//!
//! | Python | here |
//! | --- | --- |
//! | `g.next()`, the `@coroutine` decorator | `Coroutine::new` primes |
//! | `except GeneratorExit` | `Err(Error::Closed)` |
//! | `StopIteration` | `Err(Error::Finished)` |

mod terminal;

use std::process::ExitCode;

use costage::{Coroutine, Error, Result};
use terminal::say;

const LINES: [&str; 3] = [
    "Yeah, but no, but yeah, but no",
    "A series of tubes",
    "python generators rock!",
];

/// Is sent lines, answers nothing.
type Grep = Coroutine<&'static str, ()>;

/// Prints the lines that contain `pattern`.
fn grep(pattern: &'static str) -> Result<Grep> {
    Grep::new(async move |mut co| {
        say!("Looking for {pattern}")?;
        loop {
            match co.yield_(()).await {
                Ok(line) if line.contains(pattern) => say!("{line}")?,
                Ok(_) => {}
                Err(Error::Closed) => return say!("Going away. Goodbye"),
                Err(error) => return Err(error),
            }
        }
    })
}

/// Throws an error in, and sees what became of it and of the coroutine.
fn throw_into(grep: &mut Grep) -> Result<()> {
    if let Err(error) = grep.throw(Error::other("You're hosed")) {
        say!("RuntimeError: {error}")?;
    }
    match grep.send(LINES[2]) {
        Err(Error::Finished) => say!("StopIteration"),
        answer => answer,
    }
}

fn main() -> ExitCode {
    terminal::run(|args| {
        let end = args.choice(&["close", "prime", "throw"])?;
        args.end()?;
        let mut grep = grep("python")?;
        if end == "throw" {
            return Ok(throw_into(&mut grep)?);
        }
        for line in LINES {
            grep.send(line)?;
        }
        if end == "close" {
            grep.close()?;
        }
        Ok(())
    })
}
