//! The command line of cofollow.

use std::ffi::OsString;
use std::num::{IntErrorKind, ParseIntError};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command};
use cofollow::{Headers, Start};
use costage::printable;
use coutils_cli::{Refusal, duration, flag, last_of, one_of, report_options, size, values};

/// What was typed.
pub struct Cli {
    pub files: Vec<OsString>,
    pub start: Start,
    pub mode: Mode,
    pub retry: bool,
    pub headers: Option<Headers>,
    pub terminator: u8,
    pub poll: Duration,
    pub processes: Vec<u32>,
    pub until_idle: Option<Duration>,
    pub partial_after: Option<Duration>,
    pub resume: Option<PathBuf>,
}

/// What is done at the end of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    Print,
    /// What has the name is followed.
    Name,
    /// The file is followed.
    Descriptor,
}

impl Cli {
    pub fn new(matches: &ArgMatches) -> Cli {
        let last = last_of(matches, &["no-follow", "F", "f", "follow"]);
        let mode = match last {
            Some("no-follow") => Mode::Print,
            Some("f") => Mode::Descriptor,
            Some("follow") => matches
                .get_one("follow")
                .copied()
                .unwrap_or(Mode::Descriptor),
            _ => Mode::Name,
        };
        let headers = match last_of(matches, &["quiet", "verbose", "with-filename"]) {
            Some("quiet") => Some(Headers::Never),
            Some("verbose") => Some(Headers::Always),
            Some(_) => Some(Headers::EachLine),
            None => None,
        };
        let start = match last_of(matches, &["lines", "bytes"]) {
            Some(option) => matches.get_one(option).copied(),
            None => None,
        };
        Cli {
            files: values(matches, "files"),
            start: start.unwrap_or_default(),
            mode,
            // As tail's -F has it, which is the default here.
            retry: matches.contains_id("retry") || matches.contains_id("F") || last.is_none(),
            headers,
            terminator: if matches.contains_id("zero-terminated") {
                b'\0'
            } else {
                b'\n'
            },
            poll: matches
                .get_one("sleep-interval")
                .copied()
                .unwrap_or(Duration::from_secs(1)),
            processes: processes(matches),
            until_idle: matches.get_one("until-idle").copied(),
            partial_after: matches.get_one("partial-after").copied(),
            resume: matches.get_one::<OsString>("resume").map(PathBuf::from),
        }
    }

    /// Was `--retry` asked for where it means nothing, or little?
    pub fn retry_warning(&self, matches: &ArgMatches) -> Option<&'static str> {
        if !matches.contains_id("retry") {
            return None;
        }
        match self.mode {
            Mode::Print => Some("warning: --retry ignored; --retry is useful only when following"),
            Mode::Descriptor => Some("warning: --retry only effective for the initial open"),
            Mode::Name => None,
        }
    }
}

