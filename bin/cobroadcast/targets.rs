//! What standard input is copied to.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::time::Duration;

use cobroadcast::{Limits, Merge, Process, SharedBlocks, WhenFull, command, guard, merge, policy};
use costage::{
    Call, Error, Relay, Result, Stage, Written, descriptor_limit, printable, printer, queue,
    reason, sink,
};
use coutils_cli::Program;

use crate::cli::{Cli, Command};
use crate::outcome::{Outcome, quoted};

/// So long a disk may take to take something before lines are dropped.
const PATIENCE: Duration = Duration::from_millis(500);
/// At least so much waits for a file before lines are dropped: what its thread takes at once. With less the others would
/// wait for it at each line.
const FILE_LEAST: usize = 64 << 10;
/// How many blocks are on their way to the thread that writes a file.
const FILE_QUEUE: usize = 1;
/// The descriptors of a branch: its input and the two ends of the relay's pipe before it, its output, its handle; and
/// for the time of its start their other ends.
const BRANCH: u64 = 5;
/// Those of a file: its own, and the two ends of the relay's pipe; or those of the thread that writes it.
const FILE: u64 = 5;
/// Those of the rest: the standard ones, signals, a relay.
const OTHERS: u64 = 32;

/// Many files and branches need more descriptors than a process has at first.
pub fn raise_limit(cli: &Cli) {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let branches = count(cli.commands.len()).saturating_mul(BRANCH);
    let files = count(cli.files.len()).saturating_mul(FILE);
    descriptor_limit::raise(branches.saturating_add(files).saturating_add(OTHERS));
}

/// What is opened after the files needs no more than so many.
const KEPT_BACK: usize = 16;

/// Descriptors that the files are not to take from what is opened after them.
pub fn keep_back() -> Vec<File> {
    let nothing = || File::open("/dev/null").ok();
    std::iter::from_fn(nothing).take(KEPT_BACK).collect()
}

/// The targets, in the order in which they get their copies.
pub struct Targets<'a> {
    program: &'a Program,
    relay: Relay,
    /// What waits for targets.
    waiting: SharedBlocks,
    outcome: Outcome,
    /// None, if the bytes need not be seen.
    limits: Option<Limits>,
    stages: Vec<Box<dyn Stage>>,
    processes: Vec<Process>,
}

