//! What was decided: which lines are selected, and what is told of them.

use crate::{Colors, Replacement};

/// What a [`Grep`](crate::Grep) does with the lines it selects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Report {
    /// Send them on.
    #[default]
    Lines,
    /// Send on what in them matches, each match as a line; with [`Settings::invert`] that is nothing.
    Matches,
    /// Send on, for each input, how many there are.
    Count,
    /// Send on the names of the inputs that have one.
    NamesWith,
    /// Send on the names of the inputs that have none.
    NamesWithout,
    /// Nothing: the first one is all that is wanted.
    Nothing,
}

impl Report {
    /// Is the first selected line of an input all there is to know of it?
    pub(crate) fn wants_one(self) -> bool {
        matches!(
            self,
            Report::NamesWith | Report::NamesWithout | Report::Nothing
        )
    }

    /// Is anything of the lines themselves sent on?
    pub(crate) fn shows_lines(self) -> bool {
        matches!(self, Report::Lines | Report::Matches)
    }
}

/// The lines around the selected ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// How many before a selected line.
    pub before: usize,
    /// How many after it.
    pub after: usize,
    /// The line between groups that are not adjacent, without its newline; `None` for none.
    pub separator: Option<Vec<u8>>,
}

/// Which lines are selected, and what is told of them.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Select the lines that do not match.
    pub invert: bool,
    /// What becomes of the selected lines.
    pub report: Report,
    /// Stop after so many selected lines of an input.
    pub max_count: Option<u64>,
    /// Lines that are shown around them.
    pub context: Option<Context>,
    /// Put its number in its input before each line.
    pub line_numbers: bool,
    /// Put its place in its input before each line or match, in bytes from 0.
    pub byte_offsets: bool,
    /// Put a tab between a line and what stands before it, and pad numbers and offsets to the width of the largest that
    /// the input may have.
    pub initial_tab: bool,
    /// End each name in a NUL byte.
    pub null_after_names: bool,
    /// What takes the place of each match.
    pub replacement: Option<Replacement>,
    /// How the parts of a line are coloured, if they are.
    pub colors: Option<Colors>,
    /// A long line that is not sent on as it is may go on in several blocks, of which the last ends the line: for a
    /// target that takes bytes as they come, as a sink does. Otherwise what is made of a line is held until it is whole.
    pub in_pieces: bool,
}
