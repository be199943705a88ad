//! A delay in time: never early, in order, complete.

use std::io::{BufRead, BufReader};
use std::process::ChildStdout;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{codelay, numbers, numbers_of, printed, prints};
use crate::util::{Cmd, Dir, chain};

/// The lines that come, each with when it was there.
fn arrivals(stdout: ChildStdout) -> JoinHandle<Vec<(String, Instant)>> {
    thread::spawn(move || {
        let lines = BufReader::new(stdout).lines();
        lines
            .map(|line| (line.expect("text"), Instant::now()))
            .collect()
    })
}

/// Writes numbered lines at times of its own, and holds each against when it came out.
fn no_line_is_early(args: &[&str], least: Duration, batches: &[usize]) {
    let (mut running, stdout) = codelay(args.iter().copied()).spawn_unread();
    let arrivals = arrivals(stdout);
    let (mut sent, mut number) = (Vec::new(), 0);
    for &batch in batches {
        let lines = numbers_of(number..number + batch);
        number += batch;
        // Before it is written: to be early would be to be early of this.
        sent.extend(std::iter::repeat_n(Instant::now(), batch));
        running.send(lines);
    }
    running.wait().stderr("").code(0);
    let came = arrivals.join().expect("read");
    assert_eq!(came.len(), number, "{args:?}");
    for (number, ((line, came), sent)) in came.iter().zip(sent).enumerate() {
        assert_eq!(line, &number.to_string());
        let took = came.duration_since(sent);
        assert!(took >= least, "{args:?}: line {number} took {took:?}");
    }
}

#[test]
fn no_line_is_early_and_the_order_is_kept() {
    let ms = Duration::from_millis;
    no_line_is_early(&["60ms"], ms(60), &[1, 1, 1, 50, 1, 20_000, 1]);
    let uniform = ["40ms", "--dist", "uniform", "--jitter", "10ms"];
    no_line_is_early(&uniform, ms(30), &[1, 1, 1, 50, 1, 5_000, 1]);
    let pareto = ["30ms", "--dist", "pareto", "--shape", "3"];
    // (A - 1) / A of the mean.
    no_line_is_early(&pareto, ms(20), &[1, 1, 100, 1]);
    no_line_is_early(&["30ms", "--rate", "100000/s"], ms(30), &[1, 1, 5_000, 1]);
    no_line_is_early(&["30ms", "--capacity", "7"], ms(30), &[1, 10, 1]);
}

#[test]
fn the_delays_run_out_after_the_end_of_the_input() {
    let started = Instant::now();
    prints(&["100ms"], "a\nb\nunfinished", "a\nb\nunfinished");
    assert!(started.elapsed() >= Duration::from_millis(100));
}

// They came out when the last of them did.
#[test]
fn after_the_end_of_the_input_too_lines_leave_one_by_one() {
    let started = |args: &[&str], input: &str| {
        let mut running = codelay(args.iter().copied()).spawn();
        running.send(input);
        running.close_stdin();
        running
    };
    // One that left before the end, and one after it.
    let hours = "1000000000 a\n1000036000 b";
    for args in [&["--replay"][..], &["--replay", "200ms"]] {
        let running = started(args, hours);
        running.wait_for_stdout(|out| out == b"1000000000 a\n");
        running.kill("TERM");
        running.wait().stdout(hours).signal(15);
    }
}

// One went and another of the same length came, and that looked as if nothing had happened.
#[test]
fn a_line_is_written_when_it_leaves_also_if_another_takes_its_place() {
    let mut running = codelay(["300ms", "--rate", "1/h", "--capacity", "1"]).spawn();
    running.send("a\nb\nc\n");
    running.wait_for_stdout(|out| out == b"a\n");
    running.kill("TERM");
    running.wait().stdout("a\nb\nc\n").signal(15);
}

#[test]
fn what_comes_is_held_while_earlier_lines_leave() {
    let mut running = codelay(["50ms"]).spawn();
    running.send("a\n");
    running.wait_for_stdout(|out| out == b"a\n");
    running.send("b\nc");
    running.wait_for_stdout(|out| out == b"a\nb\n");
    running.send("c\n");
    running.wait_for_stdout(|out| out == b"a\nb\ncc\n");
    running.wait().stdout("a\nb\ncc\n").stderr("").code(0);
}

#[test]
fn without_a_delay_each_line_passes_at_once() {
    for args in [
        &[][..],
        &["0s"],
        &["0"],
        &["--loss", "0"],
        &["--rate", "1000000/s"],
    ] {
        let mut running = codelay(args.iter().copied()).spawn();
        let mut expected = String::new();
        for number in 0..50 {
            running.send(format!("{number}\n"));
            expected.push_str(&numbers_of([number]));
            running.wait_for_stdout(|out| out == expected.as_bytes());
        }
        running.wait().stdout(expected).stderr("").code(0);
    }
}

