//! A log that is copied and truncated, more than once between two looks.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::disk::Memory;
use super::{all_of, follow};
use crate::Notice;
use crate::engine::Engine;

const LOG: &str = "/log";

/// Puts the log aside in a copy, behind which the older ones go up, and writes the next text into it.
fn copy_and_truncate(disk: &Memory, next: &str) {
    copy(disk);
    let log = disk.append(Path::new(LOG));
    log.truncate();
    log.write(next);
}

fn copy(disk: &Memory) {
    let path = |number| format!("{LOG}.{number}");
    let mut free = 1;
    while disk.exists(Path::new(&path(free))) {
        free += 1;
    }
    for number in (1..free).rev() {
        disk.rename(Path::new(&path(number)), Path::new(&path(number + 1)));
    }
    disk.tick();
    let text = disk.append(Path::new(LOG)).text();
    disk.append(Path::new(&path(1))).write(&text);
    disk.tick();
}

fn write(disk: &Memory, text: &str) {
    disk.tick();
    disk.append(Path::new(LOG)).write(text);
}

/// Follows a log that begins with this.
fn followed(text: &str) -> (Memory, Engine<Memory>) {
    let disk = Memory::default();
    disk.append(Path::new(LOG)).write(text);
    let mut engine = follow(disk.clone(), [LOG]);
    assert_eq!(all_of(&mut engine), text);
    (disk, engine)
}

/// What is told of bytes that are lost.
fn losses(engine: &mut Engine<Memory>) -> Receiver<u64> {
    let (notices, heard) = channel();
    engine.notify = Box::new(move |notice: &Notice| {
        if let Notice::Truncated(_, lost) | Notice::Rewritten(_, lost) = notice
            && *lost > 0
        {
            notices.send(*lost).expect("heard");
        }
    });
    heard
}

// Nothing had been read of it that could tell that it was another text, and no copy was looked for.
#[test]
fn a_text_that_came_into_an_empty_log_and_went_unread_comes_before_the_next() {
    for is_seen in [false, true] {
        let (disk, mut engine) = followed("");
        let losses = losses(&mut engine);
        write(&disk, "first\nand more\n");
        if is_seen {
            engine.renew_all(0);
        }
        copy_and_truncate(&disk, "second\n");
        engine.look_at_data(0);
        assert_eq!(all_of(&mut engine), "first\nand more\nsecond\n");
        assert_eq!(losses.try_iter().count(), 0);
    }
}

// Nothing came after it that would have shown that it had been there.
#[test]
fn the_last_text_of_a_log_that_went_unread_is_found() {
    let (disk, mut engine) = followed("");
    write(&disk, "first\n");
    copy_and_truncate(&disk, "");
    engine.look_at_data(0);
    assert_eq!(all_of(&mut engine), "first\n");
}

// The truncation of a log of which nothing had been read was told by nothing.
#[test]
fn what_was_seen_of_a_text_that_was_never_read_is_told() {
    let (disk, mut engine) = followed("");
    let losses = losses(&mut engine);
    write(&disk, "first\nand more\n");
    engine.renew_all(0);
    disk.append(Path::new(LOG)).truncate();
    write(&disk, "second\n");
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "second\n");
    assert_eq!(losses.try_iter().collect::<Vec<_>>(), [15]);
}

// What was seen of the text before counted as lost when the next was truncated.
#[test]
fn what_was_seen_before_a_text_was_read_is_not_of_it() {
    let (disk, mut engine) = followed("first\n");
    let losses = losses(&mut engine);
    copy_and_truncate(&disk, "second, which is long\n");
    engine.renew_all(0);
    copy_and_truncate(&disk, "third\n");
    copy_and_truncate(&disk, "fourth, and read\n");
    engine.look_at_data(0);
    let all = "second, which is long\nthird\nfourth, and read\n";
    assert_eq!(all_of(&mut engine), all);
    copy_and_truncate(&disk, "fifth\n");
    engine.look_at_data(0);
    assert_eq!(all_of(&mut engine), "fifth\n");
    assert_eq!(losses.try_iter().count(), 0);
}

