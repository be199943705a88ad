//! Files in a directory.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tempfile::TempDir;

use costage::{Block, Pulled};

use super::follow;
use crate::disk::Os;
use crate::engine::Engine;

/// Files in a directory, and an engine that follows some of them that looks and reads when it is told to.
struct Scene {
    dir: TempDir,
    engine: Engine<Os>,
}

impl Scene {
    fn new(names: &[&str], texts: &[&str]) -> Scene {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, text) in names.iter().zip(texts) {
            fs::write(dir.path().join(name), text).expect("written");
        }
        let paths = names.iter().map(|name| dir.path().join(name));
        let engine = follow(Os::default(), paths);
        Scene { dir, engine }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(self.path(name));
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .expect("appended");
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("renamed");
    }

    fn look(&mut self) {
        self.engine.look_at_all();
    }

    /// The next block.
    fn pull(&mut self) -> String {
        match self.engine.pull() {
            Pulled::Block(block) => text(&block),
            Pulled::Partial | Pulled::Wait | Pulled::End => String::new(),
        }
    }

    /// All that there is.
    fn drain(&mut self) -> String {
        let mut all = String::new();
        while !self.engine.ready.is_empty() || !self.engine.outbox.is_empty() {
            all += &self.pull();
        }
        all
    }

    fn stop(&mut self) -> String {
        self.engine
            .stop()
            .map_or(String::new(), |block| text(&block))
    }

    /// As if nothing had come for a minute.
    fn age(&mut self) {
        self.engine
            .keep_time(Instant::now() + Duration::from_mins(1));
    }
}

fn text(block: &Block) -> String {
    String::from_utf8(block.to_vec()).expect("text")
}

/// Numbered lines, more than one read brings.
fn long(line: &str) -> String {
    let mut text = String::new();
    for number in 0..100_000 {
        writeln!(text, "{line} {number}").expect("a string takes all");
    }
    text
}

#[test]
fn lines_read_ahead_come_before_what_their_file_got_afterwards() {
    let mut scene = Scene::new(&["log"], &[&long("1")]);
    scene.rename("log", "log.1");
    scene.append("log", &long("2"));
    scene.look();
    // The newer file has been read ahead of the older one when it is retired itself.
    let mut given = scene.pull();
    scene.rename("log", "log.2");
    scene.append("log", &long("3"));
    scene.look();
    given += &scene.drain();
    assert!(given == long("1") + &long("2") + &long("3"));
}

#[test]
fn lines_read_ahead_keep_their_place_when_an_older_file_has_its_name_back() {
    let mut scene = Scene::new(&["log"], &[&long("1")]);
    scene.rename("log", "log.1");
    scene.append("log", &long("2"));
    scene.look();
    let mut given = scene.pull();
    scene.rename("log", "log.2");
    scene.rename("log.1", "log");
    scene.look();
    given += &scene.drain();
    for file in ["1", "2"] {
        let lines = given.split_inclusive('\n');
        let lines: String = lines.filter(|line| line.starts_with(file)).collect();
        assert!(lines == long(file));
    }
}

#[test]
fn the_torn_line_of_a_truncated_file_is_not_given_out() {
    let mut scene = Scene::new(&["log"], &[&long("1")]);
    scene.rename("log", "log.1");
    scene.append("log", "2\nunfin");
    scene.look();
    let mut given = scene.pull();
    fs::write(scene.path("log"), "3\n").expect("rewritten");
    scene.look();
    given += &scene.drain();
    assert!(given == long("1") + "2\n3\n");
}

#[test]
fn a_retired_file_that_is_truncated_is_read_from_its_start() {
    let mut scene = Scene::new(&["log"], &["1\nunfin"]);
    assert_eq!(scene.drain(), "1\n");
    scene.rename("log", "log.1");
    scene.append("log", "2\n");
    scene.look();
    assert_eq!(scene.drain(), "2\n");
    fs::write(scene.path("log.1"), "3\n").expect("rewritten");
    scene.look();
    assert_eq!(scene.drain(), "3\n");
}

