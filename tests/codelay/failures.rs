//! Bad input: one clear line on standard error, and the right status.

use std::fs::File;
use std::io;
use std::path::Path;

use super::{codelay, numbers};
use crate::util::{Cmd, Dir, Output, built};

/// Exactly this message, nothing on standard output, status 1.
#[track_caller]
fn fails(output: &Output, message: &str) {
    output.stdout("").stderr(message).code(1);
}

/// A shell script in which `$codelay` is the program.
fn sh(script: &str) -> Cmd {
    Cmd::new("sh")
        .args(["-c", script])
        .env("codelay", built("codelay"))
}

/// Each of these command lines is refused with this sentence.
#[track_caller]
fn are_refused(lines: &[(&[&str], &str)]) {
    for &(args, why) in lines {
        let output = codelay(args.iter().copied()).stdin("a\n").run();
        fails(&output, &format!("codelay: {why}\n"));
    }
}

#[test]
fn a_distribution_without_what_it_needs_is_explained() {
    are_refused(&[
        (
            &["1s", "--dist", "uniform", "--jitter", "1.1s"][..],
            "a uniform delay with a jitter above its mean would be below 0 at times",
        ),
        (
            &["1s", "--dist", "pareto", "--shape", "1"],
            "a pareto delay has a mean only if its shape is above 1",
        ),
        (
            &["1s", "--dist", "pareto", "--shape", "NaN"],
            "a pareto delay has a mean only if its shape is above 1",
        ),
        (
            &["1s", "--dist", "pareto"],
            "'--dist pareto' needs '--shape'",
        ),
        (
            &["1s", "--dist", "normal"],
            "'--dist normal' needs '--jitter'",
        ),
        (
            &["--dist", "exponential"],
            "the mean of this distribution has to be above 0",
        ),
        (
            &["1s", "--jitter", "1ms"],
            "'--jitter' is for '--dist uniform', 'normal' and 'lognormal', not for constant",
        ),
        (
            &["1s", "--shape", "2"],
            "'--shape' is for '--dist pareto', not for constant",
        ),
    ]);
}

#[test]
fn options_that_do_not_fit_each_other_are_explained() {
    are_refused(&[
        (
            &["4", "--dist", "exponential"][..],
            "'--dist' draws a time: DELAY is a number of lines",
        ),
        (
            &["4", "--trace", "--rate", "1/s"],
            "'--trace' of a DELAY in lines is the account of its cycles alone",
        ),
        (
            &["4", "--capacity", "4"],
            "'--capacity' has to be more lines than DELAY, which are always held",
        ),
        (
            &["5", "--capacity", "4"],
            "'--capacity' has to be more lines than DELAY, which are always held",
        ),
        (
            &["4", "--virtual", "--interval", "1s"],
            "'--virtual' needs times to compute, and DELAY is a number of lines",
        ),
        (
            &["1s", "--when-full", "block"],
            "'--when-full' needs '--capacity'",
        ),
        (
            &["4", "--capacity", "1MiB"],
            "'--capacity' is a number of lines where DELAY is one",
        ),
        (
            &[
                "1s",
                "--dist",
                "exponential",
                "--reorder",
                "--capacity",
                "2",
                "--when-full",
                "drop-oldest",
            ],
            "'--reorder' cannot be used with '--when-full drop-oldest'",
        ),
        (
            &["1s", "--reorder"],
            "'--reorder' needs delays that differ: '--dist'",
        ),
        (
            &["1s", "--dist", "exponential", "--reorder", "--replay"],
            "'--reorder' cannot be used with '--replay', which keeps lines in their order",
        ),
        (
            &["--speed", "2x"],
            "'--speed' and '--max-gap' need '--replay'",
        ),
        (
            &["--replay", "--time-format", "%s"],
            "'--time-format' needs '--replay=REGEX', which says where the time is",
        ),
        (
            &["--replay=("],
            "invalid regular expression: unclosed group",
        ),
        (
            &["--replay=x"],
            "the regular expression needs a group, ( ), around the time",
        ),
        (&["1s", "--burst", "3"], "'--burst' needs '--rate'"),
        (
            &["--rate", "1/s", "--burst", "0"],
            "'--burst' is at least 1",
        ),
        (
            &["--rate", "1/s", "--burst", "3", "--virtual"],
            "'--burst' cannot be used with '--virtual', where each line leaves when it is due",
        ),
        (
            &["1s", "--seed", "3"],
            "'--seed' needs something to draw: '--dist', '--loss' or '--duplicate'",
        ),
        (
            &["1s", "--when-full", "drop-oldest"],
            "'--when-full' needs '--capacity'",
        ),
        (
            &["1s", "--interval", "1ms"],
            "'--interval' needs '--virtual'",
        ),
    ]);
}

