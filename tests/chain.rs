//! One algebra, two runtimes: the stages composed in one process, and as processes joined by pipes, give the
//! same bytes and end in the same way.

use cofollow::{Start, tail_of};
use cogrep::{Grep, Pattern, Report, Settings, Syntax};
use costage::{Block, Driver, Ended, Pull, Pulled, Result, Source, Stage, Waits, collect};
use proptest::prelude::*;

use crate::util::{Cmd, pipeline};

/// A stage, as both runtimes make it.
#[derive(Clone, Debug)]
enum Spec {
    Grep {
        pattern: &'static str,
        syntax: Syntax,
        settings: Box<Settings>,
    },
    Tail(Start),
}

impl Spec {
    fn stage<'a>(&self, to: Box<dyn Stage + 'a>) -> Box<dyn Stage + 'a> {
        match self {
            Spec::Grep {
                pattern,
                syntax,
                settings,
            } => {
                let pattern = Pattern::any_of([pattern.as_bytes()], *syntax).expect("a pattern");
                Box::new(Grep::new(pattern, Settings::clone(settings), to))
            }
            Spec::Tail(start) => tail_of(*start, to),
        }
    }

    fn command(&self) -> Cmd {
        match self {
            Spec::Grep {
                pattern,
                syntax,
                settings,
            } => {
                let flags = [
                    (syntax.literal, "-F"),
                    (syntax.ignore_case, "-i"),
                    (settings.invert, "-v"),
                    (settings.line_numbers, "-n"),
                    (settings.report == Report::Count, "-c"),
                ];
                let flags = flags
                    .into_iter()
                    .filter_map(|(on, flag)| on.then_some(flag));
                let max = settings.max_count.map(|max| format!("-m{max}"));
                Cmd::bin("cogrep")
                    .args(flags)
                    .args(max)
                    .args(["-e", pattern])
            }
            Spec::Tail(Start::Last(lines)) => Cmd::bin("cofollow").args(["-n", &lines.to_string()]),
            Spec::Tail(Start::Line(line)) => Cmd::bin("cofollow").args(["-n", &format!("+{line}")]),
            Spec::Tail(Start::LastBytes(bytes)) => {
                Cmd::bin("cofollow").args(["-c", &bytes.to_string()])
            }
            Spec::Tail(Start::Byte(byte)) => Cmd::bin("cofollow").args(["-c", &format!("+{byte}")]),
        }
    }

    /// Does it want no more before its input ends?
    fn may_stop(&self) -> bool {
        matches!(self, Spec::Grep { settings, .. } if settings.max_count.is_some())
    }

    /// The status of the process, by what it put out.
    fn status(&self, output: &[u8]) -> i32 {
        match self {
            Spec::Grep { settings, .. } if settings.report == Report::Count => {
                i32::from(output == b"0\n")
            }
            Spec::Grep { .. } => i32::from(output.is_empty()),
            Spec::Tail(_) => 0,
        }
    }
}

/// Gives a text in blocks of about this size.
struct Cut(Block, usize);

impl Pull for Cut {
    fn waits(&mut self, waits: &mut Waits, room: bool) {
        if room {
            waits.now();
        }
    }

    fn pull(&mut self, _: &Waits) -> Result<Pulled> {
        if self.0.is_empty() {
            return Ok(Pulled::End);
        }
        Ok(Pulled::Block(self.0.split_lines(self.1)))
    }
}

fn in_process(chain: &[Spec], text: &[u8], cut: usize) -> Vec<u8> {
    let (output, sink) = collect();
    let sink: Box<dyn Stage> = Box::new(sink);
    let chain = chain.iter().rfold(sink, |to, spec| spec.stage(to));
    let source = Source::new(Cut(Block::from(text.to_vec()), cut));
    let ended = source.drive(chain).expect("driven");
    assert!(matches!(ended, Ended::Input | Ended::Stopped));
    output.take()
}

