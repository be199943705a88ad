//! What happens while it is looked at, and what fails: on a disk that does as it is told.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use notify::EventKind;
use notify::event::{CreateKind, ModifyKind, RemoveKind, RenameMode};

use super::disk::Memory;
use super::{Engine, all_of, follow};
use crate::Notice;
use crate::passing::{Came, Made};

// A copy that was made while nobody looked ends where it was cut, and what stood behind that is in no file: it was given
// out as a line at the end.
#[test]
fn the_torn_line_of_a_copy_that_was_found_later_is_not_given_out() {
    let (log, copy) = (Path::new("/log"), Path::new("/log.1"));
    for is_copy in [true, false] {
        let disk = Memory::default();
        disk.append(log).write("first\n");
        let mut engine = follow(disk.clone(), [log]);
        assert_eq!(all_of(&mut engine), "first\n");
        disk.tick();
        let text = "second\nthi";
        if is_copy {
            disk.append(copy).write(text);
            disk.append(log).truncate();
        } else {
            disk.remove(log);
            disk.append(log).write(text);
            disk.rename(log, copy);
            disk.tick();
        }
        disk.append(log).write("fourth\n");
        engine.look_at_all();
        assert_eq!(all_of(&mut engine), "second\nfourth\n");
        let rest = engine
            .stop()
            .map(|block| String::from_utf8_lossy(&block).into_owned());
        assert_eq!(rest.as_deref(), (!is_copy).then_some("thi"));
    }
}

// What had the name before was taken for a copy, for it is younger than the log, and its unfinished line was dropped.
#[test]
fn what_a_log_replaced_that_was_made_before_is_given_out_to_its_end() {
    let [log, spare] = ["/log", "/spare"].map(Path::new);
    let disk = Memory::default();
    disk.append(log).write("first\n");
    let mut engine = follow(disk.clone(), [log]);
    assert_eq!(all_of(&mut engine), "first\n");
    disk.append(spare).write("third\n");
    disk.tick();
    disk.rename(log, Path::new("/log.2"));
    disk.append(log).write("second\nunfin");
    disk.rename(log, Path::new("/log.1"));
    disk.rename(spare, log);
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "second\nthird\n");
    let rest = engine
        .stop()
        .map(|block| String::from_utf8_lossy(&block).into_owned());
    assert_eq!(rest.as_deref(), Some("unfin"));
}

// Whoever shifts by copying, too, has the oldest text in the youngest file.
#[test]
fn what_goes_on_with_a_text_that_was_read_comes_first() {
    let [log, one, two] = ["/log", "/log.1", "/log.2"].map(Path::new);
    let disk = Memory::default();
    disk.append(log).write("first\n");
    let mut engine = follow(disk.clone(), [log]);
    assert_eq!(all_of(&mut engine), "first\n");
    disk.append(log).write("more\n");
    for text in ["second\n", "third\n"] {
        for (from, to) in [(one, two), (log, one)] {
            if disk.exists(from) {
                disk.tick();
                let copied = disk.append(from).text();
                disk.append(to).truncate();
                disk.append(to).write(&copied);
            }
        }
        disk.append(log).truncate();
        disk.append(log).write(text);
    }
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "more\nsecond\nthird\n");
}

// In a burst the file between went to a name that had not been listed, and came after the next.
#[test]
fn a_file_that_goes_to_its_next_name_while_it_is_looked_for_is_found() {
    let disk = Memory::default();
    let [log, one, two] = ["/log", "/log.1", "/log.2"].map(Path::new);
    let mut engine = follow(disk.clone(), [log]);
    let write = move |disk: &Memory, text: &str| {
        disk.tick();
        disk.append(log).write(text);
    };
    write(&disk, "1\n");
    disk.rename(log, one);
    write(&disk, "2\n");
    disk.when_listed(move |disk| {
        disk.rename(one, two);
        disk.rename(log, one);
        write(disk, "3\n");
    });
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "1\n2\n");
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "3\n");
}

