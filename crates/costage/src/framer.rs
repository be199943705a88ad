//! Cuts what is read into blocks of whole lines.

use std::collections::TryReserveError;
use std::io;
use std::sync::Arc;

use memchr::memrchr;

use crate::Block;
use crate::pool::{Buf, Pool};

/// How much one read may bring: at 256 KiB a file runs at 17.1 ns a line, at 64 KiB at 18.6, at 4 MiB at 17.4.
pub(crate) const BLOCK: usize = 256 << 10;
/// Room before the place where reads go, for the unfinished line the last read left: so every read lands at
/// the start of a page, and always in the same, cached memory.
const HEAD: usize = 64 << 10;

/// How a stream is cut into blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// At line ends. A line longer than a block is held until its end comes.
    #[default]
    Lines,
    /// As the reads come, for stages that pass bytes on: lines of any length in constant memory. A block may
    /// then begin and end within a line.
    AsItComes,
}

/// Turns reads into blocks: offers [`space`](Framer::space), is told how much was
/// [`filled`](Framer::filled), and gives out the lines that are whole.
///
/// ```
/// use costage::{Framer, Framing};
///
/// let mut framer = Framer::new(b'\n', Framing::Lines);
/// framer.space()[..6].copy_from_slice(b"one\ntw");
/// assert_eq!(&*framer.filled(6).unwrap(), b"one\n");
/// framer.space()[..2].copy_from_slice(b"o\n");
/// assert_eq!(&*framer.filled(2).unwrap(), b"two\n");
/// assert!(framer.take_tail().is_none());
/// ```
pub struct Framer {
    terminator: u8,
    framing: Framing,
    pool: Pool,
    buf: Option<Arc<Buf>>,
    /// The tail: `start..end` of `buf` is read but not given out, and has no terminator in it.
    start: usize,
    end: usize,
}

impl Framer {
    /// Cuts lines that end in `terminator`.
    pub fn new(terminator: u8, framing: Framing) -> Framer {
        Framer {
            terminator,
            framing,
            pool: Pool::new(HEAD + BLOCK),
            buf: None,
            start: 0,
            end: 0,
        }
    }

    /// Where the next read goes. Never empty.
    ///
    /// # Panics
    ///
    /// If a line is longer than memory: see [`reserve`](Framer::reserve).
    pub fn space(&mut self) -> &mut [u8] {
        self.reserve().expect("memory for a line");
        let mut buf = match self.buf.take() {
            Some(buf) if self.tail_len() > HEAD => buf,
            Some(buf) => self.make_room(buf),
            None => {
                (self.start, self.end) = (HEAD, HEAD);
                Arc::new(self.pool.take())
            }
        };
        debug_assert!(Arc::get_mut(&mut buf).is_some());
        let from = self.end;
        let buf = Arc::get_mut(self.buf.insert(buf)).expect("a buffer with room is not shared");
        let space = &mut buf.bytes_mut()[from..];
        let length = space.len().min(BLOCK);
        &mut space[..length]
    }

    /// An unshared buffer that ends the room before the next read with a short tail: the same one if nobody else
    /// holds it.
    fn make_room(&mut self, mut buf: Arc<Buf>) -> Arc<Buf> {
        let tail = self.start..self.end;
        (self.start, self.end) = (HEAD - tail.len(), HEAD);
        // A buffer that grew with a long line is not kept for short ones.
        if buf.bytes().len() < HEAD + 2 * BLOCK
            && let Some(own) = Arc::get_mut(&mut buf)
        {
            own.bytes_mut().copy_within(tail, self.start);
            return buf;
        }
        let mut fresh = self.pool.take();
        fresh.bytes_mut()[self.start..self.end].copy_from_slice(&buf.bytes()[tail]);
        Arc::new(fresh)
    }

    /// Makes sure that there is memory for the next [`space`](Framer::space): a line may be longer than what the
    /// system has left.
    pub fn reserve(&mut self) -> io::Result<()> {
        if self.tail_len() > HEAD
            && let Some(mut buf) = self.buf.take()
        {
            let reserved = self.make_room_behind(&mut buf);
            self.buf = Some(buf);
            reserved.map_err(|_| io::Error::from_raw_os_error(libc::ENOMEM))?;
        }
        Ok(())
    }

