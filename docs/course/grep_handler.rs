//! A coroutine or an object: `grep_handler FILE PATTERN` (course, part 2).
//!
//! The same filter in both forms, side by side in one chain. `GrepHandler` keeps in fields what [`grep`] keeps
//! in local variables, and searches a block where `grep` waits for a line. The lines found are printed once,
//! and then whether the two agree.
//!
//! | Python | here |
//! | --- | --- |
//! | `class GrepHandler` with `send` | `impl Stage for GrepHandler` |
//! | nothing: an object has no `close` | `target`, through which the end, errors and all else are passed on |

mod grep;
mod terminal;

use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use costage::{Block, Flow, Gather, Result, Source, Stage, broadcast, collect};
use grep::grep;
use memchr::memmem::Finder;
use terminal::say;

/// Sends on the lines that contain a pattern.
struct GrepHandler<S> {
    finder: Finder<'static>,
    hits: Gather,
    target: S,
}

impl<S> GrepHandler<S> {
    fn new(pattern: &[u8], target: S) -> GrepHandler<S> {
        GrepHandler {
            finder: Finder::new(pattern).into_owned(),
            hits: Gather::new(b'\n'),
            target,
        }
    }
}

impl<S: Stage> Stage for GrepHandler<S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        for line in block.lines() {
            if self.finder.find(line).is_some() {
                self.hits.push(line);
            }
        }
        match self.hits.take() {
            Some(hits) => self.target.send(&hits),
            None => Ok(Flow::More),
        }
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.target)
    }
}

fn main() -> ExitCode {
    terminal::run(|args| {
        let file = args.required("FILE")?;
        let pattern = args.required("PATTERN")?;
        args.end()?;
        let ((by_object, object_sink), (by_coroutine, coroutine_sink)) = (collect(), collect());
        let targets: [Box<dyn Stage>; 2] = [
            Box::new(GrepHandler::new(pattern.as_bytes(), object_sink)),
            Box::new(grep(pattern.as_bytes(), coroutine_sink)),
        ];
        Source::open(file)?.drive(broadcast(targets))?;

        let found = by_object.take();
        let agree = found == by_coroutine.take();
        Source::text(Block::from(found)).drive(terminal::printer())?;
        Ok(say!(
            "The object and the coroutine {}.",
            if agree { "agree" } else { "differ" }
        )?)
    })
}
