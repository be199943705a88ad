//! What becomes of the targets: what is told of them, and the status in the end.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::rc::Rc;

use cobroadcast::{Account, Counts, Failed, GivenUp, Limits, Process, WhenFull};
use costage::{Ended, Error, Result, Written, printable, reason};
use coutils_cli::Program;

use crate::cli::{Cli, OutputError};

/// What was told, and whether all went well. A clone is the same.
#[derive(Clone)]
pub struct Outcome(Rc<Shared>);

struct Shared {
    program: Program,
    mode: OutputError,
    has_failed: Cell<bool>,
    /// The branches that died of a signal. If it was ours, too, that need not be told.
    killed: RefCell<Vec<String>>,
    /// What became of the lines, for each target.
    accounts: RefCell<Vec<(String, Account)>>,
    /// What counts the bytes of the targets whose lines nobody sees.
    unseen: RefCell<Vec<(String, Written)>>,
    says_totals: bool,
    is_debugged: bool,
}

impl Outcome {
    pub fn new(program: &Program, cli: &Cli) -> Outcome {
        Outcome(Rc::new(Shared {
            program: program.clone(),
            mode: cli.output_error,
            has_failed: Cell::new(false),
            killed: RefCell::default(),
            accounts: RefCell::default(),
            unseen: RefCell::default(),
            says_totals: cli.stats,
            is_debugged: cli.debug,
        }))
    }

    /// Are lines to be counted for each target?
    pub fn counts_lines(&self, limits: &Limits) -> bool {
        let drops = matches!(
            limits.when_full,
            WhenFull::DropOldest | WhenFull::DropNewest
        );
        self.0.says_totals || self.0.is_debugged || drops
    }

    /// What judges the errors of one target, and tells in the end what became of its lines.
    pub fn judge_of(
        &self,
        name: &str,
        account: Account,
        process: Option<Process>,
    ) -> impl FnMut(Error) -> Result<()> + 'static {
        let mut accounts = self.0.accounts.borrow_mut();
        accounts.push((name.to_owned(), account));
        let (outcome, name) = (self.clone(), name.to_owned());
        move |error| {
            if let Some(given_up) = given_up(&error) {
                if let Some(process) = &process {
                    process.kill(SIGTERM);
                }
                outcome.fail(format!("{}: {given_up}", quoted(&name)));
                return Ok(());
            }
            outcome.judge(error)
        }
    }

    /// What judges the errors of one target whose lines nobody sees.
    pub fn judge_of_unseen(
        &self,
        name: &str,
        written: Written,
    ) -> impl FnMut(Error) -> Result<()> + 'static {
        let mut unseen = self.0.unseen.borrow_mut();
        unseen.push((name.to_owned(), written));
        let outcome = self.clone();
        move |error| outcome.judge(error)
    }

    /// Tells what is left to tell. The status of a good end.
    pub fn status(&self, ended: &Result<Ended>) -> u8 {
        if !matches!(ended, Ok(Ended::Signal(_))) {
            for told in self.0.killed.take() {
                self.fail(told);
            }
        }
        for (name, account) in self.0.accounts.borrow().iter() {
            self.report(name, account);
        }
        for (name, written) in self.0.unseen.borrow().iter() {
            let bytes = written.bytes();
            self.0
                .program
                .debug(format_args!("{}: {bytes} bytes written", quoted(name)));
        }
        if self.0.has_failed.get() {
            self.0.program.failure()
        } else {
            0
        }
    }

    /// What an error is that was not judged yet: of what the branches print.
    pub fn judge_output(&self, error: Error) -> Result<()> {
        let Some(given_up) = given_up(&error) else {
            return Err(error);
        };
        self.fail(format!("'standard output': {given_up}"));
        Ok(())
    }

    /// What an error of a target is: told and dealt with, or the end of all.
    pub fn judge(&self, error: Error) -> Result<()> {
        if let (Error::ReaderGone { what }, false) = (&error, self.0.mode.minds_pipes()) {
            self.0
                .program
                .debug(format_args!("{}: its reader left", quoted(what)));
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
        self.fail(told);
        if self.0.mode.exits() && !matches!(error, Error::Other(_)) {
            // Now, and not when the branches have ended.
            return Err(Error::other(Told));
        }
        Ok(())
    }

    /// Tells what was dropped, and with `--stats` everything.
    fn report(&self, name: &str, account: &Account) {
        let (received, written) = (account.received(), account.written());
        let lost = received.minus(written);
        let name = quoted(name);
        let all = format_args!(
            "{name}: received {} lines, {} bytes; written {}, {}; dropped {}, {}",
            received.lines, received.bytes, written.lines, written.bytes, lost.lines, lost.bytes,
        );
        if self.0.says_totals {
            self.0.program.complain(all);
            return;
        }
        self.0.program.debug(all);
        if account.dropped() != Counts::default() {
            let (lines, of) = (lost.lines, received.lines);
            self.0
                .program
                .complain(format_args!("{name}: dropped {lines} of {of} lines"));
        }
    }

    fn fail(&self, told: String) {
        self.0.program.complain(told);
        self.0.has_failed.set(true);
    }
}

/// An error that ends all, and has been told.
#[derive(Debug)]
struct Told;

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a target failed")
    }
}

impl std::error::Error for Told {}

/// Has the error been told?
pub fn is_told(error: &Error) -> bool {
    matches!(error, Error::Other(error) if error.is::<Told>())
}

const SIGTERM: i32 = 15;
/// SIGHUP, SIGINT and SIGTERM: what a terminal sends to all.
const INTERRUPTIONS: [i32; 3] = [1, 2, SIGTERM];

/// The signal that a branch died of, if that is what the error says.
fn branch_signal(error: &Error) -> Option<i32> {
    let Error::Other(error) = error else {
        return None;
    };
    error.downcast_ref::<Failed>()?.status().signal()
}

/// The target that was given up, if that is what the error says.
fn given_up(error: &Error) -> Option<GivenUp> {
    match error {
        Error::Other(error) => error.downcast_ref().copied(),
        _ => None,
    }
}

/// The name of a target as tee shows it.
pub fn quoted(name: &str) -> String {
    match name {
        "" | "standard output" => format!("'{name}'"),
        name => printable(name),
    }
}

/// The words of tee: whose output it was, and why.
fn told(error: &Error) -> String {
    match error {
        Error::Io { what, source, .. } => format!("{}: {}", quoted(what), reason(source)),
        Error::ReaderGone { what } => format!("{}: Broken pipe", quoted(what)),
        error => error.to_string(),
    }
}
