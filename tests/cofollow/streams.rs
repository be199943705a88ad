//! Standard input, FIFOs and devices.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use super::{cofollow, contains, through_shell};
use crate::util::{Cmd, Dir};

fn mkfifo(dir: &Dir, name: &str) -> PathBuf {
    let path = dir.path(name);
    Cmd::new("mkfifo").arg(&path).run().code(0);
    path
}

#[test]
fn a_file_on_standard_input_is_followed_by_its_descriptor() {
    let dir = Dir::new();
    dir.write("log", "1\n2\n");
    for args in [&["-f", "-n1"][..], &["-f", "-n1", "-"]] {
        dir.write("log", "1\n2\n");
        let file = File::open(dir.path("log")).expect("opened");
        let running = cofollow(&dir, args.iter().copied())
            .stdin_from(file)
            .spawn();
        running.wait_for_stdout(|out| out == b"2\n");
        dir.append("log", "3\n");
        running.wait_for_stdout(|out| out == b"2\n3\n");
        dir.rename("log", "old");
        dir.append("old", "4\n");
        running.wait_for_stdout(|out| out == b"2\n3\n4\n");
    }
}

#[test]
fn a_pipe_on_standard_input_ends_when_it_ends() {
    let dir = Dir::new();
    for args in [&["-f"][..], &["-F"], &["-f", "-"]] {
        cofollow(&dir, args.iter().copied())
            .stdin("1\n2\n")
            .run()
            .stdout("1\n2\n")
            .stderr("")
            .code(0);
    }
}

#[test]
fn standard_input_is_followed_beside_files_by_descriptor() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    dir.write("in", "2\n");
    let file = File::open(dir.path("in")).expect("opened");
    let running = cofollow(&dir, ["-f", "log", "-"]).stdin_from(file).spawn();
    running.wait_for_stdout(|out| out == b"==> log <==\n1\n\n==> standard input <==\n2\n");
    dir.append("in", "3\n");
    running.wait_for_stdout(|out| out.ends_with(b"standard input <==\n2\n3\n"));
}

// Its end came again and again, and nothing else was read.
#[test]
fn standard_input_beside_files_may_be_a_pipe() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    let mut running = cofollow(&dir, ["-f", "-q", "log", "-"]).spawn();
    running.send("2\n");
    running.wait_for_stdout(|out| out == b"1\n2\n");
    running.close_stdin();
    dir.append("log", "3\n");
    running.wait_for_stdout(|out| out == b"1\n2\n3\n");
}

#[test]
fn a_named_pipe_is_followed_across_its_writers() {
    for arg in ["-F", "-f"] {
        let dir = Dir::new();
        let path = mkfifo(&dir, "fifo");
        let running = cofollow(&dir, [arg, "fifo"]).spawn();
        let mut expected = String::new();
        for writer in 1..=3 {
            // Waits for a reader.
            let mut fifo = File::options().write(true).open(&path).expect("opened");
            writeln!(fifo, "{writer}").expect("written");
            expected = expected + &writer.to_string() + "\n";
            running.wait_for_stdout(|out| out == expected.as_bytes());
            // Its unfinished line is a line: the next writer begins its own.
            write!(fifo, "end {writer}").expect("written");
            drop(fifo);
            expected = expected + "end " + &writer.to_string() + "\n";
            running.wait_for_stdout(|out| out == expected.as_bytes());
        }
        running.kill("TERM");
        running.wait().stdout(expected).stderr("").signal(15);
    }
}

#[test]
fn two_writers_of_a_named_pipe_at_once() {
    let dir = Dir::new();
    let path = mkfifo(&dir, "fifo");
    let running = cofollow(&dir, ["fifo"]).spawn();
    let mut one = File::options().write(true).open(&path).expect("opened");
    let mut two = File::options().write(true).open(&path).expect("opened");
    one.write_all(b"1\n").expect("written");
    running.wait_for_stdout(|out| out == b"1\n");
    drop(one);
    two.write_all(b"2\n").expect("written");
    running.wait_for_stdout(|out| out == b"1\n2\n");
}

#[test]
fn a_named_pipe_beside_a_file() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    let path = mkfifo(&dir, "fifo");
    let running = cofollow(&dir, ["-q", "log", "fifo"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    let mut fifo = File::options().write(true).open(&path).expect("opened");
    fifo.write_all(b"2\n").expect("written");
    running.wait_for_stdout(|out| out == b"1\n2\n");
    dir.append("log", "3\n");
    running.wait_for_stdout(|out| out == b"1\n2\n3\n");
    fifo.write_all(b"4\n").expect("written");
    running.wait_for_stdout(|out| out == b"1\n2\n3\n4\n");
}

#[test]
fn a_named_pipe_that_becomes_a_file_and_a_file_that_becomes_one() {
    let dir = Dir::new();
    let path = mkfifo(&dir, "log");
    let running = cofollow(&dir, ["log"]).spawn();
    let mut fifo = File::options().write(true).open(&path).expect("opened");
    fifo.write_all(b"1\n").expect("written");
    running.wait_for_stdout(|out| out == b"1\n");
    drop(fifo);
    dir.write("new", "2\n");
    dir.rename("new", "log");
    running.wait_for_stdout(|out| out == b"1\n2\n");
    mkfifo(&dir, "new");
    dir.rename("new", "log");
    let mut fifo = File::options().write(true).open(&path).expect("opened");
    fifo.write_all(b"3\n").expect("written");
    running.wait_for_stdout(|out| out == b"1\n2\n3\n");
}

#[test]
fn a_device_that_is_at_its_end_has_no_more() {
    let dir = Dir::new();
    cofollow(&dir, ["--until-idle=1ms", "/dev/null"])
        .run()
        .stdout("")
        .stderr("")
        .code(0);
}

#[test]
fn a_terminal_is_read_as_it_comes() {
    let dir = Dir::new();
    let has_script = Cmd::new("sh").args(["-c", "command -v script"]).run();
    if !has_script.status.success() || !cfg!(target_os = "linux") {
        return;
    }
    for arg in ["-F", "-f"] {
        let script = format!(
            r#"exec script -qec "stty -echo; echo ready >&2; exec $1 {arg} -n+1 /dev/tty >out" /dev/null"#
        );
        let mut running = through_shell(&dir, &script, []).spawn();
        running.wait_for_stdout(|out| contains(out, "ready"));
        for (line, expected) in [("1\n", "1\n"), ("2\n", "1\n2\n")] {
            running.send(line);
            crate::util::wait_until("the line", || {
                fs::read(dir.path("out")).is_ok_and(|out| out == expected.as_bytes())
            });
        }
    }
}

#[test]
fn a_file_that_is_read_in_small_pieces_is_read_to_its_end() {
    // The kernel gives it out a page at a time, and does not tell of changes.
    let Ok(text) = fs::read("/proc/kallsyms") else {
        return;
    };
    let dir = Dir::new();
    let last = text.len().min(50_000);
    let start = format!("-c{last}");
    let args = [&start, "--until-idle=100ms", "/proc/kallsyms"];
    let output = cofollow(&dir, args).run();
    assert_eq!(output.stdout.len(), last);
}
