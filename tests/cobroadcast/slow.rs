//! Targets that are slower than the input.

use std::fs;
use std::io::{self, Read, Write};
use std::thread;

use super::{cobroadcast, fifo, numbers, sh};
use crate::util::{Cmd, Dir, Running, wait_until};

/// Runs it with a target `slow`, of which nothing is read before it has taken all its input, and with a file.
/// What came to `slow`, and how it ended.
fn with_slow_reader(args: &[&str], text: &str) -> (Vec<u8>, crate::util::Output) {
    let dir = Dir::new();
    fifo(&dir, "slow");
    let (reader, mut writer) = io::pipe().expect("a pipe");
    let cmd = Cmd::bin("cobroadcast").args(args).args(["fast", "slow"]);
    let running = cmd
        .dir(dir.path(""))
        .stdin_from(reader)
        .stdout_to(fs::File::create("/dev/null").expect("opened"));
    let running = running.spawn();
    let mut slow = fs::File::open(dir.path("slow")).expect("opened");
    // The file keeps up, however slow the disk: never more than its queue holds is on its way.
    let mut fed = 0;
    while fed < text.len() {
        let part = &text[fed..text.len().min(fed + 50_000)];
        let part = &part[..=part.rfind('\n').expect("a line")];
        writer.write_all(part.as_bytes()).expect("written");
        fed += part.len();
        wait_until("the file to have it", || {
            fs::metadata(dir.path("fast")).is_ok_and(|fast| fast.len() == fed as u64)
        });
    }
    drop(writer);
    let mut got = Vec::new();
    slow.read_to_end(&mut got).expect("read");
    let output = running.wait();
    assert!(fs::read(dir.path("fast")).expect("read") == text.as_bytes());
    (got, output)
}

/// What was dropped, as it was told.
fn dropped(stderr: &[u8], name: &str) -> usize {
    let text = String::from_utf8_lossy(stderr);
    let told = format!("cobroadcast: {name}: dropped ");
    let rest = text.lines().find_map(|line| line.strip_prefix(&told));
    let rest = rest.unwrap_or_else(|| panic!("nothing dropped: {text}"));
    let number = rest.split(' ').next().and_then(|word| word.parse().ok());
    number.expect("a number")
}

#[test]
fn with_drop_newest_a_slow_target_gets_the_first_lines() {
    let text = numbers(500_000);
    let (got, output) = with_slow_reader(&["--when-full=drop-newest", "--queue=100K"], &text);
    output.code(0);
    let lines = memchr::memchr_iter(b'\n', &got).count();
    assert!(text.as_bytes().starts_with(&got) && got.ends_with(b"\n"));
    // Of the pipe's 64 KiB and the queue's 100 most is used.
    assert!((100_000..500_000).contains(&got.len()), "{}", got.len());
    assert_eq!(lines + dropped(&output.stderr, "slow"), 500_000);
    let told = format!(
        "cobroadcast: slow: dropped {} of 500000 lines\n",
        500_000 - lines
    );
    output.stderr(told);
}

#[test]
fn with_drop_oldest_a_slow_target_gets_the_first_and_the_last_lines() {
    let text = numbers(500_000);
    let (got, output) = with_slow_reader(&["--when-full", "drop-oldest", "--queue=100K"], &text);
    output.code(0);
    let numbers: Vec<usize> = String::from_utf8(got)
        .expect("text")
        .lines()
        .map(|line| line.parse().expect("a whole line"))
        .collect();
    assert!(numbers.is_sorted());
    assert_eq!((numbers[0], numbers[numbers.len() - 1]), (1, 500_000));
    assert_eq!(numbers.len() + dropped(&output.stderr, "slow"), 500_000);
    let gaps = numbers
        .windows(2)
        .filter(|pair| pair[1] != pair[0] + 1)
        .count();
    assert_eq!(gaps, 1);
}

