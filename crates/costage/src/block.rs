//! What flows through a chain: shared, immutable runs of whole lines.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use memchr::{memchr, memchr_iter, memrchr};

use crate::pool::Buf;

/// A block may pin this many times its length before it is worth copying.
const WORTH_PINNING: usize = 4;
/// A gathering buffer that has outgrown this is not kept for the next block.
const WORTH_REUSING: usize = 1 << 20;

/// A run of whole lines in a shared buffer; only the last line of the last block of a stream may lack its
/// terminator, where [`Stage::send`](crate::Stage::send) does not say otherwise. A clone or a [`slice`](Block::slice)
/// shares the bytes and costs one reference count.
///
/// ```
/// use costage::Block;
///
/// let block = Block::from(b"one\ntwo\nthr".to_vec());
/// let lines: Vec<&[u8]> = block.lines().collect();
/// assert_eq!(lines, [&b"one\n"[..], b"two\n", b"thr"]);
/// assert!(!block.is_finished());
/// ```
#[derive(Clone)]
pub struct Block {
    buf: Arc<Buf>,
    at: Range<usize>,
    terminator: u8,
}

impl Block {
    /// The bytes `at` of `buf`, whose lines end in `terminator`.
    pub(crate) fn new(buf: Arc<Buf>, at: Range<usize>, terminator: u8) -> Block {
        debug_assert!(at.start <= at.end && at.end <= buf.bytes().len());
        Block {
            buf,
            at,
            terminator,
        }
    }

    pub(crate) fn into_parts(self) -> (Arc<Buf>, Range<usize>) {
        (self.buf, self.at)
    }

    /// The bytes of `bytes`, whose lines end in `terminator`.
    pub fn with_terminator(bytes: Vec<u8>, terminator: u8) -> Block {
        let at = 0..bytes.len();
        Block::new(Arc::new(Buf::from_vec(bytes)), at, terminator)
    }

    /// The byte that ends a line: `\n`, or NUL for lists of file names.
    pub fn terminator(&self) -> u8 {
        self.terminator
    }

    /// Does the last line have its terminator? True of an empty block.
    pub fn is_finished(&self) -> bool {
        self.last().is_none_or(|&last| last == self.terminator)
    }

    /// The part `range` of this block; shares the bytes.
    ///
    /// # Panics
    ///
    /// If the range is outside the block, and in debug builds if it cuts a line in two.
    pub fn slice(&self, range: Range<usize>) -> Block {
        assert!(range.start <= range.end && range.end <= self.len());
        debug_assert!(
            self.is_boundary(range.start) && self.is_boundary(range.end),
            "a slice of a block does not split a line"
        );
        let start = self.at.start;
        Block {
            buf: Arc::clone(&self.buf),
            at: start + range.start..start + range.end,
            terminator: self.terminator,
        }
    }

    fn is_boundary(&self, at: usize) -> bool {
        at == 0 || at == self.len() || self[at - 1] == self.terminator
    }

    /// Cuts off the first lines: as many as fit in `at_most` bytes, but at least one.
    ///
    /// ```
    /// let mut rest = costage::Block::from(b"one\ntwo\nthree\n".to_vec());
    /// assert_eq!(&*rest.split_lines(9), b"one\ntwo\n");
    /// assert_eq!(&*rest.split_lines(1), b"three\n");
    /// assert!(rest.is_empty());
    /// ```
    pub fn split_lines(&mut self, at_most: usize) -> Block {
        let cut = if self.len() <= at_most {
            self.len()
        } else {
            match memrchr(self.terminator, &self[..at_most]) {
                Some(end) => end + 1,
                None => memchr(self.terminator, &self[at_most..])
                    .map_or(self.len(), |end| at_most + end + 1),
            }
        };
        let head = self.slice(0..cut);
        self.at.start += cut;
        head
    }

    /// Cuts off the first `count` bytes, which may end within a line: for who passes bytes on.
    ///
    /// # Panics
    ///
    /// If the block has not so many.
    pub fn split_bytes(&mut self, count: usize) -> Block {
        let mut head = self.clone();
        self.skip(count);
        head.at.end = self.at.start;
        head
    }

    /// Forgets the first `count` bytes, which may end within a line: what a sink has written, what a source of
    /// bytes is to pass over.
    ///
    /// # Panics
    ///
    /// If the block has not so many.
    pub fn skip(&mut self, count: usize) {
        assert!(count <= self.len());
        self.at.start += count;
    }

    /// The lines, each with its terminator (the last may lack it). Finding them costs about 10 ns a line: a
    /// stage that can search the whole block is faster.
    pub fn lines(&self) -> Lines<'_> {
        Lines {
            rest: self,
            terminator: self.terminator,
        }
    }

    /// How many ends of lines it has: its lines, without an unfinished last one.
    pub fn line_ends(&self) -> u64 {
        memchr_iter(self.terminator, self).count() as u64
    }

    /// The same bytes, copied if the block pins a buffer of more than 4 times its length: for a block that is
    /// held while the buffer could be used again.
    pub fn compact(self) -> Block {
        if self.buf.retained() <= self.len().saturating_mul(WORTH_PINNING) {
            return self;
        }
        Block::with_terminator(self.to_vec(), self.terminator)
    }

    /// The memory this block keeps in use, in bytes; shared with the other blocks of its buffer.
    pub fn retained(&self) -> usize {
        self.buf.retained()
    }
}

