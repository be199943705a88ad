//! A target that outlives the chain in front of it.

use crate::{Block, Error, Flow, Result, Stage};

/// Lends `to` to a chain that is one of several to use it: the chain's end flushes it and leaves it open.
///
/// ```
/// use costage::{Source, collect, keep_open};
///
/// let (text, mut sink) = collect();
/// for part in ["one\n", "two\n"] {
///     Source::text(part).drive(keep_open(&mut sink))?;
/// }
/// assert_eq!(text.take(), b"one\ntwo\n");
/// # Ok::<(), costage::Error>(())
/// ```
pub fn keep_open<S: Stage>(to: S) -> KeepOpen<S> {
    KeepOpen(to)
}

/// A target that outlives the chain in front of it. Made by [`keep_open`].
#[derive(Debug)]
pub struct KeepOpen<S>(S);

impl<S: Stage> Stage for KeepOpen<S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        self.0.send(block)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.0)
    }

    fn close(&mut self) -> Result<()> {
        self.0.flush().map(|_| ())
    }

    fn throw(&mut self, error: Error) -> Result<()> {
        let _ = self.close();
        Err(error)
    }

    /// What is not written yet is for the one who closes the target.
    fn idle(&mut self) -> bool {
        true
    }
}
