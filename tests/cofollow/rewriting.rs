//! Another text in the same file: truncated, written anew, copied and truncated.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use super::{cofollow, contains, lines, while_stopped};
use crate::util::{Cmd, Dir, Running};

/// Follows a log whose lines, which come first, have come out.
fn following(dir: &Dir, first: &str) -> Running {
    dir.write("log", first);
    let running = cofollow(dir, ["-n+1", "log"]).spawn();
    running.wait_for_stdout(|out| out == first.as_bytes());
    running
}

/// Waits until these lines have come, and then one more: nothing else may come.
fn expect(running: Running, expected: &str, dir: &Dir) -> Vec<u8> {
    running.wait_for_stdout(|out| out.len() >= expected.len());
    dir.append("log", "the end\n");
    let expected = expected.to_owned() + "the end\n";
    running.wait_for_stdout(|out| out.len() >= expected.len() || out.ends_with(b"the end\n"));
    running.kill("TERM");
    let output = running.wait();
    output.stdout(expected).signal(15);
    output.stderr
}

/// Copies the log to where the last rotation has its file, and empties it.
fn copy_and_truncate(dir: &Dir, rotated: usize) {
    for number in (1..=rotated).rev() {
        dir.rename(&format!("log.{number}"), &format!("log.{}", number + 1));
    }
    Cmd::new("cp")
        .args(["log", "log.1"])
        .dir(dir.path(""))
        .run()
        .code(0);
    File::create(dir.path("log")).expect("truncated");
}

#[test]
fn written_anew_while_it_runs() {
    for (first, second) in [
        (lines("first", 3), lines("other", 3)),
        (lines("first", 3), lines("other", 9)),
        (lines("first", 9), lines("other", 3)),
        ("1\n".to_owned(), "2\n".to_owned()),
        ("1\n".to_owned(), "2\n3\n4\n".to_owned()),
    ] {
        let dir = Dir::new();
        let running = following(&dir, &first);
        // As a shell's `>` does it.
        dir.write("log", &second);
        let expected = first + &second;
        running.wait_for_stdout(|out| out == expected.as_bytes());
        let err = expect(running, &expected, &dir);
        assert!(contains(&err, "log: file truncated") || contains(&err, "log: file written anew"));
    }
}

#[test]
fn written_anew_in_place_while_it_runs() {
    let dir = Dir::new();
    let first = lines("first", 3);
    let running = following(&dir, &first);
    let second = lines("other", 3);
    // Without a moment in which it is short.
    let mut file = File::options()
        .write(true)
        .open(dir.path("log"))
        .expect("opened");
    file.write_all(second.as_bytes()).expect("written");
    let err = expect(running, &(first + &second), &dir);
    assert_eq!(err, b"cofollow: log: file written anew\n");
}

#[test]
fn truncated_or_written_anew_while_stopped_is_told_with_what_is_lost() {
    let rest = "never read\n";
    for (second, how) in [
        (lines("other", 3), "written anew"),
        (lines("other", 9), "written anew"),
        ("short\n".to_owned(), "truncated"),
        (String::new(), "truncated"),
    ] {
        let dir = Dir::new();
        let first = lines("first", 3);
        let running = following(&dir, &first);
        while_stopped(&running, || {
            dir.append("log", rest);
            dir.write("log", &second);
        });
        let err = expect(running, &(first + &second), &dir);
        // That bytes were there which nobody saw cannot be known.
        assert_eq!(
            String::from_utf8_lossy(&err),
            format!("cofollow: log: file {how}\n")
        );
    }
}

#[test]
fn an_unfinished_line_that_is_truncated_away_is_told() {
    let dir = Dir::new();
    let running = cofollow(&dir, ["-n+1", "--partial-after=1h", "--debug", "log"]);
    dir.write("log", "1\nunfinished");
    let running = running.spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    dir.write("log", "2\n");
    running.wait_for_stdout(|out| out == b"1\n2\n");
    running.wait_for_stderr(|err| contains(err, "log: file truncated; 10 bytes of it are lost\n"));
}

#[test]
fn copied_and_truncated_while_stopped_its_lines_are_found_in_the_copy() {
    for copies in [1, 2, 4] {
        for rest in ["", "rest 1\nrest 2\n"] {
            let dir = Dir::new();
            let mut expected = lines("first", 3);
            let running = following(&dir, &expected);
            while_stopped(&running, || {
                dir.append("log", rest);
                expected += rest;
                for round in 0..copies {
                    copy_and_truncate(&dir, round);
                    let text = lines(&format!("round {round}"), 1 + 2 * round);
                    dir.append("log", &text);
                    expected += &text;
                }
            });
            expect(running, &expected, &dir);
        }
    }
}

