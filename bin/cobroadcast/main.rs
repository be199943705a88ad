//! cobroadcast: the branches.

mod cli;
mod targets;

use std::process::ExitCode;

use costage::{Driver, Ended, Framing, Reader, Result, Second, broadcast};
use coutils_cli::{Numbers, Program};

use cli::Cli;
use targets::Targets;

fn main() -> ExitCode {
    let program = Program::new("cobroadcast", 1);
    let matches = match coutils_cli::parse(&program, cli::command(), Numbers::None) {
        Ok(matches) => matches,
        Err(status) => return status,
    };
    let program = program.reporting(&matches);
    match run(&program, &Cli::new(&matches)) {
        Ok((ended, status)) => program.exit(Ok(ended), status),
        Err(error) => program.exit(Err(error), program.failure()),
    }
}

/// Runs the chain that was asked for; the status is for a good end.
fn run(program: &Program, cli: &Cli) -> Result<(Ended, ExitCode)> {
    let mut targets = Targets::new(program, cli.output_error);
    targets.add_output();
    // Before signals are caught: what waits for the reader of a FIFO is ended by them as before.
    for file in &cli.files {
        targets.add_file(file, cli.append)?;
    }
    let signals = program.catch_signals_but(cli.ignore_interrupts, Second::EndsTheProcess)?;
    let mut driver = Driver::new().signals(signals);
    let outcome = targets.outcome();
    let mut chain = program.tally(broadcast(targets.stages()));
    let ended = Reader::stdin().and_then(|input| {
        let mut input = input.framed(b'\n', Framing::AsItComes);
        driver.pump(&mut input, &mut chain)
    });
    let ended = driver.finish(&mut chain, ended)?;
    Ok((ended, outcome.status()))
}
