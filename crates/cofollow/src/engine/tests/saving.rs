//! When a state is saved.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use super::disk::Memory;
use super::engine;
use crate::Start;
use crate::state_file::StateFile;
use crate::watch::Changes;

// On a busy machine, looking for siblings among hundreds took as long as what had been written may be unsaved.
#[test]
fn what_has_been_written_is_saved_before_names_are_looked_at() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut engine = engine(Memory::default());
    engine.add_name(Path::new("/log"), "log");
    let state = StateFile::open(&dir.path().join("state")).expect("opened");
    engine.begin(Start::Line(1), Some(state)).expect("begun");
    let since = Instant::now().checked_sub(Duration::from_millis(20));
    engine.saver.as_mut().expect("resuming").since = since;
    engine.look_at(Changes {
        names: BTreeSet::from([0]),
        ..Changes::default()
    });
    let since = engine.saver.as_ref().expect("resuming").since;
    assert_eq!(since, None);
}
