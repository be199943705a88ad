//! `--replay`: the gaps of the log.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::time::records;
use super::{codelay, printed, prints};
use crate::util::{Cmd, pipeline};

/// When the lines leave in virtual time, in milliseconds.
fn departures(args: &[&str], log: &str) -> Vec<u64> {
    let trace = printed(&[&["--virtual", "--trace"], args].concat(), log);
    let millis = |departure: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let millis = (departure * 1000.0).round() as u64;
        millis
    };
    records(&trace)
        .iter()
        .map(|record| millis(record.4.expect("came")))
        .collect()
}

const COMMON: &str = "\
192.0.2.1 - - [10/Mar/2025:23:59:58 +0000] \"GET / HTTP/1.1\" 200 1
192.0.2.1 - - [11/Mar/2025:00:00:00 +0000] \"GET / HTTP/1.1\" 200 1
192.0.2.1 - - [11/Mar/2025:00:00:00 +0000] \"GET / HTTP/1.1\" 200 1
192.0.2.1 - - [11/Mar/2025:01:00:05 +0100] \"GET / HTTP/1.1\" 200 1
";

#[test]
fn lines_leave_with_the_gaps_of_their_times_and_the_first_at_once() {
    assert_eq!(departures(&["--replay"], COMMON), [0, 2000, 2000, 7000]);
    let rfc3339 =
        "2025-03-10T23:59:59.9Z a\n2025-03-11 00:00:00,150 b\nat 2025-03-11T01:00:01+01:00\n";
    assert_eq!(departures(&["--replay"], rfc3339), [0, 250, 1100]);
    let syslog = "Feb  9 08:00:00 host a\n<13>Feb 10 08:00:01 host b\n";
    assert_eq!(departures(&["--replay"], syslog), [0, 86_401_000]);
    let epoch = "1741564800 a\n[1741564800.25] b\n1741564801000 c\n";
    assert_eq!(departures(&["--replay"], epoch), [0, 250, 1000]);
}

#[test]
fn a_line_without_a_time_goes_with_the_one_before_it() {
    let log = "1741564800 a\n  at line 1\n1741564803 b\n  at line 2\n\n";
    assert_eq!(departures(&["--replay"], log), [0, 0, 3000, 3000, 3000]);
}

#[test]
fn speed_and_the_longest_gap_change_the_waiting() {
    assert_eq!(
        departures(&["--replay", "--speed", "10x"], COMMON),
        [0, 200, 200, 700]
    );
    assert_eq!(
        departures(&["--replay", "--speed", "0.5"], COMMON),
        [0, 4000, 4000, 14_000]
    );
    assert_eq!(
        departures(&["--replay", "--max-gap", "3s"], COMMON),
        [0, 2000, 2000, 5000]
    );
    let both = ["--replay", "--speed", "2x", "--max-gap", "2s"];
    assert_eq!(departures(&both, COMMON), [0, 1000, 1000, 3000]);
}

#[test]
fn a_given_place_and_format_are_used() {
    let log = "id=7 t=10.03.2025/00:00:00\nid=8 t=10.03.2025/00:01:00\n";
    let args = ["--replay=t=([^ ]+)", "--time-format", "%d.%m.%Y/%H:%M:%S"];
    assert_eq!(departures(&args, log), [0, 60_000]);
    let log = "1741564800 took=1741564900\n1741564800 took=1741564905\n";
    assert_eq!(departures(&["--replay=took=([0-9]+)"], log), [0, 5000]);
}

#[test]
fn time_that_runs_backwards_is_told_and_waits_for_nothing() {
    let log = "1741564810 a\n1741564809 b\n1741564812 c\n";
    let output = codelay(["--replay", "--virtual"]).stdin(log).run();
    let told = "codelay: 1 line with a time before that of an earlier line\n";
    output.stdout(log).stderr(told).code(0);
}

