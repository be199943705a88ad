//! Why a pattern is none.

use std::fmt;

use costage::printable;
use regex_syntax::ast::ErrorKind;

/// So much of a wrong pattern is shown on either side of the place, in characters.
const SHOWN: usize = 60;

/// Why a pattern is none: a sentence, and where it is known, the pattern with a caret below the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError(String);

impl PatternError {
    pub(crate) fn new(why: impl fmt::Display) -> PatternError {
        PatternError(format!("invalid pattern: {why}"))
    }

    /// What the parser of the regex found.
    pub(super) fn syntax(pattern: &str, error: &regex_syntax::ast::Error) -> PatternError {
        let way_out = match error.kind() {
            ErrorKind::UnsupportedBackreference => {
                "back-references are not supported: they can take for ever; use grep -E"
            }
            ErrorKind::UnsupportedLookAround => {
                "look-around is not supported: it can take for ever; use grep -P, or a second cogrep -v"
            }
            kind => return PatternError::at(pattern, kind, error.span()),
        };
        PatternError::at(pattern, way_out, error.span())
    }

    /// The sentence, the pattern, and a caret below this part of it.
    pub(super) fn at(
        pattern: &str,
        what: impl fmt::Display,
        span: &regex_syntax::ast::Span,
    ) -> PatternError {
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
        PatternError::new(format_args!(
            "{what}\n    {before}{marked}{after}\n    {blank}{}",
            "^".repeat(carets)
        ))
    }

    /// Compiled it would take more than so many bytes.
    pub(super) fn too_large(limit: usize) -> PatternError {
        PatternError::new(format_args!(
            "too large: compiled it takes more than {} MiB",
            limit >> 20
        ))
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PatternError {}
