//! Line-oriented stages and the chains made of them: coroutine pipelines at the speed of the machine.
//!
//! A **source** pushes **blocks** of whole lines through **filters** into **sinks**. Here is a chain to paste
//! and run: what `cat log | tee >(cogrep python) >(cogrep ply) > /dev/null` does with processes, in one.
//!
//! ```
//! use costage::{Flow, Result, Source, Stage, broadcast, coroutine, printer};
//!
//! /// The course's `@coroutine def grep(pattern, target)`.
//! fn grep(pattern: &'static str, target: impl Stage + 'static) -> impl Stage {
//!     coroutine(target, async move |mut input, mut out| {
//!         let finder = memchr::memmem::Finder::new(pattern);
//!         while let Some(block) = input.recv().await? {         // line = (yield)
//!             for line in block.lines() {
//!                 if finder.find(line).is_some() && out.line(line)? == Flow::Stop {
//!                     return Ok(());
//!                 }
//!             }
//!         }
//!         Ok(())                                                // except GeneratorExit
//!     })
//! }
//!
//! fn main() -> Result<()> {
//!     let log = "python 3\nply 3.11\nswig 4\npython and ply\n";
//!     let branches: [Box<dyn Stage>; 2] =
//!         [Box::new(grep("python", printer())), Box::new(grep("ply", printer()))];
//!     Source::text(log).drive(broadcast(branches))?;
//!     Ok(())
//! }
//! ```
//!
//! # Three ways to write a stage
//!
//! | as | for | cost of grep → count |
//! | --- | --- | --- |
//! | an object: [`impl Stage`](Stage) | filters that search whole blocks | the floor |
//! | a [`coroutine`] | anything with state over time, as straight-line code | a poll a block more |
//! | a closure: [`per_line`] | sinks, and what need not be fast | finding each line's end |
//!
//! `cargo bench` measures them; docs/benchmarks.md has the figures.
//!
//! # One loop
//!
//! [`Source::drive`] waits for everything a chain waits for in one place, the [`Driver`]: input, room in an
//! output, an output's reader going away, deadlines, signals. A stage that needs to be woken says so in
//! [`Stage::waits`]. Nothing is held back for speed when nothing comes, or longer than a millisecond.
//!
//! # The journeys
//!
//! **Blocks** go down. **Close** goes down after the last: each stage hands on what it holds. **Stop** comes up:
//! a stage that wants no more ends the source. **Errors** come up to the source, which throws them down, so
//! that every stage can tidy up, and returns them. After the end or an error nothing more comes.
//!
//! # Coroutines that answer
//!
//! Beside the stages, [`Coroutine`] is sent a value and answers one, and [`Generator`] yields: Python's, on
//! stable Rust, without `unsafe`.

mod block;
mod combine;
mod coroutine;
pub mod descriptor_limit;
mod driver;
mod error;
mod event;
mod file_id;
mod framer;
mod pool;
mod process_end;
mod reader;
mod relay;
mod shortcut;
mod signals;
mod sink;
mod source;
mod stage;
mod staging;
pub mod start;
mod sys;
mod timer;
mod waits;

pub use block::{Block, Gather, Lines};
pub use combine::{Broadcast, KeepOpen, PerLine, Queue, broadcast, keep_open, per_line, queue};
pub use coroutine::{Coroutine, CoroutineStage, Generator, Input, Output, Yielder, coroutine};
pub use driver::{Driver, Ended};
pub use error::{Call, Error, Result, printable, reason};
pub use event::{Event, Ring, event};
pub use file_id::FileId;
pub use framer::{Framer, Framing};
pub use process_end::{ProcessEnd, Told};
pub use reader::{Reader, open};
pub use relay::{Relay, RelayReader, RelaySink};
pub use signals::{Second, Signals};
pub use sink::{Collect, Collected, Discard, Sink, Written, collect, discard, printer, sink};
pub use source::{Pull, Pulled, Source, Text};
pub use stage::{Flow, Stage};
pub use timer::Timer;
pub use waits::{Interest, Wait, Waits};
