//! Quoted patterns: what matches now and later.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use super::{cofollow, contains, lines, occurrences, through_shell, while_stopped};
use crate::util::{Dir, Running, wait_until};

/// Follows a pattern, and has printed what was there.
fn following(dir: &Dir, args: &[&str], expected: &str) -> Running {
    let running = cofollow(dir, args.iter().copied()).spawn();
    running.wait_for_stdout(|out| out == expected.as_bytes());
    running
}

#[test]
fn what_is_there_comes_from_its_end_and_what_comes_from_its_start() {
    let dir = Dir::new();
    dir.write("a.log", "a1\na2\n");
    dir.write("b.log", "b1\nb2\n");
    dir.write("c.txt", "c\n");
    let running = following(&dir, &["-H", "-n1", "*.log"], "a.log:a2\nb.log:b2\n");
    dir.append("c.log", "c1\nc2\n");
    running.wait_for_stdout(|out| out.ends_with(b"b2\nc.log:c1\nc.log:c2\n"));
    dir.append("c.txt", "no\n");
    dir.append("a.log", "a3\n");
    running.wait_for_stdout(|out| out.ends_with(b"c2\na.log:a3\n"));
    dir.append("c.log", "c3\n");
    running.wait_for_stdout(|out| out.ends_with(b"a3\nc.log:c3\n"));
}

#[test]
fn a_pattern_has_headers_as_several_files_have() {
    let dir = Dir::new();
    dir.write("a.log", "a\n");
    let running = following(&dir, &["*.log"], "==> a.log <==\na\n");
    dir.append("b.log", "b\n");
    running.wait_for_stdout(|out| out == b"==> a.log <==\na\n\n==> b.log <==\nb\n");
}

#[test]
fn nothing_that_matches_is_told_and_waited_for() {
    let dir = Dir::new();
    let running = cofollow(&dir, ["-q", "later/*.log"]).spawn();
    running.wait_for_stderr(|err| {
        err == b"cofollow: cannot open 'later/*.log' for reading: No such file or directory\n"
    });
    fs::create_dir(dir.path("later")).expect("made");
    dir.append("later/a.log", "1\n");
    running.wait_for_stdout(|out| out == b"1\n");
    cofollow(&dir, ["--until-idle=1ms", "*.none"])
        .run()
        .stdout("")
        .stderr("cofollow: cannot open '*.none' for reading: No such file or directory\n")
        .code(1);
}

// Two logs of one program, with the same banner: the second was taken for a copy of the first, and nothing of it came.
#[test]
fn a_log_that_begins_as_another_is_followed() {
    let dir = Dir::new();
    let banner = "#".repeat(80) + "\n";
    dir.write("app.log", format!("{banner}a1\n"));
    let expected = format!("{banner}a1\n");
    let running = following(&dir, &["-q", "-n+1", "*.log"], &expected);
    dir.append("app-2.log", &banner);
    dir.append("app.log", "a2\n");
    let expected = format!("{banner}a1\na2\n");
    running.wait_for_stdout(|out| out == expected.as_bytes());
    let held = "cofollow: app-2.log: may be a copy of app.log; held until it differs, or for 10 s of \
                silence\n";
    running.wait_for_stderr(|err| err == held.as_bytes());
    dir.append("app-2.log", "b1\n");
    let expected = format!("{expected}{banner}b1\n");
    running.wait_for_stdout(|out| out == expected.as_bytes());
    let told = format!("{held}cofollow: app-2.log: no copy; reading it\n");
    running.wait_for_stderr(|err| err == told.as_bytes());
}

