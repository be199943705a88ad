//! What a chain costs: the same work (find the lines with `python` in a log, count them) as an object on blocks,
//! as a coroutine, line by line, over threads and with iterators, beside only reading the file.
//!
//! `COUTILS_BENCH_SIZE=1GiB cargo bench --bench chain`; without it the log has 256 MiB. It is docs/access-log
//! again and again, in the page cache. docs/benchmarks.md has the figures and what they mean.

// The modules are there only to group the benches.
#![allow(clippy::wildcard_imports)]

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::sync::{LazyLock, mpsc};
use std::thread;

use cogrep::Pattern;
use costage::{Block, Flow, Result, Source, Stage, broadcast, coroutine, per_line, queue};
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter, memrchr};

const TEXT: &[u8] = include_bytes!("../../docs/access-log");
/// What the broadcasts look for; all others look for the first.
const PATTERNS: [&str; 3] = ["python", "ply", "swig"];
/// In 14 % of the lines, and in 0.15 %: what a hit costs shows beside what a line costs.
const LOOKED_FOR: [&str; 2] = ["python", "calc4"];
/// Blocks between two threads: enough that neither waits for the other's every step.
const DEPTH: usize = 4;
/// What a reader of lines reads at once: as much as a chain does.
const BUFFER: usize = 256 << 10;
const PAGE: usize = 4096;

fn main() {
    divan::main();
}

/// The log of all benches, and what is in it.
struct Log {
    path: PathBuf,
    bytes: usize,
    lines: usize,
}

static LOG: LazyLock<Log> = LazyLock::new(|| {
    let size = std::env::var("COUTILS_BENCH_SIZE").unwrap_or_else(|_| "256MiB".into());
    let copies = parse_size(&size).div_ceil(TEXT.len());
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("chain.log");
    let log = Log {
        path,
        bytes: copies * TEXT.len(),
        lines: copies * memchr_iter(b'\n', TEXT).count(),
    };
    log.write(copies).expect("the target directory has room");
    log
});

impl Log {
    /// Writes the file unless it is there from the last time, and has it in the page cache.
    fn write(&self, copies: usize) -> io::Result<()> {
        if !fs::metadata(&self.path).is_ok_and(|meta| meta.len() == self.bytes as u64) {
            let mut file = File::create(&self.path)?;
            for _ in 0..copies {
                file.write_all(TEXT)?;
            }
            // Written back now, not while the benches run.
            file.sync_all()?;
        }
        io::copy(&mut File::open(&self.path)?, &mut io::sink()).map(|_| ())
    }

    fn source(&self) -> Source {
        Source::open(&self.path).expect("the log was just written")
    }

    fn buffered(&self) -> BufReader<File> {
        let file = File::open(&self.path).expect("the log was just written");
        BufReader::with_capacity(BUFFER, file)
    }
}

/// `1GiB`, `64MiB`, or a number of bytes.
fn parse_size(text: &str) -> usize {
    let (number, shift) = [("KiB", 10), ("MiB", 20), ("GiB", 30)]
        .into_iter()
        .find_map(|(unit, shift)| text.strip_suffix(unit).map(|number| (number, shift)))
        .unwrap_or((text, 0));
    let number: usize = number.parse().expect("a size such as 256MiB");
    number << shift
}

/// Runs `work` over the log; it answers something that depends on all of it.
fn over_log<T>(bencher: Bencher, work: impl Fn(&Log) -> T + Sync) {
    let log = &*LOG;
    bencher
        .counter(BytesCount::new(log.bytes))
        .counter(ItemsCount::new(log.lines))
        .bench(|| black_box(work(log)));
}

/// Drives the log through `chain`.
fn drive(log: &Log, chain: impl Stage) {
    log.source().drive(chain).expect("a chain without errors");
}

/// Adds up the bytes and looks at none.
#[derive(Default)]
struct Length(usize);

impl Stage for Length {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        self.0 += block.len();
        Ok(Flow::More)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }
}

