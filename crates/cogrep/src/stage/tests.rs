use super::*;
use crate::output::WORTH_SHARING;
use crate::{Colors, Context, Pattern, Replacement, Report, Syntax};
use costage::{Driver, Ended, Text, collect};
use proptest::prelude::*;
use std::cell::Cell;

/// Notes where the bytes are that it is sent.
struct Note<'a>(&'a Cell<*const u8>);

impl Stage for Note<'_> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        self.0.set(block.as_ptr());
        Ok(Flow::More)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }
}

/// The naive twin: line by line, as the options say.
fn naive(needle: &str, settings: &Settings, name: Option<&str>, text: &str) -> String {
    let mut output = String::new();
    let mut selected = 0;
    let prefix = name.map_or(String::new(), |name| format!("{name}:"));
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if line.contains(needle) == settings.invert {
            continue;
        }
        if settings.max_count.is_some_and(|max| selected == max) {
            break;
        }
        selected += 1;
        if settings.report == Report::Lines {
            output += &prefix;
            if settings.line_numbers {
                output += &(number + 1).to_string();
                output.push(':');
            }
            output += line.trim_end_matches('\n');
            output.push('\n');
        }
    }
    if settings.report == Report::Count {
        output += &[&prefix, &*selected.to_string(), "\n"].concat();
    }
    output
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// However the text is cut into blocks.
    #[test]
    fn what_is_selected_numbered_and_counted_is_what_a_loop_over_lines_tells(
        text in "([ab]{0,3}\n){0,12}[ab]{0,2}",
        cut in 1_usize..12,
        (invert, line_numbers, named) in any::<(bool, bool, bool)>(),
        report in prop_oneof![Just(Report::Lines), Just(Report::Count), Just(Report::Nothing)],
        max_count in proptest::option::of(0_u64..4),
    ) {
        let settings = Settings { invert, report, max_count, line_numbers, ..Settings::default() };
        let name = named.then_some("name");
        let input = Input { name: name.map(str::as_bytes), length: None };
        let (lines, sink) = collect();
        let mut grep = Grep::several(Pattern::literal("a"), settings.clone(), sink);
        let mut driver = Driver::new();
        // Two inputs: the second is counted anew.
        let mut expected = String::new();
        for text in [text.as_str(), "b\na\na"] {
            expected += &naive("a", &settings, name, text);
            let _ = grep.begin(input).expect("begun");
            let mut rest = Block::from(text);
            while !rest.is_empty() {
                let mut piece = Text::new(rest.split_lines(cut));
                if driver.pump(&mut piece, &mut grep).expect("pumped") == Ended::Stopped {
                    break;
                }
            }
        }
        driver.finish(&mut grep, Ok(Ended::Input)).expect("finished");
        prop_assert_eq!(String::from_utf8(lines.take()).expect("text"), expected);
    }
}

/// Takes blocks and is full at once.
struct FullAtOnce(u32);

impl Stage for FullAtOnce {
    fn send(&mut self, _: &Block) -> Result<Flow> {
        self.0 += 1;
        Ok(Flow::Full)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }
}

/// Notes all that it is sent, and is full as often as it is told to be.
struct Moody {
    text: Vec<u8>,
    moods: std::iter::Cycle<std::vec::IntoIter<bool>>,
    is_full: bool,
    is_closed: bool,
}

impl Moody {
    fn flow(&mut self) -> Flow {
        self.is_full = self.moods.next().is_some_and(|is_full| is_full);
        if self.is_full { Flow::Full } else { Flow::More }
    }
}

