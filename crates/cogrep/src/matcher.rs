//! What decides whether a line is selected.

use std::ops::Range;

/// Finds lines in text. [`Pattern`](crate::Pattern) is the one most want.
///
/// Only [`find`](Matcher::find) has to be written; without the others a match is the whole line, as far as
/// [`Report::Matches`](crate::Report::Matches), colours and replacements go.
///
/// ```
/// use cogrep::{Matcher, grep};
/// use costage::{Source, collect};
///
/// /// Matches lines of more than so many bytes.
/// struct Long(usize);
///
/// impl Matcher for Long {
///     fn find(&mut self, text: &[u8], from: usize, terminator: u8) -> Option<usize> {
///         let mut at = from;
///         for line in text[from..].split_inclusive(|&byte| byte == terminator) {
///             if line.len() > self.0 {
///                 return Some(at);
///             }
///             at += line.len();
///         }
///         None
///     }
/// }
///
/// let (lines, sink) = collect();
/// Source::text("short\nrather longer\n").drive(grep(Long(10), sink))?;
/// assert_eq!(lines.take(), b"rather longer\n");
/// # Ok::<(), costage::Error>(())
/// ```
pub trait Matcher {
    /// Any position in the first line that matches, from `from` on: from the line's first byte to its
    /// terminator, or to the end of the text if it has none.
    ///
    /// `text` is whole lines, which end in `terminator`; the last may lack it. `from` is the start of a line,
    /// and less than the length of the text. Takes `&mut self` so that a search may keep working memory.
    fn find(&mut self, text: &[u8], from: usize, terminator: u8) -> Option<usize>;

    /// Where the first match in `line` is that begins at `from` or later; it may be empty. `line` is one line
    /// without its terminator, and `from` at most its length. It is asked from 0 on first, and then from behind each
    /// match for more of the same line: what is made of a line may be kept until then. What begins before `from` is none.
    fn bounds(&mut self, line: &[u8], from: usize) -> Option<Range<usize>> {
        (from == 0).then_some(0..line.len())
    }

    /// Does [`bounds`](Matcher::bounds) find in a text of several lines, from any place in it on, what it finds in each
    /// of them, and nothing empty? Then matches that are shown alone are looked for in all of a block.
    fn finds_in_blocks(&self) -> bool {
        false
    }

    /// What [`bounds`](Matcher::bounds) finds, with the groups of the pattern: the first is the match, and a group that took no part in it is
    /// `None`. False if there is no match.
    fn groups(&mut self, line: &[u8], from: usize, groups: &mut Vec<Option<Range<usize>>>) -> bool {
        groups.clear();
        groups.extend(self.bounds(line, from).map(Some));
        !groups.is_empty()
    }

    /// The names of the groups, `None` for those that only have a number. The first is the match itself.
    fn group_names(&mut self) -> Vec<Option<String>> {
        vec![None]
    }
}

/// A matcher that is lent or boxed is the matcher.
macro_rules! forward {
    () => {
        fn find(&mut self, text: &[u8], from: usize, terminator: u8) -> Option<usize> {
            (**self).find(text, from, terminator)
        }

        fn bounds(&mut self, line: &[u8], from: usize) -> Option<Range<usize>> {
            (**self).bounds(line, from)
        }

        fn finds_in_blocks(&self) -> bool {
            (**self).finds_in_blocks()
        }

        fn groups(
            &mut self,
            line: &[u8],
            from: usize,
            groups: &mut Vec<Option<Range<usize>>>,
        ) -> bool {
            (**self).groups(line, from, groups)
        }

        fn group_names(&mut self) -> Vec<Option<String>> {
            (**self).group_names()
        }
    };
}

impl<M: Matcher + ?Sized> Matcher for &mut M {
    forward!();
}

impl<M: Matcher + ?Sized> Matcher for Box<M> {
    forward!();
}
