//! Going on where the run before ended, however it ended.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;

use super::{cofollow, contains, lines, numbers, through_shell, wait_for_a_full_pipe};
use crate::util::{Cmd, Dir, wait_until};

/// One run to the end of what is there: what it printed.
fn run<'a>(dir: &Dir, args: impl IntoIterator<Item = &'a str>) -> Cmd {
    cofollow(dir, ["--resume", "state", "--until-idle=1ms"]).args(args)
}

#[test]
fn the_first_run_starts_as_it_is_told_and_the_next_where_it_ended() {
    let dir = Dir::new();
    dir.write("log", lines("old", 20));
    run(&dir, ["-n1", "log"])
        .run()
        .stdout(&lines("old", 20)[lines("old", 19).len()..])
        .stderr("")
        .code(0);
    // Nothing is new, and where to start is no question any more.
    run(&dir, ["-n+1", "log"])
        .run()
        .stdout("")
        .stderr("")
        .code(0);
    dir.append("log", lines("new", 20));
    run(&dir, ["log"])
        .run()
        .stdout(lines("new", 20))
        .stderr("")
        .code(0);
    let state = fs::read_to_string(dir.path("state")).expect("text");
    assert!(
        state.starts_with("cofollow state 1\nname present log\n  file "),
        "{state}"
    );
}

#[test]
fn whatever_ends_it_the_next_run_goes_on() {
    let dir = Dir::new();
    dir.write("log", "");
    let ends: [(&[&str], Option<&str>); 6] = [
        (&[], Some("TERM")),
        (&[], Some("INT")),
        (&[], Some("HUP")),
        (&["--no-follow"], None),
        (&["--until-idle=1ms"], None),
        (&["--until-idle=1ms", "-H"], None),
    ];
    let mut number = 0;
    for (args, signal) in ends.iter().cycle().take(12) {
        let mut expected = String::new();
        for _ in 0..1000 {
            number += 1;
            writeln!(expected, "line {number}").expect("a string takes all");
        }
        let half = expected.len() / 2;
        dir.append("log", &expected[..half]);
        let command = cofollow(&dir, ["-n+1", "--resume=state", "log"]).args(*args);
        let mut printed = Vec::new();
        if let Some(signal) = signal {
            let whole = &expected[..=expected[..half].rfind('\n').expect("lines")];
            let running = command.spawn();
            running.wait_for_stdout(|out| out == whole.as_bytes());
            running.kill(signal);
            printed.extend(running.wait().stdout);
        } else {
            let output = command.run();
            output.stderr("").code(0);
            printed.extend(output.stdout);
        }
        dir.append("log", &expected[half..]);
        let rest = run(&dir, ["log"]).run();
        rest.stderr("").code(0);
        printed.extend(rest.stdout);
        let printed = String::from_utf8(printed).expect("text");
        let printed = printed.replace("log:", "");
        assert!(printed == expected, "{args:?} {signal:?}\n{printed}");
    }
}

#[test]
fn a_reader_that_leaves_a_quiet_file_has_what_it_read() {
    let dir = Dir::new();
    dir.write("log", "1\n2\n");
    let (running, stdout) = cofollow(&dir, ["--resume=state", "log"]).spawn_unread();
    let mut stdout = BufReader::new(stdout);
    for _ in 0..2 {
        stdout.read_line(&mut String::new()).expect("read");
    }
    drop(stdout);
    running.wait().signal(13);
    dir.append("log", "3\n");
    run(&dir, ["log"]).run().stdout("3\n").stderr("").code(0);
}

#[test]
fn a_reader_that_leaves_in_the_middle_loses_only_what_it_was_given() {
    let dir = Dir::new();
    let text = numbers(0..200_000);
    dir.write("log", &text);
    let (running, mut stdout) = cofollow(&dir, ["-n+1", "--resume=state", "log"]).spawn_unread();
    let mut read = vec![0; 1000];
    stdout.read_exact(&mut read).expect("read");
    drop(stdout);
    running.wait().signal(13);
    let rest = run(&dir, ["log"]).run();
    rest.stderr("").code(0);
    assert!(text.as_bytes().ends_with(&rest.stdout));
    let given = text.len() - rest.stdout.len();
    // What a pipe holds may have been written, and no more.
    assert!((1000 - 7..=1000 + (1 << 20)).contains(&given), "{given}");
    assert!(text[..given].ends_with('\n'));
}

