//! What happens between two looks: rotations that nobody saw are found by what is there.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use super::{cofollow, contains, lines, overflow_event_queues, swap_link, while_stopped};
use crate::util::{Cmd, Dir, Running, wait_until};

/// Follows a log whose lines, which come first, have come out.
fn following(dir: &Dir, name: &str) -> (Running, String) {
    let first = lines("first", 3);
    dir.append(name, &first);
    let running = cofollow(dir, ["-n+1", name]).spawn();
    running.wait_for_stdout(|out| out == first.as_bytes());
    (running, first)
}

/// Waits until these lines have come, and then one more: nothing else may come.
fn expect(running: Running, expected: &str, dir: &Dir, name: &str) {
    running.wait_for_stdout(|out| out.len() >= expected.len());
    dir.append(name, "the end\n");
    let expected = expected.to_owned() + "the end\n";
    running.wait_for_stdout(|out| out.len() >= expected.len() || out.ends_with(b"the end\n"));
    running.kill("TERM");
    running.wait().stdout(expected).signal(15);
}

/// Puts the log aside as logrotate does: `log` becomes `log.1`, that `log.2`, and so on.
fn shift(dir: &Dir, rotated: usize) {
    for number in (1..=rotated).rev() {
        dir.rename(&format!("log.{number}"), &format!("log.{}", number + 1));
    }
    dir.rename("log", "log.1");
}

#[test]
fn rotations_that_shift_the_names() {
    for rotations in [1, 3, 9, 12] {
        let dir = Dir::new();
        let (running, mut expected) = following(&dir, "log");
        while_stopped(&running, || {
            dir.append("log", "rest\n");
            for round in 0..rotations {
                shift(&dir, round);
                dir.append("log", lines(&format!("round {round}"), 2));
            }
        });
        expected += "rest\n";
        for round in 0..rotations {
            expected += &lines(&format!("round {round}"), 2);
        }
        expect(running, &expected, &dir, "log");
    }
}

#[test]
fn rotations_to_dated_and_to_counted_names() {
    type Style = fn(usize) -> String;
    let styles: [(&str, Style); 6] = [
        ("log", |round| format!("log-202611{round:02}")),
        ("log", |round| format!("log.{round}")),
        ("app.log", |round| format!("app-2026-11-{round:02}.log")),
        ("app.log", |round| format!("app.{round}.log")),
        ("log", |round| format!("log.2026-11-24T10:00:{round:02}Z")),
        ("log", |round| format!("log.{}", 1_790_000_000 + round)),
    ];
    for (name, style) in styles {
        for rotations in [1, 3, 12] {
            let dir = Dir::new();
            let (running, mut expected) = following(&dir, name);
            while_stopped(&running, || {
                for round in 1..=rotations {
                    dir.rename(name, &style(round));
                    dir.append(name, lines(&format!("round {round}"), 2));
                }
            });
            for round in 1..=rotations {
                expected += &lines(&format!("round {round}"), 2);
            }
            expect(running, &expected, &dir, name);
        }
    }
}

#[test]
fn a_rotation_that_deletes_the_oldest() {
    let dir = Dir::new();
    let (running, mut expected) = following(&dir, "log");
    while_stopped(&running, || {
        dir.append("log", "rest\n");
        for round in 0..5_usize {
            if round >= 3 {
                dir.remove("log.3");
            }
            shift(&dir, round.min(2));
            dir.append("log", format!("round {round}\n"));
        }
    });
    // What was open is read; of the others what still has a name.
    expected += "rest\nround 1\nround 2\nround 3\nround 4\n";
    expect(running, &expected, &dir, "log");
}

#[test]
fn a_file_that_appears_late_and_has_already_been_rotated() {
    for rotations in [1, 3] {
        let dir = Dir::new();
        let running = cofollow(&dir, ["log"]).spawn();
        running.wait_for_stderr(|err| contains(err, "No such file"));
        let mut expected = String::new();
        while_stopped(&running, || {
            for round in 0..rotations {
                let text = lines(&format!("round {round}"), 2);
                dir.append("log", &text);
                expected += &text;
                shift(&dir, round);
            }
            dir.append("log", "now\n");
            expected += "now\n";
        });
        expect(running, &expected, &dir, "log");
    }
}