#[test]
fn a_delay_and_a_rate_add_to_the_replay() {
    assert_eq!(
        departures(&["--replay", "1s"], COMMON),
        [1000, 3000, 3000, 8000]
    );
    assert_eq!(
        departures(&["--replay", "--rate", "1/s"], COMMON),
        [0, 2000, 3000, 8000]
    );
}

#[test]
fn in_the_systems_time_no_line_is_early() {
    let log = "1741564800.00 a\n1741564800.05 b\n1741564800.10 c\n";
    let started = Instant::now();
    prints(&["--replay"], log, log);
    assert!(started.elapsed() >= Duration::from_millis(100));
}

#[test]
fn a_log_is_read_no_faster_than_it_is_replayed() {
    // A line each ten seconds: all that is read of it is what it had in hand.
    let log = (0..1_000_000).fold(String::new(), |mut log, line| {
        writeln!(log, "{} a line of the log", 1_000_000_000 + 10 * line).expect("a string");
        log
    });
    let ends = pipeline([
        codelay(["--replay", "--stats"]).stdin(log),
        Cmd::new("head").arg("-n1"),
    ]);
    ends[1].stdout("1000000000 a line of the log\n").code(0);
    ends[0].signal(13);
    let totals = String::from_utf8_lossy(&ends[0].stderr);
    let read: u64 = totals
        .split(' ')
        .nth(1)
        .expect("a number")
        .parse()
        .expect("a number");
    assert!(read < 20_000, "{totals}");
}

#[test]
fn a_time_without_a_date_goes_on_after_half_a_day_and_back_by_an_hour() {
    let args = ["--replay=^([0-9:]+)", "--time-format", "%H:%M:%S"];
    let log = "23:59:59 a\n00:00:01 b\n12:30:00 c\n00:31:00 d\n";
    assert_eq!(departures(&args, log), [0, 2000, 45_001_000, 88_261_000]);
    // The end of summer time is no day.
    let args = [&args[..], &["--virtual"]].concat();
    let log = "02:59:59 a\n02:00:00 b\n02:00:02 c\n";
    let output = codelay(args).stdin(log).run();
    let told = "codelay: 1 line with a time before that of an earlier line\n";
    output.stdout(log).stderr(told).code(0);
}

#[test]
fn a_number_behind_a_time_is_not_its_offset() {
    let log =
        "2025-03-10 13:55:36 x\n2025-03-10 13:55:37 -2500 msgs\n2025-03-10 13:55:38 +1460 x\n";
    assert_eq!(departures(&["--replay"], log), [0, 1000, 2000]);
    let log =
        "2025-03-10 13:55:36 +0000 x\n2025-03-10 14:55:37 +0100 x\n2025-03-11 03:55:38 +1400\n";
    assert_eq!(departures(&["--replay"], log), [0, 1000, 2000]);
}

#[test]
fn milliseconds_have_decimals_too() {
    let log = "1741614936000.5 a\n1741614936001.5 b\n";
    assert_eq!(departures(&["--replay"], log), [0, 1]);
    let log = "t=1741614936000.5 a\nt=1741614936001.5 b\n";
    assert_eq!(departures(&["--replay=t=([0-9.]+)"], log), [0, 1]);
}

#[test]
fn a_time_without_a_date_is_enough_and_no_time_at_all_is_told() {
    let args = ["--replay=^([0-9:]+)", "--time-format", "%H:%M:%S"];
    assert_eq!(departures(&args, "23:59:58 a\n00:00:03 b\n"), [0, 5000]);
    let none = codelay(["--replay"]).stdin("a\nb\n").run();
    let told = "codelay: no line has a time that '--replay' finds\n";
    none.stdout("a\nb\n").stderr(told).code(0);
    prints(&["--replay"], "", "");
    // But to nobody who left.
    let left = codelay(["--replay"]).stdin("a\n".repeat(1_000_000));
    let ends = pipeline([left, Cmd::new("head").arg("-n1")]);
    ends[0].stderr("").signal(13);
}