#[test]
fn a_flood_comes_out_whole_and_in_order() {
    let text = numbers(300_000);
    for args in [
        &["20ms"][..],
        &["20ms", "--dist", "normal", "--jitter", "5ms"],
        &["5ms", "--capacity", "5000"],
        &["5ms", "--capacity", "10KiB"],
    ] {
        assert!(printed(args, &*text) == text, "{args:?}");
    }
}

#[test]
fn lines_overtake_only_where_they_may() {
    let text = numbers(200);
    let jitter = ["20ms", "--dist", "exponential", "--seed", "5"];
    assert_eq!(printed(&jitter, &*text), text);
    let reordered = printed(&[&jitter[..], &["--reorder"]].concat(), &*text);
    assert_ne!(reordered, text);
    let mut numbers: Vec<u32> = reordered
        .lines()
        .map(|line| line.parse().expect("a number"))
        .collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..200));
}

#[test]
fn an_unfinished_line_is_finished_before_another_that_leaves_after_it() {
    let args = ["1s", "--dist", "exponential", "--reorder", "--virtual"];
    for seed in 0..20 {
        let seed = seed.to_string();
        let out = printed(&[&args[..], &["--seed", &seed]].concat(), "a\nb\nc\nd");
        let mut lines: Vec<&str> = out.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["a", "b", "c", "d"]);
    }
    prints(&["--duplicate", "1"], "a\nb", "a\na\nb\nb\n");
}

#[test]
fn a_reader_that_is_slow_holds_it_back() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let yes = Cmd::new("yes").stdout_to(writer).spawn();
    let (running, stdout) = codelay(["10ms"]).stdin_from(reader).spawn_unread();
    // It has stopped reading when yes has come to rest in its write, and memory is what was held then and 1 MiB.
    let mut before = None;
    crate::util::wait_until("the flood to stand", || {
        let now = super::sleeps(&yes).zip(super::sleeps(&running));
        Cmd::new("sleep").arg("0.1").run().code(0);
        let stands = now.is_none() || now == before;
        before = now;
        stands
    });
    drop(stdout);
    running.wait().stderr("").signal(13);
    yes.wait().signal(13);
}

#[test]
fn two_channels_in_a_chain_of_processes_keep_both_delays() {
    let mut stages = chain([codelay(["30ms"]), codelay(["30ms"])]);
    let sent = Instant::now();
    stages[0].send("a\n");
    stages[1].wait_for_stdout(|out| out == b"a\n");
    assert!(sent.elapsed() >= Duration::from_millis(60));
    for stage in stages {
        stage.wait().stderr("").code(0);
    }
}

/// The columns of a trace: the event, the number, arrival, delay and departure.
pub(super) type Record = (char, u64, f64, f64, Option<f64>);

/// What a trace tells.
pub(super) fn records(trace: &str) -> Vec<Record> {
    let record = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [op, number, arrival, delay, departure] = columns[..] else {
            panic!("not five columns: {line}");
        };
        let time = |text: &str| text.parse::<f64>().expect("a time");
        for text in [arrival, delay] {
            assert_eq!(text.split_once('.').expect("decimals").1.len(), 9, "{line}");
        }
        let departure = (departure != "-").then(|| time(departure));
        let op = op.chars().next().expect("an operation");
        (
            op,
            number.parse().expect("a number"),
            time(arrival),
            time(delay),
            departure,
        )
    };
    trace.lines().map(record).collect()
}

#[test]
fn the_trace_tells_what_really_happened() {
    let dir = Dir::new();
    let cmd = codelay([
        "20ms",
        "--dist",
        "uniform",
        "--jitter",
        "10ms",
        "--loss",
        "0.2",
        "--trace=trace",
    ]);
    let output = cmd.stdin(numbers(100)).dir(dir.path("")).run();
    output.stderr("").code(0);
    let trace = std::fs::read_to_string(dir.path("trace")).expect("written");
    let records = records(&trace);
    assert_eq!(records.len(), 100);
    let mut last = 0.0;
    let mut came = String::new();
    for &(op, number, arrival, delay, departure) in &records {
        assert!((0.010..=0.030).contains(&delay));
        assert_eq!(op == 'd', departure.is_none());
        let Some(departure) = departure else { continue };
        // Both were rounded down to a billionth.
        assert!(departure >= arrival + delay - 1e-9 && departure >= last);
        last = departure;
        came.push_str(&numbers_of([number]));
    }
    output.stdout(came);
}
