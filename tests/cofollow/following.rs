//! Appended lines, and files that are not there yet.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use super::{cofollow, contains, numbers, overflow_event_queues, while_stopped};
use crate::util::{Cmd, Dir, Running, built, wait_until};

#[test]
fn appended_lines_come_out() {
    let dir = Dir::new();
    dir.write("log", "1\n2\n");
    let running = cofollow(&dir, ["-n1", "log"]).spawn();
    running.wait_for_stdout(|out| out == b"2\n");
    dir.append("log", "3\n");
    running.wait_for_stdout(|out| out == b"2\n3\n");
    dir.append("log", "4\n5\n");
    running.wait_for_stdout(|out| out == b"2\n3\n4\n5\n");
    running.kill("TERM");
    running.wait().stdout("2\n3\n4\n5\n").stderr("").signal(15);
}

#[test]
fn until_idle_prints_what_comes_and_ends() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    let running = cofollow(&dir, ["--until-idle", "3s", "log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    dir.append("log", "2\nhalf");
    running.wait().stdout("1\n2\nhalf").stderr("").code(0);
}

#[test]
fn half_lines_are_held_until_they_are_whole() {
    let dir = Dir::new();
    dir.write("log", "");
    dir.write("other", "1\n");
    let running = cofollow(&dir, ["log", "other"]).spawn();
    let mut expected = "==> log <==\n\n==> other <==\n1\n".to_owned();
    running.wait_for_stdout(|out| out == expected.as_bytes());
    for (log, other) in [("ha", "2\n"), ("l", "3\n"), ("f li", "4\n")] {
        dir.append("log", log);
        // By the time this comes out what was appended before has been looked at.
        dir.append("other", other);
        expected += other;
        running.wait_for_stdout(|out| out == expected.as_bytes());
    }
    dir.append("log", "ne\n");
    expected += "\n==> log <==\nhalf line\n";
    running.wait_for_stdout(|out| out == expected.as_bytes());
}

#[test]
fn at_the_end_every_half_line_is_a_line_and_the_last_is_as_it_is() {
    let dir = Dir::new();
    dir.write("a", "a1\na2");
    dir.write("b", "b1\nb2");
    cofollow(&dir, ["--until-idle=1ms", "a", "b"])
        .run()
        .stdout("==> a <==\na1\n\n==> b <==\nb1\n\n==> a <==\na2\n\n==> b <==\nb2")
        .stderr("")
        .code(0);
}

#[test]
fn lines_of_several_files_come_under_their_headers() {
    let dir = Dir::new();
    dir.write("a", "a1\n");
    dir.write("b", "");
    let running = cofollow(&dir, ["a", "b"]).spawn();
    // As with tail an empty file has its header too.
    let mut expected = "==> a <==\na1\n\n==> b <==\n".to_owned();
    running.wait_for_stdout(|out| out == expected.as_bytes());
    for (name, line, header) in [
        ("b", "b1\n", ""),
        ("b", "b2\n", ""),
        ("a", "a2\n", "\n==> a <==\n"),
        ("a", "a3\n", ""),
        ("b", "b3\n", "\n==> b <==\n"),
    ] {
        dir.append(name, line);
        expected = expected + header + line;
        running.wait_for_stdout(|out| out == expected.as_bytes());
    }
}

#[test]
fn a_line_longer_than_any_buffer_comes_out_whole() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    let running = cofollow(&dir, ["log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    let part = "x".repeat(3 << 20);
    dir.append("log", &part);
    dir.append("log", &part);
    dir.append("log", "\n2\n");
    let expected = format!("1\n{part}{part}\n2\n");
    running.wait_for_stdout(|out| out.len() >= expected.len());
    running.kill("TERM");
    assert!(running.wait().stdout == expected.as_bytes());
}

#[test]
fn a_long_unfinished_line_does_not_hold_up_the_other_files() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    dir.write("other", "");
    let running = cofollow(&dir, ["log", "other"]).spawn();
    running.wait_for_stdout(|out| contains(out, "other"));
    let part = "x".repeat(3 << 20);
    dir.append("log", &part);
    dir.append("other", "2\n");
    running.wait_for_stdout(|out| contains(out, "2\n"));
    dir.append("log", "\n");
    let expected = format!("==> log <==\n1\n\n==> other <==\n2\n\n==> log <==\n{part}\n");
    running.wait_for_stdout(|out| out.len() >= expected.len());
    running.kill("TERM");
    assert!(running.wait().stdout == expected.as_bytes());
}

#[test]
fn a_missing_file_is_announced_and_waited_for() {
    let dir = Dir::new();
    let running = cofollow(&dir, ["-n1", "log"]).spawn();
    running.wait_for_stderr(|err| {
        err == b"cofollow: cannot open 'log' for reading: No such file or directory\n"
    });
    // One that appears is read from its start.
    dir.write("new", "1\n2\n");
    dir.rename("new", "log");
    running.wait_for_stdout(|out| out == b"1\n2\n");
    dir.append("log", "3\n");
    running.wait_for_stdout(|out| out == b"1\n2\n3\n");
    running.kill("TERM");
    running
        .wait()
        .stderr(
            "cofollow: cannot open 'log' for reading: No such file or directory\n\
             cofollow: 'log' has appeared;  following new file\n",
        )
        .signal(15);
}

#[test]
fn a_file_that_never_came_is_a_failure() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    cofollow(&dir, ["--until-idle=1ms", "log", "missing"])
        .run()
        .stdout("==> log <==\n1\n")
        .stderr("cofollow: cannot open 'missing' for reading: No such file or directory\n")
        .code(1);
}

