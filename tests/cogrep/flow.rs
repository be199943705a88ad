//! Nothing is ever stuck: lines go on while the input is quiet and while it floods, and who is not needed ends.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::Path;

use super::{SLOW, cogrep, sh, slow_file};
use crate::util::{Cmd, Dir, Running, chain, pipeline, wait_until};

/// One hit, and then a flood that never ends.
fn flood() -> Cmd {
    sh("echo hit; exec yes 'no, nothing of the kind'")
}

#[test]
fn a_hit_in_a_flood_is_shown_though_the_input_never_ends() {
    for args in [&["hit"][..], &["-n", "^hit"], &["-v", "no"]] {
        let running = chain([flood(), Cmd::bin("cogrep").args(args)]);
        running[1].wait_for_stdout(|text| text.ends_with(b"hit\n"));
    }
}

#[test]
fn a_hit_early_in_a_slow_search_is_shown_before_the_end() {
    let dir = Dir::new();
    slow_file(&dir, "file");
    let running = cogrep([SLOW, "file"]).dir(dir.path("")).spawn();
    running.wait_for_stdout(|text| text == b"hit\n");
    running.kill("KILL");
    // It had not ended by itself.
    running.wait().signal(9);
}

#[test]
fn a_hit_before_an_endless_line_is_shown() {
    let dir = Dir::new();
    dir.write("file", "hit\n");
    let file = OpenOptions::new().write(true).open(dir.path("file"));
    file.and_then(|file| file.set_len(1 << 30)).expect("a hole");
    // Should the hit not come, it shall not take all the memory there is.
    let script = sh("ulimit -v 2000000; exec \"$cogrep\" hit file");
    let running = script.dir(dir.path("")).spawn();
    running.wait_for_stdout(|text| text == b"hit\n");
    running.kill("KILL");
    running.wait().signal(9);
}

#[test]
fn a_trickle_goes_through_a_chain_line_by_line() {
    let mut stages = chain([cogrep(["a"]), cogrep(["-v", "b"]), cogrep(["-n", "c"])]);
    let mut expected = String::new();
    for number in 1..=20 {
        stages[0].send(format!("a c {number}\nb\na b c\n"));
        writeln!(expected, "{number}:a c {number}").expect("a string");
        // Each line comes out before the next goes in.
        stages[2].wait_for_stdout(|text| text == expected.as_bytes());
    }
    for stage in stages {
        stage.wait().stderr("").code(0);
    }
}

#[test]
fn a_stage_whose_reader_leaves_ends_though_its_input_is_quiet() {
    for args in [&["a"][..], &["-c", "a"], &["-v", "a"]] {
        let (reader, writer) = io::pipe().expect("a pipe");
        let quiet = Cmd::bin("cogrep").args(args).stdin_from(reader);
        let (running, stdout) = quiet.spawn_unread();
        drop(stdout);
        // As grep would at its next write: quietly, of SIGPIPE.
        running.wait().stderr("").signal(13);
        drop(writer);
    }
}

#[test]
fn a_stage_whose_reader_leaves_ends_though_nothing_matches_in_a_flood() {
    let (reader, writer) = io::pipe().expect("a pipe");
    let flood = flood().stdout_to(writer).spawn();
    let (running, stdout) = cogrep(["nothing like it"])
        .stdin_from(reader)
        .spawn_unread();
    drop(stdout);
    running.wait().stderr("").signal(13);
    flood.wait().signal(13);
}

#[test]
fn a_maximum_ends_the_whole_chain() {
    let ends = pipeline([Cmd::new("yes"), cogrep(["-m1", "y"])]);
    ends[0].signal(13);
    ends[1].stdout("y\n").code(0);
    // Also while the input is quiet after the match, and through stages that pass nothing.
    let (reader, mut writer) = io::pipe().expect("a pipe");
    let stages = chain([
        cogrep(["a"]).stdin_from(reader),
        cogrep(["-v", "x"]),
        cogrep(["-m2", "b"]),
    ]);
    writer
        .write_all(b"a b 1\na x b\na b 2\n")
        .expect("it reads");
    let statuses: Vec<_> = stages.into_iter().map(|stage| stage.wait()).collect();
    statuses[2].stdout("a b 1\na b 2\n").code(0);
    statuses[1].signal(13);
    statuses[0].signal(13);
    drop(writer);
}

#[test]
fn quiet_ends_at_the_first_match_of_a_flood() {
    let ends = pipeline([flood(), cogrep(["-q", "kind"])]);
    ends[0].signal(13);
    ends[1].stdout("").code(0);
}

#[test]
fn quiet_does_not_care_who_reads_it() {
    let (running, stdout) = cogrep(["-q", "a"]).spawn_unread();
    let mut running = running;
    drop(stdout);
    running.send("b\n");
    running.send("a\n");
    running.wait().stderr("").code(0);
}

fn make_fifo(path: &Path) {
    Cmd::new("mkfifo").arg(path).run().code(0);
}

