//! How it ends: signals, outputs that fail, readers that leave.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;

use super::{cofollow, contains, through_shell, wait_for_a_full_pipe};
use crate::util::{Cmd, Dir, Running, chain};

/// More than a pipe and the blocks in between take.
fn plenty() -> String {
    "a line of text\n".repeat(100_000)
}

#[test]
fn what_was_read_arrives_and_it_dies_of_the_signal() {
    let dir = Dir::new();
    dir.write("log", "whole\nhalf");
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let running = cofollow(&dir, ["log"]).spawn();
        running.wait_for_stdout(|out| out == b"whole\n");
        running.kill(name);
        running
            .wait()
            .stdout("whole\nhalf")
            .stderr("")
            .signal(number);
    }
}

#[test]
fn a_signal_ends_it_while_it_waits_for_a_file_or_for_input() {
    let dir = Dir::new();
    let running = cofollow(&dir, ["missing"]).spawn();
    running.wait_for_stderr(|err| contains(err, "missing"));
    running.kill("INT");
    running.wait().stdout("").signal(2);
    let mut running = cofollow(&dir, ["-n+1"]).spawn();
    running.send("1\n");
    running.wait_for_stdout(|out| out == b"1\n");
    running.kill("INT");
    running.wait_with_open_stdin().stdout("1\n").signal(2);
}

#[test]
fn signals_that_were_ignored_stay_ignored() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    let script = r#"trap "" HUP INT; exec "$@""#;
    let running = through_shell(&dir, script, ["log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    running.kill("HUP");
    running.kill("INT");
    dir.append("log", "2\n");
    running.wait_for_stdout(|out| out == b"1\n2\n");
    running.kill("TERM");
    running.wait().stdout("1\n2\n").signal(15);
}

#[test]
fn a_signal_ends_it_though_nobody_reads_and_a_second_one_at_once() {
    let dir = Dir::new();
    dir.write("log", plenty());
    let (running, stdout) = cofollow(&dir, ["-n+1", "log"]).spawn_unread();
    wait_for_a_full_pipe(&running, &stdout);
    running.kill("INT");
    running
        .wait()
        .stderr_contains("not all output was taken")
        .signal(2);
    let (mut running, stdout) = cofollow(&dir, ["-n+1", "log"]).spawn_unread();
    wait_for_a_full_pipe(&running, &stdout);
    running.kill("INT");
    running.kill_until_it_ends("TERM");
    // Not after the second that the first one leaves to the output. Where both arrive in one moment the kernel
    // may run their handlers the other way round.
    let ended = running.wait();
    ended.stderr("");
    assert!(matches!(ended.status.signal(), Some(2 | 15)));
}

#[test]
fn when_its_reader_leaves_it_dies_of_sigpipe_though_the_file_is_quiet() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    dir.write("other", "");
    for args in [&["log"][..], &["missing"], &["log", "other"]] {
        let (running, stdout) = cofollow(&dir, args.iter().copied()).spawn_unread();
        let mut stdout = BufReader::new(stdout);
        if args[0] == "log" {
            stdout.read_line(&mut String::new()).expect("read");
        } else {
            running.wait_for_stderr(|err| contains(err, "missing"));
        }
        drop(stdout);
        running.wait().signal(13);
    }
}

#[test]
fn where_sigpipe_is_ignored_a_reader_that_left_is_a_write_error() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    let script = r#"trap "" PIPE; exec "$@""#;
    let (running, stdout) = through_shell(&dir, script, ["log"]).spawn_unread();
    let mut stdout = BufReader::new(stdout);
    stdout.read_line(&mut String::new()).expect("read");
    drop(stdout);
    running
        .wait()
        .stderr("cofollow: write error: Broken pipe\n")
        .code(1);
}

#[test]
fn a_full_disk_is_told() {
    let dir = Dir::new();
    dir.write("log", plenty());
    for args in [["--no-follow", "log"], ["-n1", "log"]] {
        let full = File::options().write(true).open("/dev/full");
        let Ok(full) = full else { return };
        cofollow(&dir, args)
            .stdout_to(full)
            .run()
            .stderr("cofollow: write error: No space left on device\n")
            .code(1);
    }
}

#[test]
fn a_closed_standard_output_is_told() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    for args in [&["--no-follow", "log"][..], &["log"]] {
        through_shell(&dir, r#"exec "$@" >&-"#, args.iter().copied())
            .run()
            .stderr("cofollow: write error: Bad file descriptor\n")
            .code(1);
    }
}

#[test]
fn a_closed_standard_error_is_no_reason_to_fail() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    through_shell(
        &dir,
        r#"exec "$@" 2>&-"#,
        ["--until-idle=1ms", "log", "missing"],
    )
    .run()
    .stdout("==> log <==\n1\n")
    .code(1);
}

#[test]
fn it_can_print_into_a_file() {
    let dir = Dir::new();
    let text = plenty();
    dir.write("log", &text);
    for arg in ["--no-follow", "--until-idle=1ms"] {
        let file = File::create(dir.path("out")).expect("created");
        cofollow(&dir, ["-n+1", arg, "log"])
            .stdout_to(file)
            .run()
            .stderr("")
            .code(0);
        assert!(fs::read(dir.path("out")).expect("read") == text.as_bytes());
    }
}

#[test]
fn appended_lines_go_through_a_chain() {
    let dir = Dir::new();
    dir.write("log", "a 1\nb 1\n");
    let running = chain([
        cofollow(&dir, ["-n+1", "log"]),
        Cmd::bin("cogrep").arg("a"),
        Cmd::bin("cogrep").args(["-v", "x"]),
    ]);
    running[2].wait_for_stdout(|out| out == b"a 1\n");
    dir.append("log", "a x\na 2\nb 2\n");
    running[2].wait_for_stdout(|out| out == b"a 1\na 2\n");
    // The end travels down: what the source had read arrives.
    dir.append("log", "a 3");
    running[0].kill("INT");
    let statuses: Vec<_> = running.into_iter().map(Running::wait).collect();
    statuses[0].signal(2);
    statuses[1].code(0);
    statuses[2].code(0);
    assert!(statuses[2].stdout.starts_with(b"a 1\na 2\n"));
}

#[test]
fn a_whole_chain_ends_at_the_first_match() {
    let dir = Dir::new();
    dir.write("log", "a\n");
    let running = chain([
        cofollow(&dir, ["-n+1", "log"]),
        Cmd::bin("cogrep").arg("a"),
        Cmd::bin("cogrep").args(["-m1", "b"]),
    ]);
    dir.append("log", "ab\nab\n");
    let statuses: Vec<_> = running.into_iter().map(Running::wait).collect();
    statuses[0].stderr("").signal(13);
    statuses[1].stderr("").signal(13);
    statuses[2].stdout("ab\n").stderr("").code(0);
}

#[test]
fn standard_input_that_falls_silent_is_an_end_too_and_so_it_is_without_following() {
    for follow in [&[][..], &["--no-follow", "-"]] {
        let command = Cmd::bin("cofollow").args(["-n", "+1", "--until-idle", "50ms"]);
        let mut running = command.args(follow).spawn();
        running.send(b"one\ntw");
        // Its input is still open: only silence can end it.
        let ended = running.wait_with_open_stdin();
        ended.stdout("one\ntw").stderr("").code(0);
    }
}
