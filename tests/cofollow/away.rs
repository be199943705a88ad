//! What happens between two runs that share a state.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::time::{Duration, UNIX_EPOCH};

use super::{cofollow, contains, lines, swap_link};
use crate::util::{Cmd, Dir, Output};

/// One run to the end of what is there.
fn run<'a>(dir: &Dir, args: impl IntoIterator<Item = &'a str>) -> Output {
    let all = ["--resume=state", "--until-idle=1ms", "-q"];
    cofollow(dir, all).args(args).run()
}

/// A first run that has read these lines.
fn first(dir: &Dir, name: &str, text: &str) {
    dir.append(name, text);
    run(dir, ["-n+1", name]).stdout(text).stderr("").code(0);
}

/// Puts the log aside as logrotate does.
fn shift(dir: &Dir, rotated: usize) {
    for number in (1..=rotated).rev() {
        dir.rename(&format!("log.{number}"), &format!("log.{}", number + 1));
    }
    dir.rename("log", "log.1");
}

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
fn rotations_with_names_of_every_style() {
    type Style = fn(&Dir, usize);
    let styles: [Style; 4] = [
        |dir, round| shift(dir, round),
        |dir, round| dir.rename("log", &format!("log.{round}")),
        |dir, round| dir.rename("log", &format!("log-202611{:02}", round + 1)),
        |dir, round| dir.rename("log", &format!("log.2026-11-24T10:00:{round:02}Z")),
    ];
    for style in styles {
        for rotations in [1, 3, 12] {
            for text in [lines("first", 3), "1\n".to_owned(), String::new()] {
                let dir = Dir::new();
                first(&dir, "log", &text);
                dir.append("log", "rest\n");
                let mut expected = "rest\n".to_owned();
                for round in 0..rotations {
                    style(&dir, round);
                    let text = lines(&format!("round {round}"), 20);
                    dir.append("log", &text);
                    expected += &text;
                }
                run(&dir, ["log"]).stdout(&expected).stderr("").code(0);
                run(&dir, ["log"]).stdout("").stderr("").code(0);
                dir.append("log", "more\n");
                run(&dir, ["log"]).stdout("more\n").stderr("").code(0);
            }
        }
    }
}

// Those between the first and the last were taken for copies of the first.
#[test]
fn rotations_of_a_log_whose_lines_are_all_alike() {
    type Style = fn(&Dir, usize);
    let text = "GET /health HTTP/1.1\n".repeat(20);
    let styles: [Style; 2] = [
        |dir, round| shift(dir, round),
        |dir, round| dir.rename("log", &format!("log-202611{:02}", round + 1)),
    ];
    for style in styles {
        let dir = Dir::new();
        first(&dir, "log", &text);
        for round in 0..3 {
            style(&dir, round);
            dir.append("log", &text);
        }
        run(&dir, ["log"]).stdout(text.repeat(3)).stderr("").code(0);
        run(&dir, ["log"]).stdout("").stderr("").code(0);
    }
}

#[test]
fn links_that_were_swapped() {
    let dir = Dir::new();
    symlink("log-01", dir.path("log")).expect("linked");
    first(&dir, "log", &lines("first", 3));
    let mut day = 1;
    for swaps in [1, 2, 5] {
        dir.append(&format!("log-{day:02}"), "rest\n");
        let mut expected = "rest\n".to_owned();
        for _ in 0..swaps {
            day += 1;
            let text = lines(&format!("day {day}"), 20);
            dir.write(&format!("log-{day:02}"), &text);
            swap_link(&dir, &format!("log-{day:02}"), "log");
            expected += &text;
        }
        run(&dir, ["log"]).stdout(&expected).stderr("").code(0);
    }
}

#[test]
fn the_old_file_is_read_on_if_its_writer_was_not_done() {
    let dir = Dir::new();
    first(&dir, "log", &lines("first", 3));
    dir.rename("log", "log.1");
    dir.append("log", "new\n");
    run(&dir, ["log"]).stdout("new\n").stderr("").code(0);
    dir.append("log.1", "late\n");
    dir.append("log", "newer\n");
    run(&dir, ["log"])
        .stdout("late\nnewer\n")
        .stderr("")
        .code(0);
}

