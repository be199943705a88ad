//! Lines around the selected ones.

use super::{as_grep, as_grep_in, cogrep};
use crate::util::Dir;

const TEXT: &str = "1\n2 a\n3\n4\n5 a\n6\n7\n8 a b\n9";

#[test]
fn lines_after_and_before_are_printed_and_groups_are_set_apart() {
    as_grep(&["-A1", "a"], TEXT, "2 a\n3\n--\n5 a\n6\n--\n8 a b\n9\n", 0);
    as_grep(
        &["-B", "1", "a"],
        TEXT,
        "1\n2 a\n--\n4\n5 a\n--\n7\n8 a b\n",
        0,
    );
    as_grep(&["-C1", "5"], TEXT, "4\n5 a\n6\n", 0);
    as_grep(&["--context=2", "1"], TEXT, "1\n2 a\n3\n", 0);
    as_grep(&["--after-context", "1", "9"], TEXT, "9\n", 0);
    as_grep(&["--before-context=3", "1"], TEXT, "1\n", 0);
    // Groups that touch are one.
    as_grep(&["-C1", "a"], TEXT, format!("{TEXT}\n"), 0);
    as_grep(&["-A2", "a"], TEXT, "2 a\n3\n4\n5 a\n6\n7\n8 a b\n9\n", 0);
    as_grep(&["-A1", "x"], TEXT, "", 1);
}

#[test]
fn no_lines_of_context_are_groups_too() {
    as_grep(&["-A0", "a"], TEXT, "2 a\n--\n5 a\n--\n8 a b\n", 0);
    as_grep(&["-B0", "[12]"], TEXT, "1\n2 a\n", 0);
    as_grep(&["-C0", "b|1"], TEXT, "1\n--\n8 a b\n", 0);
}

#[test]
fn a_number_alone_is_context() {
    as_grep(&["-1", "8"], TEXT, "7\n8 a b\n9\n", 0);
    as_grep(&["-12", "4"], TEXT, format!("{TEXT}\n"), 0);
    as_grep(&["-n", "-1", "9"], TEXT, "8-8 a b\n9:9\n", 0);
    // The last of several options wins, and -A and -B are stronger than -C.
    as_grep(&["-A3", "-A1", "8"], TEXT, "8 a b\n9\n", 0);
    as_grep(&["-A1", "-3", "4"], TEXT, "1\n2 a\n3\n4\n5 a\n", 0);
    as_grep(&["-3", "-B0", "4"], TEXT, "4\n5 a\n6\n7\n", 0);
    // More lines than there can be.
    as_grep(
        &["-C99999999999999999999", "-m1", "3"],
        TEXT,
        format!("{TEXT}\n"),
        0,
    );
}

#[test]
fn the_group_separator_is_chosen_or_left_out() {
    as_grep(
        &["-A0", "--group-separator=XX", "a"],
        TEXT,
        "2 a\nXX\n5 a\nXX\n8 a b\n",
        0,
    );
    as_grep(
        &["-A0", "--group-separator=", "b|1"],
        TEXT,
        "1\n\n8 a b\n",
        0,
    );
    as_grep(
        &["-A0", "--no-group-separator", "a"],
        TEXT,
        "2 a\n5 a\n8 a b\n",
        0,
    );
}

#[test]
fn heads_tell_context_from_selected_lines() {
    as_grep(
        &["-B1", "-n", "a"],
        TEXT,
        "1-1\n2:2 a\n--\n4-4\n5:5 a\n--\n7-7\n8:8 a b\n",
        0,
    );
    let bytes = "0-1\n2:2 a\n6-3\n8-4\n10:5 a\n14-6\n16-7\n18:8 a b\n24-9\n";
    as_grep(&["-C1", "-b", "a"], TEXT, bytes, 0);
    let names = "(standard input):1\n(standard input)-2 a\n";
    as_grep(&["-A1", "-H", "1"], TEXT, names, 0);
    let all = "(standard input)-4-8-4\n(standard input):5:10:5 a\n";
    as_grep(&["-B1", "-Hnb", "5"], TEXT, all, 0);
}

