//! One text as it is, or in any case.

use std::fmt;
use std::ops::Range;

use memchr::memmem::Finder;

use super::caseless::Caseless;
use super::words::is_word;
use super::{Syntax, line_around};

/// A text that is searched for as it is; it may have to be a word, or a whole line.
#[derive(Clone, Debug)]
pub(super) struct Literal {
    text: Text,
    how: How,
}

#[derive(Clone, Debug)]
enum Text {
    AsItIs(Box<Finder<'static>>),
    AnyCase(Caseless),
}

impl Text {
    fn find(&self, text: &[u8]) -> Option<usize> {
        match self {
            Text::AsItIs(finder) => finder.find(text),
            Text::AnyCase(caseless) => caseless.find(text),
        }
    }

    fn len(&self) -> usize {
        match self {
            Text::AsItIs(finder) => finder.needle().len(),
            Text::AnyCase(caseless) => caseless.text().len(),
        }
    }
}

#[derive(Clone, Debug)]
enum How {
    Anywhere,
    Word,
    /// The text between two terminators: what is rare in it tells one such line from all others.
    Line(Box<Finder<'static>>),
}

impl Literal {
    /// `text` is not empty and has no terminator in it. If its case is ignored, it may have to be a word, but not a
    /// line.
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
        let text = if syntax.ignore_case {
            Text::AnyCase(Caseless::new(text))
        } else {
            Text::AsItIs(Box::new(Finder::new(text).into_owned()))
        };
        Literal { text, how }
    }

    pub(super) fn find(&self, text: &[u8], from: usize, terminator: u8) -> Option<usize> {
        match &self.how {
            How::Anywhere => self.text.find(&text[from..]).map(|at| from + at),
            How::Word => self.find_word(text, from, terminator),
            How::Line(line) => self.find_line(line, text, from, terminator),
        }
    }

    fn find_word(&self, text: &[u8], mut from: usize, terminator: u8) -> Option<usize> {
        loop {
            let at = from + self.text.find(&text[from..])?;
            // A terminator is part of no word: the line need not be cut out.
            if is_word(text, &(at..at + self.text.len())) {
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
        let last = text.len().checked_sub(self.text.len())?;
        (last > from && text[last - 1] == terminator && is_line(last)).then_some(last)
    }

    fn is_line(&self, line: &[u8], terminator: u8) -> bool {
        let line = line.strip_suffix(&[terminator]).unwrap_or(line);
        line.len() == self.text.len() && self.text.find(line).is_some()
    }

    /// Is what it finds in a text of several lines what it finds in each?
    pub(super) fn finds_in_blocks(&self) -> bool {
        !matches!(self.how, How::Line(_))
    }

    pub(super) fn bounds(&self, line: &[u8], from: usize) -> Option<Range<usize>> {
        let length = self.text.len();
        let mut start = from;
        loop {
            let at = start + self.text.find(&line[start..])?;
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

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.text {
            Text::AsItIs(_) => "memmem, one text",
            Text::AnyCase(_) => "one text in any case",
        })
    }
}