// Each target had copies of its own.
#[cfg(target_os = "linux")]
#[test]
fn what_waits_for_many_takes_the_memory_of_one() {
    const QUEUE: u64 = 4 << 20;
    // Of a debug build, the program and what its targets have in their hands.
    const REST: u64 = 14 << 20;
    let text = numbers(2_000_000);
    for when_full in ["drop-oldest", "drop-newest", "spill"] {
        // Many small pieces, and few large ones.
        for piece in [3_000, 1 << 20] {
            let dir = Dir::new();
            let names: Vec<String> = (0..16).map(|number| format!("slow{number}")).collect();
            for name in &names {
                fifo(&dir, name);
            }
            let queue = QUEUE.to_string();
            let cmd = cobroadcast(["--queue", &*queue, "--when-full", when_full]);
            let (reader, mut writer) = io::pipe().expect("a pipe");
            let running = cmd.args(&names).dir(dir.path("")).stdin_from(reader);
            let running = running.stdout_to(fs::File::create("/dev/null").expect("opened"));
            let running = running.spawn();
            let open = |name| fs::File::open(dir.path(name)).expect("opened");
            let never_read: Vec<fs::File> = names.iter().map(|name| open(name)).collect();
            for piece in text.as_bytes().chunks(piece) {
                writer.write_all(piece).expect("written");
            }
            let status = fs::read_to_string(format!("/proc/{}/status", running.pid()));
            let status = status.expect("a process");
            let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let most = most.and_then(|most| most.trim().strip_suffix(" kB"));
            let most: u64 = most.expect("a size").parse().expect("a number");
            assert!(most << 10 < QUEUE + REST, "{when_full} {piece}: {most} KiB");
            drop(never_read);
        }
    }
}

#[test]
fn with_spill_a_slow_target_gets_all_and_no_file_is_left() {
    let temporary = Dir::new();
    let text = numbers(500_000);
    let path = temporary.path("");
    let dir = Dir::new();
    fifo(&dir, "slow");
    let args = ["--when-full=spill", "--queue=100K", "fast", "slow"];
    let cmd = cobroadcast(args).dir(dir.path("")).env("TMPDIR", &path);
    let running = cmd.stdin(text.clone()).spawn();
    let mut slow = fs::File::open(dir.path("slow")).expect("opened");
    wait_until("the file to have all", || {
        fs::metadata(dir.path("fast")).is_ok_and(|fast| fast.len() == text.len() as u64)
    });
    assert_eq!(fs::read_dir(path).expect("a directory").count(), 0);
    let mut got = String::new();
    slow.read_to_string(&mut got).expect("read");
    assert!(got == text);
    running.wait().stdout(&text).stderr("").code(0);
}

#[test]
fn a_full_disk_turns_spilling_into_back_pressure() {
    let text = numbers(500_000);
    let dir = Dir::new();
    fifo(&dir, "slow");
    // No file may be longer than 256 KiB.
    let script = r#"trap '' XFSZ; ulimit -f 512; "$cobroadcast" --when-full=spill --queue=10K slow >/dev/null"#;
    let running = sh(script).dir(dir.path("")).stdin(text.clone()).spawn();
    let mut slow = fs::File::open(dir.path("slow")).expect("opened");
    let warning = "cobroadcast: warning: slow: no room on disk for what waits (File too large); \
                   the input waits instead\n";
    running.wait_for_stderr(|err| err == warning.as_bytes());
    let mut got = String::new();
    slow.read_to_string(&mut got).expect("read");
    assert!(got == text);
    running.wait().stderr(warning).code(0);
}

#[test]
fn spilling_goes_on_when_there_is_room_on_disk_again() {
    let dir = Dir::new();
    fifo(&dir, "slow");
    // No file may be longer than 256 KiB, which a pipe and the queue are far from holding.
    let script = r#"ulimit -f 512; exec "$cobroadcast" --when-full=spill --queue=10K slow"#;
    let mut running = sh(script).dir(dir.path("")).spawn();
    let mut slow = fs::File::open(dir.path("slow")).expect("opened");
    let mut all = String::new();
    let part = numbers(1000);
    let is_told = |running: &Running| running.stderr_has(|err| !err.is_empty());
    // Nothing is read of the slow one meanwhile.
    while !is_told(&running) {
        running.send(&part);
        all.push_str(&part);
        running.wait_for_stdout(|out| out == all.as_bytes() || is_told(&running));
    }
    let mut got = vec![0; all.len()];
    slow.read_exact(&mut got).expect("read");
    // More than is held without spilling.
    for _ in 0..40 {
        running.send(&part);
        all.push_str(&part);
        running.wait_for_stdout(|out| out == all.as_bytes());
    }
    let rest = 40 * part.len() as u64;
    slow.take(rest).read_to_end(&mut got).expect("read");
    assert!(got == all.as_bytes());
    let warning = "cobroadcast: warning: slow: no room on disk for what waits (File too large); \
                   the input waits instead\n";
    running.wait().stderr(warning).code(0);
}

