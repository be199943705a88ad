//! GNU grep as the oracle, where both tools mean the same.

use std::thread;

use super::runs;
use crate::util::{Cmd, Dir};

const OPTIONS: [&[&str]; 14] = [
    &[],
    &["-v"],
    &["-c"],
    &["-n"],
    &["-i"],
    &["-q"],
    &["-F"],
    &["-m1"],
    &["-m2", "-n", "-v"],
    &["-c", "-v", "-i"],
    &["-c", "-m1"],
    &["-F", "-i", "-n"],
    &["-H", "-n"],
    &["-h", "-c"],
];
const PATTERNS: [&[&str]; 9] = [
    &["a"],
    &["^a|b$"],
    &["(ab|c)+x?"],
    &[".{2}"],
    &["^$"],
    &[""],
    &["[^b]$"],
    &["-e", "b", "-e", "^c"],
    &["a\nc"],
];
const INPUTS: [&[u8]; 4] = [
    b"a\nb\nab\nABx\n\ncc\n.{2}\n",
    b"a\r\n\0b\0\n\xFF\xC3ab\n\n\nc",
    b"",
    b"\n",
];

/// All options with all patterns: on standard input, and on all inputs as files.
#[test]
fn what_grep_selects_is_selected() {
    if !runs("grep", &["-E", "--help"]) {
        return;
    }
    let dir = Dir::new();
    let names = ["0", "1", "2", "3"];
    for (name, input) in names.iter().zip(INPUTS) {
        dir.write(name, input);
    }
    thread::scope(|scope| {
        for (at, options) in OPTIONS.into_iter().enumerate() {
            let dir = &dir;
            scope.spawn(move || {
                for patterns in PATTERNS {
                    // Then GNU grep 3.8 ends without a look at the files, and prints no count.
                    if patterns == [""] && options.contains(&"-v") && options.contains(&"-c") {
                        continue;
                    }
                    compare(dir, &[options, patterns].concat(), INPUTS[at % 2]);
                    compare(dir, &[options, patterns, &names].concat(), b"");
                }
            });
        }
    });
}

/// Files that fail among those that do not.
#[test]
fn what_grep_makes_of_failures_is_made_of_them() {
    if !runs("grep", &["-E", "--help"]) {
        return;
    }
    let dir = Dir::new();
    dir.write("file", "a\nb\na\n");
    for options in [&[][..], &["-c"], &["-q"], &["-s"], &["-m1"], &["-v", "-n"]] {
        for files in [&["missing", "file"][..], &["file", ".", "-"], &["missing"]] {
            for pattern in ["a", "x"] {
                compare(&dir, &[options, &[pattern], files].concat(), b"a\n");
            }
        }
    }
}

/// The same bytes out, the same status.
fn compare(dir: &Dir, args: &[&str], input: &[u8]) {
    let run = |cmd: Cmd| {
        let cmd = cmd.args(args).stdin(input).dir(dir.path(""));
        cmd.env("LC_ALL", "C").run()
    };
    let fixed = args
        .iter()
        .take_while(|arg| arg.starts_with('-'))
        .any(|&arg| arg == "-F");
    // As text, whatever the bytes; and only one of -E and -F.
    let grep = Cmd::new("grep").arg("-a").args((!fixed).then_some("-E"));
    let expected = run(grep);
    let ours = run(Cmd::bin("cogrep"));
    let same = ours.stdout == expected.stdout && ours.status == expected.status;
    assert!(
        same,
        "cogrep {args:?} < {}\n{}: {}\ngrep: {}: {}\n{}",
        input.escape_ascii(),
        ours.status,
        ours.stdout.escape_ascii(),
        expected.status,
        expected.stdout.escape_ascii(),
        ours.stderr.escape_ascii()
    );
}
