//! What goes wrong with one target is told, and stays there.

use std::fs;
use std::io;
use std::path::Path;

use super::{cobroadcast, numbers, sh};
use crate::util::{Cmd, Dir, Output, built};

#[test]
fn a_full_disk_ends_its_target_and_no_other() {
    let dir = Dir::new();
    // More than a pipe holds; the short one fails at the end.
    for count in [300_000, 1] {
        let text = numbers(count);
        for _ in 0..20 {
            cobroadcast(["before", "/dev/full", "after"])
                .dir(dir.path(""))
                .stdin(text.clone())
                .run()
                .stdout(&text)
                .stderr("cobroadcast: /dev/full: No space left on device\n")
                .code(1);
            for name in ["before", "after"] {
                let copy = fs::read(dir.path(name)).expect("read");
                assert!(copy == text.as_bytes(), "{name}");
            }
        }
    }
}

#[test]
fn a_file_that_may_not_grow_ends_its_target_and_no_other() {
    let text = numbers(300_000);
    // 100 KiB a file. SIGXFSZ would end the process.
    for (script, args) in [
        ("", "one"),
        ("trap '' XFSZ;", "one"),
        ("", "--queue=1M one"),
        ("", "--when-full=spill --queue=8M one"),
        ("", "one -c cat"),
    ] {
        for _ in 0..20 {
            let dir = Dir::new();
            let script = format!(
                r#"{script} ulimit -f 200; {{ "$cobroadcast" {args}; echo $? >&2; }} | cat"#
            );
            let output = sh(&script).dir(dir.path("")).stdin(text.clone()).run();
            output
                .stdout(&text)
                .stderr("cobroadcast: one: File too large\n1\n");
            let copy = fs::read(dir.path("one")).expect("read");
            assert!(
                copy.len() > 90_000 && text.as_bytes().starts_with(&copy),
                "{script}"
            );
        }
    }
}

