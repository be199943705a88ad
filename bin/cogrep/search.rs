//! One search through several files.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, Seek, SeekFrom};
use std::num::NonZero;
use std::ops::Range;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::thread;

use cogrep::{Grep, Input, Parallel, Pattern, Report, Settings, Stretch};
use costage::{
    Call, Driver, Ended, Error, FileId, Framing, Pull, Pulled, Reader, Result, Stage, Waits,
    printable,
};
use coutils_cli::{Program, Tally};

/// From this length on threads pay for their start, in bytes; and from this one where they are asked for.
const WORTH_THREADS: u64 = 8 << 20;
const ASKED_FOR: u64 = 2 << 20;

/// So much is searched by one thread first. Where more than a tenth of it is found, what is found is passed on by one
/// thread as fast as several find it.
const SAMPLE: u64 = 4 << 20;
const DENSE: u64 = 10;

/// The chain, and what the files of one command line share.
pub struct Search<'a> {
    pub program: &'a Program,
    pub driver: Driver,
    pub settings: &'a Settings,
    pub grep: Tally<Grep<Pattern, Box<dyn Stage>>>,
    pub terminator: u8,
    pub no_messages: bool,
    pub with_filename: bool,
    /// What standard input is called, if not as grep calls it.
    pub stdin_name: Option<&'a [u8]>,
    /// The regular file that the lines found are written to.
    pub output: Option<FileId>,
    pub skips: Skips,
    /// How many are to search a large file, if that was said.
    pub threads: Option<usize>,
    /// A file could not be read.
    pub failed: bool,
}

/// Which operands are passed over without a word.
pub struct Skips {
    pub directories: bool,
    /// Devices, FIFOs and sockets.
    pub devices: bool,
}

impl Skips {
    /// Asked before it is opened, which may have an effect on a device. What is wrong with it opening it will say.
    fn skip(&self, file: &OsStr) -> bool {
        (self.directories || self.devices)
            && fs::metadata(file).is_ok_and(|metadata| match metadata.file_type() {
                kind if kind.is_dir() => self.directories,
                kind => self.devices && !kind.is_file(),
            })
    }
}