#[test]
fn a_fifo_is_searched_when_its_writer_comes() {
    let dir = Dir::new();
    dir.write("one", "a1\n");
    make_fifo(&dir.path("fifo"));
    let running = cogrep(["a", "one", "fifo"]).dir(dir.path("")).spawn();
    // What was found before does not wait for the writer.
    running.wait_for_stdout(|text| text == b"one:a1\n");
    let writer = OpenOptions::new().write(true).open(dir.path("fifo"));
    let mut writer = writer.expect("a reader has it open");
    writer.write_all(b"b\na2\n").expect("written");
    running.wait_for_stdout(|text| text == b"one:a1\nfifo:a2\n");
    writer.write_all(b"a3").expect("written");
    drop(writer);
    running.wait().stdout("one:a1\nfifo:a2\nfifo:a3\n").code(0);
}

#[test]
fn a_fifo_without_a_writer_can_be_interrupted() {
    let dir = Dir::new();
    dir.write("one", "a1\n");
    make_fifo(&dir.path("fifo"));
    let running = cogrep(["a", "one", "fifo"]).dir(dir.path("")).spawn();
    running.wait_for_stdout(|text| text == b"one:a1\n");
    running.kill("TERM");
    running.wait().stdout("one:a1\n").signal(15);
}

#[test]
fn output_that_is_not_read_is_waited_for_in_constant_memory() {
    let (reader, writer) = io::pipe().expect("a pipe");
    let yes = Cmd::new("yes").stdout_to(writer).spawn();
    let (running, mut stdout) = cogrep(["y"]).stdin_from(reader).spawn_unread();
    let mut read = vec![0; 1 << 20];
    stdout
        .read_exact(&mut read)
        .expect("as much as one asks for");
    assert!(read.chunks_exact(2).all(|line| line == b"y\n"));
    assert_small(&running);
    drop(stdout);
    running.wait().signal(13);
    yes.wait().signal(13);
}

#[test]
fn memory_is_constant_whatever_the_size_of_the_input() {
    for args in [&["last"][..], &["-v", "line"], &["-n", "la?st"]] {
        let mut running = Cmd::bin("cogrep").args(args).spawn();
        let lines = "a line of fifty bytes or so, and nothing special\n".repeat(20_000);
        for _ in 0..40 {
            running.send(&lines);
        }
        running.send("last\n");
        running.wait_for_stdout(|text| text.ends_with(b"last\n"));
        assert_small(&running);
        running.wait().code(0);
    }
}

#[test]
fn a_long_line_takes_no_more_than_its_length() {
    // With -B1 it is held: there were two of it.
    for (args, expected) in [
        (&["^end$"][..], "end\n"),
        (&["-B1", "^end$"], "next\nend\n"),
    ] {
        let mut running = cogrep(args.iter().copied()).spawn();
        running.send("x".repeat(32 << 20));
        running.send("\nnext\nend\n");
        running.wait_for_stdout(|text| text == expected.as_bytes());
        let peak = peak(&running);
        assert!(peak.is_none_or(|peak| peak < 44 << 10), "{peak:?} KiB");
        running.wait().code(0);
    }
}

// All that was made of it was held until it was read: many times the line.
#[test]
fn what_is_made_of_a_long_line_is_made_as_it_is_read() {
    let dir = Dir::new();
    let line = "ab".repeat(3 << 19);
    dir.write("file", &line);
    let mark = "\u{1b}[01;31m\u{1b}[Kb\u{1b}[m\u{1b}[K";
    let replaced = "<a text that is rather long>";
    let label = "a name of a file that is rather long";
    for (args, expected) in [
        (&["--color=always", "b"][..], line.replace('b', mark) + "\n"),
        (
            &["--replace", replaced, "b"],
            line.replace('b', replaced) + "\n",
        ),
        (
            &["-o", "-H", "--label", label, "b"],
            format!("{label}:b\n").repeat(3 << 19),
        ),
        (
            &["-o", "-H", "--label", label, "[b]"],
            format!("{label}:b\n").repeat(3 << 19),
        ),
    ] {
        let file = fs::File::open(dir.path("file")).expect("it was written");
        let (running, mut stdout) = cogrep(args.iter().copied()).stdin_from(file).spawn_unread();
        let mut first = [0];
        stdout.read_exact(&mut first).expect("something is found");
        // It sleeps when it can write no more.
        wait_until("it waits for its reader", || state(&running) == Some('S'));
        assert_small(&running);
        let mut rest = Vec::new();
        stdout.read_to_end(&mut rest).expect("it goes on");
        let is_all = [&first[..], &rest].concat() == expected.as_bytes();
        assert!(is_all, "{} of {} bytes", rest.len() + 1, expected.len());
        running.wait().code(0);
    }
}

/// What /proc says that it does: `S` sleeps, where /proc tells.
fn state(running: &Running) -> Option<char> {
    let stat = Path::new("/proc")
        .join(running.pid().to_string())
        .join("stat");
    let Ok(stat) = fs::read_to_string(stat) else {
        return Some('S');
    };
    stat.rsplit(") ").next()?.chars().next()
}

/// Its memory has never been more than a few blocks, and the program itself.
#[track_caller]
fn assert_small(running: &Running) {
    let peak = peak(running);
    assert!(peak.is_none_or(|peak| peak < 24 << 10), "{peak:?} KiB");
}

/// The most memory it has had, in KiB, where /proc tells.
fn peak(running: &Running) -> Option<u64> {
    let status = Path::new("/proc")
        .join(running.pid().to_string())
        .join("status");
    let status = fs::read_to_string(status).ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().strip_suffix(" kB")?.parse().ok()
}
