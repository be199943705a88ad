//! What the command lines of coutils share: how they read options, say what went wrong, and end.

mod command;
mod duration;
mod entry;
mod generate;
mod getopt;
mod options;
mod program;
mod size;
mod stats;

pub use command::{Refusal, number, parse, values};
pub use duration::duration;
pub use entry::run;
pub use getopt::Numbers;
pub use options::{flag, last_of, one_of};
pub use program::{Program, report_options};
pub use size::size;
pub use stats::Tally;
