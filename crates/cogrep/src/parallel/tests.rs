use super::*;
use crate::{Grep, Pattern, Syntax};
use costage::{Block, Ended, Source, Text, collect};
use proptest::prelude::*;
use std::io::Write;

fn whole(text: &[u8], settings: &Settings) -> (Vec<u8>, bool) {
    let (lines, sink) = collect();
    let mut grep = Grep::new(pattern(), settings.clone(), sink);
    Source::text(Block::from(text.to_vec()))
        .drive(&mut grep)
        .expect("driven");
    (lines.take(), grep.has_selected())
}

fn pattern() -> Pattern {
    Pattern::any_of([&b"a+"[..]], Syntax::default()).expect("a pattern")
}

fn in_parts(text: &[u8], settings: &Settings, threads: usize) -> (Vec<u8>, bool) {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(text).expect("written");
    let (lines, sink) = collect();
    let mut grep = Grep::new(pattern(), settings.clone(), sink);
    let stretch = Stretch {
        file,
        what: "a file".into(),
        range: 0..text.len() as u64,
        terminator: b'\n',
        before: Passed::default(),
        counts_lines: false,
    };
    let parallel = Parallel::new(stretch, &pattern(), settings, Input::default(), threads);
    let mut parallel = parallel.expect("threads");
    let mut driver = Driver::new();
    let ended = driver.pump(&mut parallel, grep.output());
    assert_eq!(ended.expect("pumped"), Ended::Input);
    grep.absorb(parallel.passed());
    let end = usize::try_from(parallel.end()).expect("it fits");
    let mut rest = Text::new(Block::from(text[end..].to_vec()));
    let ended = driver.pump(&mut rest, &mut grep);
    driver.finish(&mut grep, ended).expect("finished");
    (lines.take(), grep.has_selected())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// However long the lines are and wherever parts begin: what one thread finds, in its order.
    #[test]
    fn in_parts_is_found_what_is_found_in_one(
        pieces in proptest::collection::vec(("[ab\n]{0,40}", 0_usize..700_000), 1..9),
        (invert, line_numbers, byte_offsets) in any::<(bool, bool, bool)>(),
        report in prop_oneof![Just(Report::Lines), Just(Report::Matches), Just(Report::Count)],
        threads in 0_usize..4,
    ) {
        let mut text = Vec::new();
        for (piece, long) in pieces {
            text.extend_from_slice(piece.as_bytes());
            text.extend(std::iter::repeat_n(b'x', long));
        }
        let settings = Settings { invert, report, line_numbers, byte_offsets, ..Settings::default() };
        let (found, has) = in_parts(&text, &settings, threads);
        let (expected, has_expected) = whole(&text, &settings);
        prop_assert!(found == expected, "{} bytes: {} of {}", text.len(), found.len(), expected.len());
        prop_assert_eq!(has, has_expected);
    }
}

#[test]
fn a_file_that_is_shorter_than_it_was_ends_early() {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(b"a\nb").expect("written");
    let stretch = Stretch {
        file,
        what: "a file".into(),
        range: 0..3 * PART,
        terminator: b'\n',
        before: Passed::default(),
        counts_lines: false,
    };
    let parallel = Parallel::new(
        stretch,
        &pattern(),
        &Settings::default(),
        Input::default(),
        2,
    );
    let mut parallel = parallel.expect("threads");
    let (lines, mut sink) = collect();
    let ended = Driver::new().pump(&mut parallel, &mut sink);
    assert_eq!(ended.expect("pumped"), Ended::Input);
    assert_eq!(lines.take(), b"a\n");
    assert_eq!(parallel.end(), 2);
}

// Each part had to wait for the loop to take that nothing was found in it.
#[test]
fn parts_in_which_nothing_is_found_wait_for_nobody() {
    let mut file = tempfile::tempfile().expect("a file");
    let line = [&[b'x'; 999][..], b"\n"].concat();
    file.write_all(&line.repeat(12_000)).expect("written");
    let stretch = Stretch {
        file,
        what: "a file".into(),
        range: 0..12_000_000,
        terminator: b'\n',
        before: Passed::default(),
        counts_lines: false,
    };
    let settings = Settings::default();
    let parallel = Parallel::new(stretch, &pattern(), &settings, Input::default(), 2);
    let parallel = parallel.expect("threads");
    let shared = &parallel.shared;
    let is_unsearched = |state: &mut State| state.first < shared.parts;
    let deadline = std::time::Duration::from_mins(1);
    let waited = shared
        .changed
        .wait_timeout_while(shared.lock(), deadline, is_unsearched);
    let (state, timeout) = waited.expect("no panic");
    assert!(!timeout.timed_out(), "{} of {}", state.first, shared.parts);
    drop(state);
    assert_eq!(parallel.end(), 12_000_000);
}
