//! What the system moves by itself arrives as what is read and written does: the same tests for both ways.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::thread::{self, JoinHandle};

use proptest::collection::vec;
use proptest::prelude::*;

use super::{cobroadcast, numbers, sh};
use crate::util::{Cmd, Dir, wait_until};

/// With a queue of one's own everything is read.
const WAYS: [&[&str]; 2] = [&[], &["--queue=2M"]];

#[derive(Clone, Copy, Debug)]
enum Target {
    /// A reader of all, so much at a time.
    Reads(usize),
    /// A reader that leaves after so much.
    Leaves(usize),
    File,
    Null,
    Full,
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        3 => prop_oneof![Just(100), Just(4096), Just(1 << 20)].prop_map(Target::Reads),
        1 => (0..2_000_000_usize).prop_map(Target::Leaves),
        2 => Just(Target::File),
        1 => Just(Target::Null),
        1 => Just(Target::Full),
    ]
}

/// How much is written at once; between two writes the reader may catch up, or not.
fn pieces() -> impl Strategy<Value = Vec<usize>> {
    vec(
        prop_oneof![1..200_usize, 1..20_000_usize, 100_000..400_000_usize],
        1..12,
    )
}

/// Takes what is meant for it: what it got, in the end.
fn reader(mut from: impl Read + Send + 'static, target: Target) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut got = Vec::new();
        match target {
            Target::Leaves(after) => {
                from.take(after as u64).read_to_end(&mut got).expect("read");
            }
            Target::Reads(size) => {
                let mut piece = vec![0; size];
                while let count @ 1.. = from.read(&mut piece).expect("read") {
                    got.extend_from_slice(&piece[..count]);
                }
            }
            Target::File | Target::Null | Target::Full => unreachable!("they have no reader"),
        }
        got
    })
}

/// A FIFO, and its reader.
fn fifo(dir: &Dir, name: &str, target: Target) -> JoinHandle<Vec<u8>> {
    let path = dir.path(name);
    Cmd::new("mkfifo").arg(&path).run().code(0);
    thread::spawn(move || {
        let fifo = File::open(path).expect("opened");
        reader(fifo, target).join().expect("a reader")
    })
}

fn text(length: usize) -> Vec<u8> {
    let mut text = numbers(length / 5 + 1000).into_bytes();
    text.truncate(length);
    text
}

/// An input that is a pipe, written in these pieces, or a file.
fn input(dir: &Dir, text: &[u8], pieces: &[usize], is_file: bool) -> std::process::Stdio {
    if is_file {
        return File::open(dir.write("input", text)).expect("opened").into();
    }
    let (reader, mut writer) = io::pipe().expect("a pipe");
    let (text, pieces) = (text.to_vec(), pieces.to_vec());
    thread::spawn(move || {
        let mut rest = &text[..];
        for piece in pieces {
            let (now, later) = rest.split_at(piece);
            // All may have left.
            if writer.write_all(now).is_err() {
                return;
            }
            thread::yield_now();
            rest = later;
        }
    });
    reader.into()
}