/// Counts lines.
#[derive(Default)]
struct Count(usize);

impl Stage for Count {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        self.0 += memchr_iter(b'\n', block).count();
        Ok(Flow::More)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }

    fn close(&mut self) -> Result<()> {
        black_box(self.0);
        Ok(())
    }
}

/// Calls `hit` with each line of `block` that `finder` finds something in. Line ends are looked for around
/// hits only.
fn each_hit(
    finder: &Finder,
    block: &Block,
    mut hit: impl FnMut(&[u8]) -> Result<Flow>,
) -> Result<Flow> {
    let mut from = 0;
    while let Some(found) = finder.find(&block[from..]) {
        let at = from + found;
        let start = memrchr(b'\n', &block[from..at]).map_or(from, |end| from + end + 1);
        from = memchr(b'\n', &block[at..]).map_or(block.len(), |end| at + end + 1);
        let flow = hit(&block[start..from])?;
        if flow != Flow::More {
            return Ok(flow);
        }
    }
    Ok(Flow::More)
}

/// The course's grep as an object that is sent blocks: cogrep's.
fn grep_object<S: Stage>(pattern: &'static str, to: S) -> impl Stage {
    cogrep::grep(Pattern::literal(pattern), to)
}

/// The same, sent one line at a time.
struct GrepLine<S> {
    finder: Finder<'static>,
    to: S,
}

impl<S: Stage> Stage for GrepLine<S> {
    fn send(&mut self, line: &Block) -> Result<Flow> {
        match self.finder.find(line) {
            Some(_) => self.to.send(line),
            None => Ok(Flow::More),
        }
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.to)
    }
}

/// Sends each line by itself.
struct Split<S>(S);

impl<S: Stage> Stage for Split<S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        let mut start = 0;
        for end in memchr_iter(b'\n', block) {
            let flow = self.0.send(&block.slice(start..end + 1))?;
            if flow != Flow::More {
                return Ok(flow);
            }
            start = end + 1;
        }
        Ok(Flow::More)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.0)
    }
}

/// The course's grep as a coroutine that is sent blocks.
fn grep_coroutine(pattern: &'static str, to: impl Stage + 'static) -> impl Stage {
    coroutine(to, async move |mut input, mut out| {
        let finder = Finder::new(pattern);
        while let Some(block) = input.recv().await? {
            if each_hit(&finder, &block, |line| out.line(line))? == Flow::Stop {
                break;
            }
        }
        Ok(())
    })
}

/// The course's grep as the course writes it: a coroutine that is sent lines.
fn grep_coroutine_line(pattern: &'static str, to: impl Stage + 'static) -> impl Stage {
    coroutine(to, async move |mut input, mut out| {
        let finder = Finder::new(pattern);
        while let Some(line) = input.line().await? {
            if finder.find(line).is_some() && out.line(line)? == Flow::Stop {
                break;
            }
        }
        Ok(())
    })
}

fn boxed<'a>(stage: impl Stage + 'a) -> Box<dyn Stage + 'a> {
    Box::new(stage)
}

/// What every chain pays.
#[divan::bench(sample_size = 1, sample_count = 15)]
fn read_only(bencher: Bencher) {
    over_log(bencher, |log| drive(log, Length::default()));
}

#[divan::bench_group(sample_size = 1, sample_count = 15)]
mod grep {
    use super::*;

