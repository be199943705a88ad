//! cogrep, as its users meet it.

mod bytes;
mod failures;
mod files;
mod flow;
mod options;
mod peers;
mod signals;

use std::process::{Command, Stdio};

use crate::util::{Cmd, built};

fn cogrep<'a>(args: impl IntoIterator<Item = &'a str>) -> Cmd {
    Cmd::bin("cogrep").args(args)
}

/// A shell script in which `$cogrep` is the program.
fn sh(script: &str) -> Cmd {
    Cmd::new("sh")
        .args(["-c", script])
        .env("cogrep", built("cogrep"))
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

#[test]
fn matching_lines_are_printed_and_the_status_says_whether_there_were_any() {
    let log = "python\nperl\ncpython\n";
    let found = Cmd::bin("cogrep").arg("python").stdin(log).run();
    found.stdout("python\ncpython\n").stderr("").code(0);
    let none = Cmd::bin("cogrep").arg("swig").stdin(log).run();
    none.stdout("").stderr("").code(1);
}
