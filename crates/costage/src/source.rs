//! Where a chain begins: what is read, and the loop that pushes it.

use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;

use crate::{Block, Driver, Ended, Framing, Reader, Result, Signals, Stage, Waits};

/// What a [`Source`] reads: something that is waited for and then gives blocks without waiting.
///
/// One that stands before another writes [`waits`](Pull::waits), [`pull`](Pull::pull) and [`source`](Pull::source);
/// every other method forwards to that.
pub trait Pull {
    /// Adds what this waits for. With `room` false the chain takes nothing now: wait only for what has to be
    /// seen to in the meantime.
    fn waits(&mut self, waits: &mut Waits, room: bool);

    /// The next block, if there is one now.
    fn pull(&mut self, waits: &Waits) -> Result<Pulled>;

    /// What this one reads, if that is a source, too. What the default methods forward to.
    fn source(&mut self) -> Option<&mut dyn Pull> {
        None
    }

    /// Sees to what must not wait for room in the chain; called after every wait.
    fn look(&mut self, waits: &Waits) -> Result<()> {
        self.source().map_or(Ok(()), |source| source.look(waits))
    }

    /// Is the other end a process that got the same ^C and still sends what it holds? Then the chain goes on
    /// for a moment after a signal; otherwise it ends at once.
    fn drains(&mut self) -> bool {
        self.source().is_some_and(Pull::drains)
    }

    /// How many bytes of an unfinished line it holds.
    fn held(&mut self) -> usize {
        self.source().map_or(0, Pull::held)
    }

    /// Is it known that nothing more is there now? Then the chain need not ask before it is flushed.
    fn is_drained(&mut self) -> bool {
        self.source().is_some_and(Pull::is_drained)
    }

    /// Looks for what it may not have been told of yet: before silence is taken for the end.
    fn look_again(&mut self) {
        if let Some(source) = self.source() {
            source.look_again();
        }
    }

    /// The source is to end before its end: gives out what it holds, an unfinished line.
    fn stop(&mut self) -> Option<Block> {
        self.source().and_then(Pull::stop)
    }
}

/// What a [`Pull`] has for now.
#[derive(Debug)]
pub enum Pulled {
    /// A block of whole lines.
    Block(Block),
    /// Something came that is not to be sent now: no line is whole yet, or it went another way.
    Partial,
    /// Nothing now: it has to be waited for.
    Wait,
    /// Nothing any more.
    End,
}

impl<P: Pull + ?Sized> Pull for &mut P {
    fn waits(&mut self, waits: &mut Waits, room: bool) {
        (**self).waits(waits, room);
    }

    fn pull(&mut self, waits: &Waits) -> Result<Pulled> {
        (**self).pull(waits)
    }

    fn source(&mut self) -> Option<&mut dyn Pull> {
        (**self).source()
    }

    fn look(&mut self, waits: &Waits) -> Result<()> {
        (**self).look(waits)
    }

    fn drains(&mut self) -> bool {
        (**self).drains()
    }

    fn held(&mut self) -> usize {
        (**self).held()
    }

    fn is_drained(&mut self) -> bool {
        (**self).is_drained()
    }

    fn look_again(&mut self) {
        (**self).look_again();
    }

    fn stop(&mut self) -> Option<Block> {
        (**self).stop()
    }
}

/// The beginning of a chain. It drives the whole: `source.drive(grep(pattern, printer()))`.
///
/// ```
/// use costage::{Source, collect};
///
/// let (lines, sink) = collect();
/// Source::text("to be\nor not\n").drive(sink)?;
/// assert_eq!(lines.take(), b"to be\nor not\n");
/// # Ok::<(), costage::Error>(())
/// ```
#[derive(Debug)]
pub struct Source<P = Reader> {
    pull: P,
    driver: Driver,
}

impl Source<Reader> {
    /// Standard input; an error if it was closed when the process started.
    pub fn stdin() -> Result<Source> {
        Reader::stdin().map(Source::new)
    }

    /// The file at `path`.
    pub fn open(path: impl AsRef<Path>) -> Result<Source> {
        Reader::open(path).map(Source::new)
    }

    /// Any reader with a descriptor: the end of a pipe, a socket, a child's output. Messages call it `name`.
    ///
    /// ```
    /// use std::io::Write;
    /// use costage::{Source, collect};
    ///
    /// let (reader, mut writer) = std::io::pipe()?;
    /// writer.write_all(b"through a pipe\n")?;
    /// drop(writer);
    /// let (lines, sink) = collect();
    /// Source::reader("a pipe", reader)?.drive(sink)?;
    /// assert_eq!(lines.take(), b"through a pipe\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reader(name: impl Into<Arc<str>>, fd: impl AsFd + Send + 'static) -> Result<Source> {
        Reader::new(name, fd).map(Source::new)
    }

    /// Lines end in `terminator`, and are cut as `framing` says.
    pub fn framed(mut self, terminator: u8, framing: Framing) -> Source {
        self.pull = self.pull.framed(terminator, framing);
        self
    }
}

impl Source<Text> {
    /// Text that is at hand.
    pub fn text(text: impl Into<Block>) -> Source<Text> {
        Source::new(Text::new(text))
    }
}

impl<P: Pull> Source<P> {
    /// A source of one's own.
    pub fn new(pull: P) -> Source<P> {
        Source {
            pull,
            driver: Driver::new(),
        }
    }

    /// Ends in order at a signal.
    pub fn signals(mut self, signals: Signals) -> Source<P> {
        self.driver = self.driver.signals(signals);
        self
    }

    /// Pushes everything through `chain`, closes it and waits until all is written: the one waiting loop, see
    /// [`Driver`].
    ///
    /// # Errors
    ///
    /// The first of the source or of a stage; [`Error::ReaderGone`](crate::Error::ReaderGone) if the reader of
    /// a sink left.
    pub fn drive(mut self, mut chain: impl Stage) -> Result<Ended> {
        let ended = self.driver.pump(&mut self.pull, &mut chain);
        self.driver.finish(&mut chain, ended)
    }
}

/// A text in memory, as a source.
#[derive(Debug)]
pub struct Text(Option<Block>);

impl Text {
    /// This text, once.
    pub fn new(text: impl Into<Block>) -> Text {
        Text(Some(text.into()))
    }
}

impl Pull for Text {
    fn waits(&mut self, waits: &mut Waits, room: bool) {
        if room {
            waits.now();
        }
    }

    fn pull(&mut self, _: &Waits) -> Result<Pulled> {
        Ok(match self.0.take() {
            Some(block) if !block.is_empty() => Pulled::Block(block),
            _ => Pulled::End,
        })
    }
}
