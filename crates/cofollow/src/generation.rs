//! One file that a name stands or stood for.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use costage::{Block, Framer};

use crate::direct::FileWatch;
use crate::disk::{Facts, Kind, Readable};
use crate::identity::{Identity, Text};
use crate::marks::Marks;

/// One file that a name stands or stood for, and how far it has been read.
pub(crate) struct Generation<F> {
    /// Tells it from every other there was: a file that is written anew is another generation.
    pub(crate) key: u64,
    pub(crate) identity: Identity,
    pub(crate) kind: Kind,
    /// Shared with the text that was in it before.
    pub(crate) file: Arc<F>,
    pub(crate) position: u64,
    pub(crate) marks: Marks,
    /// The greatest length seen. What lay between the position and this is lost when the file is truncated.
    longest: u64,
    /// When it had been written last as it was opened, in nanoseconds since 1970.
    pub(crate) modified: u64,
    /// The longest it was seen while it surely had the text that was read.
    longest_sure: u64,
    /// The last read met the end, and nothing has happened since: there is no more.
    pub(crate) is_drained: bool,
    /// When it was last read, counted in reads.
    pub(crate) asked: u64,
    /// Something has happened to it since it was read: there may be another text in it.
    pub(crate) is_doubted: bool,
    /// Up to where its lines have been written out, if anyone asks.
    pub(crate) written: u64,
    /// Lines that were read and wait for those of older generations.
    pub(crate) ahead: Option<Block>,
    /// The unfinished line before `position`, while the framer works for another file.
    pub(crate) tail: Option<Block>,
    /// How long that line is, wherever it is held.
    pub(crate) held: usize,
    /// When data last came, or when it was retired.
    pub(crate) last_data: Instant,
    /// By what it is watched itself, not only its name.
    pub(crate) watch: Option<FileWatch>,
    /// The last read failed, which has been said.
    pub(crate) said_unreadable: bool,
    /// What comes after a short read is told of; where it is not, a short read is no sign of the end.
    tells_changes: bool,
    /// It is read in a copy, since it was truncated itself.
    pub(crate) is_copy: bool,
    /// Nothing of it has been given out, and there may have been a text before it, in the same file, that was not read.
    pub(crate) is_fresh: bool,
    /// What is in its place is another text, or nothing comes from it any more: only what was read is still to
    /// be given out.
    pub(crate) ended: bool,
}

/// What a read brought.
pub(crate) enum Chunk {
    Block(Block),
    /// More of a line that is not finished.
    Partial,
    /// All that is there has been read.
    Drained,
    /// There is another text in the file.
    Renewed(Renewed),
    /// The end of a stream.
    End,
}

/// How a file came to have another text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewed {
    /// It is shorter than what was read of it.
    Truncated,
    /// It is not, but what was read is not in it any more.
    Rewritten,
}

impl<F: Readable> Generation<F> {
    /// A file that is read from `position` on.
    pub(crate) fn new(key: u64, file: Arc<F>, facts: &Facts, position: u64) -> Generation<F> {
        let marks = if facts.kind.is_stream() {
            Marks::default()
        } else {
            // What cannot be read now will be before anything else is.
            Marks::read(&*file, position).unwrap_or_default()
        };
        Generation::marked(key, file, facts, position, marks)
    }

    /// The same, with its marks at hand.
    pub(crate) fn marked(
        key: u64,
        file: Arc<F>,
        facts: &Facts,
        position: u64,
        marks: Marks,
    ) -> Generation<F> {
        let tells_changes = facts.kind.is_stream() || file.tells_changes();
        Generation {
            key,
            tells_changes,
            identity: facts.identity,
            kind: facts.kind,
            file,
            position,
            marks,
            longest: facts.length,
            modified: facts.modified,
            longest_sure: facts.length,
            is_drained: false,
            asked: 0,
            is_doubted: false,
            written: position,
            ahead: None,
            tail: None,
            held: 0,
            last_data: Instant::now(),
            watch: None,
            said_unreadable: false,
            is_copy: false,
            is_fresh: position == 0 && !facts.kind.is_stream(),
            ended: false,
        }
    }

