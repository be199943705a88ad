//! Patterns, and the engine chosen for each.

mod any_case;
mod candidates;
mod caseless;
mod classes;
mod dense;
mod error;
mod folding;
mod grams;
mod literal;
mod literals;
mod parse;
mod race;
mod regex;
mod required;
mod unicode_words;
mod words;

use std::fmt;
use std::ops::Range;

use memchr::{memchr, memrchr};

use any_case::AnyCaseTexts;
pub use error::PatternError;
use literal::Literal;
use literals::{Literals, Shown, WholeLines};
use regex::LineRegex;
pub(crate) use words::character;

use crate::Matcher;

/// How a pattern is read.
#[derive(Clone, Copy, Debug)]
pub struct Syntax {
    /// As it is, with no special characters.
    pub literal: bool,
    /// Upper and lower case are the same, by Unicode's simple case folding.
    pub ignore_case: bool,
    /// What matches has to stand by itself: no letter, digit or underscore on either side.
    pub words: bool,
    /// What matches has to be the whole line.
    pub lines: bool,
    /// What ends a line; an ASCII character.
    pub terminator: u8,
}

/// A regular expression, anywhere in lines that end in a newline.
impl Default for Syntax {
    fn default() -> Syntax {
        Syntax {
            literal: false,
            ignore_case: false,
            words: false,
            lines: false,
            terminator: b'\n',
        }
    }
}

/// One or more patterns, ready to search: a line matches if one of them does.
///
/// The syntax is that of the [`regex`](https://docs.rs/regex/latest/regex/#syntax) crate, Unicode included.
/// `^` and `$` are the ends of a line, and no match reaches beyond one. What ends a line is decided when the pattern
/// is made, by [`Syntax::terminator`].
#[derive(Clone, Debug)]
pub struct Pattern {
    engine: Engine,
    terminator: u8,
}

/// What searches, chosen by what the patterns are.
#[derive(Clone, Debug)]
enum Engine {
    /// Every line; what is to be seen in it is one of these texts, if there are any.
    All(Option<Shown>),
    /// No line.
    Nothing,
    Literal(Box<Literal>),
    Literals(Literals),
    AnyCase(AnyCaseTexts),
    WholeLines(WholeLines),
    Regex(Box<LineRegex>),
}

impl Engine {
    /// The choice. A text that stands for itself needs no regex, which takes longer to make and to search.
    fn of(patterns: &mut Vec<&[u8]>, syntax: Syntax) -> Result<Engine, PatternError> {
        if patterns.is_empty() {
            return Ok(Engine::Nothing);
        }
        if syntax.literal {
            longest_first(patterns);
        }
        if syntax.ignore_case && are_texts_in_any_case(patterns, syntax) {
            patterns.retain(|text| !text.contains(&syntax.terminator));
            return Ok(match patterns[..] {
                [] => Engine::Nothing,
                _ if syntax.lines => Engine::WholeLines(WholeLines::new(patterns, syntax)),
                _ => Engine::AnyCase(AnyCaseTexts::new(patterns, syntax)?),
            });
        }
        let are_texts = patterns.iter().all(|text| stands_for_itself(text, syntax));
        // An empty word is not a text but a place between characters.
        if !are_texts || (syntax.words && patterns.iter().any(|text| text.is_empty())) {
            let hir = parse::alternatives(patterns, syntax)?;
            return Ok(Engine::Regex(Box::new(LineRegex::new(hir, syntax)?)));
        }
        patterns.retain(|text| !text.contains(&syntax.terminator));
        let is_anywhere = !syntax.words && !syntax.lines;
        if is_anywhere && patterns.iter().any(|text| text.is_empty()) {
            patterns.retain(|text| !text.is_empty());
            let texts = (!patterns.is_empty()).then(|| Shown::new(patterns, syntax));
            return Ok(Engine::All(texts.transpose()?));
        }
        Ok(match patterns[..] {
            [] => Engine::Nothing,
            [text] if !(text.is_empty() || syntax.ignore_case && syntax.lines) => {
                Engine::Literal(Box::new(Literal::new(text, syntax)))
            }
            _ if syntax.lines && !syntax.ignore_case => {
                Engine::WholeLines(WholeLines::new(patterns, syntax))
            }
            _ => Engine::Literals(Literals::new(patterns, syntax)?),
        })
    }
}

/// From so many bytes on a text takes long to be made a regex.
const LONG: usize = 1000;

/// Are these texts in any case for which an engine of their own is better than a regex: several, or one that is long
/// or has bytes in it that are no characters? None may be empty, unless it is a whole line.
fn are_texts_in_any_case(patterns: &[&[u8]], syntax: Syntax) -> bool {
    let are_texts = patterns
        .iter()
        .all(|text| parse::is_plain(text, syntax) && (syntax.lines || !text.is_empty()));
    let is_for_it = |text: &[u8]| text.len() > LONG || std::str::from_utf8(text).is_err();
    are_texts && (patterns.len() > 1 || patterns.iter().any(|text| is_for_it(text)))
}

/// Of plain texts that begin at one place the longest is the match, as grep has it.
fn longest_first(patterns: &mut [&[u8]]) {
    patterns.sort_by_key(|text| std::cmp::Reverse(text.len()));
}

