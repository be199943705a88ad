//! Bad input: one clear line on standard error, the right status, and what could be done is done.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;

use super::{cogrep, python, sh};
use crate::util::{Cmd, Dir, Output};

/// Exactly this message, nothing on standard output, status 2.
#[track_caller]
fn fails(output: &Output, message: &str) {
    output.stdout("").stderr(message).code(2);
}

#[test]
fn a_missing_file_is_told() {
    let output = cogrep(["a", "no/such-file"]).run();
    fails(&output, "cogrep: no/such-file: No such file or directory\n");
    fails(
        &cogrep(["a", ""]).run(),
        "cogrep: : No such file or directory\n",
    );
}

#[test]
fn a_name_in_a_message_does_not_reach_the_terminal_as_it_is() {
    let output = cogrep(["a", "\u{1b}[31mred\nline"]).run();
    let shown = r"\u{1b}[31mred\nline";
    fails(
        &output,
        &format!("cogrep: {shown}: No such file or directory\n"),
    );
    let output = Cmd::bin("cogrep")
        .arg("a")
        .arg(OsStr::from_bytes(b"\xFFname"))
        .run();
    fails(&output, "cogrep: \u{FFFD}name: No such file or directory\n");
}

#[test]
fn a_directory_is_an_error() {
    let dir = Dir::new();
    let output = cogrep(["a", "."]).dir(dir.path("")).run();
    fails(&output, "cogrep: .: Is a directory\n");
    let input = File::open(dir.path("")).expect("a directory");
    let output = cogrep(["a"]).stdin_from(input).run();
    fails(&output, "cogrep: (standard input): Is a directory\n");
    let input = File::open(dir.path("")).expect("a directory");
    let output = cogrep(["--label=log", "a"]).stdin_from(input).run();
    fails(&output, "cogrep: log: Is a directory\n");
}

#[test]
fn a_file_that_may_not_be_opened_is_told() {
    let dir = Dir::new();
    let path = dir.write("secret", "a\n");
    fs::set_permissions(&path, Permissions::from_mode(0o000)).expect("changed");
    // Root may.
    if File::open(&path).is_err() {
        let output = cogrep(["a", "secret"]).dir(dir.path("")).run();
        fails(&output, "cogrep: secret: Permission denied\n");
    }
}

#[test]
fn a_read_that_fails_is_told_and_the_next_file_done() {
    // Opens for everyone, and cannot be read at 0.
    if !Path::new("/proc/self/mem").exists() {
        return;
    }
    let dir = Dir::new();
    dir.write("file", "a\n");
    let output = cogrep(["-h", "a", "/proc/self/mem", "file"])
        .dir(dir.path(""))
        .run();
    output
        .stdout("a\n")
        .stderr("cogrep: /proc/self/mem: Input/output error\n")
        .code(2);
}

// What there is of the line was copied for the newline it lacks, which ended in an abort.
#[test]
fn a_line_that_memory_cannot_hold_is_told() {
    for args in ["-c x", "-v x", "-nv x", "-ov x", "--color=always -i 'x|$'"] {
        let script = format!(
            "ulimit -v 100000; head -c 100000000 /dev/zero | \"$cogrep\" {args} > /dev/null"
        );
        let output = sh(&script).run();
        fails(
            &output,
            "cogrep: (standard input): Cannot allocate memory\n",
        );
    }
}

// Of what several threads had searched nothing counted.
#[test]
fn lines_before_one_that_memory_cannot_hold_are_counted() {
    // More lines than the first part has.
    let script = "yes line | head -n 1000000 > file; truncate -s 100M file; ulimit -v 100000
                  \"$cogrep\" --threads=2 -c line file";
    let dir = Dir::new();
    let output = sh(script).dir(dir.path("")).run();
    output
        .stderr("cogrep: file: Cannot allocate memory\n")
        .code(2);
    assert_ne!(output.stdout, b"0\n");
}

// It was folded whole to be looked up among the texts.
#[test]
fn a_long_line_is_no_short_text_whatever_memory_there_is() {
    let script = "ulimit -v 150000; head -c 60000000 /dev/zero | \"$cogrep\" -x -i -c -e a -e b";
    let output = sh(script).run();
    output.stdout("0\n").stderr("").code(1);
}

