//! A generator that delivers: `received [--pace] [INGREDIENTS]` (course, part 4).
//!
//! INGREDIENTS is a file of names, one a line; by default, what was delivered when the course was written. There
//! one ingredient came every tenth of a second, which is what `--pace` does; the times printed are the same
//! without.
//!
//! | Python | here |
//! | --- | --- |
//! | `for ing in producer()` | the same: a [`costage::Generator`] is an [`Iterator`] |

mod kitchen;
mod terminal;

use std::process::ExitCode;

use terminal::say;

fn main() -> ExitCode {
    terminal::run(|args| {
        let (producer, _) = kitchen::order(args, include_str!("ingredients/received.txt"))?;
        for (tenths, ingredient) in producer.enumerate() {
            say!("At time {} received {}", tenths / 10, ingredient?)?;
        }
        Ok(())
    })
}
