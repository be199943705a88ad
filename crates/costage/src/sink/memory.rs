//! Sinks that write nothing.

use std::cell::RefCell;
use std::rc::Rc;

use crate::{Block, Flow, Result, Stage};

/// A sink that takes everything and keeps nothing.
pub fn discard() -> Discard {
    Discard
}

/// A sink that takes everything and keeps nothing. Made by [`discard`].
#[derive(Clone, Copy, Debug)]
pub struct Discard;

impl Stage for Discard {
    fn send(&mut self, _: &Block) -> Result<Flow> {
        Ok(Flow::More)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }
}

/// A sink that keeps what it is sent, and the handle to take it by: for tests and examples.
pub fn collect() -> (Collected, Collect) {
    let bytes = Rc::new(RefCell::new(Vec::new()));
    (Collected(Rc::clone(&bytes)), Collect(bytes))
}

/// What a [`collect`] sink has been sent.
#[derive(Debug)]
pub struct Collected(Rc<RefCell<Vec<u8>>>);

impl Collected {
    /// The bytes sent since it was last asked.
    pub fn take(&self) -> Vec<u8> {
        self.0.take()
    }
}

/// A sink that keeps what it is sent.
#[derive(Debug)]
pub struct Collect(Rc<RefCell<Vec<u8>>>);

impl Stage for Collect {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        self.0.borrow_mut().extend_from_slice(block);
        Ok(Flow::More)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }
}
