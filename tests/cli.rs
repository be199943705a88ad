//! What the command lines share, through each program.

use std::fs::File;
use std::io::Write;

use crate::util::{Cmd, Dir, Output, built};

const TOOLS: [(&str, i32); 4] = [
    ("cobroadcast", 1),
    ("codelay", 1),
    ("cofollow", 1),
    ("cogrep", 2),
];

fn generated(tool: &str, kind: &str) -> Output {
    let output = Cmd::bin(tool).args(["--generate", kind]).run();
    output.stderr("").code(0);
    output
}

#[test]
fn completions_know_the_options() {
    for (tool, _) in TOOLS {
        for kind in ["bash", "zsh", "fish", "powershell", "elvish"] {
            let script = generated(tool, kind).stdout;
            let script = String::from_utf8(script).expect("text");
            for part in [tool, "generate", "version", "powershell"] {
                assert!(script.contains(part), "{tool} {kind}: no {part}:\n{script}");
            }
        }
        // What the help does not have.
        let script = generated("cogrep", "bash").stdout;
        let script = String::from_utf8(script).expect("text");
        assert!(!script.contains("--perl-regexp"), "{script}");
        let script = generated(tool, "bash").stdout;
        Cmd::new("bash")
            .arg("-n")
            .stdin(script)
            .run()
            .stderr("")
            .code(0);
    }
}

#[test]
fn the_man_page_has_the_options_and_no_faults() {
    for (tool, _) in TOOLS {
        let dir = Dir::new();
        dir.write("page.1", &generated(tool, "man").stdout);
        let rendered = Cmd::new("man")
            .args(["--warnings", "-l", "page.1"])
            .env("MANWIDTH", "80")
            .env("LC_ALL", "C.UTF-8")
            .dir(dir.path(""))
            .run();
        rendered.stderr("").code(0);
        let page = String::from_utf8(rendered.stdout).expect("text");
        // Not filled: an example is a line.
        let example = "\n       cofollow access-log | co";
        for part in ["NAME", "EXIT STATUS", "--generate", example] {
            assert!(page.contains(part), "{tool}: no {part}:\n{page}");
        }
    }
}

#[test]
fn h_prints_the_help_where_it_has_no_other_use() {
    for tool in ["cobroadcast", "codelay", "cofollow"] {
        let help = Cmd::bin(tool).arg("--help").run();
        assert!(help.stdout.len() > 500);
        let short = Cmd::bin(tool).arg("-h").run();
        short.stdout(&help.stdout).stderr("").code(0);
    }
    let grep = Cmd::bin("cogrep").args(["-h", "a"]).stdin("a\n").run();
    grep.stdout("a\n").stderr("").code(0);
}

#[test]
fn nothing_else_can_be_generated() {
    for (tool, failure) in TOOLS {
        Cmd::bin(tool)
            .args(["--generate", "ksh"])
            .run()
            .stdout("")
            .stderr(format!(
                "{tool}: invalid value 'ksh' for '--generate': one of 'man', 'bash', 'zsh', 'fish', \
                 'powershell', 'elvish'\nTry '{tool} --help' for more information.\n"
            ))
            .code(failure);
    }
}

#[test]
fn an_abbreviation_of_several_options_is_ambiguous() {
    let dir = Dir::new();
    Cmd::bin("cogrep")
        .args(["--no", "x"])
        .dir(dir.path(""))
        .run()
        .stdout("")
        .stderr(
            "cogrep: option '--no' is ambiguous; possibilities: '--no-ignore-case' '--no-filename' '--no-group-separator' '--no-messages'\n\
             Try 'cogrep --help' for more information.\n",
        )
        .code(2);
    // A value is none, and neither is what only one has.
    Cmd::bin("cogrep")
        .args(["--reg", "--no", "--no-m"])
        .stdin("--no\n")
        .run()
        .stdout("--no\n")
        .stderr("")
        .code(0);
}

/// The last line, without how long it took.
fn totals(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let last = text.trim_end().lines().last().unwrap_or_default();
    let (totals, seconds) = last.rsplit_once(", ").unwrap_or((last, ""));
    assert!(seconds.ends_with(" s"), "{text}");
    totals.to_owned()
}

#[test]
fn stats_tell_what_passed_at_the_end() {
    let dir = Dir::new();
    dir.write("log", "one\ntwo\nthree");
    for end in ["--no-follow", "--until-idle=1ms"] {
        let output = Cmd::bin("cofollow")
            .args(["--stats", "-n2", end, "log"])
            .dir(dir.path(""))
            .run();
        output.stdout("two\nthree").code(0);
        assert_eq!(totals(&output.stderr), "cofollow: 2 lines, 9 B");
    }
    // Also when it ends by an error, and by SIGPIPE.
    let output = Cmd::bin("cofollow")
        .args(["--stats", "--no-follow", "missing"])
        .dir(dir.path(""))
        .run();
    output.stderr_contains("No such file").code(1);
    assert_eq!(totals(&output.stderr), "cofollow: 0 lines, 0 B");
    let (running, stdout) = Cmd::bin("cofollow").arg("--stats").spawn_unread();
    drop(stdout);
    let output = running.wait_with_open_stdin();
    output.signal(13);
    assert_eq!(totals(&output.stderr), "cofollow: 0 lines, 0 B");
}

#[test]
fn debug_tells_where_it_starts_and_how_it_ended() {
    let dir = Dir::new();
    dir.write("log", "one\ntwo\nthree\n");
    let output = Cmd::bin("cofollow")
        .args(["--debug", "--no-follow", "-n1", "log", "-"])
        .stdin("four\n")
        .dir(dir.path(""))
        .run();
    output.code(0);
    assert!(totals(&output.stderr).starts_with("cofollow: debug: 5 lines, "));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let told: Vec<&str> = told.lines().take(3).collect();
    assert_eq!(
        told,
        [
            "cofollow: debug: log: opened, starts at byte 8",
            "cofollow: debug: standard input: opened, read from where it stands",
            "cofollow: debug: ended because no more comes",
        ]
    );
}

#[test]
fn on_a_terminal_stats_are_told_while_it_flows() {
    let dir = Dir::new();
    let fifo = dir.path("fifo");
    Cmd::new("mkfifo").arg(&fifo).run().code(0);
    let cofollow = built("cofollow");
    let command = format!("'{}' --stats -n+1 <fifo >out", cofollow.display());
    let running = Cmd::new("script")
        .args(["-qefc", &command, "/dev/null"])
        .env("TERM", "xterm")
        .env("SHELL", "/bin/sh")
        .dir(dir.path(""))
        .spawn();
    let mut writer = File::create(fifo).expect("opened");
    writer.write_all(b"one\ntwo\n").expect("written");
    let live = "\r\u{1b}[K\u{1b}[?7lcofollow: 2 lines, 8 B, ";
    running.wait_for_stdout(|out| String::from_utf8_lossy(out).contains(live));
    writer.write_all(b"three\n").expect("written");
    drop(writer);
    let output = running.wait();
    output.code(0);
    let shown = String::from_utf8_lossy(&output.stdout);
    let (_, last) = shown.rsplit_once('\u{1b}').expect("wiped");
    assert!(last.starts_with("[Kcofollow: 3 lines, 14 B, "), "{shown:?}");
    assert!(last.ends_with(" s\r\n"), "{shown:?}");
}