/// The processes whose ends are waited for; none, if one of them never ends: 0, which stands for the group of whoever
/// asks, in `kill(2)`, with which tail does.
fn processes(matches: &ArgMatches) -> Vec<u32> {
    let typed = matches.get_many("pid").into_iter().flatten();
    let processes: Vec<u32> = typed.copied().collect();
    if processes.contains(&0) {
        Vec::new()
    } else {
        processes
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

/// The same in bytes.
fn bytes(text: &str) -> Result<Start, Refusal> {
    let start = match text.strip_prefix('+') {
        Some(byte) => size(byte).map(Start::Byte),
        None => size(text.strip_prefix('-').unwrap_or(text)).map(Start::LastBytes),
    };
    start.map_err(|_| Refusal(format!("invalid number of bytes: '{text}'")))
}

fn follow_mode(text: &str) -> Result<Mode, Refusal> {
    let modes = [("name", Mode::Name), ("descriptor", Mode::Descriptor)];
    one_of("--follow", &modes, text)
}

fn process(text: &str) -> Result<u32, Refusal> {
    let pid = text.parse::<i32>();
    let is_too_large = |error: &ParseIntError| *error.kind() == IntErrorKind::PosOverflow;
    let why = if pid.as_ref().is_err_and(is_too_large) {
        // The system's words for EOVERFLOW, as tail has it.
        ": Value too large for defined data type"
    } else {
        ""
    };
    let pid = pid.ok().and_then(|pid| u32::try_from(pid).ok());
    pid.ok_or_else(|| Refusal(format!("invalid PID: '{}'{why}", printable(text))))
}

fn state(path: OsString) -> Result<OsString, Refusal> {
    if path.is_empty() {
        return Err(Refusal("option '--resume' needs the name of a file".into()));
    }
    Ok(path)
}

/// tail takes plain seconds; units are the other tools' habit.
fn seconds(text: &str) -> Result<Duration, Refusal> {
    duration(text).map_err(|_| Refusal(format!("invalid number of seconds: '{}'", printable(text))))
}

/// The options as clap has them.
pub fn command() -> Command {
    Command::new("cofollow")
        .about("Print the end of files, and what is appended, through any rotation.")
        .override_usage("cofollow [OPTIONS] [FILE|GLOB]...")
        .arg(
            Arg::new("files")
                .value_name("FILE")
                .num_args(0..)
                .value_parser(OsStringValueParser::new())
                .help("Followed by name, waited for if missing. A quoted glob: all files that match, now and later. None, or '-': standard input"),
        )
        .next_help_heading("Start and end")
        .args(start_and_end())
        .next_help_heading("What is followed")
        .args(following())
        .next_help_heading("Output")
        .args(output())
        .next_help_heading("Reports")
        .args(report_options())
        .after_help(
            "Only whole lines are printed: an unfinished one when its end has come, after\n\
             --partial-after, or when cofollow ends. When a file is renamed, deleted or\n\
             replaced, the old one is read on until its writer has been silent for 10 s,\n\
             and the new one from its start. Files that were rotated away unseen are found\n\
             by their names. Bytes that are known to be lost are told on standard error.\n\n\
             Exit status: 0; 1 after an error, if a file never was there to be read, or if\n\
             no files remain.\n\n\
             Examples:\n  \
             cofollow access-log | cogrep python          watch a log for a word\n  \
             cofollow -n +1 --until-idle 1s access-log    all of it, and what still comes\n  \
             cofollow -n 100 --no-follow access-log       its last 100 lines\n  \
             cofollow -H '/var/log/app/*.log'             many files, and those to come\n  \
             cofollow --resume state access-log >>copy    goes on where it ended",
        )
}

fn start_and_end() -> [Arg; 6] {
    [
        Arg::new("lines")
            .short('n')
            .long("lines")
            .value_name("[+]NUM")
            .allow_hyphen_values(true)
            .value_parser(lines)
            .help("Start at the last NUM lines, or with + at line NUM [default: 10]; also -NUM and +NUM; NUM may end in b, K, M, kB, MB, …"),
        Arg::new("bytes")
            .short('c')
            .long("bytes")
            .value_name("[+]NUM")
            .allow_hyphen_values(true)
            .value_parser(bytes)
            .help("Start at the last NUM bytes, or with + at byte NUM"),
        flag("no-follow", "Print, and end at the end of the files"),
        Arg::new("until-idle")
            .long("until-idle")
            .value_name("TIME")
            .allow_hyphen_values(true)
            .value_parser(duration)
            .help("End when nothing has come for TIME: 500ms, 1.5s, 2m"),
        Arg::new("pid")
            .long("pid")
            .value_name("PID")
            .action(ArgAction::Append)
            .allow_hyphen_values(true)
            .value_parser(process)
            .help("End when process PID has ended and what it wrote is printed; given several times: when all have"),
        Arg::new("resume")
            .long("resume")
            .value_name("STATE")
            .value_parser(OsStringValueParser::new().try_map(state))
            .help("Go on where the last run with this file STATE stopped, however it did, and keep STATE up to date"),
    ]
}

fn following() -> [Arg; 5] {
    [
        flag(
            "F",
            "Follow what has the name, and wait for it; the default",
        )
        .long(None)
        .short('F'),
        flag(
            "f",
            "Follow the file, whatever becomes of its name: --follow=descriptor",
        )
        .long(None)
        .short('f'),
        Arg::new("follow")
            .long("follow")
            .value_name("name|descriptor")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("descriptor")
            .value_parser(follow_mode)
            .help("Follow what has the name, or, without =, the file; what cannot be opened is given up, unless --retry"),
        flag("retry", "Wait for a file that cannot be opened"),
        Arg::new("sleep-interval")
            .short('s')
            .long("sleep-interval")
            .value_name("TIME")
            .allow_hyphen_values(true)
            .value_parser(seconds)
            .help("Where the system does not tell of changes, look every TIME [default: 1s]"),
    ]
}

fn output() -> [Arg; 5] {
    [
        flag("zero-terminated", "Lines end in NUL, not in a newline").short('z'),
        flag("quiet", "No headers of files")
            .short('q')
            .alias("silent"),
        flag(
            "verbose",
            "A header before the lines of each file, also of a single one",
        )
        .short('v'),
        flag("with-filename", "Instead of headers, FILE: before each line").short('H'),
        Arg::new("partial-after")
            .long("partial-after")
            .value_name("TIME")
            .allow_hyphen_values(true)
            .value_parser(duration)
            // What is saved is where lines begin.
            .conflicts_with("resume")
            .help("Print an unfinished line when no more of it has come for TIME [default: 1s with one file, otherwise not before it is whole]"),
    ]
}
