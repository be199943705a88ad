//! What waits on disk for a target.

use std::collections::VecDeque;
use std::env;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use costage::Block;

/// Read back at once: neighbouring blocks are joined up to this.
const PIECE: usize = 256 << 10;
/// Space is given back in steps of this size.
const GIVEN_BACK: u64 = 1 << 20;

/// Blocks in their order, in a file without a name.
#[derive(Debug)]
pub(crate) struct Spill {
    file: File,
    /// The lengths of what is read back at once: whole lines, as they came.
    pieces: VecDeque<usize>,
    /// Where the first begins.
    start: u64,
    /// Where the last ends.
    end: u64,
    /// Up to here the space has been given back.
    freed: u64,
    terminator: u8,
}

impl Spill {
    /// An empty one in the directory for temporary files (`TMPDIR`).
    pub(crate) fn new() -> io::Result<Spill> {
        Ok(Spill {
            file: nameless(&env::temp_dir())?,
            pieces: VecDeque::new(),
            start: 0,
            end: 0,
            freed: 0,
            terminator: b'\n',
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Adds a block; if that fails nothing was added.
    pub(crate) fn push(&mut self, block: &Block) -> io::Result<()> {
        if let Err(error) = self.file.write_all_at(block, self.end) {
            // What was written of it is in the way of others. Should that fail too, it is written over.
            let _ = self.file.set_len(self.end);
            return Err(error);
        }
        self.terminator = block.terminator();
        self.end += block.len() as u64;
        match self.pieces.back_mut() {
            Some(last) if *last + block.len() <= PIECE => *last += block.len(),
            _ => self.pieces.push_back(block.len()),
        }
        Ok(())
    }

    /// Takes the first lines.
    pub(crate) fn next(&mut self) -> io::Result<Option<Block>> {
        let Some(&length) = self.pieces.front() else {
            return Ok(None);
        };
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, self.start)?;
        self.pieces.pop_front();
        self.start += length as u64;
        self.give_back();
        Ok(Some(Block::with_terminator(bytes, self.terminator)))
    }

    /// Gives back the space of what has been read.
    fn give_back(&mut self) {
        if self.pieces.is_empty() {
            // Should it fail, the space comes back in the end.
            let _ = self.file.set_len(0);
            (self.start, self.end, self.freed) = (0, 0, 0);
        } else if self.start - self.freed >= GIVEN_BACK {
            punch(&self.file, self.freed, self.start - self.freed);
            self.freed = self.start;
        }
    }
}

/// A new file that no name leads to.
fn nameless(directory: &Path) -> io::Result<File> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = directory.join(format!("cobroadcast-{}-{number}", process::id()));
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    fs::remove_file(path)?;
    Ok(file)
}

/// Makes a hole in a file. Where that cannot be done the space comes back in the end.
#[cfg(target_os = "linux")]
fn punch(file: &File, at: u64, length: u64) {
    use rustix::fs::{FallocateFlags, fallocate};
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    let _ = fallocate(file, flags, at, length);
}

#[cfg(not(target_os = "linux"))]
fn punch(_: &File, _: u64, _: u64) {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn what_goes_in_comes_out_in_order_and_the_space_is_given_back() {
        let mut spill = Spill::new().expect("a file");
        let mut expected = Vec::new();
        let mut got = Vec::new();
        for number in 0..400_usize {
            let block = Block::from(&*format!("{number}\n").repeat(10_000));
            expected.extend_from_slice(&block);
            spill.push(&block).expect("written");
            // One of two stays.
            if number % 2 == 1 {
                got.extend_from_slice(&spill.next().expect("read").expect("a piece"));
            }
        }
        let on_disk = spill.file.metadata().expect("metadata").blocks() * 512;
        let waiting = (expected.len() - got.len()) as u64;
        if cfg!(target_os = "linux") {
            assert!(
                on_disk <= waiting + 3 * GIVEN_BACK,
                "{on_disk} for {waiting}"
            );
        }
        while let Some(block) = spill.next().expect("read") {
            assert!(block.is_finished());
            got.extend_from_slice(&block);
        }
        assert!(got == expected);
        assert_eq!(spill.file.metadata().expect("metadata").len(), 0);
    }
}
