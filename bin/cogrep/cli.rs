//! The command line of cogrep.

use std::ffi::OsString;

use clap::builder::OsStringValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use costage::printable;
use coutils_cli::{Refusal, flag, last_of, number, one_of, report_options, values};

use crate::elsewhere::{BINARY, RECURSIVE, refusals};

/// What was typed.
pub struct Cli {
    /// Those of `-e`, or the first operand; with `-f` alone there are none.
    pub patterns: Vec<OsString>,
    pub pattern_files: Vec<OsString>,
    pub files: Vec<OsString>,
    pub fixed_strings: bool,
    pub case: Case,
    pub word_regexp: bool,
    pub line_regexp: bool,
    pub null_data: bool,
    pub invert_match: bool,
    pub max_count: Option<u64>,
    pub quiet: bool,
    /// `-l` is true, `-L` is false.
    pub files_with_matches: Option<bool>,
    pub count: bool,
    pub only_matching: bool,
    pub replace: Option<OsString>,
    pub line_number: bool,
    pub byte_offset: bool,
    pub initial_tab: bool,
    /// `-H` is true, `-h` is false.
    pub with_filename: Option<bool>,
    pub null: bool,
    pub label: Option<OsString>,
    /// Of `-A`, `-B` and `-C`, if one was given.
    pub context: Option<(usize, usize)>,
    pub group_separator: Option<OsString>,
    pub color: When,
    pub no_messages: bool,
    /// Of the operands.
    pub skip_directories: bool,
    pub skip_devices: bool,
    pub threads: Option<usize>,
}

/// Which of `-i`, `-S` and `--no-ignore-case` came last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    Counts,
    Ignored,
    /// It counts if a pattern has a capital letter.
    Smart,
}

/// When there is colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Always,
    Never,
    /// On a terminal.
    Auto,
}

impl Cli {
    /// Takes the command line apart; without `-e` and `-f` the first operand is the pattern.
    pub fn new(matches: &ArgMatches) -> Option<Cli> {
        let flag = |id| matches.contains_id(id);
        let value = |id| matches.get_one::<OsString>(id).cloned();
        let mut files = values(matches, "operands");
        let mut patterns = values(matches, "regexp");
        let pattern_files = values(matches, "file");
        if patterns.is_empty() && pattern_files.is_empty() {
            if files.is_empty() {
                return None;
            }
            patterns.push(files.remove(0));
        }
        Some(Cli {
            patterns,
            pattern_files,
            files,
            fixed_strings: last_of(matches, &["extended-regexp", "fixed-strings"])
                == Some("fixed-strings"),
            case: match last_of(matches, &["ignore-case", "no-ignore-case", "smart-case"]) {
                Some("ignore-case") => Case::Ignored,
                Some("smart-case") => Case::Smart,
                _ => Case::Counts,
            },
            word_regexp: flag("word-regexp"),
            line_regexp: flag("line-regexp"),
            null_data: flag("null-data"),
            invert_match: flag("invert-match"),
            max_count: matches
                .get_one::<Option<u64>>("max-count")
                .copied()
                .flatten(),
            quiet: flag("quiet"),
            files_with_matches: last_of(matches, &["files-with-matches", "files-without-match"])
                .map(|last| last == "files-with-matches"),
            count: flag("count"),
            only_matching: flag("only-matching"),
            replace: value("replace"),
            line_number: flag("line-number"),
            byte_offset: flag("byte-offset"),
            initial_tab: flag("initial-tab"),
            with_filename: last_of(matches, &["with-filename", "no-filename"])
                .map(|last| last == "with-filename"),
            null: flag("null"),
            label: value("label"),
            context: context(matches),
            group_separator: match last_of(matches, &["group-separator", "no-group-separator"]) {
                Some("no-group-separator") => None,
                _ => Some(value("group-separator").unwrap_or("--".into())),
            },
            color: matches.get_one("color").copied().unwrap_or(When::Never),
            no_messages: flag("no-messages"),
            skip_directories: skips(matches, "directories"),
            skip_devices: skips(matches, "devices"),
            threads: matches.get_one("threads").copied(),
        })
    }
}

/// `-A` and `-B` are stronger than `-C`, wherever they stand.
fn context(matches: &ArgMatches) -> Option<(usize, usize)> {
    let lines = |id| matches.get_one::<usize>(id).copied();
    let around = lines("context");
    let before = lines("before-context").or(around);
    let after = lines("after-context").or(around);
    (before.is_some() || after.is_some()).then(|| (before.unwrap_or(0), after.unwrap_or(0)))
}

/// Is what this option is about to be passed over?
fn skips(matches: &ArgMatches, option: &str) -> bool {
    matches.get_one(option).copied() == Some(true)
}

