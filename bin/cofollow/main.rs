//! cofollow: the source.

mod cli;
mod print;

use std::process::ExitCode;

use cofollow::{Follow, UntilIdle};
use costage::{Driver, Ended, Result, Source, printer};
use coutils_cli::Program;

use cli::Cli;

fn main() -> ExitCode {
    let program = Program::new("cofollow", 1);
    let cli = match coutils_cli::parse(&program, cli::command()) {
        Ok(matches) => Cli::new(&matches),
        Err(status) => return status,
    };
    match run(&program, &cli) {
        Ok((ended, status)) => program.exit(Ok(ended), status),
        Err(error) => program.exit(Err(error), program.failure()),
    }
}

/// Runs the chain that was asked for; the status is for a good end.
fn run(program: &Program, cli: &Cli) -> Result<(Ended, ExitCode)> {
    let signals = program.catch_signals()?;
    let has_stdin = cli.files.is_empty() || cli.files.iter().any(|file| file == "-");
    if has_stdin || !cli.follow {
        if cli.follow && cli.files.len() > 1 {
            program.complain("cannot follow '-' by name");
            return Ok((Ended::Stopped, program.failure()));
        }
        return print::files(program, Driver::new().signals(signals), cli);
    }
    if cli.terminator != b'\n' {
        program.complain("--zero-terminated needs --no-follow");
        return Ok((Ended::Stopped, program.failure()));
    }
    let complainer = program.clone();
    let mut follow = Follow::new(&cli.files, cli.start, move |notice| {
        complainer.complain(notice);
    })?;
    let source = Source::new(UntilIdle::new(&mut follow, cli.until_idle));
    let ended = source.signals(signals).drive(printer())?;
    let status = if follow.all_were_read() {
        ExitCode::SUCCESS
    } else {
        program.failure()
    };
    Ok((ended, status))
}
