//! The model as a state machine: whatever happens to files, and whenever it is looked and read, the lines come out
//! as they were written.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use costage::{Block, Pulled};
use proptest::prelude::*;

use super::disk::{Handle, Memory};
use super::{all_of, follow, owners_are_those_of_the_walk};
use crate::engine::Engine;

/// How the files of a log are put aside.
#[derive(Clone, Copy, Debug)]
enum Style {
    /// `log.1` becomes `log.2`, and `log` becomes `log.1`.
    Shifted,
    /// `log-20260001`, and so on.
    Dated,
    /// `log.1`, `log.2`, and so on.
    Counted,
    /// `log` is a symbolic link to `log-20260001`, and so on.
    Linked,
}

/// What happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// So many lines, and whether the last is left unfinished for now.
    Write(usize, bool),
    /// The file is put aside; nothing has the name until the writer turns.
    Rotate,
    /// The writer ends its line and turns to the file that has the name, which is made if there is none.
    Turn,
    /// All is read, and the file is deleted.
    Delete,
    /// All is read, and the file is emptied; the writer ends its line before.
    Truncate,
    /// All is read, and the file is written anew, to at least the same length.
    Rewrite,
    /// The file is copied, and emptied, with nobody looking.
    CopyAndTruncate,
    Tick,
    LookAtName,
    LookAtData,
    Pull(usize),
    /// The writers of retired files have been silent for long.
    LetGo,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_usize..20, any::<bool>()).prop_map(|(lines, half)| Step::Write(lines, half)),
        1 => (15_000_usize..30_000, any::<bool>()).prop_map(|(lines, half)| Step::Write(lines, half)),
        6 => Just(Step::Rotate),
        6 => Just(Step::Turn),
        1 => Just(Step::Delete),
        1 => Just(Step::Truncate),
        1 => Just(Step::Rewrite),
        1 => Just(Step::CopyAndTruncate),
        2 => Just(Step::Tick),
        1 => Just(Step::LookAtData),
        2 => Just(Step::LookAtName),
        3 => (1_usize..6).prop_map(Step::Pull),
        1 => Just(Step::LetGo),
    ]
}

fn style() -> impl Strategy<Value = Style> {
    prop_oneof![
        Just(Style::Shifted),
        Just(Style::Dated),
        Just(Style::Counted),
        Just(Style::Linked),
    ]
}

/// A log, its writer and its follower.
struct Scene {
    disk: Memory,
    style: Style,
    engine: Engine<Memory>,
    writer: Handle,
    written: String,
    given: String,
    lines: usize,
    rotations: usize,
}

fn log() -> PathBuf {
    PathBuf::from("/log")
}

impl Scene {
    fn new(style: Style) -> Scene {
        let disk = Memory::default();
        if let Style::Linked = style {
            disk.link(Path::new("/log-20260000"), &log());
        }
        let writer = disk.append(&log());
        let engine = follow(disk.clone(), [log()]);
        Scene {
            disk,
            style,
            engine,
            writer,
            written: String::new(),
            given: String::new(),
            lines: 0,
            rotations: 0,
        }
    }

    fn write(&mut self, lines: usize, half: bool) {
        let mut text = String::new();
        for _ in 0..lines {
            self.lines += 1;
            writeln!(text, "line {}", self.lines).expect("a string takes all");
        }
        if half {
            // Of two equal texts one passes for the copy of the other: each is told from all before.
            self.lines += 1;
            write!(text, "half {}", self.lines).expect("a string takes all");
        }
        self.writer.write(&text);
        self.written += &text;
    }

    fn finish_line(&mut self) {
        if !self.written.is_empty() && !self.written.ends_with('\n') {
            self.writer.write("\n");
            self.written.push('\n');
        }
    }

    fn rotate(&mut self) {
        if !self.disk.exists(&log()) {
            return;
        }
        self.rotations += 1;
        let aside = |number: usize| PathBuf::from(format!("/log.{number}"));
        match self.style {
            Style::Shifted => {
                for number in (1..self.rotations).rev() {
                    if self.disk.exists(&aside(number)) {
                        self.disk.rename(&aside(number), &aside(number + 1));
                    }
                }
                self.disk.rename(&log(), &aside(1));
            }
            Style::Counted => {
                self.disk.rename(&log(), &aside(self.rotations));
                // Of two files of one tick, where no third is known, nothing tells that the count goes up.
                self.disk.tick();
            }
            Style::Dated => {
                let dated = format!("/log-{}", 20_260_000 + self.rotations);
                self.disk.rename(&log(), Path::new(&dated));
            }
            Style::Linked => {
                let dated = format!("/log-{}", 20_260_000 + self.rotations);
                self.disk.link(Path::new(&dated), &log());
            }
        }
    }

    /// Reads all there is.
    fn drain(&mut self) {
        self.engine.look_at_all();
        while self.pull() {}
    }

