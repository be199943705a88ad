//! Killed without a warning, again and again: nothing is lost.

use std::cell::RefCell;
use std::fmt::Write as _;

use super::{cofollow, contains};
use crate::util::{Dir, Output};

/// Writes numbered lines, and rotates.
struct Writer<'a> {
    dir: &'a Dir,
    line: usize,
    rotated: usize,
    random: u32,
}

impl Writer<'_> {
    /// Any number below this one.
    fn below(&mut self, limit: u32) -> u32 {
        // Xorshift (Marsaglia 2003): the same numbers in every run.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.random % limit
    }

    fn write(&mut self) {
        let mut text = String::new();
        for _ in 0..=self.below(200) {
            self.line += 1;
            writeln!(text, "{}", self.line).expect("a string takes all");
        }
        // Not always cut at a line.
        let at = text.len() - 1 - usize::try_from(self.below(2)).expect("small");
        let (head, rest) = text.split_at(at);
        // It goes on for as long as the follower takes to start: that is no test of how many files a directory holds.
        let rotates = self.below(8) == 0 && self.rotated < 300;
        self.dir.append("log", head);
        if rotates {
            self.rotated += 1;
            let old = format!("log-{}", 20_261_100 + self.rotated);
            self.dir.rename("log", &old);
            self.dir.append("log", "");
            self.dir.append(&old, rest);
        } else {
            self.dir.append("log", rest);
        }
    }
}

/// The numbers that were printed, which follow each other, and whether the last was cut.
fn numbers(output: &Output) -> Option<(usize, usize, bool)> {
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    let is_cut = !text.is_empty() && !text.ends_with('\n');
    let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
    let mut numbers = whole.lines().map(|line| line.parse().expect("a number"));
    let first: usize = numbers.next()?;
    let mut last = first;
    for number in numbers {
        assert_eq!(number, last + 1, "in one run nothing is lost or repeated");
        last = number;
    }
    Some((first, last, is_cut))
}

/// An empty log, and a state that knows it: what was rotated away before the first look is not read.
fn begin(dir: &Dir) {
    dir.write("log", "");
    let first = ["-n+1", "--resume=state", "--no-follow", "log"];
    cofollow(dir, first).run().stdout("").stderr("").code(0);
}

#[test]
fn stopped_at_any_moment_under_a_writer_that_rotates() {
    let dir = Dir::new();
    begin(&dir);
    let writer = RefCell::new(Writer {
        dir: &dir,
        line: 0,
        rotated: 0,
        random: 723_471_715,
    });
    let mut printed = Vec::new();
    for signal in ["TERM", "INT", "HUP"].iter().cycle().take(15) {
        let running = cofollow(&dir, ["-n+1", "--resume=state", "log"]).spawn();
        let moment = usize::try_from(writer.borrow_mut().below(20_000)).expect("small");
        running.wait_for_stdout(|out| {
            writer.borrow_mut().write();
            out.len() > moment
        });
        running.kill(signal);
        writer.borrow_mut().write();
        let output = running.wait();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!contains(&output.stderr, "lost"), "{said}");
        printed.extend(output.stdout);
        let away = writer.borrow_mut().below(10);
        for _ in 0..away {
            writer.borrow_mut().write();
        }
    }
    let all = ["-n+1", "--resume=state", "--until-idle=300ms", "log"];
    printed.extend(cofollow(&dir, all).run().stdout);
    let mut expected = String::new();
    for number in 1..=writer.borrow().line {
        writeln!(expected, "{number}").expect("a string takes all");
    }
    assert!(printed == expected.as_bytes());
}

#[test]
fn killed_at_any_moment_under_a_writer_that_rotates() {
    let dir = Dir::new();
    begin(&dir);
    let writer = RefCell::new(Writer {
        dir: &dir,
        line: 0,
        rotated: 0,
        random: 2_463_534_242,
    });
    let mut printed_to = 0;
    for _ in 0..30 {
        let command = cofollow(&dir, ["-n+1", "--resume=state", "log"]);
        let running = command.spawn();
        let moment = writer.borrow_mut().below(20_000);
        // Some are killed before they have begun.
        let moment = usize::try_from(moment.saturating_sub(3000)).expect("small");
        running.wait_for_stdout(|out| {
            writer.borrow_mut().write();
            out.len() >= moment
        });
        running.kill("KILL");
        let output = running.wait();
        assert!(!contains(&output.stderr, "lost"), "{output:?}");
        if let Some((first, last, _)) = numbers(&output) {
            assert!(first <= printed_to + 1, "{printed_to} and then {first}");
            printed_to = last;
        }
        let away = writer.borrow_mut().below(10);
        for _ in 0..away {
            writer.borrow_mut().write();
        }
    }
    let all = ["-n+1", "--resume=state", "--until-idle=300ms", "log"];
    let output = cofollow(&dir, all).run();
    output.code(0);
    let (first, last, is_cut) = numbers(&output).expect("lines");
    assert!(first <= printed_to + 1, "{printed_to} and then {first}");
    assert_eq!((last, is_cut), (writer.borrow().line, false));
}