#[test]
fn what_was_held_as_a_copy_and_is_one_is_told_to_be() {
    let dir = Dir::new();
    let text = lines("app", 20);
    dir.write("app.log", &text);
    let running = following(&dir, &["-q", "-n+1", "app.log*"], &text);
    // At once: one that is begun, and stays empty for a second on a busy machine, is taken for a log.
    dir.write("new", &text);
    dir.rename("new", "app.log.1");
    running.wait_for_stderr(|err| contains(err, "app.log.1: may be a copy of app.log; held"));
    dir.write("app.log", "");
    let is_told = "app.log.1: a copy of app.log; what is in both comes once\n";
    running.wait_for_stderr(|err| contains(err, is_told));
    dir.append("app.log", "next\n");
    running.wait_for_stdout(|out| out == format!("{text}next\n").as_bytes());
}

// What is made of a log begins as it does, and may be the beginning of its copy: a second later that is known. With a
// signal before that it was lost.
#[test]
fn what_may_be_a_copy_comes_at_a_signal_or_in_the_next_run() {
    for state in [None, Some("--resume=state")] {
        let dir = Dir::new();
        dir.write("log", "1\n");
        let args = ["-q", "-n+1", "-s1h", "log*"].into_iter().chain(state);
        let running = cofollow(&dir, args.clone()).spawn();
        running.wait_for_stdout(|out| out == b"1\n");
        // Not seen before they are whole: an empty file may become anything.
        for (name, text) in [("log.1", "1\n"), ("log.2", "2\n")] {
            dir.write("new", text);
            dir.rename("new", name);
        }
        // By then the other has been seen, too.
        running.wait_for_stdout(|out| contains(out, "2\n"));
        running.kill("TERM");
        let output = running.wait();
        output.signal(15);
        let mut printed = output.stdout;
        if state.is_some() {
            let next = cofollow(&dir, args.chain(["--no-follow"])).run();
            printed.extend(&next.code(0).stdout);
        }
        // The other may have come first.
        assert_eq!(occurrences(&printed, "1\n"), 2);
        assert_eq!(printed.len(), "1\n1\n2\n".len());
    }
}

// Whether it was told depended on the order, and files that were given by name, too, did not count.
#[test]
fn each_pattern_is_told_by_itself_that_has_no_match() {
    let dir = Dir::new();
    dir.write("a.log", "a\n");
    let missing = "cofollow: cannot open '*.none' for reading: No such file or directory\n";
    for (patterns, error, status) in [
        (["*.log", "*.none"], missing, 1),
        (["*.none", "*.log"], missing, 1),
        (["*.log", "a.log"], "", 0),
        (["*.log", "a.*"], "", 0),
    ] {
        let args = ["-q", "--until-idle=1ms"].iter().chain(&patterns).copied();
        let output = cofollow(&dir, args).run();
        output.stdout("a\n").stderr(error).code(status);
    }
}

// It was told of all but the first.
#[test]
fn each_pattern_is_told_by_itself_whose_match_is_gone_since_an_earlier_run() {
    for patterns in [["a*", "*.log"], ["*.log", "a*"]] {
        let dir = Dir::new();
        dir.write("a.log", "1\n");
        let all = ["-q", "-n+1", "--until-idle=1ms", "--resume=state"];
        let args = all.into_iter().chain(patterns);
        let first = cofollow(&dir, args.clone()).run();
        first.stdout("1\n").stderr("").code(0);
        dir.remove("a.log");
        let gone = "cofollow: a.log: the file that was read up to byte 2 is gone; if more was \
                    appended, that is lost\n";
        let [one, other] = patterns.map(|pattern| {
            format!("cofollow: cannot open '{pattern}' for reading: No such file or directory\n")
        });
        let told = format!("{gone}{one}{other}");
        cofollow(&dir, args).run().stdout("").stderr(told).code(1);
    }
}

#[test]
fn a_pattern_that_asks_for_a_dot_finds_names_with_one() {
    let dir = Dir::new();
    dir.write(".a.log", "a\n");
    dir.write("b.log", "no\n");
    for pattern in [".*.log", ".a*", "./.*g"] {
        let output = cofollow(&dir, ["-q", "--no-follow", pattern]).run();
        output.stdout("a\n").stderr("").code(0);
    }
}

