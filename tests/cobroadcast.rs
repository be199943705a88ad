//! cobroadcast, as its users meet it.

mod branches;
mod errors;
mod giving_up;
mod merging;
mod relay;
mod signals;
mod slow;
mod tee;
mod torture;

use std::fmt::Write;

use crate::util::{Cmd, Dir, built};

fn cobroadcast<'a>(args: impl IntoIterator<Item = &'a str>) -> Cmd {
    Cmd::bin("cobroadcast").args(args)
}

/// A shell script in which `$cobroadcast` is the program.
fn sh(script: &str) -> Cmd {
    Cmd::new("sh")
        .args(["-c", script])
        .env("cobroadcast", built("cobroadcast"))
}

/// A FIFO in `dir` that cobroadcast is about to write to.
fn fifo(dir: &Dir, name: &str) {
    Cmd::new("mkfifo").arg(dir.path(name)).run().code(0);
}

/// Numbered lines: more than all pipes on the way hold.
fn numbers(count: usize) -> String {
    let mut text = String::new();
    for number in 1..=count {
        writeln!(text, "{number}").expect("a string");
    }
    text
}