    /// An unshared buffer with a long tail in it, and room for a read behind: the same one if nobody else holds it.
    fn make_room_behind(&mut self, buf: &mut Arc<Buf>) -> Result<(), TryReserveError> {
        let tail = self.start..self.end;
        if let Some(own) = Arc::get_mut(buf) {
            if own.bytes().len() - tail.end >= BLOCK / 2 {
                return Ok(());
            }
            // Where lines that have been given out take as much as the tail, moving it there is cheaper than to grow,
            // and a buffer for many long lines stays as small as for one.
            if tail.start < HEAD + tail.len().max(BLOCK) {
                return own.grow(BLOCK);
            }
            own.bytes_mut().copy_within(tail.clone(), HEAD);
        } else {
            let mut fresh = Buf::from_vec(Vec::new());
            fresh.grow(HEAD + tail.len() + BLOCK)?;
            fresh.bytes_mut()[HEAD..HEAD + tail.len()].copy_from_slice(&buf.bytes()[tail.clone()]);
            *buf = Arc::new(fresh);
        }
        (self.start, self.end) = (HEAD, HEAD + tail.len());
        Ok(())
    }

    /// `count` bytes were read into [`space`](Framer::space): the lines that are whole now, if there are any.
    ///
    /// # Panics
    ///
    /// If `count` is more than the space was.
    pub fn filled(&mut self, count: usize) -> Option<Block> {
        let buf = self.buf.as_ref()?;
        assert!(count <= (buf.bytes().len() - self.end).min(BLOCK));
        let read = self.end..self.end + count;
        self.end = read.end;
        let cut = match self.framing {
            Framing::AsItComes => read.end,
            Framing::Lines => read.start + memrchr(self.terminator, &buf.bytes()[read])? + 1,
        };
        if cut == self.start {
            return None;
        }
        let block = Block::new(Arc::clone(buf), self.start..cut, self.terminator);
        self.start = cut;
        Some(block)
    }

    /// How many bytes of an unfinished line are held.
    pub fn tail_len(&self) -> usize {
        self.end - self.start
    }

    /// The unfinished line read so far, which is forgotten here: at the end of a stream its last line.
    pub fn take_tail(&mut self) -> Option<Block> {
        if self.start == self.end {
            return None;
        }
        let at = std::mem::replace(&mut self.start, self.end)..self.end;
        // A short tail leaves the buffer to be read into; a long one takes it along, which copies nothing.
        if at.len() <= HEAD {
            let buf = self.buf.as_ref()?;
            let tail = buf.bytes()[at].to_vec();
            return Some(Block::with_terminator(tail, self.terminator));
        }
        let buf = self.buf.take()?;
        Some(Block::new(buf, at, self.terminator))
    }

    /// Goes on behind an unfinished line that [`take_tail`](Framer::take_tail) gave: one framer serves many
    /// files in turn.
    ///
    /// # Panics
    ///
    /// If another tail is held.
    pub fn put_tail(&mut self, tail: Block) {
        assert_eq!(self.tail_len(), 0, "one tail at a time");
        let (buf, at) = tail.into_parts();
        if at.len() > HEAD {
            (self.start, self.end) = (at.start, at.end);
            self.buf = Some(buf);
            return;
        }
        // Short: behind the space that the next read would get, which then joins the two.
        self.space();
        if let Some(own) = self.buf.as_mut().and_then(Arc::get_mut) {
            self.start = HEAD - at.len();
            own.bytes_mut()[self.start..HEAD].copy_from_slice(&buf.bytes()[at]);
            self.end = HEAD;
        }
    }
}