// Those beside `^` and `b` were followed, and `**` made it the name of a file.
#[test]
fn a_pattern_means_what_it_does_in_a_shell() {
    for pattern in ["[^b].log", "[!b].log", "?**log", "[^b]**log"] {
        let dir = Dir::new();
        dir.write("a.log", "a\n");
        dir.write("b.txt", "no\n");
        let running = following(&dir, &["-H", pattern], "a.log:a\n");
        dir.append("d.txt", "no\n");
        dir.append("c.log", "c\n");
        running.wait_for_stdout(|out| out == b"a.log:a\nc.log:c\n");
        running.kill("TERM");
        running.wait().stderr("").signal(15);
    }
}

// It panicked.
#[test]
fn a_name_that_is_not_utf_8_beside_those_that_match_harms_nothing() {
    let dir = Dir::new();
    dir.write("a.log", "a1\n");
    let odd = dir.path("").join(OsStr::from_bytes(b"b\xff.log"));
    if fs::write(&odd, "no\n").is_err() {
        // Not all systems have such names.
        return;
    }
    let running = following(&dir, &["-H", "*.log"], "a.log:a1\n");
    fs::rename(&odd, dir.path("").join(OsStr::from_bytes(b"c\xff.log"))).expect("renamed");
    dir.append("d.log", "d1\n");
    running.wait_for_stdout(|out| out.ends_with(b"a1\nd.log:d1\n"));
}

#[test]
fn an_existing_name_beats_a_pattern() {
    let dir = Dir::new();
    dir.write("a*", "star\n");
    dir.write("ab", "no\n");
    let running = following(&dir, &["a*"], "star\n");
    dir.append("ac", "no\n");
    dir.append("a*", "more\n");
    running.wait_for_stdout(|out| out == b"star\nmore\n");
}

#[test]
fn a_rotation_within_the_pattern_repeats_nothing() {
    let dir = Dir::new();
    dir.write("log", lines("first", 3));
    let mut expected = lines("first", 3);
    let running = following(&dir, &["-q", "log*"], &expected);
    for round in 1..6 {
        if round > 1 {
            for number in (1..round).rev() {
                dir.rename(&format!("log.{number}"), &format!("log.{}", number + 1));
            }
        }
        dir.rename("log", "log.1");
        let new = lines(&format!("round {round}"), 2);
        dir.append("log", &new);
        expected += &new;
        running.wait_for_stdout(|out| out == expected.as_bytes());
        dir.append("log.1", "late\n");
        expected += "late\n";
        running.wait_for_stdout(|out| out == expected.as_bytes());
    }
    running.kill("TERM");
    running.wait().stdout(expected);
}

#[test]
fn rotations_within_the_pattern_while_stopped_repeat_nothing() {
    let dir = Dir::new();
    dir.write("log", lines("first", 3));
    let mut expected = lines("first", 3);
    let running = following(&dir, &["-q", "log*"], &expected);
    while_stopped(&running, || {
        dir.append("log", "rest\n");
        for round in 1..4 {
            for number in (1..round).rev() {
                dir.rename(&format!("log.{number}"), &format!("log.{}", number + 1));
            }
            dir.rename("log", "log.1");
            dir.append("log", lines(&format!("round {round}"), 2));
        }
    });
    // Those in between never had the name while anyone looked: in which order the names are looked at is open.
    let mut all: Vec<String> = ["rest\n".to_owned()].into();
    all.extend((1..4).map(|round| lines(&format!("round {round}"), 2)));
    expected += &all.concat();
    running.wait_for_stdout(|out| out.len() >= expected.len());
    dir.append("log", "end\n");
    running.wait_for_stdout(|out| out.ends_with(b"end\n"));
    running.kill("TERM");
    let out = running.wait().stdout;
    for text in all {
        assert_eq!(occurrences(&out, &text), 1, "{text}");
    }
    assert_eq!(out.len(), expected.len() + 4);
}