// What a link had led to when it was resolved, and no more when it was opened, came after the next.
#[test]
fn a_link_that_is_swapped_while_it_is_opened_leads_to_both() {
    let disk = Memory::default();
    let [log, one, two, three] = ["/log", "/app-1", "/app-2", "/app-3"].map(Path::new);
    let next = |disk: &Memory, target: &Path, text: &str| {
        disk.tick();
        disk.append(target).write(text);
        disk.link(target, log);
    };
    next(&disk, one, "1\n");
    let mut engine = follow(disk.clone(), [log]);
    assert_eq!(all_of(&mut engine), "1\n");
    next(&disk, two, "2\n");
    disk.when_asked(move |disk| next(disk, three, "3\n"));
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "2\n3\n");
}

// The next target is made, and written to, before the link leads to it: at a second look at the present one it was taken
// for one that had had the name unseen, and came before the rest of the present one.
#[test]
fn what_a_link_is_still_to_lead_to_is_not_read_before_it_does() {
    let disk = Memory::default();
    let [log, one, two, three] = ["/log", "/app-1", "/app-2", "/app-3"].map(Path::new);
    disk.append(one).write("1\n");
    disk.link(one, log);
    let mut engine = follow(disk.clone(), [log]);
    assert_eq!(all_of(&mut engine), "1\n");
    disk.append(two).write("2\n");
    disk.link(two, log);
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "2\n");
    disk.append(three).write("4\n");
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "");
    disk.append(two).write("3\n");
    disk.link(three, log);
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "3\n4\n");
}

// One read that failed, as on a network: the rest of the file was lost.
#[test]
fn a_retired_file_is_read_once_more_before_it_is_given_up() {
    for is_mended in [true, false] {
        let disk = Memory::default();
        let (log, old) = (Path::new("/log"), Path::new("/log.1"));
        let file = disk.append(log);
        file.write("one\n");
        let mut engine = follow(disk.clone(), [log]);
        let (notices, heard) = channel();
        engine.notify = Box::new(move |notice: &Notice| {
            if let Notice::GivenUp(_, lost) = notice {
                notices.send(*lost).expect("heard");
            }
        });
        assert_eq!(all_of(&mut engine), "one\n");
        file.write("two\n");
        disk.rename(log, old);
        disk.append(log).write("three\n");
        file.be_broken(true);
        engine.look_at_all();
        assert_eq!(all_of(&mut engine), "three\n");
        file.be_broken(!is_mended);
        engine.keep_time(Instant::now() + Duration::from_mins(1));
        assert_eq!(all_of(&mut engine), if is_mended { "two\n" } else { "" });
        assert_eq!(heard.try_recv().ok(), (!is_mended).then_some(4));
    }
}

// A thousand empty files whose first lines came listed their directory a thousand times.
#[test]
fn the_first_lines_of_a_file_cost_no_listing_of_a_directory_that_has_not_changed() {
    let log = Path::new("/log");
    for is_copied in [false, true] {
        let disk = Memory::default();
        let file = disk.append(log);
        let mut engine = follow(disk.clone(), [log]);
        assert_eq!(all_of(&mut engine), "");
        disk.tick();
        if is_copied {
            disk.append(Path::new("/log.1")).write("one\n");
        }
        file.write("two\n");
        let (listings, heard) = channel();
        disk.before_listed(move |_| listings.send(()).expect("heard"));
        engine.look_at_data(0);
        let copied = if is_copied { "one\n" } else { "" };
        assert_eq!(all_of(&mut engine), format!("{copied}two\n"));
        assert_eq!(heard.try_recv().is_ok(), is_copied);
    }
}

/// Hears how many files came and went unread.
fn missed(engine: &mut Engine<Memory>) -> Receiver<usize> {
    let (notices, heard) = channel();
    engine.notify = Box::new(move |notice: &Notice| {
        if let Notice::Missed(_, count) = notice {
            notices.send(*count).expect("heard");
        }
    });
    heard
}

