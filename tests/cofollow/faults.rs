//! Files that cannot be followed, and systems that cannot watch.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use super::{cofollow, contains, lines, swap_link, through_shell, while_stopped};
use crate::util::{Cmd, Dir, built, wait_until};

#[test]
fn a_directory_is_told_and_the_others_are_done() {
    let dir = Dir::new();
    fs::create_dir(dir.path("sub")).expect("made");
    dir.write("log", "1\n");
    cofollow(&dir, ["--no-follow", "sub", "log"])
        .run()
        .stdout("==> sub <==\n\n==> log <==\n1\n")
        .stderr("cofollow: error reading 'sub': Is a directory\n")
        .code(1);
    let running = cofollow(&dir, ["sub", "log"]).spawn();
    running.wait_for_stdout(|out| out == b"==> log <==\n1\n");
    running.wait_for_stderr(|err| {
        err == b"cofollow: error reading 'sub': Is a directory\n\
                 cofollow: sub: cannot follow end of this type of file\n"
    });
    // It may become a file.
    fs::remove_dir(dir.path("sub")).expect("removed");
    dir.append("sub", "2\n");
    running.wait_for_stdout(|out| out == b"==> log <==\n1\n\n==> sub <==\n2\n");
    cofollow(&dir, ["-f", "."])
        .run()
        .stdout("")
        .stderr(
            "cofollow: error reading '.': Is a directory\n\
             cofollow: .: cannot follow end of this type of file; giving up on this name\n\
             cofollow: no files remaining\n",
        )
        .code(1);
}

#[test]
fn what_is_no_file_is_not_followed_and_does_not_stop_the_others() {
    let dir = Dir::new();
    let _socket = UnixListener::bind(dir.path("socket")).expect("bound");
    dir.write("log", "1\n");
    cofollow(&dir, ["--until-idle=1ms", "socket", "log", "log/x", ""])
        .run()
        .stdout("==> log <==\n1\n")
        .stderr(
            "cofollow: socket: cannot follow end of this type of file\n\
             cofollow: cannot open 'log/x' for reading: Not a directory\n\
             cofollow: cannot open '' for reading: No such file or directory\n",
        )
        .code(1);
}

#[test]
fn escapes_in_a_name_are_shown_and_not_obeyed() {
    let dir = Dir::new();
    for arg in ["--no-follow", "--until-idle=1ms"] {
        cofollow(&dir, [arg, "red\x1b[31m"])
            .run()
            .stderr(
                "cofollow: cannot open 'red\\u{1b}[31m' for reading: No such file or directory\n",
            )
            .code(1);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_the_others_are_followed() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let dir = Dir::new();
    dir.write("log", "1\n");
    // Its first page is never mapped.
    symlink("/proc/self/mem", dir.path("broken")).expect("linked");
    cofollow(&dir, ["--no-follow", "-n+1", "broken", "log"])
        .run()
        .stdout("==> broken <==\n\n==> log <==\n1\n")
        .stderr("cofollow: error reading 'broken': Input/output error\n")
        .code(1);
    for start in ["-n+1", "-n1"] {
        let output = cofollow(&dir, [start, "--until-idle=200ms", "broken", "log"]).run();
        output
            .stderr("cofollow: error reading 'broken': Input/output error\n")
            .code(1);
        assert!(contains(&output.stdout, "==> log <==\n1\n"));
    }
}

/// cofollow as a user whom permissions bind; none if there is no way to be one.
fn as_anybody(dir: &Dir, args: &[&str]) -> Option<Cmd> {
    fs::set_permissions(dir.path(""), fs::Permissions::from_mode(0o755)).expect("changed");
    if fs::File::open(dir.path("secret")).is_err() {
        return Some(cofollow(dir, args.iter().copied()));
    }
    let mut known = Cmd::new("sh").args(["-c", r#"setpriv --reuid=65534 --clear-groups "$0" -V"#]);
    known = known.arg(built("cofollow"));
    if !known.run().status.success() {
        return None;
    }
    let as_nobody = Cmd::new("setpriv").args(["--reuid=65534", "--clear-groups"]);
    Some(
        as_nobody
            .arg(built("cofollow"))
            .args(args)
            .dir(dir.path("")),
    )
}

#[test]
fn an_unreadable_file_is_told_and_followed_when_it_may_be_read() {
    let dir = Dir::new();
    let secret = dir.write("secret", "1\n");
    dir.write("log", "1\n");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).expect("changed");
    let args = ["--no-follow", "secret", "log"];
    let Some(print) = as_anybody(&dir, &args) else {
        return;
    };
    print
        .run()
        .stdout("==> log <==\n1\n")
        .stderr("cofollow: cannot open 'secret' for reading: Permission denied\n")
        .code(1);
    let Some(follow) = as_anybody(&dir, &["secret"]) else {
        return;
    };
    let running = follow.spawn();
    running.wait_for_stderr(|err| {
        err == b"cofollow: cannot open 'secret' for reading: Permission denied\n"
    });
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).expect("changed");
    running.wait_for_stdout(|out| out == b"1\n");
}

#[test]
fn a_directory_that_may_not_be_listed_is_looked_at_from_time_to_time() {
    let dir = Dir::new();
    let secret = dir.write("secret", "");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).expect("changed");
    fs::create_dir(dir.path("sub")).expect("made");
    dir.write("sub/log", "1\n");
    let mode = fs::Permissions::from_mode(0o711);
    fs::set_permissions(dir.path("sub"), mode).expect("changed");
    let Some(follow) = as_anybody(&dir, &["--debug", "sub/log"]) else {
        return;
    };
    if fs::File::open(&secret).is_err() {
        // Not root, but the owner, who may list it.
        return;
    }
    let running = follow.spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    running.wait_for_stderr(|err| {
        contains(
            err,
            "sub/log: Permission denied; looking at it from time to time\n",
        )
    });
    dir.append("sub/log", "2\n");
    running.wait_for_stdout(|out| out == b"1\n2\n");
}