fn check(targets: &[Target], pieces: &[usize], is_file: bool, appends: bool, way: &[&str]) {
    let dir = Dir::new();
    let text = text(pieces.iter().sum());
    let names: Vec<String> = (0..targets.len())
        .map(|number| format!("t{number}"))
        .collect();
    let readers: Vec<_> = targets
        .iter()
        .zip(&names)
        .map(|(&target, name)| {
            let special = |path| std::os::unix::fs::symlink(path, dir.path(name)).expect("linked");
            match target {
                Target::Reads(_) | Target::Leaves(_) => return Some(fifo(&dir, name, target)),
                Target::File => {}
                Target::Null => special("/dev/null"),
                Target::Full => special("/dev/full"),
            }
            None
        })
        .collect();
    let (stdout, ours) = io::pipe().expect("a pipe");
    let stdout: JoinHandle<Vec<u8>> = reader(stdout, Target::Reads(30_000));
    let output = cobroadcast(way.iter().copied())
        .args(appends.then_some("-a"))
        .args(&names)
        .dir(dir.path(""))
        .stdin_from(input(&dir, &text, pieces, is_file))
        .stdout_to(ours)
        .run();
    assert!(stdout.join().expect("a reader") == text, "standard output");
    let mut told = 0;
    for ((target, name), reader) in targets.iter().zip(&names).zip(readers) {
        let got = reader.map(|reader| reader.join().expect("a reader"));
        match target {
            Target::Reads(_) => assert!(got.as_deref() == Some(&text), "{name}"),
            Target::Leaves(after) => {
                let until = text.len().min(*after);
                assert!(got.as_deref() == Some(&text[..until]), "{name}");
            }
            Target::File => assert!(fs::read(dir.path(name)).expect("read") == text, "{name}"),
            Target::Null => {}
            Target::Full => {
                output.stderr_contains(&format!("{name}: No space left on device\n"));
                told += 1;
            }
        }
    }
    let lines = String::from_utf8_lossy(&output.stderr).lines().count();
    assert_eq!(lines, told, "{output:?}");
    output.code(i32::from(told > 0));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn every_target_gets_exactly_what_is_its_own_whatever_the_others_do(
        targets in vec(target(), 1..6),
        pieces in pieces(),
        is_file: bool,
        appends: bool,
    ) {
        for way in WAYS {
            check(&targets, &pieces, is_file, appends, way);
        }
    }
}

