//! The branches of a chain: what tee does, as stages for [`costage::broadcast`].
//!
//! [`guard`] lets a target fail without taking the others along.

mod guard;

pub use guard::{Guard, guard};
