//! The branches of a chain: what tee does, and more, as stages for [`costage::broadcast`].
//!
//! [`command`] is a shell command as a target. [`merge`] joins what several of them print, in whole lines. [`policy`]
//! says what a target gets that is slower than the input. [`guard`] lets a target fail without taking the others
//! along.

mod account;
mod backlog;
mod branch;
mod change;
mod child;
mod descendants;
mod failure;
mod guard;
mod merge;
mod policy;
mod shared_blocks;
mod shares;
mod spill;
mod store;

pub use account::{Account, Counts};
pub use branch::{Branch, command};
pub use change::{Change, Changed};
pub use child::Process;
pub use failure::{Failed, Restart};
pub use guard::{Guard, guard};
pub use merge::{Merge, Merged, Outlet, merge};
pub use policy::{GivenUp, Limits, Policy, WhenFull, policy};
pub use shared_blocks::SharedBlocks;
