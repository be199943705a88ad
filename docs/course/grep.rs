//! The course's filter, as a coroutine.

use costage::{CoroutineStage, Flow, Stage, coroutine};
use memchr::memmem::Finder;

/// Sends on the lines that contain `pattern`: `def grep(pattern, target)`.
pub(crate) fn grep(pattern: &[u8], target: impl Stage + 'static) -> CoroutineStage {
    let finder = Finder::new(pattern).into_owned();
    coroutine(target, async move |mut input, mut out| {
        while let Some(line) = input.line().await? {
            if finder.find(line).is_some() && out.line(line)? == Flow::Stop {
                break;
            }
        }
        Ok(())
    })
}
