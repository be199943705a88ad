//! A network of coroutines: `cake_factory [--pace] [INGREDIENTS]` (course, part 4).
//!
//! ```text
//!             ┌──────────────────────▶ dry mixer ─┐
//! producer ───┼──▶ butter melter ─┐               ├──▶ oven
//!             └───────────────────┴──▶ wet mixer ─┘
//! ```
//!
//! INGREDIENTS is a file of names, one a line; by default, what was delivered when the course was written. With
//! `--pace` a delivery takes a good second.
//!
//! | Python | here |
//! | --- | --- |
//! | `dry_mixer(ov)` and `wet_mixer(ov)` hold the same oven | `Rc<RefCell<…>>`: [`kitchen::Shared`] |
//! | `next_coroutine.send("dry_mix")` | `next.borrow_mut().send(Item::DryMix)?` |

mod kitchen;
mod terminal;

use std::process::ExitCode;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use kitchen::{butter_melter, dry_mixer, oven, shared, wet_mixer};
use terminal::say;

fn main() -> ExitCode {
    terminal::run(|args| {
        let (producer, pace) = kitchen::order(args, include_str!("ingredients/cake_factory.txt"))?;
        let oven = shared(oven()?);
        let mut dry_mixer = dry_mixer(Rc::clone(&oven))?;
        let wet_mixer = shared(wet_mixer(oven)?);
        let mut butter_melter = butter_melter(Some(Rc::clone(&wet_mixer)))?;

        for (time, ingredient) in producer.enumerate() {
            let ingredient = ingredient?;
            say!("T={time}\tGenerate {ingredient}")?;
            dry_mixer.send(ingredient)?;
            butter_melter.send(ingredient)?;
            wet_mixer.borrow_mut().send(ingredient)?;
            if pace {
                thread::sleep(Duration::from_secs(1));
            }
            say!("")?;
        }
        Ok(())
    })
}