#[test]
fn a_closed_standard_input_is_told() {
    let output = sh("\"$cogrep\" a <&-").run();
    fails(&output, "cogrep: (standard input): Bad file descriptor\n");
    // The end of a pipe that is written to: there is never anything to read in it.
    let output = sh("{ \"$cogrep\" a 0>&1 >/dev/null; echo $?; } | cat").run();
    output
        .stdout("2\n")
        .stderr("cogrep: (standard input): Bad file descriptor\n");
    // It is nobody's business if it is not wanted.
    let dir = Dir::new();
    dir.write("file", "a\n");
    let output = sh("\"$cogrep\" a file <&-").dir(dir.path("")).run();
    output.stdout("a\n").stderr("").code(0);
}

#[test]
fn a_closed_standard_output_is_told() {
    let closed = |args: &str| sh(&format!("\"$cogrep\" {args} >&-")).stdin("a\n").run();
    let message = "cogrep: write error: Bad file descriptor\n";
    for args in ["a", "-c a", "-c x", "--help", "--version"] {
        fails(&closed(args), message);
    }
    // Nothing had to be written.
    closed("x").stderr("").code(1);
    closed("-q a").stderr("").code(0);
}

#[test]
fn a_full_disk_is_told() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let full = |args: &[&str], text: &str| {
        let full = File::options().write(true).open("/dev/full");
        let cogrep = Cmd::bin("cogrep").args(args).stdin(text);
        cogrep.stdout_to(full.expect("/dev/full")).run()
    };
    let message = "cogrep: write error: No space left on device\n";
    fails(&full(&["a"], "a\n"), message);
    fails(&full(&["-c", "x"], "a\n"), message);
    fails(&full(&["--help"], ""), message);
    fails(&full(&["a"], &"a line\n".repeat(100_000)), message);
    full(&["x"], "a\n").stderr("").code(1);
}

#[test]
fn messages_may_be_lost_but_not_the_status() {
    let output = sh("\"$cogrep\" a missing 2>&-").run();
    output.stdout("").code(2);
    sh("\"$cogrep\" '(' 2>&-").run().stdout("").code(2);
    sh("\"$cogrep\" --nonsense 2>&-").run().stdout("").code(2);
}

#[test]
fn an_invalid_pattern_is_shown_with_a_caret_at_the_place() {
    let wrong = |args: &[&str]| Cmd::bin("cogrep").args(args).run();
    let message = "cogrep: invalid pattern: unclosed group\n    gr\u{f6}\u{df}e(\n         ^\n";
    fails(&wrong(&["gr\u{f6}\u{df}e("]), message);
    fails(&wrong(&["-e", "a", "-e", "gr\u{f6}\u{df}e("]), message);
    fails(&wrong(&["a\ngr\u{f6}\u{df}e(\nb"]), message);
    let message =
        "cogrep: invalid pattern: repetition operator missing expression\n    *a\n    ^\n";
    fails(&wrong(&["*a"]), message);
    // The caret stands right also below what is shown escaped.
    let output = wrong(&["a\t\u{1b}("]);
    fails(
        &output,
        "cogrep: invalid pattern: unclosed group\n    a\\t\\u{1b}(\n             ^\n",
    );
    // It is wrong whatever there is to search.
    wrong(&["(", "missing"])
        .stderr_contains("unclosed group")
        .code(2);
}

#[test]
fn a_pattern_that_is_not_utf_8_is_literal_or_refused() {
    let run = |args: &[&[u8]], text: &[u8]| {
        let args = args.iter().map(|arg| OsStr::from_bytes(arg));
        Cmd::bin("cogrep").args(args).stdin(text).run()
    };
    run(&[b"\xFF"], b"a\xFFb\na\n").stdout(b"a\xFFb\n").code(0);
    run(&[b"-F", b"(\xFF"], b"(\xFF\n\xFF\n")
        .stdout(b"(\xFF\n")
        .code(0);
    run(&[b"-i", b"-F", b"\xFFa"], b"\xFFA\n")
        .stdout(b"\xFFA\n")
        .code(0);
    run(&[b"-e", b"\xFF", b"-e", b"^b"], b"\xFF\nb\n").stdout(b"\xFF\nb\n");
    let message = "cogrep: invalid pattern: not UTF-8 at byte 2: \
                   write such a byte as (?-u:\\xFF), or use -F\n";
    fails(&run(&[b"^\xFF"], b""), message);
    run(&[br"^(?-u:\xFF)"], b"\xFF\n").stdout(b"\xFF\n").code(0);
}