#[test]
fn truncated_or_written_anew() {
    for (first_text, second) in [
        (lines("first", 3), lines("other", 1)),
        (lines("first", 3), lines("other", 3)),
        (lines("first", 3), lines("other", 30)),
        ("1\n".to_owned(), "2\n".to_owned()),
        (
            "1\n".to_owned(),
            "2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n".to_owned(),
        ),
        (lines("first", 3), String::new()),
    ] {
        let dir = Dir::new();
        first(&dir, "log", &first_text);
        dir.append("log", "lost\n");
        dir.write("log", &second);
        // That there was more which nobody read cannot be known, only that there may have been.
        let told = format!(
            "cofollow: log: the file that was read up to byte {} was {}; if more was appended, \
             that is lost\n",
            first_text.len(),
            if second.len() < first_text.len() {
                "truncated"
            } else {
                "written anew"
            }
        );
        run(&dir, ["log"]).stdout(&second).stderr(told).code(0);
        run(&dir, ["log"]).stdout("").stderr("").code(0);
    }
}

#[test]
fn copied_and_truncated() {
    for copies in [1, 2, 4] {
        for text in [lines("first", 3), "1\n".to_owned()] {
            let dir = Dir::new();
            first(&dir, "log", &text);
            dir.append("log", "rest\n");
            let mut expected = "rest\n".to_owned();
            for round in 0..copies {
                copy_and_truncate(&dir, round);
                let text = lines(&format!("round {round}"), 1 + 2 * round);
                dir.append("log", &text);
                expected += &text;
            }
            run(&dir, ["log"]).stdout(&expected).stderr("").code(0);
            run(&dir, ["log"]).stdout("").stderr("").code(0);
        }
    }
}

#[test]
fn a_file_that_is_gone_is_told() {
    let dir = Dir::new();
    first(&dir, "log", "1\n2\n");
    dir.append("log", "lost\n");
    dir.remove("log");
    let gap = "cofollow: log: the file that was read up to byte 4 is gone; if more was \
               appended, that is lost\n";
    let missing = "cofollow: cannot open 'log' for reading: No such file or directory\n";
    run(&dir, ["log"])
        .stdout("")
        .stderr(gap.to_owned() + missing)
        .code(1);
    // Once.
    run(&dir, ["log"]).stdout("").stderr(missing).code(1);
    dir.append("log", lines("new", 20));
    run(&dir, ["log"])
        .stdout(lines("new", 20))
        .stderr("")
        .code(0);
}

// As on a disk that was not mounted for a while. All of it came again.
#[test]
fn a_file_that_was_gone_for_some_runs_goes_on_where_it_was() {
    for while_it_runs in [false, true] {
        let dir = Dir::new();
        fs::create_dir(dir.path("sub")).expect("made");
        first(&dir, "log", "1\n2\n");
        dir.rename("log", "sub/log");
        run(&dir, ["log"]).stderr_contains("is gone").code(1);
        let missing = "cofollow: cannot open 'log' for reading: No such file or directory\n";
        run(&dir, ["log"]).stdout("").stderr(missing).code(1);
        dir.append("sub/log", "3\n");
        if while_it_runs {
            let running = cofollow(&dir, ["--resume=state", "log"]).spawn();
            running.wait_for_stderr(|err| err == missing.as_bytes());
            dir.rename("sub/log", "log");
            running.wait_for_stdout(|out| out == b"3\n");
            running.kill("TERM");
            running.wait().stdout("3\n").signal(15);
        } else {
            dir.rename("sub/log", "log");
            run(&dir, ["log"]).stdout("3\n").stderr("").code(0);
        }
        dir.append("log", "4\n");
        run(&dir, ["log"]).stdout("4\n").stderr("").code(0);
    }
}

// While nothing had the log's name, each of its old files was a new match.
#[test]
fn old_files_that_match_a_glob_come_once_though_the_log_is_missing() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    run(&dir, ["log*"]).stdout("1\n").code(0);
    dir.rename("log", "log.1");
    // Its writer is silent.
    let old = File::options().append(true).open(dir.path("log.1"));
    old.and_then(|old| old.set_modified(UNIX_EPOCH))
        .expect("set");
    dir.write("log", "2\n");
    run(&dir, ["log*"]).stdout("2\n").stderr("").code(0);
    dir.rename("log", "log.2");
    run(&dir, ["log*"]).stdout("");
    dir.write("log", "3\n");
    run(&dir, ["log*"]).stdout("3\n").stderr("").code(0);
}

#[test]
fn a_file_deleted_and_made_anew() {
    let dir = Dir::new();
    first(&dir, "log", "1\n2\n");
    dir.remove("log");
    dir.append("log", lines("new", 20));
    run(&dir, ["log"])
        .stdout(lines("new", 20))
        .stderr_contains("read up to byte 4 is gone")
        .code(0);
}

