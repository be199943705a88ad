//! The buffers that blocks share, and where they go when the last block of one is dropped.

use std::collections::TryReserveError;
use std::sync::{Arc, Mutex, PoisonError};

/// The alignment of a read: into a buffer that begins 16 bytes into a page, as the allocator hands out large
/// ones, `read(2)` runs at 2.7 GB/s on Zen 3, at the page's start at 12 to 14.
const PAGE: usize = 4096;
/// Buffers a pool keeps for later; beyond it they go back to the allocator.
const KEPT: usize = 16;

/// The memory of one or more blocks, which begins at a page. Goes back to its pool when dropped.
pub(crate) struct Buf {
    memory: Vec<u8>,
    /// Where the first page begins in `memory`: alignment without `unsafe`, for at most a page.
    base: usize,
    home: Option<Pool>,
}

impl Buf {
    /// Fresh zeroed memory, which costs nothing until it is touched, in no pool.
    pub(crate) fn with_capacity(capacity: usize) -> Buf {
        let memory = vec![0; capacity + PAGE];
        let base = memory.as_ptr().align_offset(PAGE);
        // `align_offset` may refuse to say (const evaluation only); then the reads are slow, not wrong.
        let base = if base > PAGE { 0 } else { base };
        Buf {
            memory,
            base,
            home: None,
        }
    }

    /// Makes room for so many more bytes, if there is memory for them. The pages of a large buffer are moved
    /// (`realloc(3)`), which copies nothing. It is no longer its pool's: there all are of one size.
    pub(crate) fn grow(&mut self, more: usize) -> Result<(), TryReserveError> {
        self.memory.try_reserve(more)?;
        self.memory.resize(self.memory.len() + more, 0);
        self.home = None;
        Ok(())
    }

    /// Takes bytes as they are: no pool, no alignment.
    pub(crate) fn from_vec(memory: Vec<u8>) -> Buf {
        Buf {
            memory,
            base: 0,
            home: None,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.memory[self.base..]
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.base..]
    }

    /// What the buffer holds on to, in bytes.
    pub(crate) fn retained(&self) -> usize {
        self.memory.capacity()
    }

    /// The vector of a buffer made by [`from_vec`](Buf::from_vec), to be filled again.
    pub(crate) fn into_vec(mut self) -> Vec<u8> {
        std::mem::take(&mut self.memory)
    }
}

impl Drop for Buf {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.put(std::mem::take(&mut self.memory), self.base);
        }
    }
}

/// Buffers of one size. A clone is the same pool.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shelf>);

struct Shelf {
    capacity: usize,
    /// Memory and where its first page begins.
    free: Mutex<Vec<(Vec<u8>, usize)>>,
}

impl Pool {
    /// A pool of buffers of `capacity` bytes.
    pub(crate) fn new(capacity: usize) -> Pool {
        Pool(Arc::new(Shelf {
            capacity,
            free: Mutex::new(Vec::new()),
        }))
    }

    pub(crate) fn take(&self) -> Buf {
        let free = self.free().pop();
        let mut buf = match free {
            Some((memory, base)) => Buf {
                memory,
                base,
                home: None,
            },
            None => Buf::with_capacity(self.0.capacity),
        };
        buf.home = Some(self.clone());
        buf
    }

    fn put(&self, memory: Vec<u8>, base: usize) {
        let mut free = self.free();
        if free.len() < KEPT {
            free.push((memory, base));
        }
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<(Vec<u8>, usize)>> {
        // A push and a pop cannot leave the list half done: a panic elsewhere does not make it wrong.
        self.0.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn idle(&self) -> usize {
        self.free().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_when_dropped() {
        let pool = Pool::new(1 << 16);
        let (one, two) = (pool.take(), pool.take());
        assert_eq!(pool.idle(), 0);
        drop(one);
        drop(two);
        assert_eq!(pool.idle(), 2);
        let again = pool.take();
        assert_eq!(pool.idle(), 1);
        assert_eq!(again.bytes().as_ptr() as usize % PAGE, 0);
        assert!(again.bytes().len() >= 1 << 16);
    }

    #[test]
    fn a_pool_keeps_only_so_many() {
        let pool = Pool::new(16);
        let taken: Vec<Buf> = (0..KEPT + 4).map(|_| pool.take()).collect();
        drop(taken);
        assert_eq!(pool.idle(), KEPT);
    }
}
