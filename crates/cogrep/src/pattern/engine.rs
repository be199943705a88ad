//! The choice of the engine: by what the patterns are, and by what has to be around them.

use std::collections::HashSet;
use std::ops::Range;

use super::any_case::AnyCaseTexts;
use super::literal::Literal;
use super::literals::{Literals, WholeLines};
use super::regex::LineRegex;
use super::{Pattern, PatternError, Syntax, parse};
use crate::Matcher;

/// What searches.
///
/// | the patterns are | anywhere | words | lines |
/// | --- | --- | --- | --- |
/// | nothing that a line can hold | `Nothing` | `Nothing` | `Nothing` |
/// | one text | `Literal` | `Literal` | `Literal` |
/// | one text, ASCII's case ignored | `Literal` | `Literal` | `Literal` |
/// | several texts | `Literals` | `Literals` | `WholeLines` |
/// | texts, any case ignored | `AnyCase` | `AnyCase` | `WholeLines` |
/// | texts, and an empty one | `EveryLine` | `Regex` | `WholeLines` |
/// | anything else | `Regex` | `Regex` | `Regex` |
///
/// A text needs no regex, which takes longer to make and to search. `Literals` and `Regex` choose on, by how many and
/// how long the texts are, and by what every match of the regex has in it.
#[derive(Clone, Debug)]
pub(super) enum Engine {
    Nothing,
    EveryLine(EveryLine),
    Literal(Box<Literal>),
    Literals(Literals),
    AnyCase(AnyCaseTexts),
    WholeLines(WholeLines),
    Regex(Box<LineRegex>),
}

impl Engine {
    pub(super) fn of<'a>(
        patterns: impl IntoIterator<Item = &'a [u8]>,
        syntax: Syntax,
    ) -> Result<Engine, PatternError> {
        use Place::{Anywhere, Line, Word};
        let patterns = distinct(patterns, syntax);
        Ok(match (Kind::of(&patterns, syntax), Place::of(syntax)) {
            (Kind::Nothing, _) => Engine::Nothing,
            (Kind::Text(text), _) => Engine::Literal(Box::new(Literal::new(text, syntax))),
            (Kind::Texts(texts), Anywhere | Word) => {
                Engine::Literals(Literals::new(&texts, syntax)?)
            }
            (Kind::AnyCaseTexts(texts), Anywhere | Word) => {
                Engine::AnyCase(AnyCaseTexts::new(&texts, syntax)?)
            }
            (Kind::TextsAndEmpty(texts), Anywhere) => {
                Engine::EveryLine(EveryLine::new(texts, syntax)?)
            }
            (Kind::Texts(_) | Kind::AnyCaseTexts(_) | Kind::TextsAndEmpty(_), Line) => {
                Engine::WholeLines(WholeLines::new(&patterns, syntax))
            }
            // An empty word is not a text but a place between characters.
            (Kind::TextsAndEmpty(_), Word) | (Kind::Regex, _) => {
                let hir = parse::alternatives(&patterns, syntax)?;
                Engine::Regex(Box::new(LineRegex::new(hir, syntax)?))
            }
        })
    }

    /// For one text whose case counts, anywhere.
    pub(super) fn of_text(text: &[u8], syntax: Syntax) -> Engine {
        if text.is_empty() {
            Engine::EveryLine(EveryLine::default())
        } else if text.contains(&syntax.terminator) {
            Engine::Nothing
        } else {
            Engine::Literal(Box::new(Literal::new(text, syntax)))
        }
    }
}

/// Where in a line a match has to be.
enum Place {
    Anywhere,
    Word,
    Line,
}

impl Place {
    fn of(syntax: Syntax) -> Place {
        match syntax {
            Syntax { lines: true, .. } => Place::Line,
            Syntax { words: true, .. } => Place::Word,
            _ => Place::Anywhere,
        }
    }
}

