//! Options: which of them wins, what they do while following, and what is refused.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use super::{cofollow, contains, occurrences};
use crate::util::{Cmd, Dir};

const FIVE: &str = "1\n2\n3\n4\n5\n";

#[test]
fn the_last_of_the_ways_to_follow_wins() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    for (args, by_name) in [
        (&["-f", "-F"][..], true),
        (&["-F", "-f"], false),
        (&["-f", "--follow=name"], true),
        (&["--follow=name", "--follow"], false),
        (&["--follow=n", "--follow=desc"], false),
        (&["--follow=descriptor", "--fol=n"], true),
        (&["--no-follow", "-F"], true),
        (&["--no-fol", "-f"], false),
    ] {
        dir.write("log", "1\n");
        let running = cofollow(&dir, args.iter().chain(&["log"]).copied()).spawn();
        running.wait_for_stdout(|out| out == b"1\n");
        dir.rename("log", "old");
        dir.append("log", "new\n");
        if by_name {
            running.wait_for_stdout(|out| out == b"1\nnew\n");
        }
        dir.append("old", "old\n");
        let expected: &[u8] = if by_name {
            b"1\nnew\nold\n"
        } else {
            b"1\nold\n"
        };
        running.wait_for_stdout(|out| out == expected);
        running.kill("TERM");
        running.wait().stdout(expected).signal(15);
    }
    for args in [["-f", "--no-follow"], ["--follow=name", "--no-f"]] {
        dir.write("log", "1\n");
        cofollow(&dir, args.iter().chain(&["log"]).copied())
            .run()
            .stdout("1\n")
            .stderr("")
            .code(0);
    }
}

#[test]
fn what_is_no_way_to_follow_is_refused() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    for (arg, why) in [
        ("--follow=x", "invalid argument 'x' for '--follow'"),
        ("--follow=", "invalid argument '' for '--follow'"),
        ("--follow=names", "invalid argument 'names' for '--follow'"),
        ("--pid=x", "invalid PID: 'x'"),
        ("--pid=-1", "invalid PID: '-1'"),
        (
            "--pid=99999999999",
            "invalid PID: '99999999999': Value too large for defined data type\n",
        ),
        ("-Q", "cofollow: invalid option -- 'Q'\n"),
        ("-fQ", "cofollow: invalid option -- 'Q'\n"),
        ("--quiet=1", "option '--quiet' doesn't allow an argument\n"),
        ("-sx", "invalid number of seconds: 'x'"),
        ("-s-1", "invalid number of seconds: '-1'"),
        ("--sleep-interval=", "invalid number of seconds: ''"),
        ("--partial-after=soon", "--partial-after"),
        ("-cx", "invalid number of bytes: 'x'"),
        ("--resume=", "option '--resume' needs the name of a file\n"),
        ("--re", "ambiguous"),
        ("--unknown", "unrecognized option '--unknown'"),
    ] {
        let output = cofollow(&dir, [arg, "log"]).run();
        output.stdout("").stderr_contains(why).code(1);
        output.stderr_contains("Try 'cofollow --help'");
    }
    cofollow(&dir, ["log", "-n"])
        .run()
        .stderr_contains("cofollow: option requires an argument -- 'n'\n")
        .code(1);
}

#[test]
fn without_retry_a_missing_file_is_given_up() {
    let dir = Dir::new();
    for arg in ["-f", "--follow=name"] {
        cofollow(&dir, [arg, "missing"])
            .run()
            .stdout("")
            .stderr(
                "cofollow: cannot open 'missing' for reading: No such file or directory\n\
                 cofollow: no files remaining\n",
            )
            .code(1);
    }
    // The others are followed.
    dir.write("log", "1\n");
    let running = cofollow(&dir, ["-f", "missing", "log"]).spawn();
    running.wait_for_stdout(|out| out == b"==> log <==\n1\n");
    dir.append("missing", "no\n");
    dir.append("log", "2\n");
    running.wait_for_stdout(|out| out == b"==> log <==\n1\n2\n");
}

