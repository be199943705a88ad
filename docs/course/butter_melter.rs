//! A coroutine that picks what it needs: `butter_melter [--pace] [INGREDIENTS]` (course, part 4).
//!
//! INGREDIENTS is a file of names, one a line; by default, what was delivered when the course was written. The
//! one station melts the butter, and has nobody to send it to. Its clock stands still, as the course's does.
//!
//! | Python | here |
//! | --- | --- |
//! | `bm = butter_melter(None)`, `bm.__next__()` | `butter_melter(None)?`, which primes |
//! | `ing = (yield)` | `co.yield_(()).await?`: it answers nothing |

mod kitchen;
mod terminal;

use std::process::ExitCode;

use terminal::say;

fn main() -> ExitCode {
    terminal::run(|args| {
        let (producer, _) = kitchen::order(args, include_str!("ingredients/butter_melter.txt"))?;
        let mut melter = kitchen::butter_melter(None)?;
        for ingredient in producer {
            let ingredient = ingredient?;
            say!("T=0\tGenerate {ingredient}")?;
            melter.send(ingredient)?;
        }
        Ok(())
    })
}
