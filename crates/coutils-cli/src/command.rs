//! Options as GNU's getopt takes them, on top of clap.

use std::ffi::OsString;
use std::fmt;
use std::io::Write;
use std::mem::ManuallyDrop;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};
use costage::printable;

use crate::generate::{KINDS, generate};
use crate::getopt::rewrite;
use crate::{Numbers, Program};

/// Gives a command the habits the tools share: the last of an option wins, long options may be abbreviated,
/// `--help` and `-V` are the only ones with a meaning of their own, and the last in the help. `-h` is `--help`, too, where
/// the tool has not another use for it.
fn settle(command: Command) -> Command {
    let mut help = Arg::new("help")
        .long("help")
        .action(ArgAction::Help)
        .help("Print this help")
        .help_heading("About");
    if command
        .get_arguments()
        .all(|arg| arg.get_short() != Some('h'))
    {
        help = help.short('h');
    }
    command
        .args_override_self(true)
        .infer_long_args(true)
        .max_term_width(80)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .version(env!("CARGO_PKG_VERSION"))
        .arg(help)
        .arg(
            Arg::new("version")
                .short('V')
                .long("version")
                .action(ArgAction::Version)
                .help("Print the version")
                .help_heading("About"),
        )
        .arg(
            Arg::new("generate")
                .long("generate")
                .value_name("KIND")
                .value_parser(KINDS)
                .hide_possible_values(true)
                .help(
                    "Print the man page, or completions: man, bash, zsh, fish, powershell, elvish",
                )
                .help_heading("About"),
        )
}

/// Parses the command line, as GNU's getopt does: the last of an option wins, long options may be abbreviated,
/// and with `POSIXLY_CORRECT` in the environment the first operand ends the options. `--help`, `-V` and `--generate` are
/// added to the tool's own options.
///
/// # Errors
///
/// The status to end with: a failure after bad usage, which has been told, or success after `--help`, `--version` and
/// `--generate`, whose text has been printed.
pub fn parse(
    program: &Program,
    command: Command,
    numbers: Numbers,
) -> Result<ManuallyDrop<ArgMatches>, u8> {
    // The process ends soon, and needs no time to take hundreds of small pieces apart: here and with what is found.
    let mut command = ManuallyDrop::new(settle(command));
    let misused = |what| {
        program.complain(what);
        let hint = format!("Try '{} --help' for more information.\n", program.name());
        let _ = std::io::stderr().write_all(hint.as_bytes());
        program.failure()
    };
    let in_order = std::env::var_os("POSIXLY_CORRECT").is_some();
    let args = rewrite(&command, numbers, in_order, std::env::args_os()).map_err(misused)?;
    let matches = command.try_get_matches_from_mut(args);
    let matches = matches.map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => print(program, &error.to_string()),
        _ => misused(describe(&error)),
    })?;
    match matches.get_one::<String>("generate") {
        Some(kind) => Err(print(program, &generate(&command, kind))),
        None => Ok(ManuallyDrop::new(matches)),
    }
}

/// Prints what was asked for, and tells if that failed.
fn print(program: &Program, text: &str) -> u8 {
    let source = costage::Source::text(text);
    program.exit(source.drive(costage::printer()), 0)
}

/// What is wrong with the command line, in one line.
fn describe(error: &clap::Error) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(printable(text)),
        Some(ContextValue::Strings(texts)) => Some(printable(&texts.join("', '"))),
        _ => None,
    };
    let argument = text(ContextKind::InvalidArg).unwrap_or_default();
    // Without the name of its value, which is for the help.
    let argument = argument.split(" <").next().unwrap_or_default();
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    let meant = text(ContextKind::SuggestedArg)
        .map_or(String::new(), |meant| format!("; did you mean '{meant}'?"));
    match error.kind() {
        ErrorKind::UnknownArgument => match argument.strip_prefix('-') {
            None => format!("extra operand '{argument}'"),
            Some(letter) if !letter.starts_with('-') => format!("invalid option -- '{letter}'"),
            Some(_) => format!("unrecognized option '{argument}'{meant}"),
        },
        ErrorKind::ArgumentConflict => {
            let other = text(ContextKind::PriorArg).unwrap_or_default();
            let other = other.split(" <").next().unwrap_or_default();
            format!("'{argument}' cannot be used with '{other}'")
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            format!("option '{argument}' requires an argument")
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let source = std::error::Error::source(error);
            if let Some(refusal) = source.and_then(|source| source.downcast_ref::<Refusal>()) {
                return printable(&refusal.0);
            }
            let valid = text(ContextKind::ValidValue).map(|valid| format!("one of '{valid}'"));
            let why = source.map(ToString::to_string).or(valid);
            let why = why.map_or(String::new(), |why| format!(": {why}"));
            format!("invalid value '{value}' for '{argument}'{why}")
        }
        ErrorKind::TooManyValues => format!("option '{argument}' doesn't allow an argument"),
        ErrorKind::InvalidUtf8 => "an argument is not valid UTF-8".into(),
        // In clap's words, without its prefix and its paragraphs.
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            printable(first.strip_prefix("error: ").unwrap_or(first))
        }
    }
}

/// A value that is refused, in the tool's own words: [`parse`] says this and nothing more. To be
/// returned by the `value_parser` of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// Reads a number of lines: what GNU's tools take for `NUM`, without a sign.
///
/// # Errors
///
/// If it is none. One that is too large to be reached is as good as the largest.
pub fn number(text: &str) -> Result<u64, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("expected a number of lines".into());
    }
    Ok(text.parse().unwrap_or(u64::MAX))
}

/// All values of an option or operand, in their order.
pub fn values(matches: &ArgMatches, id: &str) -> Vec<OsString> {
    matches
        .get_many::<OsString>(id)
        .map_or(Vec::new(), |values| values.cloned().collect())
}