#[test]
fn by_name_without_retry_it_ends_when_the_name_is_gone_and_its_writer_silent() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    let running = cofollow(&dir, ["--follow=name", "log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    dir.remove("log");
    running
        .wait()
        .stdout("1\n")
        .stderr(
            "cofollow: 'log' has become inaccessible: No such file or directory\n\
             cofollow: no files remaining\n",
        )
        .code(1);
}

#[test]
fn retry_means_something_only_when_following() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    cofollow(&dir, ["--retry", "--no-follow", "log"])
        .run()
        .stdout("1\n")
        .stderr("cofollow: warning: --retry ignored; --retry is useful only when following\n")
        .code(0);
    let running = cofollow(&dir, ["--retry", "-f", "late"]).spawn();
    running.wait_for_stderr(|err| {
        err == b"cofollow: warning: --retry only effective for the initial open\n\
                 cofollow: cannot open 'late' for reading: No such file or directory\n"
    });
    dir.append("late", "1\n");
    running.wait_for_stdout(|out| out == b"1\n");
    // From then on it is the file that is followed.
    dir.rename("late", "old");
    dir.append("late", "no\n");
    dir.append("old", "2\n");
    running.wait_for_stdout(|out| out == b"1\n2\n");
    let running = cofollow(&dir, ["--retry", "--follow=name", "later"]).spawn();
    running.wait_for_stderr(|err| {
        err == b"cofollow: cannot open 'later' for reading: No such file or directory\n"
    });
    dir.append("later", "1\n");
    running.wait_for_stdout(|out| out == b"1\n");
}

#[test]
fn it_ends_with_the_processes_and_after_what_they_wrote() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    let mut writers = Vec::new();
    for line in ["2", "3"] {
        // Each writes when it is told to end, as the last thing it does.
        let script = format!("read line; echo {line} >>log");
        writers.push(
            Cmd::new("sh")
                .args(["-c", &script])
                .dir(dir.path(""))
                .spawn(),
        );
    }
    let pids: Vec<String> = writers
        .iter()
        .map(|writer| format!("--pid={}", writer.pid()))
        .collect();
    let running = cofollow(&dir, ["log"]).args(&pids).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    let last = writers.pop().expect("two");
    for mut writer in writers {
        writer.send("go\n");
        writer.wait().code(0);
    }
    running.wait_for_stdout(|out| out == b"1\n2\n");
    dir.append("log", "between\n");
    running.wait_for_stdout(|out| out == b"1\n2\nbetween\n");
    let mut last = last;
    last.send("go\n");
    last.wait().code(0);
    running
        .wait()
        .stdout("1\n2\nbetween\n3\n")
        .stderr("")
        .code(0);
}

