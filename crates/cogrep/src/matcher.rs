//! What decides whether a line is selected.

/// Finds lines in text. [`Pattern`](crate::Pattern) is the one most want.
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
}

impl<M: Matcher + ?Sized> Matcher for Box<M> {
    fn find(&mut self, text: &[u8], from: usize, terminator: u8) -> Option<usize> {
        (**self).find(text, from, terminator)
    }
}
