//! How a source ends that does not end by itself.

use costage::{Pull, Pulled, Result, Waits};

/// Ends a source that has nothing now and is to end once it has nothing more, unless something has come that it was not
/// told of. What it holds of an unfinished line is given out before the end.
pub(crate) fn end_if_silent(
    source: &mut impl Pull,
    waits: &Waits,
    ended: &mut bool,
) -> Result<Pulled> {
    source.look_again();
    let pulled = source.pull(waits)?;
    if !matches!(pulled, Pulled::Wait) {
        return Ok(pulled);
    }
    *ended = true;
    Ok(source.stop().map_or(Pulled::End, Pulled::Block))
}
