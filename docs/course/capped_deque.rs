//! The queue behind the cooperating routines: `capped_deque` (course, part 3).
//!
//! What the notebook's cells print, one after the other: both ends of a deque, and a capped one that discards
//! from the end opposite to where it is added to.
//!
//! | Python | here |
//! | --- | --- |
//! | `deque([…])`, `deque([…], maxlen=5)` | `Deque::new([…])`, `Deque::capped([…], 5)` |
//! | `dq.pop()`, which raises `IndexError` | `Option` |

mod deque;
mod terminal;

use std::process::ExitCode;

use costage::Result;
use deque::Deque;
use terminal::say;

fn both_ends() -> Result<()> {
    let mut dq = Deque::new([1, 2, 3, 4, 5]);
    say!("{dq}")?;
    dq.append(100);
    say!("{dq}")?;
    say!("{dq}")?;
    dq.append_left(-10);
    say!("{dq}")?;
    if let Some(item) = dq.pop() {
        say!("{item}")?;
    }
    say!("{dq}")?;
    if let Some(item) = dq.pop_left() {
        say!("{item}")?;
    }
    say!("{dq}")
}

fn capped() -> Result<()> {
    let mut dq = Deque::capped([1, 2, 3, 4], 5);
    for item in [100, 200, 300] {
        dq.append(item);
        say!("{dq}")?;
    }
    say!("{}", dq.len())?;
    if let Some(maxlen) = dq.maxlen() {
        say!("{maxlen}")?;
    }
    Ok(())
}

fn main() -> ExitCode {
    terminal::run(|args| {
        args.end()?;
        both_ends()?;
        Ok(capped()?)
    })
}
