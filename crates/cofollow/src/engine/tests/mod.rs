//! The engine, looking and reading when it is told to.

mod disk;
mod files;
mod model;

use std::path::Path;
use std::time::Duration;

use super::{Engine, Rules};
use crate::disk::Disk;
use crate::outbox::Outbox;
use crate::{By, Headers, Notice, Start};

/// Follows files by name, from their beginnings, with nobody to tell it when to look.
fn follow<D: Disk>(disk: D, paths: impl IntoIterator<Item: AsRef<Path>>) -> Engine<D> {
    let rules = Rules {
        by: By::Name,
        retry: true,
        follow: true,
        terminator: b'\n',
        poll: Duration::from_secs(1),
        partial_after: None,
    };
    let outbox = Outbox::new(Headers::Never, b'\n', None);
    let mut engine = Engine::new(disk, rules, outbox, None, Box::new(|_: &Notice| {}));
    for path in paths {
        engine.add_name(path.as_ref(), "log");
    }
    engine.begin(Start::Line(1), None).expect("begun");
    engine
}
