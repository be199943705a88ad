//! `--virtual`, `--trace` and `--capacity`: what happens, without waiting for it.

use super::time::{Record, records};
use super::{codelay, numbers, printed, prints};
use crate::util::{Dir, Output, wait_until};
use std::fs::File;

fn traced(args: &[&str], lines: usize) -> Output {
    let fixed = ["--virtual", "--trace"];
    codelay([&fixed[..], args].concat())
        .stdin(numbers(lines))
        .run()
}

#[test]
fn a_simulation_takes_no_time_and_prints_the_lines_as_they_leave() {
    let lines = printed(&["1h", "--virtual", "--interval", "1h"], "a\nb\nc");
    assert_eq!(lines, "a\nb\nc");
    let trace = "r\t0\t0.000000000\t3600.000000000\t3600.000000000\n\
                 r\t1\t1800.000000000\t3600.000000000\t5400.000000000\n";
    traced(&["1h", "--interval", "30m"], 2)
        .stdout(trace)
        .stderr("")
        .code(0);
    traced(&["1h"], 0).stdout("").stderr("").code(0);
    // Longer than the clock of the channel counts: it ends all the same.
    let ages = ["10000000d", "--virtual", "--interval", "10000000d"];
    assert_eq!(printed(&ages, numbers(9)), numbers(9));
}

/// The records of lines that come each 100 ms, with delays of a second or so.
fn exponential(args: &[&str]) -> Vec<Record> {
    let delays = [
        "1s",
        "--dist",
        "exponential",
        "--interval",
        "100ms",
        "--seed",
        "9",
    ];
    let trace = traced(&[&delays[..], args].concat(), 2000).stdout;
    let records = records(&String::from_utf8(trace).expect("text"));
    assert_eq!(records.len(), 2000);
    records
}

#[test]
fn events_come_in_the_order_in_which_they_happen() {
    let records = exponential(&["--loss", "0.2", "--reorder"]);
    let times: Vec<f64> = records
        .iter()
        .map(|&(_, _, arrival, _, departure)| departure.unwrap_or(arrival))
        .collect();
    assert!(times.is_sorted());
    assert!(records.iter().any(|record| record.0 == 'd'));
    for &(_, _, arrival, delay, departure) in &records {
        assert!(departure.is_none_or(|departure| (departure - arrival - delay).abs() < 1e-8));
    }
}

/// Each leaves at the later of when it is ready, and a time after the one before it.
fn each_leaves_as_soon_as_it_may(records: &[Record], spacing: f64) {
    let mut before = -spacing;
    for &(op, number, arrival, delay, departure) in records {
        assert_eq!(op, 'r');
        let expected = (before + spacing).max(arrival + delay);
        let departure = departure.expect("came");
        assert!((departure - expected).abs() < 1e-8, "{number}");
        before = departure;
    }
}

#[test]
fn departure_is_the_later_of_the_one_before_and_arrival_and_delay() {
    let records = exponential(&[]);
    assert!(records.is_sorted_by_key(|record| record.1));
    each_leaves_as_soon_as_it_may(&records, 0.0);
}

#[test]
fn with_a_rate_too_lines_overtake_others_that_are_ready_later() {
    let records = exponential(&["--reorder", "--rate", "10/s"]);
    assert!(!records.is_sorted_by_key(|record| record.1));
    each_leaves_as_soon_as_it_may(&records, 0.1);
}

#[test]
fn a_full_channel_drops_the_newest_or_the_oldest_and_tells() {
    // One a second leaves, three a second come, and four are held.
    let args = ["--rate", "1/s", "--interval", "500ms", "--capacity", "2"];
    let newest = traced(&[&args[..], &["--when-full", "drop-newest"]].concat(), 8);
    newest
        .stderr("codelay: 2 lines dropped: the channel was full\n")
        .code(0);
    let numbers_of = |output: &Output, op: char| -> Vec<u64> {
        let trace = String::from_utf8(output.stdout.clone()).expect("text");
        let of_op = records(&trace).into_iter().filter(|record| record.0 == op);
        of_op.map(|record| record.1).collect()
    };
    assert_eq!(numbers_of(&newest, 'd'), [5, 7]);
    assert_eq!(numbers_of(&newest, 'r'), [0, 1, 2, 3, 4, 6]);
    let oldest = traced(&[&args[..], &["--when-full", "drop-oldest"]].concat(), 8);
    oldest
        .stderr("codelay: 2 lines dropped: the channel was full\n")
        .code(0);
    assert_eq!(numbers_of(&oldest, 'd'), [3, 5]);
    assert_eq!(numbers_of(&oldest, 'r'), [0, 1, 2, 4, 6, 7]);
    let one = traced(&["1s", "--capacity", "1", "--when-full", "drop-newest"], 2);
    one.stderr("codelay: 1 line dropped: the channel was full\n")
        .code(0);
}

#[test]
fn a_full_channel_that_blocks_lets_lines_arrive_later() {
    let trace = traced(&["--rate", "1/s", "--capacity", "1"], 4);
    let expected = "r\t0\t0.000000000\t0.000000000\t0.000000000\n\
                    r\t1\t0.000000000\t0.000000000\t1.000000000\n\
                    r\t2\t1.000000000\t0.000000000\t2.000000000\n\
                    r\t3\t2.000000000\t0.000000000\t3.000000000\n";
    trace.stdout(expected).stderr("").code(0);
}