#[test]
fn what_nobody_took_before_the_signal_comes_in_the_next_run() {
    for args in [&["log"][..], &["-H", "log"]] {
        let dir = Dir::new();
        let text = numbers(0..200_000);
        dir.write("log", &text);
        let command = cofollow(&dir, ["-n+1", "--resume=state"]).args(args);
        let (running, mut stdout) = command.spawn_unread();
        wait_for_a_full_pipe(&running, &stdout);
        running.kill("TERM");
        running.wait().stderr_contains("not all output was taken");
        let mut printed = String::new();
        stdout.read_to_string(&mut printed).expect("read");
        // Nearly always it is cut within a line; where depends on how it came into the pipe.
        let cut = printed.rfind('\n').expect("lines") + 1;
        let rest = run(&dir, args.iter().copied()).run();
        rest.stderr("").code(0);
        if args.contains(&"-H") {
            // The line at which the output was cut comes again, as a whole.
            printed.truncate(cut);
        }
        printed += &String::from_utf8(rest.stdout).expect("text");
        assert!(printed.replace("log:", "") == text);
    }
}

// What the first signal saves is all that the second leaves.
#[test]
fn what_was_written_is_saved_before_a_second_signal_can_end_it() {
    for prefix in ["", "log:"] {
        let dir = Dir::new();
        let text = numbers(0..200_000);
        dir.write("log", &text);
        let arg = if prefix.is_empty() { "-q" } else { "-H" };
        let command = cofollow(&dir, ["-n+1", "--resume=state", arg, "log"]);
        let (mut running, mut stdout) = command.spawn_unread();
        wait_for_a_full_pipe(&running, &stdout);
        running.kill("TERM");
        let shown = text.replace('\n', &format!("\n{prefix}"));
        let shown = prefix.to_owned() + &shown[..shown.len() - prefix.len()];
        let mut taken = String::new();
        wait_until("all that was written to be saved", || {
            let held = rustix::io::ioctl_fionread(&stdout).expect("a pipe");
            shown[..usize::try_from(held).expect("a length")].clone_into(&mut taken);
            if !prefix.is_empty() {
                taken.truncate(taken.rfind('\n').expect("lines") + 1);
            }
            let position = taken.replace("log:", "").len();
            let state = fs::read(dir.path("state")).expect("it was saved at the start");
            contains(&state, &format!(" position {position} "))
        });
        running.kill_until_it_ends("TERM");
        running.wait().stderr("").signal(15);
        let mut printed = String::new();
        stdout.read_to_string(&mut printed).expect("read");
        assert!(printed.starts_with(&taken));
        let rest = run(&dir, [arg, "log"]).run();
        rest.stderr("").code(0);
        // With a prefix the line at which the output was cut comes again, as a whole.
        taken += &String::from_utf8(rest.stdout).expect("text");
        assert!(taken == shown);
    }
}

#[test]
fn an_output_that_is_full_within_a_line_is_gone_on_with_there() {
    let dir = Dir::new();
    let text = numbers(0..200_000);
    dir.write("log", &text);
    let full = "trap '' XFSZ; ulimit -f 64; exec \"$@\" >> out";
    let args = ["-n+1", "--no-follow", "--resume=state", "log"];
    through_shell(&dir, full, args)
        .run()
        .stderr_contains("File too large")
        .code(1);
    let printed = fs::read(dir.path("out")).expect("read");
    assert!(!printed.ends_with(b"\n"), "it was cut within a line");
    through_shell(&dir, "exec \"$@\" >> out", args)
        .run()
        .stderr("")
        .code(0);
    assert!(fs::read(dir.path("out")).expect("read") == text.as_bytes());
}

#[test]
fn an_unfinished_line_is_left_to_the_run_that_has_its_end() {
    for end in [&["--until-idle=1ms"][..], &["--no-follow"], &[]] {
        let dir = Dir::new();
        dir.write("log", "1\nha");
        dir.write("other", "2\nother ha");
        let args = ["--resume=state", "-q", "log", "other"];
        let command = cofollow(&dir, args).args(end);
        if end.is_empty() {
            let running = command.spawn();
            running.wait_for_stdout(|out| out == b"1\n2\n");
            running.kill("INT");
            running.wait().stdout("1\n2\n").signal(2);
        } else {
            command.run().stdout("1\n2\n").stderr("").code(0);
        }
        dir.append("log", "lf\n");
        dir.append("other", "lf\n");
        run(&dir, ["-q", "log", "other"])
            .run()
            .stdout("half\nother half\n")
            .stderr("")
            .code(0);
    }
}

