//! Stages made of other stages, or of a closure.

mod broadcast;
mod keep_open;
mod per_line;
mod queue;

pub use broadcast::{Broadcast, broadcast};
pub use keep_open::{KeepOpen, keep_open};
pub use per_line::{PerLine, per_line};
pub use queue::{Queue, queue};
