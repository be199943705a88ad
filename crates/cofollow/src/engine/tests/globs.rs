//! Patterns that match logs and what is put aside of them.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{all_of, engine, owners_are_those_of_the_walk};
use crate::Start;
use crate::disk::Os;
use crate::engine::Engine;

/// A directory with these files, all of which are followed, and read to their end.
fn followed(files: &[(&str, &str)]) -> (TempDir, Engine<Os>) {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        fs::write(dir.path().join(name), text).expect("written");
    }
    let mut engine = engine(Os::default());
    engine.add_glob(dir.path().join("log*").to_str().expect("UTF-8"));
    engine.begin(Start::Line(1), None).expect("begun");
    let texts: String = files.iter().map(|(_, text)| *text).collect();
    assert_eq!(all_of(&mut engine), texts);
    (dir, engine)
}

// Of a log of which little had been read a copy was made, which matches too, and the log was truncated: the copy was
// met before the log was known to be truncated, and lines came twice.
#[test]
fn what_was_truncated_is_known_before_its_copy_is_met() {
    for polls in [false, true] {
        let (dir, mut engine) = followed(&[("log", "1\n")]);
        let unread = "x".repeat(100) + "\n";
        fs::write(dir.path().join("log.1"), format!("1\n{unread}")).expect("written");
        fs::write(dir.path().join("log"), "the next\n").expect("written");
        engine.look_at_data(0);
        if polls {
            let now = Instant::now();
            engine.globs_at = Some(now);
            engine.poll_globs(now);
        } else {
            engine.look_at_glob(0, None);
        }
        assert_eq!(all_of(&mut engine), unread + "the next\n");
    }
}

// Copies of texts that nobody had read were followed by their own names, which were read by turns with the log.
#[test]
fn texts_that_came_and_went_unread_are_their_logs_own() {
    for is_seen in [false, true] {
        let (dir, mut engine) = followed(&[("log", "1\n")]);
        let write =
            |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("written");
        if is_seen {
            // That there is another text, but nothing of it is read.
            write("log", "2\n");
            engine.look_at_all();
        }
        write("log.2", "2\n");
        write("log.1", "3\n");
        write("log", "4\n");
        engine.look_at_data(0);
        engine.look_at_glob(0, None);
        assert_eq!(all_of(&mut engine), "2\n3\n4\n");
    }
}

// What got a name that matches, too, and was too short to be told from the beginning of a copy, was never looked at
// again.
#[test]
fn what_may_be_the_beginning_of_a_copy_is_looked_at_again() {
    let (dir, mut engine) = followed(&[("log", "1\n"), ("log.1", "2\n")]);
    engine.rules.poll = Duration::from_hours(1);
    let path = dir.path().join("log.1");
    fs::remove_file(&path).expect("removed");
    fs::write(&path, "1\n").expect("written");
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "");
    engine.rules.poll = Duration::ZERO;
    engine.keep_time(Instant::now() + Duration::from_hours(2));
    assert_eq!(all_of(&mut engine), "1\n");
}

// It was read at once, as something older than the log.
#[test]
fn what_was_made_in_the_same_tick_may_become_a_copy() {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, new) = (dir.path().join("log"), dir.path().join("new"));
    let born = |path: &Path| path.metadata().and_then(|facts| facts.created()).ok();
    // Nearly always the first pair is.
    while {
        fs::write(&log, "1\n")
            .and_then(|()| fs::write(&new, "1\n"))
            .expect("written");
        born(&log) != born(&new)
    } {
        fs::remove_file(&log)
            .and_then(|()| fs::remove_file(&new))
            .expect("removed");
    }
    let mut engine = engine(Os::default());
    engine.rules.poll = Duration::from_hours(1);
    engine.add_glob(dir.path().join("log*").to_str().expect("UTF-8"));
    engine.begin(Start::Line(1), None).expect("begun");
    assert_eq!(all_of(&mut engine), "1\n");
    fs::rename(&new, dir.path().join("log.1")).expect("renamed");
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "");
    engine.look_at_last();
    assert_eq!(all_of(&mut engine), "1\n");
}