    fn pull(&mut self) -> bool {
        match self.engine.pull() {
            Pulled::Block(block) => {
                self.give(&block);
                true
            }
            Pulled::Partial => true,
            Pulled::Wait | Pulled::End => false,
        }
    }

    fn give(&mut self, block: &Block) {
        self.given += std::str::from_utf8(block).expect("text");
    }

    /// Is the writer's file the one that has the name?
    fn is_present(&self) -> bool {
        self.disk.exists(&log()) && std::rc::Rc::ptr_eq(&self.disk.append(&log()), &self.writer)
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Write(lines, half) => self.write(lines, half),
            Step::Rotate => self.rotate(),
            Step::Turn => {
                self.finish_line();
                self.writer = self.disk.append(&log());
            }
            Step::Delete if self.is_present() && !matches!(self.style, Style::Linked) => {
                self.finish_line();
                self.drain();
                self.disk.remove(&log());
            }
            Step::Truncate if self.is_present() => {
                self.finish_line();
                self.drain();
                self.writer.truncate();
                // A file that is empty when it is looked at could not be told from one that was written anew
                // with the same bytes.
                self.engine.look_at_all();
            }
            Step::Rewrite if self.is_present() => {
                self.finish_line();
                self.drain();
                let length = self.writer.text().len();
                self.writer.truncate();
                self.write(length / 5 + 1, false);
            }
            Step::CopyAndTruncate if self.is_present() && matches!(self.style, Style::Shifted) => {
                self.finish_line();
                if self.writer.text().is_empty() {
                    return;
                }
                // What is found in the copy has to be looked for before the next rotation hides it.
                self.engine.look_at_all();
                self.pull();
                for number in (1..=self.rotations).rev() {
                    let aside = |number: usize| PathBuf::from(format!("/log.{number}"));
                    if self.disk.exists(&aside(number)) {
                        self.disk.rename(&aside(number), &aside(number + 1));
                    }
                }
                self.rotations += 1;
                let copy = self.disk.append(Path::new("/log.1"));
                copy.write(&self.writer.text());
                self.writer.truncate();
                self.engine.look_at_all();
            }
            Step::Delete | Step::Truncate | Step::Rewrite | Step::CopyAndTruncate => {}
            Step::Tick => self.disk.tick(),
            Step::LookAtName => self.engine.look_at_all(),
            Step::LookAtData => {
                self.engine.listings.clear();
                self.engine.look_at_data(0);
            }
            Step::Pull(times) => (0..times).for_each(|_| {
                self.pull();
            }),
            Step::LetGo => {
                let later = std::time::Instant::now() + Duration::from_mins(1);
                self.finish_line();
                self.engine.look_at_all();
                self.engine.keep_time(later);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_lines_come_out_as_they_were_written(
        style in style(),
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let mut scene = Scene::new(style);
        for step in steps {
            scene.step(step);
            prop_assert!(owners_are_those_of_the_walk(&scene.engine));
            prop_assert!(scene.written.starts_with(&scene.given));
        }
        scene.drain();
        if let Some(rest) = scene.engine.stop() {
            scene.give(&rest);
        }
        prop_assert!(
            scene.given == scene.written,
            "{} bytes of {}", scene.given.len(), scene.written.len()
        );
    }
}

/// What happens to files that are all followed.
#[derive(Clone, Copy, Debug)]
enum Exchange {
    Write(usize),
    Rename(usize, usize),
    Truncate(usize),
    Look,
    LookAt(usize),
    Read,
    LetGo,
}

fn exchange() -> impl Strategy<Value = Exchange> {
    let name = || 0..4_usize;
    prop_oneof![
        4 => name().prop_map(Exchange::Write),
        4 => (name(), name()).prop_map(|(from, to)| Exchange::Rename(from, to)),
        1 => name().prop_map(Exchange::Truncate),
        1 => Just(Exchange::Look),
        2 => name().prop_map(Exchange::LookAt),
        2 => Just(Exchange::Read),
        1 => Just(Exchange::LetGo),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn whose_a_file_is_is_known_whatever_becomes_of_the_names(
        steps in proptest::collection::vec(exchange(), 1..60),
    ) {
        let disk = Memory::default();
        let names = ["/log", "/log.1", "/log.2", "/other"].map(Path::new);
        let mut engine = follow(disk.clone(), names);
        for step in steps {
            match step {
                Exchange::Write(at) => disk.append(names[at]).write("a line\n"),
                Exchange::Rename(from, to) if disk.exists(names[from]) => {
                    disk.rename(names[from], names[to]);
                }
                Exchange::Truncate(at) if disk.exists(names[at]) => disk.append(names[at]).truncate(),
                Exchange::Rename(..) | Exchange::Truncate(_) => {}
                Exchange::Look => engine.look_at_all(),
                Exchange::LookAt(at) => engine.look_at_name(at, None),
                Exchange::Read => drop(all_of(&mut engine)),
                Exchange::LetGo => {
                    engine.keep_time(std::time::Instant::now() + Duration::from_mins(1));
                }
            }
            disk.tick();
            prop_assert!(owners_are_those_of_the_walk(&engine));
        }
    }
}

// A directory that could not be listed counted as empty: what had been put aside long before was read when it could be
// listed again, and what was there at the start was not known to be.
#[test]
fn a_directory_that_cannot_be_listed_now_is_listed_later() {
    let disk = Memory::default();
    let log = Path::new("/log");
    let look = |engine: &mut Engine<Memory>| {
        engine.look_at_all();
        all_of(engine)
    };
    disk.append(Path::new("/log.1")).write("put aside\n");
    disk.tick();
    disk.append(log).write("1\n");
    disk.be_blind(true);
    let mut engine = follow(disk.clone(), [log]);
    assert_eq!(look(&mut engine), "1\n");
    disk.be_blind(false);
    assert_eq!(look(&mut engine), "");
    disk.be_blind(true);
    for (aside, text) in [("/log.2", "2\n"), ("/log.3", "3\n")] {
        disk.tick();
        disk.rename(log, Path::new(aside));
        disk.append(log).write(text);
    }
    assert_eq!(look(&mut engine), "3\n");
    disk.be_blind(false);
    assert_eq!(look(&mut engine), "2\n");
    assert_eq!(look(&mut engine), "");
}

// In a large directory a listing serves for a while. That a text had been truncated was found while it was read, and
// its copy was looked for in a listing from before it was made.
#[test]
fn a_copy_is_looked_for_in_what_the_directory_holds_now() {
    for looks in [false, true] {
        let disk = Memory::default();
        let writer = disk.append(&log());
        writer.write("1\n");
        let mut engine = follow(disk.clone(), [log()]);
        assert_eq!(all_of(&mut engine), "1\n");
        // The directory is listed, as it is for any of the names in it.
        disk.tick();
        engine.listing(Path::new("/"));
        for listing in engine.listings.values_mut() {
            listing.cost = Duration::from_hours(1);
        }
        writer.write("2\n");
        disk.tick();
        disk.append(Path::new("/log.1")).write("1\n2\n");
        writer.truncate();
        writer.write("the next\n");
        disk.tick();
        if looks {
            engine.look_at_data(0);
        } else {
            engine.queue(0);
        }
        assert_eq!(all_of(&mut engine), "2\nthe next\n");
    }
}

// A short text that was truncated stood at the beginning of the file that had been put aside, too, the rest of which
// came once more.
#[test]
fn a_file_that_is_read_itself_is_no_copy() {
    let disk = Memory::default();
    disk.append(&log()).write("a header\nof the first\n");
    let mut engine = follow(disk.clone(), [log()]);
    disk.rename(&log(), Path::new("/log.1"));
    let writer = disk.append(&log());
    writer.write("a header\n");
    engine.look_at_all();
    let all = all_of(&mut engine);
    assert_eq!(all, "a header\nof the first\na header\n");
    writer.truncate();
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "");
    writer.write("more\n");
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "more\n");
}

// Each block of one asked all the others twice: of a log that rotates by the hundred, the end was late by seconds.
#[test]
fn files_that_had_the_name_unseen_are_read_a_few_times_each() {
    let disk = Memory::default();
    let mut engine = follow(disk.clone(), [log()]);
    let mut expected = String::new();
    for number in 0..200 {
        let line = format!("line {number}\n");
        disk.append(&log()).write(&line);
        expected += &line;
        disk.tick();
        disk.rename(&log(), Path::new(&format!("/log-{}", 20_260_000 + number)));
    }
    disk.append(&log()).write("the end\n");
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), expected + "the end\n");
    assert!(engine.reads < 1000, "{}", engine.reads);
}

// What was truncated unread may have been copied to any file that came since. When that was truncated, too, it was left to
// its own name, which nobody told.
#[test]
fn a_file_that_is_no_copy_any_more_falls_to_its_own_name() {
    let disk = Memory::default();
    let [log, other] = ["/log", "/log.1"].map(Path::new);
    let mut engine = follow(disk.clone(), [log, other]);
    disk.append(log).write("1\n");
    engine.look_at_all();
    disk.tick();
    disk.append(log).truncate();
    disk.append(other).write("another\n");
    engine.look_at_all();
    assert_eq!(all_of(&mut engine), "another\n");
    disk.tick();
    disk.append(other).truncate();
    engine.look_at_data(0);
    assert_eq!(all_of(&mut engine), "");
    disk.append(other).write("more\n");
    engine.keep_time(std::time::Instant::now() + Duration::from_millis(1));
    assert_eq!(all_of(&mut engine), "more\n");
    assert!(owners_are_those_of_the_walk(&engine));
}
