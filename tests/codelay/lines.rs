//! A delay in lines.

use std::fmt::Write as _;

use super::{codelay, numbers, printed, prints};
use crate::util::{Cmd, Dir, chain};

#[test]
fn a_line_comes_out_when_so_many_later_ones_have_gone_in() {
    let mut running = codelay(["4"]).spawn();
    for number in 0..100 {
        running.send(format!("{number}\n"));
        if number >= 4 {
            let expected = numbers(number - 3);
            running.wait_for_stdout(|text| text == expected.as_bytes());
        }
    }
    running.wait().stdout(numbers(100)).stderr("").code(0);
}

#[test]
fn exactly_the_last_lines_are_held_whatever_comes_at_once() {
    // More than a read, more lines than a block has, and one block of which the border is in the middle.
    for (delay, lines) in [
        (1, 50_000),
        (1_000, 50_000),
        (40_000, 50_000),
        (49_999, 50_000),
        (3, 5),
    ] {
        let text = numbers(lines);
        let mut running = codelay([&*delay.to_string()]).spawn();
        running.send(&text);
        let expected = numbers(lines - delay);
        running.wait_for_stdout(|out| out.len() >= expected.len());
        running.kill("KILL");
        running.wait().stdout(expected);
    }
}

#[test]
fn the_end_of_the_input_flushes_whether_or_not_the_channel_was_full() {
    for delay in ["0", "1", "3", "4", "1000000", "99999999999999999999"] {
        for text in ["", "a", "a\n", "a\nb\nc\n", "a\nb\nc\nd", "\n\n\n\n\n"] {
            prints(&[delay], text, text);
        }
    }
}

#[test]
fn bytes_are_not_text() {
    let text = b"\xFF\0\r\n\0\n\n\x80unfinished";
    prints(&["2"], text, text);
    prints(&["2s", "--virtual"], text, text);
    let mut running = codelay(["-z", "1"]).spawn();
    running.send(b"one\ntwo\0three\0");
    running.wait_for_stdout(|out| out == b"one\ntwo\0");
    running.wait().stdout(b"one\ntwo\0three\0").code(0);
}

#[test]
fn long_lines_are_held_whole() {
    let long = "x".repeat(3 << 20);
    let text = format!("{long}\n{long}\nshort\n{long}");
    prints(&["2"], &*text, &text);
    let mut running = codelay(["1"]).spawn();
    running.send(format!("{long}\nshort\n"));
    let expected = format!("{long}\n");
    running.wait_for_stdout(|out| out == expected.as_bytes());
    running.wait().code(0);
}

#[test]
fn a_chain_of_channels_adds_up() {
    let mut stages = chain([codelay(["2"]), codelay(["3"])]);
    stages[0].send(numbers(6));
    stages[1].wait_for_stdout(|out| out == b"0\n");
    let ends: Vec<_> = stages.into_iter().map(|stage| stage.wait()).collect();
    ends[1].stdout(numbers(6)).code(0);
}

#[test]
fn a_delay_of_lines_can_be_paced_and_lossy() {
    prints(&["2", "--rate", "1000000/s"], numbers(10), numbers(10));
    prints(&["2", "--loss", "1"], numbers(10), "");
}

/// What the course prints, computed without a channel.
fn account(delay: usize, payloads: &[&str]) -> String {
    let mut text = String::new();
    let cycles = payloads.len() + delay;
    for cycle in 0..cycles {
        match payloads.get(cycle) {
            Some(payload) => writeln!(text, "Cycle {cycle}: Generate payload {payload}"),
            None if cycle == payloads.len() => writeln!(text, "Cycle {cycle}: Flush the channel"),
            None => Ok(()),
        }
        .expect("a string");
        match cycle.checked_sub(delay).and_then(|at| payloads.get(at)) {
            Some(payload) => writeln!(text, "Cycle {cycle}: Process payload {payload}"),
            None => writeln!(text, "Cycle {cycle}: Idle"),
        }
        .expect("a string");
    }
    if delay == 0 {
        writeln!(text, "Cycle {cycles}: Flush the channel").expect("a string");
    }
    writeln!(text, "Simulated {cycles} cycles").expect("a string");
    text
}

#[test]
fn the_account_is_that_of_the_course() {
    let expected = include_bytes!("../course/000_channel_d4_n10.txt");
    prints(&["--trace", "4"], numbers(10), expected);
}

#[test]
fn the_account_is_the_course_programs_for_any_delay_and_number_of_payloads() {
    for delay in [0, 1, 2, 4, 7, 30] {
        for payloads in [0, 1, 2, 3, 4, 5, 10, 31] {
            let delay = delay.to_string();
            let course = Cmd::example("channel")
                .args([&*delay, &*payloads.to_string()])
                .run();
            let told = printed(&["--trace", &delay], numbers(payloads));
            assert_eq!(told.as_bytes(), course.stdout, "{delay} {payloads}");
        }
    }
}

#[test]
fn a_long_account_is_right_also_beside_the_lines() {
    let text = numbers(30_000);
    let payloads: Vec<&str> = text.lines().collect();
    for delay in [0, 1, 1000, 29_999, 30_000, 40_000] {
        let expected = account(delay, &payloads);
        let delay = delay.to_string();
        assert!(printed(&["--trace", &delay], &*text) == expected);
        let dir = Dir::new();
        let output = codelay(["--trace=account", &delay]).stdin(&*text);
        output
            .dir(dir.path(""))
            .run()
            .stdout(&text)
            .stderr("")
            .code(0);
        let written = std::fs::read_to_string(dir.path("account")).expect("written");
        assert!(written == expected, "{delay}");
    }
}

#[test]
fn the_account_names_the_lines_and_ends_when_its_reader_has_enough() {
    let told = printed(&["--trace", "1"], "an apple\n\u{1F34E}");
    assert_eq!(told, account(1, &["an apple", "\u{1F34E}"]));
    // It would be idle for some thousand years.
    let ends = crate::util::pipeline([
        codelay(["--trace", "99999999999999999999"]).stdin("a\n"),
        Cmd::new("head").arg("-n5"),
    ]);
    ends[0].stderr("").signal(13);
    ends[1].stdout(
        "Cycle 0: Generate payload a\nCycle 0: Idle\nCycle 1: Flush the channel\nCycle 1: Idle\nCycle 2: Idle\n",
    );
}