// The number of a deleted file is given to a new one; it begins as the old one did.
#[test]
fn another_file_with_the_same_number_is_another() {
    let dir = Dir::new();
    first(&dir, "log", &lines("first", 3));
    let inode = dir.path("log").metadata().expect("there").ino();
    dir.remove("log");
    let mut others = Vec::new();
    for number in 0..1000 {
        let other = dir.write(&format!("other{number}"), "");
        if other.metadata().expect("there").ino() == inode {
            fs::rename(other, dir.path("log")).expect("renamed");
            break;
        }
        others.push(other);
    }
    // Where numbers are not given out again there is nothing to see.
    let text = lines("first", 20);
    dir.append("log", &text);
    let born = dir.path("log").metadata().and_then(|meta| meta.created());
    let output = run(&dir, ["log"]);
    if born.is_ok() {
        output.stdout(&text).code(0);
    }
    // One that is not even alike shows without a time of birth.
    let inode = dir.path("log").metadata().expect("there").ino();
    dir.remove("log");
    for number in 0..1000 {
        let other = dir.write(&format!("again{number}"), lines("again", 30));
        if other.metadata().expect("there").ino() == inode {
            fs::rename(other, dir.path("log")).expect("renamed");
            run(&dir, ["log"]).stdout(lines("again", 30)).code(0);
            return;
        }
    }
}

#[test]
fn a_file_that_was_missing_came_and_was_rotated() {
    for rotations in [0, 1, 3] {
        let dir = Dir::new();
        run(&dir, ["log"])
            .stdout("")
            .stderr_contains("No such file")
            .code(1);
        let mut expected = String::new();
        for round in 0..rotations {
            let text = lines(&format!("round {round}"), 20);
            dir.append("log", &text);
            expected += &text;
            shift(&dir, round);
        }
        dir.append("log", lines("now", 20));
        expected += &lines("now", 20);
        run(&dir, ["log"]).stdout(&expected).stderr("").code(0);
    }
}

#[test]
fn files_that_came_to_match_are_read_from_their_start() {
    let dir = Dir::new();
    dir.write("a.log", "a1\n");
    run(&dir, ["*.log"]).stdout("a1\n").stderr("").code(0);
    dir.append("a.log", "a2\n");
    dir.write("b.log", lines("b", 20));
    run(&dir, ["*.log"])
        .stdout("a2\n".to_owned() + &lines("b", 20))
        .stderr("")
        .code(0);
    run(&dir, ["*.log"]).stdout("").stderr("").code(0);
}

// The next run took the file that had come later for one that the other had been unseen, and read it once more.
#[test]
fn what_came_to_match_beside_another_is_its_own_in_the_next_run() {
    for names in [&["log*"][..], &["log", "log.2"], &["log", "log.*"]] {
        let dir = Dir::new();
        dir.write("log", "1\n");
        let args = ["-q", "-n+1", "--resume=state"]
            .into_iter()
            .chain(names.iter().copied());
        let running = cofollow(&dir, args.clone()).spawn();
        running.wait_for_stdout(|out| out == b"1\n");
        dir.append("log.2", "2\n");
        running.wait_for_stdout(|out| out == b"1\n2\n");
        running.kill("TERM");
        running.wait().signal(15);
        dir.append("log.2", "3\n");
        let next = run(&dir, args);
        next.stdout("3\n").stderr("").code(0);
    }
}

#[test]
fn files_that_came_to_match_where_nothing_did_are_read_from_their_start() {
    let dir = Dir::new();
    run(&dir, ["*.log"])
        .stdout("")
        .stderr_contains("No such file")
        .code(1);
    dir.write("b.log", lines("b", 20));
    run(&dir, ["*.log"])
        .stdout(lines("b", 20))
        .stderr("")
        .code(0);
}

#[test]
fn rotations_within_a_pattern_repeat_nothing() {
    for rotations in [1, 3] {
        let dir = Dir::new();
        dir.write("log", lines("first", 3));
        run(&dir, ["log*"])
            .stdout(lines("first", 3))
            .stderr("")
            .code(0);
        dir.append("log", "rest\n");
        let mut all = vec!["rest\n".to_owned()];
        for round in 0..rotations {
            shift(&dir, round);
            all.push(lines(&format!("round {round}"), 20));
            dir.append("log", all.last().expect("one"));
        }
        let output = run(&dir, ["log*"]);
        output.stderr("").code(0);
        for text in &all {
            assert!(contains(&output.stdout, text), "{output:?} has no {text}");
        }
        assert_eq!(output.stdout.len(), all.concat().len());
        run(&dir, ["log*"]).stdout("").stderr("").code(0);
        dir.append("log", "more\n");
        dir.append("log.1", "late\n");
        let output = run(&dir, ["log*"]);
        assert_eq!(output.stdout.len(), "more\nlate\n".len(), "{output:?}");
        shift(&dir, rotations);
        dir.append("log", "new\n");
        dir.append("log.2", "later\n");
        let output = run(&dir, ["log*"]);
        output.stderr("").code(0);
        assert_eq!(output.stdout.len(), "new\nlater\n".len(), "{output:?}");
        run(&dir, ["log*"]).stdout("").stderr("").code(0);
    }
}

