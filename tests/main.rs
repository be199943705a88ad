//! The tests of the programs, as their users meet them.

mod course;
mod harness;
mod util;