#[test]
fn a_retired_file_is_let_go_when_its_writer_has_been_silent() {
    let mut scene = Scene::new(&["log"], &["1\nunfin"]);
    assert_eq!(scene.drain(), "1\n");
    scene.rename("log", "log.1");
    scene.append("log", "2\n");
    scene.look();
    assert_eq!(scene.drain(), "2\n");
    scene.engine.keep_time(Instant::now());
    assert_eq!(scene.engine.names[0].generations.len(), 2);
    scene.age();
    // Its unfinished line is a line.
    assert_eq!(scene.drain(), "unfin\n");
    assert_eq!(scene.engine.names[0].generations.len(), 1);
    assert_eq!(scene.engine.names[0].due(None), None);
    assert!(scene.engine.alarms.is_empty());
}

// What came between the last look and the end of the silence was lost.
#[test]
fn a_retired_file_with_something_to_read_is_not_let_go() {
    let mut scene = Scene::new(&["log"], &["1\n"]);
    scene.rename("log", "log.1");
    scene.append("log", "2\n");
    scene.look();
    assert_eq!(scene.drain(), "1\n2\n");
    scene.append("log.1", "late\n");
    scene.age();
    assert_eq!(scene.engine.names[0].generations.len(), 2);
    assert_eq!(scene.drain(), "late\n");
}

// The time to let go was past and came again at once, over and over, until the reader of the output came back.
#[test]
fn while_lines_wait_to_be_given_out_no_time_is_due() {
    let mut scene = Scene::new(&["log"], &["1\n"]);
    scene.rename("log", "log.1");
    scene.append("log", "2\n");
    scene.look();
    scene.age();
    assert_eq!(scene.engine.names[0].due(None), None);
    assert_eq!(scene.drain(), "1\n2\n");
    assert!(scene.engine.names[0].due(None).is_some());
    assert!(!scene.engine.alarms.is_empty());
}

#[test]
fn a_file_that_never_rests_does_not_keep_the_others_waiting() {
    let mut scene = Scene::new(&["hot", "cold"], &["1\n", "cold\n"]);
    let mut given = String::new();
    for _ in 0..4 {
        given += &scene.pull();
        scene.append("hot", "2\n");
        scene.look();
    }
    assert!(given.contains("cold"), "{given}");
    let unfinished = "x".repeat(3 << 20);
    scene.append("hot", &unfinished);
    scene.append("cold", "again\n");
    scene.look();
    let mut pulls = 0;
    while !given.contains("again") {
        given += &scene.pull();
        pulls += 1;
    }
    assert!(pulls < 6, "{pulls}");
}

#[test]
fn stopped_it_gives_out_no_line_that_comes_after_a_gap() {
    let mut scene = Scene::new(&["log"], &[&long("1")]);
    scene.rename("log", "log.1");
    scene.append("log", "2\n");
    scene.look();
    let mut given = scene.pull();
    assert!(given.len() < 400_000);
    given += &scene.stop();
    assert!(long("1").starts_with(&given));
    assert!(given.ends_with('\n'));
}

// The newest of three texts of a file was given out before the one between, which stood in a copy.
#[test]
fn a_text_that_came_and_went_unread_comes_before_the_next() {
    for is_seen in [false, true] {
        let mut scene = Scene::new(&["log"], &["first\n"]);
        assert_eq!(scene.drain(), "first\n");
        for text in ["second\n", "third\n"] {
            if scene.path("log.1").exists() {
                scene.rename("log.1", "log.2");
            }
            fs::copy(scene.path("log"), scene.path("log.1")).expect("copied");
            fs::write(scene.path("log"), text).expect("rewritten");
            if is_seen {
                // That there is another text, but nothing of it is read.
                scene.engine.renew_all(0);
            }
        }
        scene.engine.look_at_data(0);
        assert_eq!(scene.drain(), "second\nthird\n");
    }
}

// One watch that failed made a name be looked at for ever.
#[test]
fn a_name_that_can_be_watched_again_is_polled_no_more() {
    let mut scene = Scene::new(&["log"], &["1\n"]);
    scene.engine.poll(0, "for some reason");
    scene.look();
    assert_eq!(scene.engine.names[0].look_at, None);
    scene.engine.names[0].is_polled = true;
    scene.engine.watch_files(0);
    assert!(scene.engine.names[0].look_at.is_some());
}

