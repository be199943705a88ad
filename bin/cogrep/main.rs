//! cogrep: the filter.

#![cfg_attr(all(target_os = "linux", target_env = "gnu"), no_main)]

mod cli;
mod elsewhere;
mod patterns;
mod search;

use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStrExt;

use cogrep::{Colors, Context, Grep, Pattern, Replacement, Report, Settings};
use costage::{Driver, Ended, FileId, Stage, discard, printable, printer};
use coutils_cli::{Numbers, Program};

use cli::{Cli, When};
use search::{Search, Skips};

const SELECTED: u8 = 0;
const NOTHING_SELECTED: u8 = 1;
const FAILURE: u8 = 2;

coutils_cli::main!(cogrep);

fn cogrep() -> u8 {
    let program = Program::new("cogrep", FAILURE);
    let matches = match coutils_cli::parse(&program, cli::command(), Numbers::ValueOf("context")) {
        Ok(matches) => matches,
        Err(status) => return status,
    };
    let program = program.reporting(&matches);
    let Some(cli) = Cli::new(&matches) else {
        program.complain("no pattern\nUsage: cogrep [OPTIONS] PATTERN [FILE]...");
        return program.failure();
    };
    match prepare(&cli) {
        Ok((patterns, pattern, settings)) => run(&program, &cli, &patterns, pattern, &settings),
        Err(error) => {
            program.complain(error);
            program.failure()
        }
    }
}

type Prepared = (Vec<Vec<u8>>, Pattern, Settings);

fn prepare(cli: &Cli) -> Result<Prepared, Box<dyn std::error::Error>> {
    let patterns = patterns::gather(cli)?;
    let mut pattern = patterns::compile(cli, &patterns)?;
    let settings = settings(cli, &mut pattern)?;
    Ok((patterns, pattern, settings))
}

fn settings(cli: &Cli, pattern: &mut Pattern) -> Result<Settings, String> {
    let report = match (cli.quiet, cli.files_with_matches) {
        (true, _) => Report::Nothing,
        (_, Some(true)) => Report::NamesWith,
        (_, Some(false)) => Report::NamesWithout,
        _ if cli.count => Report::Count,
        _ if cli.only_matching => Report::Matches,
        _ => Report::Lines,
    };
    let replacement = cli.replace.as_ref().map(|template| {
        Replacement::new(template.as_bytes(), pattern)
            .map_err(|name| format!("--replace: the pattern has no group '{}'", printable(&name)))
    });
    let separator = cli.group_separator.as_ref();
    Ok(Settings {
        invert: cli.invert_match,
        report,
        max_count: cli.max_count,
        context: cli.context.map(|(before, after)| Context {
            before,
            after,
            separator: separator.map(|separator| separator.as_bytes().to_vec()),
        }),
        line_numbers: cli.line_number,
        byte_offsets: cli.byte_offset,
        initial_tab: cli.initial_tab,
        null_after_names: cli.null,
        replacement: replacement.transpose()?,
        colors: is_colored(cli.color)
            .then(|| Colors::parse(&std::env::var("GREP_COLORS").unwrap_or_default())),
        // Straight to standard output.
        in_pieces: true,
    })
}

fn is_colored(when: When) -> bool {
    let variable = |name| std::env::var_os(name).unwrap_or_default();
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto => {
            io::stdout().is_terminal()
                && variable("NO_COLOR").is_empty()
                && !matches!(variable("TERM").to_str(), Some("" | "dumb"))
        }
    }
}

/// Is it known without a look at any file that nothing is selected and nothing printed? GNU grep then reads nothing.
fn selects_nothing(cli: &Cli, patterns: &[Vec<u8>], settings: &Settings) -> bool {
    let is_newline = |byte: &u8| *byte == b'\n';
    let is_empty =
        !patterns.is_empty() && patterns.iter().all(|lines| lines.iter().all(is_newline));
    let matches_all = is_empty && !cli.word_regexp && !cli.line_regexp;
    let selects_none = if settings.invert {
        matches_all
    } else {
        patterns.is_empty()
    };
    settings.report != Report::NamesWithout && (settings.max_count == Some(0) || selects_none)
}

fn run(
    program: &Program,
    cli: &Cli,
    patterns: &[Vec<u8>],
    pattern: Pattern,
    settings: &Settings,
) -> u8 {
    program.debug(format_args!("engine: {pattern}"));
    // `-q` neither writes nor cares who reads.
    let output: Box<dyn Stage> = if cli.quiet {
        Box::new(discard())
    } else {
        Box::new(program.tally(printer()))
    };
    let driver = match program.catch_signals() {
        Ok(signals) => Driver::new().signals(signals),
        Err(error) => return program.exit(Err(error), program.failure()),
    };
    let prints_lines = matches!(settings.report, Report::Lines | Report::Matches);
    // One line, or none, cannot feed itself.
    let feeds_back = prints_lines && settings.max_count != Some(1);
    let only_names = matches!(settings.report, Report::NamesWith | Report::NamesWithout);
    let mut search = Search {
        program,
        driver,
        settings,
        grep: program.tally_input(Grep::several(pattern, settings.clone(), output)),
        terminator: if cli.null_data { b'\0' } else { b'\n' },
        no_messages: cli.no_messages,
        with_filename: only_names || cli.with_filename.unwrap_or(cli.files.len() > 1),
        stdin_name: cli.label.as_deref().map(OsStrExt::as_bytes),
        output: FileId::behind(io::stdout()).filter(|_| feeds_back),
        skips: Skips {
            directories: cli.skip_directories,
            devices: cli.skip_devices,
        },
        threads: cli.threads,
        failed: false,
    };
    let is_known = selects_nothing(cli, patterns, settings);
    let ended = if is_known {
        Ok(Ended::Stopped)
    } else {
        search.all(&cli.files)
    };
    let ended = search.driver.finish(&mut search.grep, ended);
    let selected = search.grep.to().has_selected();
    let status = match search.failed {
        true if !(cli.quiet && selected) => FAILURE,
        _ if selected => SELECTED,
        _ => NOTHING_SELECTED,
    };
    let reads_all = prints_lines || settings.report == Report::Count;
    let is_all_searched = match status {
        NOTHING_SELECTED => !is_known,
        SELECTED => reads_all && settings.max_count.is_none() && matches!(ended, Ok(Ended::Input)),
        _ => false,
    };
    if is_all_searched
        && !search.grep.to().has_matched()
        && !cli.no_messages
        && !cli.quiet
        && let Some(hint) = patterns::hint(cli, patterns)
    {
        program.complain(hint);
    }
    program.exit(ended, status)
}
