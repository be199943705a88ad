//! Renamed, deleted, replaced, truncated: nothing is lost, repeated, torn or out of order.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::thread;

use super::{cofollow, contains, occurrences, swap_link};
use crate::util::{Cmd, Dir, Running, built};

/// Follows a log whose first line has come out.
fn following(dir: &Dir) -> Running {
    dir.write("log", "1\n");
    let running = cofollow(dir, ["log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    running
}

/// How many new files cofollow has said to follow.
fn new_files(err: &[u8]) -> usize {
    occurrences(err, "following new file")
}

#[test]
fn renamed_and_created() {
    let dir = Dir::new();
    let running = following(&dir);
    for round in 2..8 {
        dir.rename("log", &format!("log.{round}"));
        dir.append("log", format!("{round}\n"));
        running.wait_for_stdout(|out| contains(out, &format!("{round}\n")));
    }
    dir.append("log", "8\n");
    running.wait_for_stdout(|out| out == b"1\n2\n3\n4\n5\n6\n7\n8\n");
}

#[test]
fn deleted_and_made_anew() {
    let dir = Dir::new();
    let running = following(&dir);
    dir.append("log", "2\n");
    dir.remove("log");
    running.wait_for_stderr(|err| {
        err == b"cofollow: 'log' has become inaccessible: No such file or directory\n"
    });
    dir.append("log", "3\n");
    running.wait_for_stdout(|out| out == b"1\n2\n3\n");
    running.wait_for_stderr(|err| contains(err, "'log' has appeared;  following new file\n"));
}

#[test]
fn replaced_in_one_step() {
    let dir = Dir::new();
    let running = following(&dir);
    dir.write("new", "2\n");
    dir.rename("new", "log");
    running.wait_for_stdout(|out| out == b"1\n2\n");
    running
        .wait_for_stderr(|err| err == b"cofollow: 'log' has been replaced;  following new file\n");
}

#[test]
fn truncated_it_is_read_from_its_start() {
    let dir = Dir::new();
    dir.write("log", "one\ntwo\nunfin");
    let running = cofollow(&dir, ["log"]).spawn();
    running.wait_for_stdout(|out| out == b"one\ntwo\n");
    File::create(dir.path("log")).expect("truncated");
    // The rest of its last line is lost: what was read of it is no line.
    running
        .wait_for_stderr(|err| err == b"cofollow: log: file truncated; 5 bytes of it are lost\n");
    dir.append("log", "3\n");
    running.wait_for_stdout(|out| out == b"one\ntwo\n3\n");
    dir.append("log", "4\n");
    running.wait_for_stdout(|out| out == b"one\ntwo\n3\n4\n");
}

#[test]
fn a_fixed_name_that_links_to_dated_files() {
    let dir = Dir::new();
    dir.write("2024-01", "1\n");
    symlink("2024-01", dir.path("log")).expect("linked");
    let running = cofollow(&dir, ["log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    dir.append("2024-01", "2\n");
    running.wait_for_stdout(|out| out == b"1\n2\n");
    dir.write("2024-02", "3\n");
    swap_link(&dir, "2024-02", "log");
    running.wait_for_stdout(|out| out == b"1\n2\n3\n");
    dir.append("2024-01", "late\n");
    running.wait_for_stdout(|out| out == b"1\n2\n3\nlate\n");
    dir.append("2024-02", "4\n");
    running.wait_for_stdout(|out| out == b"1\n2\n3\nlate\n4\n");
    // The target may come after the link.
    swap_link(&dir, "2024-03", "log");
    running.wait_for_stderr(|err| contains(err, "inaccessible"));
    dir.append("2024-03", "5\n");
    running.wait_for_stdout(|out| out == b"1\n2\n3\nlate\n4\n5\n");
}

#[test]
fn a_volume_swapped_as_kubernetes_does_it() {
    let dir = Dir::new();
    fs::create_dir(dir.path("v1")).expect("made");
    dir.write("v1/log", "1\n");
    symlink("v1", dir.path("..data")).expect("linked");
    symlink("..data/log", dir.path("log")).expect("linked");
    let running = cofollow(&dir, ["log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    let mut expected = "1\n".to_owned();
    for version in 2..6 {
        let directory = format!("v{version}");
        fs::create_dir(dir.path(&directory)).expect("made");
        dir.write(&format!("{directory}/log"), format!("{version}\n"));
        swap_link(&dir, &directory, "..data");
        fs::remove_dir_all(dir.path(&format!("v{}", version - 1))).expect("removed");
        expected = expected + &version.to_string() + "\n";
        running.wait_for_stdout(|out| out == expected.as_bytes());
        dir.append("log", "more\n");
        expected += "more\n";
        running.wait_for_stdout(|out| out == expected.as_bytes());
    }
}

#[test]
fn a_circle_of_links_that_is_broken_is_followed() {
    let dir = Dir::new();
    symlink("b", dir.path("a")).expect("linked");
    symlink("a", dir.path("b")).expect("linked");
    let running = cofollow(&dir, ["a"]).spawn();
    running.wait_for_stderr(|err| {
        err == b"cofollow: cannot open 'a' for reading: Too many levels of symbolic links\n"
    });
    dir.remove("b");
    dir.append("b", "1\n");
    running.wait_for_stdout(|out| out == b"1\n");
}

#[test]
fn the_old_file_written_on_after_the_rename() {
    let dir = Dir::new();
    let running = following(&dir);
    let mut expected = "1\n".to_owned();
    dir.rename("log", "log.1");
    dir.append("log.1", "old\n");
    dir.append("log", "new\n");
    for line in ["old\n", "new\n"] {
        expected += line;
        running.wait_for_stdout(|out| out.starts_with(expected.as_bytes()));
    }
    for line in ["old again\n", "new again\n"] {
        let name = if line.starts_with("old") {
            "log.1"
        } else {
            "log"
        };
        dir.append(name, line);
        expected += line;
        running.wait_for_stdout(|out| out == expected.as_bytes());
    }
    // The file is watched itself: its directory is another, and then it has no name at all.
    fs::create_dir(dir.path("archive")).expect("made");
    let mut old = File::options().append(true).open(dir.path("log.1"));
    let old = old.as_mut().expect("opened");
    dir.rename("log.1", "archive/log.1");
    for line in ["moved\n", "removed\n"] {
        old.write_all(line.as_bytes()).expect("written");
        expected += line;
        running.wait_for_stdout(|out| out == expected.as_bytes());
        let _ = fs::remove_file(dir.path("archive/log.1"));
    }
}

#[test]
fn a_line_split_across_the_rotation_is_whole() {
    let dir = Dir::new();
    dir.write("log", "1\nha");
    let running = cofollow(&dir, ["log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    dir.rename("log", "log.1");
    dir.append("log", "2\nan");
    running.wait_for_stdout(|out| out == b"1\n2\n");
    dir.append("log.1", "lf\n");
    running.wait_for_stdout(|out| out == b"1\n2\nhalf\n");
    dir.append("log", "other\n");
    running.wait_for_stdout(|out| out == b"1\n2\nhalf\nanother\n");
}

#[test]
fn a_file_that_has_its_name_back_goes_on_where_it_was() {
    let dir = Dir::new();
    let running = following(&dir);
    dir.rename("log", "log.1");
    dir.append("log", "2\n");
    running.wait_for_stdout(|out| out == b"1\n2\n");
    dir.rename("log.1", "log");
    dir.append("log", "3\n");
    running.wait_for_stdout(|out| out == b"1\n2\n3\n");
}

/// Writes numbered lines, on and on, and rotates as soon as the last rotation has been `followed`; after each it
/// goes on in the old file for a while, first with the rest of a line. Says how many it wrote.
fn write_and_rotate(
    dir: &Dir,
    lines: usize,
    rotations: usize,
    followed: impl Fn(usize) -> bool,
) -> usize {
    let open = || {
        let mut options = File::options();
        let file = options.create(true).append(true).open(dir.path("log"));
        file.expect("opened")
    };
    let mut file = open();
    let (mut number, mut rotated, mut since) = (0, 0, 0);
    while number < lines || rotated < rotations || !followed(rotated) {
        assert!(number < 10_000_000, "rotation {rotated} was not followed");
        let mut text = String::new();
        for _ in 0..100 {
            number += 1;
            writeln!(text, "line {number}").expect("a string takes all");
        }
        let (head, rest) = text.split_at(text.len() - 3);
        file.write_all(head.as_bytes()).expect("written");
        since += 1;
        if since > 80 && rotated < rotations && followed(rotated) {
            rotated += 1;
            since = 0;
            dir.rename("log", &format!("log.{rotated}"));
            open();
        }
        file.write_all(rest.as_bytes()).expect("written");
        if since == 3 {
            file = open();
        }
    }
    number
}

#[test]
fn a_hot_writer_that_rotates_loses_nothing() {
    let dir = Dir::new();
    dir.write("log", "line 0\n");
    let running = cofollow(&dir, ["log"]).spawn();
    running.wait_for_stdout(|out| out == b"line 0\n");
    let last = write_and_rotate(&dir, 200_000, 20, |rotated| {
        running.stderr_has(|err| new_files(err) >= rotated)
    });
    running.wait_for_stdout(|out| out.ends_with(format!("\nline {last}\n").as_bytes()));
    running.kill("TERM");
    let output = running.wait();
    let lines = output.stdout.split_inclusive(|&byte| byte == b'\n');
    for (number, line) in lines.enumerate() {
        assert_eq!(String::from_utf8_lossy(line), format!("line {number}\n"));
    }
}

#[test]
fn a_reader_that_stopped_while_the_file_was_rotated_gets_everything() {
    let dir = Dir::new();
    // More than a pipe and the blocks in between take.
    let text = |round: usize| format!("{round:09}\n").repeat(200_000);
    dir.write("log", text(0));
    let (running, stdout) = cofollow(&dir, ["-n+1", "log"]).spawn_unread();
    let mut stdout = BufReader::new(stdout);
    let mut line = String::new();
    stdout.read_line(&mut line).expect("read");
    for round in 1..=3 {
        dir.rename("log", &format!("log.{round}"));
        dir.write("new", text(round));
        dir.rename("new", "log");
        // The new file is opened though nothing can be written.
        running.wait_for_stderr(|err| new_files(err) >= round);
    }
    for round in 0..=3 {
        for _ in usize::from(round == 0)..200_000 {
            line.clear();
            stdout.read_line(&mut line).expect("read");
            assert_eq!(line, format!("{round:09}\n"));
        }
    }
}

#[test]
fn where_nothing_can_be_watched_a_hot_writer_that_rotates_loses_nothing() {
    let dir = Dir::new();
    dir.write("log", "line 0\n");
    let args = ["-s1ms", "log"];
    let Some(follow) = super::faults::without("max_inotify_instances", &dir, &args) else {
        return;
    };
    let running = follow.spawn();
    running.wait_for_stdout(|out| out == b"line 0\n");
    let last = write_and_rotate(&dir, 100_000, 10, |_| true);
    running.wait_for_stdout(|out| out.ends_with(format!("\nline {last}\n").as_bytes()));
    running.kill("TERM");
    let output = running.wait();
    let lines = output.stdout.split_inclusive(|&byte| byte == b'\n');
    for (number, line) in lines.enumerate() {
        assert_eq!(String::from_utf8_lossy(line), format!("line {number}\n"));
    }
}

// As fast as files can be renamed: nobody can see each.
#[test]
fn a_burst_of_rotations_under_a_hot_writer_loses_nothing() {
    let dir = Dir::new();
    dir.write("log", "line 0\n");
    let running = cofollow(&dir, ["log"]).spawn();
    running.wait_for_stdout(|out| out == b"line 0\n");
    let last = write_and_rotate(&dir, 100_000, 12, |_| true);
    running.wait_for_stdout(|out| out.ends_with(format!("\nline {last}\n").as_bytes()));
    running.kill("TERM");
    let output = running.wait();
    let lines = output.stdout.split_inclusive(|&byte| byte == b'\n');
    for (number, line) in lines.enumerate() {
        assert_eq!(String::from_utf8_lossy(line), format!("line {number}\n"));
    }
}

#[test]
fn two_writers_at_once_on_the_old_file_and_the_new() {
    let dir = Dir::new();
    let running = following(&dir);
    let old = File::options()
        .append(true)
        .open(dir.path("log"))
        .expect("opened");
    dir.rename("log", "log.1");
    dir.append("log", "");
    let new = File::options()
        .append(true)
        .open(dir.path("log"))
        .expect("opened");
    thread::scope(|scope| {
        for (name, mut file) in [("old", old), ("new", new)] {
            scope.spawn(move || {
                for number in 0..20_000 {
                    let line = format!("{name} {number}\n");
                    // Not every write is a line.
                    let (head, rest) = line.split_at(number % line.len());
                    file.write_all(head.as_bytes()).expect("written");
                    file.write_all(rest.as_bytes()).expect("written");
                }
            });
        }
    });
    running.wait_for_stdout(|out| contains(out, "old 19999\n") && contains(out, "new 19999\n"));
    running.kill("TERM");
    let output = String::from_utf8(running.wait().stdout).expect("text");
    for name in ["old", "new"] {
        let lines = output.lines().filter(|line| line.starts_with(name));
        let expected = (0..20_000).map(|number| format!("{name} {number}"));
        assert!(lines.eq(expected), "{name}");
    }
    assert_eq!(output.lines().count(), 40_001);
}

#[test]
fn a_directory_far_above_that_is_renamed_leads_elsewhere() {
    let dir = Dir::new();
    fs::create_dir_all(dir.path("p/q/r")).expect("made");
    dir.write("p/q/r/log", "1\n");
    let running = cofollow(&dir, ["p/q/r/log"]).spawn();
    running.wait_for_stdout(|out| out == b"1\n");
    let mut expected = "1\n".to_owned();
    for round in 2..4 {
        dir.rename("p", &format!("p{round}"));
        fs::create_dir_all(dir.path("p/q/r")).expect("made");
        dir.write("p/q/r/log", format!("{round}\n"));
        expected = expected + &round.to_string() + "\n";
        running.wait_for_stdout(|out| out == expected.as_bytes());
    }
    dir.append("p/q/r/log", "more\n");
    expected += "more\n";
    running.wait_for_stdout(|out| out == expected.as_bytes());
}

#[test]
fn lines_behind_one_without_its_end_wait_for_it_and_stay_in_order() {
    let dir = Dir::new();
    dir.write("log", "abc");
    let running = cofollow(&dir, ["-n+1", "--partial-after=1ms", "log"]).spawn();
    running.wait_for_stdout(|out| out == b"abc");
    dir.rename("log", "log.1");
    dir.append("log", "line 1\npart");
    running.wait_for_stderr(|err| new_files(err) == 1);
    dir.append("log", "ial\nline 3\n");
    dir.append("log.1", "def\n");
    running.wait_for_stdout(|out| out == b"abcdef\nline 1\npartial\nline 3\n");
}

#[test]
fn a_file_that_has_the_name_of_another_is_told_once() {
    let dir = Dir::new();
    dir.write("log", "1\n");
    dir.write("log.1", "old\n");
    let running = cofollow(&dir, ["-q", "log", "log.1"]).spawn();
    running.wait_for_stdout(|out| out == b"1\nold\n");
    dir.rename("log", "log.1");
    let mut expected = "1\nold\n".to_owned();
    for number in 0..5 {
        dir.append("log.1", format!("{number}\n"));
        expected = expected + &number.to_string() + "\n";
        running.wait_for_stdout(|out| out == expected.as_bytes());
    }
    running.kill("TERM");
    let output = running.wait();
    assert!(occurrences(&output.stderr, "replaced") <= 1, "{output:?}");
}

// The log of an image: the first write copies it up from the layer below, as does each first rename, which gives it
// another time of birth. All of its lines came again.
#[test]
fn a_log_that_overlayfs_copies_up_stays_the_same() {
    let mount = "mount -t overlay -o lowerdir=low,upperdir=up,workdir=work none merged";
    let overlaid = |script: &str| {
        let dir = Dir::new();
        for directory in ["low", "up", "work", "merged"] {
            fs::create_dir(dir.path(directory)).expect("made");
        }
        dir.write("low/log.1", "0\n");
        dir.write("low/log", "1\n");
        let script = format!("{mount} && cd merged && {{ {script}\n}}");
        let cmd = Cmd::new("timeout").args(["60", "unshare", "-rm", "sh", "-c", &script]);
        let cmd = cmd.env("cofollow", built("cofollow")).dir(dir.path(""));
        (cmd.run(), dir)
    };
    if !overlaid("true").0.status.success() {
        eprintln!("not tested: an overlay cannot be mounted here");
        return;
    }
    let rotate = "mv log.1 log.2; mv log log.1";
    let (output, dir) = overlaid(&format!(
        r#""$cofollow" -n +1 log > ../out 2> ../err &
        seen() {{ until grep -qx "$1" ../out; do sleep 0.02; done; }}
        seen 1; echo 2 >> log; seen 2
        {rotate}; echo 3 >> log.1; seen 3; echo 4 > log; seen 4
        {rotate}; echo 5 > log; seen 5; kill $!; wait $!"#
    ));
    output.code(143);
    let read = |name: &str| fs::read_to_string(dir.path(name)).expect("text");
    assert_eq!(read("out"), "1\n2\n3\n4\n5\n", "{}", read("err"));
    assert!(!read("err").contains("lost"), "{}", read("err"));
    let (output, _dir) = overlaid(&format!(
        r#"run() {{ "$cofollow" --resume ../state -n +1 --no-follow log; }}
        run; echo 2 >> log; run
        {rotate}; echo 3 >> log.1; echo 4 > log; run
        {rotate}; echo 5 > log; run"#
    ));
    output.stdout("1\n2\n3\n4\n5\n").stderr("").code(0);
}
