//! The text that every match of a regex has in it, if there is one: to look for it is faster than to try the regex.

use std::fmt;

use regex_syntax::hir::{Class, Hir, HirKind};

use super::literal::Text;
use super::literals::Literals;
use super::{PatternError, Syntax};

/// The most texts of which one has to be there, if they are short, and if they are not.
const SHORT_AT_MOST: usize = 64;
const TEXTS_AT_MOST: usize = 100_000;
/// From so many bytes on a text is not short.
const LONG_ENOUGH: usize = 4;

/// Texts, one of which is in every match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Required {
    what: What,
    /// It is all that the regex matches.
    pub(super) is_all: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Texts(Vec<Vec<u8>>),
    /// One text of ASCII in any case.
    AnyCase(Vec<u8>),
}

impl Required {
    /// The best there is for this regex, which has no groups.
    pub(super) fn of(hir: &Hir) -> Option<Required> {
        let what = what(hir)?;
        let is_all = match (&what, hir.kind()) {
            (What::Texts(_), HirKind::Literal(_)) => true,
            (What::Texts(_), HirKind::Alternation(parts)) => parts
                .iter()
                .all(|part| matches!(part.kind(), HirKind::Literal(_))),
            (What::AnyCase(run), _) => {
                any_case(hir).is_some_and(|all| all == *run) && !has_letter_of_one_case(hir)
            }
            _ => false,
        };
        Some(Required { what, is_all })
    }
}

impl What {
    /// An estimate of how rare it is: twice the length of one text in bytes, and of several that of the shortest, the
    /// less the more there are; a text in any case is as two. Of two of one worth the last is taken.
    fn worth(&self) -> usize {
        match self {
            What::Texts(texts) => {
                let shortest = texts.iter().map(Vec::len).min().unwrap_or(0);
                16 * shortest / (7 + texts.len())
            }
            What::AnyCase(text) => 16 * text.len() / 9,
        }
    }
}

fn what(hir: &Hir) -> Option<What> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(What::Texts(vec![literal.0.to_vec()])),
        HirKind::Repetition(repetition) if repetition.min > 0 => what(&repetition.sub),
        HirKind::Concat(parts) => {
            let of_parts = parts.iter().filter_map(what);
            of_parts
                .chain(runs_in_any_case(parts))
                .max_by_key(What::worth)
        }
        HirKind::Alternation(parts) => {
            let mut texts = Vec::new();
            for part in parts {
                match what(part)? {
                    What::Texts(more) => texts.extend(more),
                    What::AnyCase(_) => return None,
                }
            }
            let are_short = texts.iter().any(|text| text.len() < LONG_ENOUGH);
            if texts.len()
                > if are_short {
                    SHORT_AT_MOST
                } else {
                    TEXTS_AT_MOST
                }
            {
                return None;
            }
            Some(What::Texts(texts))
        }
        HirKind::Empty
        | HirKind::Class(_)
        | HirKind::Look(_)
        | HirKind::Repetition(_)
        | HirKind::Capture(_) => None,
    }
}

/// The text in any case that this is, or a part of.
fn any_case(hir: &Hir) -> Option<Vec<u8>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(literal.0.to_vec()),
        HirKind::Class(class) => both_cases(class).map(|letter| vec![letter]),
        HirKind::Concat(parts) => {
            let parts: Option<Vec<Vec<u8>>> = parts.iter().map(any_case).collect();
            Some(parts?.concat())
        }
        _ => None,
    }
}

/// Is there a letter in this text whose case counts?
fn has_letter_of_one_case(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => literal.0.iter().any(u8::is_ascii_alphabetic),
        HirKind::Concat(parts) => parts.iter().any(has_letter_of_one_case),
        _ => false,
    }
}

