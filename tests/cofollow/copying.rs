//! Whole files to every kind of output: the system moves the bytes where it can, and nobody can tell.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::thread;

use super::{cofollow, through_shell};
use crate::util::{Cmd, Dir, wait_until};

const ALL: [&str; 3] = ["-n+1", "--no-follow", "log"];

/// More than all the pipes and blocks on the way take, with no two pages alike and no newline at the end.
fn plenty() -> Vec<u8> {
    let mut text: Vec<u8> = (0..700_000_u32)
        .flat_map(|number| format!("{number}\n").into_bytes())
        .collect();
    text.extend(b"end");
    text
}

#[test]
fn a_pipe_gets_what_is_in_the_file() {
    let dir = Dir::new();
    let text = plenty();
    dir.write("log", &text);
    let from_line = text.len() - b"699998\n699999\nend".len();
    for (start, expected) in [
        ("-n+1", &text[..]),
        ("-c+5", &text[4..]),
        ("-n+699999", &text[from_line..]),
        ("-n99999999", &text),
        ("-c3000000", &text[text.len() - 3_000_000..]),
        ("-n0", b""),
    ] {
        let output = cofollow(&dir, [start, "--no-follow", "log"]).run();
        assert!(output.stdout == expected, "{start}");
        output.stderr("").code(0);
    }
}

#[test]
fn a_pipe_gets_pages_that_were_not_read() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let dir = Dir::new();
    let text = plenty();
    dir.write("log", &text);
    let (running, mut stdout) = cofollow(&dir, ALL).spawn_unread();
    let mut half = vec![0; text.len() / 2];
    stdout.read_exact(&mut half).expect("read");
    assert!(half == text[..half.len()]);
    let account = fs::read_to_string(format!("/proc/{}/io", running.pid())).expect("read");
    let read = account
        .lines()
        .find_map(|line| line.strip_prefix("rchar: "));
    let read: usize = read.expect("a line of it").parse().expect("a number");
    assert!(read < half.len() / 4, "{read}");
}

#[test]
fn headers_stand_between_large_files_and_empty_ones() {
    let dir = Dir::new();
    let text = plenty();
    dir.write("log", &text);
    dir.write("empty", "");
    dir.write("small", "1\n");
    let names = ["log", "empty", "small", "log"];
    let output = cofollow(&dir, ["-n+1", "--no-follow"]).args(names).run();
    let expected = [
        b"==> log <==\n",
        &text[..],
        b"\n==> empty <==\n\n==> small <==\n1\n\n==> log <==\n",
        &text,
    ];
    assert!(output.stdout == expected.concat());
    output.stderr("").code(0);
}

#[test]
fn a_file_gets_it_where_the_output_stands_or_at_its_end() {
    let dir = Dir::new();
    let text = plenty();
    dir.write("log", &text);
    let out = dir.write("out", "before and more");
    let mut file = File::options().write(true).open(&out).expect("opened");
    file.seek(SeekFrom::Start(7)).expect("sought");
    cofollow(&dir, ALL).stdout_to(file).run().stderr("").code(0);
    assert!(fs::read(&out).expect("read") == [b"before ", &text[..]].concat());
    // What others append meanwhile is not written over, and so this output is refused to be copied to.
    let file = File::options().append(true).open(&out).expect("opened");
    cofollow(&dir, ALL).stdout_to(file).run().stderr("").code(0);
    assert!(fs::read(&out).expect("read") == [b"before ", &text[..], &text].concat());
}

#[test]
fn a_socket_and_a_named_pipe_get_it_too() {
    let dir = Dir::new();
    let text = plenty();
    dir.write("log", &text);
    let (mut ours, theirs) = UnixStream::pair().expect("a pair");
    let running = cofollow(&dir, ALL).stdout_to(OwnedFd::from(theirs)).spawn();
    let mut got = Vec::new();
    ours.read_to_end(&mut got).expect("read");
    assert!(got == text);
    running.wait().stderr("").code(0);

    Cmd::new("mkfifo").arg(dir.path("fifo")).run().code(0);
    let path = dir.path("fifo");
    let reader = thread::spawn(move || fs::read(path).expect("read"));
    let fifo = File::options().write(true).open(dir.path("fifo"));
    let running = cofollow(&dir, ALL).stdout_to(fifo.expect("opened")).spawn();
    assert!(reader.join().expect("a reader") == text);
    running.wait().stderr("").code(0);
}

#[test]
fn a_file_without_a_length_is_read() {
    let path = "/proc/self/limits";
    if let Ok(text) = fs::read(path) {
        let dir = Dir::new();
        let file = File::create(dir.path("out")).expect("created");
        let args = ["-n+1", "--no-follow", path];
        cofollow(&dir, args)
            .stdout_to(file)
            .run()
            .stderr("")
            .code(0);
        let lines = |text: &[u8]| memchr::memchr_iter(b'\n', text).count();
        let copied = fs::read(dir.path("out")).expect("read");
        assert_eq!(lines(&copied), lines(&text));
        let printed = cofollow(&dir, args).run();
        assert_eq!(lines(&printed.stdout), lines(&text));
    }
}

