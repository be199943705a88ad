//! An output of a relay.

use std::cell::RefCell;
use std::io;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::Arc;

use super::copies::FileCopy;
use crate::staging::Staging;
use crate::sys::{self, Kind};
use crate::{Block, Error, Flow, Interest, Result, Sink, Stage, Wait, Waits};

/// An output of a [`Relay`](super::Relay). Made by [`Relay::sink`](super::Relay::sink).
#[derive(Debug)]
pub struct RelaySink<F>(Rc<RefCell<Output<F>>>);

/// What the relay's input does to an output.
pub(super) trait Lane {
    /// Can it be sent anything ever again?
    fn is_open(&self) -> bool;
    /// How much can be put into its pipe? 0 if nothing can.
    fn capacity(&self) -> usize;
    /// Could it be moved something now?
    fn offer(&mut self) -> Offer;
    /// Its name, and whether it is moved what comes, if that was not told yet.
    fn news(&mut self) -> Option<(Arc<str>, bool)>;
    /// Where to put it then.
    fn staging(&mut self) -> Option<&mut Staging>;
    /// It is moved nothing any more, and is sent what is in its pipe.
    fn refuse(&mut self);
    /// It is moved nothing any more, and what is in its pipe is forgotten: it will be sent that.
    fn give_back(&mut self);
    /// If it has all of a round, it is not to be sent so many bytes of it.
    fn skip_if_staged(&mut self, all: usize, count: usize);
    /// Moves on what is in its pipe, as far as there is room, unless it is a file.
    fn push(&mut self);
    /// What is in its pipe, if it is a file: others may be written at the same time.
    fn copy(&self) -> Option<FileCopy<'_>>;
    /// So much of that was moved.
    fn pushed(&mut self, moved: io::Result<usize>);
}

/// Can an output be moved something?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    Ready,
    /// It still has something to write.
    NotNow,
    /// It has to be sent everything.
    Never,
}

#[derive(Debug)]
struct Output<F> {
    sink: Sink<F>,
    /// What was moved and is not in the output yet.
    staging: Option<Staging>,
    is_file: bool,
    /// How much that holds at most.
    capacity: usize,
    /// It is moved nothing any more; what is in the pipe is to be sent.
    refuses: bool,
    /// How many of the bytes that it is sent next it has already got.
    skip: usize,
    closed: bool,
    /// Whether it is moved what comes, as was told.
    told: Option<bool>,
    /// For room, while something is in the pipe.
    wait: Option<Wait>,
}

impl<F: AsFd> RelaySink<F> {
    pub(super) fn new(sink: Sink<F>) -> RelaySink<F> {
        RelaySink(Rc::new(RefCell::new(Output {
            sink,
            staging: None,
            is_file: false,
            capacity: 0,
            refuses: false,
            skip: 0,
            closed: false,
            told: None,
            wait: None,
        })))
    }
}

impl<F: AsFd + 'static> RelaySink<F> {
    pub(super) fn lane(&self) -> Rc<RefCell<dyn Lane>> {
        Rc::clone(&self.0) as Rc<RefCell<dyn Lane>>
    }
}

impl<F: AsFd> Output<F> {
    /// The way into it, if there is one on which nothing waits but for a disk.
    fn open(&mut self) -> io::Result<Staging> {
        let unsupported = || io::Error::from(io::ErrorKind::Unsupported);
        let output = self.sink.output().filter(|_| self.sink.needs_no_bytes());
        let output = output.ok_or_else(unsupported)?;
        match sys::kind(output)? {
            Kind::Pipe => sys::enlarge_pipe(output, Staging::SIZE),
            Kind::Regular => self.is_file = true,
            Kind::Null => {}
            Kind::Socket | Kind::Other => return Err(unsupported()),
        }
        let staging = Staging::new()?;
        // A user who has many pipes gets tiny ones.
        if staging.capacity() < super::LEAST {
            return Err(unsupported());
        }
        Ok(staging)
    }

