//! cogrep: the filter.

mod cli;
mod search;

use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use cogrep::{Grep, Pattern, PatternError, Report, Settings, Syntax};
use costage::{Driver, Stage, discard, printer};
use coutils_cli::{Numbers, Program};

use cli::Cli;
use search::{Search, output_file};

const SELECTED: u8 = 0;
const NOTHING_SELECTED: u8 = 1;
const FAILURE: u8 = 2;

fn main() -> ExitCode {
    let program = Program::new("cogrep", FAILURE);
    let cli = match coutils_cli::parse(&program, cli::command(), Numbers::None) {
        Ok(matches) => Cli::new(&matches),
        Err(status) => return status,
    };
    let Some(cli) = cli else {
        program.complain("no pattern\nUsage: cogrep [OPTIONS] PATTERN [FILE]...");
        return program.failure();
    };
    match pattern(&cli) {
        Ok(pattern) => run(&program, &cli, pattern),
        Err(error) => {
            program.complain(error);
            program.failure()
        }
    }
}

fn pattern(cli: &Cli) -> Result<Pattern, PatternError> {
    let syntax = Syntax {
        literal: cli.fixed_strings,
        ignore_case: cli.ignore_case,
    };
    Pattern::any_of(
        cli.patterns.iter().map(|pattern| pattern.as_bytes()),
        syntax,
    )
}

fn settings(cli: &Cli) -> Settings {
    Settings {
        invert: cli.invert_match,
        report: match (cli.quiet, cli.count) {
            (true, _) => Report::Nothing,
            (_, true) => Report::Count,
            _ => Report::Lines,
        },
        line_numbers: cli.line_number,
        max_count: cli.max_count,
    }
}

fn run(program: &Program, cli: &Cli, pattern: Pattern) -> ExitCode {
    if cli.max_count == Some(0) {
        return ExitCode::from(NOTHING_SELECTED);
    }
    // `-q` neither writes nor cares who reads.
    let output: Box<dyn Stage> = if cli.quiet {
        Box::new(discard())
    } else {
        Box::new(printer())
    };
    let driver = match program.catch_signals() {
        Ok(signals) => Driver::new().signals(signals),
        Err(error) => return program.exit(Err(error), program.failure()),
    };
    let settings = settings(cli);
    // One line, or none, cannot feed itself.
    let feeds_back = settings.report == Report::Lines && settings.max_count != Some(1);
    let mut search = Search {
        program,
        driver,
        grep: Grep::several(pattern, settings, output),
        quiet: cli.quiet,
        no_messages: cli.no_messages,
        with_filename: cli.with_filename.unwrap_or(cli.files.len() > 1),
        output: output_file().filter(|_| feeds_back),
        failed: false,
    };
    let ended = search.all(&cli.files);
    let ended = search.driver.finish(&mut search.grep, ended);
    let selected = search.grep.has_selected();
    let status = match search.failed {
        true if !(cli.quiet && selected) => FAILURE,
        _ if selected => SELECTED,
        _ => NOTHING_SELECTED,
    };
    program.exit(ended, ExitCode::from(status))
}