// Handed on in pieces of an eighth of the queue, a file took seconds for a MiB, and the others waited for it.
#[test]
fn the_queue_of_a_file_is_never_small_where_lines_may_be_dropped() {
    let dir = Dir::new();
    let text = numbers(300_000);
    cobroadcast([
        "--debug",
        "--when-full=drop-oldest",
        "--queue=1",
        "file",
        "-c",
        "cat >/dev/null",
    ])
    .dir(dir.path(""))
    .stdin(text.clone())
    .run()
    .stderr_contains("debug: file: when full: drop-oldest, after 65536 bytes\n")
    .stderr_contains("debug: branch 1 (cat >/dev/null): when full: drop-oldest, after 1 bytes\n")
    .code(0);
    assert!(fs::read(dir.path("file")).expect("read") == text.as_bytes());
}

#[test]
fn block_holds_the_input_back_and_loses_nothing() {
    for args in [&[][..], &["--queue=64K"], &["--stats"]] {
        let text = numbers(1_000_000);
        let dir = Dir::new();
        fifo(&dir, "slow");
        let cmd = cobroadcast([]).args(args).args(["slow", "fast"]);
        let (running, mut output) = cmd.dir(dir.path("")).stdin(text.clone()).spawn_unread();
        let mut slow = fs::File::open(dir.path("slow")).expect("opened");
        let read = thread::spawn(move || {
            let mut got = Vec::new();
            output.read_to_end(&mut got).expect("read");
            got
        });
        wait_until("something to be written", || {
            fs::metadata(dir.path("fast")).is_ok_and(|fast| fast.len() > 0)
        });
        // Of what is held one cannot be surer: pipes are made to hold up to 1 MiB, and so is the queue.
        let ahead = fs::metadata(dir.path("fast")).expect("metadata").len();
        assert!(ahead < 4 << 20, "{ahead}");
        let mut got = String::new();
        slow.read_to_string(&mut got).expect("read");
        assert!(got == text);
        assert!(read.join().expect("a reader") == text.as_bytes());
        running.wait().code(0);
    }
}

#[test]
fn a_branch_that_never_reads_stalls_no_other_when_lines_may_be_dropped_or_spilled() {
    for policy in ["drop-oldest", "drop-newest", "spill"] {
        let dir = Dir::new();
        fifo(&dir, "release");
        // Both ways, so that the branch ends when this does.
        let both = fs::OpenOptions::new().read(true).write(true).to_owned();
        let mut release = both.open(dir.path("release")).expect("opened");
        let policy = format!("--when-full={policy}");
        // The first reads nothing of its input, the second keeps up.
        let args = [&policy, "--queue=200K", "-c", "cat release", "-c", "cat"];
        let mut running = cobroadcast(args).dir(dir.path("")).spawn();
        let part = numbers(15_000);
        let mut expected = String::new();
        for _ in 0..20 {
            running.send(&part);
            expected.push_str(&part);
            running.wait_for_stdout(|out| out == expected.as_bytes());
        }
        release.write_all(b"released\n").expect("written");
        drop(release);
        expected.push_str("released\n");
        running.wait().stdout(expected).code(0);
    }
}

#[test]
fn stats_tell_what_became_of_the_lines_of_each_target() {
    let dir = Dir::new();
    let output = cobroadcast([
        "--stats",
        "copy",
        "/dev/full",
        "-c",
        "head -c4 >/dev/null",
        "-c",
        "cat",
    ])
    .dir(dir.path(""))
    .stdin("one\ntwo\nthree")
    .run();
    output.stdout("one\ntwo\nthree\n").code(1);
    for line in [
        "cobroadcast: copy: received 3 lines, 13 bytes; written 3, 13; dropped 0, 0\n",
        "cobroadcast: /dev/full: received 3 lines, 13 bytes; written 0, 0; dropped 3, 13\n",
        "cobroadcast: branch 2 (cat): received 3 lines, 13 bytes; written 3, 13; dropped 0, 0\n",
        "cobroadcast: 3 lines in, 3 out, 13 B, ",
    ] {
        output.stderr_contains(line);
    }
}

