//! Patterns, and the engine chosen for each.

use std::fmt;

use costage::printable;
use memchr::memmem::Finder;
use regex_automata::Input;
use regex_automata::meta::{Cache, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange};
use regex_syntax::hir::{Hir, HirKind, Look};

use crate::Matcher;

/// What a compiled regex may take. Ten times what a thousand alternatives need; `(a{0,500}){500}` is refused.
const COMPILED_AT_MOST: usize = 10 << 20;
/// So much of a wrong pattern is shown on either side of the place, in characters.
const SHOWN: usize = 60;
/// What stands for something else in a regex.
const SPECIAL: &[u8] = br"\.+*?()|[]{}^$";

/// How a pattern is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Syntax {
    /// As it is, with no special characters.
    pub literal: bool,
    /// Upper and lower case are the same, by Unicode's simple case folding.
    pub ignore_case: bool,
}

/// One or more patterns, ready to search: a line matches if one of them does.
///
/// The syntax is that of the [`regex`](https://docs.rs/regex/latest/regex/#syntax) crate, Unicode included.
/// `^` and `$` are the ends of a line, and no match reaches beyond one. A regular expression knows only lines that
/// end in a newline; for others search for literal text.
#[derive(Clone, Debug)]
pub struct Pattern(Engine);

#[derive(Clone, Debug)]
enum Engine {
    /// Every line.
    All,
    /// No line.
    Nothing,
    Literal(Box<Finder<'static>>),
    Regex(Regex, Box<Cache>),
}

impl Pattern {
    /// A regular expression.
    ///
    /// # Errors
    ///
    /// If it is none, or too large.
    pub fn new(pattern: &str) -> Result<Pattern, PatternError> {
        Pattern::any_of([pattern.as_bytes()], Syntax::default())
    }

    /// A literal text. One with a newline in it is in no line.
    pub fn literal(text: impl AsRef<[u8]>) -> Pattern {
        Pattern::of_literal(text.as_ref())
    }

    /// Several patterns, of which one has to match; a pattern of several lines is as many patterns, as grep
    /// has it. No pattern at all matches nothing.
    ///
    /// # Errors
    ///
    /// If one is no regular expression, or they are too large together.
    pub fn any_of<'a>(
        patterns: impl IntoIterator<Item = &'a [u8]>,
        syntax: Syntax,
    ) -> Result<Pattern, PatternError> {
        let patterns: Vec<&[u8]> = patterns
            .into_iter()
            .flat_map(|pattern| pattern.split(|&byte| byte == b'\n'))
            .collect();
        match patterns[..] {
            [] => return Ok(Pattern(Engine::Nothing)),
            [only] if is_literal(only, syntax) => return Ok(Pattern::of_literal(only)),
            _ => {}
        }
        let alternatives = patterns
            .into_iter()
            .map(|pattern| parse(pattern, syntax))
            .collect::<Result<Vec<Hir>, _>>()?;
        Pattern::of_regex(&Hir::alternation(alternatives))
    }

    fn of_literal(text: &[u8]) -> Pattern {
        Pattern(if text.is_empty() {
            Engine::All
        } else if text.contains(&b'\n') {
            Engine::Nothing
        } else {
            Engine::Literal(Box::new(Finder::new(text).into_owned()))
        })
    }

    fn of_regex(hir: &Hir) -> Result<Pattern, PatternError> {
        let config = Regex::config()
            .utf8_empty(false)
            // `None` is for engines that are never asked for a match's start; the meta engine then finds nothing.
            .which_captures(WhichCaptures::Implicit)
            .nfa_size_limit(Some(COMPILED_AT_MOST));
        let regex = Regex::builder()
            .configure(config)
            .build_from_hir(hir)
            .map_err(|error| match error.size_limit() {
                Some(limit) => PatternError(format!(
                    "invalid pattern: too large: compiled it takes more than {} MiB",
                    limit >> 20
                )),
                None => PatternError(format!("invalid pattern: {error}")),
            })?;
        let cache = Box::new(regex.create_cache());
        Ok(Pattern(Engine::Regex(regex, cache)))
    }
}

impl Matcher for Pattern {
    fn find(&mut self, text: &[u8], from: usize, terminator: u8) -> Option<usize> {
        match &mut self.0 {
            Engine::All => Some(from),
            Engine::Nothing => None,
            Engine::Literal(finder) => finder.find(&text[from..]).map(|at| from + at),
            Engine::Regex(regex, cache) => {
                debug_assert_eq!(
                    terminator, b'\n',
                    "a regex was compiled for lines that end in it"
                );
                // The end of a match is enough, because the match is within one line, and half the work.
                let found = regex.search_half_with(cache, &Input::new(text).range(from..))?;
                // Behind the last terminator there is no line for an empty match to be in.
                let behind = found.offset() == text.len() && text.last() == Some(&terminator);
                (!behind).then_some(found.offset())
            }
        }
    }
}

