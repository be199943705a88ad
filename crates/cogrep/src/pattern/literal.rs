//! One text as it is, or in any case.

use std::fmt;
use std::ops::Range;

use memchr::memmem::Finder;

use super::caseless::Caseless;
use super::words::{is_word, is_word_before};
use super::{Syntax, line_around};

/// A text to search for.
#[derive(Clone, Debug)]
pub(super) enum Text {
    AsItIs(Box<Finder<'static>>),
    /// The case of ASCII's letters is ignored.
    AnyCase(Caseless),
}

impl Text {
    /// `text` is not empty.
    pub(super) fn new(text: &[u8], ignore_case: bool) -> Text {
        if ignore_case {
            Text::AnyCase(Caseless::new(text))
        } else {
            Text::AsItIs(Box::new(Finder::new(text).into_owned()))
        }
    }

    #[inline]
    pub(super) fn find(&self, text: &[u8]) -> Option<usize> {
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

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Text::AsItIs(finder) => write!(f, "memmem for '{}'", finder.needle().escape_ascii()),
            Text::AnyCase(caseless) => {
                let text = caseless.text().escape_ascii();
                write!(f, "a search for '{text}' in any case")
            }
        }
    }
}

/// One text, which may have to be a word, or a whole line.
#[derive(Clone, Debug)]
pub(super) struct Literal {
    text: Text,
    how: How,
}

#[derive(Clone, Debug)]
enum How {
    Anywhere,
    Word,
    /// The text between two terminators: what is rare in it tells one such line from all others.
    Line(Text),
}

impl Literal {
    /// `text` is not empty and has no terminator in it. Of case, only that of ASCII's letters is ignored.
    pub(super) fn new(text: &[u8], syntax: Syntax) -> Literal {
        let how = if syntax.lines {
            let terminator = [syntax.terminator];
            let line = [&terminator, text, &terminator].concat();
            How::Line(Text::new(&line, syntax.ignore_case))
        } else if syntax.words {
            How::Word
        } else {
            How::Anywhere
        };
        let text = Text::new(text, syntax.ignore_case);
        Literal { text, how }
    }

    #[inline]
    pub(super) fn find(&self, text: &[u8], from: usize, terminator: u8) -> Option<usize> {
        match &self.how {
            How::Anywhere => self.text.find(&text[from..]).map(|at| from + at),
            How::Word => self.find_word(text, from),
            How::Line(line) => self.find_line(line, text, from, terminator),
        }
    }

    fn find_word(&self, text: &[u8], mut from: usize) -> Option<usize> {
        loop {
            let at = from + self.text.find(&text[from..])?;
            // A terminator is part of no word: the line need not be cut out.
            if is_word(text, &(at..at + self.text.len())) {
                return Some(at);
            }
            from = next_word(text, at + 1);
        }
    }

    fn find_line(&self, line: &Text, text: &[u8], from: usize, terminator: u8) -> Option<usize> {
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
            start = match self.how {
                How::Word => next_word(line, at + 1),
                _ => at + 1,
            };
        }
    }
}

/// The first place from `at` on at which a word may begin.
fn next_word(text: &[u8], mut at: usize) -> usize {
    while at < text.len() && is_word_before(text, at) {
        at += 1;
    }
    at
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.text {
            Text::AsItIs(_) => "memmem, one text",
            Text::AnyCase(_) => "one text in any case",
        })
    }
}