    /// How many bytes are on their way.
    fn staged(&self) -> usize {
        self.staging.as_ref().map_or(0, Staging::held)
    }

    /// From where to where what is in the pipe is to be moved, if something is.
    fn way(&self) -> Option<FileCopy<'_>> {
        let staging = self.staging.as_ref().filter(|_| !self.refuses)?;
        let (from, to, count) = (staging.head(), self.sink.output()?, staging.held());
        (count > 0).then_some(FileCopy { from, to, count })
    }

    /// Moves on what is in the pipe, as far as there is room.
    fn push_on(&mut self) {
        if let Some(FileCopy { from, to, count }) = self.way() {
            let moved = sys::splice(from, to, count);
            self.pushed(moved);
        }
    }

    /// Sends what is in the pipe: what goes wrong with the output is met there.
    fn send_staged(&mut self) -> Result<Flow> {
        self.refuses = true;
        let Some(mut staging) = self.staging.take().filter(|staging| staging.held() > 0) else {
            return Ok(Flow::More);
        };
        match staging.read(staging.held()) {
            Ok(bytes) => {
                let _ = self.sink.send(&Block::from(bytes))?;
                self.sink.flush()
            }
            // Our own pipe's.
            Err(error) => Err(self.sink.error(error)),
        }
    }
}

impl<F: AsFd> Lane for Output<F> {
    fn is_open(&self) -> bool {
        !self.closed
    }

    fn capacity(&self) -> usize {
        if self.refuses { 0 } else { self.capacity }
    }

    fn offer(&mut self) -> Offer {
        if self.staged() > 0 || self.skip > 0 || !self.sink.holds_nothing() {
            return Offer::NotNow;
        }
        if self.staging.is_none() && !self.refuses {
            self.staging = self.open().ok();
            self.capacity = self.staging.as_ref().map_or(0, Staging::capacity);
            self.refuses = self.staging.is_none();
        }
        if self.refuses {
            Offer::Never
        } else {
            Offer::Ready
        }
    }

    fn news(&mut self) -> Option<(Arc<str>, bool)> {
        let is_moved = self.staging.is_some() && !self.refuses;
        let is_decided = is_moved || self.refuses;
        let is_news = is_decided && self.told.replace(is_moved) != Some(is_moved);
        is_news.then(|| (Arc::clone(self.sink.name()), is_moved))
    }

    fn staging(&mut self) -> Option<&mut Staging> {
        self.staging.as_mut().filter(|_| !self.refuses)
    }

    fn refuse(&mut self) {
        self.refuses = true;
    }

    fn give_back(&mut self) {
        self.refuses = true;
        self.staging = None;
    }

    fn skip_if_staged(&mut self, all: usize, count: usize) {
        if self.staged() == all {
            self.skip = count;
        }
    }

    fn push(&mut self) {
        if !self.is_file {
            self.push_on();
        }
    }

    fn copy(&self) -> Option<FileCopy<'_>> {
        self.way().filter(|_| self.is_file)
    }

    fn pushed(&mut self, moved: io::Result<usize>) {
        match moved {
            Ok(count @ 1..) => {
                self.sink.moved(count);
                if let Some(staging) = &mut self.staging {
                    staging.taken(count);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // Whatever it is, a write will say so, or do.
            Ok(0) | Err(_) => self.refuses = true,
        }
    }
}

impl<F: AsFd> Stage for Output<F> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        let has = self.skip.min(block.len());
        self.skip -= has;
        let mut flow = Flow::More;
        // After a signal, too, what comes is behind what is on its way.
        if self.staged() > 0 && (self.refuses || has < block.len()) {
            flow = self.send_staged()?;
        }
        if has < block.len() {
            let mut block = block.clone();
            block.skip(has);
            flow = self.sink.send(&block)?;
        }
        Ok(if self.staged() > 0 { Flow::Full } else { flow })
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.sink)
    }

    fn flush(&mut self) -> Result<Flow> {
        let flow = self.sink.flush()?;
        Ok(if self.staged() > 0 { Flow::Full } else { flow })
    }

    fn close(&mut self) -> Result<()> {
        self.closed = true;
        let sent = self.send_staged();
        let closed = self.sink.close();
        sent.and(closed)
    }

    fn throw(&mut self, error: Error) -> Result<()> {
        let _ = self.close();
        Err(error)
    }

    fn waits(&mut self, waits: &mut Waits) {
        self.wait = None;
        match self.sink.output() {
            Some(output) if self.staged() > 0 => {
                self.wait = Some(waits.add(output, Interest::Write));
                if self.refuses {
                    waits.now();
                }
            }
            _ => self.sink.waits(waits),
        }
    }

    fn wake(&mut self, waits: &Waits) -> Result<Flow> {
        if self.staged() == 0 {
            return self.sink.wake(waits);
        }
        if self.wait.is_some_and(|wait| waits.is_ready(wait)) {
            self.push_on();
        }
        if self.refuses {
            return self.send_staged();
        }
        Ok(if self.staged() > 0 {
            Flow::Full
        } else {
            Flow::More
        })
    }
}