impl Stage for Moody {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        assert!(!self.is_closed);
        self.text.extend_from_slice(block);
        Ok(self.flow())
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }

    fn wake(&mut self, _: &Waits) -> Result<Flow> {
        Ok(if self.is_full {
            self.flow()
        } else {
            Flow::More
        })
    }

    fn close(&mut self) -> Result<()> {
        self.is_closed = true;
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// However often the target is full, also while the chain is closed, and whether the source waits or, as after a
    /// signal, does not: it is sent what one is that never is.
    #[test]
    fn a_target_that_is_full_at_times_is_sent_all(
        pieces in proptest::collection::vec(("[ab\n]{0,40}", 0_usize..40_000), 1..4),
        mut moods in proptest::collection::vec(any::<bool>(), 1..9),
        (line_numbers, in_pieces, invert, is_colored, is_replaced) in any::<(bool, bool, bool, bool, bool)>(),
        waits in any::<bool>(),
        report in prop_oneof![Just(Report::Lines), Just(Report::Matches)],
        before in proptest::option::of(0_usize..3),
        text in prop_oneof![Just("[a]"), Just("a"), Just("a+")],
    ) {
        let pattern = || Pattern::new(text).expect("a pattern");
        let replacement = Replacement::new(b"a text that is longer", &mut pattern()).expect("it is one");
        let settings = Settings {
            line_numbers,
            in_pieces,
            invert,
            report,
            byte_offsets: true,
            colors: is_colored.then(Colors::default),
            replacement: is_replaced.then_some(replacement),
            context: before.map(|before| Context { before, after: 1, separator: None }),
            ..Settings::default()
        };
        let text: String = pieces.iter().map(|(piece, long)| piece.clone() + &"ab".repeat(*long)).collect();
        let sent = |moods: Vec<bool>| {
            let target = Moody { text: Vec::new(), moods: moods.into_iter().cycle(), is_full: false, is_closed: false };
            let mut grep = Grep::new(pattern(), settings.clone(), target);
            let mut rest = Block::from(&*text);
            while !rest.is_empty() {
                let mut flow = grep.send(&rest.split_lines(30_000)).expect("sent");
                while waits && flow == Flow::Full && !rest.is_empty() {
                    flow = grep.wake(&Waits::default()).expect("woken");
                }
            }
            grep.close().expect("closed");
            while !grep.idle() {
                assert!(grep.output.to.is_full, "nothing would wake it");
                let _ = grep.wake(&Waits::default()).expect("woken");
            }
            assert!(grep.output.to.is_closed);
            grep.output.to.text
        };
        moods.push(false);
        let (expected, found) = (sent(vec![false]), sent(moods));
        prop_assert!(found == expected, "{} bytes of {}", found.len(), expected.len());
    }
}

/// Takes one block, and fails at the next.
struct Leaves {
    has_taken: bool,
}

impl Stage for Leaves {
    fn send(&mut self, _: &Block) -> Result<Flow> {
        if std::mem::replace(&mut self.has_taken, true) {
            return Err(Error::other("left"));
        }
        Ok(Flow::Full)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }
}

#[test]
fn an_error_counts_before_that_of_showing_what_was_left() {
    let settings = Settings {
        report: Report::Matches,
        line_numbers: true,
        in_pieces: true,
        ..Settings::default()
    };
    let line = Block::from(&*"ab".repeat(1 << 20));
    let mut grep = Grep::new(Pattern::literal("a"), settings, Leaves { has_taken: false });
    assert_eq!(grep.send(&line).expect("taken"), Flow::Full);
    let ended = grep.throw(Error::other("broken"));
    assert_eq!(ended.expect_err("failed").to_string(), "broken");
}

// At a signal all that a line yielded was made at once: the chain is sent what was read, though it is full.
#[test]
fn what_is_sent_behind_a_line_that_is_left_waits() {
    let line = Block::from(&*("ab".repeat(1 << 20) + "\n"));
    let mut pattern = Pattern::literal("a");
    let replacement = Replacement::new(&[b'x'; 100], &mut pattern).expect("it is one");
    let settings = Settings {
        replacement: Some(replacement),
        in_pieces: true,
        ..Settings::default()
    };
    let target = Moody {
        text: Vec::new(),
        moods: vec![true].into_iter().cycle(),
        is_full: false,
        is_closed: false,
    };
    let mut grep = Grep::new(pattern, settings, target);
    for _ in 0..3 {
        assert_eq!(grep.send(&line).expect("sent"), Flow::Full);
        assert!(grep.output.to.text.len() < line.len());
    }
}

/// Notes the longest block it is sent that is not a part of this one.
struct Longest<'a>(&'a Block, usize);

impl Stage for Longest<'_> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        if !self.0.as_ptr_range().contains(&block.as_ptr()) {
            self.1 = self.1.max(block.len());
        }
        Ok(Flow::More)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }
}

