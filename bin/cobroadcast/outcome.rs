//! What becomes of the targets: what is told of them, and the status in the end.

use std::cell::{Cell, RefCell};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitCode;
use std::rc::Rc;

use cobroadcast::Failed;
use costage::{Ended, Error, Result, printable, reason};
use coutils_cli::Program;

use crate::cli::OutputError;

/// What was told, and whether all went well. A clone is the same.
#[derive(Clone)]
pub struct Outcome(Rc<Shared>);

struct Shared {
    program: Program,
    mode: OutputError,
    has_failed: Cell<bool>,
    /// The branches that died of a signal. If it was ours, too, that need not be told.
    killed: RefCell<Vec<String>>,
}

impl Outcome {
    pub fn new(program: &Program, mode: OutputError) -> Outcome {
        Outcome(Rc::new(Shared {
            program: program.clone(),
            mode,
            has_failed: Cell::new(false),
            killed: RefCell::default(),
        }))
    }

    /// Tells what is left to tell. The status of a good end.
    pub fn status(&self, ended: Ended) -> ExitCode {
        if !matches!(ended, Ended::Signal(_)) {
            for told in self.0.killed.take() {
                self.fail(told);
            }
        }
        if self.0.has_failed.get() {
            self.0.program.failure()
        } else {
            ExitCode::SUCCESS
        }
    }

    /// What an error of a target is: told and dealt with, or the end of all.
    pub fn judge(&self, error: Error) -> Result<()> {
        if error.is_reader_gone() && !self.0.mode.minds_pipes() {
            return Err(error);
        }
        let told = told(&error);
        if let Some(signal) = branch_signal(&error) {
            if INTERRUPTIONS.contains(&signal) {
                self.0.killed.borrow_mut().push(told);
            } else {
                self.fail(told);
            }
            return Ok(());
        }
        if self.0.mode.exits() && !matches!(error, Error::Other(_)) {
            return Err(Error::other(told));
        }
        self.fail(told);
        Ok(())
    }

    fn fail(&self, told: String) {
        self.0.program.complain(told);
        self.0.has_failed.set(true);
    }
}

/// SIGHUP, SIGINT and SIGTERM: what a terminal sends to all.
const INTERRUPTIONS: [i32; 3] = [1, 2, 15];

/// The signal that a branch died of, if that is what the error says.
fn branch_signal(error: &Error) -> Option<i32> {
    let Error::Other(error) = error else {
        return None;
    };
    error.downcast_ref::<Failed>()?.status().signal()
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