fn texts() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        8 => r"[abA0-9 ]{0,12}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
        1 => Just(b"a\0b\xFF\xC3".to_vec()),
        1 => Just(b"b a\r".to_vec()),
        // Longer than a block, and than what a pipe holds.
        1 => (200_000_usize..400_000).prop_map(|length| b"ab ".repeat(length / 3)),
    ];
    (proptest::collection::vec(line, 0..14), any::<bool>()).prop_map(|(lines, finished)| {
        let mut text = lines.join(&b'\n');
        if finished && !text.is_empty() {
            text.push(b'\n');
        }
        text
    })
}

fn specs() -> impl Strategy<Value = Spec> {
    let pattern = proptest::sample::select(vec![
        "a",
        "b a",
        "^a",
        "[0-9]+$",
        "",
        r"\d|A",
        "(?-u:\\xFF)",
    ]);
    let flags = any::<(bool, bool, bool)>();
    let report = prop_oneof![9 => Just(Report::Lines), 1 => Just(Report::Count)];
    let max = proptest::option::weighted(0.2, 1_u64..4);
    let grep = (pattern, flags, report, max).prop_map(
        |(pattern, (ignore_case, invert, line_numbers), report, max_count)| Spec::Grep {
            pattern,
            syntax: Syntax {
                literal: !pattern.contains(['^', '$', '\\']),
                ignore_case,
                ..Syntax::default()
            },
            settings: Box::new(Settings {
                // As grep has it, the program does not even read where every line matches and none is wanted.
                invert: invert && !pattern.is_empty(),
                report,
                line_numbers,
                max_count,
                ..Settings::default()
            }),
        },
    );
    let tail = prop_oneof![
        (0_u64..6).prop_map(Start::Last),
        (0_u64..6).prop_map(Start::Line),
        (0_u64..60).prop_map(Start::LastBytes),
        (0_u64..60).prop_map(Start::Byte),
    ];
    prop_oneof![4 => grep, 1 => tail.prop_map(Spec::Tail)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_chain_in_one_process_is_the_chain_of_processes(
        chain in proptest::collection::vec(specs(), 1..5),
        text in texts(),
        cut in prop_oneof![1_usize..30, Just(1 << 18)],
    ) {
        let expected = in_process(&chain, &text, cut);
        let mut commands: Vec<Cmd> = chain.iter().map(Spec::command).collect();
        let first = commands.remove(0).stdin(text.clone());
        let ended = pipeline([first].into_iter().chain(commands));
        let last = ended.last().expect("a chain has a last");
        prop_assert!(last.stdout == expected, "{chain:?}");
        for (index, (spec, process)) in chain.iter().zip(&ended).enumerate() {
            let output = in_process(&chain[..=index], &text, cut);
            let status = spec.status(&output);
            // One whose reader had enough may have died of SIGPIPE before it saw what would have decided.
            let cut_short = chain[index + 1..].iter().any(Spec::may_stop);
            if !cut_short {
                process.code(status);
            }
            prop_assert_eq!(String::from_utf8_lossy(&process.stderr), "");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whatever the size of the blocks, a stage does the same.
    #[test]
    fn seams_between_blocks_do_not_show(
        chain in proptest::collection::vec(specs(), 1..5),
        text in texts(),
        cut in 1_usize..40,
    ) {
        prop_assert!(in_process(&chain, &text, cut) == in_process(&chain, &text, usize::MAX));
    }
}

/// One loop, several sources, as `cat a b | …` has it.
#[test]
fn several_sources_in_one_process_are_cat_in_front_of_the_processes() {
    let (output, sink) = collect();
    let count = Settings {
        report: Report::Count,
        ..Settings::default()
    };
    let mut grep = Grep::new(Pattern::literal("a"), count, sink);
    let mut driver = Driver::new();
    for text in ["a\nb\n", "ab\n"] {
        driver
            .pump(&mut Cut(Block::from(text), 1), &mut grep)
            .expect("pumped");
    }
    driver
        .finish(&mut grep, Ok(Ended::Input))
        .expect("finished");
    let processes = Cmd::bin("cogrep")
        .args(["-c", "a"])
        .stdin("a\nb\nab\n")
        .run();
    processes.stdout(output.take());
}
