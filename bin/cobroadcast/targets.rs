//! What standard input is copied to, and what becomes of it.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::process::ExitCode;
use std::rc::Rc;

use cobroadcast::guard;
use costage::{Call, Error, Result, Stage, printable, printer, reason, sink};
use coutils_cli::Program;

use crate::cli::OutputError;

/// The targets, in the order in which they get their copies.
pub struct Targets<'a> {
    outcome: Outcome<'a>,
    stages: Vec<Box<dyn Stage + 'a>>,
}

impl<'a> Targets<'a> {
    pub fn new(program: &'a Program, mode: OutputError) -> Targets<'a> {
        Targets {
            outcome: Outcome {
                program,
                mode,
                has_failed: Rc::default(),
            },
            stages: Vec::new(),
        }
    }

    /// How the targets fare; also after they are [`stages`](Targets::stages).
    pub fn outcome(&self) -> Outcome<'a> {
        self.outcome.clone()
    }

    /// What a broadcast sends to.
    pub fn stages(self) -> Vec<Box<dyn Stage + 'a>> {
        self.stages
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

    fn add(&mut self, stage: impl Stage + 'a) {
        let outcome = self.outcome();
        let guarded = guard(stage, move |error| outcome.judge(error));
        self.stages.push(Box::new(guarded));
    }
}

/// What was told, and whether all went well. A clone is the same.
#[derive(Clone)]
pub struct Outcome<'a> {
    program: &'a Program,
    mode: OutputError,
    has_failed: Rc<Cell<bool>>,
}

impl Outcome<'_> {
    /// The status of a good end.
    pub fn status(&self) -> ExitCode {
        if self.has_failed.get() {
            self.program.failure()
        } else {
            ExitCode::SUCCESS
        }
    }

    /// What an error of a target is: told and dealt with, or the end of all.
    fn judge(&self, error: Error) -> Result<()> {
        if error.is_reader_gone() && !self.mode.minds_pipes() {
            return Err(error);
        }
        let told = told(&error);
        if self.mode.exits() {
            return Err(Error::other(told));
        }
        self.program.complain(told);
        self.has_failed.set(true);
        Ok(())
    }
}

/// The words of tee: whose output it was, and why.
fn told(error: &Error) -> String {
    let quoted = |what: &str| match what {
        "" | "standard output" => format!("'{what}'"),
        what => printable(what),
    };
    match error {
        Error::Io { what, source, .. } => format!("{}: {}", quoted(what), reason(source)),
        Error::ReaderGone { what } => format!("{}: Broken pipe", quoted(what)),
        error => error.to_string(),
    }
}