// It came a second late, and not at all where that was the end.
#[test]
fn what_does_not_begin_as_another_is_no_beginning_of_a_copy() {
    let (dir, mut engine) = followed(&[("log", "1\n")]);
    fs::write(dir.path().join("log.1"), "2\n").expect("written");
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "2\n");
    fs::write(dir.path().join("log.2"), "1\n").expect("written");
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "");
    engine.look_at_last();
    assert_eq!(all_of(&mut engine), "1\n");
}

// What was known of each copy was kept for ever.
#[test]
fn rotations_for_months_leave_no_more_than_there_is() {
    const KEPT: usize = 5;
    const ROTATIONS: usize = 1000;
    let text = |number: usize| format!("{BANNER}{number}\n");
    for is_copied in [false, true] {
        let (dir, mut engine) = followed(&[("log", &text(0))]);
        let log = dir.path().join("log");
        let aside = |number: usize| dir.path().join(format!("log-{:08}", 20_260_101 + number));
        for number in 1..=ROTATIONS {
            if is_copied {
                fs::copy(&log, aside(number)).expect("copied");
                engine.look_at_glob(0, None);
            } else {
                fs::rename(&log, aside(number)).expect("renamed");
            }
            fs::write(&log, text(number)).expect("written");
            if number > KEPT {
                fs::remove_file(aside(number - KEPT)).expect("removed");
            }
            engine.look_at_all();
            assert_eq!(all_of(&mut engine), text(number));
            // The writers of what was put aside have been silent for long.
            engine.keep_time(Instant::now() + Duration::from_mins(1));
        }
        let held = [
            engine.lookalikes.len(),
            engine.paths.len(),
            engine.names.len(),
            engine.owners.entries().count(),
            engine.alarms.len(),
        ];
        assert!(held.iter().all(|&held| held < 200), "{is_copied} {held:?}");
        assert!(owners_are_those_of_the_walk(&engine));
    }
}

/// Longer than may be chance.
const BANNER: &str = "######################################################################\n";

// Two logs with the same banner: the second was taken for a copy for ever, whatever was appended to it.
#[test]
fn a_log_that_begins_as_another_is_read_as_soon_as_it_differs() {
    let (dir, mut engine) = followed(&[("log", &format!("{BANNER}1\n"))]);
    fs::write(dir.path().join("log-2"), BANNER).expect("written");
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "");
    let text = format!("{BANNER}2\n");
    fs::write(dir.path().join("log-2"), &text).expect("written");
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), text);
}

/// Beside `log` there is `log.1` now, which looks like its copy: what both hold was given once.
fn held_back() -> (TempDir, Engine<Os>, String) {
    let text = format!("{BANNER}1\n");
    let (dir, mut engine) = followed(&[("log", &text)]);
    fs::write(dir.path().join("log.1"), &text).expect("written");
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "");
    (dir, engine, text)
}

#[test]
fn what_looks_like_a_copy_is_one_when_the_text_is_truncated_and_none_at_the_end() {
    for is_truncated in [false, true] {
        let (dir, mut engine, text) = held_back();
        if is_truncated {
            fs::write(dir.path().join("log"), "2\n").expect("written");
            engine.look_at_all();
            assert_eq!(all_of(&mut engine), "2\n");
        }
        engine.look_at_last();
        let rest = all_of(&mut engine);
        assert_eq!(rest, if is_truncated { "" } else { &text });
    }
}

#[test]
fn what_looks_like_a_copy_is_one_at_a_signal_if_the_text_is_truncated_by_then() {
    for is_truncated in [false, true] {
        let (dir, mut engine, text) = held_back();
        if is_truncated {
            fs::write(dir.path().join("log"), "2\n").expect("written");
        }
        let rest = engine.stop().expect("something new");
        assert_eq!(
            *rest,
            *(if is_truncated { "2\n" } else { &text }).as_bytes()
        );
    }
}
