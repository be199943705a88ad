//! The engine, looking and reading when it is told to.

mod copies;
mod disk;
mod files;
mod globs;
mod interference;
mod model;
mod reuse;
mod saving;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use costage::Pulled;

use super::{Engine, Rules};
use crate::disk::Disk;
use crate::name::Name;
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
        output: None,
        messages: None,
    };
    let outbox = Outbox::new(Headers::Never, b'\n', None);
    Engine::new(disk, rules, outbox, None, Box::new(|_: &Notice| {}))
}

/// Do the look-ups find what a walk through all names does?
fn owners_are_those_of_the_walk<D: Disk>(engine: &Engine<D>) -> bool {
    let names = || engine.names.iter().enumerate();
    let walked = names().flat_map(|(index, name)| {
        let generations = name.generations.iter();
        generations.map(move |generation| (generation.identity, generation.key, index))
    });
    let walked: BTreeSet<_> = walked.collect();
    let waits = |(index, name): (usize, &Name<D::File>)| {
        let elsewhere = name
            .elsewhere
            .filter(|&identity| engine.owners.has(identity));
        elsewhere.is_none_or(|identity| engine.owners.has_heir(identity, index))
    };
    let mut paths = engine.paths.iter();
    walked == engine.owners.entries().collect()
        && names().all(waits)
        && paths.all(|(path, &index)| engine.names[index].path == *path)
}

/// All that is there to be given out.
fn all_of<D: Disk>(engine: &mut Engine<D>) -> String {
    let mut all = Vec::new();
    while let Pulled::Block(block) = engine.pull() {
        all.extend_from_slice(&block);
    }
    String::from_utf8(all).expect("text")
}
