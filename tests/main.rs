//! The tests of the programs, as their users meet them.

mod harness;
mod util;
