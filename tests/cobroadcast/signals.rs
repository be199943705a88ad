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