#[test]
fn a_full_file_system_ends_its_target_and_no_other() {
    let dir = Dir::new();
    fs::create_dir(dir.path("small")).expect("made");
    let mount = "mount -t tmpfs -o size=200k none small";
    let can_mount = Cmd::new("unshare").args(["-rm", "sh", "-c", mount]);
    if !can_mount.dir(dir.path("")).run().status.success() {
        eprintln!("not tested: a file system of our own cannot be mounted here");
        return;
    }
    let text = numbers(300_000);
    for args in [
        "small/one copy",
        "--queue=1M small/one copy",
        "-c cat small/one copy",
    ] {
        // Seen from outside the small one is an empty directory.
        let script = format!(r#"{mount}; "$cobroadcast" {args}; echo $? >&2; cp small/one part"#);
        let cmd = Cmd::new("unshare").args(["-rm", "sh", "-c", &script]);
        cmd.env("cobroadcast", built("cobroadcast"))
            .dir(dir.path(""))
            .stdin(text.clone())
            .run()
            .stdout(&text)
            .stderr("cobroadcast: small/one: No space left on device\n1\n");
        let part = fs::read(dir.path("part")).expect("read");
        assert!(
            part.len() >= 190_000 && text.as_bytes().starts_with(&part),
            "{}",
            part.len()
        );
        assert!(fs::read(dir.path("copy")).expect("read") == text.as_bytes());
    }
}

#[test]
fn a_branch_has_the_limit_of_files_as_it_would_have_without() {
    let dir = Dir::new();
    // The shell sees how its child ended.
    let branch = "sh -c 'head -c 500000 /dev/zero >big'; echo $?";
    for (trap, status) in [("", "153\n"), ("trap '' XFSZ;", "1\n")] {
        let script = format!(r#"{trap} ulimit -f 200; "$cobroadcast" -c "$1""#);
        let output = sh(&script).args(["sh", branch]).dir(dir.path("")).run();
        output.stdout(status);
    }
}

#[test]
fn files_that_cannot_be_opened_are_told_and_the_others_written() {
    let dir = Dir::new();
    cobroadcast([".", "missing/file", "", "copy"])
        .dir(dir.path(""))
        .stdin("x\n")
        .run()
        .stdout("x\n")
        .stderr(
            "cobroadcast: .: Is a directory\n\
             cobroadcast: missing/file: No such file or directory\n\
             cobroadcast: '': No such file or directory\n",
        )
        .code(1);
    assert_eq!(fs::read(dir.path("copy")).expect("read"), b"x\n");
}

#[test]
fn a_full_standard_output_is_told_and_the_files_are_written() {
    let dir = Dir::new();
    let output = sh(r#""$cobroadcast" copy >/dev/full"#)
        .dir(dir.path(""))
        .stdin("x\n")
        .run();
    output
        .stderr("cobroadcast: 'standard output': No space left on device\n")
        .code(1);
    assert_eq!(fs::read(dir.path("copy")).expect("read"), b"x\n");
}

#[test]
fn closed_standard_descriptors_are_told() {
    let dir = Dir::new();
    let run = |script: &str| sh(script).dir(dir.path("")).stdin("x\n").run();
    run(r#""$cobroadcast" copy >&-"#)
        .stderr("cobroadcast: 'standard output': Bad file descriptor\n")
        .code(1);
    assert_eq!(fs::read(dir.path("copy")).expect("read"), b"x\n");
    run(r#""$cobroadcast" <&-"#)
        .stdout("")
        .stderr("cobroadcast: standard input: Bad file descriptor\n")
        .code(1);
    run(r#""$cobroadcast" copy 2>&-; echo $?"#).stdout("x\n0\n");
    // What is told goes nowhere, and not into the file that was opened first.
    run(r#""$cobroadcast" copy missing/copy 2>&-; echo $?"#).stdout("x\n1\n");
    assert_eq!(fs::read(dir.path("copy")).expect("read"), b"x\n");
}

#[test]
fn a_directory_as_input_is_told() {
    sh(r#"exec "$cobroadcast" <."#)
        .run()
        .stdout("")
        .stderr("cobroadcast: standard input: Is a directory\n")
        .code(1);
}

/// Runs it with one reader that is gone, the one of standard output, and a file.
fn without_reader(dir: &Dir, args: &[&str], text: &str) -> Output {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let cmd = Cmd::bin("cobroadcast").args(args).arg("copy");
    cmd.dir(dir.path("")).stdin(text).stdout_to(writer).run()
}

#[test]
fn a_reader_that_leaves_is_an_error_only_in_the_modes_that_mind() {
    let dir = Dir::new();
    let text = numbers(300_000);
    let whole = |dir: &Dir| fs::read(dir.path("copy")).expect("read") == text.as_bytes();
    for quiet in [
        &[][..],
        &["-p"],
        &["--output-error"],
        &["--output-error=warn-nopipe"],
        &["--output-error=exit-nopipe"],
        &["--output-error=exit", "-p"],
    ] {
        without_reader(&dir, quiet, &text).stderr("").code(0);
        assert!(whole(&dir), "{quiet:?}");
    }
    let message = "cobroadcast: 'standard output': Broken pipe\n";
    for warns in [&["--output-error=warn"][..], &["-p", "--output-err=warn"]] {
        without_reader(&dir, warns, &text).stderr(message).code(1);
        assert!(whole(&dir), "{warns:?}");
    }
    without_reader(&dir, &["--output-error=exit"], &text)
        .stderr(message)
        .code(1);
    assert!(!whole(&dir));
}

#[test]
fn with_exit_any_other_error_ends_all() {
    let dir = Dir::new();
    let message = "cobroadcast: /dev/full: No space left on device\n";
    for mode in ["exit", "exit-nopipe"] {
        let mode = format!("--output-error={mode}");
        let mut running = cobroadcast([&*mode, "/dev/full"]).dir(dir.path("")).spawn();
        running.send(numbers(10_000));
        // Its input stays open.
        let output = running.wait_with_open_stdin();
        output.stderr(message).code(1);
        cobroadcast([&*mode, "missing/file", "copy"])
            .dir(dir.path(""))
            .run()
            .stderr("cobroadcast: missing/file: No such file or directory\n")
            .code(1);
        assert!(!Path::new(&dir.path("copy")).exists());
    }
}

// It was told when the branches had ended.
#[test]
fn an_error_that_ends_all_is_told_at_once_and_the_branches_are_waited_for() {
    let dir = Dir::new();
    let branch = "cat; until test -e go; do sleep 0.01; done; echo done";
    let mut running = cobroadcast(["--output-error=exit", "/dev/full", "-c", branch])
        .dir(dir.path(""))
        .spawn();
    running.send("a line\n");
    let told = "cobroadcast: /dev/full: No space left on device\n";
    running.wait_for_stderr(|err| err == told.as_bytes());
    dir.write("go", "");
    let output = running.wait_with_open_stdin();
    output.stdout("a line\ndone\n").stderr(told).code(1);
}

#[test]
fn the_last_reader_that_leaves_ends_it_as_any_filter_ends() {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    cobroadcast([])
        .stdin("x\n")
        .stdout_to(writer)
        .run()
        .stderr("")
        .signal(13);
    // Who ignores SIGPIPE wants to be told.
    let dir = Dir::new();
    let script = r#"trap '' PIPE; { yes 2>/dev/null | "$cobroadcast" 2>told; echo $? >>told; } | head -n1; cat told"#;
    sh(script)
        .dir(dir.path(""))
        .run()
        .stdout("y\ncobroadcast: write error: Broken pipe\n1\n");
}

#[test]
fn it_ends_when_its_last_reader_leaves_though_its_input_is_quiet() {
    let (reader, writer) = io::pipe().expect("a pipe");
    let (running, stdout) = cobroadcast([]).stdin_from(reader).spawn_unread();
    drop(stdout);
    running.wait().stderr("").signal(13);
    drop(writer);
}

#[test]
fn wrong_usage_is_told() {
    cobroadcast(["--output-error=w"])
        .run()
        .stderr(
            "cobroadcast: invalid argument 'w' for '--output-error': 'warn', 'warn-nopipe', 'exit' or \
             'exit-nopipe'\nTry 'cobroadcast --help' for more information.\n",
        )
        .code(1);
}

// Nothing was copied.
#[test]
fn more_files_than_may_be_open_are_told_and_the_others_get_all() {
    let others = ["", "--when-full=spill"];
    for option in others {
        let dir = Dir::new();
        let script =
            format!(r#"ulimit -n 60; seq 3 | "$cobroadcast" {option} $(seq -f 'copy%g' 100)"#);
        sh(&script)
            .dir(dir.path(""))
            .run()
            .stdout("1\n2\n3\n")
            .stderr_contains("cobroadcast: copy100: Too many open files\n")
            .code(1);
        assert_eq!(fs::read(dir.path("copy1")).expect("read"), b"1\n2\n3\n");
    }
}

#[test]
fn many_files_are_opened_whatever_the_limit_is_at_first() {
    let dir = Dir::new();
    let script = r#"ulimit -Sn 60; seq 3 | "$cobroadcast" $(seq -f 'copy%g' 100)"#;
    sh(script)
        .dir(dir.path(""))
        .run()
        .stdout("1\n2\n3\n")
        .stderr("")
        .code(0);
    assert_eq!(fs::read(dir.path("copy100")).expect("read"), b"1\n2\n3\n");
}

#[test]
fn bytes_of_a_name_that_a_terminal_would_obey_are_shown_escaped() {
    let dir = Dir::new();
    let output = cobroadcast(["--debug", "--queue=1M", "a\x1b[31m\nb"])
        .dir(dir.path(""))
        .run();
    output
        .stderr_contains("cobroadcast: debug: a\\u{1b}[31m\\nb: when full: block")
        .code(0);
    assert!(!output.stderr.contains(&0x1b));
}
