//! Lines are bytes: what is in them, how long they are and how they end.

use std::fmt::Write;

use super::{as_grep, cogrep};
use crate::util::{Cmd, Dir};

/// What one read brings from a file.
const BLOCK: usize = 256 << 10;

#[track_caller]
fn found(args: &[&str], text: &[u8], expected: &[u8]) {
    let output = Cmd::bin("cogrep").args(args).stdin(text).run();
    output.stdout(expected).stderr("").code(0);
}

#[test]
fn nul_bytes_are_bytes_like_others() {
    found(&["b"], b"a\0b\nc\0\n\0b\0\n", b"a\0b\n\0b\0\n");
    found(&["a.b"], b"a\0b\n", b"a\0b\n");
    found(&["-v", "b"], b"a\0b\nc\0\n", b"c\0\n");
}

#[test]
fn bytes_that_are_not_utf_8_pass_unchanged() {
    found(&["a"], b"\xFFa\xFE\n\xC3\n", b"\xFFa\xFE\n");
    found(&["-v", "a"], b"\xFFa\xFE\n\xC3\n", b"\xC3\n");
    found(&["-i", "A"], b"\xFFa\n", b"\xFFa\n");
    // A dot is a character; a byte has to be asked for.
    found(&["-c", "a(?-u:.)b"], b"a\xFFb\na\xC3\xA9b\naxb\n", b"2\n");
}

#[test]
fn a_carriage_return_is_part_of_the_line() {
    found(&["b"], b"a\r\nb\r\n", b"b\r\n");
    found(&["b\r$"], b"b\r\nb\n", b"b\r\n");
    found(&["(?R)b$"], b"b\r\nbc\r\n", b"b\r\n");
    cogrep(["b$"]).stdin("b\r\n").run().stdout("").code(1);
}

#[test]
fn empty_lines_are_lines() {
    found(&["-n", "^$"], b"\na\n\n", b"1:\n3:\n");
    found(&["-c", "-v", "a"], b"\n\na\n", b"2\n");
    found(&["-c", ""], b"\n\n\n", b"3\n");
}

#[test]
fn an_empty_pattern_matches_every_line() {
    found(&[""], b"a\n\nb\n", b"a\n\nb\n");
    found(&["-F", ""], b"a\n\nb\n", b"a\n\nb\n");
    found(&["-i", ""], b"a\n\nb\n", b"a\n\nb\n");
    found(&["-n", "-e", "x", "-e", ""], b"a\nb\n", b"1:a\n2:b\n");
    found(&["x*"], b"a\n\nb\n", b"a\n\nb\n");
}

#[test]
fn a_missing_last_newline_is_added() {
    found(&["a"], b"a", b"a\n");
    found(&["-n", "a$"], b"b\na", b"2:a\n");
    found(&["-v", "b"], b"b\na", b"a\n");
    found(&["-m1", "a"], b"a", b"a\n");
    found(&["-c", "$"], b"a\nb", b"2\n");
}

#[test]
fn an_empty_input_has_no_line() {
    let dir = Dir::new();
    dir.write("empty", "");
    for pattern in ["", "a", "^$"] {
        cogrep([pattern]).stdin("").run().stdout("").code(1);
        let file = cogrep(["-c", pattern, "empty"]).dir(dir.path("")).run();
        file.stdout("0\n").stderr("").code(1);
        cogrep(["-v", pattern]).stdin("").run().stdout("").code(1);
    }
}

#[test]
fn lines_longer_than_a_block_are_lines() {
    let dir = Dir::new();
    for length in [BLOCK - 1, BLOCK, BLOCK + 1, 5 << 20] {
        let long = format!("{}needle\n", "x".repeat(length));
        let text = format!("before\n{long}after needle\n{long}last");
        let expected = format!("2:{long}3:after needle\n4:{long}");
        found(&["-n", "needle"], text.as_bytes(), expected.as_bytes());
        dir.write("file", &text);
        let run = |args: &[&str]| Cmd::bin("cogrep").args(args).dir(dir.path("")).run();
        run(&["-n", "needle", "file"]).stdout(&expected).code(0);
        run(&["-v", "needle", "file"]).stdout("before\nlast\n");
        run(&["-c", "x", "file"]).stdout("2\n");
    }
}

#[test]
fn what_a_block_cuts_in_two_is_found() {
    let dir = Dir::new();
    let mut text = String::new();
    for number in 0..100_000 {
        writeln!(text, "line {number}").expect("a string");
    }
    dir.write("file", &text);
    let run = |args: &[&str]| Cmd::bin("cogrep").args(args).dir(dir.path("")).run();
    run(&["line", "file"]).stdout(&text);
    run(&["-c", "^line [0-9]+$", "file"]).stdout("100000\n");
    let numbered = run(&["-n", "9$", "file"]).stdout;
    let numbered = String::from_utf8(numbered).expect("text");
    assert_eq!(numbered.lines().count(), 10_000);
    for line in numbered.lines() {
        let (number, line) = line.split_once(":line ").expect("a numbered line");
        assert_eq!(number.parse(), line.parse().map(|line: u32| line + 1));
    }
}

/// What is made of a line this long is written before its end.
#[test]
fn a_long_line_is_marked_and_replaced_as_one_line() {
    let line = "ab".repeat(400_000) + "a";
    let marked = line.replace('b', "\u{1b}[01;31m\u{1b}[Kb\u{1b}[m\u{1b}[K");
    let number = "\u{1b}[32m\u{1b}[K1\u{1b}[m\u{1b}[K\u{1b}[36m\u{1b}[K:\u{1b}[m\u{1b}[K";
    as_grep(
        &["--color=always", "-n", "b"],
        &line,
        format!("{number}{marked}\n"),
        0,
    );
    let output = cogrep(["--stats", "--replace", "<$0>", "b"])
        .stdin(&*line)
        .run();
    output.stdout(line.replace('b', "<b>") + "\n").code(0);
    output.stderr_contains("cogrep: 1 lines in, 1 out, ");
}