#[test]
fn a_match_that_has_another_name_that_matches_repeats_nothing() {
    let dir = Dir::new();
    dir.write("b.log", "1\n");
    run(&dir, ["*.log"]).stdout("1\n").stderr("").code(0);
    dir.append("b.log", "2\n");
    dir.rename("b.log", "a.log");
    dir.append("b.log", "3\n");
    run(&dir, ["*.log"]).stdout("2\n3\n").stderr("").code(0);
    dir.append("a.log", "4\n");
    dir.rename("a.log", "c.log");
    run(&dir, ["*.log"]).stdout("4\n").stderr("").code(0);
}

#[test]
fn what_was_rotated_out_of_a_pattern_is_read_to_its_end() {
    let dir = Dir::new();
    dir.write("a.log", "1\n");
    dir.write("b.log", "1\n");
    run(&dir, ["*.log"]).stdout("1\n1\n").stderr("").code(0);
    dir.append("a.log", "2\n");
    dir.rename("a.log", "a.log.1");
    let output = run(&dir, ["*.log"]);
    output.stdout("2\n");
    run(&dir, ["*.log"]).stdout("");
    dir.append("a.log", "3\n");
    run(&dir, ["*.log"]).stdout("3\n").stderr("").code(0);
}

#[test]
fn what_was_rotated_before_the_first_run_is_never_read() {
    let dir = Dir::new();
    dir.write("log.1", lines("old", 3));
    first(&dir, "log", "1\n");
    shift(&dir, 1);
    dir.append("log", "2\n");
    run(&dir, ["log"]).stdout("2\n").stderr("").code(0);
    shift(&dir, 2);
    dir.append("log", "3\n");
    run(&dir, ["log"]).stdout("3\n").stderr("").code(0);
    let mut archived = File::options().append(true).open(dir.path("log.3"));
    let archived = archived.as_mut().expect("opened");
    archived.write_all(b"late\n").expect("written");
    run(&dir, ["log"]).stdout("").stderr("").code(0);
}

// Each rotation that dropped the oldest told of a gap that there was none.
#[test]
fn an_old_file_that_was_read_to_its_end_may_go() {
    let dir = Dir::new();
    first(&dir, "log", "1\n");
    for round in 2..6 {
        dir.rename("log", "log.1");
        let old = File::options().append(true).open(dir.path("log.1"));
        let long_ago = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        old.and_then(|old| old.set_modified(long_ago)).expect("set");
        dir.append("log", format!("{round}\n"));
        run(&dir, ["log"])
            .stdout(format!("{round}\n"))
            .stderr("")
            .code(0);
        let state = fs::read_to_string(dir.path("state")).expect("text");
        assert_eq!(state.matches("  file ").count(), 1, "{state}");
        dir.remove("log.1");
        run(&dir, ["log"]).stdout("").stderr("").code(0);
    }
}

#[test]
fn a_copy_made_by_hand_is_not_read() {
    for copy in ["log.bak", "log.1"] {
        let dir = Dir::new();
        first(&dir, "log", &lines("first", 3));
        Cmd::new("cp")
            .args(["log", copy])
            .dir(dir.path(""))
            .run()
            .code(0);
        dir.append("log", "2\n");
        run(&dir, ["log"]).stdout("2\n").stderr("").code(0);
    }
}

#[test]
fn a_state_may_be_used_by_another_user_of_the_directory() {
    let dir = Dir::new();
    first(&dir, "log", "1\n");
    fs::create_dir(dir.path("sub")).expect("made");
    // Names are as they are typed, relative to where it runs.
    dir.rename("log", "sub/log");
    dir.append("sub/log", "2\n");
    dir.rename("state", "sub/state");
    cofollow(&dir, ["--resume=state", "--until-idle=1ms", "log"])
        .dir(dir.path("sub"))
        .run()
        .stdout("2\n")
        .stderr("")
        .code(0);
}

#[test]
fn copied_and_truncated_twice() {
    let dir = Dir::new();
    let cron = |expected: &str| {
        let args = ["-n+1", "--resume=state", "--no-follow", "log"];
        cofollow(&dir, args).run().stdout(expected).code(0);
    };
    dir.write("log", "1\n2\n");
    cron("1\n2\n");
    dir.append("log", "3\n");
    fs::copy(dir.path("log"), dir.path("log.1")).expect("copied");
    dir.write("log", "4\n");
    dir.rename("log.1", "log.2");
    fs::copy(dir.path("log"), dir.path("log.1")).expect("copied");
    dir.write("log", "5\n");
    cron("3\n4\n5\n");
    cron("");
}