/// Follows where the kernel gives out no more of `limit`; none if that cannot be arranged.
pub(super) fn without(limit: &str, dir: &Dir, args: &[&str]) -> Option<Cmd> {
    let path = format!("/proc/sys/user/{limit}");
    let unshare = || Cmd::new("unshare").args(["--user", "--map-root-user", "sh", "-c"]);
    let script = r#"echo 0 >"$0" && exec "$@""#;
    let has_unshare = Cmd::new("sh").args(["-c", "command -v unshare"]).run();
    if !has_unshare.status.success()
        || !unshare()
            .args([script, &path, "true"])
            .run()
            .status
            .success()
    {
        return None;
    }
    let cmd = unshare().args([script, &path]).arg(built("cofollow"));
    Some(cmd.args(args).dir(dir.path("")))
}

#[test]
fn where_nothing_can_be_watched_files_are_looked_at_from_time_to_time() {
    for (limit, why) in [
        ("max_inotify_instances", "fs.inotify.max_user_instances"),
        ("max_inotify_watches", "no more watches"),
    ] {
        let dir = Dir::new();
        dir.write("log", "1\n");
        let Some(follow) = without(limit, &dir, &["--debug", "log", "late"]) else {
            return;
        };
        let running = follow.spawn();
        running.wait_for_stderr(|err| contains(err, why));
        running.wait_for_stdout(|out| out == b"==> log <==\n1\n");
        dir.append("log", "2\n");
        running.wait_for_stdout(|out| out == b"==> log <==\n1\n2\n");
        dir.rename("log", "log.1");
        dir.append("log.1", "3\n");
        dir.append("log", "4\n");
        running.wait_for_stdout(|out| out == b"==> log <==\n1\n2\n3\n4\n");
        dir.append("late", "5\n");
        running.wait_for_stdout(|out| contains(out, "5\n"));
        // Said once a name, not once a second.
        running.kill("TERM");
        let output = running.wait();
        assert_eq!(super::occurrences(&output.stderr, "from time to time"), 2);
    }
}