// What came between its copy and its truncation nobody saw, and it was told as the truncation of a quiet log is.
#[test]
fn that_a_log_was_truncated_while_it_was_written_to_is_told() {
    for (more, next, is_quiet) in [
        ("more\n", "", true),
        ("", "second\n", true),
        ("", "", false),
        ("", "", true),
    ] {
        let (disk, mut engine) = followed("first\n");
        let (notices, heard) = channel();
        engine.notify = Box::new(move |notice: &Notice| match notice {
            Notice::Cut(_) => notices.send(true).expect("heard"),
            Notice::Truncated(..) | Notice::Rewritten(..) => notices.send(false).expect("heard"),
            _ => {}
        });
        if is_quiet {
            engine.names[0].generations[0].last_data -= Duration::from_secs(1);
        }
        write(&disk, more);
        copy_and_truncate(&disk, next);
        engine.look_at_data(0);
        assert_eq!(all_of(&mut engine), [more, next].concat());
        let is_cut = !(more.is_empty() && next.is_empty() && is_quiet);
        assert_eq!(heard.try_iter().collect::<Vec<_>>(), [is_cut]);
    }
    // Read beyond the end of its copy.
    let text = "a line that is long enough to tell it from others, whatever they begin with\n";
    let (disk, mut engine) = followed(text);
    let (notices, heard) = channel();
    engine.notify = Box::new(move |notice: &Notice| {
        if let Notice::Cut(_) = notice {
            notices.send(()).expect("heard");
        }
    });
    copy(&disk);
    write(&disk, "more\n");
    engine.look_at_data(0);
    assert_eq!(all_of(&mut engine), "more\n");
    disk.append(Path::new(LOG)).truncate();
    engine.look_at_data(0);
    assert_eq!(all_of(&mut engine), "");
    assert_eq!(heard.try_iter().count(), 1);
}

// The present one was taken for younger than all that were found, and for none of those whose copies they were.
#[test]
fn what_is_copied_while_copies_are_looked_for_comes_once_and_in_its_place() {
    let (disk, mut engine) = followed("");
    write(&disk, "first\n");
    // The directory has changed, and is listed.
    disk.append(Path::new("/other"));
    engine.look_at_data(0);
    disk.before_listed(|disk| {
        copy_and_truncate(disk, "second\n");
        copy_and_truncate(disk, "third\n");
    });
    assert_eq!(all_of(&mut engine), "first\nsecond\nthird\n");
}

// A text whose first lines had been read, and not given out, came before those that were older.
#[test]
fn what_was_read_and_goes_on_in_a_copy_comes_behind_what_is_older() {
    let (disk, mut engine) = followed("first\n");
    copy_and_truncate(&disk, "");
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "");
    write(&disk, "second\n");
    copy_and_truncate(&disk, "third\n");
    copy_and_truncate(&disk, "fourth\n");
    engine.look_at_data(0);
    disk.when_asked(|disk| {
        write(disk, "more\n");
        copy_and_truncate(disk, "fifth\n");
    });
    let all = "second\nthird\nfourth\nmore\nfifth\n";
    assert_eq!(all_of(&mut engine), all);
}

// A copy that had been listed by a name which another one had by then was not found: the rest of its text was told to be
// lost, and all of it came again at the next look.
#[test]
fn a_copy_that_goes_to_its_next_name_while_it_is_looked_for_is_found() {
    let (disk, mut engine) = followed("first\n");
    let losses = losses(&mut engine);
    write(&disk, "more\n");
    copy_and_truncate(&disk, "second\n");
    disk.when_listed(|disk| copy_and_truncate(disk, "third\n"));
    engine.look_at_data(0);
    assert_eq!(all_of(&mut engine), "more\nsecond\nthird\n");
    assert_eq!(losses.try_iter().count(), 0);
}

// It was known from then on as the copy of a text that was still to be read, and was not any more.
#[test]
fn the_copy_of_a_text_that_is_truncated_before_it_is_read_is_read() {
    let (disk, mut engine) = followed("");
    let text = "a line that is long enough to tell it from others, whatever they begin with\n";
    write(&disk, text);
    copy(&disk);
    engine.names[0].look_again = true;
    engine.look_at_all();
    let log = disk.append(Path::new(LOG));
    log.truncate();
    write(&disk, "second\n");
    engine.look_at_data(0);
    assert_eq!(all_of(&mut engine), text.to_owned() + "second\n");
}
