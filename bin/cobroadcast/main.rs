//! cobroadcast: the branches.

#![cfg_attr(all(target_os = "linux", target_env = "gnu"), no_main)]

mod cli;
mod outcome;
mod targets;

use cobroadcast::{Process, guard};
use costage::{Driver, Ended, Framing, Reader, Result, Second, Stage, broadcast};
use coutils_cli::{Numbers, Program};

use cli::Cli;
use outcome::Outcome;
use targets::Targets;

coutils_cli::main!(cobroadcast);

fn cobroadcast() -> u8 {
    let program = Program::new("cobroadcast", 1);
    let matches = match coutils_cli::parse(&program, cli::command(), Numbers::None) {
        Ok(matches) => matches,
        Err(status) => return status,
    };
    let cli = Cli::new(&matches);
    let mut program = program.reporting(&matches);
    if cli.limits().is_none() {
        program = program.uncounted();
    }
    match run(&program, &cli) {
        Ok((ended, status)) => program.exit(Ok(ended), status),
        Err(error) if outcome::is_told(&error) => {
            program.exit(Ok(Ended::Stopped), program.failure())
        }
        Err(error) => program.exit(Err(error), program.failure()),
    }
}

/// Runs the chain that was asked for; the status is for a good end.
fn run(program: &Program, cli: &Cli) -> Result<(Ended, u8)> {
    program.outlive_full_files()?;
    program.wait_for_children()?;
    let outcome = Outcome::new(program, cli);
    let mut targets = Targets::new(program, &outcome, cli.limits());
    targets::raise_limit(cli);
    let kept_back = targets::keep_back();
    if cli.commands.is_empty() {
        targets.add_output();
    }
    // Before signals are caught: what waits for the reader of a FIFO is ended by them as before.
    for file in &cli.files {
        targets.add_file(file, cli.append)?;
    }
    drop(kept_back);
    let second = if cli.commands.is_empty() {
        Second::EndsTheProcess
    } else {
        Second::EndsTheLoop
    };
    let signals = program.catch_signals_but(cli.ignore_interrupts, second)?;
    let mut driver = Driver::new().signals(signals);
    let relay = targets.relay();
    let mut processes = Vec::new();
    let mut chain: Box<dyn Stage> = if cli.commands.is_empty() {
        Box::new(program.tally(broadcast(targets.stages())))
    } else {
        let merge = targets.add_branches(cli);
        processes = targets.processes();
        let judge = outcome.clone();
        let merged = merge.of(broadcast(targets.stages()));
        let merged = guard(merged, move |error| judge.judge_output(error));
        Box::new(program.tally_input(merged))
    };
    let ended = Reader::stdin().and_then(|input| match relay {
        Some(relay) => driver.pump(&mut relay.reader(input), &mut chain),
        None => driver.pump(&mut input.framed(b'\n', framing(cli)), &mut chain),
    });
    let ended = driver.finish(&mut chain, ended);
    if let Ok(Ended::Signal(signal)) = ended
        && !chain.idle()
    {
        // It was the second. The branches that are still there shall know of it.
        Process::kill_all(&processes, signal);
    }
    let status = outcome.status(&ended);
    Ok((ended?, status))
}

/// Lines matter where they are merged with others, and where not all of them come: elsewhere they pass as they
/// come, unfinished ones, too.
fn framing(cli: &Cli) -> Framing {
    if cli.minds_lines() {
        Framing::Lines
    } else {
        Framing::AsItComes
    }
}