#[test]
fn new_directories_are_looked_into() {
    let dir = Dir::new();
    for path in ["app1", "app2"] {
        fs::create_dir(dir.path(path)).expect("made");
    }
    dir.write("app1/a.log", "1\n");
    let running = following(&dir, &["-H", "app*/*.log"], "app1/a.log:1\n");
    dir.append("app2/b.log", "2\n");
    running.wait_for_stdout(|out| out.ends_with(b"app2/b.log:2\n"));
    fs::create_dir(dir.path("app3")).expect("made");
    dir.append("app3/c.log", "3\n");
    running.wait_for_stdout(|out| out.ends_with(b"app3/c.log:3\n"));
    dir.append("app3/c.log", "4\n");
    running.wait_for_stdout(|out| out.ends_with(b"app3/c.log:4\n"));
    // One that is filled before it has the name.
    fs::create_dir(dir.path("new")).expect("made");
    dir.write("new/d.log", "5\n");
    dir.rename("new", "app4");
    running.wait_for_stdout(|out| out.ends_with(b"app4/d.log:5\n"));
    fs::remove_dir_all(dir.path("app3")).expect("removed");
    running.wait_for_stderr(|err| contains(err, "'app3/c.log' has become inaccessible"));
    fs::create_dir(dir.path("app3")).expect("made");
    dir.append("app3/c.log", "6\n");
    running.wait_for_stdout(|out| out.ends_with(b"app3/c.log:6\n"));
}

#[test]
fn a_match_that_goes_and_comes_is_read_again_from_its_start() {
    let dir = Dir::new();
    dir.write("a.log", "1\n");
    let running = following(&dir, &["-q", "*.log"], "1\n");
    for round in 2..5 {
        dir.remove("a.log");
        running.wait_for_stderr(|err| occurrences(err, "inaccessible") == round - 1);
        dir.append("a.log", format!("{round}\n"));
        running.wait_for_stdout(|out| out.ends_with(format!("\n{round}\n").as_bytes()));
    }
    running.kill("TERM");
    running.wait().stdout("1\n2\n3\n4\n");
}

#[test]
fn a_match_that_was_moved_out_of_the_pattern_is_read_on() {
    let dir = Dir::new();
    dir.write("a.log", "1\n");
    let running = following(&dir, &["-q", "*.log"], "1\n");
    dir.rename("a.log", "a.old");
    dir.append("a.old", "2\n");
    running.wait_for_stdout(|out| out == b"1\n2\n");
    // And into it under another name: nothing comes twice.
    dir.rename("a.old", "b.log");
    dir.append("b.log", "3\n");
    running.wait_for_stdout(|out| out == b"1\n2\n3\n");
}

#[test]
fn two_patterns_that_match_one_file_read_it_once() {
    let dir = Dir::new();
    dir.write("a.log", "1\n");
    let running = following(&dir, &["-q", "*.log", "a*"], "1\n");
    dir.append("a.log", "2\n");
    running.wait_for_stdout(|out| out == b"1\n2\n");
    dir.append("ab.log", "3\n");
    running.wait_for_stdout(|out| out == b"1\n2\n3\n");
    dir.append("ab.log", "4\n");
    running.wait_for_stdout(|out| out == b"1\n2\n3\n4\n");
}

#[test]
fn a_match_that_was_rotated_is_read_on_after_it_was_let_go() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    let running = following(&dir, &["-q", "--debug", "log*"], "1\n");
    dir.rename("log", "log.1");
    dir.append("log", "2\n");
    running.wait_for_stdout(|out| out == b"1\n2\n");
    super::wait_for_silence(&running);
    // Under its new name it matches for itself.
    dir.append("log.1", "3\n");
    running.wait_for_stdout(|out| out == b"1\n2\n3\n");
    dir.rename("log.1", "log.2");
    dir.rename("log", "log.1");
    dir.append("log", "4\n");
    running.wait_for_stdout(|out| out == b"1\n2\n3\n4\n");
    dir.append("log.2", "5\n");
    running.wait_for_stdout(|out| out == b"1\n2\n3\n4\n5\n");
}

