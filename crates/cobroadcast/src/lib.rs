//! The branches of a chain: what tee does, and more, as stages for [`costage::broadcast`].
//!
//! [`command`] is a shell command as a target. [`merge`] joins what several of them print, in whole lines. [`guard`]
//! lets a target fail without taking the others along.

mod branch;
mod child;
mod guard;
mod merge;

pub use branch::{Branch, Failed, Restart, command};
pub use child::Process;
pub use guard::{Guard, guard};
pub use merge::{Merge, Merged, Outlet, merge};
