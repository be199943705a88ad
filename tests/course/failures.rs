//! The course's programs when something is wrong: arguments, files, or where their output goes.

use std::fs::File;

use super::run;
use crate::util::{Cmd, Dir, built, pipeline};

#[test]
fn wrong_arguments_are_told_on_one_line() {
    for (name, args, message) in [
        ("channel", &["x"][..], "channel: invalid number 'x'\n"),
        ("channel", &["1", "-1"], "channel: invalid number '-1'\n"),
        ("channel", &["1", "2", "3"], "channel: extra argument '3'\n"),
        (
            "coordinator",
            &["1", ""],
            "coordinator: invalid number ''\n",
        ),
        ("eggs", &["1", "hen"], "eggs: invalid argument 'hen'\n"),
        (
            "grep_coroutine",
            &["stop"],
            "grep_coroutine: invalid argument 'stop'\n",
        ),
        ("follow_printer", &[], "follow_printer: missing FILE\n"),
        (
            "broadcast_grep",
            &["log"],
            "broadcast_grep: missing PATTERN\n",
        ),
        ("capped_deque", &["1"], "capped_deque: extra argument '1'\n"),
    ] {
        run(name, args).stderr(message).stdout("").code(2);
    }
}

#[test]
fn a_file_that_cannot_be_used_is_an_error() {
    for name in [
        "follow_printer",
        "received",
        "butter_melter",
        "cake_factory",
    ] {
        let message = format!("{name}: nofile: No such file or directory\n");
        run(name, &["nofile"]).stderr(message).stdout("").code(1);
    }
    let message = "broadcast_grep: nofile: No such file or directory\n";
    run("broadcast_grep", &["nofile", "x"])
        .stderr(message)
        .code(1);
    let dir = Dir::new();
    dir.write("list", "flour\nsalt\n");
    let received = Cmd::example("received").arg("list").dir(dir.path("")).run();
    received
        .stderr("received: list: unknown ingredient 'salt'\n")
        .stdout("")
        .code(1);
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let outputs = pipeline([
        Cmd::example("uncapped").arg("1000000"),
        Cmd::new("head").arg("-n1"),
    ]);
    outputs[0].stderr("").code(0);
    outputs[1].stdout("processing item 1\n");

    let dir = Dir::new();
    let log = dir.write("log", "python\n".repeat(100_000));
    for (name, args) in [
        ("broadcast_grep", &["python", "py"][..]),
        ("follow_printer", &[]),
    ] {
        let (program, stdout) = Cmd::example(name).arg(&log).args(args).spawn_unread();
        drop(stdout);
        program.wait().stderr("").code(0);
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    for name in ["channel", "eggs", "coordinator", "cake_factory"] {
        let full = File::options()
            .write(true)
            .open("/dev/full")
            .expect("opened");
        let message = format!("{name}: write error: No space left on device\n");
        Cmd::example(name)
            .stdout_to(full)
            .run()
            .stderr(message)
            .code(1);
    }
    let closed = Cmd::new("sh")
        .args(["-c", "exec \"$0\" >&-"])
        .arg(built("examples/uncapped"));
    closed
        .run()
        .stderr("uncapped: write error: Bad file descriptor\n")
        .code(1);
}
