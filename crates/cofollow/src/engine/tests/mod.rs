//! The engine, looking and reading when it is told to.

mod disk;
mod files;
mod model;