#[test]
fn a_file_that_grows_is_read_to_the_end_it_has_then() {
    let dir = Dir::new();
    let mut text = plenty();
    dir.write("log", &text);
    let (running, mut stdout) = cofollow(&dir, ALL).spawn_unread();
    stdout.read_exact(&mut [0]).expect("read");
    dir.append("log", "ing and more\n");
    text.extend(b"ing and more\n");
    let mut got = text[..1].to_vec();
    stdout.read_to_end(&mut got).expect("read");
    assert!(got == text);
    running.wait().stderr("").code(0);
}

#[test]
fn a_file_that_is_truncated_just_ends() {
    let dir = Dir::new();
    let text = plenty();
    let log = dir.write("log", &text);
    let (running, mut stdout) = cofollow(&dir, ALL).spawn_unread();
    stdout.read_exact(&mut [0]).expect("read");
    let log = File::options().write(true).open(log).expect("opened");
    log.set_len(0).expect("truncated");
    let mut got = text[..1].to_vec();
    stdout.read_to_end(&mut got).expect("read");
    assert!(got.len() < text.len() && text.starts_with(&got));
    running.wait().stderr("").code(0);
}

#[test]
fn a_signal_ends_it_though_nobody_reads_and_a_second_one_at_once() {
    let dir = Dir::new();
    dir.write("log", plenty());
    for second in [None, Some("TERM")] {
        let (mut running, mut stdout) = cofollow(&dir, ALL).spawn_unread();
        stdout.read_exact(&mut [0]).expect("read");
        let stat = format!("/proc/{}/stat", running.pid());
        wait_until("it waits for room", || {
            fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") S "))
        });
        running.kill("INT");
        if let Some(second) = second {
            running.kill_until_it_ends(second);
        }
        let ended = running.wait();
        if second.is_none() {
            ended.stderr_contains("not all output was taken").signal(2);
        }
        // Both may arrive in one moment, and then in either order.
        assert!(matches!(ended.status.signal(), Some(2 | 15)));
    }
}

#[test]
fn what_was_taken_from_the_file_arrives_after_a_signal() {
    let dir = Dir::new();
    let text = plenty();
    let log = dir.write("log", &text);
    // Its place in the file is the reader's too.
    let mut file = File::open(log).expect("opened");
    let theirs = file.try_clone().expect("cloned");
    let command = cofollow(&dir, ["-n+1", "--no-follow"]).stdin_from(theirs);
    let (running, mut stdout) = command.spawn_unread();
    let mut got = vec![0];
    stdout.read_exact(&mut got).expect("read");
    running.kill("INT");
    stdout.read_to_end(&mut got).expect("read");
    running.wait().stderr("").signal(2);
    assert!(text.starts_with(&got));
    let taken = file.stream_position().expect("a position");
    assert_eq!(got.len() as u64, taken);
}

#[test]
fn when_its_reader_leaves_it_dies_of_sigpipe() {
    let dir = Dir::new();
    dir.write("log", plenty());
    let (running, mut stdout) = cofollow(&dir, ALL).spawn_unread();
    stdout.read_exact(&mut [0]).expect("read");
    drop(stdout);
    running.wait().stderr("").signal(13);
}

#[test]
fn a_full_disk_is_told_after_the_headers_of_empty_files_too() {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        return;
    };
    let dir = Dir::new();
    dir.write("log", plenty());
    dir.write("empty", "");
    cofollow(&dir, ["-n+1", "--no-follow", "empty", "log"])
        .stdout_to(full)
        .run()
        .stderr("cofollow: write error: No space left on device\n")
        .code(1);
}

#[test]
fn its_output_stays_blocking_for_those_who_share_it() {
    let dir = Dir::new();
    let text = plenty();
    dir.write("log", &text);
    let (mut reader, mut writer) = std::io::pipe().expect("a pipe");
    let theirs = writer.try_clone().expect("cloned");
    let running = cofollow(&dir, ALL).stdout_to(theirs).spawn();
    let mut got = vec![0; text.len()];
    reader.read_exact(&mut got).expect("read");
    assert!(got == text);
    running.wait().stderr("").code(0);
    // More than the pipe holds: a writer that does not block would fail.
    let more = thread::spawn(move || writer.write_all(&vec![b'x'; 4 << 20]));
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).expect("read");
    assert_eq!(rest.len(), 4 << 20);
    more.join().expect("a writer").expect("written");
}

#[test]
fn a_message_comes_behind_what_was_printed_before() {
    let dir = Dir::new();
    let text = plenty();
    dir.write("log", &text);
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let both = writer.try_clone().expect("cloned");
    let script = r#"exec "$@" 2>&1"#;
    let args = ["-n+1", "--no-follow", "log", "missing", "log"];
    let running = through_shell(&dir, script, args).stdout_to(both).spawn();
    drop(writer);
    let mut got = Vec::new();
    reader.read_to_end(&mut got).expect("read");
    running.wait().code(1);
    let expected = [
        b"==> log <==\n",
        &text[..],
        b"cofollow: cannot open 'missing' for reading: No such file or directory\n",
        b"\n==> log <==\n",
        &text,
    ];
    assert!(got == expected.concat());
}
