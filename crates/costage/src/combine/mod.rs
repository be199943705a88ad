//! Stages made of other stages, or of a closure.

mod broadcast;
mod per_line;
mod queue;

pub use broadcast::{Broadcast, broadcast};
pub use per_line::{PerLine, per_line};
pub use queue::{Queue, queue};