/// A number as C's `strtol` takes it, so that `-m "$(wc -l < file)"` does where wc fills with blanks; `None` for a
/// negative one.
fn signed(text: &str) -> Result<Option<u64>, String> {
    let text = text.trim_ascii_start();
    match text.strip_prefix('-') {
        Some(rest) => number(rest).map(|_| None),
        None => number(text.strip_prefix('+').unwrap_or(text)).map(Some),
    }
}

fn context_length(text: &str) -> Result<usize, Refusal> {
    let lines = signed(text).ok().flatten();
    let lines = lines.map(|lines| usize::try_from(lines).unwrap_or(usize::MAX));
    let shown = printable(text);
    lines.ok_or_else(|| Refusal(format!("{shown}: invalid context length argument")))
}

fn when(text: &str) -> Result<When, Refusal> {
    match text {
        "always" | "yes" | "force" => Ok(When::Always),
        "never" | "no" | "none" => Ok(When::Never),
        "auto" | "tty" | "if-tty" => Ok(When::Auto),
        _ => Err(invalid(text, "--color", "'always', 'never' or 'auto'")),
    }
}

fn invalid(text: &str, option: &str, valid: &str) -> Refusal {
    let text = printable(text);
    Refusal(format!("invalid argument '{text}' for '{option}': {valid}"))
}

/// What is done with directories: are they passed over?
fn directories(text: &str) -> Result<bool, Refusal> {
    match text {
        "recurse" => Err(Refusal(format!("-d recurse: {RECURSIVE}"))),
        _ => read_or_skip(text, "--directories"),
    }
}

fn devices(text: &str) -> Result<bool, Refusal> {
    read_or_skip(text, "--devices")
}

fn read_or_skip(text: &str, option: &str) -> Result<bool, Refusal> {
    one_of(option, &[("read", false), ("skip", true)], text)
}

/// Only what is so anyway.
fn binary_files(text: &str) -> Result<String, Refusal> {
    match text {
        "text" => Ok(text.into()),
        "binary" | "without-match" => Err(Refusal(format!("--binary-files={text}: {BINARY}"))),
        _ => Err(invalid(text, "--binary-files", "'text'")),
    }
}

fn threads(text: &str) -> Result<usize, String> {
    let wrong = || "expected a number of threads, at least 1".to_owned();
    let number = text.parse().map_err(|_| wrong())?;
    if number == 0 {
        Err(wrong())
    } else {
        Ok(number)
    }
}

fn option(id: &'static str) -> Arg {
    Arg::new(id).long(id)
}

fn text(id: &'static str, name: &'static str, help: &'static str) -> Arg {
    option(id)
        .value_name(name)
        .allow_hyphen_values(true)
        .value_parser(OsStringValueParser::new())
        .help(help)
}

/// The options as clap has them.
pub fn command() -> Command {
    Command::new("cogrep")
        .about("Print the lines that match a pattern, as soon as they come.")
        .override_usage(
            "cogrep [OPTIONS] PATTERN [FILE]...\n       cogrep [OPTIONS] -e PATTERN... -f PATTERNFILE... [FILE]...",
        )
        .arg(
            Arg::new("operands")
                .value_name("OPERAND")
                .num_args(0..)
                .value_parser(OsStringValueParser::new())
                .help("PATTERN, unless -e or -f gives it; then the files; none, or '-': standard input"),
        )
        .next_help_heading("Patterns")
        .args(patterns())
        .next_help_heading("Selection")
        .args(selection())
        .next_help_heading("Output")
        .args(output())
        .next_help_heading("Before each line")
        .args(heads())
        .next_help_heading("Context")
        .args(surroundings())
        .next_help_heading("Reports")
        .args(reports())
        .args(report_options())
        .args(refusals())
        .after_help(
            "PATTERN is a regular expression: . [a-z] \\d \\w \\b ^ $ * + ? {2,3} (a|b), Unicode\n\
             included; see https://docs.rs/regex/latest/regex/#syntax. No line is held back:\n\
             output goes on as soon as no more input is waiting.\n\n\
             Exit status: 0 if a line was selected, 1 if none was, 2 after an error.\n\n\
             Examples:\n  \
             cofollow access-log | cogrep python      watch a log for a word\n  \
             cogrep -c '\" 50\\d ' access-log           how many requests failed\n  \
             cogrep -o --replace '$1' '\"GET (\\S+)' access-log   what was asked for\n  \
             cogrep -n -F -e '[' -e ']' notes.txt     where a bracket stands",
        )
}

