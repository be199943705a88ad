//! The end by a signal: what was read arrives, and the caller sees what ended it.

use std::fs;
use std::io::{self, Write};

use crate::util::{Cmd, Dir, Running, built};

/// cobroadcast with no signal ignored, whatever runs the tests.
fn cobroadcast(dir: &Dir, args: &[&str]) -> Cmd {
    let default = ["--default-signal=INT,TERM,HUP"];
    let cmd = Cmd::new("env").args(default).arg(built("cobroadcast"));
    cmd.args(args).dir(dir.path(""))
}

/// One that reads a pipe and has passed on its first line.
fn started(cmd: Cmd) -> (Running, io::PipeWriter) {
    let (reader, mut writer) = io::pipe().expect("a pipe");
    let running = cmd.stdin_from(reader).spawn();
    writer.write_all(b"one\n").expect("written");
    running.wait_for_stdout(|out| out == b"one\n");
    (running, writer)
}

#[test]
fn what_was_read_before_a_signal_arrives_everywhere() {
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let dir = Dir::new();
        let (running, mut writer) = started(cobroadcast(&dir, &["copy"]));
        running.kill("STOP");
        writer.write_all(b"two\nthr").expect("written");
        running.kill(name);
        running.kill("CONT");
        // The writer stays: silence ends it.
        running
            .wait()
            .stdout("one\ntwo\nthr")
            .stderr("")
            .signal(number);
        let copy = fs::read(dir.path("copy")).expect("read");
        assert_eq!(copy, b"one\ntwo\nthr", "{name}");
        drop(writer);
    }
}

#[test]
fn with_i_an_interrupt_does_nothing() {
    let dir = Dir::new();
    let (running, mut writer) = started(cobroadcast(&dir, &["-i", "copy"]));
    running.kill("INT");
    running.kill("INT");
    writer.write_all(b"two\n").expect("written");
    running.wait_for_stdout(|out| out == b"one\ntwo\n");
    running.kill("TERM");
    running.wait().stdout("one\ntwo\n").stderr("").signal(15);
    drop(writer);
}

// The second was heard while there still was input, and forgotten: only a third one ended it.
#[test]
fn a_second_signal_ends_it_though_the_input_still_comes() {
    let (reader, writer) = io::pipe().expect("a pipe");
    let _yes = Cmd::new("yes").stdout_to(writer).spawn();
    let dir = Dir::new();
    let script = "echo ready; cat >/dev/null; sleep 1000";
    let running = cobroadcast(&dir, &["-c", script])
        .stdin_from(reader)
        .spawn();
    running.wait_for_stdout(|out| out == b"ready\n");
    running.kill("TERM");
    // What comes sooner would be the same signal. The input is read for a second after the first.
    Cmd::new("sleep").arg("0.2").run().code(0);
    running.kill("TERM");
    running.wait_with_open_stdin().stderr("").signal(15);
}

/// One in a process group of its own, as a terminal's.
fn in_a_group(args: &[&str]) -> Running {
    let cmd = Cmd::new("setsid").args(["env", "--default-signal=INT,TERM,HUP"]);
    cmd.arg(built("cobroadcast")).args(args).spawn()
}

/// Sends a signal to all of the group, as ^C does.
fn kill_group(running: &Running, signal: &str) {
    let group = format!("-{}", running.pid());
    Cmd::new("kill")
        .args(["-s", signal, "--", &group])
        .run()
        .code(0);
}

#[test]
fn a_branch_that_dies_of_our_own_signal_is_not_started_again() {
    for (signal, number) in [("INT", 2), ("TERM", 15)] {
        let running = in_a_group(&["--restart", "-c", "echo ready; exec sleep 1000"]);
        running.wait_for_stdout(|out| out == b"ready\n");
        kill_group(&running, signal);
        let output = running.wait_with_open_stdin();
        output.stdout("ready\n").stderr("").signal(number);
    }
}
