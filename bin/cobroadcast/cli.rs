//! The command line of cobroadcast.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use clap::{Arg, ArgAction, ArgMatches, builder::OsStringValueParser};
use cobroadcast::{Limits, WhenFull};
use costage::printable;
use coutils_cli::{Refusal, duration, flag, number, one_of, report_options, size, values};

/// How much may wait for each target, unless it is said.
const QUEUE: usize = 1 << 20;

/// What was typed.
pub struct Cli {
    pub files: Vec<OsString>,
    pub commands: Vec<Command>,
    /// Standard output gets a copy, though there are branches.
    pub stdout: bool,
    /// What stands before each line of a branch: bytes, like the lines.
    pub label: Option<OsString>,
    /// How much memory the output of a branch takes that waits for the end of all.
    pub group: Option<usize>,
    /// How often a branch is started again.
    pub restart: u64,
    pub ok_status: Vec<i32>,
    limits: Limits,
    /// Nothing was said of how much waits for a target.
    has_default_limits: bool,
    pub stats: bool,
    pub debug: bool,
    pub append: bool,
    pub ignore_interrupts: bool,
    pub output_error: OutputError,
}

/// What runs in a branch.
pub struct Command {
    pub name: Option<String>,
    pub command: OsString,
}

impl Command {
    /// Takes `NAME:=COMMAND` apart.
    fn new(typed: OsString) -> Command {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
        let bytes = typed.as_bytes();
        let end = bytes.iter().take_while(|byte| is_part(byte)).count();
        match bytes[end..].strip_prefix(b":=") {
            Some(command) if end > 0 => Command {
                name: Some(String::from_utf8_lossy(&bytes[..end]).into_owned()),
                command: OsStr::from_bytes(command).to_owned(),
            },
            _ => Command {
                name: None,
                command: typed,
            },
        }
    }

    /// The name, or what else is known of it.
    pub fn name(&self) -> String {
        let command = || self.command.to_string_lossy().into_owned();
        self.name.clone().unwrap_or_else(command)
    }
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
        let queue = matches.get_one("queue").copied().unwrap_or(QUEUE);
        Cli {
            files: values(matches, "files"),
            commands: values(matches, "command")
                .into_iter()
                .map(Command::new)
                .collect(),
            stdout: matches.contains_id("stdout"),
            label: matches.get_one("label").cloned(),
            group: matches.contains_id("group").then_some(queue),
            restart: matches.get_one("restart").copied().unwrap_or_default(),
            ok_status: matches
                .get_one("ok-status")
                .cloned()
                .unwrap_or_else(|| vec![0]),
            limits: Limits {
                when_full: matches.get_one("when-full").copied().unwrap_or_default(),
                queue,
                drain_timeout: matches.get_one("drain-timeout").copied(),
                ..Limits::default()
            },
            has_default_limits: ["when-full", "queue", "drain-timeout"]
                .iter()
                .all(|option| !matches.contains_id(option)),
            stats: matches.contains_id("stats"),
            debug: matches.contains_id("debug"),
            append: matches.contains_id("append"),
            ignore_interrupts: matches.contains_id("ignore-interrupts"),
            output_error: matches.get_one("output-error").copied().unwrap_or_default(),
        }
    }
}

impl Cli {
    /// What waits for each target; none, if the bytes need not be seen on their way: nothing is counted, no line is
    /// to begin where it should, and pipes hold enough.
    pub fn limits(&self) -> Option<Limits> {
        let is_plain = self.has_default_limits && !self.stats && !self.minds_lines();
        (!is_plain).then(|| self.limits.clone())
    }

    /// Do lines matter? Where they are merged with others, and where not all of them come.
    pub fn minds_lines(&self) -> bool {
        let drops = matches!(
            self.limits.when_full,
            WhenFull::DropOldest | WhenFull::DropNewest
        );
        drops || !self.commands.is_empty() && (self.stdout || self.restart > 0)
    }
}

const MODES: [(&str, OutputError); 4] = [
    ("warn", OutputError::Warn),
    ("warn-nopipe", OutputError::WarnNoPipe),
    ("exit", OutputError::Exit),
    ("exit-nopipe", OutputError::ExitNoPipe),
];

fn output_error(text: &str) -> Result<OutputError, Refusal> {
    one_of("--output-error", &MODES, text)
}

