//! One source, several targets: `broadcast_grep FILE PATTERN...` (course, part 2).
//!
//! Every line goes to each `grep` in turn, so a line with two of the patterns is printed twice, at once after
//! itself.
//!
//! | Python | here |
//! | --- | --- |
//! | `broadcast([grep('python', printer()), …])` | the same, with each target in a `Box` |
//! | an item is a line | an item is a block of many; [`line_by_line`] gives the course's order back |

mod grep;
mod terminal;

use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use costage::{Flow, Source, Stage, broadcast, coroutine};
use grep::grep;

/// Sends every line as a block of its own. Without it each `grep` would get many lines at a time, and print all
/// its hits among them before the next one's.
fn line_by_line(target: impl Stage + 'static) -> impl Stage {
    coroutine(target, async |mut input, mut out| {
        while let Some(mut block) = input.recv().await? {
            while !block.is_empty() {
                let line = block.split_lines(1);
                if out.send(&line)? == Flow::Stop {
                    return Ok(());
                }
            }
        }
        Ok(())
    })
}

fn main() -> ExitCode {
    terminal::run(|args| {
        let file = args.required("FILE")?;
        let mut patterns = vec![args.required("PATTERN")?];
        while let Some(pattern) = args.next() {
            patterns.push(pattern);
        }
        let targets = patterns.iter().map(|pattern| -> Box<dyn Stage> {
            Box::new(grep(pattern.as_bytes(), terminal::printer()))
        });
        Source::open(file)?.drive(line_by_line(broadcast(targets)))?;
        Ok(())
    })
}
