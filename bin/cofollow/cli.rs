//! The command line of cofollow.

use std::ffi::OsString;
use std::time::Duration;

use clap::builder::OsStringValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use cofollow::Start;
use coutils_cli::{Refusal, duration, report_options, size, values};

/// What was typed.
pub struct Cli {
    pub files: Vec<OsString>,
    pub start: Start,
    pub follow: bool,
    pub until_idle: Option<Duration>,
}

impl Cli {
    pub fn new(matches: &ArgMatches) -> Cli {
        Cli {
            files: values(matches, "files"),
            start: matches.get_one("lines").copied().unwrap_or_default(),
            follow: !matches.get_flag("no-follow"),
            until_idle: matches.get_one("until-idle").copied(),
        }
    }
}

/// `NUM` or `-NUM`: the last so many lines; `+NUM`: from that line on.
fn lines(text: &str) -> Result<Start, Refusal> {
    let start = match text.strip_prefix('+') {
        Some(line) => size(line).map(Start::Line),
        None => size(text.strip_prefix('-').unwrap_or(text)).map(Start::Last),
    };
    start.map_err(|_| Refusal(format!("invalid number of lines: '{text}'")))
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
                .value_parser(lines)
                .help("Start at the last NUM lines, or with + at line NUM [default: 10]; NUM may end in b \
                     (512), K, M, G and so on (1024), kB, MB, GB (1000); -NUM and +NUM do too"),
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
        .next_help_heading("Reports")
        .args(report_options())
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
