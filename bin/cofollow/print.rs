//! Printing without following: plain `tail`.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::process::ExitCode;

use cofollow::{Start, UntilIdle, skip_to, tail_of};
use costage::{
    Block, Call, Driver, Ended, Error, Framing, Reader, Result, Stage, keep_open, printable,
    printer,
};
use coutils_cli::Program;

use crate::cli::Cli;

/// Prints one file after the other, each from where it is to start.
pub fn files(program: &Program, mut driver: Driver, cli: &Cli) -> Result<(Ended, ExitCode)> {
    let stdin = [OsString::from("-")];
    let files = if cli.files.is_empty() {
        &stdin
    } else {
        &cli.files[..]
    };
    let mut output = program.tally(printer());
    let mut status = ExitCode::SUCCESS;
    let mut ended = Ok(Ended::Input);
    let mut header = (files.len() > 1).then_some("");
    for file in files {
        ended = one(program, &mut driver, &mut output, file, cli, &mut header);
        if let Err(
            error @ Error::Io {
                call: Call::Open | Call::Read,
                ..
            },
        ) = ended
        {
            // The other files are still done.
            program.complain(error);
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

/// One file; `header` is what comes before its header, if it is one of several.
fn one(
    program: &Program,
    driver: &mut Driver,
    output: &mut dyn Stage,
    file: &OsStr,
    cli: &Cli,
    header: &mut Option<&str>,
) -> Result<Ended> {
    let (reader, start) = open(program, file, cli.start)?;
    let mut source = UntilIdle::new(reader, cli.until_idle);
    if let Some(gap) = header.as_mut() {
        let shown = if file == "-" {
            "standard input".into()
        } else {
            file.to_string_lossy()
        };
        let text = format!("{gap}==> {shown} <==\n");
        *gap = "\n";
        let _ = output.send(&Block::from(text.as_str()))?;
    }
    let mut chain = tail_of(start, keep_open(output));
    let ended = driver.pump(&mut source, &mut chain);
    driver.finish(&mut chain, ended)
}

/// The file as a reader, and where to start in what it reads: one that can be sought already stands there.
fn open(program: &Program, path: &OsStr, start: Start) -> Result<(Reader, Start)> {
    let is_stdin = path == "-";
    let name = if is_stdin {
        "standard input".into()
    } else {
        path.to_string_lossy()
    };
    let mut file = if is_stdin {
        let own = io::stdin().as_fd().try_clone_to_owned().map(File::from);
        own.map_err(|error| Error::io(Call::Open, &*name, error))?
    } else {
        costage::open(path)?
    };
    let sought = seek(&mut file, start).map_err(|error| Error::io(Call::Read, &*name, error))?;
    let shown = printable(&name);
    match sought {
        Some(from) => program.debug(format_args!("{shown}: opened, starts at byte {from}")),
        None => program.debug(format_args!("{shown}: opened, read from where it stands")),
    }
    let start = sought.map_or(start, |_| Start::Line(1));
    let reader = if is_stdin {
        Reader::stdin()?
    } else {
        Reader::new(&*name, file)?
    };
    // Only the last lines need to be whole, however long they are.
    let framing = match start {
        Start::Last(1..) => Framing::Lines,
        _ => Framing::AsItComes,
    };
    Ok((reader.framed(b'\n', framing), start))
}

/// Moves a regular file to where it is to start, and tells where: from there it is read from the first line on.
fn seek(file: &mut File, start: Start) -> io::Result<Option<u64>> {
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    // Standard input may have been read from already; what is before is not ours.
    let before = file.stream_position()?;
    if before > 0 && matches!(start, Start::Line(_)) {
        return Ok(None);
    }
    let from = before.max(skip_to(file, start, b'\n')?);
    file.seek(SeekFrom::Start(from)).map(Some)
}

/// Is standard input a file, which may be appended to?
pub fn is_file_on_stdin() -> bool {
    let own = io::stdin().as_fd().try_clone_to_owned().map(File::from);
    own.and_then(|file| file.metadata())
        .is_ok_and(|meta| meta.is_file())
}
