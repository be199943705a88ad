//! Options as GNU's getopt takes them, on top of clap.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};
use costage::printable;

use crate::Program;

/// Gives a command the habits the tools share: the last of an option wins, long options may be abbreviated,
/// `--help` and `-V` are the only ones with a meaning of their own (`-h` is left to the tool), and the last in
/// the help.
fn settle(command: Command) -> Command {
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

/// Parses the command line, as GNU's getopt does: the last of an option wins, long options may be abbreviated.
/// `--help` and `-V` are added to the tool's own options.
///
/// # Errors
///
/// The status to end with: a failure after bad usage, which has been told, or success after `--help` and
/// `--version`, which have been printed.
pub fn parse(program: &Program, command: Command) -> Result<ArgMatches, ExitCode> {
    let command = settle(command);
    let args = keep_equals(&command, std::env::args_os());
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

/// In `-e=x` the value is `=x`, as getopt has it. clap would drop the `=`, so it gets one to drop.
fn keep_equals(command: &Command, args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut kept: Vec<OsString> = Vec::new();
    let mut args = args.into_iter();
    kept.extend(args.next());
    while let Some(arg) = args.next() {
        if arg == "--" {
            kept.push(arg);
            break;
        }
        let (arg, wants_value) = match arg.as_bytes().strip_prefix(b"--") {
            Some(long) => {
                let wants_value = long_wants_value(command, long);
                (arg, wants_value)
            }
            None => shorts(command, arg),
        };
        kept.push(arg);
        if wants_value {
            kept.extend(args.next());
        }
    }
    kept.extend(args);
    kept
}

/// Is the next argument the value of this long option, which may be abbreviated?
fn long_wants_value(command: &Command, long: &[u8]) -> bool {
    let name = |arg: &Arg| arg.get_long().unwrap_or_default().to_owned();
    let takes_value = |arg: &Arg| arg.get_action().takes_values();
    let mut args = command.get_arguments();
    match args.find(|arg| name(arg).as_bytes() == long) {
        Some(exact) => takes_value(exact),
        None => command
            .get_arguments()
            .any(|arg| takes_value(arg) && name(arg).as_bytes().starts_with(long)),
    }
}

/// Short options in one argument, with a second `=` for a value that begins with one; and whether the next
/// argument is the value of the last.
fn shorts(command: &Command, arg: OsString) -> (OsString, bool) {
    let bytes = arg.as_bytes();
    if bytes.first() != Some(&b'-') {
        return (arg, false);
    }
    for (at, &letter) in bytes.iter().enumerate().skip(1) {
        let takes_value = command.get_arguments().any(|arg| {
            arg.get_short() == Some(char::from(letter)) && arg.get_action().takes_values()
        });
        if takes_value {
            let (options, value) = bytes.split_at(at + 1);
            if value.first() != Some(&b'=') {
                let wants_value = value.is_empty();
                return (arg, wants_value);
            }
            let kept = [options, b"=", value].concat();
            return (OsString::from_vec(kept), false);
        }
    }
    (arg, false)
}

/// Prints what was asked for, and tells if that failed.
fn print(program: &Program, text: &str) -> ExitCode {
    let source = costage::Source::text(text);
    program.exit(source.drive(costage::printer()), ExitCode::SUCCESS)
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
            printable(first.strip_prefix("error: ").unwrap_or(first))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_equals_sign_belongs_to_the_value_of_a_short_option() {
        let flag = Arg::new("count").short('c').action(ArgAction::SetTrue);
        let option = Arg::new("regexp")
            .short('e')
            .long("regexp")
            .action(ArgAction::Append)
            .allow_hyphen_values(true);
        let command = settle(Command::new("test"))
            .arg(flag)
            .arg(option)
            .arg(Arg::new("operands").num_args(0..));
        let values = |line: &str| {
            let args = keep_equals(&command, line.split(' ').map(OsString::from));
            let matches = command.clone().try_get_matches_from(args);
            let matches = matches.unwrap_or_else(|error| panic!("{line}: {error}"));
            let of = |id| matches.get_many::<String>(id).unwrap_or_default();
            of("regexp")
                .chain(of("operands"))
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(values("test -e=x"), ["=x"]);
        assert_eq!(values("test -ce=x -e= -ex=y"), ["=x", "=", "x=y"]);
        // What is a value already is left alone, and so are the operands.
        assert_eq!(values("test -e -e=x --reg -e=y"), ["-e=x", "-e=y"]);
        assert_eq!(
            values("test --regexp=-e=x e=x -- -e=y"),
            ["-e=x", "e=x", "-e=y"]
        );
    }
}