/// Does the text stand for itself?
fn is_literal(pattern: &[u8], syntax: Syntax) -> bool {
    !syntax.ignore_case && (syntax.literal || !pattern.iter().any(|byte| SPECIAL.contains(byte)))
}

fn parse(pattern: &[u8], syntax: Syntax) -> Result<Hir, PatternError> {
    if is_literal(pattern, syntax) {
        return Ok(Hir::literal(pattern));
    }
    if syntax.literal {
        return parse_literal(pattern, syntax);
    }
    let text = std::str::from_utf8(pattern).map_err(|error| {
        PatternError(format!(
            r"invalid pattern: not UTF-8 at byte {}: write such a byte as (?-u:\xFF), or use -F",
            error.valid_up_to() + 1
        ))
    })?;
    parse_regex(text, syntax).map(within_a_line)
}

/// A literal text in any case; bytes that are not UTF-8 have none.
fn parse_literal(pattern: &[u8], syntax: Syntax) -> Result<Hir, PatternError> {
    let mut parts = Vec::new();
    for chunk in pattern.utf8_chunks() {
        parts.push(parse_regex(&regex_syntax::escape(chunk.valid()), syntax)?);
        parts.push(Hir::literal(chunk.invalid()));
    }
    Ok(Hir::concat(parts))
}

fn parse_regex(pattern: &str, syntax: Syntax) -> Result<Hir, PatternError> {
    ParserBuilder::new()
        .utf8(false)
        .multi_line(true)
        .case_insensitive(syntax.ignore_case)
        .build()
        .parse(pattern)
        .map_err(|error| PatternError::at(pattern, &error))
}

/// The same regex, unable to match a line end: a whole block is searched at once, and a match must not reach
/// from one line into the next. Groups are dropped: nobody asks for them.
fn within_a_line(hir: Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) if literal.0.contains(&b'\n') => Hir::fail(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(Class::Unicode(mut class)) => {
            class.difference(&ClassUnicode::new([ClassUnicodeRange::new('\n', '\n')]));
            Hir::class(Class::Unicode(class))
        }
        HirKind::Class(Class::Bytes(mut class)) => {
            class.difference(&ClassBytes::new([ClassBytesRange::new(b'\n', b'\n')]));
            Hir::class(Class::Bytes(class))
        }
        // The text is one line to the user, whatever else is in the block.
        HirKind::Look(Look::Start) => Hir::look(Look::StartLF),
        HirKind::Look(Look::End) => Hir::look(Look::EndLF),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Repetition(mut repetition) => {
            repetition.sub = Box::new(within_a_line(*repetition.sub));
            Hir::repetition(repetition)
        }
        HirKind::Capture(capture) => within_a_line(*capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(within_a_line).collect()),
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.into_iter().map(within_a_line).collect())
        }
    }
}

/// Why a pattern is none: a sentence, and where it is known, the pattern with a caret below the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError(String);