#[test]
fn a_missing_directory_is_waited_for() {
    let dir = Dir::new();
    let running = cofollow(&dir, ["a/b/c/log"]).spawn();
    running.wait_for_stderr(|err| contains(err, "No such file"));
    for path in ["a", "a/b", "a/b/c"] {
        fs::create_dir(dir.path(path)).expect("made");
    }
    dir.append("a/b/c/log", "1\n");
    running.wait_for_stdout(|out| out == b"1\n");
    dir.append("a/b/c/log", "2\n");
    running.wait_for_stdout(|out| out == b"1\n2\n");
}

#[test]
fn a_directory_moved_away_and_made_anew_is_followed_again() {
    let dir = Dir::new();
    fs::create_dir(dir.path("logs")).expect("made");
    dir.write("logs/log", "1\n");
    let running = cofollow(&dir, ["logs/log", "logs/other"]).spawn();
    running.wait_for_stdout(|out| contains(out, "1\n"));
    for round in 2..6 {
        dir.rename("logs", &format!("old{round}"));
        fs::create_dir(dir.path("logs")).expect("made");
        dir.append("logs/log", format!("{round} log\n"));
        running.wait_for_stdout(|out| contains(out, &format!("{round} log\n")));
        dir.append("logs/other", format!("{round} other\n"));
        running.wait_for_stdout(|out| contains(out, &format!("{round} other\n")));
        // Its writer goes on in the directory that was moved.
        dir.append(&format!("old{round}/log"), format!("{round} late\n"));
        running.wait_for_stdout(|out| contains(out, &format!("{round} late\n")));
    }
}