impl<'a> Targets<'a> {
    pub fn new(program: &'a Program, outcome: &Outcome, limits: Option<Limits>) -> Targets<'a> {
        let told = program.clone();
        let relay = Relay::new().watched(move |name, is_moved| {
            let how = if is_moved {
                "moved by the system"
            } else {
                "read and written"
            };
            told.debug(format_args!("{}: its bytes are {how}", quoted(name)));
        });
        Targets {
            program,
            relay,
            waiting: SharedBlocks::new(),
            outcome: outcome.clone(),
            limits,
            stages: Vec::new(),
            processes: Vec::new(),
        }
    }

    /// What a broadcast sends to.
    pub fn stages(self) -> Vec<Box<dyn Stage>> {
        self.stages
    }

    /// What moves the bytes to the targets, if they need not be seen.
    pub fn relay(&self) -> Option<Relay> {
        let is_unseen = self.limits.is_none();
        self.program.debug(if is_unseen {
            "nobody has to see the bytes: where there are many the system may move them"
        } else {
            "the bytes have to be seen: all are read"
        });
        is_unseen.then(|| self.relay.clone())
    }

    /// The processes of the branches.
    pub fn processes(&self) -> Vec<Process> {
        self.processes.clone()
    }

    /// Standard output gets a copy.
    pub fn add_output(&mut self) {
        let written = self.written();
        let output = printer().counted_by(&written);
        self.add(
            "standard output",
            self.limits.clone(),
            self.relay.sink(output),
            written,
            None,
        );
    }

    /// A file gets a copy. One that cannot be opened is told.
    pub fn add_file(&mut self, name: &OsStr, append: bool) -> Result<()> {
        let opened = OpenOptions::new()
            .write(!append)
            .append(append)
            .truncate(!append)
            .create(true)
            .open(name);
        let name: Arc<str> = name.to_string_lossy().into();
        match opened {
            Ok(file) => self.add_opened(&name, file),
            Err(error) => self.outcome.judge(Error::io(Call::Open, name, error)),
        }
    }

    fn add_opened(&mut self, name: &Arc<str>, file: File) -> Result<()> {
        let written = self.written();
        let counted = written.clone();
        let is_on_disk = file.metadata().is_ok_and(|data| data.is_file());
        let called = Arc::clone(name);
        let write = move || sink(called, file).counted_by(&counted);
        match self.limits.clone() {
            // A disk may take its time, of which no wait can tell: that is not to be the time of the others.
            Some(limits) if limits.when_full != WhenFull::Block && is_on_disk => {
                let limits = Limits {
                    queue: limits.queue.max(FILE_LEAST),
                    patience: PATIENCE,
                    ..limits
                };
                match queue(FILE_QUEUE, write) {
                    Ok(queue) => self.add(name, Some(limits), queue, written, None),
                    // Its thread, or what that is woken by: its own failure, as one to open it.
                    Err(Error::Io { call, source, .. }) => {
                        let what = Arc::clone(name);
                        return self.outcome.judge(Error::Io { call, what, source });
                    }
                    Err(error) => return Err(error),
                }
            }
            limits => {
                let target = self.relay.sink(write());
                self.add(name, limits, target, written, None);
            }
        }
        Ok(())
    }

    /// What counts the writes of a target; their lines only where that is told.
    fn written(&self) -> Written {
        let limits = self.limits.as_ref();
        if limits.is_some_and(|limits| self.outcome.counts_lines(limits)) {
            Written::with_lines()
        } else {
            Written::default()
        }
    }

    /// The branches get their copies, and standard output what they print.
    pub fn add_branches(&mut self, cli: &Cli) -> Merge {
        let outcome = self.outcome.clone();
        let has_others = !self.stages.is_empty();
        let written = self.program.count_written();
        let output = self.program.tally(printer().counted_by(&written));
        let output = guard(output, move |error| {
            match outcome.judge(error) {
                // The files are still there to be written.
                Err(error) if error.is_reader_gone() && has_others => Ok(()),
                judged => judged,
            }
        });
        let program = self.program.clone();
        let mut merge = merge(output).counted_by(&written).on_trouble(move |error| {
            let why = reason(error);
            program.complain(format_args!(
                "warning: no room on disk for what the branches print ({why}); it takes memory instead"
            ));
        });
        let limits = self.limits.as_ref();
        if let Some(timeout) = limits.and_then(|limits| limits.drain_timeout) {
            merge = merge.given_up_after(timeout);
        }
        if cli.stdout {
            let written = self.written();
            self.add(
                "standard output",
                self.limits.clone(),
                merge.outlet().counted_by(&written),
                written,
                None,
            );
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
            // On one line, as the messages show it.
            outlet = outlet.labelled(label(template, number, &printable(&name)));
        }
        if let Some(memory) = cli.group {
            outlet = outlet.grouped(memory);
        }
        let program = self.program.clone();
        let written = self.written();
        let name = format!("branch {number} ({})", printable(&name));
        let told = self.program.clone();
        let branch = command(&typed.command)
            .named(&*name)
            .relayed(&self.relay)
            .to(outlet)
            .ok(cli.ok_status.iter().copied())
            .restarted(cli.restart, move |restart| program.complain(restart))
            .watched(move |change| told.debug(change))
            .counted_by(&written);
        let process = branch.process();
        self.processes.push(process.clone());
        self.add(&name, self.limits.clone(), branch, written, Some(process));
    }

    /// Adds a target with its queue, and with what becomes of its errors.
    fn add(
        &mut self,
        name: &str,
        limits: Option<Limits>,
        stage: impl Stage + 'static,
        written: Written,
        process: Option<Process>,
    ) {
        let Some(limits) = limits else {
            let guarded = guard(stage, self.outcome.judge_of_unseen(name, written));
            self.stages.push(Box::new(guarded));
            return;
        };
        self.program.debug(format_args!(
            "{}: when full: {}, after {} bytes",
            quoted(name),
            limits.when_full,
            limits.queue
        ));
        let mut stage = policy(limits, stage)
            .sharing(&self.waiting)
            .counted_by(written);
        let (program, called) = (self.program.clone(), quoted(name));
        stage = stage.on_trouble(move |error| {
            let why = reason(error);
            program.complain(format_args!(
                "warning: {called}: no room on disk for what waits ({why}); the input waits instead"
            ));
        });
        let judge = self.outcome.judge_of(name, stage.account(), process);
        let guarded = guard(stage, judge);
        self.stages.push(Box::new(guarded));
    }
}

/// What stands before the lines of a branch.
fn label(template: &OsStr, number: usize, name: &str) -> Vec<u8> {
    let number = number.to_string();
    let places = [("{number}", &*number), ("{name}", name)]
        .map(|(place, value)| (place.as_bytes(), value.as_bytes()));
    let (mut label, mut rest) = (Vec::new(), template.as_bytes());
    while !rest.is_empty() {
        let filled = places
            .iter()
            .find_map(|(place, value)| Some((*value, rest.strip_prefix(*place)?)));
        let (text, behind) = filled.unwrap_or_else(|| rest.split_at(1));
        label.extend_from_slice(text);
        rest = behind;
    }
    label
}
