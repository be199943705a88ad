//! Counts and names instead of lines.

use super::{as_grep, as_grep_in, cogrep};
use crate::util::{Cmd, Dir, chain};

fn files() -> Dir {
    let dir = Dir::new();
    dir.write("one", "a\nb\na\n");
    dir.write("two", "b\n");
    dir.write("three", "a b");
    dir
}

#[test]
fn names_of_files_with_a_selected_line() {
    let dir = files();
    for option in ["-l", "--files-with-matches"] {
        as_grep_in(
            &dir,
            &[option, "a", "one", "two", "three"],
            "",
            "one\nthree\n",
            0,
        );
    }
    as_grep_in(&dir, &["-l", "x", "one", "two"], "", "", 1);
    as_grep_in(&dir, &["-l", "-v", "a", "one", "two"], "", "one\ntwo\n", 0);
    as_grep_in(&dir, &["-l", "-c", "-n", "a", "one", "two"], "", "one\n", 0);
    as_grep(&["-l", "a"], "a\n", "(standard input)\n", 0);
    as_grep_in(&dir, &["-l", "-h", "a", "one"], "", "one\n", 0);
    as_grep_in(&dir, &["-l", "-m0", "a", "one"], "", "", 1);
}

/// The status is that of the lines, not of the names (since grep 3.5).
#[test]
fn names_of_files_without_a_selected_line() {
    let dir = files();
    for option in ["-L", "--files-without-match"] {
        as_grep_in(&dir, &[option, "a", "one", "two", "three"], "", "two\n", 0);
    }
    as_grep_in(&dir, &["-L", "x", "one", "two"], "", "one\ntwo\n", 1);
    as_grep_in(&dir, &["-L", "b", "one", "two"], "", "", 0);
    as_grep_in(&dir, &["-L", "-c", "a", "one", "two"], "", "two\n", 0);
    as_grep_in(&dir, &["-L", "-v", "a", "one", "two"], "", "", 0);
    as_grep_in(&dir, &["-L", "-m0", "a", "one"], "", "one\n", 1);
    as_grep_in(&dir, &["-l", "-L", "a", "one", "two"], "", "two\n", 0);
    as_grep_in(&dir, &["-L", "-l", "a", "one", "two"], "", "one\n", 0);
}

#[test]
fn names_end_in_nul_if_asked() {
    let dir = files();
    for option in ["-Z", "--null"] {
        as_grep_in(
            &dir,
            &["-l", option, "a", "one", "three"],
            "",
            "one\0three\0",
            0,
        );
    }
    as_grep_in(&dir, &["-LZ", "a", "one", "two"], "", "two\0", 0);
    as_grep_in(
        &dir,
        &["-cZ", "a", "one", "two"],
        "",
        "one\x002\ntwo\x000\n",
        0,
    );
    as_grep_in(&dir, &["-HZ", "b", "one"], "", "one\0b\n", 0);
    as_grep_in(&dir, &["-nHZ", "b", "one"], "", "one\x002:b\n", 0);
    as_grep_in(&dir, &["-Z", "b", "two"], "", "b\n", 0);
    as_grep_in(&dir, &["-HZ", "-A1", "b", "one"], "", "one\0b\none\0a\n", 0);
}

#[test]
fn standard_input_has_the_name_it_is_given() {
    let dir = files();
    for label in [&["--label=name"][..], &["--label", "name"]] {
        as_grep(&[label, &["-H", "a"]].concat(), "a\n", "name:a\n", 0);
    }
    as_grep(&["--label=x", "-c", "a"], "a\n", "1\n", 0);
    as_grep(&["--label=x", "-l", "a"], "a\n", "x\n", 0);
    as_grep_in(
        &dir,
        &["--label=x", "b", "-", "two"],
        "b\n",
        "x:b\ntwo:b\n",
        0,
    );
}

#[test]
fn counts_count_lines_whatever_else_is_asked() {
    let dir = files();
    as_grep(&["-c", "-o", "a"], "a a\na\n", "2\n", 0);
    as_grep(&["-c", "-m1", "a"], "a\na\n", "1\n", 0);
    as_grep(&["-c", "-b", "-n", "a"], "a\n", "1\n", 0);
    as_grep(&["-c", "-A9", "a"], "a\nb\n", "1\n", 0);
    as_grep_in(
        &dir,
        &["-c", "-x", "b", "one", "two", "three"],
        "",
        "one:1\ntwo:1\nthree:0\n",
        0,
    );
    as_grep_in(&dir, &["-c", "-H", "x", "one"], "", "one:0\n", 1);
}

/// `-l` ends the reading of a file at its first selected line, and so the chain.
#[test]
fn a_listing_stops_reading_when_it_knows() {
    for option in ["-l", "-L"] {
        let stages = chain([Cmd::new("yes"), cogrep([option, "y"])]);
        let mut ends = stages.into_iter().map(|stage| stage.wait());
        ends.next().expect("yes").signal(13);
        let listed = ends.next().expect("cogrep");
        let expected = if option == "-l" {
            "(standard input)\n"
        } else {
            ""
        };
        listed.stdout(expected).code(0);
    }
}
