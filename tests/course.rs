//! The course's programs: what the course printed, byte for byte (tests/course/), and what it left open.

mod failures;

use std::fmt::Write;

use crate::util::{Cmd, Dir, Output};

/// A file of tests/course.
macro_rules! printed {
    ($name:literal) => {
        include_bytes!(concat!("course/", $name))
    };
}

#[track_caller]
fn run(name: &str, args: &[&str]) -> Output {
    Cmd::example(name).args(args).run()
}

/// Runs to its end without a message and prints `expected`.
#[track_caller]
fn prints(name: &str, args: &[&str], expected: impl AsRef<[u8]>) {
    run(name, args).stderr("").stdout(expected).code(0);
}

#[test]
fn channel_delays_each_payload() {
    prints("channel", &[], printed!("000_channel_d4_n10.txt"));
    prints("channel", &["4", "10"], printed!("000_channel_d4_n10.txt"));
}

#[test]
fn channel_without_delay_has_nothing_to_flush() {
    let expected = "\
        Cycle 0: Generate payload 0\n\
        Cycle 0: Process payload 0\n\
        Cycle 1: Generate payload 1\n\
        Cycle 1: Process payload 1\n\
        Cycle 2: Flush the channel\n\
        Simulated 2 cycles\n";
    prints("channel", &["0", "2"], expected);
}

#[test]
fn channel_with_fewer_payloads_than_delay_begins_the_flush_idle() {
    let expected = "\
        Cycle 0: Generate payload 0\n\
        Cycle 0: Idle\n\
        Cycle 1: Flush the channel\n\
        Cycle 1: Idle\n\
        Cycle 2: Process payload 0\n\
        Simulated 3 cycles\n";
    prints("channel", &["2", "1"], expected);
}

#[test]
fn channel_without_payloads_is_idle_for_its_delay() {
    let expected = "Cycle 0: Flush the channel\nCycle 0: Idle\nCycle 1: Idle\nSimulated 2 cycles\n";
    prints("channel", &["2", "0"], expected);
    let nothing = "Cycle 0: Flush the channel\nSimulated 0 cycles\n";
    prints("channel", &["0", "0"], nothing);
}

#[test]
fn follow_drives_the_printer() {
    let dir = Dir::new();
    dir.write("access-log", printed!("001_access-log.txt"));
    let follow = Cmd::example("follow_printer")
        .arg("access-log")
        .dir(dir.path(""));
    follow
        .run()
        .stdout(printed!("001_follow_printer.txt"))
        .code(0);
}

#[test]
fn follow_takes_an_unfinished_line_and_an_empty_file() {
    let dir = Dir::new();
    dir.write("unfinished", "a\nbc");
    dir.write("empty", "");
    let follow = |file| {
        Cmd::example("follow_printer")
            .arg(file)
            .dir(dir.path(""))
            .run()
    };
    let expected = "curr_pos: 2\na\n\ncurr_pos: 4\nbc\ncurr_pos: 4\nGoing away. Goodbye\n";
    follow("unfinished").stdout(expected).code(0);
    follow("empty")
        .stdout("curr_pos: 0\nGoing away. Goodbye\n")
        .code(0);
}

#[test]
fn grep_is_primed_sent_closed_and_thrown_into() {
    prints("grep_coroutine", &[], printed!("002_grep_close.txt"));
    prints("grep_coroutine", &["close"], printed!("002_grep_close.txt"));
    prints(
        "grep_coroutine",
        &["prime"],
        printed!("002_grep_prime_send.txt"),
    );
    prints("grep_coroutine", &["throw"], printed!("002_grep_throw.txt"));
}

#[test]
fn broadcast_sends_each_line_to_every_target_in_turn() {
    let dir = Dir::new();
    dir.write("log", "python 3\nswig 4\nnone\n\nply and python\nply");
    let grep = Cmd::example("broadcast_grep").dir(dir.path(""));
    grep.args(["log", "python", "ply", "swig"])
        .run()
        .stdout("python 3\nswig 4\nply and python\nply and python\nply\n")
        .code(0);
}

#[test]
fn the_object_finds_what_the_coroutine_finds() {
    let dir = Dir::new();
    dir.write("log", "python\ntubes\nmore python\npython, unfinished");
    let found = "python\nmore python\npython, unfinished\nThe object and the coroutine agree.\n";
    let handler = Cmd::example("grep_handler").dir(dir.path(""));
    handler.args(["log", "python"]).run().stdout(found).code(0);
}