#[test]
fn stats_tell_what_became_of_the_copy_beside_branches() {
    for (text, queue) in [
        (numbers(300_000), "--queue=64K"),
        ("one\ntwo".into(), "--queue=1M"),
    ] {
        let (lines, bytes) = (text.lines().count(), text.len());
        let dir = Dir::new();
        for to in ["out", "/dev/full"] {
            let script = format!(
                r#""$cobroadcast" --stats {queue} --stdout -c 'cat >/dev/null' -c 'head -n1; exec cat >/dev/null' >{to}"#
            );
            let output = sh(&script).dir(dir.path("")).stdin(&*text).run();
            let told = String::from_utf8_lossy(&output.stderr);
            let mut copy = told
                .lines()
                .filter_map(|line| line.strip_prefix("cobroadcast: 'standard output': received "));
            let copy = copy.next().expect("told");
            if to == "out" {
                let all =
                    format!("{lines} lines, {bytes} bytes; written {lines}, {bytes}; dropped 0, 0");
                assert_eq!(copy, all);
            } else {
                // All that had come for it by then.
                let (received, written) = copy.split_once("; ").expect("an account");
                let lost = received.replace(" lines", "").replace(" bytes", "");
                assert_eq!(written, format!("written 0, 0; dropped {lost}"));
            }
        }
    }
}

#[test]
fn debug_tells_what_is_decided_and_what_became_of_it() {
    cobroadcast(["--debug", "--queue=2K", "-c", "name:=cat >/dev/null"])
        .stdin("one\ntwo\n")
        .run()
        .stdout("")
        .stderr_contains("debug: branch 1 (name): when full: block, after 2048 bytes\n")
        .stderr_contains(
            "cobroadcast: debug: branch 1 (name): received 2 lines, 8 bytes; written 2, 8; dropped 0, 0\n\
             cobroadcast: debug: ended because no more comes\n",
        )
        .code(0);
}

#[test]
fn group_prints_each_branch_in_one_piece_in_their_order() {
    let text = numbers(200_000);
    let dir = Dir::new();
    let output = cobroadcast([
        "--group",
        "--queue=10K",
        "-c",
        "sleep 0.2; cat",
        "-c",
        "cat; printf end",
        "-c",
        "head -n2",
    ])
    .env("TMPDIR", dir.path(""))
    .stdin(text.clone())
    .run();
    output
        .stdout(format!("{text}{text}end\n1\n2\n"))
        .stderr("")
        .code(0);
    let labelled = cobroadcast([
        "--group",
        "--label={number} ",
        "-c",
        "sleep 0.1; cat",
        "-c",
        "cat",
    ]);
    labelled
        .stdin("a\nb\n")
        .run()
        .stdout("1 a\n1 b\n2 a\n2 b\n")
        .code(0);
}

#[test]
fn wrong_values_are_told() {
    for (arg, message) in [
        (
            "--when-full=drop",
            "invalid argument 'drop' for '--when-full': 'block', 'drop-oldest', 'drop-newest' or 'spill'",
        ),
        (
            "--restart=x",
            "cobroadcast: invalid number of restarts: 'x'\n",
        ),
        ("--queue=x", "invalid value 'x' for '--queue'"),
        (
            "--drain-timeout=10000000000000000000s",
            "a time is neither negative nor endless",
        ),
        ("--queue -1", "invalid value '-1' for '--queue'"),
        ("--when-full -x", "invalid argument '-x' for '--when-full'"),
        ("--ok-status -1", "invalid value '-1' for '--ok-status'"),
        (
            "--drain-timeout=soon",
            "invalid value 'soon' for '--drain-timeout'",
        ),
    ] {
        let words = arg.split(' ');
        cobroadcast(words).run().stderr_contains(message).code(1);
    }
}
