//! Where it starts, and printing without following.

use std::fs::File;
use std::io::{Read, Write};

use super::{cofollow, through_shell};
use crate::util::{Cmd, Dir};

const FIVE: &str = "1\n2\n3\n4\n5\n";

#[test]
fn every_form_of_a_start() {
    let dir = Dir::new();
    dir.write("log", FIVE);
    for (arg, expected) in [
        ("-n2", "4\n5\n"),
        ("-n-2", "4\n5\n"),
        ("-n0", ""),
        ("-n-0", ""),
        ("-n7", FIVE),
        ("-n99999999999999999999999", FIVE),
        ("-n+0", FIVE),
        ("-n+1", FIVE),
        ("-n+4", "4\n5\n"),
        ("-n+5", "5\n"),
        ("-n+6", ""),
        ("-n+99999999999999999999999", ""),
        ("--lines=2", "4\n5\n"),
        ("--li=+4", "4\n5\n"),
        ("-n2K", FIVE),
        ("-n+1K", ""),
        ("-n0kB", ""),
        ("-n99999999999999999999999Q", FIVE),
        ("-2", "4\n5\n"),
        ("-2l", "4\n5\n"),
        ("-0", ""),
        ("+4", "4\n5\n"),
        ("+4l", "4\n5\n"),
        ("-c3", "\n5\n"),
        ("-c-3", "\n5\n"),
        ("-c0", ""),
        ("-c99", FIVE),
        ("-c+0", FIVE),
        ("-c+1", FIVE),
        ("-c+8", "\n5\n"),
        ("-c+99999999999999999999999", ""),
        ("--bytes=1", "\n"),
    ] {
        cofollow(&dir, [arg, "--no-follow", "log"])
            .run()
            .stdout(expected)
            .stderr("")
            .code(0);
        // A stream begins where a file does.
        cofollow(&dir, [arg])
            .stdin(FIVE)
            .run()
            .stdout(expected)
            .stderr("")
            .code(0);
    }
}

#[test]
fn the_last_ten_lines_are_the_default() {
    let dir = Dir::new();
    let lines: Vec<String> = (1..=12).map(|number| format!("{number}\n")).collect();
    dir.write("log", lines.concat());
    for args in [["--no-follow", "log"], ["--until-idle=1ms", "log"]] {
        let output = cofollow(&dir, args).run();
        output.stdout(lines[2..].concat()).stderr("").code(0);
    }
}

#[test]
fn lines_may_end_in_nul() {
    let dir = Dir::new();
    let names = "one\n\0two\0\0three";
    dir.write("names", names);
    for (start, expected) in [
        ("-n1", "three"),
        ("-n2", "\0three"),
        ("-n3", "two\0\0three"),
        ("-n+2", "two\0\0three"),
        ("-c4", "hree"),
    ] {
        for flag in ["-z", "--zero-terminated"] {
            let args = [start, flag, "--no-follow", "names"];
            cofollow(&dir, args)
                .run()
                .stdout(expected)
                .stderr("")
                .code(0);
        }
        let output = cofollow(&dir, [start, "-z"]).stdin(names).run();
        output.stdout(expected).stderr("").code(0);
    }
}

#[test]
fn the_last_of_several_starts_wins_and_options_may_follow_operands() {
    let dir = Dir::new();
    dir.write("log", FIVE);
    cofollow(&dir, ["-n1", "log", "--no-follow", "-n", "+5"])
        .run()
        .stdout("5\n")
        .code(0);
    for (args, expected) in [(["-n1", "-c3"], "\n5\n"), (["-c3", "-n1"], "5\n")] {
        let output = cofollow(&dir, args).args(["--no-follow", "log"]).run();
        output.stdout(expected).code(0);
    }
    dir.write("-n", "dash\n");
    cofollow(&dir, ["--no-follow", "--", "-n"])
        .run()
        .stdout("dash\n")
        .code(0);
}