// Where there are several processors files are written at the same time.
#[test]
fn several_files_get_all_or_as_much_as_they_may_hold() {
    let dir = Dir::new();
    let text = text(5_000_000);
    let input = dir.write("input", &text);
    let run = |script: &str| {
        let input = File::open(&input).expect("opened");
        sh(script).dir(dir.path("")).stdin_from(input).run()
    };
    let files = ["one", "two", "three", "four"];
    run(r#"exec "$cobroadcast" one two three four"#)
        .stdout(&text)
        .stderr("")
        .code(0);
    for name in files {
        assert!(fs::read(dir.path(name)).expect("read") == text, "{name}");
    }
    // 1 MiB a file, and half a page; SIGXFSZ is ignored, so that the write fails instead.
    let limited = r#"trap '' XFSZ; ulimit -f 2049; exec "$cobroadcast" one two three four | cat"#;
    let told = files.map(|name| format!("cobroadcast: {name}: File too large\n"));
    run(limited).stdout(&text).stderr(told.concat());
    for name in files {
        let got = fs::read(dir.path(name)).expect("read");
        assert!(got == text[..2049 * 512], "{name}: {}", got.len());
    }
}

#[test]
fn a_reader_that_leaves_is_noticed_though_the_input_is_quiet_and_much_has_passed() {
    for way in WAYS {
        // Once it has read all, and once it has left all unread in what is before it.
        for reads in [true, false] {
            let (reader, mut writer) = io::pipe().expect("a pipe");
            let (running, mut stdout) = cobroadcast(way.iter().copied())
                .stdin_from(reader)
                .spawn_unread();
            let mut text = text(200_000);
            writer.write_all(&text).expect("written");
            if reads {
                stdout.read_exact(&mut text).expect("read");
            }
            drop(stdout);
            running.wait().signal(13);
            drop(writer);
        }
    }
}

#[test]
fn a_target_that_takes_nothing_holds_the_others_back_and_no_more_than_pipes_are_held() {
    // More than all pipes and queues on the way hold. Made here: while it is being made nothing would come.
    let all = text(10_000_000);
    for way in WAYS {
        let dir = Dir::new();
        let fifo = dir.path("fifo");
        Cmd::new("mkfifo").arg(&fifo).run().code(0);
        let opened = thread::spawn(move || File::open(fifo).expect("opened"));
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let running = cobroadcast(way.iter().copied())
            .args(["fifo", "copy"])
            .dir(dir.path(""))
            .stdin_from(reader)
            .spawn();
        let mut waiting = opened.join().expect("a reader");
        let given = all.clone();
        let written = thread::spawn(move || writer.write_all(&given));
        running.wait_for_stdout(|out| out.len() > 60_000);
        assert!(!written.is_finished());
        let mut got = Vec::new();
        waiting.read_to_end(&mut got).expect("read");
        written.join().expect("a writer").expect("written");
        let output = running.wait();
        assert!(got == all && output.stdout == all, "{way:?}");
        assert!(fs::read(dir.path("copy")).expect("read") == all, "{way:?}");
    }
}

// What had been taken from the file for the one that is appended to overtook what was on its way to the other.
#[test]
fn a_signal_leaves_what_was_read_in_its_order() {
    for way in WAYS {
        let dir = Dir::new();
        let text = text(9_000_000);
        let input = File::open(dir.write("input", &text)).expect("opened");
        let copy = dir.write("copy", "");
        let (running, mut stdout) = cobroadcast(way.iter().copied())
            .args(["-a", "copy"])
            .dir(dir.path(""))
            .stdin_from(input)
            .spawn_unread();
        let written = || fs::metadata(&copy).expect("it is there").len();
        wait_until("the pipes are full", || written() >= 1 << 20);
        running.kill("TERM");
        let mut got = Vec::new();
        stdout.read_to_end(&mut got).expect("read");
        running.wait().signal(15);
        assert!(text.starts_with(&got), "{way:?}: {}", got.len());
        let copied = fs::read(&copy).expect("read");
        assert!(text.starts_with(&copied), "{way:?}: {}", copied.len());
    }
}

// What another process took came to the first target and not to the second.
#[test]
fn the_targets_of_one_get_the_same_though_another_process_reads_the_input_too() {
    for _ in 0..5 {
        let dir = Dir::new();
        let script = r#"exec 3<&0
            "$cobroadcast" -c 'cat > a' -c 'cat > b' <&3 & "$cobroadcast" -c 'cat > c' -c 'cat > d' <&3
            wait"#;
        let cmd = sh(script).dir(dir.path("")).stdin(numbers(2_000_000));
        cmd.run().stderr("").code(0);
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| fs::read(dir.path(name)).expect("read"));
        assert!(a == b && c == d);
        assert_eq!(a.len() + c.len(), numbers(2_000_000).len());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn debug_tells_how_bytes_come_and_what_becomes_of_the_targets() {
    let dir = Dir::new();
    let text = numbers(1_000_000);
    let input = || File::open(dir.write("in", &text)).expect("opened");
    let run = |args: &[&str], stdout: io::PipeWriter| {
        let cmd = cobroadcast([]).arg("--debug").args(args).dir(dir.path(""));
        cmd.stdin_from(input()).stdout_to(stdout).run()
    };
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let output = run(&["copy"], writer);
    for told in [
        "nobody has to see the bytes",
        "standard input: its bytes are moved by the system\n",
        "copy: its bytes are moved by the system\n",
        "'standard output': its reader left\n",
        "copy: 6888896 bytes written\n",
    ] {
        output
            .stderr_contains(&format!("cobroadcast: debug: {told}"))
            .code(0);
    }
    let (mut reader, writer) = io::pipe().expect("a pipe");
    let read = thread::spawn(move || reader.read_to_end(&mut Vec::new()));
    let output = run(&["-a", "log", "-c", "head -n1", "-c", "cat"], writer);
    read.join().expect("a reader").expect("read");
    for told in [
        "log: its bytes are read and written\n",
        "branch 1 (head -n1): started as process ",
        "branch 1 (head -n1): reads no more\n",
        "branch 1 (head -n1): exit status 0 after ",
        "branch 2 (cat): its bytes are moved by the system\n",
        "branch 2 (cat): exit status 0 after ",
    ] {
        output
            .stderr_contains(&format!("cobroadcast: debug: {told}"))
            .code(0);
    }
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    run(&["--queue=1M", "copy", "-c", "yes"], writer)
        .stderr_contains("debug: the bytes have to be seen: all are read\n")
        .stderr_contains("debug: branch 1 (yes): nobody reads what it prints\n");
}