// As in tail. It was the end at once.
#[test]
fn process_0_never_ends() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    let gone = Cmd::new("true").spawn();
    let pid = format!("--pid={}", gone.pid());
    gone.wait().code(0);
    let running = cofollow(&dir, ["--pid=0", &pid, "log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    dir.append("log", "2\n");
    running.wait_for_stdout(|out| out == b"1\n2\n");
}

#[test]
fn a_process_that_has_ended_is_the_end_of_what_is_there() {
    let dir = Dir::new();
    dir.write("log", "1\nhalf");
    let gone = Cmd::new("true").spawn();
    let pid = format!("--pid={}", gone.pid());
    gone.wait().code(0);
    for arg in ["-F", "-f"] {
        cofollow(&dir, [arg, &pid, "log"])
            .run()
            .stdout("1\nhalf")
            .stderr("")
            .code(0);
    }
    cofollow(&dir, ["--no-follow", &pid, "log"])
        .run()
        .stdout("1\nhalf")
        .stderr("cofollow: warning: PID ignored; --pid=PID is useful only when following\n")
        .code(0);
}

#[test]
fn lines_may_end_in_nul() {
    let dir = Dir::new();
    dir.write("log", "a\nb\0c\0d\0");
    let running = cofollow(&dir, ["-z", "-n2", "--partial-after=1h", "log"]).spawn();
    running.wait_for_stdout(|out| out == b"c\0d\0");
    dir.append("log", "e\n");
    dir.append("log", "f\0");
    running.wait_for_stdout(|out| out == b"c\0d\0e\nf\0");
    cofollow(&dir, ["-z", "-n+2", "--until-idle=1ms", "log"])
        .run()
        .stdout("c\0d\0e\nf\0")
        .code(0);
    cofollow(&dir, ["-z", "-n2", "--until-idle=1ms", "-H", "log"])
        .run()
        .stdout("log:d\0log:e\nf\0")
        .code(0);
}

#[test]
fn headers_are_for_several_files_or_as_it_is_said() {
    let dir = Dir::new();
    dir.write("a", "a\n");
    dir.write("b", "b\n");
    for (args, expected) in [
        (&["a"][..], "a\n"),
        (&["-v", "a"], "==> a <==\na\n"),
        (&["-q", "-v", "a"], "==> a <==\na\n"),
        (&["a", "b"], "==> a <==\na\n\n==> b <==\nb\n"),
        (&["-q", "a", "b"], "a\nb\n"),
        (&["-v", "--silent", "a", "b"], "a\nb\n"),
        (&["-H", "a"], "a:a\n"),
        (&["-H", "a", "b"], "a:a\nb:b\n"),
        (&["-q", "-H", "a", "b"], "a:a\nb:b\n"),
        (&["-H", "-q", "a", "b"], "a\nb\n"),
        (
            &["--with-f", "--verb", "a", "b"],
            "==> a <==\na\n\n==> b <==\nb\n",
        ),
    ] {
        let args = args.iter().chain(&["--until-idle=1ms"]).copied();
        cofollow(&dir, args)
            .run()
            .stdout(expected)
            .stderr("")
            .code(0);
    }
}

// While following it showed U+FFFD.
#[test]
fn a_name_that_is_not_utf_8_is_shown_as_it_is() {
    let dir = Dir::new();
    let name = OsStr::from_bytes(b"a\xff.log");
    if fs::write(dir.path("").join(name), "1\n").is_err() {
        // Not all systems have such names.
        return;
    }
    for (args, expected) in [
        (&["-v"][..], &b"==> a\xff.log <==\n1\n"[..]),
        (&["-v", "--no-follow"], b"==> a\xff.log <==\n1\n"),
        (&["-H"], b"a\xff.log:1\n"),
        (&["-H", "--no-follow"], b"a\xff.log:1\n"),
        (&["-H", "--resume=state"], b"a\xff.log:1\n"),
        // All of it has been written.
        (&["-H", "--resume=state"], b""),
    ] {
        let args = args.iter().chain(&["--until-idle=1ms"]).copied();
        let output = cofollow(&dir, args).arg(name).run();
        output.stdout(expected).stderr("").code(0);
    }
    let output = cofollow(&dir, ["--no-follow"])
        .arg(OsStr::from_bytes(b"b\xff"))
        .run();
    output
        .stderr_contains("cannot open 'b\u{fffd}' for reading")
        .code(1);
}

#[test]
fn a_name_before_each_line_is_there_once_for_a_line_that_came_in_parts() {
    let dir = Dir::new();
    dir.write("log", "1\nha");
    let running = cofollow(&dir, ["-H", "--partial-after=1ms", "log"]).spawn();
    running.wait_for_stdout(|out| out == b"log:1\nlog:ha");
    dir.append("log", "l");
    running.wait_for_stdout(|out| out == b"log:1\nlog:hal");
    dir.append("log", "f\n2\n");
    running.wait_for_stdout(|out| out == b"log:1\nlog:half\nlog:2\n");
}

#[test]
fn an_unfinished_line_is_passed_on_by_itself_or_held() {
    let dir = Dir::new();
    dir.write("log", "1\nha");
    dir.write("other", "2\n");
    // One file: after a second, unless it is said.
    let running = cofollow(&dir, ["log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\nha");
    // Several: where it is said; another's line does not come into it.
    let running = cofollow(&dir, ["-q", "--partial-after=1ms", "log", "other"]).spawn();
    running.wait_for_stdout(|out| contains(out, "ha") && contains(out, "2\n"));
    dir.append("other", "3\n");
    running.wait_for_stdout(|out| contains(out, "ha\n") && contains(out, "3\n"));
    dir.append("log", "lf\n");
    running.wait_for_stdout(|out| out.ends_with(b"3\nlf\n"));
}

#[test]
fn starts_count_where_it_follows_too() {
    for (arg, expected) in [
        ("-n0", ""),
        ("-0", ""),
        ("-2", "4\n5\n"),
        ("-2f", "4\n5\n"),
        ("+4", "4\n5\n"),
        ("+4f", "4\n5\n"),
        ("-c3", "\n5\n"),
        ("-c+8", "\n5\n"),
        ("-c0", ""),
        ("-c1K", FIVE),
        ("-4cf", "4\n5\n"),
        ("--bytes=+99", ""),
    ] {
        let dir = Dir::new();
        dir.write("log", FIVE);
        let running = cofollow(&dir, [arg, "--debug", "log"]).spawn();
        running.wait_for_stderr(|err| contains(err, "reading from byte"));
        dir.append("log", "6\n");
        let expected = expected.to_owned() + "6\n";
        running.wait_for_stdout(|out| out == expected.as_bytes());
        running.kill("TERM");
        running.wait().stdout(expected).signal(15);
    }
}

// It has no length, so that it seemed truncated whenever it was looked at, and came again.
#[test]
fn what_is_made_up_as_it_is_read_is_looked_at_and_comes_once() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let dir = Dir::new();
    let args = ["-s1ms", "--until-idle=300ms", "--debug", "/proc/version"];
    let output = cofollow(&dir, args).run();
    output
        .stdout(fs::read("/proc/version").expect("read"))
        .stderr_contains("looking at it from time to time")
        .code(0);
    assert!(!contains(&output.stderr, "truncated"));
}

#[test]
fn details_are_told_only_when_asked_for() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    let running = cofollow(&dir, ["--debug", "log"]).spawn();
    running.wait_for_stderr(|err| contains(err, "log: reading from byte 0\n"));
    dir.rename("log", "log.1");
    fs::write(dir.path("log"), "2\n").expect("written");
    running.wait_for_stdout(|out| out == b"1\n2\n");
    running.wait_for_stderr(|err| occurrences(err, "log: reading from byte 0\n") == 2);
}

#[test]
fn totals_are_told_at_the_end() {
    let dir = Dir::new();
    dir.write("log", "1\n2\n3\n");
    let output = cofollow(&dir, ["--stats", "--until-idle=1ms", "log"]).run();
    output.stdout("1\n2\n3\n").code(0);
    assert!(contains(&output.stderr, "cofollow: 3 lines"));
}

#[test]
fn what_cannot_be_watched_is_looked_at_before_silence_ends_it() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    let args = ["-s3600", "--until-idle=3s", "log"];
    let Some(follow) = super::faults::without("max_inotify_instances", &dir, &args) else {
        return;
    };
    let running = follow.spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    dir.append("log", "2\n");
    running.wait().stdout("1\n2\n").stderr("").code(0);
}

#[test]
fn a_value_may_begin_with_a_minus() {
    let dir = Dir::new();
    for (option, message) in [
        ("--pid", "invalid PID: '-1'"),
        ("-s", "invalid number of seconds: '-1'"),
        ("--until-idle", "invalid value '-1' for '--until-idle'"),
    ] {
        let output = cofollow(&dir, [option, "-1", "log"]).run();
        output.stdout("").stderr_contains(message).code(1);
    }
}
