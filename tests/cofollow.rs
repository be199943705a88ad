//! cofollow, as its users meet it.

mod away;
mod copying;
mod ending;
mod faults;
mod following;
mod globs;
mod killed;
mod many;
mod options;
mod peers;
mod printing;
mod resuming;
mod rewriting;
mod rotation;
mod stopped;
mod streams;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::util::{Cmd, Dir, Running, wait_until};

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

/// Puts a link in the place of another, in one step.
fn swap_link(dir: &Dir, target: &str, name: &str) {
    symlink(target, dir.path("new-link")).expect("linked");
    dir.rename("new-link", name);
}

/// What happens while the follower does not run: it finds all of it at once.
fn while_stopped(running: &Running, happens: impl FnOnce()) {
    running.kill("STOP");
    let stat = format!("/proc/{}/stat", running.pid());
    if fs::exists(&stat).is_ok_and(|exists| exists) {
        wait_until("it to stop", || {
            fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T "))
        });
    }
    happens();
    running.kill("CONT");
}

/// More happens in a directory than the kernel keeps for a reader that does not come.
fn overflow_event_queues(directory: &Path) {
    let kept = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events");
    let kept = kept.map_or(16384, |kept| kept.trim().parse().expect("a number"));
    let files = ["a", "b"].map(|name| File::create(directory.join(name)).expect("created"));
    let mode = files[0].metadata().expect("its mode").permissions();
    // By turns: like events in a row are one.
    for file in files.iter().cycle().take(kept + 1) {
        file.set_permissions(mode.clone()).expect("its mode set");
    }
}

/// It waits for room in its output, of which nothing has been taken: a pipe of which something was may be made to hold
/// more.
fn wait_for_a_full_pipe(running: &Running, stdout: impl AsFd) {
    let stat = format!("/proc/{}/stat", running.pid());
    wait_until("it to wait for room", || {
        let holds_much = rustix::io::ioctl_fionread(&stdout).is_ok_and(|held| held > 60_000);
        holds_much && fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") S "))
    });
}

/// Lines that tell one text from another: `name 1`, `name 2`, … `name count`, each of 64 bytes and more.
fn lines(name: &str, count: usize) -> String {
    let mut lines = String::new();
    for number in 1..=count {
        writeln!(lines, "{name} {number} {:x<64}", "").expect("a string takes all");
    }
    lines
}

/// Waits until a file that lost its name is let go: ten seconds of silence, and what a busy machine takes.
fn wait_for_silence(running: &Running) {
    let let_go = |err: &[u8]| contains(err, "letting it go");
    let since = Instant::now();
    // Most of them, so that a deadline is left for the rest.
    wait_until("most of ten seconds", || {
        running.stderr_has(let_go) || since.elapsed() > Duration::from_secs(7)
    });
    running.wait_for_stderr(let_go);
}

/// The numbers of a range, one a line.
fn numbers(range: std::ops::Range<usize>) -> String {
    let mut text = String::new();
    for number in range {
        writeln!(text, "{number}").expect("a string takes all");
    }
    text
}