// As GNU tail has it: a number with a plus is a start only where no file of that name can be meant.
#[test]
fn a_plus_and_a_number_is_a_start_or_a_file() {
    let dir = Dir::new();
    dir.write("log", FIVE);
    dir.write("+4", "file\n");
    for (args, expected) in [
        (&["+4", "log"][..], "4\n5\n"),
        (&["+4", "--", "log"], "4\n5\n"),
        (&["log", "-1"], "5\n"),
        (&["-n1", "-2", "log"], "4\n5\n"),
        (&["-n", "-2", "log"], "4\n5\n"),
        (&["-n1", "+4"], "file\n"),
        (&["./+4"], "file\n"),
        (&["--", "+4"], "file\n"),
        (&["-1", "+4", "log"], "==> +4 <==\nfile\n\n==> log <==\n5\n"),
        (&["-1", "log", "+4"], "==> log <==\n5\n\n==> +4 <==\nfile\n"),
    ] {
        let args = ["--no-follow"].iter().chain(args).copied();
        cofollow(&dir, args)
            .run()
            .stdout(expected)
            .stderr("")
            .code(0);
    }
    cofollow(&dir, ["-2K", "log"])
        .run()
        .stdout("")
        .stderr_contains("invalid option -- '2'")
        .code(1);
}

#[test]
fn what_is_no_number_is_refused() {
    let dir = Dir::new();
    dir.write("log", FIVE);
    for wrong in [
        "", "x", "1x", "1g", "2c", "+", "-", "+-1", "--1", "++1", "1 ", "-+1",
    ] {
        let arg = format!("--lines={wrong}");
        let output = cofollow(&dir, [arg.as_str(), "--no-follow", "log"]).run();
        output.stdout("").code(1).stderr(format!(
            "cofollow: invalid number of lines: '{wrong}'\n\
             Try 'cofollow --help' for more information.\n"
        ));
    }
    let output = cofollow(&dir, ["-c+x", "--no-follow", "log"]).run();
    output
        .stdout("")
        .stderr_contains("invalid number of bytes: '+x'")
        .code(1);
    let output = cofollow(&dir, ["--no-follow", "log", "-n"]).run();
    output.stdout("").stderr_contains("requires").code(1);
    for wrong in ["", "-1s", "soon", "1x"] {
        let arg = format!("--until-idle={wrong}");
        let output = cofollow(&dir, [arg.as_str(), "log"]).run();
        output.stdout("").stderr_contains("--until-idle").code(1);
    }
}

#[test]
fn several_files_have_headers_as_tails() {
    let dir = Dir::new();
    dir.write("a", "a\n");
    dir.write("empty", "");
    dir.write("b", "no newline");
    cofollow(&dir, ["--no-follow", "a", "empty", "-", "b"])
        .stdin("in\n")
        .run()
        .stdout(
            "==> a <==\na\n\n==> empty <==\n\n==> standard input <==\nin\n\n==> b <==\nno newline",
        )
        .stderr("")
        .code(0);
}

// The gap before a header was there even if nothing stood above it.
#[test]
fn a_missing_file_is_told_and_the_others_are_done() {
    let dir = Dir::new();
    dir.write("b", "b\n");
    cofollow(&dir, ["--no-follow", "missing", "b", "nowhere/x", ""])
        .run()
        .stdout("==> b <==\nb\n")
        .stderr(
            "cofollow: cannot open 'missing' for reading: No such file or directory\n\
             cofollow: cannot open 'nowhere/x' for reading: No such file or directory\n\
             cofollow: cannot open '' for reading: No such file or directory\n",
        )
        .code(1);
}

#[test]
fn standard_input_is_read_without_a_file_and_for_a_dash() {
    let dir = Dir::new();
    for args in [&["-n1"][..], &["-n1", "-"], &["--no-follow", "-n1", "-"]] {
        let args = args.iter().copied();
        cofollow(&dir, args)
            .stdin("1\n2")
            .run()
            .stdout("2")
            .stderr("")
            .code(0);
    }
}

