//! What standard input is copied to.

use std::ffi::OsStr;
use std::fs::OpenOptions;

use cobroadcast::{Merge, Process, command, guard, merge};
use costage::{Call, Error, Result, Stage, descriptors, printable, printer, sink};
use coutils_cli::Program;

use crate::cli::{Cli, Command};
use crate::outcome::Outcome;

/// The descriptors of a branch: its input, its output, its handle; and for the time of its start their other ends.
const BRANCH: u64 = 3;
/// Those of the rest: the standard ones, signals, files.
const OTHERS: u64 = 64;

/// The targets, in the order in which they get their copies.
pub struct Targets<'a> {
    program: &'a Program,
    outcome: Outcome,
    stages: Vec<Box<dyn Stage>>,
    processes: Vec<Process>,
}

impl<'a> Targets<'a> {
    pub fn new(program: &'a Program, outcome: &Outcome) -> Targets<'a> {
        Targets {
            program,
            outcome: outcome.clone(),
            stages: Vec::new(),
            processes: Vec::new(),
        }
    }

    /// What a broadcast sends to.
    pub fn stages(self) -> Vec<Box<dyn Stage>> {
        self.stages
    }

    /// The processes of the branches.
    pub fn processes(&self) -> Vec<Process> {
        self.processes.clone()
    }

    /// Standard output gets a copy.
    pub fn add_output(&mut self) {
        self.add(printer());
    }

    /// A file gets a copy. One that cannot be opened is told.
    pub fn add_file(&mut self, name: &OsStr, append: bool) -> Result<()> {
        let opened = OpenOptions::new()
            .write(!append)
            .append(append)
            .truncate(!append)
            .create(true)
            .open(name);
        let name = name.to_string_lossy();
        match opened {
            Ok(file) => self.add(sink(name, file)),
            Err(error) => self.outcome.judge(Error::io(Call::Open, name, error))?,
        }
        Ok(())
    }

    /// The branches get their copies, and standard output what they print.
    pub fn add_branches(&mut self, cli: &Cli) -> Merge {
        let branches = u64::try_from(cli.commands.len()).unwrap_or(u64::MAX);
        descriptors::raise_limit(branches.saturating_mul(BRANCH).saturating_add(OTHERS));
        let outcome = self.outcome.clone();
        let has_others = !self.stages.is_empty();
        let output = guard(self.program.tally(printer()), move |error| {
            match outcome.judge(error) {
                // The files are still there to be written.
                Err(error) if error.is_reader_gone() && has_others => Ok(()),
                judged => judged,
            }
        });
        let merge = merge(output);
        if cli.stdout {
            self.add(merge.outlet());
        }
        for (number, command) in (1..).zip(&cli.commands) {
            self.add_branch(number, command, cli, &merge);
        }
        merge
    }

    fn add_branch(&mut self, number: usize, typed: &Command, cli: &Cli, merge: &Merge) {
        let mut outlet = merge.outlet();
        let name = typed.name();
        if let Some(template) = &cli.label {
            let number = number.to_string();
            let label = template
                .replace("{number}", &number)
                .replace("{name}", &name);
            outlet = outlet.labelled(label);
        }
        let program = self.program.clone();
        let branch = command(&typed.command)
            .named(format!("branch {number} ({})", printable(&name)))
            .to(outlet)
            .ok(cli.ok_status.iter().copied())
            .restarted(cli.restart, move |restart| program.complain(restart));
        self.processes.push(branch.process());
        self.add(branch);
    }

    fn add(&mut self, stage: impl Stage + 'static) {
        let outcome = self.outcome.clone();
        let guarded = guard(stage, move |error| outcome.judge(error));
        self.stages.push(Box::new(guarded));
    }
}
