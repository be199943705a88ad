//! The engine, looking and reading when it is told to.

mod disk;
mod files;
mod globs;
mod model;
mod saving;

use std::path::Path;
use std::time::Duration;

use costage::Pulled;

use super::{Engine, Rules};
use crate::disk::Disk;
use crate::outbox::Outbox;
use crate::{By, Headers, Notice, Start};

/// Follows files by name, from their beginnings, with nobody to tell it when to look.
fn follow<D: Disk>(disk: D, paths: impl IntoIterator<Item: AsRef<Path>>) -> Engine<D> {
    let mut engine = engine(disk);
    for path in paths {
        engine.add_name(path.as_ref(), "log");
    }
    engine.begin(Start::Line(1), None).expect("begun");
    engine
}

/// The same, before it has begun.
fn engine<D: Disk>(disk: D) -> Engine<D> {
    let rules = Rules {
        by: By::Name,
        retry: true,
        follow: true,
        terminator: b'\n',
        poll: Duration::from_secs(1),
        partial_after: None,
    };
    let outbox = Outbox::new(Headers::Never, b'\n', None);
    Engine::new(disk, rules, outbox, None, Box::new(|_: &Notice| {}))
}

/// All that is there to be given out.
fn all_of<D: Disk>(engine: &mut Engine<D>) -> String {
    let mut all = Vec::new();
    while let Pulled::Block(block) = engine.pull() {
        all.extend_from_slice(&block);
    }
    String::from_utf8(all).expect("text")
}