fn patterns() -> [Arg; 9] {
    [
        text(
            "regexp",
            "PATTERN",
            "A pattern; with several, a line matches if one does",
        )
        .short('e')
        .action(ArgAction::Append),
        text(
            "file",
            "PATTERNFILE",
            "Patterns from a file, one a line; '-': standard input",
        )
        .short('f')
        .action(ArgAction::Append),
        flag(
            "extended-regexp",
            "Patterns are regular expressions; the default",
        )
        .short('E'),
        flag(
            "fixed-strings",
            "Patterns are plain text, not regular expressions",
        )
        .short('F'),
        flag("ignore-case", "Upper and lower case are the same")
            .short('i')
            .short_alias('y'),
        flag("no-ignore-case", "They are not; the default"),
        flag(
            "smart-case",
            "They are the same unless a pattern has a capital letter",
        )
        .short('S'),
        flag(
            "word-regexp",
            "What matches has to stand by itself, as a word does",
        )
        .short('w'),
        flag("line-regexp", "What matches has to be the whole line").short('x'),
    ]
}

fn selection() -> [Arg; 7] {
    [
        flag("invert-match", "Select the lines that do not match").short('v'),
        option("max-count")
            .short('m')
            .value_name("NUM")
            .allow_negative_numbers(true)
            .value_parser(signed)
            .help("Stop a file after NUM selected lines"),
        flag("null-data", "Lines end in NUL, not in a newline").short('z'),
        flag("text", "Take every file for text: always so here").short('a'),
        option("binary-files")
            .value_name("TYPE")
            .value_parser(binary_files)
            .help("The same, as --binary-files=text"),
        flag("binary", "Leave carriage returns alone: always so here").short('U'),
        flag(
            "unix-byte-offsets",
            "Count bytes as they are: always so here",
        )
        .short('u')
        .hide(true),
    ]
}

fn output() -> [Arg; 9] {
    [
        flag("only-matching", "Print only what matches, each match on its own line").short('o'),
        text(
            "replace",
            "TEXT",
            "Print TEXT in place of each match; $1 or $name: a group of the pattern, $0: the match",
        ),
        flag("count", "Print only how many lines are selected, per file").short('c'),
        flag("files-with-matches", "Print only the names of files with a selected line").short('l'),
        flag("files-without-match", "Print only the names of files without one").short('L'),
        flag("quiet", "Print nothing; end with the status at the first selected line")
            .short('q')
            .visible_alias("silent"),
        option("color")
            .visible_alias("colour")
            .value_name("WHEN")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("auto")
            .value_parser(when)
            .help("Mark what matches with colour: always, never or auto (on a terminal); see GREP_COLORS in grep(1) [default: never]"),
        flag("null", "End each file name in NUL").short('Z'),
        flag("line-buffered", "Hold no line back: always so here"),
    ]
}

fn heads() -> [Arg; 6] {
    [
        flag("with-filename", "Its file's name [default: if several]").short('H'),
        flag("no-filename", "Never its file's name").short('h'),
        text(
            "label",
            "NAME",
            "What standard input is called [default: (standard input)]",
        ),
        flag("line-number", "Its number in its file").short('n'),
        flag(
            "byte-offset",
            "Its place in its file in bytes; with -o that of the match",
        )
        .short('b'),
        flag("initial-tab", "A tab behind all that, with numbers aligned").short('T'),
    ]
}

fn surroundings() -> [Arg; 5] {
    let lines = |id, short, help| {
        option(id)
            .short(short)
            .value_name("NUM")
            .allow_hyphen_values(true)
            .value_parser(context_length)
            .help(help)
    };
    [
        lines(
            "after-context",
            'A',
            "Print NUM lines after each selected one",
        ),
        lines("before-context", 'B', "Print NUM lines before it"),
        lines("context", 'C', "Both; also -NUM"),
        text(
            "group-separator",
            "TEXT",
            "The line between lines that are not adjacent [default: --]",
        ),
        flag("no-group-separator", "No such line"),
    ]
}

fn reports() -> [Arg; 4] {
    let read_or_skip = |id, short, parser: fn(&str) -> Result<bool, Refusal>, help| {
        let option = option(id).short(short).value_name("ACTION");
        option.value_parser(parser).help(help)
    };
    [
        flag("no-messages", "Say nothing of files that cannot be read").short('s'),
        read_or_skip(
            "directories",
            'd',
            directories,
            "What to do with a FILE that is a directory: read (fails) or skip [default: read]",
        ),
        read_or_skip(
            "devices",
            'D',
            devices,
            "The same with a device, FIFO or socket [default: read]",
        ),
        option("threads")
            .value_name("NUM")
            .value_parser(threads)
            .help(
                "Search a large file with NUM threads [default: as many as there are processors]",
            ),
    ]
}
