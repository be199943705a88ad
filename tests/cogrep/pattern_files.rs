//! Patterns that are read from files.

use super::{as_grep_in, cogrep, sh};
use crate::util::Dir;

#[test]
fn patterns_are_read_from_files() {
    let dir = Dir::new();
    dir.write("patterns", "a\n^b");
    dir.write("more", "c\n");
    let text = "a1\nb1\nxb\nc\n";
    for option in [
        &["-f", "patterns"][..],
        &["--file=patterns"],
        &["-fpatterns"],
    ] {
        as_grep_in(&dir, option, text, "a1\nb1\n", 0);
    }
    as_grep_in(
        &dir,
        &["-f", "patterns", "-f", "more"],
        text,
        "a1\nb1\nc\n",
        0,
    );
    as_grep_in(&dir, &["-e", "xb", "-f", "more"], text, "xb\nc\n", 0);
    as_grep_in(&dir, &["-F", "-f", "patterns"], "^b\nb\n", "^b\n", 0);
    dir.write("text", "b\nc\n");
    as_grep_in(&dir, &["-f", "-", "text"], "c", "c\n", 0);
    as_grep_in(&dir, &["-f", "-", "-v", "text"], "c\nb\n", "", 1);
    // The operand is a file then.
    as_grep_in(
        &dir,
        &["-f", "more", "text", "text"],
        "",
        "text:c\ntext:c\n",
        0,
    );
}

#[test]
fn an_empty_file_of_patterns_matches_nothing_and_an_empty_line_everything() {
    let dir = Dir::new();
    dir.write("empty", "");
    dir.write("line", "\n");
    dir.write("behind", "a\n\n");
    dir.write("before", "\na");
    as_grep_in(&dir, &["-f", "empty"], "a\n\n", "", 1);
    as_grep_in(&dir, &["-f", "empty", "-v"], "a\n\n", "a\n\n", 0);
    as_grep_in(&dir, &["-f", "empty", "-c"], "a\n", "", 1);
    as_grep_in(&dir, &["-f", "empty", "-e", "b"], "a\nb\n", "b\n", 0);
    as_grep_in(&dir, &["-f", "empty", "-x"], "\n", "", 1);
    for name in ["line", "behind", "before"] {
        as_grep_in(&dir, &["-f", name], "a\n\nb\n", "a\n\nb\n", 0);
        as_grep_in(&dir, &["-F", "-f", name], "a\n\nb\n", "a\n\nb\n", 0);
    }
    as_grep_in(&dir, &["-x", "-f", "line"], "a\n\nb\n", "\n", 0);
    as_grep_in(&dir, &["-x", "-f", "behind"], "a\n\nb\n", "a\n\n", 0);
    as_grep_in(&dir, &["-w", "-f", "behind"], "a\n\nb\n", "a\n\n", 0);
}

#[test]
fn a_file_of_patterns_that_cannot_be_read_is_an_error() {
    let dir = Dir::new();
    let output = cogrep(["-f", "missing", "-s"]).dir(dir.path("")).run();
    output
        .stdout("")
        .stderr("cogrep: missing: No such file or directory\n")
        .code(2);
    let output = cogrep(["-f", "."]).dir(dir.path("")).run();
    output
        .stdout("")
        .stderr("cogrep: .: Is a directory\n")
        .code(2);
    cogrep(["-f"])
        .run()
        .stderr_contains("requires an argument")
        .code(2);
}

#[test]
fn bytes_of_a_file_of_patterns_are_taken_as_they_are() {
    let dir = Dir::new();
    dir.write("bytes", b"\xFFa\n\0b\n");
    dir.write("crlf", "a\r\nb\r\n");
    as_grep_in(
        &dir,
        &["-F", "-f", "bytes"],
        b"x\xFFa\na\nx\0b\n",
        b"x\xFFa\nx\0b\n",
        0,
    );
    as_grep_in(&dir, &["-F", "-f", "crlf"], "a\nb\r\n", "b\r\n", 0);
}

// It was opened without waiting for its writer, and found empty.
#[test]
fn patterns_may_come_out_of_a_pipe_that_is_written_later() {
    let dir = Dir::new();
    let script = "mkfifo p; echo hit > p & \"$cogrep\" -f p";
    sh(script)
        .dir(dir.path(""))
        .stdin("hit\nmiss\n")
        .run()
        .stdout("hit\n")
        .code(0);
}