fn when_full(text: &str) -> Result<WhenFull, Refusal> {
    let policies = [
        WhenFull::Block,
        WhenFull::DropOldest,
        WhenFull::DropNewest,
        WhenFull::Spill,
    ];
    let words = policies.map(|policy| (policy.to_string(), policy));
    one_of("--when-full", &words, text)
}

fn queue(text: &str) -> Result<usize, String> {
    size(text).map(|size| usize::try_from(size).unwrap_or(usize::MAX))
}

fn restarts(text: &str) -> Result<u64, Refusal> {
    number(text).map_err(|_| Refusal(format!("invalid number of restarts: '{}'", printable(text))))
}

/// Reads `0,1`.
fn statuses(text: &str) -> Result<Vec<i32>, String> {
    let status = |text: &str| text.trim().parse::<u8>().map(i32::from);
    let statuses: Result<_, _> = text.split(',').map(status).collect();
    statuses.map_err(|_| "expected exit statuses such as 0,1".into())
}

/// The options as clap has them.
pub fn command() -> clap::Command {
    clap::Command::new("cobroadcast")
        .about("Copy standard input to standard output, to files and to commands.")
        .override_usage("cobroadcast [OPTIONS] [FILE]... [-c COMMAND]...")
        .arg(
            Arg::new("files")
                .value_name("FILE")
                .num_args(0..)
                .value_parser(OsStringValueParser::new())
                .help("Gets a copy; replaced if it exists"),
        )
        .next_help_heading("Targets")
        .arg(flag("append", "Append to the files").short('a'))
        .args(branches())
        .next_help_heading("Slow targets")
        .args(slow_targets())
        .next_help_heading("Signals")
        .arg(flag("ignore-interrupts", "Ignore SIGINT").short('i'))
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
             cofollow access-log | cogrep python      what may feed it\n  \
             make 2>&1 | cobroadcast log              see it, and keep it\n  \
             cobroadcast -c 'cogrep python' -c 'cogrep ply' <access-log",
        )
}

fn branches() -> [Arg; 6] {
    [
        Arg::new("command")
            .short('c')
            .long("command")
            .value_name("[NAME:=]COMMAND")
            .action(ArgAction::Append)
            .allow_hyphen_values(true)
            .value_parser(OsStringValueParser::new())
            .help("A branch: a shell command that reads a copy; what the branches print is standard output, in whole lines; NAME is of letters, digits, '_', '-' and '.'"),
        flag("stdout", "Copy to standard output, too, though there are branches"),
        Arg::new("label")
            .long("label")
            .value_name("TEMPLATE")
            .value_parser(OsStringValueParser::new())
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("{name}:")
            .help("Put this before each line of a branch; {name} is its name or command, {number} its number [default: {name}:]"),
        flag(
            "group",
            "At the end, what each branch prints in one piece, in their order",
        ),
        Arg::new("restart")
            .long("restart")
            .value_name("N")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("18446744073709551615")
            .value_parser(restarts)
            .help("Start a branch that fails again, at most N times"),
        Arg::new("ok-status")
            .long("ok-status")
            .value_name("LIST")
            .allow_hyphen_values(true)
            .value_parser(statuses)
            .help("Exit statuses of a branch that are no failure [default: 0]"),
    ]
}

fn slow_targets() -> [Arg; 3] {
    [
        Arg::new("when-full")
            .long("when-full")
            .value_name("WHAT")
            .allow_hyphen_values(true)
            .value_parser(when_full)
            .help("When the queue of a target is full: block, the input waits; drop-oldest, drop-newest: lines are given up; spill: they wait on disk [default: block]"),
        Arg::new("queue")
            .long("queue")
            .value_name("SIZE")
            .allow_hyphen_values(true)
            .value_parser(queue)
            .help("How much may wait for each target before that [default: 1MiB]"),
        Arg::new("drain-timeout")
            .long("drain-timeout")
            .value_name("TIME")
            .allow_hyphen_values(true)
            .value_parser(duration)
            .help("After the end of input give up a target that has taken nothing for TIME"),
    ]
}

fn errors() -> [Arg; 2] {
    [
        flag("p", "A reader that leaves is no error; the default")
            .long(None)
            .short('p')
            .overrides_with("output-error"),
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
