//! cofollow, as its users meet it.

mod copying;
mod ending;
mod faults;
mod following;
mod peers;
mod printing;
mod rotation;

use crate::util::{Cmd, Dir};

/// cofollow in a directory, with arguments.
fn cofollow<'a>(dir: &Dir, args: impl IntoIterator<Item = &'a str>) -> Cmd {
    Cmd::bin("cofollow").dir(dir.path("")).args(args)
}

/// cofollow with what a shell does to a command before it runs it: `trap '' HUP; exec "$@" <&-`.
fn through_shell<'a>(dir: &Dir, script: &str, args: impl IntoIterator<Item = &'a str>) -> Cmd {
    Cmd::new("sh")
        .args(["-c", script, "sh"])
        .arg(crate::util::built("cofollow"))
        .args(args)
        .dir(dir.path(""))
}

/// Does `bytes` contain `part`?
fn contains(bytes: &[u8], part: &str) -> bool {
    occurrences(bytes, part) > 0
}

fn occurrences(bytes: &[u8], part: &str) -> usize {
    memchr::memmem::find_iter(bytes, part).count()
}