#[test]
fn the_copies_of_a_log_that_is_copied_and_truncated_repeat_nothing() {
    let dir = Dir::new();
    let mut expected = lines("app", 20);
    dir.write("app.log", &expected);
    let running = cofollow(&dir, ["-q", "-n+1", "app.log*"]).spawn();
    running.wait_for_stdout(|out| out == expected.as_bytes());
    for round in 0..3 {
        for number in (1..=round).rev() {
            dir.rename(
                &format!("app.log.{number}"),
                &format!("app.log.{}", number + 1),
            );
        }
        fs::copy(dir.path("app.log"), dir.path("app.log.1")).expect("copied");
        fs::write(dir.path("app.log"), "").expect("truncated");
        let more = lines(&format!("round {round}"), 20);
        dir.append("app.log", &more);
        expected += &more;
        running.wait_for_stdout(|out| out == expected.as_bytes());
    }
}

// In the directory of the logs, with a name like theirs: it followed what it wrote, until the disk was full.
#[test]
fn what_it_writes_itself_does_not_match() {
    let dir = Dir::new();
    let text = lines("a", 100);
    dir.write("a.log", &text);
    // A file that grows is cut off.
    let script = "ulimit -f 1000; exec \"$@\" >> all.log 2>> err.log";
    for now in [&["--until-idle=100ms"][..], &["--no-follow"]] {
        dir.write("all.log", "");
        dir.write("err.log", "");
        let args = ["-q", "-n+1", "--debug", "*.log"];
        through_shell(&dir, script, args.iter().chain(now).copied())
            .run()
            .code(0);
        let printed = fs::read_to_string(dir.path("all.log")).expect("text");
        assert!(printed == text, "{printed}");
        let said = fs::read(dir.path("err.log")).expect("read");
        for name in ["all.log", "err.log"] {
            let left_out =
                format!("cofollow: debug: {name}: written by this run itself; not following it\n");
            assert_eq!(occurrences(&said, &left_out), 1, "{name}");
        }
    }
}

#[test]
fn what_it_writes_itself_does_not_match_when_it_gets_such_a_name() {
    let dir = Dir::new();
    dir.write("a.log", "1\n");
    let output = dir.write("all", "");
    let appended = fs::File::options().append(true).open(&output);
    let running = cofollow(&dir, ["-q", "-n+1", "--debug", "*.log"])
        .stdout_to(appended.expect("opened"))
        .spawn();
    wait_until("the first line", || {
        fs::read(&output).is_ok_and(|out| out == b"1\n")
    });
    dir.rename("all", "all.log");
    running.wait_for_stderr(|err| contains(err, "all.log: written by this run itself"));
    dir.append("a.log", "2\n");
    dir.append("b.log", "3\n");
    let printed = || fs::read(dir.path("all.log")).expect("read");
    wait_until("all lines", || printed().len() == 6);
    running.kill("TERM");
    running.wait().signal(15);
    let mut printed = printed();
    printed.sort_unstable();
    assert_eq!(printed, b"\n\n\n123");
}

// An earlier run with its output elsewhere followed it.
#[test]
fn what_an_earlier_run_followed_and_this_one_writes_does_not_match() {
    let dir = Dir::new();
    dir.write("a.log", "1\n");
    dir.write("all.log", "2\n");
    let args = ["-q", "-n+1", "--until-idle=1ms", "--resume=state"];
    for (names, status) in [(&["*.log"][..], 0), (&["a.log", "all.log"], 1)] {
        dir.write("all.log", "2\n");
        let args = || args.iter().chain(names).copied();
        cofollow(&dir, args()).run().stdout("1\n2\n").code(0);
        dir.append("a.log", "3\n");
        let script = "ulimit -f 1000; exec \"$@\" >> all.log";
        through_shell(&dir, script, args()).run().code(status);
        let printed = fs::read_to_string(dir.path("all.log")).expect("text");
        assert_eq!(printed, "2\n3\n");
        dir.write("a.log", "1\n");
        dir.remove("state");
    }
}