impl Search<'_> {
    /// Searches one file after the other; none is standard input.
    pub fn all(&mut self, files: &[OsString]) -> Result<Ended> {
        if files.is_empty() {
            return self.one(OsStr::new("-"));
        }
        let mut ended = Ended::Input;
        for file in files {
            ended = self.one(file)?;
            if self.is_over(ended) {
                break;
            }
        }
        Ok(ended)
    }

    /// `-m` ends a file; all else that ends one before its end ends the search.
    fn is_over(&mut self, ended: Ended) -> bool {
        match ended {
            Ended::Input => false,
            Ended::Stopped => {
                self.settings.report == Report::Nothing || self.grep.to().stopped_at().is_none()
            }
            Ended::Signal(_) | Ended::Abandoned(_) => true,
        }
    }

    fn one(&mut self, file: &OsStr) -> Result<Ended> {
        match self.search(file) {
            // The other files are still done.
            Err(
                error @ Error::Io {
                    call: Call::Open | Call::Read,
                    ..
                },
            ) => {
                self.failed = true;
                if !self.no_messages {
                    // What was found before comes before, where both go to one place.
                    let _ = self.grep.to().end()?;
                    let _ = self.grep.flush()?;
                    self.program.complain(error);
                }
                Ok(Ended::Input)
            }
            searched => searched,
        }
    }

    fn search(&mut self, file: &OsStr) -> Result<Ended> {
        let is_stdin = file == "-";
        if !is_stdin && self.skips.skip(file) {
            return Ok(Ended::Input);
        }
        let (opened, name) = if is_stdin {
            let name = self.stdin_name.unwrap_or(b"(standard input)");
            (stdin_file().ok(), name)
        } else {
            (Some(costage::open(file)?), file.as_bytes())
        };
        let what = String::from_utf8_lossy(name);
        let metadata = opened.as_ref().and_then(|file| file.metadata().ok());
        // As GNU grep has it: a file that grows by what is found in it would never end.
        if self.output.is_some() && self.output == metadata.as_ref().and_then(FileId::of) {
            let why = io::Error::other("input file is also the output");
            return Err(Error::io(Call::Read, what, why));
        }
        let regular = metadata.as_ref().filter(|metadata| metadata.is_file());
        let input = Input {
            name: self.with_filename.then_some(name),
            length: regular.map(Metadata::len),
        };
        let is_file = regular.is_some();
        let _ = self.grep.to().begin(input)?;
        let start = if is_stdin { stdin_position() } else { None };
        if let (Some(file), Some(metadata)) = (&opened, &metadata) {
            let ended = self.in_parts(file, metadata, &what, input)?;
            if ended != Ended::Input {
                self.has_ended(ended, is_file);
                return Ok(ended);
            }
        }
        let reader = match opened {
            Some(file) if !is_stdin => Reader::new(what, file)?,
            _ => Reader::stdin_called(what)?,
        };
        let mut reader = reader.framed(self.terminator, Framing::Lines);
        let ended = self.driver.pump(&mut reader, &mut self.grep)?;
        self.grep.ends_line();
        self.has_ended(ended, is_file);
        if let (Some(start), Some(end)) = (start, self.grep.to().stopped_at()) {
            leave_stdin_at(start + end);
        }
        Ok(ended)
    }

    /// What only the end of an input shows is not told of one that a signal ended: that no line of it is selected, and
    /// how many lines of a file are. A stream has no other end; its count is true so far.
    fn has_ended(&mut self, ended: Ended, is_file: bool) {
        let is_cut = matches!(ended, Ended::Signal(_) | Ended::Abandoned(_));
        let needs_all = match self.settings.report {
            Report::NamesWithout => true,
            Report::Count => is_file,
            _ => false,
        };
        if is_cut && needs_all {
            self.grep.to().break_off();
        }
    }

    /// Searches all but an unfinished last line of a large regular file in parts, and leaves it to be read from
    /// there. Of every other file nothing.
    fn in_parts(
        &mut self,
        mut file: &File,
        metadata: &Metadata,
        what: &str,
        input: Input<'_>,
    ) -> Result<Ended> {
        let describe = |error| Error::io(Call::Read, what, error);
        let Some((threads, mut start)) = self.threads_for(file, metadata) else {
            return Ok(Ended::Input);
        };
        if self.threads.is_none() {
            let sample = file.try_clone().map_err(describe)?;
            let sample = Reader::new(what, sample)?.framed(self.terminator, Framing::Lines);
            let mut sample = Sample::new(sample, SAMPLE);
            let sent = self.grep.to().sent();
            let ended = self.driver.pump(&mut sample, &mut self.grep)?;
            if ended != Ended::Input {
                return Ok(ended);
            }
            // An unfinished line is read again.
            start += sample.passed();
            let is_dense = (self.grep.to().sent() - sent) * DENSE > sample.passed();
            if is_dense || sample.passed() == 0 {
                file.seek(SeekFrom::Start(start)).map_err(describe)?;
                return Ok(Ended::Input);
            }
        }
        self.by_threads(threads, file, start..metadata.len(), what, input)
    }

    /// How many threads search a file, and from where on; none, if they would not pay.
    fn threads_for(&self, mut file: &File, metadata: &Metadata) -> Option<(usize, u64)> {
        let worth = self.threads.map_or(WORTH_THREADS, |_| ASKED_FOR);
        // Of all that is asked here the length rules most files out, and the number of processors takes the most system
        // calls to learn.
        if !metadata.is_file() || metadata.len() < worth || !Parallel::can(self.settings) {
            return None;
        }
        let start = file.stream_position().ok()?;
        let threads = self.threads.unwrap_or_else(|| {
            let processors = thread::available_parallelism();
            processors.map_or(1, NonZero::get)
        });
        let pays = metadata.len().saturating_sub(start) >= worth && threads > 1;
        pays.then_some((threads, start))
    }

    /// Searches the whole lines in a range of a file, and leaves it to be read on behind them.
    fn by_threads(
        &mut self,
        threads: usize,
        mut file: &File,
        range: Range<u64>,
        what: &str,
        input: Input<'_>,
    ) -> Result<Ended> {
        let describe = |error| Error::io(Call::Read, what, error);
        let start = range.start;
        let stretch = Stretch {
            file: file.try_clone().map_err(describe)?,
            what: what.into(),
            range,
            terminator: self.terminator,
            before: self.grep.to().passed(),
            counts_lines: self.program.counts(),
        };
        let grep = self.grep.to();
        let matcher = grep.matcher().clone();
        let mut parts = match Parallel::new(stretch, &matcher, self.settings, input, threads) {
            // Without them it takes longer, no more.
            Err(Error::Io {
                call: Call::Spawn, ..
            }) => {
                file.seek(SeekFrom::Start(start)).map_err(describe)?;
                return Ok(Ended::Input);
            }
            parts => parts?,
        };
        let threads = match parts.threads() {
            1 => "one thread".into(),
            several => format!("{several} threads"),
        };
        self.program.debug(format_args!(
            "{}: searched in parts by {threads}",
            printable(what)
        ));
        let ended = self.driver.pump(&mut parts, grep.output());
        // What came before a read that failed counts.
        grep.absorb(parts.passed());
        let passed = parts.passed();
        self.grep.passed(passed.lines, passed.bytes);
        let ended = ended?;
        file.seek(SeekFrom::Start(parts.end())).map_err(describe)?;
        Ok(ended)
    }
}

/// The first lines of a file.
struct Sample {
    reader: Reader,
    at_most: u64,
    passed: u64,
}

impl Sample {
    /// As many as there are in about so many bytes.
    fn new(reader: Reader, at_most: u64) -> Sample {
        let passed = 0;
        Sample {
            reader,
            at_most,
            passed,
        }
    }

    /// How many bytes they were.
    fn passed(&self) -> u64 {
        self.passed
    }
}

impl Pull for Sample {
    fn waits(&mut self, waits: &mut Waits, room: bool) {
        self.reader.waits(waits, room);
    }

    fn pull(&mut self, waits: &Waits) -> Result<Pulled> {
        if self.passed >= self.at_most {
            return Ok(Pulled::End);
        }
        let pulled = self.reader.pull(waits)?;
        match &pulled {
            // The last line of all: it may still grow.
            Pulled::Block(block) if !block.is_finished() => return Ok(Pulled::End),
            Pulled::Block(block) => self.passed += block.len() as u64,
            // A long line is read again, but not all of it.
            _ if self.passed + self.reader.held() as u64 >= self.at_most => {
                return Ok(Pulled::End);
            }
            _ => {}
        }
        Ok(pulled)
    }
}

/// Standard input as a file, which shares its position; nothing if it is none.
fn stdin_file() -> io::Result<File> {
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

/// Where standard input stands, if it can be sought.
fn stdin_position() -> Option<u64> {
    stdin_file()
        .and_then(|mut file| file.stream_position())
        .ok()
}

/// After `-m` standard input is left just behind the last selected line, so that the next program of
/// `(cogrep -m1 a; cat) < file` goes on there (POSIX XCU 1.4, "INPUT FILES").
fn leave_stdin_at(position: u64) {
    // It was sought a moment ago; should it refuse now, more was read than was needed, as from a pipe.
    let _ = stdin_file().and_then(|mut file| file.seek(SeekFrom::Start(position)));
}