// What rests on looks alone, not on what is told, holds here, too.
#[test]
fn where_nothing_can_be_watched_rotations_copies_links_and_patterns_are_followed() {
    let dir = Dir::new();
    let text = lines("app", 20);
    dir.write("app.log", &text);
    dir.write("log", "1\n");
    dir.write("v1", "v1\n");
    symlink("v1", dir.path("link")).expect("linked");
    let args = ["-q", "-n+1", "-s20ms", "log", "link", "app.log*"];
    let Some(follow) = without("max_inotify_instances", &dir, &args) else {
        return;
    };
    let running = follow.spawn();
    let mut expected = format!("1\nv1\n{text}");
    let mut comes = |text: &str| {
        expected += text;
        running.wait_for_stdout(|out| out.len() >= expected.len());
        running.wait_for_stdout(|out| out == expected.as_bytes());
    };
    comes("");
    while_stopped(&running, || {
        for (aside, text) in [("log.2", "2\n"), ("log.1", "3\n")] {
            dir.rename("log", aside);
            dir.append("log", text);
        }
    });
    comes("2\n3\n");
    dir.write("v2", "v2\n");
    swap_link(&dir, "v2", "link");
    comes("v2\n");
    dir.append("app.log.new", "another\n");
    comes("another\n");
    fs::copy(dir.path("app.log"), dir.path("app.log.1")).expect("copied");
    running.wait_for_stderr(|err| contains(err, "app.log.1: may be a copy of app.log; held"));
    dir.write("app.log", "next\n");
    running.wait_for_stderr(|err| contains(err, "app.log.1: a copy of app.log"));
    comes("next\n");
    running.kill("TERM");
    running.wait().signal(15);
}

#[test]
fn nothing_wakes_while_nothing_happens() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    // Not in the directory itself: the one above it is watched too, and that is everybody's.
    fs::create_dir(dir.path("sub")).expect("made");
    let running = cofollow(&dir, ["log", "sub/missing"]).spawn();
    running.wait_for_stdout(|out| contains(out, "1\n"));
    running.wait_for_stderr(|err| contains(err, "missing"));
    let tasks = format!("/proc/{}/task", running.pid());
    let Ok(threads) = fs::read_dir(&tasks) else {
        return;
    };
    let threads: Vec<_> = threads
        .map(|thread| thread.expect("a thread").path())
        .collect();
    let read = |file: &str| -> Vec<String> {
        let text = |thread: &std::path::PathBuf| fs::read_to_string(thread.join(file));
        threads
            .iter()
            .map(|thread| text(thread).expect("read"))
            .collect()
    };
    wait_until("all threads to wait", || {
        read("stat").iter().all(|stat| stat.contains(") S "))
    });
    let switches = || -> Vec<String> {
        let lines = |status: &String| {
            let lines = status
                .lines()
                .filter(|line| line.contains("voluntary_ctxt_switches"));
            lines.collect::<String>()
        };
        read("status").iter().map(lines).collect()
    };
    let before = switches();
    assert!(before.iter().all(|line| !line.is_empty()));
    Cmd::new("sleep").arg("3").run();
    assert_eq!(switches(), before);
}

#[test]
fn its_own_output_is_refused_and_the_others_are_followed() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    let script = "ulimit -f 1000; exec \"$@\" >> out";
    let refused = "cofollow: out: input file is also the output\n";
    dir.write("out", "before\n");
    through_shell(&dir, script, ["-q", "--until-idle=100ms", "log", "out"])
        .run()
        .stderr(refused)
        .code(1);
    assert_eq!(fs::read(dir.path("out")).expect("read"), b"before\n1\n");
    through_shell(&dir, script, ["-f", "out"])
        .run()
        .stderr(format!("{refused}cofollow: no files remaining\n"))
        .code(1);
    // What it writes stood for the rest of the text when that was truncated, and was read without end.
    dir.write("log.1", "");
    let script = "ulimit -f 1000; exec \"$@\" >> log.1";
    let running = through_shell(&dir, script, ["-n+1", "log"]).spawn();
    let printed = |text: &str| fs::read(dir.path("log.1")).is_ok_and(|out| out == text.as_bytes());
    wait_until("its output", || printed("1\n"));
    dir.write("log", "2\n3\n");
    wait_until("what is new", || printed("1\n2\n3\n"));
    running.kill("TERM");
    running
        .wait()
        // Truncated, if it was looked at before it was written again; else written anew.
        .stderr_contains("cofollow: log: file ")
        .signal(15);
    assert!(printed("1\n2\n3\n"));
    // What messages are written to may be followed by name.
    let script = "exec \"$@\" 2>> err";
    dir.write("err", "");
    through_shell(&dir, script, ["-q", "--until-idle=1ms", "missing", "err"])
        .run()
        .stdout("cofollow: cannot open 'missing' for reading: No such file or directory\n")
        .code(1);
}