#[test]
fn from_a_line_on_a_pipe_is_passed_on_as_it_comes() {
    let dir = Dir::new();
    let mut running = cofollow(&dir, ["-n+2"]).spawn();
    running.send("1\n2\n");
    running.wait_for_stdout(|out| out == b"2\n");
    running.send("3\n");
    running.wait_for_stdout(|out| out == b"2\n3\n");
    running.wait().code(0);
    // From the first on, half lines too.
    let mut running = cofollow(&dir, ["-n+1"]).spawn();
    running.send("ha");
    running.wait_for_stdout(|out| out == b"ha");
    running.wait().stdout("ha").code(0);
}

#[test]
fn what_was_read_from_standard_input_before_is_not_printed() {
    let dir = Dir::new();
    let path = dir.write("log", FIVE);
    for (start, expected) in [
        ("-n+1", "3\n4\n5\n"),
        ("-n+2", "4\n5\n"),
        ("-n2", "4\n5\n"),
        ("-n4", "3\n4\n5\n"),
        ("-c3", "\n5\n"),
        ("-c8", "3\n4\n5\n"),
        ("-c+1", "3\n4\n5\n"),
        ("-c+2", "\n4\n5\n"),
        ("-c+99", ""),
    ] {
        let mut file = File::open(&path).expect("opened");
        file.read_exact(&mut [0; 4]).expect("read");
        cofollow(&dir, [start])
            .stdin_from(file)
            .run()
            .stdout(expected)
            .code(0);
    }
}

#[test]
fn a_named_pipe_is_read_to_its_end() {
    let dir = Dir::new();
    let path = dir.path("fifo");
    Cmd::new("mkfifo").arg(&path).run().code(0);
    let running = cofollow(&dir, ["--no-follow", "-n2", "fifo"]).spawn();
    let mut fifo = File::create(&path).expect("opened");
    fifo.write_all(FIVE.as_bytes()).expect("written");
    drop(fifo);
    running.wait().stdout("4\n5\n").stderr("").code(0);
}

// A file of /proc has no length, one of /sys a wrong one: the first was printed whole, the second not at all.
#[test]
fn a_file_that_lies_about_its_length_is_read_to_where_it_ends() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let dir = Dir::new();
    cofollow(&dir, ["--no-follow", "-n1", "/proc/self/limits"])
        .run()
        .stderr("")
        .code(0);
    let status = cofollow(&dir, ["--no-follow", "-n1", "/proc/version"]).run();
    status.stdout(std::fs::read("/proc/version").expect("read"));
    let lines = cofollow(&dir, ["--no-follow", "-n2", "/proc/filesystems"]).run();
    assert_eq!(lines.stdout.split(|&byte| byte == b'\n').count(), 3);
    let version = std::fs::read("/proc/version").expect("read");
    let half = version.len() / 2;
    for start in [
        format!("-c{}", version.len() - half),
        format!("-c+{}", half + 1),
    ] {
        let args = [start.as_str(), "--no-follow", "/proc/version"];
        cofollow(&dir, args).run().stdout(&version[half..]).code(0);
    }
    let path = "/sys/kernel/mm/transparent_hugepage/enabled";
    if let Ok(text) = std::fs::read(path) {
        let last = [&text[text.len() - 3..], b""].concat();
        let output = cofollow(&dir, ["-c3", "--no-follow", path]).run();
        output.stdout(last).stderr("").code(0);
        for args in [
            ["-n1", "--no-follow", path],
            ["-n1", "--until-idle=1ms", path],
        ] {
            cofollow(&dir, args).run().stdout(&text).stderr("").code(0);
        }
    }
}

#[test]
fn any_bytes_pass_unchanged() {
    let dir = Dir::new();
    let mut bytes = b"a\0b\r\n\xff\xfe\n\n\r\n".to_vec();
    bytes.extend(vec![b'x'; 700_000]);
    bytes.extend(b"\n\0\n\xc3(");
    dir.write("log", &bytes);
    for arg in ["--no-follow", "--until-idle=1ms"] {
        for start in ["-n+1", "-n9"] {
            let output = cofollow(&dir, [start, arg, "log"]).run();
            assert!(output.stdout == bytes, "{arg} {start}");
            output.stderr("").code(0);
        }
    }
    let output = cofollow(&dir, ["-n9"]).stdin(bytes.clone()).run();
    assert!(output.stdout == bytes);
}

