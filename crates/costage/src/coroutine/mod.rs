//! Functions that are suspended where they wait and go on when they are sent something, on stable Rust: the
//! body is an `async` closure, polled by hand with a waker that does nothing. No executor, no `unsafe`.

mod input;
mod output;
mod stage;
mod two_way;

pub use input::Input;
pub use output::Output;
pub use stage::{CoroutineStage, coroutine};
pub use two_way::{Coroutine, Generator, Yielder};

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::Result;

/// A suspended body.
type Body = Pin<Box<dyn Future<Output = Result<()>>>>;

/// Lets the body run until it waits or ends.
fn resume(body: &mut Body) -> Poll<Result<()>> {
    body.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}