#[test]
fn a_capacity_in_bytes_counts_bytes_and_takes_a_larger_line_alone() {
    let run = |when_full: &str| {
        let args = [
            "1s",
            "--virtual",
            "--interval",
            "1ms",
            "--capacity",
            "8B",
            "--when-full",
            when_full,
        ];
        codelay(args)
            .stdin("abc\nde\nf\ng\na line too long\nh\n")
            .run()
    };
    run("drop-newest")
        .stdout("abc\nde\n")
        .stderr_contains("4 lines dropped");
    run("drop-oldest")
        .stdout("h\n")
        .stderr_contains("5 lines dropped");
    run("block")
        .stdout("abc\nde\nf\ng\na line too long\nh\n")
        .stderr("")
        .code(0);
}

#[test]
fn in_the_systems_time_too_no_more_is_held_than_may_be() {
    let dir = Dir::new();
    let args = [
        "--capacity=3",
        "--when-full=drop-oldest",
        "--trace=trace",
        "--debug",
        "1h",
    ];
    let mut running = codelay(args).dir(dir.path("")).spawn();
    running.send(numbers(100));
    wait_until("97 lines to be dropped", || {
        std::fs::read_to_string(dir.path("trace")).is_ok_and(|trace| trace.lines().count() == 97)
    });
    running.kill("HUP");
    let output = running.wait();
    output.stdout("97\n98\n99\n").signal(1);
    output.stderr_contains("97 lines dropped: the channel was full");
    output.stderr_contains("at most 3 held at once");
}

// A whole block came in before any of its lines left, and most of them were dropped.
#[test]
fn lines_that_a_quick_reader_takes_are_not_dropped() {
    let text = numbers(100_000);
    let dir = Dir::new();
    for when_full in ["drop-newest", "drop-oldest"] {
        // The quickest of all: one that has to run, too, is slow on a busy machine.
        let file = File::create(dir.path("copy")).expect("created");
        let args = ["--capacity", "1000", "--when-full", when_full];
        let cmd = codelay(args).stdin(&*text).stdout_to(file);
        cmd.run().stderr("").code(0);
        let copy = std::fs::read(dir.path("copy")).expect("read");
        assert!(copy == text.as_bytes(), "{when_full}");
    }
}

#[test]
fn lines_that_nobody_takes_are_dropped_and_the_producer_is_not_held_back() {
    let args = ["--capacity", "2MiB", "--when-full", "drop-oldest"];
    let (mut running, stdout) = codelay(args).spawn_unread();
    // Far more than pipes and blocks hold: it is taken, though nobody reads.
    for _ in 0..20 {
        running.send(numbers(50_000));
    }
    drop(stdout);
    running.wait().stderr_contains("lines dropped").signal(13);
}

#[test]
fn behind_a_delay_in_lines_there_is_room_for_what_the_capacity_has_more() {
    let args = ["2", "--virtual", "--rate", "1/s", "--capacity", "5"];
    let run = |when_full| {
        let args = [&args[..], &["--when-full", when_full]].concat();
        codelay(args).stdin(numbers(10)).run()
    };
    // One leaves at once; three wait for the rate, while two are held. At the end these find room.
    let newest = run("drop-newest");
    newest.stdout("0\n1\n2\n3\n8\n9\n").code(0);
    newest.stderr("codelay: 4 lines dropped: the channel was full\n");
    let oldest = run("drop-oldest");
    oldest.stdout("0\n5\n6\n7\n8\n9\n").code(0);
    run("block").stdout(numbers(10)).stderr("").code(0);
}

// The end of the input let the held ones into a channel that had room for one.
#[test]
fn what_is_held_as_lines_is_not_dropped_at_the_end() {
    for when_full in ["drop-newest", "drop-oldest", "block"] {
        let args = ["4", "--capacity", "5", "--rate", "20/s", "--when-full"];
        for time in [&["--virtual"][..], &[]] {
            let args = [&args[..], &[when_full], time].concat();
            prints(&args, numbers(5), numbers(5));
        }
    }
}

#[test]
fn a_copy_needs_room_too() {
    let args = ["1ms", "--capacity", "1", "--duplicate", "1"];
    for time in [&["--virtual"][..], &[]] {
        let output = codelay([&args[..], &["--debug"], time].concat());
        let output = output.stdin("a\nb\nc\n").run();
        output.stdout("a\na\nb\nb\nc\nc\n").code(0);
        output.stderr_contains("at most 1 held at once");
    }
}

// Beyond what the clock of the channel counts, sums wrapped, and what was due later never left.
#[test]
fn times_beyond_all_clocks_end_all_the_same() {
    let trace = traced(&["53000d", "--interval", "53000d"], 3);
    assert_eq!(records(&String::from_utf8_lossy(&trace.stdout)).len(), 3);
    let trace = traced(&["50000d", "--capacity", "1"], 8);
    let departures = records(&String::from_utf8_lossy(&trace.stdout));
    assert_eq!(departures.len(), 8);
    assert!(departures.is_sorted_by(|one, next| one.4 <= next.4));
    let absurd = [
        "50ms",
        "--dist",
        "pareto",
        "--shape",
        "1e305",
        "--virtual",
        "--trace",
    ];
    let delay = records(&printed(&absurd, "a\n"))[0].3;
    assert!((delay - 0.05).abs() < 1e-6, "{delay}");
}
