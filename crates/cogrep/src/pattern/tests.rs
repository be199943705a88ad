//! Every engine held to a naive twin.

mod examples;

use proptest::prelude::*;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

use super::race::Way;
use super::*;

/// The naive twin: on one line at a time, every place is tried as the start of a match and every one as its end.
struct Naive {
    regexes: Vec<Regex>,
    syntax: Syntax,
}

impl Naive {
    fn new(patterns: &[&str], syntax: Syntax) -> Option<Naive> {
        let config = syntax::Config::new()
            .utf8(false)
            .line_terminator(syntax.terminator)
            .case_insensitive(syntax.ignore_case);
        let regexes = patterns.iter().map(|pattern| {
            let pattern = if syntax.literal {
                regex_syntax::escape(pattern)
            } else {
                (*pattern).to_owned()
            };
            Regex::builder()
                .syntax(config)
                .configure(Regex::config().utf8_empty(false).match_kind(MatchKind::All))
                .build(&pattern)
                .ok()
        });
        let regexes = regexes.collect::<Option<_>>()?;
        Some(Naive { regexes, syntax })
    }

    fn matches(&self, line: &[u8]) -> bool {
        self.first(line, 0).is_some()
    }

    /// The longest of the first.
    fn first(&self, line: &[u8], from: usize) -> Option<Range<usize>> {
        let is_match = |regex: &Regex, start, end| {
            let input = Input::new(line).range(start..end).anchored(Anchored::Yes);
            regex.find(input).is_some_and(|found| found.end() == end)
        };
        (from..=line.len())
            .filter(|&start| is_between_characters(line, start))
            .find_map(|start| {
                let mut ends = (start..=line.len()).rev();
                let end = ends.find(|&end| {
                    let mut regexes = self.regexes.iter();
                    self.fits(line, start, end) && regexes.any(|regex| is_match(regex, start, end))
                });
                end.map(|end| start..end)
            })
    }

    fn fits(&self, line: &[u8], start: usize, end: usize) -> bool {
        let before = line[..start].utf8_chunks().last();
        let before = before.and_then(|chunk| match chunk.invalid() {
            [] => chunk.valid().chars().last(),
            _ => None,
        });
        let behind = line[end..].utf8_chunks().next();
        let behind = behind.and_then(|chunk| chunk.valid().chars().next());
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        if self.syntax.lines {
            start == 0 && end == line.len()
        } else {
            !self.syntax.words || (!is_word(before) && !is_word(behind))
        }
    }

    fn select(&self, text: &[u8]) -> Vec<bool> {
        let lines = text.split_inclusive(|&byte| byte == self.syntax.terminator);
        lines
            .map(|line| self.matches(line.strip_suffix(&[self.syntax.terminator]).unwrap_or(line)))
            .collect()
    }
}

fn is_between_characters(line: &[u8], at: usize) -> bool {
    let mut begin = 0;
    for chunk in line.utf8_chunks() {
        let end = begin + chunk.valid().len();
        if (begin..=end).contains(&at) {
            return chunk.valid().is_char_boundary(at - begin);
        }
        begin = end + chunk.invalid().len();
    }
    true
}

fn by_block(pattern: &mut Pattern, text: &[u8]) -> Vec<bool> {
    let terminator = pattern.terminator;
    let mut from = 0;
    let mut found = None;
    text.split_inclusive(|&byte| byte == terminator)
        .map(|line| {
            if found.is_none_or(|found| found < from) {
                found = pattern.find(text, from, terminator);
            }
            // A hit on an unfinished last line may be at its very end.
            let unfinished = usize::from(line.last() != Some(&terminator));
            let hit = found.is_some_and(|found| found < from + line.len() + unfinished);
            from += line.len();
            hit
        })
        .collect()
}

/// Lines of what makes a difference: words, case, other scripts, broken bytes, both terminators.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let pieces: &[&[u8]] = &[
        b"a",
        b"b",
        b"ab",
        b"A",
        b"k",
        b" ",
        b"-",
        b"_",
        b"\r",
        b"\n",
        b"\n",
        b"\0",
        "ä".as_bytes(),
        "\u{212A}".as_bytes(),
        b"\xFF",
        b"\xC3",
    ];
    let pieces = proptest::sample::select(pieces.to_vec());
    proptest::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())
}

fn syntax_of(literal: bool) -> impl Strategy<Value = Syntax> {
    any::<(bool, bool, bool, bool)>().prop_map(move |(ignore_case, words, lines, nul)| Syntax {
        literal,
        ignore_case,
        words,
        lines,
        terminator: if nul { b'\0' } else { b'\n' },
    })
}

