//! What grep has and this has not, and what does it instead.

use clap::builder::ValueParser;
use clap::{Arg, ArgAction};
use coutils_cli::Refusal;

/// For directories, by whichever option they were asked for.
pub(crate) const RECURSIVE: &str =
    "directories are not searched: use find DIRECTORY -type f -exec cogrep PATTERN {} +";

const BY_NAME: &str =
    "files are named, not found: use find DIRECTORY -name GLOB -exec cogrep PATTERN {} +";

/// For files that are not text, by whichever option.
pub(crate) const BINARY: &str =
    "every file is searched and printed as text: leave others out by their names, or use grep -I";

/// The options that are refused: their names, and why.
const REFUSED: [(&str, Option<char>, &str); 9] = [
    ("recursive", Some('r'), RECURSIVE),
    ("dereference-recursive", Some('R'), RECURSIVE),
    (
        "basic-regexp",
        Some('G'),
        "patterns are extended: write a|b, (a), a{2} and a+ without backslashes, or use grep -G",
    ),
    (
        "perl-regexp",
        Some('P'),
        "patterns have most of Perl's syntax without it; for look-around and back-references use grep -P",
    ),
    // This has no long form.
    ("I", Some('I'), BINARY),
    ("include", None, BY_NAME),
    ("exclude", None, BY_NAME),
    ("exclude-from", None, BY_NAME),
    ("exclude-dir", None, BY_NAME),
];

/// These options, each of which says what to do instead.
pub(crate) fn refusals() -> impl Iterator<Item = Arg> {
    REFUSED.into_iter().map(|(long, short, why)| {
        let name = short.map_or_else(|| format!("--{long}"), |short| format!("-{short}"));
        let refuse = move |_: &str| Err::<String, _>(Refusal(format!("{name}: {why}")));
        let refused = Arg::new(long).action(ArgAction::Append);
        let refused = match short {
            Some(short) => refused.short(short).num_args(0),
            None => refused.num_args(0..=1).require_equals(true),
        };
        let is_long = long.len() > 1;
        refused
            .long(is_long.then_some(long))
            .default_missing_value("")
            .value_parser(ValueParser::new(refuse))
            .hide(true)
    })
}