#[test]
fn a_pattern_that_is_too_large_is_refused() {
    let message = "cogrep: invalid pattern: too large: \
                   with its repetitions written out it has more than 50000 characters\n";
    fails(&cogrep(["(a{0,500}){500}"]).run(), message);
    let message = "cogrep: invalid pattern: too large: compiled it takes more than 100 MiB\n";
    fails(&cogrep([r"\w{20000}"]).run(), message);
    let deep = "(".repeat(5000) + &")".repeat(5000);
    cogrep([&*deep])
        .run()
        .stdout("")
        .stderr_contains("nested")
        .code(2);
}

#[test]
fn a_line_longer_than_memory_is_told_and_the_next_file_done() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let dir = Dir::new();
    dir.write("endless", "a\n");
    dir.write("file", "a\n");
    let file = File::options().write(true).open(dir.path("endless"));
    file.and_then(|file| file.set_len(1 << 30)).expect("a hole");
    let script = sh("ulimit -v 300000; exec \"$cogrep\" a endless file");
    let output = script.dir(dir.path("")).run();
    output.stdout("endless:a\nfile:a\n").code(2);
    output.stderr("cogrep: endless: Cannot allocate memory\n");
}

#[test]
fn many_patterns_are_no_trouble() {
    let words: Vec<String> = (0..5000).map(|number| format!("word{number}x")).collect();
    let text = words.join("\n");
    let output = cogrep(["-F", "-c", &*text]).stdin(&*text).run();
    output.stdout("5000\n").stderr("").code(0);
    let output = cogrep(["-c", "-v", &*text]).stdin("word1\nword1x\n").run();
    output.stdout("1\n").stderr("").code(0);
}

#[test]
fn who_ignores_sigpipe_gets_a_write_error() {
    // Rust's `Command` restores SIGPIPE: the shell has to ignore it again.
    let (reader, writer) = io::pipe().expect("a pipe");
    let script = sh("trap '' PIPE; exec \"$cogrep\" a");
    let (running, stdout) = script.stdin_from(reader).spawn_unread();
    drop(stdout);
    fails(&running.wait(), "cogrep: write error: Broken pipe\n");
    drop(writer);
}

/// `python3 -c EXEC cogrep FD args`: cogrep with a non-blocking descriptor.
const NONBLOCKING: &str = "
import os, sys
os.set_blocking(int(sys.argv[2]), False)
os.execv(sys.argv[1], [sys.argv[1]] + sys.argv[3:])
";

#[test]
fn a_non_blocking_input_is_waited_for() {
    let Some(cogrep) = python(NONBLOCKING, &["0", "a"]) else {
        return;
    };
    let mut running = cogrep.spawn();
    let mut expected = Vec::new();
    for number in 0..20 {
        running.send(format!("a{number}\nb\n"));
        expected.extend(format!("a{number}\n").bytes());
        running.wait_for_stdout(|text| text == expected);
    }
    running.wait().stdout(expected).stderr("").code(0);
}

#[test]
fn a_non_blocking_output_loses_nothing() {
    let text = "a line\n".repeat(100_000);
    let Some(cogrep) = python(NONBLOCKING, &["1", "a"]) else {
        return;
    };
    let (running, stdout) = cogrep.stdin(&*text).spawn_unread();
    // Read by bits, so that the pipe is full most of the time.
    let reader = thread::spawn(move || {
        let mut stdout = stdout;
        let mut read = Vec::new();
        let mut bit = [0; 1000];
        while let Ok(count @ 1..) = io::Read::read(&mut stdout, &mut bit) {
            read.extend_from_slice(&bit[..count]);
        }
        read
    });
    // The input is fed by a thread of its own; `wait` only waits.
    running.wait().stderr("").code(0);
    assert!(reader.join().expect("read") == text.as_bytes());
}

#[test]
fn escapes_in_a_group_that_is_none_are_shown_escaped() {
    let output = cogrep(["--replace=${\x1b[31m}", "a"]).stdin("a\n").run();
    output
        .stdout("")
        .stderr("cogrep: --replace: the pattern has no group '\\u{1b}[31m'\n")
        .code(2);
}
