//! How many descriptors the process may have open.

use std::sync::Mutex;
use std::sync::PoisonError;

use crate::sys;

/// The limit before it was raised.
static INHERITED: Mutex<Option<u64>> = Mutex::new(None);

/// Raises the limit on descriptors to what the system allows, if it is below `wanted`; where that is not allowed the
/// old one has to do. Processes that are started from here inherit it: [`inherited`] is what they should have,
/// since some take a large one badly (`select(2)` cannot handle descriptors above 1023).
pub fn raise(wanted: u64) {
    let mut inherited = INHERITED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Ok((now, most)) = sys::descriptor_limits()
        && now < wanted.min(most)
        && sys::set_descriptor_limits(most, most).is_ok()
    {
        inherited.get_or_insert(now);
    }
}

/// The limit that there was before it was raised; `None` if it was not.
pub fn inherited() -> Option<u64> {
    *INHERITED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_once_and_only_if_it_is_too_low() {
        let (before, most) = sys::descriptor_limits().expect("limits");
        // Some start with all they may have.
        let before = if before == most { most / 2 } else { before };
        sys::set_descriptor_limits(before, most).expect("lowered");
        raise(before);
        assert_eq!(inherited(), None);
        for wanted in [before + 1, u64::MAX] {
            raise(wanted);
            assert_eq!(sys::descriptor_limits().expect("limits"), (most, most));
            assert_eq!(inherited(), Some(before));
        }
    }
}
