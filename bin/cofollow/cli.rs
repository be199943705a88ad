//! The command line of cofollow.

use std::ffi::OsString;
use std::time::Duration;

use clap::builder::OsStringValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use cofollow::Start;
use coutils_cli::{duration, number, values};

/// What was typed.
pub struct Cli {
    pub files: Vec<OsString>,
    pub start: Start,
    /// The byte that ends a line.
    pub terminator: u8,
    pub follow: bool,
    pub until_idle: Option<Duration>,
}

impl Cli {
    pub fn new(matches: &ArgMatches) -> Cli {
        Cli {
            files: values(matches, "files"),
            start: start(matches),
            terminator: if matches.get_flag("zero-terminated") {
                0
            } else {
                b'\n'
            },
            follow: !matches.get_flag("no-follow"),
            until_idle: matches.get_one("until-idle").copied(),
        }
    }
}

/// `-n` or `-c`, whichever came last.
fn start(matches: &ArgMatches) -> Start {
    ["lines", "bytes"]
        .into_iter()
        .filter_map(|id| Some((matches.indices_of(id)?.next_back()?, *matches.get_one(id)?)))
        .max_by_key(|&(index, _)| index)
        .map_or_else(Start::default, |(_, start)| start)
}

/// `NUM` or `-NUM`: the last so many; `+NUM`: from that one on.
fn number_of(text: &str, last: fn(u64) -> Start, from: fn(u64) -> Start) -> Result<Start, String> {
    match text.strip_prefix('+') {
        Some(text) => number(text).map(from),
        None => number(text.strip_prefix('-').unwrap_or(text)).map(last),
    }
}

/// The options as clap has them.
pub fn command() -> Command {
    Command::new("cofollow")
        .about("Print the end of files, and what is appended, through any rotation.")
        .override_usage("cofollow [OPTIONS] [FILE]...")
        .arg(
            Arg::new("files")
                .value_name("FILE")
                .num_args(0..)
                .value_parser(OsStringValueParser::new())
                .help("Followed by name, waited for if missing; none, or '-': standard input"),
        )
        .next_help_heading("Start and end")
        .arg(
            Arg::new("lines")
                .short('n')
                .long("lines")
                .value_name("[+]NUM")
                .allow_hyphen_values(true)
                .value_parser(|text: &str| number_of(text, Start::Last, Start::Line))
                .help("Start at the last NUM lines, or with + at line NUM [default: 10]"),
        )
        .arg(
            Arg::new("bytes")
                .short('c')
                .long("bytes")
                .value_name("[+]NUM")
                .allow_hyphen_values(true)
                .value_parser(|text: &str| number_of(text, Start::LastBytes, Start::Byte))
                .help("The same in bytes"),
        )
        .arg(
            Arg::new("zero-terminated")
                .short('z')
                .long("zero-terminated")
                .action(ArgAction::SetTrue)
                .help("Lines end in NUL, not in a newline"),
        )
        .arg(
            Arg::new("no-follow")
                .long("no-follow")
                .action(ArgAction::SetTrue)
                .help("End at the end of the files"),
        )
        .arg(
            Arg::new("until-idle")
                .long("until-idle")
                .value_name("TIME")
                .value_parser(duration)
                .help("End when nothing has come for TIME: 500ms, 1.5s, 2m"),
        )
        .after_help(
            "Only whole lines are printed: an unfinished one when it is finished, or at the\n\
             end. When a file is renamed, deleted or replaced, the old one is read to its\n\
             end, and for 10 s of its writer's silence, and the new one from its start.\n\n\
             Exit status: 0; 1 after an error, or if a file never was there to be read.\n\n\
             Examples:\n  \
             cofollow access-log | cogrep python          watch a log for a word\n  \
             cofollow -n +1 --until-idle 1s access-log    all of it, and what still comes\n  \
             cofollow -n 100 --no-follow access-log       its last 100 lines",
        )
}