/// Is this a text, of which at most ASCII's case does not count?
fn stands_for_itself(pattern: &[u8], syntax: Syntax) -> bool {
    // Beyond ASCII there are a sign for Kelvin and a long s.
    let has_ascii_case =
        || pattern.is_ascii() && !pattern.iter().any(|byte| b"kKsS".contains(byte));
    parse::is_plain(pattern, syntax) && (!syntax.ignore_case || (!syntax.lines && has_ascii_case()))
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
        let (text, syntax) = (text.as_ref(), Syntax::default());
        let engine = if text.is_empty() {
            Engine::All(None)
        } else if text.contains(&syntax.terminator) {
            Engine::Nothing
        } else {
            Engine::Literal(Box::new(Literal::new(text, syntax)))
        };
        let terminator = syntax.terminator;
        Pattern { engine, terminator }
    }

    /// Several patterns, of which one has to match; a pattern of several lines is as many patterns, as grep
    /// has it. No pattern at all matches nothing.
    ///
    /// # Errors
    ///
    /// If one is no regular expression, or they are too large together.
    ///
    /// # Panics
    ///
    /// If the terminator is not ASCII.
    pub fn any_of<'a>(
        patterns: impl IntoIterator<Item = &'a [u8]>,
        syntax: Syntax,
    ) -> Result<Pattern, PatternError> {
        assert!(syntax.terminator.is_ascii());
        let mut patterns: Vec<&[u8]> = patterns
            .into_iter()
            .flat_map(|pattern| pattern.split(|&byte| byte == b'\n'))
            .collect();
        let engine = Engine::of(&mut patterns, syntax)?;
        let terminator = syntax.terminator;
        Ok(Pattern { engine, terminator })
    }
}

/// The engine that was chosen, in a few words.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.engine {
            Engine::All(_) => f.write_str("none, every line matches"),
            Engine::Nothing => f.write_str("none, no line matches"),
            Engine::Literal(literal) => literal.fmt(f),
            Engine::Literals(literals) => literals.fmt(f),
            Engine::AnyCase(texts) => texts.fmt(f),
            Engine::WholeLines(lines) => write!(f, "a set of {} whole lines", lines.len()),
            Engine::Regex(regex) => regex.fmt(f),
        }
    }
}

impl Matcher for Pattern {
    fn find(&mut self, text: &[u8], from: usize, terminator: u8) -> Option<usize> {
        debug_assert_eq!(terminator, self.terminator, "it was made for other lines");
        match &mut self.engine {
            Engine::All(_) => Some(from),
            Engine::Nothing => None,
            Engine::Literal(literal) => literal.find(text, from, terminator),
            Engine::Literals(literals) => literals.find(text, from, terminator),
            Engine::AnyCase(texts) => texts.find(text, from),
            Engine::WholeLines(lines) => lines.find(text, from, terminator),
            Engine::Regex(regex) => regex.find(text, from, terminator),
        }
    }

    fn bounds(&mut self, line: &[u8], from: usize) -> Option<Range<usize>> {
        match &mut self.engine {
            // What is to be seen in a line that matches in any case is a text, if there is one.
            Engine::All(texts) => {
                let found = texts.as_ref().and_then(|texts| texts.bounds(line, from));
                let empty = if texts.is_some() { line.len() } else { from };
                Some(found.unwrap_or(empty..empty))
            }
            Engine::Nothing => None,
            Engine::Literal(literal) => literal.bounds(line, from),
            Engine::Literals(literals) => literals.bounds(line, from),
            Engine::AnyCase(texts) => texts.bounds(line, from),
            Engine::WholeLines(lines) => lines.bounds(line, from),
            Engine::Regex(regex) => regex.bounds(line, from),
        }
    }

    fn finds_in_blocks(&self) -> bool {
        match &self.engine {
            Engine::Literal(literal) => literal.finds_in_blocks(),
            Engine::Regex(regex) => regex.is_one_of_texts(),
            Engine::Literals(_) | Engine::AnyCase(_) => true,
            Engine::All(_) | Engine::Nothing | Engine::WholeLines(_) => false,
        }
    }

    fn groups(&mut self, line: &[u8], from: usize, groups: &mut Vec<Option<Range<usize>>>) -> bool {
        if let Engine::Regex(regex) = &mut self.engine {
            return regex.groups(line, from, groups);
        }
        groups.clear();
        // Where every line matches, there is an empty match at each place that has no other.
        if let Engine::All(texts) = &self.engine {
            let found = texts.as_ref().and_then(|texts| texts.at(line, from));
            groups.push(Some(found.unwrap_or(from..from)));
            return true;
        }
        groups.extend(self.bounds(line, from).map(Some));
        !groups.is_empty()
    }

    fn group_names(&mut self) -> Vec<Option<String>> {
        match &mut self.engine {
            Engine::Regex(regex) => regex.group_names(),
            _ => vec![None],
        }
    }
}

/// The line around `hit`, with its terminator; `from` is the start of a line before it.
pub(crate) fn line_around(text: &[u8], from: usize, hit: usize, terminator: u8) -> Range<usize> {
    let start = memrchr(terminator, &text[from..hit]).map_or(from, |end| from + end + 1);
    let end = memchr(terminator, &text[hit..]).map_or(text.len(), |end| hit + end + 1);
    start..end
}

#[cfg(test)]
mod tests;
