//! What the branches print comes out in whole lines.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;

use super::{cobroadcast, numbers};
use crate::util::{Cmd, Dir};

/// A command that prints `count` lines of `length` bytes, all of this letter, in writes that end anywhere.
fn letters(letter: char, count: usize, length: usize) -> String {
    format!(
        "head -c {} /dev/zero | tr '\\0' {letter} | fold -w {length} | dd bs=777 2>/dev/null",
        count * length
    )
}

#[test]
fn no_line_is_torn_or_glued() {
    let commands: Vec<String> = ('a'..='h')
        .map(|letter| letters(letter, 3000, 100))
        .collect();
    let args = commands.iter().flat_map(|command| ["-c", command]);
    let output = cobroadcast(args).stdin("").run();
    output.stderr("").code(0);
    let mut count = HashMap::new();
    for line in output.stdout.split_inclusive(|&byte| byte == b'\n') {
        assert_eq!(line.len(), 101);
        assert!(line[..100].iter().all(|&byte| byte == line[0]));
        *count.entry(line[0]).or_insert(0) += 1;
    }
    assert_eq!(count.len(), 8);
    assert!(count.values().all(|&count| count == 3000), "{count:?}");
}

#[test]
fn a_line_longer_than_any_buffer_comes_out_whole_beside_short_ones() {
    let long = letters('l', 1, 10_000_000);
    let other = letters('m', 1, 10_000_000);
    let output = cobroadcast(["-c", &long, "-c", "cat", "-c", &other])
        .stdin(numbers(100_000))
        .run();
    output.stderr("").code(0);
    let mut next = 1;
    let mut long = 0;
    for line in output.stdout.split(|&byte| byte == b'\n') {
        match line.first() {
            Some(b'l' | b'm') => {
                assert_eq!(line.len(), 10_000_000);
                assert!(line.iter().all(|&byte| byte == line[0]));
                long += 1;
            }
            Some(_) => {
                assert_eq!(line, next.to_string().as_bytes());
                next += 1;
            }
            None => {}
        }
    }
    assert_eq!((next, long), (100_001, 2));
}

#[test]
fn a_missing_newline_at_the_end_is_added() {
    let output = cobroadcast(["-c", "printf one", "-c", "cat; printf two"]);
    let output = output.stdin("").run();
    output.stderr("").code(0);
    let text = String::from_utf8(output.stdout).expect("text");
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.sort_unstable();
    assert_eq!(lines, ["one\n", "two\n"]);
}

#[test]
fn labels_stand_before_each_line() {
    let run = |label: &str, command: &str| {
        let cmd = cobroadcast([label, "-c", command]).stdin("one\n\ntwo");
        cmd.run().stdout
    };
    assert_eq!(run("--label", "copy:=cat"), b"copy:one\ncopy:\ncopy:two\n");
    assert_eq!(
        run("--label", "cat -u"),
        b"cat -u:one\ncat -u:\ncat -u:two\n"
    );
    assert_eq!(
        run("--label={number} {name} | ", "x.y-z_1:=cat"),
        b"1 x.y-z_1 | one\n1 x.y-z_1 | \n1 x.y-z_1 | two\n"
    );
    // A line stays one, whatever the command is.
    assert_eq!(
        run("--label", "cat #\n"),
        b"cat #\\n:one\ncat #\\n:\ncat #\\n:two\n"
    );
    // That is no name.
    assert_eq!(run("--label=", "printf ${x:=y}"), b"y\n");
    // Bytes, like the lines; and what is not a place stays.
    let label = OsStr::from_bytes(b"--label=\xff{{number}{name");
    let output = cobroadcast(["-c", "cat"]).arg(label).stdin("one\n").run();
    output.stdout(b"\xff{1{nameone\n").stderr("").code(0);
}

#[test]
fn what_a_branch_prints_comes_out_at_once_though_the_input_is_quiet() {
    let mut running = cobroadcast(["-c", "cat", "-c", "grep --line-buffered x"]).spawn();
    let mut expected = 0;
    for _ in 0..10 {
        running.send("x\n");
        expected += 2;
        running.wait_for_stdout(|out| out == "x\n".repeat(expected).as_bytes());
    }
    running.wait().stderr("").code(0);
}

// The last part of it stayed in the process until something else woke that.
#[test]
fn all_of_the_output_is_there_at_the_end_of_the_input_though_a_branch_runs_on() {
    let dir = Dir::new();
    for policy in ["block", "drop-oldest", "drop-newest", "spill"] {
        let policy = format!("--when-full={policy}");
        for (lines, is_file) in [
            (3, true),
            (3, false),
            (3000, true),
            (10_000, true),
            (10_000, false),
        ] {
            let text = numbers(lines);
            // Reads its input, and ends, when another one's last line has come out.
            let waits = format!("waits:=until grep -q '^{lines}$' all; do sleep 0.01; done; cat");
            for args in [["--stdout", "--queue=64K"], ["--queue=64K", "-ccat"]] {
                let all = File::create(dir.path("all")).expect("created");
                let cmd = cobroadcast([&*policy, "-c", &waits]).args(args);
                let cmd = cmd.dir(dir.path("")).stdout_to(all);
                let cmd = if is_file {
                    let input = File::open(dir.write("input", &text)).expect("opened");
                    cmd.stdin_from(input)
                } else {
                    cmd.stdin(&*text)
                };
                cmd.run().stderr("").code(0);
                let all = fs::read_to_string(dir.path("all")).expect("text");
                assert!(all == text.repeat(2), "{policy} {args:?} {lines}");
            }
        }
    }
}

#[test]
fn what_a_branch_prints_is_read_though_its_input_is_full() {
    // It writes ten times what it reads, before it reads on; and the input is more than pipes hold.
    let command = "while read line; do for i in 1 2 3 4 5 6 7 8 9 0; do echo $line; done; done";
    let text = numbers(20_000);
    let output = cobroadcast(["-c", command, "-c", "cat"]).stdin(text).run();
    output.stderr("").code(0);
    let lines = memchr::memchr_iter(b'\n', &output.stdout).count();
    assert_eq!(lines, 220_000);
}

#[test]
fn a_slow_reader_of_the_output_gets_all() {
    let text = numbers(300_000);
    let outputs = crate::util::pipeline([
        cobroadcast(["--stdout", "-c", "cat"]).stdin(text.clone()),
        Cmd::new("sh").args(["-c", "sleep 0.1; sort -n | uniq -d"]),
    ]);
    outputs[0].stderr("").code(0);
    outputs[1].stdout(text);
}