#[test]
fn a_capped_deque_discards_from_the_other_end() {
    prints("capped_deque", &[], printed!("003_deque.txt"));
}

#[test]
fn uncapped_produces_all_before_it_consumes() {
    prints("uncapped", &[], printed!("003_uncapped.txt"));
    prints("uncapped", &["3"], "processing item 1\nprocessing item 2\n");
    prints("uncapped", &["1"], "");
    prints("uncapped", &["0"], "");
}

#[test]
fn coordinator_alternates() {
    prints(
        "coordinator",
        &[],
        printed!("003_coordinator_n36_max10.txt"),
    );
    for n in 0..8 {
        for maxlen in 1..5 {
            let args = [n.to_string(), maxlen.to_string()];
            prints(
                "coordinator",
                &args.each_ref().map(String::as_str),
                rounds(n, maxlen),
            );
        }
    }
}

/// What `coordinator` prints, without cooperation: a round for each queueful. The producer learns that it has
/// finished only when it is asked to go on, so after a full queue there is one round more.
fn rounds(n: u32, maxlen: usize) -> String {
    let items: Vec<u32> = (1..n).collect();
    let mut queues: Vec<&[u32]> = items.chunks(maxlen).collect();
    if queues.last().is_none_or(|last| last.len() == maxlen) {
        queues.push(&[]);
    }
    let mut text = String::new();
    for queue in queues {
        text += "producing...\n";
        if queue.len() == maxlen {
            text += "queue full - yielding control\n";
        }
        text += "consuming...\n";
        for item in queue {
            writeln!(text, "processing  {item}").expect("a string takes all");
        }
        text += "queue empty - yielding control\n";
    }
    text
}

#[test]
fn coordinator_with_a_queue_of_no_length_loses_everything() {
    let full = "producing...\nqueue full - yielding control\n";
    let empty = "consuming...\nqueue empty - yielding control\n";
    let expected = format!("{full}{empty}{full}{empty}producing...\n{empty}");
    prints("coordinator", &["3", "0"], expected);
}

#[test]
fn eggs_come_alike_from_generator_and_iterator() {
    prints("eggs", &[], printed!("004_eggs.txt"));
    prints("eggs", &["100", "generator"], printed!("004_eggs.txt"));
    prints("eggs", &["100", "iterator"], printed!("004_eggs.txt"));
    prints("eggs", &["2"], "🥚\n0🥚 1🥚 ");
    prints("eggs", &["0", "iterator"], "🥚\n");
}

#[test]
fn the_kitchen_repeats_the_deliveries_of_the_course() {
    prints("received", &[], printed!("004_received_seedrun.txt"));
    prints("butter_melter", &[], printed!("004_melter_seedrun.txt"));
    prints("cake_factory", &[], printed!("004_factory_seedrun.txt"));
}

#[test]
fn the_kitchen_takes_other_ingredients() {
    let dir = Dir::new();
    let butter = dir.write("butter", "flour\nbutter");
    let with_butter = |name| Cmd::example(name).arg(&butter).run();
    with_butter("received").stdout("At time 0 received flour\nAt time 0 received butter\n");
    let melted = "T=0\tGenerate flour\nT=0\tGenerate butter\n\
                  Butter melter input  🧈.\nButter melter output 🍯.\n";
    with_butter("butter_melter").stdout(melted).code(0);
    Cmd::example("received")
        .arg(dir.write("none", ""))
        .run()
        .stdout("")
        .code(0);
}

#[test]
fn a_cake_is_baked_when_the_ingredients_suffice() {
    let names = "flour sugar sugar sugar sugar chocolate chocolate flour eggs eggs butter sugar";
    let dir = Dir::new();
    let ingredients = dir.write("ingredients", names.replace(' ', "\n"));
    let factory = Cmd::example("cake_factory").arg(ingredients).run();
    factory.stdout(printed!("cake.txt")).stderr("").code(0);
}

#[test]
fn pace_changes_nothing_but_the_time() {
    let dir = Dir::new();
    let two = dir.write("two", "sugar\neggs\n");
    let paced = Cmd::example("received").arg("--pace").arg(two).run();
    paced
        .stdout("At time 0 received sugar\nAt time 0 received eggs\n")
        .code(0);
}