    /// What the search itself costs: a loop of reads and searches without any stage. What the others take more
    /// is the price of the chain.
    #[divan::bench(args = LOOKED_FOR)]
    fn by_hand(bencher: Bencher, pattern: &'static str) {
        over_log(bencher, |log| {
            let finder = Finder::new(pattern);
            let mut file = File::open(&log.path).expect("the log was just written");
            // At a page's start, as the chain reads: unaligned memory is slower on some processors.
            let mut memory = vec![0; BUFFER + PAGE];
            let base = memory.as_ptr().align_offset(PAGE);
            let buffer = &mut memory[base..base + BUFFER];
            let (mut count, mut held) = (0, 0);
            loop {
                let read = file.read(&mut buffer[held..]).expect("readable");
                if read == 0 {
                    return count;
                }
                let whole = memrchr(b'\n', &buffer[..held + read]).map_or(0, |end| end + 1);
                let mut from = 0;
                while let Some(found) = finder.find(&buffer[from..whole]) {
                    count += 1;
                    let at = from + found;
                    from = memchr(b'\n', &buffer[at..whole]).map_or(whole, |end| at + end + 1);
                }
                buffer.copy_within(whole..held + read, 0);
                held = held + read - whole;
            }
        });
    }

    #[divan::bench(args = LOOKED_FOR)]
    fn object_block(bencher: Bencher, pattern: &'static str) {
        over_log(bencher, |log| {
            drive(log, grep_object(pattern, Count::default()));
        });
    }

    #[divan::bench]
    fn object_block_boxed(bencher: Bencher) {
        over_log(bencher, |log| {
            drive(
                log,
                boxed(grep_object(PATTERNS[0], boxed(Count::default()))),
            );
        });
    }

    #[divan::bench]
    fn object_line(bencher: Bencher) {
        over_log(bencher, |log| {
            let finder = Finder::new(PATTERNS[0]);
            let to = Count::default();
            drive(log, Split(GrepLine { finder, to }));
        });
    }

    #[divan::bench]
    fn object_line_boxed(bencher: Bencher) {
        over_log(bencher, |log| {
            let finder = Finder::new(PATTERNS[0]);
            let to = boxed(Count::default());
            drive(log, Split(boxed(GrepLine { finder, to })));
        });
    }

    #[divan::bench(args = LOOKED_FOR)]
    fn coroutine_block(bencher: Bencher, pattern: &'static str) {
        over_log(bencher, |log| {
            drive(log, grep_coroutine(pattern, Count::default()));
        });
    }

    #[divan::bench]
    fn coroutine_line(bencher: Bencher) {
        over_log(bencher, |log| {
            drive(log, grep_coroutine_line(PATTERNS[0], Count::default()));
        });
    }

    #[divan::bench]
    fn closure_per_line(bencher: Bencher) {
        over_log(bencher, |log| {
            let finder = Finder::new(PATTERNS[0]);
            let mut count = 0_usize;
            let grep = per_line(|line| {
                count += usize::from(finder.find(line).is_some());
                Ok(Flow::More)
            });
            drive(log, grep);
            count
        });
    }

    /// The reader in one thread, grep and count in the other.
    #[divan::bench]
    fn thread_queue(bencher: Bencher) {
        over_log(bencher, |log| {
            let grep = queue(DEPTH, || grep_object(PATTERNS[0], Count::default()));
            drive(log, grep.expect("a thread"));
        });
    }

    /// The same over the standard library's channel.
    #[divan::bench]
    fn thread_channel(bencher: Bencher) {
        struct Channel(mpsc::SyncSender<Block>);

        impl Stage for Channel {
            fn send(&mut self, block: &Block) -> Result<Flow> {
                Ok(match self.0.send(block.clone()) {
                    Ok(()) => Flow::More,
                    Err(_) => Flow::Stop,
                })
            }

            fn target(&mut self) -> Option<&mut dyn Stage> {
                None
            }
        }

        over_log(bencher, |log| {
            let (sender, receiver) = mpsc::sync_channel::<Block>(DEPTH);
            let worker = thread::spawn(move || {
                let mut grep = grep_object(PATTERNS[0], Count::default());
                receiver.iter().try_for_each(|block| {
                    let _ = grep.send(&block)?;
                    Ok(())
                })?;
                grep.close()
            });
            drive(log, Channel(sender));
            worker.join().expect("no panic").expect("no error");
        });
    }

