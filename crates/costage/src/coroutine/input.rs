//! Where a coroutine receives.

use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use crate::{Block, Error, Result};

/// A body that asks again and again after the end is told so this often; then it is left waiting, and its chain
/// learns that it ignored the end, instead of hanging in it.
const TOLD_AT_MOST: u32 = 1000;

/// What the stage has for its body.
pub(super) enum Mail {
    Empty,
    Block(Block),
    Thrown(Error),
    /// The end, which has been told so many times.
    Closed(u32),
}

/// Where a coroutine receives: the `(yield)` of the course.
pub struct Input {
    mail: Rc<RefCell<Mail>>,
    /// The block whose lines [`line`](Input::line) hands out, and how far it is.
    block: Option<Block>,
    at: usize,
}

impl Input {
    /// One that gets what is put into `mail`.
    pub(super) fn new(mail: Rc<RefCell<Mail>>) -> Input {
        Input {
            mail,
            block: None,
            at: 0,
        }
    }

    /// Waits for the next block; `None` is the end. After [`line`](Input::line) it is first what is left of the
    /// block whose lines were handed out.
    ///
    /// # Errors
    ///
    /// The error that is thrown into the chain.
    pub async fn recv(&mut self) -> Result<Option<Block>> {
        let at = std::mem::take(&mut self.at);
        match self.block.take() {
            Some(block) if at < block.len() => Ok(Some(block.slice(at..block.len()))),
            _ => self.next().await,
        }
    }

    async fn next(&mut self) -> Result<Option<Block>> {
        poll_fn(|_| {
            let mut mail = self.mail.borrow_mut();
            match std::mem::replace(&mut *mail, Mail::Empty) {
                Mail::Empty => Poll::Pending,
                Mail::Block(block) => Poll::Ready(Ok(Some(block))),
                Mail::Thrown(error) => Poll::Ready(Err(error)),
                Mail::Closed(told) => {
                    *mail = Mail::Closed(told.saturating_add(1));
                    if told < TOLD_AT_MOST {
                        Poll::Ready(Ok(None))
                    } else {
                        Poll::Pending
                    }
                }
            }
        })
        .await
    }

    /// Waits for the next line, with its terminator; `None` is the end. About twice the cost of a block at a
    /// time for short lines.
    ///
    /// # Errors
    ///
    /// As [`recv`](Input::recv).
    pub async fn line(&mut self) -> Result<Option<&[u8]>> {
        while self
            .block
            .as_ref()
            .is_none_or(|block| self.at == block.len())
        {
            self.at = 0;
            self.block = self.next().await?;
            if self.block.is_none() {
                return Ok(None);
            }
        }
        let Some(block) = &self.block else {
            return Ok(None);
        };
        let rest = &block[self.at..];
        let length = memchr::memchr(block.terminator(), rest).map_or(rest.len(), |end| end + 1);
        self.at += length;
        Ok(Some(&rest[..length]))
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").finish_non_exhaustive()
    }
}
