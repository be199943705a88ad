//! What targets have no room for, kept once for all of them.

use std::cell::{OnceCell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use costage::Block;

/// What is smaller is copied into a chunk: a block of its own would take more memory than its bytes.
const SMALL: usize = 16 << 10;
/// So is what pins more than this many times its length.
const WORTH_PINNING: usize = 4;
/// The size of a chunk, at most.
const CHUNK: usize = 64 << 10;
/// What a piece takes beside its bytes: its place in a queue, and what counts who holds it.
const OVERHEAD: usize = 128;

/// What the targets of a [broadcast](costage::broadcast) have no room for: kept once, whoever waits for it. A clone is
/// the same.
///
/// Large blocks stay as they are. The lines of small ones, and of those that pin much more memory than they have, are
/// copied together. When the last target has taken what waited for it that is forgotten.
#[derive(Clone, Debug)]
pub struct SharedBlocks(Rc<RefCell<Kept>>);

#[derive(Debug)]
struct Kept {
    /// Where small blocks are copied to.
    open: Rc<Chunk>,
    /// The size of a chunk.
    chunk: usize,
    /// A block that retains more is copied, too.
    coarsest: usize,
    /// Which block was kept last, and what of it is where.
    last: Option<Place>,
    pieces: Vec<Piece>,
}

/// A block's place in the stream.
#[derive(Debug, PartialEq)]
struct Place {
    /// So many bytes came before it.
    at: u64,
    /// In another stream the block at that place has other bytes.
    bytes: *const [u8],
}

/// What of a block a target has no room for: its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest<'a> {
    block: &'a Block,
    from: usize,
    /// How much of the stream came before the block, if others are sent it, too.
    at: Option<u64>,
}

