//! One text as it is: memmem.

use std::ops::Range;

use memchr::memmem::Finder;

use super::words::is_word;
use super::{Syntax, line_around};

/// A text that is searched for as it is; it may have to be a word, or a whole line.
#[derive(Clone, Debug)]
pub(super) struct Literal {
    finder: Finder<'static>,
    how: How,
}

#[derive(Clone, Debug)]
enum How {
    Anywhere,
    Word,
    /// The text between two terminators: what is rare in it tells one such line from all others.
    Line(Box<Finder<'static>>),
}

impl Literal {
    /// `text` is not empty and has no terminator in it.
    pub(super) fn new(text: &[u8], syntax: Syntax) -> Literal {
        let how = if syntax.lines {
            let terminator = [syntax.terminator];
            let line = [&terminator, text, &terminator].concat();
            How::Line(Box::new(Finder::new(&line).into_owned()))
        } else if syntax.words {
            How::Word
        } else {
            How::Anywhere
        };
        let finder = Finder::new(text).into_owned();
        Literal { finder, how }
    }

    pub(super) fn find(&self, text: &[u8], from: usize, terminator: u8) -> Option<usize> {
        match &self.how {
            How::Anywhere => self.finder.find(&text[from..]).map(|at| from + at),
            How::Word => self.find_word(text, from, terminator),
            How::Line(line) => self.find_line(line, text, from, terminator),
        }
    }

    fn find_word(&self, text: &[u8], mut from: usize, terminator: u8) -> Option<usize> {
        loop {
            let at = from + self.finder.find(&text[from..])?;
            // A terminator is part of no word: the line need not be cut out.
            if is_word(text, &(at..at + self.finder.needle().len())) {
                return Some(at);
            }
            debug_assert_ne!(text[at], terminator);
            from = at + 1;
        }
    }

    fn find_line(
        &self,
        line: &Finder<'_>,
        text: &[u8],
        from: usize,
        terminator: u8,
    ) -> Option<usize> {
        let is_line = |at| self.is_line(&text[line_around(text, at, at, terminator)], terminator);
        if is_line(from) {
            return Some(from);
        }
        if let Some(at) = line.find(&text[from..]) {
            return Some(from + at + 1);
        }
        // The last line of all may lack its terminator.
        let last = text.len().checked_sub(self.finder.needle().len())?;
        (last > from && text[last - 1] == terminator && is_line(last)).then_some(last)
    }

    fn is_line(&self, line: &[u8], terminator: u8) -> bool {
        line.strip_suffix(&[terminator]).unwrap_or(line) == self.finder.needle()
    }

    pub(super) fn bounds(&self, line: &[u8], from: usize) -> Option<Range<usize>> {
        let length = self.finder.needle().len();
        let mut start = from;
        loop {
            let at = start + self.finder.find(&line[start..])?;
            let found = at..at + length;
            let fits = match self.how {
                How::Anywhere => true,
                How::Word => is_word(line, &found),
                How::Line(_) => found == (0..line.len()),
            };
            if fits {
                return Some(found);
            }
            start = at + 1;
        }
    }
}