impl std::fmt::Debug for Framer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Framer")
            .field("framing", &self.framing)
            .field("tail_len", &self.tail_len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn feed(framer: &mut Framer, mut bytes: &[u8], blocks: &mut Vec<Block>) {
        while !bytes.is_empty() {
            let space = framer.space();
            let count = bytes.len().min(space.len());
            space[..count].copy_from_slice(&bytes[..count]);
            blocks.extend(framer.filled(count));
            bytes = &bytes[count..];
        }
    }

    proptest! {
        /// Whatever the cuts, and whether or not blocks are held on to, the blocks are the input, and each
        /// ends in the terminator.
        #[test]
        fn blocks_are_the_input_cut_at_lines(
            pieces in proptest::collection::vec(("[ab\n]{0,30}", 0_usize..3, any::<bool>()), 0..20),
        ) {
            let mut framer = Framer::new(b'\n', Framing::Lines);
            let (mut held, mut input, mut output) = (Vec::new(), Vec::new(), Vec::new());
            for (text, long, hold) in pieces {
                // Some pieces are longer than HEAD and than a block.
                let mut text = text.into_bytes();
                text.extend(std::iter::repeat_n(b'x', long * 150_000));
                input.extend_from_slice(&text);
                let mut blocks = Vec::new();
                feed(&mut framer, &text, &mut blocks);
                for block in &blocks {
                    prop_assert!(block.is_finished());
                    output.extend_from_slice(block);
                }
                if hold {
                    held.append(&mut blocks);
                }
                if let Some(tail) = framer.take_tail() {
                    prop_assert!(!tail.contains(&b'\n'));
                    framer.put_tail(tail);
                }
            }
            output.extend_from_slice(framer.take_tail().as_deref().unwrap_or_default());
            prop_assert!(output == input);
        }

        #[test]
        fn as_it_comes_gives_every_read_out_at_once(pieces in proptest::collection::vec("[ab\n]{1,30}", 0..20)) {
            let mut framer = Framer::new(b'\n', Framing::AsItComes);
            for text in pieces {
                let mut blocks = Vec::new();
                feed(&mut framer, text.as_bytes(), &mut blocks);
                prop_assert_eq!(blocks.len(), 1);
                prop_assert_eq!(&*blocks[0], text.as_bytes());
                prop_assert_eq!(framer.tail_len(), 0);
            }
        }
    }

    // One long line kept its memory for as long as the process ran.
    #[test]
    fn the_memory_of_a_long_line_is_given_back() {
        let mut framer = Framer::new(b'\n', Framing::Lines);
        let mut long = vec![b'x'; 20 * BLOCK];
        long.push(b'\n');
        feed(&mut framer, &long, &mut Vec::new());
        let mut blocks = Vec::new();
        feed(&mut framer, b"short\n", &mut blocks);
        assert!(blocks[0].retained() <= HEAD + 2 * BLOCK);
    }

    #[test]
    fn many_long_lines_take_no_more_memory_than_one() {
        let mut framer = Framer::new(b'\n', Framing::Lines);
        let mut long = vec![b'x'; 4 * BLOCK - 1000];
        long.push(b'\n');
        for _ in 0..40 {
            let mut blocks = Vec::new();
            feed(&mut framer, &long, &mut blocks);
            let retained = blocks[0].retained();
            assert!(retained < 12 * BLOCK, "{retained}");
        }
    }

    #[test]
    fn all_buffers_return_to_the_pool() {
        let mut framer = Framer::new(b'\n', Framing::Lines);
        let pool = framer.pool.clone();
        let mut blocks = Vec::new();
        for _ in 0..5 {
            feed(&mut framer, b"a line\nand a half", &mut blocks);
        }
        assert_eq!(pool.idle(), 0);
        drop((framer, blocks));
        assert_eq!(pool.idle(), 5);
    }

    #[test]
    fn a_read_lands_at_the_start_of_a_page_whatever_the_last_one_left() {
        let mut framer = Framer::new(b'\n', Framing::Lines);
        for text in ["one\ntwo", "\n", "three", "four\n5"] {
            assert_eq!(framer.space().as_ptr() as usize % 4096, 0);
            feed(&mut framer, text.as_bytes(), &mut Vec::new());
        }
    }
}
