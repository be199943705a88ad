//! The command line of cogrep.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command, builder::OsStringValueParser};
use coutils_cli::{number, values};

/// What was typed.
pub struct Cli {
    pub patterns: Vec<OsString>,
    pub files: Vec<OsString>,
    pub fixed_strings: bool,
    pub ignore_case: bool,
    pub invert_match: bool,
    pub count: bool,
    pub line_number: bool,
    pub quiet: bool,
    pub no_messages: bool,
    /// `-H` is true, `-h` is false.
    pub with_filename: Option<bool>,
    pub max_count: Option<u64>,
}

impl Cli {
    /// Takes the command line apart; without `-e` the first operand is the pattern.
    pub fn new(matches: &ArgMatches) -> Option<Cli> {
        let flag = |id| matches.get_flag(id);
        let mut files = values(matches, "operands");
        let mut patterns = values(matches, "regexp");
        if patterns.is_empty() {
            if files.is_empty() {
                return None;
            }
            patterns.push(files.remove(0));
        }
        Some(Cli {
            patterns,
            files,
            fixed_strings: flag("fixed-strings"),
            ignore_case: flag("ignore-case"),
            invert_match: flag("invert-match"),
            count: flag("count"),
            line_number: flag("line-number"),
            quiet: flag("quiet"),
            no_messages: flag("no-messages"),
            with_filename: match (flag("with-filename"), flag("no-filename")) {
                (false, false) => None,
                (with, _) => Some(with),
            },
            max_count: matches
                .get_one::<Option<u64>>("max-count")
                .copied()
                .flatten(),
        })
    }
}

/// A negative number is no limit, as GNU grep has it.
fn limit(text: &str) -> Result<Option<u64>, String> {
    match text.strip_prefix('-') {
        Some(rest) => number(rest).map(|_| None),
        None => number(text).map(Some),
    }
}

fn flag(id: &'static str, short: char, help: &'static str) -> Arg {
    Arg::new(id)
        .short(short)
        .long(id)
        .action(ArgAction::SetTrue)
        .help(help)
}

/// The options as clap has them.
pub fn command() -> Command {
    Command::new("cogrep")
        .about("Print the lines that match a pattern, as soon as they come.")
        .override_usage(
            "cogrep [OPTIONS] PATTERN [FILE]...\n       cogrep [OPTIONS] -e PATTERN... [FILE]...",
        )
        .arg(
            Arg::new("operands")
                .value_name("FILE")
                .num_args(0..)
                .value_parser(OsStringValueParser::new())
                .help("PATTERN (unless -e gives it), then the files; none, or '-': standard input"),
        )
        .next_help_heading("Patterns")
        .arg(
            Arg::new("regexp")
                .short('e')
                .long("regexp")
                .value_name("PATTERN")
                .action(ArgAction::Append)
                .allow_hyphen_values(true)
                .value_parser(OsStringValueParser::new())
                .help("A pattern; with several, a line matches if one does"),
        )
        .arg(flag(
            "fixed-strings",
            'F',
            "Patterns are plain text, not regular expressions",
        ))
        .arg(flag(
            "ignore-case",
            'i',
            "Upper and lower case are the same",
        ))
        .arg(flag(
            "invert-match",
            'v',
            "Select the lines that do not match",
        ))
        .next_help_heading("Output")
        .arg(flag(
            "count",
            'c',
            "Print only how many lines are selected, per file",
        ))
        .arg(flag(
            "line-number",
            'n',
            "Put its number in its file before each line",
        ))
        .arg(
            Arg::new("max-count")
                .short('m')
                .long("max-count")
                .value_name("NUM")
                .allow_negative_numbers(true)
                .value_parser(limit)
                .help("Stop a file after NUM selected lines"),
        )
        .arg(
            flag(
                "with-filename",
                'H',
                "Put the file's name before each line [default: if several]",
            )
            .overrides_with("no-filename"),
        )
        .arg(
            flag(
                "no-filename",
                'h',
                "Never put the file's name before a line",
            )
            .overrides_with("with-filename"),
        )
        .arg(
            flag(
                "quiet",
                'q',
                "Print nothing; end with the status at the first selected line",
            )
            .visible_alias("silent"),
        )
        .arg(flag(
            "no-messages",
            's',
            "Say nothing of files that cannot be read",
        ))
        .after_help(
            "PATTERN is a regular expression: . [a-z] \\d \\w \\b ^ $ * + ? {2,3} (a|b), Unicode\n\
             included; see https://docs.rs/regex/latest/regex/#syntax. No line is held back:\n\
             output goes on as soon as no more input is waiting.\n\n\
             Exit status: 0 if a line was selected, 1 if none was, 2 after an error.\n\n\
             Examples:\n  \
             cofollow access-log | cogrep python      watch a log for a word\n  \
             cogrep -c '\" 50\\d ' access-log           how many requests failed\n  \
             cogrep -n -F -e '[' -e ']' notes.txt     where a bracket stands",
        )
}
