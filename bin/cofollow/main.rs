//! cofollow: the source.

#![cfg_attr(all(target_os = "linux", target_env = "gnu"), no_main)]

mod cli;
mod print;

use std::io;
use std::time::Duration;

use cofollow::{By, Follow, Headers, Notice, Resume, Settings, UntilEnded, UntilIdle, is_glob};
use costage::{Driver, Ended, Error, FileId, Result, Signals, Source, printer};
use coutils_cli::{Numbers, Program};

use cli::{Cli, Mode};

/// What a single file's unfinished line waits for, unless it is said.
const PARTIAL_AFTER: Duration = Duration::from_secs(1);

coutils_cli::main!(cofollow);

fn cofollow() -> u8 {
    let program = Program::new("cofollow", 1);
    let matches = match coutils_cli::parse(&program, cli::command(), Numbers::Start) {
        Ok(matches) => matches,
        Err(status) => return status,
    };
    let program = program.reporting(&matches);
    let cli = Cli::new(&matches);
    if let Some(warning) = cli.retry_warning(&matches) {
        program.complain(warning);
    }
    if cli.mode == Mode::Print && !cli.processes.is_empty() {
        program.complain("warning: PID ignored; --pid=PID is useful only when following");
    }
    match run(&program, cli) {
        Ok((ended, status)) => program.exit(Ok(ended), status),
        Err(error) => program.exit(Err(error), program.failure()),
    }
}

/// Runs the chain that was asked for; the status is for a good end.
fn run(program: &Program, mut cli: Cli) -> Result<(Ended, u8)> {
    let signals = program.catch_signals()?;
    if cli.files.is_empty() {
        cli.files.push("-".into());
    }
    let has_stdin = cli.files.iter().any(|file| file == "-");
    if has_stdin && (cli.resume.is_some() || cli.mode == Mode::Name && cli.files.len() > 1) {
        let how = if cli.resume.is_some() {
            "go on in '-' with --resume"
        } else {
            "follow '-' by name"
        };
        return Err(Error::other(format!("cannot {how}")));
    }
    let prints = match cli.mode {
        Mode::Print => cli.resume.is_none() && !cli.files.iter().any(is_glob),
        // It has no name, and its end is the end.
        Mode::Name => has_stdin,
        Mode::Descriptor => has_stdin && cli.files.len() == 1 && !print::is_file_on_stdin(),
    };
    if prints {
        print::files(program, Driver::new().signals(signals), &cli)
    } else {
        follow(program, signals, &cli)
    }
}

/// Follows the files.
fn follow(program: &Program, signals: Signals, cli: &Cli) -> Result<(Ended, u8)> {
    let output = printer();
    let several = cli.files.len() > 1 || cli.files.iter().any(is_glob);
    let settings = Settings {
        start: cli.start,
        by: match cli.mode {
            Mode::Descriptor => By::Descriptor,
            Mode::Name | Mode::Print => By::Name,
        },
        retry: cli.retry,
        follow: cli.mode != Mode::Print,
        terminator: cli.terminator,
        headers: cli.headers.unwrap_or(if several {
            Headers::Always
        } else {
            Headers::Never
        }),
        poll: cli.poll,
        // Where the next run goes on, a line is not torn between the two.
        partial_after: cli
            .partial_after
            .or((!several && cli.resume.is_none()).then_some(PARTIAL_AFTER)),
        until_idle: cli.until_idle,
        until_ended: cli.processes.clone(),
        resume: cli.resume.clone().map(|state| Resume {
            state,
            written: output.written(),
        }),
        output: FileId::behind(io::stdout()),
        messages: FileId::behind(io::stderr()),
    };
    let teller = program.clone();
    let (follows, retries) = (cli.mode != Mode::Print, cli.retry);
    let mut follow = Follow::new(&cli.files, settings, move |notice| match notice {
        // Nobody asked to.
        Notice::Unfollowable(_) if !follows => {}
        Notice::Unfollowable(_) if !retries => {
            teller.complain(format_args!("{notice}; giving up on this name"));
        }
        notice => tell(&teller, notice),
    })?;
    let source = UntilEnded::new(&mut follow, &cli.processes, cli.poll);
    let source = Source::new(UntilIdle::new(source, cli.until_idle));
    let ended = source.signals(signals).drive(program.tally(output));
    // Whatever ended it: what has been written is not to be written again.
    let keeps_parts = match &ended {
        Ok(Ended::Stopped) => false,
        Ok(_) => true,
        Err(error) => !error.is_reader_gone(),
    };
    let saved = follow.save(keeps_parts);
    let status = if follow.all_were_read() {
        0
    } else {
        program.failure()
    };
    let (ended, ()) = (ended?, saved?);
    Ok((ended, status))
}

fn tell(program: &Program, notice: &Notice) {
    if notice.is_detail() {
        program.debug(notice);
    } else {
        program.complain(notice);
    }
}
