//! Numbers of files that are gone, where no time of birth tells whose they are.

use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::disk::Memory;
use super::{all_of, engine};
use crate::Start;
use crate::engine::Engine;
use crate::name::SILENCE;
use crate::state_file::StateFile;

const LOG: &str = "/log";

/// A disk without times of birth, with a log that was rotated before anyone looked.
fn rotated_once() -> Memory {
    let disk = Memory::default();
    disk.be_birthless();
    write(&disk, "/log.1", "there before\n");
    write(&disk, LOG, "one\n");
    disk
}

fn write(disk: &Memory, path: &str, text: &str) {
    disk.append(Path::new(path)).write(text);
}

/// As logrotate does: the oldest is deleted, the others are shifted, and the log is made anew.
fn shift(disk: &Memory, keep: usize, text: &str) {
    let numbered = |number: usize| format!("{LOG}.{number}");
    if disk.exists(Path::new(&numbered(keep))) {
        disk.remove(Path::new(&numbered(keep)));
    }
    for number in (1..keep).rev() {
        if disk.exists(Path::new(&numbered(number))) {
            let (from, to) = (numbered(number), numbered(number + 1));
            disk.rename(Path::new(&from), Path::new(&to));
        }
    }
    disk.rename(Path::new(LOG), Path::new(&numbered(1)));
    write(disk, LOG, text);
}

/// Follows the log, going on where the last run ended that kept its state there.
fn resuming(dir: &TempDir, disk: &Memory) -> Engine<Memory> {
    let mut engine = engine(disk.clone());
    engine.add_name(Path::new(LOG), "log");
    let state = StateFile::open(&dir.path().join("state")).expect("opened");
    engine.begin(Start::Line(1), Some(state)).expect("begun");
    engine
}

/// Follows it to the end of what is there.
fn run(dir: &TempDir, disk: &Memory) -> String {
    let mut engine = resuming(dir, disk);
    let all = all_of(&mut engine);
    save(engine);
    all
}

/// All that was given out has been written.
fn save(mut engine: Engine<Memory>) {
    for generation in &mut engine.names[0].generations {
        generation.written = generation.position;
    }
    engine.mark_unsaved();
    engine.save_at_the_end(false).expect("saved");
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

// The new log got the number of the deleted one, was rotated away unseen, and was taken for what had been there before.
#[test]
fn a_rotated_file_with_the_number_of_a_deleted_one_is_read() {
    let (dir, disk) = (directory(), rotated_once());
    assert_eq!(run(&dir, &disk), "one\n");
    for round in 0..10 {
        let lines = [0, 1, 2].map(|line| format!("{round} {line}\n"));
        for line in &lines {
            shift(&disk, 4, line);
        }
        assert_eq!(run(&dir, &disk), lines.concat());
    }
}

#[test]
fn so_it_is_while_the_log_is_followed() {
    let disk = rotated_once();
    let mut engine = super::follow(disk.clone(), [LOG]);
    assert_eq!(all_of(&mut engine), "one\n");
    disk.remove(Path::new("/log.1"));
    shift(&disk, 4, "two\n");
    shift(&disk, 4, "three\n");
    engine.look_at_name(0, None);
    assert_eq!(all_of(&mut engine), "two\nthree\n");
}

#[test]
fn what_was_there_before_stays_known_when_it_grows_and_moves() {
    let (dir, disk) = (directory(), rotated_once());
    assert_eq!(run(&dir, &disk), "one\n");
    for (round, line) in ["two\n", "three\n"].into_iter().enumerate() {
        write(
            &disk,
            &format!("/log.{}", round + 1),
            &"late\n".repeat(round + 100),
        );
        shift(&disk, 4, line);
        assert_eq!(run(&dir, &disk), line);
    }
}

#[test]
fn what_was_let_go_stays_known_and_its_number_does_not() {
    let (dir, disk) = (directory(), rotated_once());
    let mut engine = resuming(&dir, &disk);
    assert_eq!(all_of(&mut engine), "one\n");
    shift(&disk, 4, "");
    engine.look_at_name(0, None);
    write(&disk, "/log.1", "one more\n");
    write(&disk, LOG, "two\n");
    engine.look_at_name(0, None);
    assert_eq!(all_of(&mut engine), "one more\ntwo\n");
    engine.let_go(0, Instant::now() + SILENCE + Duration::from_secs(1));
    assert_eq!(engine.names[0].generations.len(), 1);
    // It is found beside the name, and is no news.
    shift(&disk, 4, "three\n");
    engine.look_at_name(0, None);
    assert_eq!(all_of(&mut engine), "three\n");
    save(engine);
    assert_eq!(run(&dir, &disk), "");
    // The next log gets its number.
    disk.remove(Path::new("/log.2"));
    shift(&disk, 4, "four\n");
    shift(&disk, 4, "five\n");
    assert_eq!(run(&dir, &disk), "four\nfive\n");
}