/// The ASCII letter of which this is both cases and nothing else.
fn both_cases(class: &Class) -> Option<u8> {
    let literals = match class {
        Class::Unicode(class) => class
            .ranges()
            .iter()
            .map(|range| (u32::from(range.start()), u32::from(range.end())))
            .collect::<Vec<_>>(),
        Class::Bytes(class) => class
            .ranges()
            .iter()
            .map(|range| (u32::from(range.start()), u32::from(range.end())))
            .collect(),
    };
    let [(upper, upper_end), (lower, lower_end)] = literals[..] else {
        return None;
    };
    let letter = u8::try_from(upper).ok().filter(u8::is_ascii_uppercase)?;
    let is_one = upper == upper_end && lower == lower_end;
    (is_one && lower == u32::from(letter.to_ascii_lowercase()))
        .then_some(letter.to_ascii_lowercase())
}

/// Neighbours that together are a text in any case.
fn runs_in_any_case(parts: &[Hir]) -> impl Iterator<Item = What> {
    let letters: Vec<Option<Vec<u8>>> = parts
        .iter()
        .map(|part| match part.kind() {
            HirKind::Literal(_) | HirKind::Class(_) => any_case(part),
            _ => None,
        })
        .collect();
    let runs = letters.split(Option::is_none).filter(|run| run.len() > 1);
    let runs: Vec<What> = runs
        .map(|run| What::AnyCase(run.iter().flatten().flatten().copied().collect()))
        .collect();
    runs.into_iter()
}

/// Looks for what is required.
#[derive(Clone, Debug)]
pub(super) enum Prefilter {
    One(Text),
    Several(Literals),
}

impl Prefilter {
    pub(super) fn new(required: &Required) -> Result<Prefilter, PatternError> {
        Ok(match &required.what {
            What::AnyCase(text) => Prefilter::One(Text::new(text, true)),
            What::Texts(texts) => match &texts[..] {
                [text] => Prefilter::One(Text::new(text, false)),
                texts => {
                    let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
                    Prefilter::Several(Literals::new(&texts, Syntax::default())?)
                }
            },
        })
    }

    pub(super) fn find(&self, text: &[u8], from: usize, terminator: u8) -> Option<usize> {
        match self {
            Prefilter::One(one) => one.find(&text[from..]).map(|at| from + at),
            Prefilter::Several(literals) => literals.find(text, from, terminator),
        }
    }
}

impl fmt::Display for Prefilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Prefilter::One(one) => one.fmt(f),
            Prefilter::Several(literals) => literals.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn required(pattern: &str) -> String {
        let hir = regex_syntax::parse(pattern).expect("a pattern");
        let required = Required::of(&super::super::parse::without_groups(hir));
        required.map_or("nothing".into(), |required| {
            let all = if required.is_all { ", all" } else { "" };
            match required.what {
                What::Texts(texts) => {
                    let texts: Vec<String> = texts
                        .iter()
                        .map(|text| text.escape_ascii().to_string())
                        .collect();
                    texts.join("|") + all
                }
                What::AnyCase(text) => format!("{} in any case{all}", text.escape_ascii()),
            }
        })
    }

    #[test]
    fn the_best_text_is_chosen() {
        for (pattern, expected) in [
            ("[a-z]+-in-a-[a-z]+", "-in-a-"),
            ("needle", "needle, all"),
            ("wp-admin|needle-in", "wp-admin|needle-in, all"),
            ("x(abc|de)y", "abc|de"),
            ("a.longer[0-9]", "longer"),
            ("(abc)+", "abc"),
            ("(abc)*", "nothing"),
            ("(abc)*x?[0-9]", "nothing"),
            ("a|[0-9]", "nothing"),
            ("(?i)abc1", "abc1 in any case, all"),
            ("(?i)pyth.n", "pyth in any case"),
            ("(?i)swig", "wig in any case"),
            ("[Pp]ython", "python in any case"),
            ("x[Yy](?i:z)-", "xyz- in any case"),
            ("^abc$", "abc"),
        ] {
            assert_eq!(required(pattern), expected, "{pattern}");
        }
    }
}
