//! Printing without following: plain `tail`.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Stdout};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use cofollow::{Headers, Notice, Start, UntilIdle, prefix_each, skip_to, tail_of};
use costage::{
    Block, Call, Driver, Ended, Error, FileId, Framing, Reader, Result, Sink, Stage, keep_open,
    printable, printer, reason,
};
use coutils_cli::{Program, Tally};

use crate::cli::Cli;

/// Standard output, which may be counted.
type Output = Tally<Sink<Stdout>>;

const STANDARD_INPUT: &str = "standard input";

/// Prints one file after the other, each from where it is to start.
pub fn files(program: &Program, mut driver: Driver, cli: &Cli) -> Result<(Ended, u8)> {
    let mut output = program.tally(printer());
    let mut status = 0;
    let mut ended = Ok(Ended::Input);
    let headers = cli.headers.unwrap_or(if cli.files.len() > 1 {
        Headers::Always
    } else {
        Headers::Never
    });
    let mut header = (headers == Headers::Always).then_some("");
    for file in &cli.files {
        ended = one(program, &mut driver, &mut output, file, cli, &mut header);
        if let Err(error) = &ended
            && let Some(told) = describe(error)
        {
            // The other files are still done.
            program.complain(told);
            status = program.failure();
            ended = Ok(Ended::Input);
        }
        if !matches!(ended, Ok(Ended::Input)) {
            break;
        }
    }
    driver
        .finish(&mut output, ended)
        .map(|ended| (ended, status))
}

/// What is wrong with a file, in tail's words; none if it is not the file that failed.
fn describe(error: &Error) -> Option<String> {
    let (call, what, source) = match error {
        Error::Io { call, what, source } => (call, what, source),
        // Ours.
        Error::Other(error) => return Some(error.to_string()),
        _ => return None,
    };
    let (what, why) = (printable(what), reason(source));
    match call {
        Call::Open => Some(format!("cannot open '{what}' for reading: {why}")),
        Call::Read => Some(format!("error reading '{what}': {why}")),
        _ => None,
    }
}

/// One file; `header` is what comes before its header, if it is one of several.
fn one(
    program: &Program,
    driver: &mut Driver,
    output: &mut Output,
    path: &OsStr,
    cli: &Cli,
    header: &mut Option<&str>,
) -> Result<Ended> {
    let file = open(path)?;
    if let Some(gap) = header.as_mut() {
        let text = [gap.as_bytes(), b"==> ", name(path).as_bytes(), b" <==\n"].concat();
        *gap = "\n";
        let _ = output.send(&Block::from(text))?;
    }
    let ended = contents(program, driver, output, path, file, cli);
    // It stays open for the next file, and a complaint comes behind what was printed.
    driver.finish(&mut keep_open(output), ended)
}

/// What headers and messages call a file.
fn name(path: &OsStr) -> &OsStr {
    if path == "-" {
        STANDARD_INPUT.as_ref()
    } else {
        path
    }
}

fn open(path: &OsStr) -> Result<File> {
    if path != "-" {
        return costage::open(path);
    }
    let own = io::stdin().as_fd().try_clone_to_owned().map(File::from);
    own.map_err(|error| Error::io(Call::Read, STANDARD_INPUT, error))
}

/// All of it from where it is to start.
fn contents(
    program: &Program,
    driver: &mut Driver,
    output: &mut Output,
    path: &OsStr,
    mut file: File,
    cli: &Cli,
) -> Result<Ended> {
    let is_stdin = path == "-";
    let name = name(path);
    let called = name.to_string_lossy();
    let failed = |error| Error::io(Call::Read, &*called, error);
    let metadata = file.metadata().map_err(failed)?;
    let is_file = metadata.is_file();
    let shown = printable(&called);
    let start = if is_file {
        let start = seek(&mut file, cli.start, cli.terminator).map_err(failed)?;
        let from = file.stream_position().map_err(failed)?;
        let output = FileId::behind(io::stdout());
        // There would be no end of it.
        if output.is_some() && output == FileId::of(&metadata) && from < metadata.len() {
            return Err(Error::other(Notice::IsOutput(name.into()).to_string()));
        }
        program.debug(format_args!("{shown}: opened, starts at byte {from}"));
        start
    } else {
        program.debug(format_args!("{shown}: opened, read from where it stands"));
        cli.start
    };
    let reader = if is_stdin {
        Reader::stdin()?
    } else {
        Reader::new(&*called, file)?
    };
    let mut reader = reader.framed(cli.terminator, Framing::AsItComes);
    let has_prefix = cli.headers == Some(Headers::EachLine);
    if is_file
        && start.is_beginning()
        && !has_prefix
        && let Some(output) = output.bypass()
    {
        return driver.copy(&mut reader, output);
    }
    let mut source = UntilIdle::new(reader, cli.until_idle);
    let output = keep_open(output);
    let mut chain = if has_prefix {
        tail_of(start, prefix_each(name, output))
    } else {
        tail_of(start, output)
    };
    let ended = driver.pump(&mut source, &mut chain);
    driver.finish(&mut chain, ended)
}

/// Is standard input a file, which may be appended to?
pub fn is_file_on_stdin() -> bool {
    let own = io::stdin().as_fd().try_clone_to_owned().map(File::from);
    own.and_then(|file| file.metadata())
        .is_ok_and(|meta| meta.is_file())
}

/// Moves a regular file to where it is to start, and says what is still to be looked for from there.
fn seek(file: &mut File, start: Start, terminator: u8) -> io::Result<Start> {
    // Standard input may have been read from already; what is before is not ours.
    let before = file.stream_position()?;
    let start = match start {
        Start::Line(_) if before > 0 => return Ok(start),
        Start::Byte(number) => Start::Byte(number.max(1).saturating_add(before)),
        start => start,
    };
    let from = before.max(skip_to(file, start, terminator)?);
    file.seek(SeekFrom::Start(from))?;
    Ok(Start::Line(1))
}
