//! Options as GNU's getopt takes them, on top of clap.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::Program;

/// Gives a command the habits the tools share: the last of an option wins, long options may be abbreviated,
/// `--help` and `-V` are the only ones with a meaning of their own (`-h` is left to the tool).
pub fn settle(command: Command) -> Command {
    command
        .args_override_self(true)
        .infer_long_args(true)
        .max_term_width(80)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .version(env!("CARGO_PKG_VERSION"))
        .arg(
            Arg::new("help")
                .long("help")
                .action(ArgAction::Help)
                .help("Print this help")
                .help_heading("About"),
        )
        .arg(
            Arg::new("version")
                .short('V')
                .long("version")
                .action(ArgAction::Version)
                .help("Print the version")
                .help_heading("About"),
        )
}

/// Parses the command line.
///
/// # Errors
///
/// The status to end with: a failure after bad usage, which has been told, or success after `--help` and
/// `--version`, which have been printed.
pub fn parse(program: &Program, command: Command) -> Result<ArgMatches, ExitCode> {
    let args = std::env::args_os();
    command
        .try_get_matches_from(args)
        .map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                print(program, &error.to_string())
            }
            _ => {
                program.complain(describe(&error));
                let hint = format!("Try '{} --help' for more information.\n", program.name());
                let _ = std::io::stderr().write_all(hint.as_bytes());
                program.failure()
            }
        })
}

/// Prints what was asked for, and tells if that failed.
fn print(program: &Program, text: &str) -> ExitCode {
    let source = costage::Source::text(text);
    program.exit(source.drive(costage::printer()), ExitCode::SUCCESS)
}

/// What is wrong with the command line, in one line.
fn describe(error: &clap::Error) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join("', '")),
        _ => None,
    };
    let argument = text(ContextKind::InvalidArg).unwrap_or_default();
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    let meant = text(ContextKind::SuggestedArg)
        .map_or(String::new(), |meant| format!("; did you mean '{meant}'?"));
    match error.kind() {
        ErrorKind::UnknownArgument => format!("unrecognized option '{argument}'{meant}"),
        ErrorKind::ArgumentConflict => {
            let other = text(ContextKind::PriorArg).unwrap_or_default();
            format!("'{argument}' cannot be used with '{other}'")
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            format!("option '{argument}' requires an argument")
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error)
                .map_or(String::new(), |source| format!(": {source}"));
            format!("invalid value '{value}' for '{argument}'{why}")
        }
        ErrorKind::TooManyValues => format!("option '{argument}' takes no argument"),
        ErrorKind::InvalidUtf8 => "an argument is not valid UTF-8".into(),
        // In clap's words, without its prefix and its paragraphs.
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            first.strip_prefix("error: ").unwrap_or(first).to_owned()
        }
    }
}

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
