//! cogrep, as its users meet it.

mod bytes;
mod context;
mod differential;
mod failures;
mod files;
mod flow;
mod listing;
mod matches;
mod options;
mod pattern_files;
mod patterns;
mod peers;
mod records;
mod signals;
mod threads;
mod words;

use std::process::{Command, Stdio};

use crate::util::{Cmd, Dir, built};

fn cogrep<'a>(args: impl IntoIterator<Item = &'a str>) -> Cmd {
    Cmd::bin("cogrep").args(args)
}

/// A shell script in which `$cogrep` is the program.
fn sh(script: &str) -> Cmd {
    Cmd::new("sh")
        .args(["-c", script])
        .env("cogrep", built("cogrep"))
}

/// `cogrep args` on `text` prints this and ends with this status; and so does grep, where it is installed.
#[track_caller]
fn as_grep(args: &[&str], text: impl AsRef<[u8]>, expected: impl AsRef<[u8]>, status: i32) {
    as_grep_in(&Dir::new(), args, text, expected, status);
}

/// The same in a directory, whose files `args` may name.
#[track_caller]
fn as_grep_in(
    dir: &Dir,
    args: &[&str],
    text: impl AsRef<[u8]>,
    expected: impl AsRef<[u8]>,
    status: i32,
) {
    let run = |cmd: Cmd| {
        let cmd = cmd.args(args).dir(dir.path("")).stdin(text.as_ref());
        let cmd = cmd.env("LC_ALL", "C.UTF-8").env("TERM", "xterm");
        cmd.run().stdout(expected.as_ref()).code(status);
    };
    run(Cmd::bin("cogrep"));
    if runs("grep", &["-E", "--help"]) {
        let fixed = args.contains(&"-F");
        // As text, whatever the bytes.
        run(Cmd::new("grep").args(["-a", if fixed { "-F" } else { "-E" }]));
    }
}

/// A Python script whose arguments are the program and `args`; nothing if there is no Python here.
fn python(script: &str, args: &[&str]) -> Option<Cmd> {
    runs("python3", &["-c", ""]).then(|| {
        Cmd::new("python3")
            .args(["-c", script])
            .arg(built("cogrep"))
            .args(args)
    })
}

/// Is this program installed, and does it succeed?
fn runs(program: &str, args: &[&str]) -> bool {
    let silent = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    silent.is_ok_and(|status| status.success())
}

/// Takes seconds for the lines of [`slow_file`], in any build: each byte may begin a match 42 bytes long.
const SLOW: &str = "(a|b)*a[ab]{40}[cd]|^hit$";

/// A file in which [`SLOW`] matches only its first line.
fn slow_file(dir: &Dir, name: &str) {
    let mut text = String::from("hit\n");
    for line in slow_text().as_bytes().chunks(99) {
        text.extend(line.iter().map(|&byte| char::from(byte)));
        text.push('\n');
    }
    dir.write(name, text);
}

/// The same, but its other lines are one.
fn slow_line(dir: &Dir, name: &str) {
    dir.write(name, format!("hit\n{}", slow_text().repeat(20)));
}

/// 4 MiB of a and b.
fn slow_text() -> String {
    let mut random: u64 = 1;
    let letters = (0..4 << 20).map(|_| {
        // Knuth's constants; the high bits are the random ones.
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        if random >> 63 == 0 { 'a' } else { 'b' }
    });
    letters.collect()
}

#[test]
fn matching_lines_are_printed_and_the_status_says_whether_there_were_any() {
    let log = "python\nperl\ncpython\n";
    let found = Cmd::bin("cogrep").arg("python").stdin(log).run();
    found.stdout("python\ncpython\n").stderr("").code(0);
    let none = Cmd::bin("cogrep").arg("swig").stdin(log).run();
    none.stdout("").stderr("").code(1);
}
