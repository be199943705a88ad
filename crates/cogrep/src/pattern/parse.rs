//! From the text of patterns to a regex that stays within a line.

use regex_syntax::ast::Ast;
use regex_syntax::ast::parse::ParserBuilder;
use regex_syntax::hir::translate::TranslatorBuilder;
use regex_syntax::hir::{
    Capture, Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange,
};
use regex_syntax::hir::{Hir, HirKind, Look};

use super::{PatternError, Syntax, classes};

/// What stands for something else in a regex.
const SPECIAL: &[u8] = br"\.+*?()|[]{}^$";

/// So many characters a pattern may have when its repetitions are written out. Each may be where a match goes on, so
/// that each byte of the text has to be held against all of them.
const WRITTEN_OUT_AT_MOST: usize = 50_000;

/// How many characters it has when its repetitions are written out, each class counted as `of_class` says.
pub(super) fn length_written_out(hir: &Hir, of_class: fn(&Class) -> usize) -> usize {
    let length = |part: &Hir| length_written_out(part, of_class);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Class(class) => of_class(class),
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Capture(capture) => length(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(length).fold(0, usize::saturating_add)
        }
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(1) as usize;
            length(&repetition.sub).saturating_mul(times)
        }
    }
}

/// How many ranges of characters it has.
pub(super) fn ranges(class: &Class) -> usize {
    match class {
        Class::Unicode(class) => class.ranges().len(),
        Class::Bytes(class) => class.ranges().len(),
    }
}

/// Does the text stand for itself, whatever is made of case?
pub(super) fn is_plain(pattern: &[u8], syntax: Syntax) -> bool {
    syntax.literal || !pattern.iter().any(|byte| SPECIAL.contains(byte))
}

/// Several patterns as one, of which the groups are numbered through.
pub(super) fn alternatives(patterns: &[&[u8]], syntax: Syntax) -> Result<Hir, PatternError> {
    let mut groups = 0;
    let mut alternatives = Vec::with_capacity(patterns.len());
    for pattern in patterns {
        let parsed = if !is_plain(pattern, syntax) {
            regex(pattern, syntax)?
        } else if syntax.ignore_case {
            plain_in_any_case(pattern, syntax)?
        } else {
            Hir::literal(*pattern)
        };
        let most = WRITTEN_OUT_AT_MOST.max(2 * pattern.len());
        if length_written_out(&parsed, |_| 1) > most {
            return Err(PatternError::new(format_args!(
                "too large: with its repetitions written out it has more than {most} characters"
            )));
        }
        let count = parsed.properties().explicit_captures_len();
        let mut within = Within {
            terminator: syntax.terminator,
            groups_before: groups,
            keeps_names: patterns.len() == 1,
        };
        alternatives.push(within.a_line(parsed));
        groups += u32::try_from(count).unwrap_or(u32::MAX);
    }
    Ok(Hir::alternation(alternatives))
}

fn regex(pattern: &[u8], syntax: Syntax) -> Result<Hir, PatternError> {
    let text = std::str::from_utf8(pattern).map_err(|error| {
        PatternError::new(format_args!(
            r"not UTF-8 at byte {}: write such a byte as (?-u:\xFF), or use -F",
            error.valid_up_to() + 1
        ))
    })?;
    let mut ast = ast(text)?;
    classes::with_every_script(text, &mut ast, syntax.ignore_case)
        .map_err(|misspelt| PatternError::at(text, misspelt.why, &misspelt.at))?;
    translate(text, &ast, syntax)
}

pub(super) fn ast(pattern: &str) -> Result<Ast, PatternError> {
    // `{,5}` is `{0,5}`, as grep has it.
    let mut parser = ParserBuilder::new().empty_min_range(true).build();
    parser
        .parse(pattern)
        .map_err(|error| PatternError::syntax(pattern, &error))
}

fn translate(pattern: &str, ast: &Ast, syntax: Syntax) -> Result<Hir, PatternError> {
    TranslatorBuilder::new()
        .utf8(false)
        .multi_line(true)
        .line_terminator(syntax.terminator)
        .case_insensitive(syntax.ignore_case)
        .build()
        .translate(pattern, ast)
        .map_err(|error| PatternError::at(pattern, error.kind(), error.span()))
}

