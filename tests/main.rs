//! The tests of the programs, as their users meet them.

mod chain;
mod cli;
mod cobroadcast;
mod codelay;
mod cofollow;
mod cogrep;
mod course;
mod docs;
mod harness;
mod util;
