//! The source: tail, following files by name.
//!
//! ```no_run
//! use cofollow::{Settings, follow};
//! use costage::printer;
//!
//! // Prints the last ten lines of the log, and what is appended, for ever, through any rotation.
//! follow(["access-log"], Settings::default())?.drive(printer())?;
//! # Ok::<(), costage::Error>(())
//! ```
//!
//! # The model: generations
//!
//! A *name* is what the user typed. Behind it stands a *present* file; when that is renamed, deleted or
//! replaced it is *retired* and kept open, because its writer may go on for a while. Present and retired files
//! are the name's generations, oldest first, each with its identity (device and inode), how far it was read,
//! and its unfinished last line.
//!
//! - An event only says "look": what is done rests on what a look finds, never on which events came, or when.
//! - Lines of an older generation come before those of a newer one. A chunk of a newer generation is read
//!   first and given out last: what a writer put into the old file before it turned to the new is there by
//!   then.
//! - Only whole lines are given out. An unfinished one waits for its end, across looks and rotations, and is
//!   given out as it is when its file is let go or the source ends.
//! - A retired generation is let go when its writer has been silent for 10 s.
//!
//! # Watching
//!
//! `notify` watches the directories that a name goes through, every hop of a symbolic link included, and the
//! files themselves that are retired or have other names; its thread rings a bell that the chain's one loop waits
//! for. Nothing wakes while nothing happens. Where watching fails, the name is looked at once a second.

mod descriptors;
mod disk;
mod engine;
mod follow;
mod generation;
mod globs;
mod identity;
mod ledger;
mod marks;
mod name;
mod notice;
mod outbox;
mod prefix;
mod resolve;
mod routes;
mod series;
mod settings;
mod start;
mod state;
mod state_file;
mod stream;
mod until_ended;
mod until_idle;
mod watch;

pub use follow::{Follow, follow};
pub use globs::is_glob;
pub use notice::{Detail, Notice};
pub use prefix::{Prefix, prefix_each};
pub use settings::{By, Headers, Resume, Settings};
pub use start::{Start, skip_to};
pub use stream::tail_of;
pub use until_ended::UntilEnded;
pub use until_idle::UntilIdle;
