//! Whether a look for more is worth its system call.

/// So many are left out at most before one is made.
const LEFT_OUT: u32 = 8;

/// Before the chain is flushed the loop looks whether more has come that could be written together with what is held.
/// Where lines come one by one it never has: once such looks were in vain some are left out, more each time, and a line
/// is out a system call sooner. One that finds something ends that.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// How many were to be left out since the last that was made.
    trusted: u32,
    /// How many of them still are.
    left: u32,
}

impl Looks {
    /// Is the next look left out, since it would find nothing?
    pub(super) fn are_in_vain(&mut self) -> bool {
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or(0);
        left.is_some()
    }

    /// One was made.
    pub(super) fn saw(&mut self, something: bool) {
        self.trusted = if something {
            0
        } else {
            (2 * self.trusted + 1).min(LEFT_OUT)
        };
        self.left = self.trusted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_and_more_looks_in_vain_are_left_out_until_one_finds_something() {
        let mut looks = Looks::default();
        let mut left_out = |found| {
            looks.saw(found);
            std::iter::from_fn(|| looks.are_in_vain().then_some(())).count()
        };
        let counts: Vec<usize> = [true, false, false, false, false, false, true, false]
            .map(&mut left_out)
            .into();
        assert_eq!(counts, [0, 1, 3, 7, 8, 8, 0, 1]);
    }
}