impl PatternError {
    fn at(pattern: &str, error: &regex_syntax::Error) -> PatternError {
        let (what, span) = match error {
            regex_syntax::Error::Parse(error) => (error.kind().to_string(), error.span()),
            regex_syntax::Error::Translate(error) => (error.kind().to_string(), error.span()),
            error => return PatternError(format!("invalid pattern: {error}")),
        };
        let (before, rest) = pattern.split_at(span.start.offset);
        let (marked, after) = rest.split_at(span.end.offset - span.start.offset);
        // Of a long pattern only what is around the place.
        let first = before
            .char_indices()
            .rev()
            .nth(SHOWN)
            .map_or(0, |(at, _)| at);
        let before = printable(&before[first..]);
        let marked: String = printable(marked).chars().take(SHOWN).collect();
        let after = printable(&after.chars().take(SHOWN).collect::<String>());
        let (blank, carets) = (
            " ".repeat(before.chars().count()),
            marked.chars().count().max(1),
        );
        PatternError(format!(
            "invalid pattern: {what}\n    {before}{marked}{after}\n    {blank}{}",
            "^".repeat(carets)
        ))
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PatternError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex_automata::util::syntax;

    /// The naive twin: the regex crate's own engine, on one line at a time.
    fn naive(pattern: &str, text: &[u8]) -> Vec<bool> {
        let regex = Regex::builder()
            .syntax(syntax::Config::new().utf8(false))
            .configure(Regex::config().utf8_empty(false))
            .build(pattern)
            .expect("a valid pattern");
        text.split_inclusive(|&byte| byte == b'\n')
            .map(|line| regex.is_match(line.strip_suffix(b"\n").unwrap_or(line)))
            .collect()
    }

    fn by_block(pattern: &mut Pattern, text: &[u8]) -> Vec<bool> {
        let mut from = 0;
        let mut found = None;
        text.split_inclusive(|&byte| byte == b'\n')
            .map(|line| {
                if found.is_none_or(|found| found < from) {
                    found = pattern.find(text, from, b'\n');
                }
                // A hit on an unfinished last line may be at its very end.
                let unfinished = usize::from(line.last() != Some(&b'\n'));
                let hit = found.is_some_and(|found| found < from + line.len() + unfinished);
                from += line.len();
                hit
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn searching_a_block_is_searching_each_line(
            pattern in r"(\^?([ab.]|\[\^a\]|\\s|\\A|\\b|a\||\(b\)|\\W|x\*|(a|\.)\+|\n?){0,4}\$?)",
            text in r"[ab \n\r]{0,30}",
        ) {
            let pattern = pattern.replace('\n', "");
            let Ok(mut compiled) = Pattern::new(&pattern) else {
                return Ok(());
            };
            prop_assert_eq!(by_block(&mut compiled, text.as_bytes()), naive(&pattern, text.as_bytes()));
        }

        #[test]
        fn literals_match_what_they_are(needle in "[ab.*]{0,3}", text in "[ab.*\n]{0,30}") {
            let syntax = Syntax { literal: true, ..Syntax::default() };
            let mut one = Pattern::any_of([needle.as_bytes()], syntax).expect("a literal");
            let mut two = Pattern::any_of([needle.as_bytes(), b"aab"], syntax).expect("literals");
            let text = text.as_bytes();
            let contains = |line: &[u8], needle: &[u8]| {
                needle.is_empty() || line.windows(needle.len()).any(|window| window == needle)
            };
            let lines: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
            let first: Vec<bool> = lines.iter().map(|line| contains(line, needle.as_bytes())).collect();
            let either: Vec<bool> = lines
                .iter()
                .map(|line| contains(line, needle.as_bytes()) || contains(line, b"aab"))
                .collect();
            prop_assert_eq!(by_block(&mut one, text), first);
            prop_assert_eq!(by_block(&mut two, text), either);
        }
    }

    #[test]
    fn plain_text_is_searched_without_a_regex() {
        assert!(matches!(
            Pattern::new("GET /python").expect("plain").0,
            Engine::Literal(_)
        ));
        assert!(matches!(Pattern::new("").expect("empty").0, Engine::All));
        assert!(matches!(
            Pattern::new("a.b").expect("a regex").0,
            Engine::Regex(..)
        ));
    }

    #[test]
    fn a_pattern_of_several_lines_is_several_patterns() {
        let mut pattern = Pattern::any_of([&b"one\ntwo"[..]], Syntax::default()).expect("two");
        assert_eq!(
            by_block(&mut pattern, b"two\nthree\none\n"),
            [true, false, true]
        );
    }

    #[test]
    fn case_is_ignored_also_beside_bytes_that_are_not_utf_8() {
        let syntax = Syntax {
            literal: true,
            ignore_case: true,
        };
        let mut pattern = Pattern::any_of([&b"\xFFstra\xC3\x9Fe."[..]], syntax).expect("literal");
        assert_eq!(
            by_block(
                &mut pattern,
                b"\xFFSTRA\xE1\xBA\x9EE.\nstra\xC3\x9Fe.\n\xFFstra\xC3\x9FeX\n"
            ),
            [true, false, false]
        );
    }

    // It panicked: the width of a formatted text has 16 bits.
    #[test]
    fn of_a_long_wrong_pattern_the_place_is_shown() {
        let error = Pattern::new(&("a".repeat(70_000) + "(b")).expect_err("unclosed");
        let text = error.to_string();
        assert!(
            text.ends_with(&format!("aaa(b\n    {}^", " ".repeat(SHOWN + 1))),
            "{text}"
        );
        assert!(text.len() < 300);
    }

    #[test]
    fn a_literal_with_a_newline_is_in_no_line() {
        assert_eq!(
            Pattern::literal("one\ntwo").find(b"one\ntwo\n", 0, b'\n'),
            None
        );
    }

    #[test]
    fn a_wrong_pattern_is_shown_with_a_caret_at_the_place() {
        let error = Pattern::new("größe(").expect_err("unclosed");
        assert_eq!(
            error.to_string(),
            "invalid pattern: unclosed group\n    größe(\n         ^"
        );
        let error = Pattern::any_of([&b"a.\xFF"[..]], Syntax::default()).expect_err("not UTF-8");
        assert!(error.to_string().contains("not UTF-8 at byte 3"), "{error}");
        let error = Pattern::new("(a{0,500}){500}").expect_err("too large");
        assert!(error.to_string().contains("too large"), "{error}");
    }
}