const REGEX: &str = r"(\^?([abk.]|\[aA\]|\[\^a\]|\\s|\\A|\\b|a\||\(b\)|\\W|x\*|(a|\.)\+|\\w\+|ab|(aa|b)\?| ){0,4}\$?)";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn searching_a_block_is_searching_each_line(
        patterns in proptest::collection::vec(REGEX, 1..3),
        syntax in syntax_of(false),
        text in text(),
    ) {
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let Some(naive) = Naive::new(&patterns, syntax) else {
            return Ok(());
        };
        let mut pattern = Pattern::any_of(patterns.iter().map(|it| it.as_bytes()), syntax).expect("it is one");
        let expected = naive.select(&text);
        prop_assert_eq!(by_block(&mut pattern, &text), &*expected, "{}", text.escape_ascii());
        // In every way that it may have.
        for way in [Way::Filter, Way::Regex, Way::Table] {
            if let Engine::Regex(regex) = &mut pattern.engine
                && regex.try_way(way)
            {
                prop_assert_eq!(by_block(&mut pattern, &text), &*expected, "{}", text.escape_ascii());
            }
        }
    }

    /// Where few lines match several are looked through at a time.
    #[test]
    fn in_long_texts_the_table_selects_what_each_line_says(
        text in prop_oneof![Just("[ab]{2}"), Just("a.*b"), Just(r"(?-u:\b)ab?"), Just(r"b(?-u:\b)"), Just("(^|x)[ab]x"), Just("[ab]*b(x|$)")],
        lines in proptest::collection::vec(prop_oneof![12 => "[xyz -]{0,30}", 1 => "[abx ]{0,6}"], 0..400),
        (is_whole, nul) in any::<(bool, bool)>(),
    ) {
        let terminator = if nul { b'\0' } else { b'\n' };
        let syntax = Syntax { terminator, ..Syntax::default() };
        let mut block: Vec<u8> = lines.iter().flat_map(|line| line.bytes().chain([terminator])).collect();
        if !is_whole {
            block.pop();
        }
        let naive = Naive::new(&[text], syntax).expect("it is one");
        let mut pattern = Pattern::any_of([text.as_bytes()], syntax).expect("it is one");
        let Engine::Regex(regex) = &mut pattern.engine else {
            panic!("no regex");
        };
        prop_assert!(regex.try_way(Way::Table));
        prop_assert_eq!(by_block(&mut pattern, &block), naive.select(&block), "{}", block.escape_ascii());
    }

    #[test]
    fn literals_match_what_they_are(
        patterns in proptest::collection::vec("[abkK.* äÄ\u{212A}_]{0,3}", 1..4),
        syntax in syntax_of(true),
        text in text(),
    ) {
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let naive = Naive::new(&patterns, syntax).expect("any text is one");
        let mut pattern = Pattern::any_of(patterns.iter().map(|it| it.as_bytes()), syntax).expect("it is one");
        prop_assert_eq!(by_block(&mut pattern, &text), naive.select(&text), "{}", text.escape_ascii());
    }

    /// Few and many, short and long, in any case or not, as words or not: of those that begin first the longest.
    #[test]
    fn of_several_texts_the_longest_of_the_leftmost_is_the_match(
        texts in prop_oneof![
            proptest::collection::vec("[akKsſäÄß.]{1,4}", 2..5),
            proptest::collection::vec("[ab]{2,5}", 24..30),
            proptest::collection::vec("[абА]{1,12}", 2..5),
            proptest::collection::vec("[ks]{5,9}", 2..5),
        ],
        line in "([abkKsSſäÄ\u{212A}ßẞ_. ]|[абАБ]{3}){0,14}",
        (ignore_case, words) in any::<(bool, bool)>(),
    ) {
        let syntax = Syntax { literal: true, ignore_case, words, ..Syntax::default() };
        let mut pattern = Pattern::any_of(texts.iter().map(String::as_bytes), syntax).expect("texts");
        let mut longest: Vec<&str> = texts.iter().map(String::as_str).collect();
        longest.sort_by_key(|text| std::cmp::Reverse(text.len()));
        let regexes: Vec<Regex> = longest
            .iter()
            .map(|text| Naive::new(&[text], syntax).expect("any text is one").regexes.remove(0))
            .collect();
        let bytes = line.as_bytes();
        let mut from = 0;
        loop {
            let naive = (from..bytes.len()).filter(|&start| line.is_char_boundary(start)).find_map(|start| {
                regexes.iter().find_map(|regex| {
                    let found = regex.find(Input::new(bytes).range(start..).anchored(Anchored::Yes))?;
                    (!words || words::is_word(bytes, &found.range())).then(|| found.range())
                })
            });
            let found = pattern.bounds(bytes, from);
            prop_assert_eq!(&found, &naive, "{:?} from {}", pattern, from);
            let Some(found) = found else {
                break;
            };
            from = found.end;
        }
        prop_assert_eq!(by_block(&mut pattern, bytes), if line.is_empty() { vec![] } else { vec![from > 0] });
    }

    /// Texts that are nearly everywhere, for which an automaton goes on.
    #[test]
    fn texts_in_any_case_that_are_nearly_everywhere_are_found(
        texts in proptest::collection::vec(r"[sſ]{30,90}[ak\u{212A}]|[s]{20}", 1..5),
        lines in proptest::collection::vec(r"(_|a)?[sSſ]{0,80}(aſ|K[ _]|\u{212A}|_)?[s]{1,60}", 1..10),
        words in any::<bool>(),
        broken in any::<bool>(),
    ) {
        let syntax = Syntax { literal: true, ignore_case: true, words, ..Syntax::default() };
        let mut texts: Vec<&[u8]> = texts.iter().map(String::as_bytes).chain([&b"\xFF"[..]]).collect();
        let mut pattern = Pattern::any_of(texts.iter().copied(), syntax).expect("texts");
        let mut line = b"s".repeat(300);
        line.extend_from_slice(lines.concat().as_bytes());
        line.extend_from_slice(if broken { b"\xC3\xFF_\xFFs" } else { "\u{c3}\u{ff}".as_bytes() });
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        let regexes: Vec<Regex> = texts.iter().map(|text| {
            let text = std::str::from_utf8(text).unwrap_or(r"(?-u:\xFF)");
            let config = syntax::Config::new().utf8(false).case_insensitive(true);
            Regex::builder().syntax(config).build(text).expect("a regex")
        }).collect();
        let mut from = 0;
        loop {
            let naive = (from..line.len()).filter(|&start| is_between_characters(&line, start)).find_map(|start| {
                regexes.iter().find_map(|regex| {
                    let found = regex.find(Input::new(&line).range(start..).anchored(Anchored::Yes))?;
                    (!words || words::is_word(&line, &found.range())).then(|| found.range())
                })
            });
            prop_assert_eq!(&pattern.bounds(&line, from), &naive, "from {}", from);
            prop_assert_eq!(pattern.find(&line, from, b'\n').is_some(), naive.is_some());
            let Some(found) = naive else {
                break;
            };
            from = found.end;
        }
    }

    /// Of greedy patterns: the first place where a word begins, and the longest there, whatever is beside it.
    #[test]
    fn words_are_what_trying_every_place_finds(
        pattern in r"(a|b|\.\*|[ab-]\*|\w\+|x\?|\.| ){1,4}",
        text in text(),
    ) {
        let syntax = Syntax { words: true, ..Syntax::default() };
        let naive = Naive::new(&[&pattern], syntax).expect("a regex");
        let mut pattern = Pattern::any_of([pattern.as_bytes()], syntax).expect("a regex");
        for line in text.split(|&byte| byte == b'\n') {
            let mut from = 0;
            while from <= line.len() {
                let found = pattern.bounds(line, from);
                prop_assert_eq!(&found, &naive.first(line, from), "{} from {}", line.escape_ascii(), from);
                let Some(found) = found else {
                    break;
                };
                from = found.end + usize::from(found.is_empty());
            }
        }
    }

    /// Each line that is found has a match, which is where `bounds` says.
    #[test]
    fn what_is_found_has_bounds(
        pattern in REGEX,
        literal in any::<bool>(),
        syntax in syntax_of(false),
        text in text(),
    ) {
        let syntax = Syntax { literal, ..syntax };
        let Ok(mut pattern) = Pattern::any_of([pattern.as_bytes()], syntax) else {
            return Ok(());
        };
        let found = by_block(&mut pattern, &text);
        for (line, found) in text.split_inclusive(|&byte| byte == syntax.terminator).zip(found) {
            let line = line.strip_suffix(&[syntax.terminator]).unwrap_or(line);
            let bounds = pattern.bounds(line, 0);
            prop_assert_eq!(bounds.is_some(), found, "{}", line.escape_ascii());
            let mut groups = Vec::new();
            prop_assert_eq!(pattern.groups(line, 0, &mut groups), found);
            prop_assert_eq!(groups.first().cloned().flatten(), bounds);
        }
    }
}
