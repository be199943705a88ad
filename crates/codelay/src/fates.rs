//! What became of lines.

/// What happened to lines that did not come out once each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fates {
    /// Lines that were lost, as [`loss`](crate::Settings::loss) has it.
    pub lost: u64,
    /// Lines that came twice.
    pub duplicated: u64,
    /// Lines that did not fit.
    pub dropped: u64,
    /// Lines that came, in all; blocks of them where all have the same delay.
    pub came: u64,
    /// Lines without a time, with [`replay`](crate::Settings::replay).
    pub untimed: u64,
    /// Lines with a time before that of a line before them, with [`replay`](crate::Settings::replay).
    pub backwards: u64,
    /// The most lines that were held at once, or blocks of them where all have the same delay.
    pub held: usize,
}