#[test]
fn copied_and_truncated_while_it_runs_loses_nothing_that_was_there() {
    let dir = Dir::new();
    let mut expected = lines("first", 3);
    let running = following(&dir, &expected);
    for round in 0..5 {
        copy_and_truncate(&dir, round);
        running.wait_for_stderr(|err| {
            // Nothing is told to be lost; whether the log was being written to depends on when its events came.
            let quiet = super::occurrences(err, "log: file truncated\n");
            let cut =
                "log: file truncated; if more was written after it was copied, that is lost\n";
            quiet + super::occurrences(err, cut) > round
        });
        let text = lines(&format!("round {round}"), 2 + round);
        dir.append("log", &text);
        expected += &text;
        running.wait_for_stdout(|out| out == expected.as_bytes());
    }
    expect(running, &expected, &dir);
}

#[test]
fn a_copy_of_a_short_file_is_found_too() {
    let dir = Dir::new();
    let running = following(&dir, "1\n");
    while_stopped(&running, || {
        dir.append("log", "2\n");
        copy_and_truncate(&dir, 0);
        dir.append("log", "3\n");
    });
    expect(running, "1\n2\n3\n", &dir);
}

// What was rotated away before begins as the log does: its lines came after the truncation.
#[test]
fn an_old_file_that_begins_alike_is_not_taken_for_the_copy() {
    for first in ["1\n".to_owned(), lines("heading", 3)] {
        let dir = Dir::new();
        let old = dir.write("log.1", format!("{first}old\n"));
        let old = File::options().append(true).open(old).expect("opened");
        let long_ago = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        old.set_modified(long_ago).expect("set");
        let running = following(&dir, &first);
        dir.write("log", "");
        running.wait_for_stderr(|err| contains(err, "truncated"));
        expect(running, &first, &dir);
    }
}

#[test]
fn an_unfinished_line_goes_on_in_the_copy() {
    let dir = Dir::new();
    let first = lines("first", 3);
    let running = following(&dir, &first);
    dir.append("log", "ha");
    // It has been looked at.
    running.wait_for_stdout(|out| out.ends_with(b"ha"));
    while_stopped(&running, || {
        dir.append("log", "lf\n");
        copy_and_truncate(&dir, 0);
        dir.append("log", "new\n");
    });
    expect(running, &(first + "half\nnew\n"), &dir);
}

#[test]
fn a_file_put_back_after_it_was_let_go_goes_on_where_it_was() {
    let dir = Dir::new();
    dir.write("log", lines("first", 3));
    let running = cofollow(&dir, ["-n+1", "--debug", "log"]).spawn();
    running.wait_for_stdout(|out| out == lines("first", 3).as_bytes());
    dir.rename("log", "elsewhere");
    dir.append("log", "2\n");
    super::wait_for_silence(&running);
    dir.rename("log", "away");
    dir.rename("elsewhere", "log");
    dir.append("log", "3\n");
    running.wait_for_stdout(|out| out.ends_with(b"2\n3\n"));
    running.kill("TERM");
    running.wait().stdout(lines("first", 3) + "2\n3\n");
}

/// A line that was cut, or joined to another, shows.
#[test]
fn copied_and_truncated_under_a_hot_writer_no_line_is_torn_or_repeated() {
    let dir = Dir::new();
    dir.write("log", "line 0\n");
    let running = cofollow(&dir, ["-n+1", "log"]).spawn();
    running.wait_for_stdout(|out| out == b"line 0\n");
    let is_over = AtomicBool::new(false);
    let last = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut file = File::options()
                .append(true)
                .open(dir.path("log"))
                .expect("opened");
            let mut number = 0;
            while !is_over.load(Ordering::Relaxed) {
                number += 1;
                let line = format!("line {number}\n");
                file.write_all(line.as_bytes()).expect("written");
            }
            number
        });
        for round in 0..10 {
            let before = dir.path("log").metadata().expect("there").len();
            crate::util::wait_until("more lines", || {
                dir.path("log").metadata().expect("there").len() > before + 10_000
            });
            copy_and_truncate(&dir, round);
        }
        is_over.store(true, Ordering::Relaxed);
        writer.join().expect("no panic")
    });
    dir.append("log", format!("line {}\n", last + 1));
    let end = format!("\nline {}\n", last + 1);
    running.wait_for_stdout(|out| out.ends_with(end.as_bytes()));
    running.kill("TERM");
    let output = running.wait();
    let mut before = None;
    for line in String::from_utf8(output.stdout.clone())
        .expect("text")
        .lines()
    {
        let number = line.strip_prefix("line ").expect("whole");
        let number: usize = number.parse().expect("whole");
        assert!(before < Some(number), "{before:?} and then {number}");
        before = Some(number);
    }
}