impl<F: AsFd> Stage for RelaySink<F> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        self.0.borrow_mut().send(block)
    }

    /// What it sends to is shared with the relay's input: everything is forwarded by the methods below.
    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }

    fn flush(&mut self) -> Result<Flow> {
        self.0.borrow_mut().flush()
    }

    fn close(&mut self) -> Result<()> {
        self.0.borrow_mut().close()
    }

    fn throw(&mut self, error: Error) -> Result<()> {
        self.0.borrow_mut().throw(error)
    }

    fn waits(&mut self, waits: &mut Waits) {
        self.0.borrow_mut().waits(waits);
    }

    fn wake(&mut self, waits: &Waits) -> Result<Flow> {
        self.0.borrow_mut().wake(waits)
    }

    fn idle(&mut self) -> bool {
        self.0.borrow_mut().idle()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::thread;

    use super::*;
    use crate::{Reader, Relay, Source, broadcast, sink};

    /// Sends a text through a relay to pipes. The staging pipe of each holds so many bytes, and is taken to hold so many.
    fn arrives_exactly(pipes: &[(libc::c_int, usize)]) {
        let relay = Relay::new();
        let text: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut targets: Vec<Box<dyn Stage>> = Vec::new();
        let mut readers = Vec::new();
        for &(holds, capacity) in pipes {
            let (mut reader, writer) = io::pipe().expect("a pipe");
            let output = relay.sink(sink("a pipe", writer));
            output.0.borrow_mut().staging = Some(Staging::of(holds).expect("a pipe"));
            output.0.borrow_mut().capacity = capacity;
            targets.push(Box::new(output));
            readers.push(thread::spawn(move || {
                let mut got = Vec::new();
                reader.read_to_end(&mut got).map(|_| got)
            }));
        }
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let written = text.clone();
        thread::spawn(move || writer.write_all(&written));
        let input = relay.reader(Reader::new("a pipe", reader).expect("a reader"));
        Source::new(input)
            .drive(broadcast(targets))
            .expect("driven");
        for reader in readers {
            assert!(reader.join().expect("a reader").expect("read") == text);
        }
    }

    #[test]
    fn pipes_of_different_sizes_get_the_same() {
        arrives_exactly(&[(1 << 20, 1 << 20), (1 << 16, 1 << 16), (1 << 18, 1 << 18)]);
    }

    // As when another process of the same user has taken what was left of its pipes' memory.
    #[test]
    fn a_pipe_that_takes_less_than_expected_leaves_nobody_short() {
        // Not the last: put into by tee.
        arrives_exactly(&[(1 << 20, 1), (4096, 2), (1 << 20, 3)]);
        // The last: moved into.
        arrives_exactly(&[(1 << 20, 1), (1 << 20, 2), (4096, 3)]);
        // The first decides for all.
        arrives_exactly(&[(4096, 1), (1 << 20, 2), (1 << 20, 3)]);
        arrives_exactly(&[(4096, 1)]);
    }
}
