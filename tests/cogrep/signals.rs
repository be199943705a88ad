//! The end by a signal: what was read arrives, and the caller sees what ended it.

use std::fs::File;
use std::io::{self, PipeWriter, Read, Seek, Write};
use std::os::unix::process::ExitStatusExt;

use super::{SLOW, python, runs, slow_file, slow_line};
use crate::util::{Cmd, Dir, Running, built, wait_until};

const SIGNALS: [(&str, i32); 3] = [("INT", 2), ("TERM", 15), ("HUP", 1)];

/// cogrep with no signal ignored, whatever runs the tests: `&` in a script ignores SIGINT, `nohup` SIGHUP.
fn cogrep(args: &[&str]) -> Cmd {
    let default = ["--default-signal=INT,TERM,HUP"];
    let cmd = if runs("env", &["--default-signal=INT", "true"]) {
        Cmd::new("env").args(default).arg(built("cogrep"))
    } else {
        Cmd::bin("cogrep")
    };
    cmd.args(args)
}

/// One that reads a pipe and has passed on its first line, `a1`: its handlers are in place.
fn started(args: &[&str]) -> (Running, PipeWriter) {
    let (reader, mut writer) = io::pipe().expect("a pipe");
    let running = cogrep(args).stdin_from(reader).spawn();
    writer.write_all(b"a1\n").expect("written");
    running.wait_for_stdout(|text| text == b"a1\n");
    (running, writer)
}

/// Stops it, lets things happen to it, and lets it go on: to it they happened all at once.
fn all_at_once(running: &Running, happen: impl FnOnce()) {
    running.kill("STOP");
    happen();
    running.kill("CONT");
}

#[test]
fn what_was_read_arrives_also_an_unfinished_line() {
    for (name, number) in SIGNALS {
        let (running, mut writer) = started(&["a"]);
        all_at_once(&running, || {
            writer.write_all(b"b\na2\na3").expect("written");
            running.kill(name);
        });
        // The writer stays: silence ends it.
        running
            .wait()
            .stdout("a1\na2\na3\n")
            .stderr("")
            .signal(number);
        drop(writer);
    }
}

#[test]
fn what_upstream_still_sends_after_the_signal_arrives() {
    let (running, mut writer) = started(&["a"]);
    // More than one read: 60,000 bytes fit in a pipe.
    let rest = "a line\n".repeat(8_000);
    all_at_once(&running, || {
        running.kill("INT");
        writer.write_all(rest.as_bytes()).expect("written");
        drop(writer);
    });
    running
        .wait()
        .stdout(format!("a1\n{rest}"))
        .stderr("")
        .signal(2);
}

/// One that has passed on its first line, `hit`, and is flooded with lines that do not match.
fn flooded() -> (Running, Running) {
    let (reader, writer) = io::pipe().expect("a pipe");
    let flood = Cmd::new("sh").args(["-c", "echo hit; exec yes"]);
    let flood = flood.stdout_to(writer).spawn();
    let running = cogrep(&["hit"]).stdin_from(reader).spawn();
    running.wait_for_stdout(|text| text == b"hit\n");
    (flood, running)
}

#[test]
fn an_upstream_that_never_stops_is_left_after_a_while() {
    let (flood, running) = flooded();
    running.kill("TERM");
    running.wait().stdout("hit\n").stderr("").signal(15);
    flood.wait().signal(13);
}

// `timeout` sends its signal to the child and to the child's group: what upstream still sent was lost.
#[test]
fn signals_that_come_at_once_are_one() {
    let (running, mut writer) = started(&["a"]);
    all_at_once(&running, || {
        writer.write_all(b"a2\n").expect("written");
        running.kill("INT");
        running.kill("TERM");
    });
    let output = running.wait();
    output.stdout("a1\na2\n").stderr("");
    // In one moment the kernel may run their handlers in either order.
    assert!(
        matches!(output.status.signal(), Some(2 | 15)),
        "{}",
        output.status
    );
    drop(writer);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (reader, writer) = io::pipe().expect("a pipe");
    let yes = Cmd::new("yes").stdout_to(writer).spawn();
    let (mut running, mut stdout) = cogrep(&["y"]).stdin_from(reader).spawn_unread();
    stdout.read_exact(&mut [0; 2]).expect("it has begun");
    running.kill("INT");
    running.kill_until_it_ends("TERM");
    // Not after the second that the first one leaves to the output, which would be told.
    let ended = running.wait();
    ended.stderr("");
    assert!(matches!(ended.status.signal(), Some(2 | 15)));
    yes.wait().signal(13);
    drop(stdout);
}

#[test]
fn output_that_nobody_takes_is_given_up_and_told() {
    let (reader, writer) = io::pipe().expect("a pipe");
    let yes = Cmd::new("yes").stdout_to(writer).spawn();
    let (running, mut stdout) = cogrep(&["y"]).stdin_from(reader).spawn_unread();
    stdout.read_exact(&mut [0; 2]).expect("it has begun");
    running.kill("INT");
    let message = "cogrep: not all output was taken in the second after the signal\n";
    running.wait().stderr(message).signal(2);
    yes.wait().signal(13);
    drop(stdout);
}