#[test]
fn closed_standard_input_is_an_error() {
    let dir = Dir::new();
    through_shell(&dir, r#"exec "$@" <&-"#, [])
        .run()
        .stdout("")
        .stderr("cofollow: error reading 'standard input': Bad file descriptor\n")
        .code(1);
    dir.write("log", "1\n");
    let args = ["--no-follow", "-", "log"];
    through_shell(&dir, r#"exec "$@" <&-"#, args)
        .run()
        .stdout("==> standard input <==\n\n==> log <==\n1\n")
        .stderr("cofollow: error reading 'standard input': Bad file descriptor\n")
        .code(1);
}

#[test]
fn standard_input_is_not_followed_beside_files() {
    let dir = Dir::new();
    dir.write("log", FIVE);
    cofollow(&dir, ["log", "-"])
        .run()
        .stdout("")
        .stderr("cofollow: cannot follow '-' by name\n")
        .code(1);
}

// To skip a line it does not have to be held: it was, all of it.
#[test]
fn a_line_that_is_only_passed_over_takes_no_memory() {
    let dir = Dir::new();
    for start in ["-n+2", "-n0", "-c+100000001"] {
        let script = "ulimit -v 60000; head -c 100000000 /dev/zero | $1 $2";
        through_shell(&dir, script, [start])
            .run()
            .stdout("")
            .stderr("")
            .code(0);
    }
    let script = "ulimit -v 60000; (head -c 100000000 /dev/zero; echo; echo two) | $1 -n +2";
    through_shell(&dir, script, [])
        .run()
        .stdout("two\n")
        .stderr("")
        .code(0);
}

#[test]
fn a_long_line_of_a_file_passes_in_constant_memory() {
    let dir = Dir::new();
    let file = File::create(dir.path("line")).expect("created");
    // A hole: it reads as zeros and takes no disk.
    file.set_len(1 << 30).expect("extended");
    for start in ["-n10", "-n+1", "-c+2", "-c1000000000"] {
        let script = "ulimit -v 60000; $1 $2 --no-follow line | tail -c 1 | od -An -tx1";
        let output = through_shell(&dir, script, [start]).run();
        output.stdout(" 00\n").stderr("").code(0);
    }
}

#[test]
fn the_last_bytes_of_a_stream_are_held_once() {
    let dir = Dir::new();
    let script = "ulimit -v 60000; head -c 200000000 /dev/zero | $1 -c 30000000 | wc -c";
    let output = through_shell(&dir, script, []).run();
    output.stderr("").code(0);
    assert_eq!(output.stdout.trim_ascii(), b"30000000");
}

// It went on reading what it wrote until the disk was full.
#[test]
fn its_own_output_is_refused_and_the_others_are_printed() {
    let dir = Dir::new();
    let refused = "cofollow: out: input file is also the output\n";
    dir.write("log", FIVE);
    let script = "ulimit -f 1000; exec \"$@\" >> out";
    for args in [["-n+1", "out", "log"], ["-n1", "out", "log"]] {
        dir.write("out", "before\n");
        through_shell(&dir, script, ["-q", "--no-follow"].into_iter().chain(args))
            .run()
            .stderr(refused)
            .code(1);
        let last = if args[0] == "-n1" { "5\n" } else { FIVE };
        let out = std::fs::read_to_string(dir.path("out")).expect("read");
        assert_eq!(out, format!("before\n{last}"));
    }
    through_shell(&dir, "ulimit -f 1000; exec \"$@\" < out >> out", ["-n+1"])
        .run()
        .stderr("cofollow: standard input: input file is also the output\n")
        .code(1);
    // Nothing of it is asked for.
    through_shell(&dir, script, ["-n0", "--no-follow", "out"])
        .run()
        .stderr("")
        .code(0);
}
