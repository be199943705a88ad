//! The command line of cobroadcast.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command, builder::OsStringValueParser};
use costage::printable;
use coutils_cli::{Refusal, report_options, values};

/// What was typed.
pub struct Cli {
    pub files: Vec<OsString>,
    pub append: bool,
    pub ignore_interrupts: bool,
    pub output_error: OutputError,
}

/// What an error of one target means for the others: tee's modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputError {
    /// It is told, also that a reader left.
    Warn,
    /// It is told. That a reader left is none.
    #[default]
    WarnNoPipe,
    /// It ends all, also that a reader left.
    Exit,
    /// It ends all. That a reader left is none.
    ExitNoPipe,
}

impl OutputError {
    /// Is it the end of all?
    pub fn exits(self) -> bool {
        matches!(self, OutputError::Exit | OutputError::ExitNoPipe)
    }

    /// Is it an error that a reader left?
    pub fn minds_pipes(self) -> bool {
        matches!(self, OutputError::Warn | OutputError::Exit)
    }
}

impl Cli {
    /// Takes the command line apart.
    pub fn new(matches: &ArgMatches) -> Cli {
        Cli {
            files: values(matches, "files"),
            append: matches.get_flag("append"),
            ignore_interrupts: matches.get_flag("ignore-interrupts"),
            output_error: matches.get_one("output-error").copied().unwrap_or_default(),
        }
    }
}

const MODES: [(&str, OutputError); 4] = [
    ("warn", OutputError::Warn),
    ("warn-nopipe", OutputError::WarnNoPipe),
    ("exit", OutputError::Exit),
    ("exit-nopipe", OutputError::ExitNoPipe),
];

/// A mode may be abbreviated as far as it stays the only one.
fn output_error(text: &str) -> Result<OutputError, Refusal> {
    let exact = MODES.iter().find(|(name, _)| *name == text);
    let mut begun = MODES.iter().filter(|(name, _)| name.starts_with(text));
    match (exact, begun.next(), begun.next()) {
        (Some((_, mode)), ..) | (None, Some((_, mode)), None) if !text.is_empty() => Ok(*mode),
        _ => Err(Refusal(format!(
            "invalid argument '{}' for '--output-error': 'warn', 'warn-nopipe', 'exit' or 'exit-nopipe'",
            printable(text)
        ))),
    }
}

fn flag(name: &'static str, short: char, help: &'static str) -> Arg {
    Arg::new(name)
        .short(short)
        .long(name)
        .action(ArgAction::SetTrue)
        .help(help)
}

/// The options as clap has them.
pub fn command() -> Command {
    Command::new("cobroadcast")
        .about("Copy standard input to standard output and to files.")
        .override_usage("cobroadcast [OPTIONS] [FILE]...")
        .arg(
            Arg::new("files")
                .value_name("FILE")
                .num_args(0..)
                .value_parser(OsStringValueParser::new())
                .help("Gets a copy; replaced if it exists"),
        )
        .next_help_heading("Targets")
        .arg(flag("append", 'a', "Append to the files"))
        .arg(flag("ignore-interrupts", 'i', "Ignore SIGINT"))
        .next_help_heading("Errors")
        .args(errors())
        .next_help_heading("Reports")
        .args(report_options())
        .after_help(
            "A target that fails or goes away takes no other with it.\n\n\
             MODE: warn, tell every error; warn-nopipe, the same but that a reader left;\n\
             exit, end at any error; exit-nopipe, the same but that a reader left.\n\n\
             Exit status: 0; 1 after an error; of SIGPIPE if the last reader left.\n\n\
             Examples:\n  \
             cofollow access-log | cogrep python      what it is fed by\n  \
             make 2>&1 | cobroadcast log              see it, and keep it\n  \
             date | cobroadcast -a log >/dev/null     add it to a file",
        )
}

fn errors() -> [Arg; 2] {
    [
        Arg::new("p")
            .short('p')
            .action(ArgAction::SetTrue)
            .overrides_with("output-error")
            .help("A reader that leaves is no error; the default"),
        Arg::new("output-error")
            .long("output-error")
            .value_name("MODE")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("warn-nopipe")
            .overrides_with("p")
            .value_parser(output_error)
            .help("What an error of a target is [default: warn-nopipe]"),
    ]
}
