//! What the other tests take for granted of [`util`](crate::util).

use std::io::Read;

use crate::util::{Cmd, Dir, pipeline, wait_until};

#[test]
fn a_program_runs_with_arguments_directory_environment_and_input() {
    let dir = Dir::new();
    dir.write("here", "");
    Cmd::new("sh")
        .args(["-c", "ls; echo $GREETING; cat; echo oops >&2; exit 3"])
        .dir(dir.path(""))
        .env("GREETING", "hello")
        .stdin("input\n")
        .run()
        .stdout("here\nhello\ninput\n")
        .stderr("oops\n")
        .stderr_contains("oop")
        .code(3);
}

#[test]
fn files_are_written_appended_renamed_and_removed() {
    let dir = Dir::new();
    let log = dir.write("log", "one\n");
    dir.append("log", "two\n");
    assert_eq!(std::fs::read(&log).expect("read"), b"one\ntwo\n");
    dir.rename("log", "log.1");
    assert!(!log.exists());
    dir.remove("log.1");
    assert!(!dir.path("log.1").exists());
}

#[test]
fn a_running_program_is_talked_to() {
    let mut cat = Cmd::new("cat").spawn();
    cat.send("ping\n");
    cat.wait_for_stdout(|out| out == b"ping\n");
    cat.close_stdin();
    cat.wait().stdout("ping\n").code(0);
}

#[test]
fn a_signal_ends_a_program_and_shows_in_its_status() {
    let script = "echo ready >&2; exec sleep 60";
    let sleeper = Cmd::new("sh").args(["-c", script]).spawn();
    sleeper.wait_for_stderr(|err| err == b"ready\n");
    sleeper.kill("TERM");
    sleeper.wait().signal(15);
}

#[test]
fn a_dropped_program_is_killed() {
    let sleeper = Cmd::new("sleep").arg("60").spawn();
    let pid = sleeper.pid().to_string();
    drop(sleeper);
    wait_until("the process to be gone", || {
        Cmd::new("kill").args(["-0", &pid]).run().status.code() == Some(1)
    });
}

#[test]
fn a_reader_may_read_some_and_leave() {
    let (yes, mut stdout) = Cmd::new("yes").spawn_unread();
    let mut start = [0; 4];
    stdout.read_exact(&mut start).expect("output");
    assert_eq!(&start, b"y\ny\n");
    drop(stdout);
    yes.wait().signal(13);
}

#[test]
fn a_pipeline_feeds_the_first_and_collects_from_the_last() {
    let outputs = pipeline([
        Cmd::new("cat").stdin("b\na\nb\n"),
        Cmd::new("sort"),
        Cmd::new("uniq"),
    ]);
    assert!(outputs.iter().all(|output| output.status.success()));
    outputs[2].stdout("a\nb\n");
}

#[test]
fn a_pipeline_ends_when_its_last_reader_does() {
    let outputs = pipeline([Cmd::new("yes"), Cmd::new("head").arg("-n1")]);
    outputs[0].signal(13);
    outputs[1].stdout("y\n").code(0);
}
