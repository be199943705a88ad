//! A large file, searched in parts: what comes out is what one thread finds.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::{as_grep_in, cogrep, sh};
use crate::util::{Cmd, Dir};

/// 12 MiB of lines, some of them long, the last without its end.
fn large(dir: &Dir) {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < 12 << 20 {
        number += 1;
        write!(text, "line {number} ").expect("a string");
        if number % 1000 == 0 {
            text.extend(std::iter::repeat_n('x', 100_000));
        }
        text.push_str(if number % 50 == 0 {
            "hit a hit\n"
        } else {
            "miss\n"
        });
    }
    dir.write("large", text + "last hit");
}

/// With each of these the same as one thread prints: by itself, and with threads that were asked for.
#[test]
fn several_threads_find_what_one_finds() {
    let dir = Dir::new();
    large(&dir);
    for options in [
        &["hit"][..],
        &["-n", "hit"],
        &["-b", "hit"],
        &["-nbo", "hit"],
        &["-c", "hit"],
        &["-vc", "hit"],
        &["-nv", "-H", "miss"],
        &["-n", "[0-9]{3}99 miss$"],
        &["--replace", "<$0>", "-i", "HIT|99 m"],
        &["-w", "[0-9]+50 hit"],
    ] {
        let run = |threads: &[&'static str]| {
            let cogrep = Cmd::bin("cogrep")
                .args(threads)
                .args(options)
                .args(["large"]);
            cogrep.dir(dir.path("")).run()
        };
        let one = run(&["--threads", "1"]);
        one.code(0);
        for threads in [&[][..], &["--threads", "2"], &["--threads=5"]] {
            run(threads).stdout(&one.stdout).stderr("").code(0);
        }
    }
    cogrep(["--threads=3", "no such thing", "large"])
        .dir(dir.path(""))
        .run()
        .stdout("")
        .code(1);
}

#[test]
fn standard_input_is_at_its_end_and_where_it_began_it_is_read() {
    let dir = Dir::new();
    large(&dir);
    let run = |script| sh(script).dir(dir.path("")).run().stdout;
    let all = run("\"$cogrep\" --threads 1 -c hit large");
    let split = run("(\"$cogrep\" --threads 2 -c hit; cat) < large");
    assert_eq!(split, all);
    let rest = run("tail -c +6000001 large | \"$cogrep\" -c hit");
    let split = run("(head -c 6000000 > /dev/null; \"$cogrep\" --threads 2 -c hit; cat) < large");
    assert_eq!(split, rest);
}

#[test]
fn debug_tells_of_threads_and_stats_count_what_they_pass() {
    let dir = Dir::new();
    large(&dir);
    let output = cogrep(["--threads=2", "--debug", "-c", "hit", "large"])
        .dir(dir.path(""))
        .run();
    output.stderr_contains("cogrep: debug: large: searched in parts by 2 threads\n");
    let lines = sh("wc -l < large").dir(dir.path("")).run().stdout;
    let lines: u64 = String::from_utf8(lines)
        .expect("text")
        .trim()
        .parse()
        .expect("a number");
    output.stderr_contains(&format!(
        "cogrep: debug: {} lines in, 1 out, 12.",
        lines + 1
    ));
    dir.rename("large", "\u{1b}[31m");
    let output = cogrep(["--threads=2", "--debug", "-c", "hit", "\u{1b}[31m"])
        .dir(dir.path(""))
        .run();
    output.stderr_contains(r"cogrep: debug: \u{1b}[31m: searched");
    dir.rename("\u{1b}[31m", "large");
    // Nothing is said where one thread has to do.
    let output = cogrep(["--threads=2", "--debug", "-m1", "hit", "large"])
        .dir(dir.path(""))
        .run();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("threads"));
}

#[test]
fn a_number_of_threads_is_at_least_one() {
    for wrong in ["0", "many", ""] {
        let output = cogrep(["--threads", wrong, "a"]).run();
        output.stderr_contains("for '--threads").code(2);
    }
}

// A million took a minute to begin, and one that could not begin ended the search.
#[test]
fn threads_that_are_too_many_are_not_begun() {
    let dir = Dir::new();
    large(&dir);
    let expected = cogrep(["--threads=1", "-c", "hit", "large"])
        .dir(dir.path(""))
        .run()
        .stdout;
    let output = cogrep(["--threads=1000000", "--debug", "-c", "hit", "large"])
        .dir(dir.path(""))
        .run();
    output.stdout(&expected).code(0);
    output.stderr_contains("large: searched in parts by 13 threads\n");
}

#[test]
fn without_threads_one_does_it() {
    let dir = Dir::new();
    large(&dir);
    // Another user, who has no process yet: root may have as many as it wants.
    let none = "chmod -R a+rX . && exec setpriv --reuid 54321 --clear-groups prlimit --nproc=1 \"$cogrep\"";
    if sh(&format!("{none} --version"))
        .dir(dir.path(""))
        .run()
        .status
        .code()
        != Some(0)
    {
        return;
    }
    for search in ["-c hit", "-n hit", "-b 'hit$'"] {
        let run = |script: String| sh(&script).dir(dir.path("")).run();
        let one = run(format!("\"$cogrep\" --threads=1 {search} large"));
        for threads in ["", "--threads=4"] {
            run(format!("{none} {threads} {search} large"))
                .stdout(&one.stdout)
                .stderr("")
                .code(0);
        }
    }
}