/// What patterns are. The texts have no line's end in them.
enum Kind<'a> {
    /// Nothing that a line can hold.
    Nothing,
    /// One text, of which no more than ASCII's case is ignored.
    Text(&'a [u8]),
    /// Several, whose case counts.
    Texts(Vec<&'a [u8]>),
    /// Several whose case is ignored, or one for which a regex is not made.
    AnyCaseTexts(Vec<&'a [u8]>),
    /// An empty one, and these.
    TextsAndEmpty(Vec<&'a [u8]>),
    Regex,
}

impl<'a> Kind<'a> {
    /// Of distinct patterns, of which an empty one is the last.
    fn of(patterns: &[&'a [u8]], syntax: Syntax) -> Kind<'a> {
        if !patterns.iter().all(|text| parse::is_plain(text, syntax)) {
            return Kind::Regex;
        }
        let fits_a_line = |text: &&&[u8]| !text.contains(&syntax.terminator);
        let mut texts: Vec<&[u8]> = patterns.iter().filter(fits_a_line).copied().collect();
        if texts.pop_if(|text| text.is_empty()).is_some() {
            return Kind::TextsAndEmpty(texts);
        }
        match texts[..] {
            [] => Kind::Nothing,
            [text] if !syntax.ignore_case || has_only_ascii_case(text) => Kind::Text(text),
            [text] if is_quickly_made_a_regex(text) => Kind::Regex,
            _ if syntax.ignore_case => Kind::AnyCaseTexts(texts),
            _ => Kind::Texts(texts),
        }
    }
}

/// Beyond ASCII `k` and `s` have another form: the sign for Kelvin, and the long s.
fn has_only_ascii_case(text: &[u8]) -> bool {
    text.is_ascii() && !text.iter().any(|byte| b"kKsS".contains(byte))
}

/// Is it of characters, and not too long?
fn is_quickly_made_a_regex(text: &[u8]) -> bool {
    const LONG: usize = 1000;
    text.len() <= LONG && std::str::from_utf8(text).is_ok()
}

/// Each pattern once: where it is again, it finds nothing more. With groups it stays, for they are numbered through.
///
/// Where two match at one place the first has it. So an empty one is the last, and of texts the longest is the first
/// with `-F`, as grep has it.
fn distinct<'a>(patterns: impl IntoIterator<Item = &'a [u8]>, syntax: Syntax) -> Vec<&'a [u8]> {
    let mut seen = HashSet::new();
    let has_groups = |pattern: &[u8]| !syntax.literal && pattern.contains(&b'(');
    let mut distinct: Vec<&[u8]> = patterns
        .into_iter()
        .filter(|&pattern| seen.insert(pattern) || has_groups(pattern))
        .collect();
    if syntax.literal && syntax.ignore_case {
        // What matches may be of more bytes than another that is of more characters.
        distinct.sort_by_cached_key(|text| std::cmp::Reverse(characters(text)));
    } else if syntax.literal {
        distinct.sort_by_key(|text| std::cmp::Reverse(text.len()));
    } else {
        distinct.sort_by_key(|pattern| pattern.is_empty());
    }
    distinct
}

/// Of how many characters it is; a byte that belongs to none counts as one.
fn characters(text: &[u8]) -> usize {
    let chunks = text.utf8_chunks();
    chunks
        .map(|chunk| chunk.valid().chars().count() + chunk.invalid().len())
        .sum()
}

/// Every line matches. What is to be seen in it are texts, if there are any beside the empty one.
#[derive(Clone, Debug, Default)]
pub(super) struct EveryLine {
    texts: Option<Box<Pattern>>,
    /// Where the next text is in the line that is searched: not looked for anew at each place before it.
    next: Option<Range<usize>>,
}

impl EveryLine {
    fn new(texts: Vec<&[u8]>, syntax: Syntax) -> Result<EveryLine, PatternError> {
        let are_any = !texts.is_empty();
        let texts = are_any
            .then(|| Pattern::any_of(texts, syntax))
            .transpose()?;
        Ok(EveryLine {
            texts: texts.map(Box::new),
            next: None,
        })
    }

    /// The next text, or what is empty behind all of them.
    pub(super) fn bounds(&mut self, line: &[u8], from: usize) -> Range<usize> {
        match &mut self.texts {
            Some(texts) => {
                let found = texts.bounds(line, from);
                found.unwrap_or(line.len()..line.len())
            }
            None => from..from,
        }
    }

    /// The match at `from`: a text, or the empty one.
    pub(super) fn at(&mut self, line: &[u8], from: usize) -> Range<usize> {
        if from == 0 || self.next.as_ref().is_none_or(|next| next.start < from) {
            self.next = Some(self.bounds(line, from));
        }
        let next = self.next.clone().filter(|next| next.start == from);
        next.unwrap_or(from..from)
    }
}