// All but the first and the last of the files were taken for copies of the first.
#[test]
fn logs_whose_lines_are_all_alike_are_no_copies() {
    let texts = "alike, and long enough to tell a text\n".repeat(20);
    for names in [["log.3", "log.2", "log.1"], ["log-07", "log-08", "log-09"]] {
        let mut scene = Scene::new(&["log"], &[&texts]);
        assert_eq!(scene.drain(), texts);
        for name in names {
            scene.rename("log", name);
            scene.append("log", &texts);
        }
        scene.look();
        assert_eq!(scene.drain(), texts.repeat(3));
        scene.look();
        assert_eq!(scene.drain(), "");
    }
}

/// What happens to a log and its follower. The writer may be behind: in a file that was renamed already.
#[derive(Clone, Debug)]
enum Step {
    /// So many lines, and whether the last is left unfinished for now.
    Write(usize, bool),
    /// The writer turns to the file that has the name.
    Turn,
    Rotate,
    Delete,
    /// All that was written has been read when it happens.
    Truncate,
    LookAtData,
    LookAtName,
    Pull(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_usize..20, any::<bool>()).prop_map(|(lines, half)| Step::Write(lines, half)),
        1 => (20_000_usize..60_000, any::<bool>()).prop_map(|(lines, half)| Step::Write(lines, half)),
        3 => Just(Step::Turn),
        3 => Just(Step::Rotate),
        1 => Just(Step::Delete),
        1 => Just(Step::Truncate),
        2 => Just(Step::LookAtData),
        2 => Just(Step::LookAtName),
        4 => (1_usize..6).prop_map(Step::Pull),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens when: the lines come out as they were written.
    #[test]
    fn one_writer_through_any_rotation(steps in proptest::collection::vec(step(), 1..40)) {
        let mut scene = Scene::new(&["log"], &[""]);
        let open = |path: PathBuf| OpenOptions::new().create(true).append(true).open(path).expect("opened");
        let mut file = open(scene.path("log"));
        let (mut written, mut given) = (String::new(), String::new());
        let (mut number, mut rotations) = (0, 0);
        for step in steps {
            match step {
                Step::Write(lines, half) => {
                    let mut text = String::new();
                    for _ in 0..lines {
                        number += 1;
                        writeln!(text, "line {number}").expect("a string takes all");
                    }
                    if half {
                        text += "half";
                    }
                    file.write_all(text.as_bytes()).expect("written");
                    written += &text;
                }
                Step::Turn => {
                    if !written.is_empty() && !written.ends_with('\n') {
                        file.write_all(b"\n").expect("written");
                        written.push('\n');
                    }
                    file = open(scene.path("log"));
                    scene.engine.look_at_name(0, None);
                }
                Step::Rotate | Step::Delete if !scene.path("log").exists() => {}
                // Each file is seen while it has the name.
                Step::Rotate => {
                    scene.engine.look_at_name(0, None);
                    rotations += 1;
                    scene.rename("log", &format!("log.{rotations}"));
                    if rotations % 2 == 0 {
                        open(scene.path("log"));
                    }
                }
                Step::Delete => {
                    scene.engine.look_at_name(0, None);
                    fs::remove_file(scene.path("log")).expect("removed");
                }
                Step::Truncate if written.is_empty() || written.ends_with('\n') => {
                    scene.look();
                    given += &scene.drain();
                    file.set_len(0).expect("truncated");
                    scene.look();
                }
                Step::Truncate => {}
                Step::LookAtData => scene.engine.look_at_data(0),
                Step::LookAtName => scene.engine.look_at_name(0, None),
                Step::Pull(times) => (0..times).for_each(|_| given += &scene.pull()),
            }
            prop_assert!(written.starts_with(&given));
        }
        scene.look();
        given += &scene.drain();
        given += &scene.stop();
        prop_assert!(given == written, "{} bytes of {}", given.len(), written.len());
    }
}