#[test]
fn links_to_dated_files_that_were_swapped_several_times() {
    for swaps in [1, 2, 5] {
        let dir = Dir::new();
        symlink("log-01", dir.path("log")).expect("linked");
        let (running, mut expected) = following(&dir, "log");
        while_stopped(&running, || {
            dir.append("log-01", "rest\n");
            expected += "rest\n";
            for day in 2..swaps + 2 {
                let text = lines(&format!("day {day}"), 2);
                dir.write(&format!("log-{day:02}"), &text);
                swap_link(&dir, &format!("log-{day:02}"), "log");
                expected += &text;
            }
        });
        expect(running, &expected, &dir, "log");
    }
}

#[test]
fn a_volume_that_was_swapped_several_times() {
    for swaps in [1, 2, 5] {
        let dir = Dir::new();
        fs::create_dir(dir.path("..2026_11_24_01")).expect("made");
        symlink("..2026_11_24_01", dir.path("..data")).expect("linked");
        symlink("..data/log", dir.path("log")).expect("linked");
        let (running, mut expected) = following(&dir, "log");
        while_stopped(&running, || {
            dir.append("log", "rest\n");
            expected += "rest\n";
            for version in 2..swaps + 2 {
                let directory = format!("..2026_11_24_{version:02}");
                fs::create_dir(dir.path(&directory)).expect("made");
                let text = lines(&format!("version {version}"), 2);
                dir.write(&format!("{directory}/log"), &text);
                swap_link(&dir, &directory, "..data");
                expected += &text;
            }
        });
        expect(running, &expected, &dir, "log");
    }
}

#[test]
fn the_old_file_written_on_while_nobody_looked() {
    let dir = Dir::new();
    let (running, mut expected) = following(&dir, "log");
    let mut old = File::options().append(true).open(dir.path("log"));
    let old = old.as_mut().expect("opened");
    while_stopped(&running, || {
        dir.rename("log", "log.1");
        dir.append("log", "new 1\n");
        old.write_all(b"old 1\n").expect("written");
    });
    expected += "old 1\nnew 1\n";
    running.wait_for_stdout(|out| out == expected.as_bytes());
    while_stopped(&running, || {
        shift(&dir, 1);
        dir.append("log", "newest\n");
        dir.append("log.1", "new 2\n");
        old.write_all(b"old 2\n").expect("written");
    });
    expected += "old 2\nnew 2\nnewest\n";
    expect(running, &expected, &dir, "log");
}

#[test]
fn deleted_and_made_anew_while_nobody_looked() {
    let dir = Dir::new();
    let (running, mut expected) = following(&dir, "log");
    while_stopped(&running, || {
        dir.append("log", "rest\n");
        dir.remove("log");
        dir.append("log", "new\n");
    });
    // It is open: its name is not needed.
    expected += "rest\nnew\n";
    expect(running, &expected, &dir, "log");
}

#[test]
fn a_line_split_across_rotations_is_whole() {
    let dir = Dir::new();
    let (running, mut expected) = following(&dir, "log");
    while_stopped(&running, || {
        dir.append("log", "one ");
        shift(&dir, 0);
        dir.append("log", "two ");
        shift(&dir, 1);
        dir.append("log", "three\n");
        dir.append("log.2", "line\n");
        dir.append("log.1", "lines\n");
    });
    expected += "one line\ntwo lines\nthree\n";
    expect(running, &expected, &dir, "log");
}

#[test]
fn two_files_that_are_rotated_with_half_lines() {
    let dir = Dir::new();
    dir.write("a", "");
    dir.write("b", "");
    let running = cofollow(&dir, ["-q", "--debug", "a", "b"]).spawn();
    running.wait_for_stderr(|err| contains(err, "b: reading"));
    let (mut a, mut b) = (String::new(), String::new());
    for round in 0..50 {
        let text = format!("{round}");
        for (name, all) in [("a", &mut a), ("b", &mut b)] {
            dir.append(name, format!("{name} half "));
            writeln!(all, "{name} half {text}").expect("a string takes all");
        }
        if round % 10 == 5 {
            while_stopped(&running, || {
                for name in ["a", "b"] {
                    dir.rename(name, &format!("{name}.{round}"));
                    dir.append(&format!("{name}.{round}"), format!("{text}\n"));
                    dir.append(name, "");
                }
            });
        } else {
            for name in ["b", "a"] {
                dir.append(name, format!("{text}\n"));
            }
        }
    }
    running.wait_for_stdout(|out| out.len() >= a.len() + b.len());
    running.kill("TERM");
    let out = String::from_utf8(running.wait().stdout).expect("text");
    let of = |name: &str| -> String {
        let lines = out.split_inclusive('\n');
        lines.filter(|line| line.starts_with(name)).collect()
    };
    assert_eq!((of("a"), of("b")), (a, b));
    assert_eq!(out.lines().count(), 100);
}