// All that a line yields was held at once: many times its length.
#[test]
fn what_is_made_of_a_long_line_goes_on_before_its_end() {
    let line = Block::from(&*("a".repeat(1 << 20) + &"b".repeat(1 << 20)));
    let longest = |settings: Settings| {
        let mut grep = Grep::new(Pattern::literal("a"), settings, Longest(&line, 0));
        let _ = grep.send(&line).expect("sent");
        grep.output.to.1
    };
    let matches = longest(Settings {
        report: Report::Matches,
        byte_offsets: true,
        ..Settings::default()
    });
    assert!(matches < 300 << 10, "{matches}");
    let replacement = Replacement::new(b"bb", &mut Pattern::literal("a")).expect("a replacement");
    for in_pieces in [true, false] {
        let numbered = Settings {
            line_numbers: true,
            in_pieces,
            ..Settings::default()
        };
        let colored = Settings {
            colors: Some(Colors::default()),
            ..numbered.clone()
        };
        let replaced = Settings {
            replacement: Some(replacement.clone()),
            ..numbered.clone()
        };
        for settings in [numbered, colored, replaced] {
            let longest = longest(settings);
            assert_eq!(longest < 300 << 10, in_pieces, "{longest}");
        }
    }
}

// The answer to a long run was forgotten when nothing came behind it.
#[test]
fn a_full_target_is_not_forgotten() {
    let mut text = "a\n".repeat(WORTH_SHARING);
    text += "b\n";
    let mut grep = grep(Pattern::literal("a"), FullAtOnce(0));
    assert_eq!(grep.send(&Block::from(&*text)).expect("sent"), Flow::Full);
    assert_eq!(grep.output.to.0, 1);
}

// A filter behind it took all of them for one line.
#[test]
fn what_is_gathered_of_records_are_records() {
    let (lines, sink) = collect();
    let records = Block::with_terminator(b"a\0b\0ab\0".to_vec(), b'\0');
    let syntax = Syntax {
        terminator: b'\0',
        ..Syntax::default()
    };
    let pattern = |text: &str| Pattern::any_of([text.as_bytes()], syntax).expect("a pattern");
    let mut chain = grep(pattern("a"), grep(pattern("b"), sink));
    let _ = chain.send(&records).expect("sent");
    assert_eq!(lines.take(), b"ab\0");
}

/// Finds the start of a line, wherever it is to look.
struct Always;

impl Matcher for Always {
    fn find(&mut self, _: &[u8], from: usize, _: u8) -> Option<usize> {
        Some(from)
    }

    fn bounds(&mut self, _: &[u8], _: usize) -> Option<std::ops::Range<usize>> {
        Some(0..1)
    }
}

// It was shown for ever.
#[test]
fn a_match_that_begins_before_it_may_ends_the_line() {
    let (lines, sink) = collect();
    let settings = Settings {
        report: Report::Matches,
        ..Settings::default()
    };
    let mut grep = Grep::new(Always, settings, sink);
    let _ = grep.send(&Block::from("ab\ncd\n")).expect("sent");
    assert_eq!(lines.take(), b"a\nc\n");
}

// The maximum was forgotten where no input was announced; a line was sent that had no name in it.
#[test]
fn inputs_need_be_neither_announced_nor_named() {
    let (lines, sink) = collect();
    let settings = Settings {
        max_count: Some(0),
        ..Settings::default()
    };
    let mut grep = Grep::several(Pattern::literal("a"), settings, sink);
    assert_eq!(grep.send(&Block::from("a\n")).expect("sent"), Flow::Stop);
    assert!(!grep.has_selected());
    let (names, sink) = collect();
    let settings = Settings {
        report: Report::NamesWith,
        ..Settings::default()
    };
    let mut grep = Grep::new(Pattern::literal("a"), settings, sink);
    assert_eq!(grep.send(&Block::from("a\n")).expect("sent"), Flow::Stop);
    grep.close().expect("closed");
    assert!(grep.has_selected());
    assert_eq!((lines.take(), names.take()), (Vec::new(), Vec::new()));
}

#[test]
fn where_a_maximum_stopped_is_behind_the_last_selected_line() {
    let settings = Settings {
        max_count: Some(2),
        ..Settings::default()
    };
    let (_lines, sink) = collect();
    let mut grep = Grep::new(Pattern::literal("a"), settings, sink);
    for text in ["a\nb\n", "bb\na\nrest\n"] {
        let _ = grep.send(&Block::from(text)).expect("sent");
    }
    assert_eq!(grep.stopped_at(), Some(9));
}

#[test]
fn a_block_of_which_every_line_matches_goes_on_as_it_is() {
    let seen = Cell::new(std::ptr::null());
    let block = Block::from("a1\na2\n");
    let _ = grep(Pattern::literal("a"), Note(&seen))
        .send(&block)
        .expect("sent");
    assert_eq!(seen.get(), block.as_ptr());
}