#[test]
fn values_that_are_none_are_refused_with_examples() {
    let delay = "expected a number of lines such as 4, or a time such as 250ms";
    let rate = "expected a rate such as 1000/s, 0.5/s or 10MB/s";
    let capacity = "expected a number of lines such as 10000, or a size such as 64MiB";
    let probability = "expected a probability such as 0.01 or 1%";
    for (args, option, why) in [
        (&["1.5"][..], "[DELAY]", delay),
        (&["soon"], "[DELAY]", delay),
        (&[""], "[DELAY]", delay),
        (&["1sec"], "[DELAY]", delay),
        (&["--rate", "10K/s"], "--rate", rate),
        (&["--rate", "0/s"], "--rate", rate),
        (&["--rate", "-1"], "--rate", rate),
        (&["--rate", "inf/s"], "--rate", rate),
        (&["--rate", "10/d"], "--rate", rate),
        (&["--capacity", "many"], "--capacity", capacity),
        (
            &["--capacity", "0"],
            "--capacity",
            "a channel holds at least one line",
        ),
        (&["--loss", "1.1"], "--loss", probability),
        (&["--loss", "101%"], "--loss", probability),
        (&["--duplicate", "-0.1"], "--duplicate", probability),
        (
            &["--shape", "x"],
            "--shape",
            "expected a number such as 2.5",
        ),
        (
            &["--jitter", "x"],
            "--jitter",
            "expected a time such as 250ms, 1.5s or 2m",
        ),
        (
            &["--seed", "-1"],
            "--seed",
            "expected a whole number from 0 to 18446744073709551615",
        ),
    ] {
        let value = args.last().expect("one");
        let message = format!(
            "codelay: invalid value '{value}' for '{option}': {why}\n\
             Try 'codelay --help' for more information.\n"
        );
        fails(&codelay(args.iter().copied()).run(), &message);
    }
}

#[test]
fn what_is_to_be_one_of_a_few_words_may_be_shortened() {
    let refused = |option, word, words| {
        let message = format!(
            "codelay: invalid argument '{word}' for '{option}': {words}\n\
             Try 'codelay --help' for more information.\n"
        );
        fails(&codelay([option, word]).run(), &message);
    };
    refused(
        "--dist",
        "gauss",
        "'constant', 'uniform', 'normal', 'exponential', 'lognormal' or 'pareto'",
    );
    for word in ["spill", "drop", ""] {
        refused(
            "--when-full",
            word,
            "'block', 'drop-oldest' or 'drop-newest'",
        );
    }
    codelay(["1ms", "--dist=exp", "--capacity=9", "--when-full=drop-o"])
        .run()
        .code(0);
}

#[test]
fn a_negative_delay_and_a_file_are_refused() {
    let hint = "Try 'codelay --help' for more information.\n";
    let output = codelay(["-1s"]).run();
    fails(&output, &format!("codelay: invalid option -- '1'\n{hint}"));
    let output = codelay(["1s", "log"]).run();
    fails(&output, &format!("codelay: extra operand 'log'\n{hint}"));
}

#[test]
fn a_trace_that_cannot_be_written_is_told() {
    let output = codelay(["1s", "--trace=no/such/file"]).stdin("a\n").run();
    fails(
        &output,
        "codelay: no/such/file: No such file or directory\n",
    );
    if Path::new("/dev/full").exists() {
        for delay in ["1ms", "1"] {
            let output = codelay(["--trace=/dev/full", delay])
                .stdin(numbers(10))
                .run();
            output.stderr("codelay: /dev/full: write error: No space left on device\n");
            output.code(1);
        }
    }
}

// With a delay in lines it read on, and said nothing.
#[test]
fn it_ends_when_the_reader_of_its_trace_leaves() {
    for delay in ["1h", "1000"] {
        let dir = Dir::new();
        let fifo = dir.path("fifo");
        Cmd::new("mkfifo").arg(&fifo).run().code(0);
        let (reader, writer) = io::pipe().expect("a pipe");
        let cmd = codelay(["--trace=fifo", delay]).dir(dir.path(""));
        let running = cmd.stdin_from(reader).spawn();
        drop(File::open(&fifo).expect("opened"));
        running.wait().stderr("").signal(13);
        drop(writer);
    }
}

#[test]
fn closed_and_full_outputs_and_inputs_are_told() {
    fails(
        &sh("\"$codelay\" 1ms <&-").run(),
        "codelay: standard input: Bad file descriptor\n",
    );
    for args in ["1ms", "1", "--trace 1", "--trace 1ms", "--rate 1000000/s"] {
        let output = sh(&format!("\"$codelay\" {args} >&-")).stdin("a\n").run();
        fails(&output, "codelay: write error: Bad file descriptor\n");
        if Path::new("/dev/full").exists() {
            let full = File::options().write(true).open("/dev/full");
            let args = args.split(' ');
            let output = codelay(args).stdin("a\n").stdout_to(full.expect("there"));
            output
                .run()
                .stderr("codelay: write error: No space left on device\n")
                .code(1);
        }
    }
}

#[test]
fn a_directory_as_input_lets_go_what_is_held() {
    let dir = Dir::new();
    let output = codelay(["1h"]).stdin_from(File::open(dir.path("")).expect("there"));
    fails(&output.run(), "codelay: standard input: Is a directory\n");
}

#[test]
fn who_ignores_sigpipe_gets_a_write_error() {
    let (reader, writer) = io::pipe().expect("a pipe");
    let script = sh("trap '' PIPE; exec \"$codelay\" 1h");
    let (running, stdout) = script.stdin_from(reader).spawn_unread();
    drop(stdout);
    fails(&running.wait(), "codelay: write error: Broken pipe\n");
    drop(writer);
}