#[test]
fn more_events_than_are_kept_and_rotations_among_them() {
    let dir = Dir::new();
    let (running, mut expected) = following(&dir, "log");
    while_stopped(&running, || {
        overflow_event_queues(&dir.path(""));
        for round in 0..3 {
            shift(&dir, round);
            let text = lines(&format!("round {round}"), 2);
            dir.append("log", &text);
            expected += &text;
        }
    });
    expect(running, &expected, &dir, "log");
}

#[test]
fn what_was_rotated_before_is_not_read() {
    let dir = Dir::new();
    for name in ["log.1", "log.2", "log-20261101", "log.old", "log.3.gz"] {
        dir.write(name, lines(name, 2));
    }
    let (running, mut expected) = following(&dir, "log");
    while_stopped(&running, || {
        dir.append("log.1", "still written\n");
        shift(&dir, 2);
        dir.append("log", "2\n");
        // Compressed or deleted meanwhile.
        dir.remove("log.3");
        dir.write("log.3.gz", lines("gz", 2));
    });
    expected += "2\n";
    running.wait_for_stdout(|out| out == expected.as_bytes());
    dir.write("log.2.gz", lines("gz", 2));
    dir.remove("log.2");
    expect(running, &expected, &dir, "log");
}

#[test]
fn a_copy_made_by_hand_is_not_read() {
    for copy in ["log.bak", "log.1", "log-20261124"] {
        for stopped in [false, true] {
            let dir = Dir::new();
            let (running, mut expected) = following(&dir, "log");
            let copy_it = || {
                Cmd::new("cp")
                    .args(["log", copy])
                    .dir(dir.path(""))
                    .run()
                    .code(0);
            };
            if stopped {
                while_stopped(&running, copy_it);
            } else {
                copy_it();
            }
            dir.append("log", "2\n");
            expected += "2\n";
            running.wait_for_stdout(|out| out == expected.as_bytes());
            // It is met when a rotation is looked for.
            while_stopped(&running, || {
                dir.rename("log", "log.9");
                dir.append("log", "3\n");
            });
            expected += "3\n";
            expect(running, &expected, &dir, "log");
        }
    }
}

// Files of one kind begin alike, and are no copies of each other.
#[test]
fn rotated_files_with_a_common_heading_are_all_read() {
    let dir = Dir::new();
    let heading = lines("heading", 3);
    dir.write("log", &heading);
    let running = cofollow(&dir, ["-n+1", "log"]).spawn();
    running.wait_for_stdout(|out| out == heading.as_bytes());
    let mut expected = heading.clone();
    while_stopped(&running, || {
        for round in 0..4 {
            let text = format!("round {round}\n");
            dir.append("log", &text);
            shift(&dir, round);
            dir.append("log", &heading);
            expected += &text;
            expected += &heading;
        }
    });
    expect(running, &expected, &dir, "log");
}

#[test]
fn files_that_were_made_and_deleted_unseen_are_told_of() {
    let dir = Dir::new();
    let (running, mut expected) = following(&dir, "log");
    while_stopped(&running, || {
        dir.remove("log");
        for round in 0..2 {
            dir.append("log", lines(&format!("round {round}"), 2));
            dir.remove("log");
        }
        dir.append("log", "present\n");
    });
    expected += "present\n";
    running.wait_for_stdout(|out| out == expected.as_bytes());
    running.wait_for_stderr(|err| missed(err) > 0);
    // What is found, under whatever name, is none of them.
    while_stopped(&running, || {
        for round in 0..3 {
            shift(&dir, round);
            dir.append("log", lines(&format!("shifted {round}"), 1));
        }
    });
    for round in 0..3 {
        expected += &lines(&format!("shifted {round}"), 1);
    }
    running.wait_for_stdout(|out| out == expected.as_bytes());
    dir.remove("log");
    expect_to_miss_at_most_two(running, &dir, expected);
}

/// Ends it behind one more line. One or two files were missed, of the two that were: in doubt the one that has the name is
/// taken for one of them.
fn expect_to_miss_at_most_two(running: Running, dir: &Dir, mut expected: String) {
    dir.append("log", "the end\n");
    expected += "the end\n";
    running.wait_for_stdout(|out| out == expected.as_bytes());
    running.kill("TERM");
    let missed = missed(&running.wait().stderr);
    assert!((1..=2).contains(&missed), "{missed}");
}

