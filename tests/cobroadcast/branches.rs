//! Commands as targets: how they start, what they are given, how they end.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;

use super::{cobroadcast, numbers, sh};
use crate::util::{Cmd, Dir, built, wait_until};

/// The lines of a text, sorted.
fn sorted(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8(text.to_vec()).expect("text");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn every_branch_gets_every_line_and_its_output_is_standard_output() {
    let log = "python 3\nply\nswig and python\n";
    let output = cobroadcast(["-c", "grep python", "-c", "grep ply", "-c", "wc -l", "copy"]);
    let dir = Dir::new();
    let output = output.dir(dir.path("")).stdin(log).run();
    output.stderr("").code(0);
    assert_eq!(
        sorted(&output.stdout),
        ["3", "ply", "python 3", "swig and python"]
    );
    assert_eq!(fs::read(dir.path("copy")).expect("read"), log.as_bytes());
}

#[test]
fn with_stdout_the_copy_is_there_too() {
    let output = cobroadcast(["--stdout", "-c", "grep b"])
        .stdin("a\nb")
        .run();
    output.stderr("").code(0);
    // Whole lines: the last one of each lacks its end.
    assert_eq!(sorted(&output.stdout), ["a", "b", "b"]);
    assert!(output.stdout.ends_with(b"\n"));
}

#[test]
fn the_statuses_of_all_branches_are_told() {
    let output = cobroadcast([
        "-c",
        "exit 3",
        "-c",
        "cat",
        "-c",
        "killed:=kill -9 $$",
        "-c",
        "exec /missing/command 2>/dev/null",
    ]);
    let output = output.stdin(numbers(3)).run();
    output.stdout(numbers(3)).code(1);
    let told = sorted(&output.stderr);
    for message in [
        "cobroadcast: branch 1 (exit 3): exit status 3",
        "cobroadcast: branch 3 (killed): signal 9 (SIGKILL)",
        "cobroadcast: branch 4 (exec /missing/command 2>/dev/null): exit status 127",
    ] {
        assert!(told.contains(&message.to_owned()), "{told:#?}");
    }
    assert!(
        !told.iter().any(|line| line.contains("branch 2")),
        "{told:#?}"
    );
}

#[test]
fn statuses_that_are_ok_are_no_failure() {
    let run = |ok: &str| {
        let cmd = cobroadcast(["--ok-status", ok, "-c", "grep x", "-c", "exit 2"]);
        cmd.stdin("a\n").run()
    };
    run("0,1,2").stderr("").code(0);
    run("0,1")
        .stderr("cobroadcast: branch 2 (exit 2): exit status 2\n")
        .code(1);
    run("0,one")
        .stderr_contains("expected exit statuses")
        .code(1);
}

#[test]
fn a_branch_that_stops_reading_is_no_failure_and_the_others_get_all() {
    let text = numbers(300_000);
    for _ in 0..20 {
        let output = cobroadcast([
            "-c",
            "head -n1",
            "-c",
            "wc -l",
            "-c",
            "exec <&-; sleep 0.01",
        ]);
        let output = output.stdin(text.clone()).run();
        output.stderr("").code(0);
        assert_eq!(sorted(&output.stdout), ["1", "300000"]);
    }
}

#[test]
fn what_a_command_leaves_behind_gets_the_rest_of_the_input() {
    let dir = Dir::new();
    let text = numbers(300_000);
    let command = "exec 3<&0; (sleep 0.1; cat <&3 >copy) >/dev/null & exit 0";
    cobroadcast(["-c", command, "all"])
        .dir(dir.path(""))
        .stdin(text.clone())
        .run()
        .stderr("")
        .code(0);
    let has_all = |name: &str| fs::read(dir.path(name)).is_ok_and(|copy| copy == text.as_bytes());
    assert!(has_all("all"));
    // It may be a moment behind: nobody waits for it.
    wait_until("the rest", || has_all("copy"));
}

#[test]
fn it_ends_early_when_no_branch_is_left() {
    let (reader, writer) = io::pipe().expect("a pipe");
    let running = cobroadcast(["-c", "true", "-c", "sleep 0.01"]).stdin_from(reader);
    // The input stays open.
    running.spawn().wait().stdout("").stderr("").code(0);
    drop(writer);
}

#[test]
fn it_ends_after_its_branches_and_shows_their_output_first() {
    let output =
        sh(r#"printf 'x' | "$cobroadcast" -c 'cat >/dev/null; sleep 0.3; echo late'; echo prompt"#);
    output.run().stdout("late\nprompt\n").stderr("").code(0);
}

#[test]
fn branches_are_started_and_closed_even_without_input() {
    cobroadcast(["-c", "cat; echo end"])
        .stdin("")
        .run()
        .stdout("end\n")
        .code(0);
    sh(r#""$cobroadcast" -c 'cat; echo end' <&-"#)
        .run()
        .stdout("end\n")
        .stderr("cobroadcast: standard input: Bad file descriptor\n")
        .code(1);
}

#[test]
fn a_branch_has_no_descriptor_of_a_sibling_and_default_signals() {
    // With SIGPIPE ignored, as a shell's trap leaves it, `yes` would complain.
    let script = r#"
        trap '' PIPE
        exec "$cobroadcast" -c 'cat >/dev/null; ls /proc/self/fd | wc -l' -c cat \
            -c 'ls /proc/self/fd | wc -l; cat >/dev/null' -c '(yes; echo $? >&2) | head -n1'
    "#;
    let output = sh(script).stdin("").run();
    output.stderr("141\n").code(0);
    let alone = Cmd::new("sh")
        .args(["-c", "ls /proc/self/fd | wc -l"])
        .run();
    let alone = String::from_utf8(alone.stdout).expect("a number");
    assert_eq!(sorted(&output.stdout), [alone.trim(), alone.trim(), "y"]);
}

#[test]
fn a_branch_sees_its_end_though_a_sibling_goes_on() {
    // The second ends only when the first, which has to see the end of its input for that, has.
    let dir = Dir::new();
    let mkfifo = Cmd::new("mkfifo").arg(dir.path("fifo")).run();
    mkfifo.code(0);
    cobroadcast(["-c", "cat; echo end >fifo", "-c", "cat; cat fifo"])
        .dir(dir.path(""))
        .stdin("")
        .run()
        .stdout("end\n")
        .stderr("")
        .code(0);
}

#[test]
fn three_hundred_branches_run_and_have_the_limit_of_descriptors_they_would_have() {
    let mut args = vec!["-c"; 600];
    for command in args.iter_mut().skip(1).step_by(2) {
        *command = "cat; ulimit -n";
    }
    let output = sh(r#"ulimit -Sn 256; exec "$cobroadcast" "$@""#)
        .arg("sh")
        .args(args);
    let output = output.stdin("line\n").run();
    assert!(output.status.success() && output.stderr.is_empty());
    let lines = sorted(&output.stdout);
    assert_eq!(lines.len(), 600);
    assert_eq!(lines[299..301], ["256", "line"]);
}

#[test]
fn a_branch_whose_output_nobody_reads_is_ended_by_that() {
    let (reader, writer) = io::pipe().expect("a pipe");
    let cmd = cobroadcast(["-c", "yes", "-c", "yes; exit $?"]).stdin_from(reader);
    let (running, stdout) = cmd.spawn_unread();
    drop(stdout);
    running.wait().stderr("").signal(13);
    drop(writer);
}

#[test]
fn a_reader_of_the_output_that_leaves_ends_all_though_the_input_is_quiet() {
    for option in ["--stdout", "--label", "--group", "--queue=1M", "--restart"] {
        let (reader, writer) = io::pipe().expect("a pipe");
        let cogrep = format!("{} x", built("cogrep").display());
        let cmd = cobroadcast([option, "-c", &cogrep, "-c", &format!("{cogrep} | {cogrep}")]);
        let (running, stdout) = cmd.stdin_from(reader).spawn_unread();
        drop(stdout);
        running.wait().stderr("").signal(13);
        drop(writer);
    }
}

#[test]
fn files_are_written_though_nobody_reads_what_the_branches_print() {
    let dir = Dir::new();
    let text = numbers(300_000);
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    cobroadcast(["copy", "-c", "cat"])
        .dir(dir.path(""))
        .stdin(text.clone())
        .stdout_to(writer)
        .run()
        .stderr("")
        .code(0);
    assert!(fs::read(dir.path("copy")).expect("read") == text.as_bytes());
}

#[test]
fn a_branch_that_fails_is_started_again_and_gets_what_follows() {
    let dir = Dir::new();
    // Each takes one line.
    let command = "read line; echo $line >>taken; exit 5";
    let mut running = cobroadcast(["--restart=2", "-c", command, "-c", "cat"])
        .dir(dir.path(""))
        .spawn();
    let mut sent = Vec::new();
    for (line, told) in [
        ("one\n", "started again in 0.1 s\n"),
        ("two\n", "started again in 0.2 s\n"),
        ("three\n", "exit status 5\n"),
    ] {
        running.send(line);
        sent.extend_from_slice(line.as_bytes());
        running.wait_for_stderr(|err| err.ends_with(told.as_bytes()));
        running.wait_for_stdout(|out| out == sent);
    }
    let name = format!("cobroadcast: branch 1 ({command}): exit status 5");
    running
        .wait()
        .stderr(format!(
            "{name}; started again in 0.1 s\n{name}; started again in 0.2 s\n{name}\n"
        ))
        .code(1);
    assert_eq!(fs::read(dir.path("taken")).expect("read"), sent);
}

#[test]
fn branches_get_the_end_of_input_at_a_signal_and_are_waited_for() {
    let script = "trap '' TERM; echo ready; cat >/dev/null; echo late";
    for (signal, number) in [("TERM", 15), ("INT", 2)] {
        let default = ["--default-signal=INT,TERM,HUP"];
        let cmd = Cmd::new("env").args(default).arg(built("cobroadcast"));
        let running = cmd.args(["-c", script]).spawn();
        running.wait_for_stdout(|out| out == b"ready\n");
        running.kill(signal);
        let output = running.wait_with_open_stdin();
        output.stdout("ready\nlate\n").stderr("").signal(number);
    }
}

// `timeout` signals its child and at once the child's group, which the child is in: two signals.
#[test]
fn two_signals_at_once_are_one() {
    let default = ["--default-signal=INT,TERM,HUP"];
    let cmd = Cmd::new("env").args(default).arg(built("cobroadcast"));
    let running = cmd
        .args(["-c", "echo ready; cat >/dev/null; echo late"])
        .spawn();
    running.wait_for_stdout(|out| out == b"ready\n");
    running.kill("STOP");
    running.kill("TERM");
    running.kill("INT");
    running.kill("CONT");
    let output = running.wait_with_open_stdin();
    output.stdout("ready\nlate\n").stderr("");
    assert!(matches!(output.status.signal(), Some(2 | 15)));
}

#[test]
fn a_second_signal_is_passed_on_and_ends_it() {
    let script = "trap 'echo told >&2; exit' TERM; sleep 1000 >/dev/null 2>&1 & \
                  echo ready; cat >/dev/null; echo at the end >&2; wait";
    let default = ["--default-signal=INT,TERM,HUP"];
    let cmd = Cmd::new("env").args(default).arg(built("cobroadcast"));
    let running = cmd.args(["-c", script]).spawn();
    running.wait_for_stdout(|out| out == b"ready\n");
    running.kill("TERM");
    running.wait_for_stderr(|err| err == b"at the end\n");
    running.kill("TERM");
    let output = running.wait_with_open_stdin();
    output
        .stdout("ready\n")
        .stderr("at the end\ntold\n")
        .signal(15);
}

#[test]
fn a_branch_that_dies_of_our_own_signal_is_not_told() {
    let default = ["--default-signal=INT,TERM,HUP"];
    let cmd = Cmd::new("env").args(default).arg(built("cobroadcast"));
    // What ^C does: all of the group get it.
    let command = "echo ready; cat >/dev/null; kill -INT $$";
    let running = cmd.args(["-c", command]).spawn();
    running.wait_for_stdout(|out| out == b"ready\n");
    running.kill("INT");
    running.wait_with_open_stdin().stderr("").signal(2);
    // Without a signal of ours it is.
    cobroadcast(["-c", "kill -INT $$"])
        .run()
        .stderr("cobroadcast: branch 1 (kill -INT $$): signal 2 (SIGINT)\n")
        .code(1);
}

// How a child ended is forgotten then, and the message of that came again and again.
#[test]
fn branches_end_though_the_caller_ignores_the_end_of_children() {
    sh(r#"echo line | env --ignore-signal=CHLD "$cobroadcast" -c cat -c 'cat; exit 3'"#)
        .run()
        .stdout("line\nline\n")
        .stderr("cobroadcast: branch 2 (cat; exit 3): exit status 3\n")
        .code(1);
}

#[test]
fn after_a_signal_no_branch_is_started_again() {
    let dir = Dir::new();
    let args = ["--restart", "-c", "echo >> runs; exit 1"];
    let running = cobroadcast(args).dir(dir.path("")).spawn();
    running.wait_for_stderr(|err| err.ends_with(b"started again in 1.6 s\n"));
    running.kill("INT");
    running.wait_with_open_stdin().signal(2);
    assert_eq!(fs::read(dir.path("runs")).expect("read"), b"\n".repeat(5));
}
