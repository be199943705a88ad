//! An endless supply: `eggs [N] [generator|iterator]` (course, part 4).
//!
//! The same eggs from a generator and from an iterator object. Whoever takes them cannot tell which it is, and
//! decides how many there are: one, and then N more.
//!
//! | Python | here |
//! | --- | --- |
//! | `__next__` of a class | `Iterator::next` |
//! | `yield '🥚'` in an endless loop | `co.give("🥚").await?` in an endless loop |
//! | `break` after N | `take(n)` |

mod terminal;

use std::process::ExitCode;

use costage::{Generator, Result};
use terminal::{print, say};

/// As an object: what is to come next follows from its fields, of which it needs none.
struct InfiniteEggIterator;

impl Iterator for InfiniteEggIterator {
    type Item = Result<&'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(Ok("🥚"))
    }
}

/// As a function: what is to come next follows from where it is suspended.
fn infinite_egg_generator() -> Generator<&'static str> {
    Generator::new(async |mut co| {
        loop {
            co.give("🥚").await?;
        }
    })
}

fn lay(mut eggs: impl Iterator<Item = Result<&'static str>>, count: usize) -> Result<()> {
    if let Some(egg) = eggs.next().transpose()? {
        say!("{egg}")?;
    }
    for (i, egg) in eggs.take(count).enumerate() {
        print(format_args!("{i}{} ", egg?))?;
    }
    Ok(())
}

fn main() -> ExitCode {
    terminal::run(|args| {
        let count = args.number(100)?;
        let kind = args.choice(&["generator", "iterator"])?;
        args.end()?;
        match kind {
            "iterator" => lay(InfiniteEggIterator, count)?,
            _ => lay(infinite_egg_generator(), count)?,
        }
        Ok(())
    })
}