// All that a part yielded was held until it was its turn.
#[test]
fn what_parts_yield_is_held_within_bounds() {
    let dir = Dir::new();
    // Two parts, of which each yields 150 MB.
    dir.write("file", "hit 89 12345 789\n".repeat(2 << 16));
    let replacement = "x".repeat(2_300);
    let script = format!(
        "ulimit -v 150000; \"$cogrep\" --threads=2 --replace {replacement} '^hit' file | wc -c"
    );
    let length = (2_300 - 3 + 17) * (2 << 16);
    let output = sh(&script).dir(dir.path("")).run();
    output.stdout(format!("{length}\n")).stderr("").code(0);
}

// It was read to its end to be measured, and again to be searched.
#[test]
fn a_file_of_one_long_line_is_not_read_twice() {
    if !Path::new("/proc/self/io").exists() {
        return;
    }
    let dir = Dir::new();
    dir.write("file", "x".repeat(12 << 20));
    let running = cogrep(["-c", "x", "file", "-"]).dir(dir.path("")).spawn();
    running.wait_for_stdout(|text| text == b"file:1\n");
    let io = fs::read_to_string(format!("/proc/{}/io", running.pid())).expect("read");
    let read = io.lines().find_map(|line| line.strip_prefix("rchar: "));
    let read: u64 = read.and_then(|read| read.parse().ok()).expect("a number");
    assert!(read < 20 << 20, "{io}");
    running
        .wait()
        .stdout("file:1\n(standard input):0\n")
        .code(0);
}

/// So large that it is searched in parts if that is asked for: lines of all lengths, one of several parts, a last one without an end.
fn uneven() -> String {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < 4 << 20 {
        let dots = ".".repeat(number % 150);
        let _ = writeln!(text, "line {number} {dots}");
        if number % 7 == 0 {
            text.push('\n');
        }
        if number == 10_000 {
            let _ = writeln!(text, "{} long {number}", "x".repeat(1 << 20));
        }
        number += 1;
    }
    text + "line last"
}

const SEARCHES: &[&[&str]] = &[
    &["9 "],
    &["-n", "99 "],
    &["-b", "[0-9]{4}7 "],
    &["-c", "line"],
    &["-v", "line [0-9]"],
    &["-vn", "e"],
    &["-onb", "9+ "],
    &["-i", "-c", "LINE 1"],
    &["-A1", "-n", "99 "],
    &["-B2", "long"],
    &["-m", "1234", "-n", "line"],
    &["-x", ""],
    &["-c", "^$"],
    &["-F", "-n", "-e", "777", "-e", "long"],
    &["-l", "last"],
    &["-L", "nothing of the kind"],
    &["last$"],
];

#[test]
fn parts_give_what_the_whole_gives() {
    let dir = Dir::new();
    dir.write("file", uneven());
    for search in SEARCHES {
        let one = [&["--threads=1"], *search, &["file"]].concat();
        let expected = cogrep(one).dir(dir.path("")).run();
        let status = expected.status.code().expect("it ended by itself");
        as_grep_in(
            &dir,
            &[search, &["file"][..]].concat(),
            "",
            &expected.stdout,
            status,
        );
        for threads in ["--threads=2", "--threads=5"] {
            let args = [&[threads], *search, &["file"]].concat();
            let parts = Cmd::bin("cogrep").args(args).dir(dir.path("")).run();
            assert!(parts.stdout == expected.stdout, "{threads} {search:?}");
            parts.stderr("").code(status);
        }
    }
}

#[test]
fn several_large_files_come_in_their_order() {
    let dir = Dir::new();
    let text = uneven();
    dir.write("one", &text);
    dir.write("two", &text);
    dir.write("small", "line 9\n");
    let run = |threads| {
        let args = [threads, "-n", "99 |last", "one", "small", "two"];
        cogrep(args).dir(dir.path("")).run()
    };
    let (one, three) = (run("--threads=1"), run("--threads=3"));
    assert!(one.stdout == three.stdout);
    three.stderr("").code(0);
}

#[test]
fn a_search_in_parts_ends_when_its_reader_does() {
    let dir = Dir::new();
    dir.write("file", uneven());
    let (running, stdout) = cogrep(["--threads=2", "line", "file"])
        .dir(dir.path(""))
        .spawn_unread();
    drop(stdout);
    running.wait().stderr("").signal(13);
    cogrep(["--threads=2", "-q", "line", "file"])
        .dir(dir.path(""))
        .run()
        .stdout("")
        .code(0);
}

// Nothing was left for the threads, and it waited for them for ever.
#[test]
fn a_large_file_of_one_line_is_searched_to_its_end() {
    let dir = Dir::new();
    dir.write("line", "x".repeat(9 << 20) + "\n");
    let search = |args: &[&str]| cogrep(args.iter().copied()).dir(dir.path("")).run();
    search(&["-c", "x", "line"]).stdout("1\n").code(0);
    search(&["-c", "y", "line"]).stdout("0\n").code(1);
}
