//! codelay, as its users meet it.

mod chance;
mod failures;
mod lines;
mod pace;
mod replay;
mod simulation;
mod time;

use std::fmt::{Display, Write as _};
use std::fs;
use std::io::{self, PipeWriter, Write};

use crate::util::{Cmd, Dir, Output, Running, built};

const SIGNALS: [(&str, i32); 3] = [("INT", 2), ("TERM", 15), ("HUP", 1)];

fn codelay<'a>(args: impl IntoIterator<Item = &'a str>) -> Cmd {
    Cmd::bin("codelay").args(args)
}

/// Runs to its end without a message, and prints `expected`.
#[track_caller]
fn prints(args: &[&str], input: impl Into<Vec<u8>>, expected: impl AsRef<[u8]>) {
    let output = codelay(args.iter().copied()).stdin(input).run();
    output.stderr("").stdout(expected).code(0);
}

/// What it prints for this input, without a message.
#[track_caller]
fn printed(args: &[&str], input: impl Into<Vec<u8>>) -> String {
    let output = codelay(args.iter().copied()).stdin(input).run();
    output.stderr("").code(0);
    String::from_utf8(output.stdout).expect("text")
}

/// The numbers from 0 on, a line each.
fn numbers(count: usize) -> String {
    numbers_of(0..count)
}

/// These, a line each.
fn numbers_of(numbers: impl IntoIterator<Item = impl Display>) -> String {
    numbers.into_iter().fold(String::new(), |mut text, number| {
        writeln!(text, "{number}").expect("a string takes all");
        text
    })
}

/// One that has no signal ignored, whatever runs the tests, reads a pipe, and has its handlers in place.
fn started(args: &[&str]) -> (Running, PipeWriter) {
    let (reader, writer) = io::pipe().expect("a pipe");
    let cmd = Cmd::new("env").arg("--default-signal=INT,TERM,HUP");
    let cmd = cmd.arg(built("codelay")).arg("--debug").args(args);
    let running = cmd.stdin_from(reader).spawn();
    running.wait_for_stderr(|text| text.ends_with(b"\n"));
    (running, writer)
}

/// It ended by this signal, and printed all of `input`.
#[track_caller]
fn all_came_and_died_of(output: &Output, signal: i32, input: impl AsRef<[u8]>) {
    output.stdout(input).signal(signal);
}

#[test]
fn at_a_signal_all_that_is_held_goes_out_also_an_unfinished_line() {
    for args in [
        &["1h"][..],
        &["1000000"],
        &["1h", "--dist", "exponential"],
        &["--rate", "1/h"],
        &["1h", "--capacity", "2"],
        &["1h", "--dist", "exponential", "--reorder", "--seed", "3"],
    ] {
        for (name, number) in SIGNALS {
            let (running, mut writer) = started(args);
            running.kill("STOP");
            writer.write_all(b"a\nb\nc\nd").expect("written");
            running.kill(name);
            running.kill("CONT");
            // The writer stays: silence ends it.
            let output = running.wait();
            if args.contains(&"--reorder") {
                let mut lines: Vec<&[u8]> = output.stdout.split(|&byte| byte == b'\n').collect();
                lines.sort_unstable();
                assert_eq!(lines, [&b""[..], b"a", b"b", b"c", b"d"], "{args:?}");
            } else {
                all_came_and_died_of(&output, number, "a\nb\nc\nd");
            }
            drop(writer);
        }
    }
}

#[test]
fn what_upstream_still_sends_after_the_signal_arrives() {
    for args in [&["1h"][..], &["1000000"]] {
        let (running, mut writer) = started(args);
        writer.write_all(b"before\n").expect("written");
        let rest = numbers(10_000);
        running.kill("STOP");
        running.kill("INT");
        writer.write_all(rest.as_bytes()).expect("written");
        drop(writer);
        running.kill("CONT");
        all_came_and_died_of(&running.wait(), 2, format!("before\n{rest}"));
    }
}

