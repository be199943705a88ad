//! What the command lines of coutils share: how they read options, say what went wrong, and end.

mod command;
mod duration;
mod program;

pub use command::{number, parse, values};
pub use duration::duration;
pub use program::Program;
