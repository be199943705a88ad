//! The file's name before each of its lines, as grep has it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use costage::{Block, Flow, Gather, Result, Stage};

/// Passes lines on with `name:` before each: `-H`. Blocks may begin and end within a line.
///
/// ```
/// use cofollow::prefix_each;
/// use costage::{Source, collect};
///
/// let (text, sink) = collect();
/// Source::text("one\ntwo").drive(prefix_each("log", sink))?;
/// assert_eq!(text.take(), b"log:one\nlog:two");
/// # Ok::<(), costage::Error>(())
/// ```
pub fn prefix_each<S: Stage>(name: impl AsRef<OsStr>, to: S) -> Prefix<S> {
    Prefix {
        name: name.as_ref().to_owned(),
        goes_on: false,
        to,
    }
}

/// A stage that puts a name before each line. Made by [`prefix_each`].
#[derive(Debug)]
pub struct Prefix<S> {
    name: OsString,
    /// What comes next goes on with a line that has its name.
    goes_on: bool,
    to: S,
}

impl<S: Stage> Stage for Prefix<S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        let prefixed = prefixed(block, &self.name, self.goes_on);
        self.goes_on = !block.is_finished();
        self.to.send(&prefixed)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.to)
    }
}

/// The block with `name:` before each line; the first may go on with one that has its own.
pub(crate) fn prefixed(block: &Block, name: &OsStr, goes_on: bool) -> Block {
    let mut lines = Gather::new(block.terminator());
    for (number, line) in block.lines().enumerate() {
        if number > 0 || !goes_on {
            lines.push(name.as_bytes());
            lines.push(b":");
        }
        lines.push(line);
    }
    lines.take().unwrap_or_else(|| block.clone())
}
