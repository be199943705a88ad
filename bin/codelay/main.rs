//! codelay: the channel with latency.

#![cfg_attr(all(target_os = "linux", target_env = "gnu"), no_main)]

mod cli;
mod decided;
mod typed;

use std::ffi::OsStr;
use std::fs::File;

use codelay::{Clock, Fates, Held, account, by_lines, by_time};
use costage::{
    Call, Ended, Error, Framing, Result, Source, Stage, broadcast, discard, printer, sink,
};
use coutils_cli::{Numbers, Program};

use cli::{Cli, Trace};
use decided::{Decided, decide};

coutils_cli::main!(codelay);

fn codelay() -> u8 {
    let program = Program::new("codelay", 1);
    let matches = match coutils_cli::parse(&program, cli::command(), Numbers::None) {
        Ok(matches) => matches,
        Err(status) => return status,
    };
    let program = program.reporting(&matches);
    let cli = Cli::new(&matches);
    let decided = match decide(&cli) {
        Ok(decided) => decided,
        Err(why) => {
            program.complain(why);
            return program.failure();
        }
    };
    program.exit(run(&program, &cli, decided), 0)
}

/// Builds the chain that was asked for, and runs it.
fn run(program: &Program, cli: &Cli, decided: Decided) -> Result<Ended> {
    let Decided { lines, time } = decided;
    let source = Source::stdin()?
        .framed(cli.terminator, Framing::Lines)
        .signals(program.catch_signals()?);
    let drive = |chain: &mut dyn Stage| source.drive(program.tally_input(chain));
    let traces_to_output = cli.trace == Some(Trace::Output);
    let output: Box<dyn Stage> = if traces_to_output && time.is_some() {
        Box::new(program.tally(discard()))
    } else {
        Box::new(program.tally(printer()))
    };
    let trace: Option<Box<dyn Stage>> = match &cli.trace {
        Some(Trace::Output) if time.is_some() => Some(Box::new(printer())),
        Some(Trace::File(file)) => Some(create(file)?),
        Some(Trace::Output) | None => None,
    };
    match (lines, time) {
        (lines, Some(settings)) => {
            let time = match settings.clock {
                Clock::Real => "the system's",
                Clock::Virtual { .. } => "virtual",
            };
            program.debug(format_args!("{time} time, seed {}", settings.seed));
            let held = Held::default();
            let mut channel = by_time(&settings, output).behind(held.clone());
            if let Some(trace) = trace {
                channel = channel.traced(trace);
            }
            let ended = match lines {
                Some(lines) => drive(&mut by_lines(lines, &mut channel).told_to(held)),
                None => drive(&mut channel),
            };
            tell(program, channel.fates(), &ended);
            ended
        }
        (lines, None) => {
            let lines = lines.unwrap_or_default();
            program.debug(format_args!("holds the last {lines} lines"));
            if traces_to_output {
                return drive(&mut account(lines, output)?);
            }
            let mut channel: Box<dyn Stage> = Box::new(by_lines(lines, output));
            match trace {
                Some(trace) => {
                    let account: Box<dyn Stage> = Box::new(account(lines, trace)?);
                    drive(&mut broadcast([channel, account]).together())
                }
                None => drive(&mut channel),
            }
        }
    }
}

/// The file for a trace.
fn create(path: &OsStr) -> Result<Box<dyn Stage>> {
    let name = path.to_string_lossy();
    let file = File::create(path).map_err(|error| Error::io(Call::Open, &*name, error))?;
    Ok(Box::new(sink(&*name, file)))
}

/// Tells what was dropped, and with `--debug` what else became of lines.
fn tell(program: &Program, fates: Fates, ended: &Result<Ended>) {
    let Fates {
        lost,
        duplicated,
        dropped,
        came,
        untimed,
        backwards,
        held,
    } = fates;
    program.debug(format_args!(
        "{lost} lost, {duplicated} duplicated, at most {held} held at once (lines, or reads of them)"
    ));
    if dropped > 0 {
        let lines = lines(dropped);
        program.complain(format_args!("{lines} dropped: the channel was full"));
    }
    // One that was left early may not have come to the times.
    let was_left = ended.as_ref().is_err_and(Error::is_reader_gone);
    if came > 0 && untimed == came && !was_left {
        program.complain("no line has a time that '--replay' finds");
    }
    if backwards > 0 {
        let lines = lines(backwards);
        program.complain(format_args!(
            "{lines} with a time before that of an earlier line"
        ));
    }
}

fn lines(count: u64) -> String {
    format!("{count} {}", if count == 1 { "line" } else { "lines" })
}
