//! Options that several command lines have.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};
use costage::printable;

use crate::Refusal;

/// An option without a value; [`ArgMatches::contains_id`] tells whether it was given. (One that is false unless it was
/// given costs a value that is made, stored and read: forty of them are a twentieth of the time in which cogrep starts.)
pub fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::Set)
        .num_args(0)
        .default_missing_value("")
        .help(help)
}

/// Which of these options came last on the command line.
pub fn last_of<'a>(matches: &ArgMatches, options: &[&'a str]) -> Option<&'a str> {
    let typed = |option: &&&str| matches.value_source(option) == Some(ValueSource::CommandLine);
    options
        .iter()
        .filter(typed)
        .max_by_key(|option| matches.indices_of(option).and_then(Iterator::max))
        .copied()
}

/// One of a few words, which `option` takes; it may be abbreviated as far as it stays the only one.
///
/// ```
/// use coutils_cli::one_of;
///
/// let kinds = [("name", 1), ("none", 2)];
/// assert_eq!(one_of("--kind", &kinds, "na"), Ok(1));
/// let refused = one_of("--kind", &kinds, "n").unwrap_err();
/// assert_eq!(refused.to_string(), "invalid argument 'n' for '--kind': 'name' or 'none'");
/// ```
///
/// # Errors
///
/// If it is none of them, or may be several.
pub fn one_of<T: Copy>(
    option: &str,
    words: &[(impl AsRef<str>, T)],
    text: &str,
) -> Result<T, Refusal> {
    let exact = words.iter().find(|(word, _)| word.as_ref() == text);
    let mut begun = words
        .iter()
        .filter(|(word, _)| word.as_ref().starts_with(text));
    match (exact, begun.next(), begun.next()) {
        (Some((_, value)), ..) | (None, Some((_, value)), None) if !text.is_empty() => Ok(*value),
        _ => {
            let words: Vec<_> = words.iter().map(|(word, _)| word.as_ref()).collect();
            let choice = words.join("', '");
            // Before the last it reads `or`.
            let choice = match choice.rsplit_once(", ") {
                Some((others, last)) => format!("{others} or {last}"),
                None => choice,
            };
            let text = printable(text);
            Err(Refusal(format!(
                "invalid argument '{text}' for '{option}': '{choice}'"
            )))
        }
    }
}
