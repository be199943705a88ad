//! The patterns of a command line: gathered, read, and a hint if they seem to be of another kind.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;

use cogrep::{Pattern, PatternError, Syntax};
use costage::{Call, Error, Result};

use crate::cli::{Case, Cli};

/// All that `-e` and `-f` give, each one pattern or several lines of them.
pub fn gather(cli: &Cli) -> Result<Vec<Vec<u8>>> {
    let mut patterns: Vec<Vec<u8>> = Vec::new();
    for typed in &cli.patterns {
        patterns.push(typed.as_bytes().to_vec());
    }
    for file in &cli.pattern_files {
        let mut lines = read(file)?;
        if lines.last() == Some(&b'\n') {
            lines.pop();
        } else if lines.is_empty() {
            // No line, so no pattern.
            continue;
        }
        patterns.push(lines);
    }
    Ok(patterns)
}

fn read(file: &OsStr) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == "-" {
        // An error if it was closed.
        costage::Reader::stdin()?;
        let read = io::stdin().read_to_end(&mut bytes);
        read.map_err(|error| Error::io(Call::Read, "standard input", error))?;
    } else {
        let name = file.to_string_lossy();
        // Waits for the writer of a FIFO, as `-f <(command)` has it.
        let mut opened = File::open(file).map_err(|error| Error::io(Call::Open, &*name, error))?;
        let read = opened.read_to_end(&mut bytes);
        read.map_err(|error| Error::io(Call::Read, &*name, error))?;
    }
    Ok(bytes)
}

/// Chooses how to search for them.
pub fn compile(cli: &Cli, patterns: &[Vec<u8>]) -> Result<Pattern, PatternError> {
    let all = || patterns.iter().map(Vec::as_slice);
    let mut syntax = Syntax {
        literal: cli.fixed_strings,
        ignore_case: false,
        words: cli.word_regexp && !cli.line_regexp,
        lines: cli.line_regexp,
        terminator: if cli.null_data { b'\0' } else { b'\n' },
    };
    syntax.ignore_case = match cli.case {
        Case::Counts => false,
        Case::Ignored => true,
        Case::Smart => !Pattern::have_capital(all(), syntax),
    };
    Pattern::any_of(all(), syntax)
}

/// What to say of a pattern that matched nothing and looks like a basic regular expression.
pub fn hint(cli: &Cli, patterns: &[Vec<u8>]) -> Option<String> {
    if cli.fixed_strings {
        return None;
    }
    let escapes = [r"\|", r"\(", r"\{"];
    let looks_basic = |pattern: &Vec<u8>| {
        escapes
            .into_iter()
            .find(|escape| is_escaped(pattern, escape.as_bytes()[1]))
    };
    let escape = patterns.iter().find_map(looks_basic)?;
    let plain = &escape[1..];
    Some(format!(
        "hint: '{escape}' is a plain '{plain}' here, and '{plain}' is what '{escape}' is to grep without -E"
    ))
}

/// Is there a backslash before this byte that is not itself escaped, outside of brackets?
fn is_escaped(pattern: &[u8], byte: u8) -> bool {
    let mut bytes = pattern.iter().peekable();
    let mut brackets = 0_usize;
    while let Some(&next) = bytes.next() {
        match next {
            b'[' => {
                brackets += 1;
                // A bracket that comes first closes nothing.
                bytes.next_if_eq(&&b'^');
                bytes.next_if_eq(&&b']');
            }
            b']' => brackets = brackets.saturating_sub(1),
            // What is escaped is passed over, whatever it is.
            b'\\' if bytes.next() == Some(&byte) && brackets == 0 => return true,
            _ => {}
        }
    }
    false
}