#[test]
fn only_whole_lines_can_be_gone_on_with() {
    let dir = Dir::new();
    dir.write("log", "1\nha");
    cofollow(&dir, ["--resume=state", "--partial-after=1ms", "log"])
        .run()
        .stdout("")
        .stderr_contains("'--resume' cannot be used with '--partial-after'")
        .code(1);
    assert!(!dir.path("state").exists());
}

#[test]
fn lines_that_end_in_nul() {
    let dir = Dir::new();
    dir.write("log", "a\n1\0b\n");
    run(&dir, ["-z", "log"])
        .run()
        .stdout("a\n1\0")
        .stderr("")
        .code(0);
    dir.append("log", "2\0c\0");
    run(&dir, ["-z", "log"])
        .run()
        .stdout("b\n2\0c\0")
        .stderr("")
        .code(0);
}

#[test]
fn by_descriptor_too() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    run(&dir, ["-f", "log"])
        .run()
        .stdout("1\n")
        .stderr("")
        .code(0);
    dir.append("log", "2\n");
    run(&dir, ["-f", "log"])
        .run()
        .stdout("2\n")
        .stderr("")
        .code(0);
}

#[test]
fn a_cron_job_gets_each_line_once() {
    let dir = Dir::new();
    let mut number = 0;
    let mut write = |name: &str| {
        number += 1;
        dir.append(name, format!("{number}\n"));
        format!("{number}\n")
    };
    let cron = || cofollow(&dir, ["--no-follow", "--resume=state", "log"]).run();
    let mut expected = write("log");
    cron().stdout(&expected).stderr("").code(0);
    cron().stdout("").stderr("").code(0);
    for rotation in 1..4 {
        expected = write("log");
        expected += &write("log");
        cron().stdout(&expected).stderr("").code(0);
        expected = write("log");
        dir.rename("log", &format!("log-2026112{rotation}"));
        expected += &write("log");
        cron().stdout(&expected).stderr("").code(0);
    }
    // A missing file is told each time, and is no end of the rest.
    dir.rename("log", "log-20261125");
    cron()
        .stdout("")
        .stderr("cofollow: cannot open 'log' for reading: No such file or directory\n");
    expected = write("log");
    cron().stdout(&expected).stderr("").code(0);
}

#[test]
fn a_second_one_with_the_same_state_is_refused_while_the_first_runs() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    let running = cofollow(&dir, ["--resume=state", "log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    for _ in 0..3 {
        run(&dir, ["log"])
            .run()
            .stdout("")
            .stderr("cofollow: state: in use by another process\n")
            .code(1);
        dir.append("log", "2\n");
    }
    running.wait_for_stdout(|out| out == b"1\n2\n2\n2\n");
    running.kill("KILL");
    running.wait().signal(9);
    dir.append("log", "3\n");
    let rest = run(&dir, ["log"]).run();
    rest.stderr("").code(0);
    assert!(rest.stdout.ends_with(b"3\n"));
}

// Each save replaced the file, with all that had been printed to it.
#[test]
fn a_state_that_is_also_written_to_is_refused() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    fs::create_dir(dir.path("sub")).expect("made");
    let run = |to: &str| {
        let script = format!("\"$1\" --resume=state --no-follow -n+1 log {to}");
        through_shell(&dir, &script, []).run()
    };
    let read = |name: &str| fs::read_to_string(dir.path(name)).expect("read");
    for to in ["> state", ">> state", ">> sub/../state"] {
        run(to)
            .stderr("cofollow: state: the state is also the output\n")
            .code(1);
        assert_eq!(read("state"), "");
    }
    run("2>> state").stdout("").code(1);
    let told = "cofollow: state: the state is also standard error\n";
    assert_eq!(read("state"), told);
}