// Without descriptors to look beside the log all that had been put aside was told as gone.
#[test]
fn what_left_the_name_is_missed_only_where_it_could_be_looked_for() {
    let log = Path::new("/log");
    for is_blind in [false, true] {
        let disk = Memory::default();
        disk.append(log).write("one\n");
        let mut engine = follow(disk.clone(), [log]);
        let heard = missed(&mut engine);
        let mut made = Made::default();
        let is_renamed = ModifyKind::Name(RenameMode::From);
        for kind in [
            EventKind::Create(CreateKind::File),
            EventKind::Modify(is_renamed),
        ] {
            let mut came = Came::default();
            made.note(kind, log, &mut came);
            engine.names[0].account.note(came);
        }
        disk.be_blind(is_blind);
        engine.account_for(0, Instant::now() + Duration::from_mins(1));
        assert_eq!(heard.try_recv().ok(), (!is_blind).then_some(1));
    }
}

// It is told a moment later, and there was none.
#[test]
fn what_came_and_went_just_before_the_end_is_missed() {
    let log = Path::new("/log");
    let disk = Memory::default();
    disk.append(log).write("one\n");
    let mut engine = follow(disk, [log]);
    let heard = missed(&mut engine);
    let mut made = Made::default();
    let mut came = Came::default();
    for kind in [
        EventKind::Create(CreateKind::File),
        EventKind::Remove(RemoveKind::File),
    ] {
        made.note(kind, log, &mut came);
    }
    engine.names[0].account.note(came);
    engine.stop();
    assert_eq!(heard.try_recv(), Ok(1));
}

// With a first read that failed nothing showed that the text was the same, and it came again as a whole.
#[test]
fn a_file_that_could_not_be_read_at_first_is_read_from_where_it_began() {
    let disk = Memory::default();
    let log = Path::new("/log");
    let file = disk.append(log);
    file.write("before\n");
    file.be_broken(true);
    let mut engine = follow(disk.clone(), [log]);
    engine.names[0].generations[0].position = 7;
    assert_eq!(all_of(&mut engine), "");
    file.be_broken(false);
    for text in ["1\n", "2\n"] {
        file.write(text);
        engine.look_at_all();
        assert_eq!(all_of(&mut engine), text);
    }
}

// Files that had been put aside before were printed at the next rotation.
#[test]
fn what_could_not_be_listed_at_first_was_there_all_the_same() {
    let disk = Memory::default();
    let [log, old, new] = ["/log", "/log.2", "/log.1"].map(Path::new);
    disk.append(old).write("old\n");
    disk.tick();
    disk.append(log).write("one\n");
    disk.be_blind(true);
    let mut engine = follow(disk.clone(), [log]);
    assert_eq!(all_of(&mut engine), "one\n");
    disk.be_blind(false);
    engine.keep_time(Instant::now() + Duration::from_mins(1));
    disk.tick();
    disk.rename(log, new);
    disk.append(log).write("two\n");
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "two\n");
}

// It counted as older than all that were found with it, and turned the order of names around.
#[test]
fn what_was_put_aside_while_it_was_looked_at_does_not_tell_the_order_of_the_others() {
    let log = Path::new("/log");
    let disk = Memory::default();
    disk.append(log).write("1\n");
    let mut engine = follow(disk.clone(), [log]);
    assert_eq!(all_of(&mut engine), "1\n");
    // Counted up, within one tick of the clock.
    for number in 1..4 {
        disk.rename(log, Path::new(&format!("/log.{number}")));
        disk.append(log).write(&format!("{}\n", number + 1));
    }
    disk.when_listed(|disk| {
        disk.rename(Path::new("/log"), Path::new("/log.4"));
        disk.append(Path::new("/log")).write("5\n");
    });
    engine.look_at_all();
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "2\n3\n4\n5\n");
}

// Where the first target was gone, nothing told that they had been counted up.
#[test]
fn targets_of_one_tick_come_in_the_order_of_their_numbers() {
    let log = Path::new("/log");
    let disk = Memory::default();
    let swap = |number: usize| {
        let target = format!("/log-{number}");
        disk.append(Path::new(&target))
            .write(&format!("{number}\n"));
        disk.link(Path::new(&target), log);
    };
    swap(1);
    let mut engine = follow(disk.clone(), [log]);
    assert_eq!(all_of(&mut engine), "1\n");
    disk.remove(Path::new("/log-1"));
    (2..5).for_each(swap);
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "2\n3\n4\n");
}