// All names were looked at, and events said to be lost, whenever a directory above one was renamed or removed.
#[test]
fn when_a_directory_above_moves_what_is_below_is_looked_at() {
    let dir = Dir::new();
    for directory in ["a/deep", "b/deep"] {
        fs::create_dir_all(dir.path(directory)).expect("made");
        dir.write(&format!("{directory}/log"), "1\n");
    }
    let running = cofollow(&dir, ["-q", "--debug", "a/deep/log", "b/*/log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n1\n");
    for (round, directory) in ["a", "b"].into_iter().enumerate() {
        dir.rename(directory, &format!("old-{directory}"));
        let gone = format!("'{directory}/deep/log' has become inaccessible");
        running.wait_for_stderr(|err| contains(err, &gone));
        fs::create_dir_all(dir.path(&format!("{directory}/deep"))).expect("made");
        dir.append(&format!("{directory}/deep/log"), format!("{}\n", round + 2));
        running.wait_for_stdout(|out| out.ends_with(format!("{}\n", round + 2).as_bytes()));
    }
    assert!(!running.stderr_has(|err| contains(err, "events were lost")));
}

// A directory whose deleted file is open, here in cofollow itself, is not told of its own removal: inotify says
// it when that file is closed.
#[test]
fn a_directory_removed_and_made_anew_is_followed_again() {
    let dir = Dir::new();
    fs::create_dir_all(dir.path("logs/deep")).expect("made");
    dir.write("logs/deep/log", "1\n");
    let running = cofollow(&dir, ["logs/deep/log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    dir.remove("logs/deep/log");
    running.wait_for_stderr(|err| contains(err, "'logs/deep/log' has become inaccessible"));
    fs::remove_dir_all(dir.path("logs")).expect("removed");
    fs::create_dir_all(dir.path("logs/deep")).expect("made");
    dir.append("logs/deep/log", "2\n");
    running.wait_for_stdout(|out| out == b"1\n2\n");
    // In one go.
    for round in 3..6 {
        fs::remove_dir_all(dir.path("logs")).expect("removed");
        fs::create_dir_all(dir.path("logs/deep")).expect("made");
        dir.append("logs/deep/log", format!("{round}\n"));
        running.wait_for_stdout(|out| contains(out, &format!("{round}\n")));
    }
}

// Removed while a file in it is open, a directory is never told of: the one that was made in its place was not
// watched for being renamed.
#[test]
fn a_directory_made_anew_and_moved_away_is_followed_again() {
    let dir = Dir::new();
    fs::create_dir_all(dir.path("logs/deep")).expect("made");
    let _open = fs::File::create(dir.path("logs/open")).expect("created");
    let running = cofollow(&dir, ["logs/deep/log"]).spawn();
    running.wait_for_stderr(|err| contains(err, "No such file"));
    fs::remove_dir_all(dir.path("logs")).expect("removed");
    for round in 1..4 {
        fs::create_dir_all(dir.path("logs/deep")).expect("made");
        dir.append("logs/deep/log", format!("{round}\n"));
        let expected = numbers(1..round + 1);
        running.wait_for_stdout(|out| out == expected.as_bytes());
        dir.rename("logs", &format!("old{round}"));
    }
}

/// What cofollow has itself told of a directory: the masks of its watches, bits as in `inotify(7)`.
fn told_of(running: &Running, directory: &Path) -> Vec<u32> {
    let inode = directory.metadata().expect("a directory").ino();
    let marked = format!(" ino:{inode:x} ");
    let descriptors = fs::read_dir(format!("/proc/{}/fdinfo", running.pid())).expect("listed");
    let mut masks = Vec::new();
    for descriptor in descriptors {
        // One may have been closed since.
        let info = descriptor.and_then(|descriptor| fs::read_to_string(descriptor.path()));
        for watch in info.unwrap_or_default().lines() {
            let mask = watch
                .split(" mask:")
                .nth(1)
                .and_then(|mask| mask.split(' ').next());
            if watch.contains(&marked) {
                let mask = mask.and_then(|mask| u32::from_str_radix(mask, 16).ok());
                masks.push(mask.expect("a mask"));
            }
        }
    }
    masks
}

// Every write of anyone to a file beside the directory of the log woke it, for ever.
#[test]
fn where_a_directory_was_missing_nothing_is_told_of_the_files_beside_it() {
    const MODIFY: u32 = 0x2;
    const MOVE_SELF: u32 = 0x800;
    let dir = Dir::new();
    let running = cofollow(&dir, ["logs/deep/log"]).spawn();
    running.wait_for_stderr(|err| contains(err, "No such file"));
    fs::create_dir_all(dir.path("logs/deep")).expect("made");
    dir.append("logs/deep/log", "1\n");
    running.wait_for_stdout(|out| out == b"1\n");
    for above in ["", "logs"] {
        wait_until("only the directory itself to be watched", || {
            let told = told_of(&running, &dir.path(above));
            let has = |bit| told.iter().any(|mask| mask & bit != 0);
            has(MOVE_SELF) && !has(MODIFY)
        });
    }
    // And it is still told of that.
    dir.rename("logs", "old");
    fs::create_dir_all(dir.path("logs/deep")).expect("made");
    dir.append("logs/deep/log", "2\n");
    running.wait_for_stdout(|out| out == b"1\n2\n");
}

// Each write to any file in the directory of the log woke it, and so did its own output there: without an end.
#[cfg(target_os = "linux")]
#[test]
fn who_writes_beside_a_followed_file_does_not_wake_it() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    dir.write("beside", "");
    let running = cofollow(&dir, ["log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    wait_until("it to rest", || running.is_asleep());
    let before = running.times_asleep();
    for _ in 0..100 {
        // Whom that wakes does not sleep now.
        dir.append("beside", "a line\n");
        wait_until("it to rest", || running.is_asleep());
    }
    let woken = running.times_asleep() - before;
    assert!(woken < 50, "woken {woken} times by 100 writes");
    dir.append("log", "2\n");
    running.wait_for_stdout(|out| out == b"1\n2\n");
}

#[test]
fn one_file_by_two_names_is_followed_by_both() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    symlink("log", dir.path("link")).expect("linked");
    let running = cofollow(&dir, ["log", "link"]).spawn();
    let both = |out: &[u8], line: &str| super::occurrences(out, line) == 2;
    running.wait_for_stdout(|out| both(out, "1\n"));
    dir.append("log", "2\n");
    running.wait_for_stdout(|out| both(out, "2\n"));
    // Both retire it, and only one has a new file.
    dir.rename("log", "log.1");
    dir.append("log.1", "3\n");
    running.wait_for_stdout(|out| both(out, "3\n"));
    fs::remove_file(dir.path("link")).expect("removed");
    dir.append("log.1", "4\n");
    running.wait_for_stdout(|out| both(out, "4\n"));
}

// Who writes by another name is not seen in the directory of this one.
#[test]
fn lines_written_by_another_hard_link_come_out() {
    let dir = Dir::new();
    fs::create_dir(dir.path("elsewhere")).expect("made");
    dir.write("elsewhere/log", "1\n");
    fs::hard_link(dir.path("elsewhere/log"), dir.path("log")).expect("linked");
    let running = cofollow(&dir, ["log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    dir.append("elsewhere/log", "2\n");
    running.wait_for_stdout(|out| out == b"1\n2\n");
}

// As a container has a log of its host: the system tells neither write to the directory that it stands in.
#[test]
fn a_file_that_is_mounted_by_itself_is_followed() {
    let unshare = || Cmd::new("unshare").args(["-rm", "sh", "-c"]);
    if cfg!(not(target_os = "linux")) || !unshare().args(["true"]).run().status.success() {
        eprintln!("not tested here: nobody may mount");
        return;
    }
    let dir = Dir::new();
    for directory in ["host", "guest"] {
        fs::create_dir(dir.path(directory)).expect("made");
        dir.write(&format!("{directory}/log"), "1\n");
    }
    let script = r#"mount --bind host/log guest/log && exec "$0" -q "$@" guest/log"#;
    // Alone, and where the directory has one watch for all.
    let others: Vec<String> = (0..600).map(|number| format!("guest/{number}")).collect();
    for other in &others {
        dir.write(other, "");
    }
    for (others, before) in [(&[][..], "1\n"), (&others, "1\n2\n")] {
        let cmd = unshare().args([script]).arg(built("cofollow")).args(others);
        let running = cmd.dir(dir.path("")).spawn();
        running.wait_for_stdout(|out| out == before.as_bytes());
        dir.append("host/log", "2\n");
        running.wait_for_stdout(|out| out == (before.to_owned() + "2\n").as_bytes());
    }
}

// As in a chroot. It was looked at from time to time.
#[test]
fn a_file_is_watched_where_there_is_no_proc() {
    let unshare = || Cmd::new("unshare").args(["-rm", "sh", "-c"]);
    let hide = "mount -t tmpfs none /proc";
    if cfg!(not(target_os = "linux")) || !unshare().args([hide]).run().status.success() {
        eprintln!("not tested here: nobody may mount");
        return;
    }
    let dir = Dir::new();
    dir.write("log", "1\n");
    let script = format!(r#"{hide} && exec "$0" --debug log"#);
    let cmd = unshare().args([&script]).arg(built("cofollow"));
    let running = cmd.dir(dir.path("")).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    dir.append("log", "2\n");
    running.wait_for_stdout(|out| out == b"1\n2\n");
    assert!(!running.stderr_has(|err| contains(err, "from time to time")));
}

#[test]
fn a_path_may_go_up_and_through_links() {
    let dir = Dir::new();
    fs::create_dir_all(dir.path("deep/er")).expect("made");
    symlink("deep/er", dir.path("short")).expect("linked");
    // Up from where the link leads, not from where it stands.
    dir.write("deep/log", "1\n");
    let running = cofollow(&dir, [".//short/../log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    dir.append("deep/log", "2\n");
    running.wait_for_stdout(|out| out == b"1\n2\n");
}

// More events than the kernel keeps for a reader that does not come; what happened to the directory is among
// those it drops.
#[test]
fn when_events_are_lost_everything_is_looked_at() {
    let dir = Dir::new();
    fs::create_dir(dir.path("logs")).expect("made");
    dir.write("logs/log", "1\n");
    let running = cofollow(&dir, ["--debug", "logs/log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    while_stopped(&running, || {
        overflow_event_queues(&dir.path("logs"));
        dir.rename("logs", "old");
        fs::create_dir(dir.path("logs")).expect("made");
        dir.append("logs/log", "2\n");
    });
    if cfg!(target_os = "linux") {
        running.wait_for_stderr(|err| contains(err, "events were lost"));
    }
    running.wait_for_stdout(|out| out == b"1\n2\n");
    dir.append("logs/log", "3\n");
    running.wait_for_stdout(|out| out == b"1\n2\n3\n");
}