impl Deref for Block {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buf.bytes()[self.at.clone()]
    }
}

/// Lines that end in `\n`.
impl From<Vec<u8>> for Block {
    fn from(bytes: Vec<u8>) -> Block {
        Block::with_terminator(bytes, b'\n')
    }
}

/// Lines that end in `\n`; the text is copied.
impl From<&str> for Block {
    fn from(text: &str) -> Block {
        Block::from(text.as_bytes().to_vec())
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({})", self.escape_ascii())
    }
}

/// The lines of a [`Block`].
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    rest: &'a [u8],
    terminator: u8,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr(self.terminator, self.rest).map_or(self.rest.len(), |end| end + 1);
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(line)
    }
}

/// Gathers lines into a block: what a filter that lets some lines through sends on, one block for each it got.
/// The memory is used again once the block it went into has been dropped.
///
/// ```
/// use costage::Gather;
///
/// let mut gather = Gather::new(b'\n');
/// gather.push(b"one\n");
/// gather.push(b"two\n");
/// assert_eq!(&*gather.take().unwrap(), b"one\ntwo\n");
/// assert!(gather.take().is_none());
/// ```
#[derive(Debug)]
pub struct Gather {
    bytes: Vec<u8>,
    last: Option<Block>,
    terminator: u8,
}

impl Gather {
    /// An empty gathering of lines that end in `terminator`.
    pub fn new(terminator: u8) -> Gather {
        Gather {
            bytes: Vec::new(),
            last: None,
            terminator,
        }
    }

    /// What is gathered from now on are lines that end in `terminator`.
    pub fn set_terminator(&mut self, terminator: u8) {
        self.terminator = terminator;
    }

    /// Adds bytes; the caller sees to it that they add up to whole lines.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        if let Some(last) = self.last.take() {
            self.reuse(last);
        }
        self.bytes.extend_from_slice(bytes);
    }

    fn reuse(&mut self, last: Block) {
        if let Ok(buf) = Arc::try_unwrap(last.buf) {
            self.bytes = buf.into_vec();
            self.bytes.clear();
        }
    }

    /// Adds the terminator if the last line lacks it.
    pub fn finish_line(&mut self) {
        if self
            .bytes
            .last()
            .is_some_and(|&last| last != self.terminator)
        {
            self.bytes.push(self.terminator);
        }
    }

    /// How many bytes are gathered.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Is nothing gathered?
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What was gathered, as a block; `None` if that is nothing.
    pub fn take(&mut self) -> Option<Block> {
        if self.bytes.is_empty() {
            return None;
        }
        let block = Block::with_terminator(std::mem::take(&mut self.bytes), self.terminator);
        if block.retained() <= WORTH_REUSING {
            self.last = Some(block.clone());
        }
        Some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The naive twin of [`Lines`].
    fn split(text: &[u8]) -> Vec<&[u8]> {
        text.split_inclusive(|&byte| byte == b'\n').collect()
    }

    proptest! {
        #[test]
        fn lines_are_the_text_cut_behind_each_terminator(text in "[a\n]{0,40}") {
            let block = Block::from(text.as_str());
            prop_assert_eq!(block.lines().collect::<Vec<_>>(), split(text.as_bytes()));
        }

        #[test]
        fn split_lines_never_splits_a_line_and_loses_nothing(text in "[a\n]{0,60}", at_most in 0_usize..20) {
            let mut rest = Block::from(text.as_str());
            let mut joined = Vec::new();
            while !rest.is_empty() {
                let head = rest.split_lines(at_most);
                prop_assert!(head.is_finished() || rest.is_empty());
                prop_assert!(head.len() <= at_most || head.lines().count() == 1);
                prop_assert!(!head.is_empty());
                joined.extend_from_slice(&head);
            }
            prop_assert_eq!(joined, text.as_bytes());
        }
    }

    #[test]
    fn split_bytes_cuts_within_lines() {
        let mut rest = Block::from("one\ntwo\n");
        assert_eq!(&*rest.split_bytes(2), b"on");
        assert_eq!(&*rest.split_bytes(0), b"");
        assert_eq!(&*rest, b"e\ntwo\n");
    }

    #[test]
    fn a_slice_shares_and_compact_copies_only_what_pins_too_much() {
        let block = Block::from(b"0123456\n".repeat(64));
        let large = block.slice(0..256);
        assert_eq!(large.compact().as_ptr(), block.as_ptr());
        let small = block.slice(8..16);
        assert_eq!(small.as_ptr(), block[8..].as_ptr());
        let copy = small.compact();
        assert_eq!(&*copy, b"0123456\n");
        assert!(copy.retained() < block.retained());
    }

    #[test]
    fn gathering_uses_memory_again_only_when_nobody_holds_it() {
        let mut gather = Gather::new(b'\n');
        gather.push(b"first\n");
        let held = gather.take().expect("gathered");
        let first = held.as_ptr();
        gather.push(b"second\n");
        assert_eq!(&*held, b"first\n");
        let second = gather.take().expect("gathered");
        assert_ne!(second.as_ptr(), first);
        let address = second.as_ptr();
        drop(second);
        gather.push(b"x\n");
        let third = gather.take().expect("gathered");
        assert_eq!(&*third, b"x\n");
        assert_eq!(third.as_ptr(), address);
        drop(held);
    }
}
