//! Without branches: tee.

use std::fs;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use super::{cobroadcast, numbers};
use crate::util::{Cmd, Dir};

#[test]
fn standard_output_and_every_file_get_all_bytes() {
    let dir = Dir::new();
    let mut bytes = b"NUL \0, no UTF-8 \xff\xfe, CRLF\r\n\n".to_vec();
    bytes.extend_from_slice(&vec![b'x'; 3 << 20]);
    bytes.extend_from_slice(b"\nno newline");
    cobroadcast(["one", "two"])
        .dir(dir.path(""))
        .stdin(bytes.clone())
        .run()
        .stdout(&bytes)
        .stderr("")
        .code(0);
    for name in ["one", "two"] {
        assert!(fs::read(dir.path(name)).expect("read") == bytes, "{name}");
    }
}

#[test]
fn files_are_replaced_or_with_a_appended_to() {
    let dir = Dir::new();
    dir.write("one", "a much longer text that was there before\n");
    dir.write("two", "before\n");
    let run = |args: &[&str]| {
        let cmd = cobroadcast([]).args(args).dir(dir.path(""));
        cmd.stdin("new\n").run().stdout("new\n").stderr("").code(0);
    };
    run(&["one"]);
    run(&["-a", "two", "three"]);
    run(&["three", "--append"]);
    assert_eq!(fs::read(dir.path("one")).expect("read"), b"new\n");
    assert_eq!(fs::read(dir.path("two")).expect("read"), b"before\nnew\n");
    assert_eq!(fs::read(dir.path("three")).expect("read"), b"new\nnew\n");
}

#[test]
fn a_dash_is_the_name_of_a_file() {
    let dir = Dir::new();
    cobroadcast(["-"])
        .dir(dir.path(""))
        .stdin("x\n")
        .run()
        .stdout("x\n")
        .code(0);
    assert_eq!(fs::read(dir.path("-")).expect("read"), b"x\n");
}

#[test]
fn what_comes_goes_out_at_once_also_an_unfinished_line() {
    let dir = Dir::new();
    let mut running = cobroadcast(["copy"]).dir(dir.path("")).spawn();
    let mut expected = Vec::new();
    for part in ["one\n", "tw", "o\nthr", "ee"] {
        running.send(part);
        expected.extend_from_slice(part.as_bytes());
        running.wait_for_stdout(|out| out == expected);
    }
    running.wait().stdout(&expected).code(0);
    assert_eq!(fs::read(dir.path("copy")).expect("read"), expected);
}

#[test]
fn every_reader_gets_all_though_they_read_at_different_times() {
    let dir = Dir::new();
    let text = numbers(300_000);
    let readers: Vec<_> = ["one", "two", "three"]
        .into_iter()
        .map(|name| {
            let fifo = dir.path(name);
            Cmd::new("mkfifo").arg(&fifo).run().code(0);
            std::thread::spawn(move || fs::read(fifo).expect("read"))
        })
        .collect();
    cobroadcast(["one", "two", "three"])
        .dir(dir.path(""))
        .stdin(text.clone())
        .run()
        .stdout(&text)
        .stderr("")
        .code(0);
    for reader in readers {
        assert!(reader.join().expect("a reader") == text.as_bytes());
    }
}

/// Is this descriptor of ours non-blocking? Linux tells.
fn is_nonblocking(fd: &impl AsRawFd) -> bool {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd())).expect("read");
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = u32::from_str_radix(flags.expect("flags").trim(), 8).expect("octal");
    flags & 0o4000 != 0
}

// GNU tee 9.1 loses 96 % of it: EAGAIN is an error there.
#[test]
fn a_non_blocking_standard_output_gets_all_and_a_blocking_one_stays_so() {
    let text = numbers(300_000);
    for nonblocking in [true, false] {
        let (mut ours, theirs) = UnixStream::pair().expect("a pair");
        theirs.set_nonblocking(nonblocking).expect("set");
        let kept = theirs.try_clone().expect("a clone");
        let running = cobroadcast([])
            .stdin(text.clone())
            .stdout_to(OwnedFd::from(theirs))
            .spawn();
        let mut got = vec![0; text.len()];
        // The reader is slower than the writer: the socket is full most of the time.
        for part in got.chunks_mut(1000) {
            ours.read_exact(part).expect("read");
        }
        assert!(got == text.as_bytes());
        running.wait().stderr("").code(0);
        assert_eq!(is_nonblocking(&kept), nonblocking);
    }
}

#[test]
fn a_file_as_input_is_copied() {
    let dir = Dir::new();
    let text = numbers(200_000);
    let input = fs::File::open(dir.write("input", &text)).expect("opened");
    cobroadcast(["copy"])
        .dir(dir.path(""))
        .stdin_from(Stdio::from(input))
        .run()
        .stdout(&text)
        .code(0);
    assert!(fs::read(dir.path("copy")).expect("read") == text.as_bytes());
}