#[test]
fn the_last_selected_line_of_a_maximum_has_its_context() {
    as_grep(&["-A1", "-m1", "a"], TEXT, "2 a\n3\n", 0);
    as_grep(&["-A1", "-m2", "a"], TEXT, "2 a\n3\n--\n5 a\n6\n", 0);
    // Context may match without being selected.
    as_grep(&["-A3", "-m1", "a"], TEXT, "2 a\n3\n4\n5 a\n", 0);
    as_grep(
        &["-A3", "-n", "-m1", "a"],
        TEXT,
        "2:2 a\n3-3\n4-4\n5-5 a\n",
        0,
    );
    as_grep(&["-C1", "-m0", "a"], TEXT, "", 1);
    as_grep(&["-B1", "-m1", "-v", "[12]"], TEXT, "2 a\n3\n", 0);
}

#[test]
fn each_file_has_its_own_context() {
    let dir = Dir::new();
    dir.write("one", "a\nb\n");
    dir.write("two", "b\n");
    dir.write("three", "a b");
    let all = ["one", "two", "three"];
    let args = |options: &[&'static str]| [options, &all].concat();
    as_grep_in(
        &dir,
        &args(&["-A1", "a"]),
        "",
        "one:a\none-b\n--\nthree:a b\n",
        0,
    );
    as_grep_in(
        &dir,
        &args(&["-B1", "^b"]),
        "",
        "one-a\none:b\n--\ntwo:b\n",
        0,
    );
    as_grep_in(&dir, &args(&["-h", "-A5", "a"]), "", "a\nb\n--\na b\n", 0);
    as_grep_in(
        &dir,
        &args(&["-nA1", "a"]),
        "",
        "one:1:a\none-2-b\n--\nthree:1:a b\n",
        0,
    );
}

#[test]
fn what_prints_no_lines_has_no_context() {
    as_grep(&["-A1", "-c", "a"], TEXT, "3\n", 0);
    as_grep(&["-C1", "-l", "a"], TEXT, "(standard input)\n", 0);
    as_grep(&["-C1", "-q", "a"], TEXT, "", 0);
    // With -o only the separators are left of it.
    as_grep(&["-A1", "-o", "a"], TEXT, "a\n--\na\n--\na\n", 0);
    as_grep(&["-A2", "-o", "a"], TEXT, "a\na\na\n", 0);
}

#[test]
fn context_reaches_across_blocks() {
    // One read brings 256 KiB of a file.
    let filler = "filler line\n".repeat(60_000);
    let text = format!("first\n{filler}before\nhit\nafter\n{filler}");
    let dir = Dir::new();
    dir.write("file", &text);
    let around = "filler line\nbefore\nhit\nafter\nfiller line\n";
    as_grep_in(&dir, &["-2", "hit", "file"], "", around, 0);
    as_grep_in(
        &dir,
        &["-B60003", "hit", "file"],
        "",
        &text[..6 + filler.len() + 11],
        0,
    );
    as_grep_in(
        &dir,
        &["-A60002", "hit", "file"],
        "",
        &text[6 + filler.len() + 7..],
        0,
    );
    as_grep_in(&dir, &["-A1000000", "-c", "hit", "file"], "", "1\n", 0);
}

#[test]
fn context_that_is_still_to_come_does_not_hold_a_line_back() {
    let mut running = cogrep(["-A2", "-B1", "hit"]).spawn();
    running.send("before\nhit\n");
    running.wait_for_stdout(|text| text == b"before\nhit\n");
    running.send("1\n");
    running.wait_for_stdout(|text| text == b"before\nhit\n1\n");
    running.send("2\n3\n4\nhit\n");
    running.wait_for_stdout(|text| text == b"before\nhit\n1\n2\n--\n4\nhit\n");
    running.wait().code(0);
}

#[test]
fn a_context_that_is_no_number_is_refused() {
    for args in [
        &["-A", "x", "a"][..],
        &["-C-1", "a"],
        &["--before-context=", "a"],
    ] {
        let output = cogrep(args.iter().copied()).run();
        output
            .stdout("")
            .stderr_contains("invalid context length argument")
            .code(2);
    }
}