// A channel that had a long backlog did not read on.
#[cfg(target_os = "linux")]
#[test]
fn more_than_a_read_brings_arrives_after_a_signal_too() {
    for args in [
        &["--rate", "1/h"][..],
        &["2", "--rate", "1/h"],
        &["1h", "--capacity", "5"],
        &["1h", "--dist", "exponential"],
    ] {
        let (running, mut writer) = started(args);
        let text = numbers_of((0..3_000).map(|number| format!("{number:0>200}")));
        // All of it is there when the signal comes: who writes it might be taken for silent on a busy machine.
        rustix::pipe::fcntl_setpipe_size(&writer, 1 << 20).expect("a larger pipe");
        running.kill("STOP");
        running.kill("TERM");
        writer.write_all(text.as_bytes()).expect("there is room");
        running.kill("CONT");
        let output = running.wait();
        assert!(
            output.stdout == text.as_bytes(),
            "{args:?}: {}",
            output.stdout.len()
        );
        output.signal(15);
        drop(writer);
    }
}

// The flushing of some thousand years heard of no signal, where its reader was always ready.
#[test]
fn a_signal_ends_an_account_that_would_never_end() {
    let null = fs::File::options().write(true).open("/dev/null");
    let cmd = Cmd::new("env").arg("--default-signal=TERM");
    let cmd = cmd.arg(built("codelay"));
    let args = ["--debug", "--trace", "99999999999999999999"];
    let running = cmd.args(args).stdin("a\n").stdout_to(null.expect("opened"));
    let running = running.spawn();
    running.wait_for_stderr(|text| text.ends_with(b"\n"));
    running.kill("TERM");
    running.wait().signal(15);
}

#[test]
fn a_signal_after_the_end_of_the_input_ends_the_waiting() {
    let (running, mut writer) = started(&["1h"]);
    writer.write_all(b"a\nb").expect("written");
    drop(writer);
    // It waits for its delays: its input is at the end.
    running.kill("TERM");
    all_came_and_died_of(&running.wait(), 15, "a\nb");
}

#[test]
fn it_ends_when_its_reader_leaves_though_it_still_holds_lines() {
    for args in [
        &["1h"][..],
        &["1000"],
        &["--rate", "1/h"],
        &["--trace", "1h"],
        &["--trace=trace", "1h"],
        &["--trace=trace", "1000"],
    ] {
        let dir = Dir::new();
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let cmd = codelay(args.iter().copied()).stdin_from(reader);
        let cmd = cmd.dir(dir.path(""));
        let (running, stdout) = cmd.spawn_unread();
        writer.write_all(b"a\nb\n").expect("written");
        drop(stdout);
        running.wait().stderr("").signal(13);
        drop(writer);
    }
}

#[test]
fn its_reader_may_also_leave_while_the_delays_run_out() {
    let (reader, mut writer) = io::pipe().expect("a pipe");
    let (running, stdout) = codelay(["1h"]).stdin_from(reader).spawn_unread();
    writer.write_all(b"a\nb\n").expect("written");
    drop(writer);
    drop(stdout);
    running.wait().stderr("").signal(13);
}

/// Whether it sleeps now, and how often it has gone to sleep so far, where /proc tells.
fn sleeps(running: &Running) -> Option<(bool, u64)> {
    let status = fs::read_to_string(format!("/proc/{}/status", running.pid())).ok()?;
    let value = |name| status.lines().find_map(|line| line.strip_prefix(name));
    let is_asleep = value("State:")?.trim().starts_with('S');
    let times = value("voluntary_ctxt_switches:")?.trim().parse().ok()?;
    Some((is_asleep, times))
}

#[test]
fn nothing_wakes_it_while_it_holds_nothing_and_nothing_before_its_time() {
    // The first has let all go that came; the others hold something for later.
    for args in [&["1ms"][..], &["1h"], &["1000"]] {
        let mut running = codelay(args.iter().copied()).spawn();
        running.send("a line\n");
        if args == ["1ms"] {
            running.wait_for_stdout(|text| text == b"a line\n");
        }
        let mut before = None;
        // It has come to rest when two looks, with a program's run between them, see it asleep and nothing new.
        crate::util::wait_until("it sleeps", || {
            let now = sleeps(&running);
            Cmd::new("sleep").arg("0.05").run().code(0);
            let rests = now == before && now.is_none_or(|(is_asleep, _)| is_asleep);
            before = now;
            rests
        });
        Cmd::new("sleep").arg("0.5").run().code(0);
        assert_eq!(sleeps(&running), before, "{args:?}");
        running.kill("KILL");
        running.wait().signal(9);
    }
}
