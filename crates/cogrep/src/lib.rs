//! The filter: grep as a stage.
//!
//! ```
//! use cogrep::{Pattern, grep};
//! use costage::{Source, collect};
//!
//! let (lines, sink) = collect();
//! let log = "python 3.14\nswig 4\nPython is not python\n";
//! Source::text(log).drive(grep(Pattern::new("^python")?, sink))?;
//! assert_eq!(lines.take(), b"python 3.14\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`grep`] lets the matching lines through; [`Grep`] with [`Settings`] does all that the program does: invert,
//! count, number, stop after so many. What matches is a [`Matcher`]: a [`Pattern`], or one of your own.
//!
//! # How it searches
//!
//! Whole blocks, not lines: the engine runs over a block until it finds something, and only around a hit are
//! the ends of its line looked for. A pattern without special characters is searched for as it is (where
//! case counts), without compiling a regex. A regex is compiled so that no match can reach beyond a line.

mod around;
mod colors;
mod matcher;
mod output;
mod parallel;
mod pattern;
mod printer;
mod replacement;
mod settings;
mod stage;

pub use colors::Colors;
pub use matcher::Matcher;
pub use parallel::{Parallel, Stretch};
pub use pattern::{Pattern, PatternError, Syntax};
pub use replacement::Replacement;
pub use settings::{Context, Report, Settings};
pub use stage::{Grep, Input, Passed, grep};
