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
//! replaced it is *retired* and kept open, because its writer may go on for a while. Files that had the name
//! between two looks are found among its siblings and become retired ones, too. Present and retired files are
//! the name's *generations*, oldest first. Of each is known which file it is (device, inode, time of birth), how
//! far it was read, its first bytes and those before that position (its *marks*), and its unfinished last line.
//!
//! ```text
//!     name ──▶ generations: log.2 (retired)  log.1 (had the name unseen)  log (present)
//!              read in this order ─────────────────────────────────────▶
//! ```
//!
//! What holds at any time:
//!
//! 1. **An event only says "look".** What is done rests on what a look finds, never on which events came, in
//!    which order, or whether some were lost.
//! 2. **The older comes first.** Lines of a generation are given out only when all older ones were found drained
//!    *after* these lines had been read. What a writer put into the old file before it turned to the new one is
//!    there by then. An unfinished line counts as drained, unless a part of it was given out, and so does a file that
//!    cannot be read, unless it is for want of descriptors.
//! 3. **Each byte belongs to one generation, and is given out once.** A file is known by its identity, whatever
//!    its name: one that has its name back, or has another that is followed, goes on where it was.
//! 4. **A text is known by its marks.** They are compared after each read and at each look. Where they are not
//!    there any more the file was truncated or written anew: what is in it now is another generation, read from
//!    its start, and what was unread of the old text is looked for in a copy.
//! 5. **A file that was there before its name was first looked at is not read.** Later, one that is new among the
//!    siblings had the name unseen, if its name is what rotations make: of the name, or of a target of a symbolic
//!    link on its way.
//! 6. **Only whole lines are given out.** An unfinished one waits for its end, across looks and rotations. It is
//!    given out without its end if [`partial_after`](Settings::partial_after) allows, when its file is let go, and
//!    at the end of the source; lines of different files never mix within a line.
//! 7. **A retired generation is let go when its writer has been silent for 10 s**, all of it has been read, and, with
//!    a state to be saved, written.
//! 8. **A gap that can be known of is told**, as a [`Notice`]: with its size in bytes where the lost bytes had been
//!    seen, and otherwise with the position behind which they stood, or the number of files.
//! 9. **A look needs no room.** Files are found and opened while the chain takes nothing.
//!
//! # Resuming
//!
//! With [`Settings::resume`] the position of each generation is saved as far as its lines have been *written* by
//! the chain's sink, 50 ms after the first unsaved write and at the end. The state is text, is replaced as a whole,
//! and is locked while it is in use. The next run finds the saved files by identity and by the hashes of their
//! marks, among the siblings too, and then looks as if it had never been away.
//!
//! # Watching
//!
//! `notify` watches the directories that a name goes through, every hop of a symbolic link included; its thread
//! rings a bell that the chain's one loop waits for. That something was written the loop hears itself, on Linux, from
//! a small watch of its own: of the files, whatever their names are, and where many in one directory are followed, of the
//! directory. Nothing wakes while nothing happens to them. Where watching fails, or the file system does not tell of
//! changes, the name is looked at every [`poll`](Settings::poll).

mod descriptors;
mod direct;
mod disk;
mod engine;
mod file_system;
mod follow;
mod generation;
mod globs;
mod identity;
mod last_look;
mod ledger;
mod marks;
mod name;
mod notice;
mod outbox;
mod passing;
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
