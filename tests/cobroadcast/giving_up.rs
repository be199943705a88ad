//! Targets that take nothing for so long that they are given up.

use std::fs;
use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use super::{cobroadcast, fifo, numbers};
use crate::util::Dir;

#[test]
fn a_target_that_takes_nothing_is_given_up_after_the_end() {
    let text = numbers(500_000);
    let dir = Dir::new();
    fifo(&dir, "stuck");
    let args = ["--when-full=spill", "--drain-timeout=1s", "stuck", "copy"];
    let cmd = cobroadcast(args).dir(dir.path("")).stdin(text.clone());
    let running = cmd.spawn();
    let stuck = fs::File::open(dir.path("stuck")).expect("opened");
    running
        .wait()
        .stdout(&text)
        .stderr("cobroadcast: stuck: took nothing for 1 s, given up\n")
        .code(1);
    assert!(fs::read(dir.path("copy")).expect("read") == text.as_bytes());
    drop(stuck);
}

#[test]
fn an_output_of_which_nobody_reads_is_given_up_after_the_end() {
    for args in [
        &["-c", "cat"][..],
        &["--group", "-c", "cat", "-c", "cat"],
        &["--stdout", "-c", "wc -l"],
    ] {
        let cmd = cobroadcast(["--drain-timeout=300ms", "--queue=8M"]).args(args);
        let (running, stdout) = cmd.stdin(numbers(500_000)).spawn_unread();
        running
            .wait()
            .stderr_contains("cobroadcast: 'standard output': took nothing for 0.3 s, given up\n")
            .code(1);
        drop(stdout);
    }
}

#[test]
fn a_branch_that_is_given_up_is_ended() {
    let never =
        "trap 'echo ended >&2; exit' TERM; echo ready; for i in $(seq 3000); do sleep 0.01; done";
    let dir = Dir::new();
    // More than a pipe holds.
    let text = numbers(30_000);
    let cmd = cobroadcast(["--drain-timeout=100ms", "-c", never, "copy"]);
    let mut running = cmd.dir(dir.path("")).spawn();
    // The time begins at the end of the input, and by then it has to listen.
    running.wait_for_stdout(|out| out == b"ready\n");
    running.send(&text);
    let output = running.wait();
    output.code(1);
    let message = format!("cobroadcast: branch 1 ({never}): took nothing for 0.1 s, given up\n");
    output.stderr_contains(&message).stderr_contains("ended\n");
    assert!(fs::read(dir.path("copy")).expect("read") == text.as_bytes());
}

// The signal reached only the shell: what that had started stayed, and kept the terminal's descriptors.
#[test]
fn all_that_a_branch_has_started_is_ended_with_it() {
    let dir = Dir::new();
    // The shell waits for both. Whoever runs on keeps standard error open, of which the end is waited for.
    let never = "(sleep 1000; cat) | sh -c 'sleep 1000; cat'; echo went on >&2";
    cobroadcast(["--drain-timeout=100ms", "-c", never, "copy"])
        .dir(dir.path(""))
        .stdin(numbers(30_000))
        .run()
        .stderr(format!(
            "cobroadcast: branch 1 ({never}): took nothing for 0.1 s, given up\n"
        ))
        .code(1);
}

// What the copy had been sent counted as written, though it had not been.
// It told what had been sent to the output, whose reader had not taken it.
#[test]
fn stats_tell_how_much_was_written_to_an_output_that_is_given_up() {
    for also in ["--label", "--group"] {
        let args = [also, "--stats", "--drain-timeout=0.2s", "-c", "cat"];
        let (running, mut stdout) = cobroadcast(args).stdin(numbers(100_000)).spawn_unread();
        let output = running.wait();
        output
            .stderr_contains("'standard output': took nothing for 0.2 s, given up")
            .code(1);
        let mut written = String::new();
        stdout.read_to_string(&mut written).expect("read");
        let lines = written.lines().count();
        assert!((1..100_000).contains(&lines), "{lines}");
        output.stderr_contains(&format!("100000 lines in, {lines} out, "));
    }
}

// A pipe has room when a page of it is free, which may take its reader long.
#[test]
fn who_reads_slowly_is_not_given_up() {
    let text = numbers(100_000);
    let dir = Dir::new();
    fifo(&dir, "slow");
    let running = cobroadcast(["--drain-timeout=2s", "--queue=8M", "slow"]);
    let running = running.dir(dir.path("")).stdin(text.clone()).spawn();
    let mut slow = fs::File::open(dir.path("slow")).expect("opened");
    running.wait_for_stdout(|out| out == text.as_bytes());
    let mut got = String::new();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        (&slow).take(1).read_to_string(&mut got).expect("read");
        // This is how slowly it reads; nothing is waited for.
        thread::sleep(Duration::from_millis(10));
    }
    slow.read_to_string(&mut got).expect("read");
    assert!(got == text);
    running.wait().stderr("").code(0);
}

// It was not read from, and so did not read.
#[test]
fn a_branch_is_not_given_up_while_it_waits_for_the_reader_of_the_output() {
    let text = numbers(300_000);
    let args = ["--drain-timeout=2s", "--queue=16M", "-c", "cat"];
    let (running, mut stdout) = cobroadcast(args).stdin(text.clone()).spawn_unread();
    let mut got = String::new();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        (&mut stdout)
            .take(2000)
            .read_to_string(&mut got)
            .expect("read");
        // This is how slowly it reads; nothing is waited for.
        thread::sleep(Duration::from_millis(10));
    }
    stdout.read_to_string(&mut got).expect("read");
    assert!(got == text);
    running.wait().stderr("").code(0);
}
