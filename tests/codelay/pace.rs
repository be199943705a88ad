//! `--rate` and `--burst`: in virtual time, where they are exact.

use super::time::records;
use super::{codelay, numbers, printed, prints};
use crate::util::{Cmd, Dir, pipeline};

/// When the lines leave, in nanoseconds.
fn departures(args: &[&str], input: String) -> Vec<u64> {
    let trace = printed(&[args, &["--virtual", "--trace"]].concat(), input);
    let departure = |line: &str| {
        line.rsplit('\t')
            .next()
            .expect("a column")
            .replace('.', "")
            .parse()
    };
    trace
        .lines()
        .map(|line| departure(line).expect("a time"))
        .collect()
}

#[test]
fn lines_are_spaced_evenly_and_the_first_does_not_wait() {
    let times = departures(&["--rate", "4/s"], numbers(5));
    assert_eq!(
        times,
        [0, 250_000_000, 500_000_000, 750_000_000, 1_000_000_000]
    );
    // No error adds up: a third of a second is no number of nanoseconds.
    let times = departures(&["--rate", "3/s"], numbers(3001));
    assert!(times[3000].abs_diff(1_000_000_000_000) <= 1);
    assert_eq!(
        departures(&["--rate", "120/m"], numbers(2)),
        [0, 500_000_000]
    );
}

#[test]
fn bytes_count_with_their_terminators() {
    let times = departures(&["--rate", "10B/s"], "1234\n123456789\n\nx\n".into());
    assert_eq!(times, [0, 500_000_000, 1_500_000_000, 1_600_000_000]);
    let times = departures(&["--rate", "1kB/s"], "12345678901234\nx\n".into());
    assert_eq!(times, [0, 15_000_000]);
}

#[test]
fn nothing_is_saved_up_while_idle() {
    // A line each second, and five a second allowed: each at once.
    let times = departures(&["--rate", "5/s", "--interval", "1s"], numbers(4));
    assert_eq!(times, [0, 1_000_000_000, 2_000_000_000, 3_000_000_000]);
    // With a delay, too, departure = max(previous + 1/rate, arrival + delay).
    let times = departures(&["--rate", "5/s", "10s"], numbers(3));
    assert_eq!(times, [10_000_000_000, 10_200_000_000, 10_400_000_000]);
}

#[test]
fn a_slower_rate_than_the_arrivals_makes_a_queue() {
    let trace = printed(
        &[
            "--virtual",
            "--trace",
            "--interval",
            "1s",
            "--rate",
            "0.5/s",
        ],
        numbers(10),
    );
    for (number, record) in records(&trace).into_iter().enumerate() {
        let number = f64::from(u32::try_from(number).expect("few"));
        let (_, _, arrival, _, departure) = record;
        assert!((arrival - number).abs() < 1e-9);
        assert!((departure.expect("came") - 2.0 * number).abs() < 1e-9);
    }
}

#[test]
fn a_paced_flood_is_read_no_faster_than_it_is_needed() {
    // All of it would be more memory than there is.
    let ends = pipeline([
        Cmd::new("yes"),
        codelay(["--rate", "1000/s"]),
        Cmd::new("head").arg("-n100"),
    ]);
    ends[1].stderr("").signal(13);
    ends[2].stdout("y\n".repeat(100)).code(0);
}

// Below ten a second the rate itself was ahead by more than what is read ahead, with nothing to wake for.
#[test]
fn a_slow_rate_reads_on_when_what_it_held_has_left() {
    prints(&["--rate", "8/s"], numbers(1), numbers(1));
    prints(&["--rate", "8/s", "10ms"], numbers(3), numbers(3));
    // A stream that goes on, too.
    let mut running = codelay(["--rate", "8/s"]).spawn();
    for line in 1..=3 {
        running.send(format!("{}\n", line - 1));
        let expected = numbers(line);
        running.wait_for_stdout(|out| out == expected.as_bytes());
    }
    running.wait().stdout(numbers(3)).code(0);
}

// It looked at what had come only when a line left: what came in time for its turn arrived too late for it.
#[test]
fn what_is_not_read_ahead_arrives_in_time_for_its_turn() {
    let dir = Dir::new();
    let args = ["2s", "--rate", "50/m", "--trace=trace"];
    let mut running = codelay(args).dir(dir.path("")).spawn();
    running.send(numbers(2));
    running.wait_for_stdout(|out| !out.is_empty());
    running.send("more\n");
    running.wait().stderr("").code(0);
    let trace = std::fs::read_to_string(dir.path("trace")).expect("written");
    // The two leave at 2 and 3.2 s: to leave at 4.4 s, the third is read by 2.4 s.
    let records = records(&trace);
    let second = records[1].4.expect("came");
    assert!(records[2].2 < second, "{trace}");
}

#[test]
fn lines_of_a_burst_are_not_early_either() {
    // In the system's time, as virtual time has no reason to let lines wait for each other.
    let trace = printed(&["--rate", "20/s", "--burst", "3", "--trace"], numbers(6));
    let departures = records(&trace)
        .into_iter()
        .map(|record| record.4.expect("came"));
    for (number, departure) in departures.enumerate() {
        let due = 0.05 * f64::from(u32::try_from(number).expect("few"));
        assert!(departure >= due - 1e-9, "{number}: {departure}");
    }
}

#[test]
fn what_it_was_stopped_for_does_not_leave_at_once() {
    let dir = Dir::new();
    let cmd = codelay(["--rate", "2000/s", "--trace=trace"]).dir(dir.path(""));
    let mut running = cmd.spawn();
    running.send(numbers(2000));
    running.wait_for_stdout(|out| out.len() > 1000);
    running.kill("STOP");
    Cmd::new("sleep").arg("0.3").run().code(0);
    running.kill("CONT");
    running.wait().stdout(numbers(2000)).stderr("").code(0);
    let trace = std::fs::read_to_string(dir.path("trace")).expect("written");
    let records = records(&trace);
    let left: Vec<f64> = records.into_iter().filter_map(|record| record.4).collect();
    let stop = left.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(stop.fold(0.0, f64::max) > 0.25);
    for (line, &at) in left.iter().enumerate() {
        let since_first = f64::from(u32::try_from(line).expect("few")) / 2000.0;
        assert!(at - left[0] >= since_first - 1e-6, "{line}: {at}");
        // In 100 ms no more than a tenth more than their share.
        let in_window = left[..=line]
            .iter()
            .rev()
            .take_while(|&&other| at - other < 0.1);
        assert!(in_window.count() <= 220, "{line}: {at}");
    }
}
