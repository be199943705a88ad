//! Patterns, and the engine chosen for each.

mod any_case;
mod candidates;
mod capitals;
mod caseless;
mod classes;
mod dense;
mod engine;
mod error;
mod folded;
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

use engine::Engine;
pub use error::PatternError;
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
        let syntax = Syntax::default();
        Pattern {
            engine: Engine::of_text(text.as_ref(), syntax),
            terminator: syntax.terminator,
        }
    }

    /// Is there a capital letter in one of these patterns that stands for itself? If there is none, smart case ignores
    /// case.
    pub fn have_capital<'a>(patterns: impl IntoIterator<Item = &'a [u8]>, syntax: Syntax) -> bool {
        let mut patterns = patterns.into_iter().flat_map(lines_of);
        patterns.any(|pattern| capitals::has_capital(pattern, syntax))
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
        Ok(Pattern {
            engine: Engine::of(patterns.into_iter().flat_map(lines_of), syntax)?,
            terminator: syntax.terminator,
        })
    }
}

fn lines_of(pattern: &[u8]) -> impl Iterator<Item = &[u8]> {
    pattern.split(|&byte| byte == b'\n')
}

/// The engine that was chosen, in a few words.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.engine {
            Engine::EveryLine(_) => f.write_str("none, every line matches"),
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
            Engine::EveryLine(_) => Some(from),
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
            Engine::EveryLine(all) => Some(all.bounds(line, from)),
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
            Engine::EveryLine(_) | Engine::Nothing | Engine::WholeLines(_) => false,
        }
    }

    fn groups(&mut self, line: &[u8], from: usize, groups: &mut Vec<Option<Range<usize>>>) -> bool {
        if let Engine::Regex(regex) = &mut self.engine {
            return regex.groups(line, from, groups);
        }
        groups.clear();
        groups.extend(match &mut self.engine {
            Engine::EveryLine(all) => Some(Some(all.at(line, from))),
            _ => self.bounds(line, from).map(Some),
        });
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
