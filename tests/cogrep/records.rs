//! `-z`: lines that end in NUL.

use super::{as_grep, as_grep_in, cogrep};
use crate::util::Dir;

const RECORDS: &str = "a\0b\nc\0";

#[test]
fn a_record_ends_in_nul() {
    for option in ["-z", "--null-data"] {
        as_grep(&[option, "c"], RECORDS, "b\nc\0", 0);
    }
    as_grep(&["-z", "-v", "a"], RECORDS, "b\nc\0", 0);
    as_grep(&["-z", "-c", ""], RECORDS, "2\n", 0);
    as_grep(
        &["-z", "-n", "-A1", "-H", "a"],
        RECORDS,
        "(standard input):1:a\0(standard input)-2-b\nc\0",
        0,
    );
    // The NUL that the last one lacks is added.
    as_grep(&["-z", "b"], "a\nb\n", "a\nb\n\0", 0);
    as_grep(&["-z", "-F", "a"], "xa\0b\0a", "xa\0a\0", 0);
}

#[test]
fn records_are_counted_as_lines_are() {
    let output = cogrep(["-z", "--stats", "a"])
        .stdin(RECORDS.repeat(3))
        .run();
    output.stdout("a\0".repeat(3)).code(0);
    output.stderr_contains("cogrep: 6 lines in, 3 out, ");
}

/// The ends of lines that `(?R)` means are those of records.
#[test]
fn carriage_returns_end_no_record() {
    let output = cogrep(["-z", "-c", "(?R)^[a-z][0-9]$"]);
    output.stdin("f1\0b1\r\0x2").run().stdout("2\n").code(0);
}

#[test]
fn a_newline_in_a_record_is_a_character() {
    as_grep(&["-z", "b.c"], RECORDS, "b\nc\0", 0);
    as_grep(&["-z", "b[^x]c"], RECORDS, "b\nc\0", 0);
    as_grep(&["-z", r"b\sc"], RECORDS, "b\nc\0", 0);
    as_grep(&["-z", "-x", "b.c"], RECORDS, "b\nc\0", 0);
    as_grep(&["-z", "-w", "c"], RECORDS, "b\nc\0", 0);
    // The ends of a record are those, and not the lines in it.
    as_grep(&["-z", "^c"], RECORDS, "", 1);
    as_grep(&["-z", "b$"], RECORDS, "", 1);
    as_grep(&["-z", "^b.c$"], RECORDS, "b\nc\0", 0);
    as_grep(&["-z", "^$"], "a\0\0\n\0", "\0", 0);
}

#[test]
fn matches_and_names_are_records_too() {
    as_grep(&["-z", "-o", "."], RECORDS, "a\0b\0\n\0c\0", 0);
    as_grep(&["-z", "-o", "-b", "[bc]"], RECORDS, "2:b\x004:c\0", 0);
    let dir = Dir::new();
    dir.write("file", RECORDS);
    as_grep_in(&dir, &["-z", "-l", "a", "file"], "", "file\n", 0);
    as_grep_in(&dir, &["-z", "-l", "-Z", "a", "file"], "", "file\0", 0);
    as_grep_in(
        &dir,
        &["-z", "-C1", "--group-separator=X", "^a|^d", "file"],
        "",
        RECORDS,
        0,
    );
}

#[test]
fn separators_between_groups_of_records_are_lines() {
    as_grep(&["-z", "-A0", "a"], "a\0b\0a\0", "a\0--\na\0", 0);
}

#[test]
fn a_maximum_of_records_leaves_the_rest() {
    as_grep(&["-z", "-m1", "b"], "b1\0b2\0", "b1\0", 0);
    let mut running = cogrep(["-z", "x"]).spawn();
    running.send("x1\0y");
    running.wait_for_stdout(|text| text == b"x1\0");
    running.send("x2\0");
    running.wait_for_stdout(|text| text == b"x1\0yx2\0");
    running.wait().code(0);
}