    /// Pulled instead of pushed: every line copied into one string.
    #[divan::bench]
    fn iterator_read_until(bencher: Bencher) {
        over_log(bencher, |log| {
            let finder = Finder::new(PATTERNS[0]);
            let (mut input, mut line) = (log.buffered(), Vec::new());
            let lines = std::iter::from_fn(|| {
                line.clear();
                let length = input.read_until(b'\n', &mut line).expect("readable");
                (length > 0).then(|| finder.find(&line).is_some())
            });
            lines.filter(|&hit| hit).count()
        });
    }

    /// Pulled, and every line a string of its own.
    #[divan::bench]
    fn iterator_split(bencher: Bencher) {
        over_log(bencher, |log| {
            let finder = Finder::new(PATTERNS[0]);
            let lines = log
                .buffered()
                .split(b'\n')
                .map(|line| line.expect("readable"));
            lines.filter(|line| finder.find(line).is_some()).count()
        });
    }
}

/// `broadcast([grep(python), grep(ply), grep(swig)])`, each into a count of its own.
#[divan::bench_group(sample_size = 1, sample_count = 15)]
mod broadcast_to_three {
    use super::*;

    #[divan::bench]
    fn object_block(bencher: Bencher) {
        over_log(bencher, |log| {
            let branch = |pattern| boxed(grep_object(pattern, Count::default()));
            drive(log, broadcast(PATTERNS.map(branch)));
        });
    }

    #[divan::bench]
    fn object_line(bencher: Bencher) {
        over_log(bencher, |log| {
            let branch = |pattern| {
                let finder = Finder::new(pattern);
                let to = Count::default();
                boxed(GrepLine { finder, to })
            };
            drive(log, Split(broadcast(PATTERNS.map(branch))));
        });
    }

    #[divan::bench]
    fn coroutine_block(bencher: Bencher) {
        over_log(bencher, |log| {
            let branch = |pattern| boxed(grep_coroutine(pattern, Count::default()));
            drive(log, broadcast(PATTERNS.map(branch)));
        });
    }

    #[divan::bench]
    fn coroutine_line(bencher: Bencher) {
        over_log(bencher, |log| {
            let branch = |pattern| boxed(grep_coroutine_line(pattern, Count::default()));
            drive(log, broadcast(PATTERNS.map(branch)));
        });
    }
}

/// A block of one line through stages that only pass it on: what a stage costs that does nothing. The items
/// are hops, a block through a stage each.
#[divan::bench_group(sample_count = 100)]
mod hop {
    use super::*;

    const SENDS: usize = 1000;
    const STAGES: [usize; 4] = [1, 4, 16, 64];

    struct Pass<S>(S);

    impl<S: Stage> Stage for Pass<S> {
        fn send(&mut self, block: &Block) -> Result<Flow> {
            self.0.send(block)
        }

        fn target(&mut self) -> Option<&mut dyn Stage> {
            Some(&mut self.0)
        }
    }

    fn pass_coroutine(to: Box<dyn Stage>) -> impl Stage {
        coroutine(to, async |mut input, mut out| {
            while let Some(block) = input.recv().await? {
                let _ = out.send(&block)?;
            }
            Ok(())
        })
    }

    fn through(bencher: Bencher, stages: usize, hop: impl Fn(Box<dyn Stage>) -> Box<dyn Stage>) {
        let block = Block::from("one line\n");
        let mut chain = (0..stages).fold(boxed(Length::default()), |to, _| hop(to));
        bencher
            .counter(ItemsCount::new(SENDS * stages))
            .bench_local(|| {
                for _ in 0..SENDS {
                    let _ = black_box(chain.send(black_box(&block)));
                }
            });
    }

    #[divan::bench(args = STAGES)]
    fn object(bencher: Bencher, stages: usize) {
        through(bencher, stages, |to| boxed(Pass(to)));
    }

    #[divan::bench(args = STAGES)]
    fn coroutines(bencher: Bencher, stages: usize) {
        through(bencher, stages, |to| boxed(pass_coroutine(to)));
    }
}
