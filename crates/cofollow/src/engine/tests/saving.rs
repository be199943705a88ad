//! When a state is saved.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use costage::Pulled;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

use super::disk::{Handle, Memory};
use super::engine;
use crate::engine::Engine;
use crate::state_file::StateFile;
use crate::watch::Changes;
use crate::{Notice, Start};

/// An engine that has begun with an empty log, and keeps its state in this directory.
fn resuming() -> (TempDir, Handle, Engine<Memory>) {
    let dir = tempfile::tempdir().expect("a directory");
    let disk = Memory::default();
    let log = disk.append(Path::new("/log"));
    let mut engine = engine(disk);
    engine.add_name(Path::new("/log"), "log");
    let state = StateFile::open(&dir.path().join("state")).expect("opened");
    engine.begin(Start::Line(1), Some(state)).expect("begun");
    assert!(!has_unsaved(&engine));
    (dir, log, engine)
}

fn has_unsaved(engine: &Engine<Memory>) -> bool {
    engine.saver.as_ref().expect("resuming").since.is_some()
}

/// Something has been unsaved for so many milliseconds.
fn age(engine: &mut Engine<Memory>, millis: u64) {
    let since = Instant::now().checked_sub(Duration::from_millis(millis));
    engine.saver.as_mut().expect("resuming").since = since;
}

// On a busy machine, looking for siblings among hundreds took as long as what had been written may be unsaved.
#[test]
fn what_has_been_written_is_saved_before_names_are_looked_at() {
    let (_dir, _log, mut engine) = resuming();
    age(&mut engine, 20);
    engine.look_at(Changes {
        names: BTreeSet::from([0]),
        ..Changes::default()
    });
    assert!(!has_unsaved(&engine));
}

// Reading may take as long as it likes, as where a copy is looked for: what is given out after that came on top of what
// had been unsaved for too long already.
#[test]
fn nothing_is_given_out_while_a_save_is_due() {
    let (_dir, log, mut engine) = resuming();
    for _ in 0..3 {
        log.write("a line\n");
        engine.look_at_data(0);
        age(&mut engine, 60);
        assert!(matches!(engine.pull(), Pulled::Block(_)));
        assert!(!has_unsaved(&engine));
    }
}

/// After how many milliseconds it is saved, from now.
fn due(engine: &Engine<Memory>) -> u128 {
    let saver = engine.saver.as_ref().expect("resuming");
    let (since, due) = (saver.since.expect("unsaved"), saver.due().expect("due"));
    (due - since).as_millis()
}

// On a full disk it was tried twenty times a second.
#[test]
fn a_save_that_fails_is_tried_again_less_and_less_often_and_told_once() {
    let (dir, _log, mut engine) = resuming();
    let told = Arc::new(AtomicU32::new(0));
    let counts = Arc::clone(&told);
    engine.notify = Box::new(move |notice| {
        let is_it = matches!(notice, Notice::Unsaved(_));
        counts.fetch_add(u32::from(is_it), Ordering::SeqCst);
    });
    engine.mark_unsaved();
    assert_eq!(due(&engine), 50);
    std::fs::remove_dir_all(dir.path()).expect("removed");
    for pause in [100, 200, 400, 800, 1000, 1000] {
        age(&mut engine, 1000);
        engine.save_in_time();
        assert_eq!(due(&engine), pause);
        // Nor is it tried before that for another reason.
        engine.save_before_looking();
        assert_eq!(due(&engine), pause);
    }
    engine.save_at_last();
    assert_eq!(told.load(Ordering::SeqCst), 1);
    std::fs::create_dir(dir.path()).expect("created");
    age(&mut engine, 1000);
    engine.save_in_time();
    assert!(!has_unsaved(&engine));
    engine.mark_unsaved();
    assert_eq!(due(&engine), 50);
}