#[test]
fn what_is_no_state_is_refused_and_not_touched() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    for (text, why) in [
        ("important\n", "not a state of cofollow"),
        (
            "cofollow state 1\nname present log\n",
            "the rest of the state is missing",
        ),
        ("cofollow state 2\nend 0\n", "version 2"),
        ("\n", "not a state of cofollow"),
    ] {
        dir.write("state", text);
        let inode = dir.path("state").metadata().expect("there").ino();
        run(&dir, ["log"])
            .run()
            .stdout("")
            .stderr_contains(why)
            .code(1);
        assert_eq!(fs::read_to_string(dir.path("state")).expect("text"), text);
        assert_eq!(dir.path("state").metadata().expect("there").ino(), inode);
    }
    dir.remove("state");
    fs::create_dir(dir.path("state")).expect("made");
    run(&dir, ["log"])
        .run()
        .stdout("")
        .stderr_contains("state")
        .code(1);
    cofollow(&dir, ["--resume=missing/state", "--no-follow", "log"])
        .run()
        .stdout("")
        .stderr("cofollow: missing/state: No such file or directory\n")
        .code(1);
    cofollow(&dir, ["--resume=/dev/null", "--no-follow", "log"])
        .run()
        .stdout("")
        .stderr_contains("not a regular file")
        .code(1);
}

#[test]
fn standard_input_cannot_be_gone_on_in() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    for args in [&[][..], &["-"], &["log", "-"]] {
        run(&dir, args.iter().copied())
            .stdin("2\n")
            .run()
            .stdout("")
            .stderr("cofollow: cannot go on in '-' with --resume\n")
            .code(1);
    }
}

#[test]
fn an_output_that_fails_leaves_its_lines_to_the_next_run() {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        return;
    };
    let dir = Dir::new();
    dir.write("log", "1\n2\n");
    run(&dir, ["log"])
        .stdout_to(full)
        .run()
        .stderr("cofollow: write error: No space left on device\n")
        .code(1);
    run(&dir, ["log"]).run().stdout("1\n2\n").stderr("").code(0);
}

#[test]
fn several_files_and_patterns_share_a_state() {
    let dir = Dir::new();
    for name in ["a", "b", "c.log"] {
        dir.write(name, format!("{name} 1\n"));
    }
    let args = ["-q", "a", "b", "*.log"];
    run(&dir, args)
        .run()
        .stdout("a 1\nb 1\nc.log 1\n")
        .stderr("")
        .code(0);
    for name in ["a", "b", "c.log"] {
        dir.append(name, format!("{name} 2\n"));
    }
    // One that is not followed now keeps its place.
    run(&dir, ["-q", "b"])
        .run()
        .stdout("b 2\n")
        .stderr("")
        .code(0);
    dir.append("b", "b 3\n");
    run(&dir, args)
        .run()
        .stdout("a 2\nb 3\nc.log 2\n")
        .stderr("")
        .code(0);
    run(&dir, args).run().stdout("").stderr("").code(0);
}

#[test]
fn its_state_is_kept_while_it_runs() {
    let dir = Dir::new();
    dir.write("log", "");
    let running = cofollow(&dir, ["--resume=state", "log"]).spawn();
    let saved = |position: &str| {
        let state = fs::read(dir.path("state")).unwrap_or_default();
        contains(&state, &format!(" position {position} "))
    };
    for (line, position) in [("1\n", "2"), ("2\n", "4"), ("3\n", "6")] {
        dir.append("log", line);
        wait_until("it to be saved", || saved(position));
    }
    running.kill("KILL");
    running.wait().stdout("1\n2\n3\n").signal(9);
    run(&dir, ["log"]).run().stdout("").stderr("").code(0);
}

#[test]
fn a_pattern_that_matches_the_state_does_not_mean_it() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    for line in ["1\n", "2\n", "3\n"] {
        if line != "1\n" {
            dir.append("log", line);
        }
        cofollow(
            &dir,
            ["--resume=log.state", "--until-idle=200ms", "-q", "log*"],
        )
        .run()
        .stdout(line)
        .stderr("")
        .code(0);
    }
}

// What it printed was saved, which changed what was printed, without end.
#[test]
fn its_state_is_refused_by_whatever_name() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    std::os::unix::fs::symlink("state", dir.path("link")).expect("linked");
    let script = "ulimit -f 1000; exec \"$@\" >> out";
    let args = ["--resume=state", "--until-idle=100ms", "-q"];
    let refused = "cofollow: state: input file is also the state
cofollow: link: input file is also the state
";
    through_shell(
        &dir,
        script,
        args.into_iter().chain(["log", "state", "link"]),
    )
    .run()
    .stderr(refused)
    .code(1);
    dir.append("log", "2\n");
    through_shell(&dir, script, args.into_iter().chain(["log", "l*k"]))
        .run()
        .stderr("cofollow: cannot open 'l*k' for reading: No such file or directory\n")
        .code(1);
    assert_eq!(fs::read(dir.path("out")).expect("read"), b"1\n2\n");
}