// As logrotate does it with `olddir`, with `rotate 1`, and when it compresses at once.
#[test]
fn files_that_were_moved_away_unseen_are_told_of() {
    for aside in ["old/log", "log", "log.gz"] {
        let dir = Dir::new();
        fs::create_dir(dir.path("old")).expect("made");
        let (running, mut expected) = following(&dir, "log");
        let put_aside = |number: usize| {
            let put = format!("{aside}.{number}");
            dir.rename("log", &put);
            if aside == "log" {
                dir.remove(&put);
            }
        };
        while_stopped(&running, || {
            put_aside(1);
            for number in 2..4 {
                dir.append("log", "unseen\n");
                put_aside(number);
            }
            dir.append("log", "present\n");
        });
        expected += "present\n";
        running.wait_for_stdout(|out| out == expected.as_bytes());
        running.wait_for_stderr(|err| missed(err) > 0);
        // What was read is no loss, wherever it is put.
        put_aside(4);
        expect_to_miss_at_most_two(running, &dir, expected);
    }
}

// What is read under the name it has got since has not gone unread.
#[test]
fn files_that_are_read_under_other_names_are_not_told_of() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    let running = cofollow(&dir, ["-q", "-n+1", "--until-idle=2s", "log.1", "log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    while_stopped(&running, || {
        for round in 0..3 {
            shift(&dir, round);
            dir.append("log", format!("{}\n", round + 2));
        }
    });
    // Later than it would have been told.
    let done = running.wait();
    assert_eq!(done.stdout.len(), 8);
    assert_eq!(missed(&done.stderr), 0);
}

// All that was like the first target came out, however long it had been there.
#[test]
fn a_link_that_comes_late_leads_to_nothing_that_was_there_before() {
    let dir = Dir::new();
    let made = Instant::now();
    for number in 1..=3 {
        dir.write(&format!("log-{number}"), format!("{number}\n"));
    }
    wait_until("their age to tell", || {
        made.elapsed() > Duration::from_millis(50)
    });
    let running = cofollow(&dir, ["-n+1", "log"]).spawn();
    running.wait_for_stderr(|err| contains(err, "cannot open 'log'"));
    while_stopped(&running, || {
        for target in ["log-4", "log-5"] {
            dir.write(target, format!("{target}\n"));
            swap_link(&dir, target, "log");
        }
    });
    running.wait_for_stdout(|out| contains(out, "log-5"));
    running.kill("TERM");
    assert_eq!(running.wait().stdout, b"log-4\nlog-5\n");
}

// Of a volume that was swapped and deleted twice while nobody looked nothing told.
#[test]
fn what_a_link_led_to_and_is_gone_unseen_is_told_of() {
    for is_volume in [true, false] {
        let dir = Dir::new();
        let make = |version: usize| {
            let text = format!("{version}\n");
            if is_volume {
                let directory = format!("v{version}");
                fs::create_dir(dir.path(&directory)).expect("made");
                dir.write(&format!("{directory}/log"), text);
                swap_link(&dir, &directory, "..data");
            } else {
                let file = format!("log-{version}");
                dir.write(&file, text);
                swap_link(&dir, &file, "log");
            }
        };
        let next = |version: usize| {
            make(version);
            if is_volume {
                fs::remove_dir_all(dir.path(&format!("v{}", version - 1))).expect("removed");
            } else {
                dir.remove(&format!("log-{}", version - 1));
            }
        };
        make(1);
        if is_volume {
            symlink("..data/log", dir.path("log")).expect("linked");
        }
        let running = cofollow(&dir, ["-n+1", "log"]).spawn();
        running.wait_for_stdout(|out| out == b"1\n");
        for (version, expected) in [(2, "1\n2\n"), (3, "1\n2\n3\n")] {
            next(version);
            running.wait_for_stdout(|out| out == expected.as_bytes());
        }
        assert!(running.stderr_has(|err| missed(err) == 0));
        while_stopped(&running, || (4..=6).for_each(next));
        running.wait_for_stdout(|out| out == b"1\n2\n3\n6\n");
        running.wait_for_stderr(|err| missed(err) == 2);
        next(7);
        running.wait_for_stdout(|out| out == b"1\n2\n3\n6\n7\n");
        running.kill("TERM");
        assert_eq!(missed(&running.wait().stderr), 2);
    }
}

/// How many files are told to have come and gone unread: in one message, or more if the events were read in parts.
fn missed(err: &[u8]) -> usize {
    let err = String::from_utf8_lossy(err);
    let told = err.lines().filter_map(|line| {
        let counted = line.strip_suffix(" of that name came and went unread")?;
        counted.split(' ').nth_back(1)?.parse::<usize>().ok()
    });
    told.sum()
}