impl<'a> Rest<'a> {
    /// All of a block, which nobody else is sent.
    pub(crate) fn all(block: &'a Block) -> Rest<'a> {
        Rest {
            block,
            from: 0,
            at: None,
        }
    }

    /// The last `length` bytes of a block, before which `at` bytes of the stream came.
    pub(crate) fn of(block: &'a Block, length: usize, at: u64) -> Rest<'a> {
        Rest {
            block,
            from: block.len() - length,
            at: Some(at),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.block.len() - self.from
    }

    /// Without its first `count` bytes.
    pub(crate) fn after(&self, count: usize) -> Block {
        let mut block = self.block.clone();
        block.skip(self.from + count);
        block
    }
}

/// A block that is kept, or the lines of several.
#[derive(Debug)]
struct Chunk {
    /// More may be added to it, until somebody wants to see it.
    open: RefCell<Vec<u8>>,
    closed: OnceCell<Block>,
    terminator: u8,
    /// The memory that it keeps in use, if that is not its own.
    pinned: usize,
}

impl Chunk {
    fn with_capacity(capacity: usize, terminator: u8) -> Rc<Chunk> {
        Rc::new(Chunk {
            open: RefCell::new(Vec::with_capacity(capacity)),
            closed: OnceCell::new(),
            terminator,
            pinned: 0,
        })
    }

    fn of(block: Block) -> Rc<Chunk> {
        Rc::new(Chunk {
            open: RefCell::default(),
            terminator: block.terminator(),
            pinned: block.retained(),
            closed: OnceCell::from(block),
        })
    }

    fn block(&self) -> &Block {
        self.closed.get_or_init(|| {
            let mut bytes = self.open.take();
            bytes.shrink_to_fit();
            Block::with_terminator(bytes, self.terminator)
        })
    }

    /// How much may be added to it.
    fn room(&self) -> usize {
        let open = self.open.borrow();
        open.capacity() - open.len()
    }

    fn add(&self, bytes: &[u8]) -> Range<usize> {
        let mut open = self.open.borrow_mut();
        let start = open.len();
        open.extend_from_slice(bytes);
        start..open.len()
    }
}

/// A part of what is kept.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    chunk: Rc<Chunk>,
    at: Range<usize>,
}

impl Piece {
    /// The memory that it takes, which others may share.
    pub(crate) fn cost(&self) -> usize {
        OVERHEAD + self.chunk.pinned.max(self.at.len())
    }

    /// Does a part of it take less?
    pub(crate) fn is_copied(&self) -> bool {
        self.chunk.pinned == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.at.len()
    }

    /// Its bytes. What comes from now on is put elsewhere.
    pub(crate) fn block(&self) -> Block {
        let mut block = self.chunk.block().clone();
        block.skip(self.at.start);
        block.split_bytes(self.at.len())
    }

    /// Its first bytes.
    pub(crate) fn first(mut self, count: usize) -> Piece {
        self.at.end = self.at.start + count;
        self
    }

    /// Adds `next`, if that is what follows it.
    pub(crate) fn join(&mut self, next: &Piece) -> bool {
        let follows = Rc::ptr_eq(&self.chunk, &next.chunk) && self.at.end == next.at.start;
        if follows {
            self.at.end = next.at.end;
        }
        follows
    }
}

impl SharedBlocks {
    /// Nothing is kept yet.
    pub fn new() -> SharedBlocks {
        SharedBlocks(Rc::new(RefCell::new(Kept {
            open: Chunk::with_capacity(0, b'\n'),
            chunk: CHUNK,
            coarsest: usize::MAX,
            last: None,
            pieces: Vec::new(),
        })))
    }

    /// One of the targets gives up what waits for it in parts of this size: none is to take much more.
    pub(crate) fn keep_in_parts_of(&self, size: usize) {
        let mut kept = self.0.borrow_mut();
        kept.chunk = kept.chunk.min(size);
        kept.coarsest = kept.coarsest.min(size);
    }

    /// Keeps a block, unless it has been kept for another one. What there was no room for, in pieces.
    pub(crate) fn keep(&self, rest: Rest<'_>) -> Vec<Piece> {
        let mut kept = self.0.borrow_mut();
        kept.keep(rest);
        let mut skipped = rest.from;
        let mut pieces = kept.pieces.clone();
        pieces.retain_mut(|piece| {
            let before = skipped.min(piece.len());
            skipped -= before;
            piece.at.start += before;
            piece.len() > 0
        });
        pieces
    }
}

impl Default for SharedBlocks {
    fn default() -> SharedBlocks {
        SharedBlocks::new()
    }
}

impl Kept {
    fn keep(&mut self, rest: Rest<'_>) {
        let bytes = &raw const **rest.block;
        let place = rest.at.map(|at| Place { at, bytes });
        if place.is_some() && place == self.last {
            return;
        }
        self.last = place;
        self.pieces.clear();
        if self.stays_as_it_is(rest.block) {
            self.pieces.push(Piece {
                chunk: Chunk::of(rest.block.clone()),
                at: 0..rest.block.len(),
            });
        } else {
            self.copy(rest.block);
        }
    }

    fn stays_as_it_is(&self, block: &Block) -> bool {
        let pinned = block.retained();
        block.len() >= SMALL
            && pinned <= block.len().saturating_mul(WORTH_PINNING)
            && pinned <= self.coarsest
    }

    /// Copies its lines into the open chunk, and those for which that has no room into others.
    fn copy(&mut self, block: &Block) {
        let mut left = block.clone();
        while !left.is_empty() {
            let is_of_its_kind = self.open.terminator == block.terminator();
            let room = if is_of_its_kind { self.open.room() } else { 0 };
            let mut lines = left.clone().split_lines(room);
            if lines.len() > room {
                lines = left.clone().split_lines(self.chunk);
                let capacity = lines.len().max(self.chunk);
                self.open = Chunk::with_capacity(capacity, block.terminator());
            }
            left.skip(lines.len());
            self.pieces.push(Piece {
                at: self.open.add(&lines),
                chunk: Rc::clone(&self.open),
            });
        }
    }
}