/// A plain text in any case; bytes that are not UTF-8 have none.
fn plain_in_any_case(pattern: &[u8], syntax: Syntax) -> Result<Hir, PatternError> {
    let mut parts = Vec::new();
    for chunk in pattern.utf8_chunks() {
        let text = regex_syntax::escape(chunk.valid());
        parts.push(translate(&text, &ast(&text)?, syntax)?);
        parts.push(Hir::literal(chunk.invalid()));
    }
    Ok(Hir::concat(parts))
}

/// What `-w` puts around a pattern. `Ascii` knows only ASCII's letters, digits and `_`: every line in which there is
/// a word is among those that it finds, at a fraction of the cost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    Ascii,
    Unicode,
}

pub(super) fn as_words(hir: Hir, words: Words) -> Hir {
    let (start, end) = match words {
        Words::Ascii => (Look::WordStartHalfAscii, Look::WordEndHalfAscii),
        Words::Unicode => (Look::WordStartHalfUnicode, Look::WordEndHalfUnicode),
    };
    Hir::concat(vec![Hir::look(start), hir, Hir::look(end)])
}

/// What `-x` puts around it.
pub(super) fn as_lines(hir: Hir) -> Hir {
    Hir::concat(vec![Hir::look(Look::StartLF), hir, Hir::look(Look::EndLF)])
}

/// The same regex without its groups, which only a replacement asks for.
pub(super) fn without_groups(hir: Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Capture(capture) => without_groups(*capture.sub),
        HirKind::Repetition(mut repetition) => {
            repetition.sub = Box::new(without_groups(*repetition.sub));
            Hir::repetition(repetition)
        }
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(without_groups).collect()),
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.into_iter().map(without_groups).collect())
        }
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(look),
    }
}

/// Makes a regex unable to match a line end: a whole block is searched at once, and a match must not reach
/// from one line into the next.
struct Within {
    terminator: u8,
    groups_before: u32,
    keeps_names: bool,
}

impl Within {
    fn a_line(&mut self, hir: Hir) -> Hir {
        match hir.into_kind() {
            HirKind::Empty => Hir::empty(),
            HirKind::Literal(literal) if literal.0.contains(&self.terminator) => Hir::fail(),
            HirKind::Literal(literal) => Hir::literal(literal.0),
            HirKind::Class(Class::Unicode(mut class)) => {
                let terminator = char::from(self.terminator);
                class.difference(&ClassUnicode::new([ClassUnicodeRange::new(
                    terminator, terminator,
                )]));
                Hir::class(Class::Unicode(class))
            }
            HirKind::Class(Class::Bytes(mut class)) => {
                class.difference(&ClassBytes::new([ClassBytesRange::new(
                    self.terminator,
                    self.terminator,
                )]));
                Hir::class(Class::Bytes(class))
            }
            // The text is one line to the user, whatever else is in the block.
            HirKind::Look(Look::Start) => Hir::look(Look::StartLF),
            HirKind::Look(Look::End) => Hir::look(Look::EndLF),
            // Of `(?R)`, which knows no terminator but the newline.
            HirKind::Look(Look::StartCRLF) if self.terminator != b'\n' => Hir::look(Look::StartLF),
            HirKind::Look(Look::EndCRLF) if self.terminator != b'\n' => Hir::look(Look::EndLF),
            HirKind::Look(look) => Hir::look(look),
            HirKind::Repetition(mut repetition) => {
                repetition.sub = Box::new(self.a_line(*repetition.sub));
                Hir::repetition(repetition)
            }
            HirKind::Capture(capture) => Hir::capture(Capture {
                index: capture.index.saturating_add(self.groups_before),
                // Two patterns may use the same; then a number is the only way to tell them apart.
                name: capture.name.filter(|_| self.keeps_names),
                sub: Box::new(self.a_line(*capture.sub)),
            }),
            HirKind::Concat(parts) => {
                Hir::concat(parts.into_iter().map(|part| self.a_line(part)).collect())
            }
            HirKind::Alternation(parts) => {
                Hir::alternation(parts.into_iter().map(|part| self.a_line(part)).collect())
            }
        }
    }
}