#[test]
fn a_file_is_left_at_once() {
    let dir = Dir::new();
    slow_file(&dir, "file");
    let slow = cogrep(&[SLOW, "file"]).dir(dir.path(""));
    let running = slow.spawn();
    running.wait_for_stdout(|text| text == b"hit\n");
    running.kill("INT");
    running.wait().stdout("hit\n").stderr("").signal(2);
}

// It was searched to its end, whatever that took.
#[test]
fn a_long_line_is_left_too() {
    let dir = Dir::new();
    slow_line(&dir, "file");
    for (name, number) in SIGNALS {
        let mut file = File::open(dir.path("file")).expect("the file");
        // Has the same position.
        let stdin = file.try_clone().expect("the file");
        let running = cogrep(&["--threads=1", SLOW]).stdin_from(stdin).spawn();
        let length = file.metadata().expect("the file").len();
        wait_until("it has been read", || {
            file.stream_position().expect("a position") == length
        });
        running.kill(name);
        running.wait().stdout("hit\n").stderr("").signal(number);
    }
}

// The name was told though the rest of the input might have matched.
#[test]
fn an_input_that_a_signal_ended_is_not_said_to_match_nothing() {
    let dir = Dir::new();
    // Told when the next input begins: then the handlers are in place.
    dir.write("first", "no\n");
    // A stream has no other end: its count is told.
    for (option, first, rest) in [
        ("-L", "first\n", ""),
        ("-c", "first:0\n", "(standard input):0\n"),
    ] {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let search = cogrep(&[option, "z", "first", "-"]).dir(dir.path(""));
        let running = search.stdin_from(reader).spawn();
        running.wait_for_stdout(|text| text == first.as_bytes());
        all_at_once(&running, || {
            writer.write_all(b"x\n").expect("written");
            running.kill("TERM");
        });
        let all = format!("{first}{rest}");
        running.wait().stdout(all).stderr("").signal(15);
        drop(writer);
    }
    slow_file(&dir, "file");
    let never = SLOW.replace("hit", "never");
    for (option, first) in [("-c", "first:0\n"), ("-L", "first\n")] {
        let slow = cogrep(&[option, &never, "first", "file"]).dir(dir.path(""));
        let running = slow.spawn();
        running.wait_for_stdout(|text| text == first.as_bytes());
        running.kill("INT");
        running.wait().stdout(first).stderr("").signal(2);
    }
}

#[test]
fn signals_that_were_ignored_at_the_start_stay_ignored() {
    let script = "trap '' INT TERM HUP; exec \"$0\" a";
    let ignoring = Cmd::new("sh").args(["-c", script]).arg(built("cogrep"));
    let mut running = ignoring.spawn();
    running.send("a1\n");
    running.wait_for_stdout(|text| text == b"a1\n");
    for (name, _) in SIGNALS {
        running.kill(name);
    }
    running.send("a2\n");
    running.wait_for_stdout(|text| text == b"a1\na2\n");
    running.wait().stdout("a1\na2\n").stderr("").code(0);
}

#[test]
fn nohup_keeps_it_from_a_hang_up() {
    if !runs("nohup", &["true"]) {
        return;
    }
    let mut running = Cmd::new("nohup").arg(built("cogrep")).arg("a").spawn();
    running.send("a1\n");
    running.wait_for_stdout(|text| text == b"a1\n");
    running.kill("HUP");
    running.send("a2\n");
    running.wait().stdout("a1\na2\n").code(0);
}

/// Runs a shell command in a terminal of its own, types ^C after `a first`, and shows what the terminal did.
const TERMINAL: &str = "
import os, pty, signal, sys
child, terminal = pty.fork()
if child == 0:
    for ignored in signal.SIGINT, signal.SIGPIPE:
        signal.signal(ignored, signal.SIG_DFL)
    os.execv('/bin/sh', ['sh', '-c'] + sys.argv[2:] + [sys.argv[1]])
shown = b''
typed = False
while True:
    try:
        shown += os.read(terminal, 65536)
    except OSError:
        break
    if b'a first' in shown and not typed:
        os.write(terminal, b'\\x03')
        typed = True
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(shown.replace(b'^C', b'').decode(), status in (-signal.SIGINT, 128 + signal.SIGINT))
";

#[test]
fn what_the_source_had_read_arrives_after_ctrl_c_to_the_whole_chain() {
    let dir = Dir::new();
    // Read at once by the source, and more than a terminal takes before the signal comes to all three.
    let log: Vec<String> = (0..2000)
        .map(|number| format!("a line {number}\n"))
        .collect();
    let log = log.concat();
    dir.write("log", format!("a first\nb\n{log}"));
    // A terminal forgets at ^C what it was to show, unless it is told not to; and a shell that dies of ^C takes
    // its terminal along, as an interactive one does not.
    let chain = "stty noflsh; trap : INT; $0 -n +1 log | $1 a | $1 -v b; exit $?";
    let source = built("cofollow");
    let Some(python) = python(TERMINAL, &[chain, &source.to_string_lossy()]) else {
        return;
    };
    let shown = format!("a first\n{log}").replace('\n', "\r\n");
    let output = python.dir(dir.path("")).run();
    output.stdout(format!("{shown} True\n")).stderr("").code(0);
}