    /// Reads on, with `framer`, which holds this file's tail.
    pub(crate) fn read(&mut self, framer: &mut Framer) -> io::Result<Chunk> {
        if self.ended {
            return Ok(Chunk::Drained);
        }
        if self.marks.is_empty() && self.position > 0 && !self.kind.is_stream() {
            // They could not be read when it was opened.
            self.marks = Marks::read(&*self.file, self.position)?;
        }
        framer.reserve()?;
        let space = framer.space();
        let wanted = space.len();
        let count = match self.file.read_at(space, self.position) {
            Ok(0) if self.kind.is_stream() => return Ok(Chunk::End),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Chunk::Drained),
            read => read?,
        };
        self.said_unreadable = false;
        if count == 0 {
            let how = if self.is_doubted {
                self.renewed()
            } else {
                None
            };
            self.is_drained = self.tells_changes;
            return Ok(how.map_or(Chunk::Drained, Chunk::Renewed));
        }
        if !self.kind.is_stream() {
            let mut longest = self.position + count as u64;
            if count == wanted {
                longest = longest.max(self.file.facts()?.length);
            }
            // After the read: if the bytes before are still there, what was read is what followed them.
            if !self.marks.are_in(&*self.file, self.position)? {
                return Ok(Chunk::Renewed(Renewed::Rewritten));
            }
            self.is_doubted = false;
            self.marks.advance(&space[..count]);
            self.longest = if self.position == 0 {
                // What was seen of it before it was read may have been another text.
                longest
            } else {
                self.longest.max(longest)
            };
            self.longest_sure = self.longest;
        }
        let is_short = count < wanted && self.tells_changes;
        self.is_drained = is_short;
        self.position += count as u64;
        self.last_data = Instant::now();
        let block = framer.filled(count);
        self.held = framer.tail_len();
        Ok(match block {
            Some(block) => Chunk::Block(block),
            // What comes after a short read rings the bell again.
            None if is_short => Chunk::Drained,
            None => Chunk::Partial,
        })
    }

    /// Something may have happened to it: the next read will tell.
    pub(crate) fn doubt(&mut self) {
        self.is_drained = false;
        self.is_doubted = true;
    }

    /// Something may have happened to it. Is there another text in it than the one that was read?
    pub(crate) fn renewed(&mut self) -> Option<Renewed> {
        self.is_drained = false;
        self.is_doubted = false;
        if self.kind.is_stream() || self.ended {
            return None;
        }
        let length = self.file.facts().ok()?.length;
        if self.position == 0 && length < self.longest && self.tells_changes {
            return Some(Renewed::Truncated);
        }
        // What cannot be read now is told when it is read. A file that is made up as it is read, as those of /proc
        // are, is not shorter because it says so.
        if !self
            .marks
            .are_in(&*self.file, self.position)
            .unwrap_or(true)
        {
            return Some(if length < self.position {
                Renewed::Truncated
            } else {
                Renewed::Rewritten
            });
        }
        self.longest = self.longest.max(length);
        None
    }

    /// Nothing has been read of it. Has something been written all the same, which is gone?
    pub(crate) fn has_passed(&mut self) -> bool {
        if self.position > 0 || self.kind.is_stream() || self.ended {
            return false;
        }
        let facts = self.file.facts();
        let changed = facts.map_or(self.modified, |facts| facts.modified);
        std::mem::replace(&mut self.modified, changed) != changed
    }

    /// What was read of it.
    pub(crate) fn text(&self) -> Text {
        Text {
            position: self.position,
            fingerprint: self.marks.fingerprint(),
        }
    }

    /// Does the system tell when it changes?
    pub(crate) fn tells_changes(&self) -> bool {
        self.tells_changes
    }

    /// Is it a stream from which something may still come?
    pub(crate) fn is_stream(&self) -> bool {
        self.kind.is_stream() && !self.ended
    }

    /// The greatest length seen.
    pub(crate) fn longest(&self) -> u64 {
        self.longest
    }

    /// Has it been read up to here?
    pub(crate) fn is_read_to(&self, position: u64) -> bool {
        self.position >= position
    }

    /// Was it read to its end after what `newer` holds had been read?
    pub(crate) fn is_drained_since(&self, newer: &Generation<F>) -> bool {
        let is_drained = self.ended || self.is_drained && self.asked > newer.asked;
        is_drained && self.ahead.is_none()
    }

    /// How much more there is, as far as was seen.
    pub(crate) fn seen_ahead(&self) -> u64 {
        self.longest.saturating_sub(self.position)
    }

    /// Is there more to read? If that cannot be told, there is not.
    pub(crate) fn has_more(&self) -> bool {
        let is_longer = |facts: Facts| facts.length > self.position;
        !self.ended && self.file.facts().is_ok_and(is_longer)
    }

    /// How many bytes are known to be behind the position.
    pub(crate) fn unread(&self) -> u64 {
        let length = self.file.facts().map_or(0, |facts| facts.length);
        length.max(self.longest).saturating_sub(self.position)
    }

    /// How many bytes were there and will not be read, if all that is left are the first `length`. Of a file that
    /// was rewritten it is not known whose bytes were seen last.
    pub(crate) fn lost_behind(&self, length: u64, how: Renewed) -> u64 {
        let longest = match how {
            Renewed::Truncated => self.longest,
            Renewed::Rewritten => self.longest_sure,
        };
        longest.saturating_sub(self.position.max(length))
    }

    /// Goes on in a copy of the text, which was read up to the same position.
    pub(crate) fn go_on_in(&mut self, copy: Arc<F>, facts: &Facts) {
        self.file = copy;
        self.is_copy = true;
        self.identity = facts.identity;
        self.longest = facts.length;
        self.modified = facts.modified;
        self.longest_sure = facts.length;
        self.is_drained = false;
        self.last_data = Instant::now();
    }
}
