//! From one input to several outputs without passing through this process.

mod copies;
mod sink;

use std::cell::RefCell;
use std::os::fd::AsFd;
use std::rc::Rc;

use crate::staging::Staging;
use crate::{Block, Framing, Pull, Pulled, Reader, Result, Sink, Waits, sys};

use copies::Writers;
pub use sink::RelaySink;
use sink::{Lane, Offer};

/// With less than this in the input it is read: a piece that is moved takes up a whole page's place in a pipe however
/// small it is, so that few of them fill it, while what is written joins what is there.
const LEAST: usize = 32 << 10;
/// After so many reads in a row that brought little the input is not asked any more how much it has, until one brings
/// more: a lone line is out a system call sooner.
const TRICKLE: u32 = 8;
/// How much is moved in one round.
const ROUND: usize = Staging::SIZE.unsigned_abs() as usize;
/// The same where some output has to be written what is read: as much as stays in a cache meanwhile.
const MIXED_ROUND: usize = 256 << 10;

/// Lets the system move bytes from the input of a chain to its outputs: for a chain in which no stage has to see them.
///
/// Every output is a [`sink`](Relay::sink) of it and the input its [`reader`](Relay::reader). The chain is the usual
/// one. When there is much in the input (a pipe, or a file) it comes to the sinks by `tee(2)` and `splice(2)`; for a sink that the
/// system has no such way to (a file opened for appending, a socket, a terminal), it is read and sent through the
/// chain, and so is everything when there is little of it. What goes wrong with a sink is met, and told, by the
/// [`Sink`] inside; the others do not notice.
///
/// A sink that has no room holds the input back. What waits for room is in a pipe of 1 MiB for each, as far as the system
/// lets it be so large; the pipes at both ends are enlarged, too.
///
/// Of a file its pages go to a pipe and not copies of them: who writes over them, or cuts the file within a page,
/// changes what the reader has not read yet. To append to it changes nothing.
///
/// ```
/// use std::io::Read;
/// use costage::{Reader, Relay, Source, Stage, broadcast, sink};
///
/// let relay = Relay::new();
/// let ((mut one, first), (mut two, second)) = (std::io::pipe()?, std::io::pipe()?);
/// let targets: [Box<dyn Stage>; 2] =
///     [Box::new(relay.sink(sink("one", first))), Box::new(relay.sink(sink("two", second)))];
/// let input = relay.reader(Reader::open("Cargo.toml")?);
/// Source::new(input).drive(broadcast(targets))?;
/// let (mut copy, mut other) = (String::new(), String::new());
/// one.read_to_string(&mut copy)?;
/// two.read_to_string(&mut other)?;
/// assert_eq!(copy, std::fs::read_to_string("Cargo.toml")?);
/// assert_eq!(other, copy);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Relay {
    lanes: Rc<RefCell<Lanes>>,
    /// Who is told whether bytes are moved or read.
    tell: Option<Tell>,
}

/// Hears of an input or an output, by its name, whether the system moves its bytes.
type Tell = Rc<dyn Fn(&str, bool)>;

/// The outputs that are open; each is also a stage of the chain.
type Lanes = Vec<Rc<RefCell<dyn Lane>>>;

impl Relay {
    /// One that knows no sinks yet.
    pub fn new() -> Relay {
        Relay::default()
    }

    /// `tell` hears, of the input and of each output by its name, whether the system moves its bytes, once that is
    /// decided: when there first is much in the input. And again when it changes.
    pub fn watched(mut self, tell: impl Fn(&str, bool) + 'static) -> Relay {
        self.tell = Some(Rc::new(tell));
        self
    }

    /// An output. Without the relay's [`reader`](Relay::reader) it is the sink that it is made of.
    pub fn sink<F: AsFd + 'static>(&self, to: Sink<F>) -> RelaySink<F> {
        let sink = RelaySink::new(to);
        self.lanes.borrow_mut().push(sink.lane());
        sink
    }

    /// The input, whose bytes pass as they come ([`Framing::AsItComes`]).
    pub fn reader(&self, from: Reader) -> RelayReader {
        RelayReader {
            relay: self.clone(),
            from: from.framed(b'\n', Framing::AsItComes),
            way: Way::Untried,
            little: 0,
            writers: Writers::default(),
        }
    }
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lanes = self.lanes.borrow().len();
        f.debug_struct("Relay")
            .field("sinks", &lanes)
            .finish_non_exhaustive()
    }
}

/// The input of a [`Relay`]: a source. Made by [`Relay::reader`].
#[derive(Debug)]
pub struct RelayReader {
    relay: Relay,
    from: Reader,
    way: Way,
    /// So many reads in a row brought little.
    little: u32,
    writers: Writers,
}

/// How the input's bytes are got without reading them.
#[derive(Debug)]
enum Way {
    Untried,
    /// From a pipe. For several outputs they are first moved into this one: another reader of the input could take some
    /// of them between the copy for the first output and that for the next.
    Pipe(Staging),
    /// They are put into this pipe, and are gone from it at the end of each round unless some output took less.
    File(Staging),
    /// They are not, from here on.
    Read,
}

impl RelayReader {
    /// Moves what has come to all sinks. `None`: it is to be read.
    fn round(&mut self) -> Result<Option<Pulled>> {
        if matches!(self.way, Way::Untried) {
            self.begin();
            self.tell_way();
        }
        let lanes = Rc::clone(&self.relay.lanes);
        let mut lanes = lanes.borrow_mut();
        lanes.retain(|lane| lane.borrow().is_open());
        let (mut some_move, mut some_read) = (false, false);
        for lane in lanes.iter() {
            let offer = lane.borrow_mut().offer();
            if let Some(tell) = &self.relay.tell
                && let Some((name, is_moved)) = lane.borrow_mut().news()
            {
                tell(&name, is_moved);
            }
            match offer {
                Offer::Ready => some_move = true,
                Offer::NotNow => return Ok(None),
                Offer::Never => some_read = true,
            }
        }
        if !some_move {
            return Ok(None);
        }
        // What the first can hold, all others can.
        lanes.sort_by_key(|lane| lane.borrow().capacity());
        let most = if some_read { MIXED_ROUND } else { ROUND };
        let Some(head) = self.come(lanes.len() == 1 && !some_read) else {
            return Ok(None);
        };
        let Some(moved) = self.distribute(&head, &lanes, most, some_read) else {
            return Ok(None);
        };
        let pulled = match self.read_fed(moved.left)? {
            Some(block) => {
                for lane in lanes.iter() {
                    lane.borrow_mut().skip_if_staged(moved.all, block.len());
                }
                Pulled::Block(block)
            }
            None => Pulled::Partial,
        };
        // Those behind pipes have something to do while files are written.
        for lane in lanes.iter() {
            lane.borrow_mut().push();
        }
        write_files(&mut self.writers, &lanes);
        Ok(Some(pulled))
    }

    /// Puts what is at the head of the input into the staging pipes of all who are ready. The last one gets it moved,
    /// so that it is gone, unless others are to be sent it.
    fn distribute(
        &mut self,
        head: &Head,
        lanes: &[Rc<RefCell<dyn Lane>>],
        most: usize,
        mut some_read: bool,
    ) -> Option<Moved> {
        let from = match (head, &self.way) {
            (Head::Input, _) => self.from.fd(),
            (Head::Feed, Way::Pipe(feed) | Way::File(feed)) => feed.head(),
            (Head::Feed, _) => return None,
        };
        let mut all = None;
        let mut gone = 0;
        for (number, lane) in (1..).zip(lanes) {
            let mut lane = lane.borrow_mut();
            let Some(staging) = lane.staging() else {
                continue;
            };
            let most = all.unwrap_or(most);
            if number == lanes.len() && !some_read {
                gone = staging.fill(from, most).unwrap_or(0);
                if gone == 0 || all.is_some_and(|all| gone < all) {
                    // What it has not got it is sent, behind what it has.
                    lane.refuse();
                }
                all = all.or(Some(gone).filter(|&gone| gone > 0));
            } else {
                match staging.tee(from, most) {
                    Ok(put @ 1..) if all.is_none_or(|all| all == put) => all = Some(put),
                    _ => {
                        lane.give_back();
                        some_read = true;
                    }
                }
            }
        }
        if let (Head::Feed, Way::Pipe(feed) | Way::File(feed)) = (head, &mut self.way) {
            feed.taken(gone);
        }
        all.map(|all| Moved {
            all,
            left: all - gone,
        })
    }

    fn tell_way(&self) {
        if let (Some(tell), false) = (&self.relay.tell, matches!(self.way, Way::Untried)) {
            tell(self.from.name(), !matches!(self.way, Way::Read));
        }
    }

    fn begin(&mut self) {
        self.way = if let Some(pipe) = self.from.pipe() {
            // Not before there is something that is worth it.
            if sys::available(pipe).unwrap_or(0) < LEAST {
                return;
            }
            sys::enlarge_pipe(pipe, Staging::SIZE);
            Staging::new().map_or(Way::Read, Way::Pipe)
        } else if self.from.large_file().is_some()
            && let Ok(feed) = Staging::new()
        {
            Way::File(feed)
        } else {
            Way::Read
        };
    }

    /// Where something is that can be moved, if there is enough. What comes to one output alone can come straight from
    /// the input.
    fn come(&mut self, alone: bool) -> Option<Head> {
        let head = match &mut self.way {
            Way::Pipe(feed) | Way::File(feed) if feed.held() > 0 => Some(Head::Feed),
            Way::Pipe(feed) => {
                let pipe = self.from.pipe()?;
                if sys::available(pipe).ok()? < LEAST {
                    None
                } else if alone {
                    Some(Head::Input)
                } else {
                    let filled = feed.fill(pipe, ROUND);
                    filled.is_ok_and(|count| count > 0).then_some(Head::Feed)
                }
            }
            Way::File(_) if !self.from.holds_nothing() => None,
            Way::File(_) if alone => Some(Head::Input),
            // At the end, and if something is wrong, it is an ordinary read that will say so.
            Way::File(feed) => feed
                .fill(self.from.fd(), ROUND)
                .is_ok_and(|count| count > 0)
                .then_some(Head::Feed),
            Way::Untried | Way::Read => None,
        };
        if head.is_none() && matches!(self.way, Way::File(_)) {
            self.way = Way::Read;
        }
        head
    }

    /// Reads so much of what was taken from the input and could not be moved on.
    fn read_fed(&mut self, most: usize) -> Result<Option<Block>> {
        let (Way::Pipe(feed) | Way::File(feed)) = &mut self.way else {
            return Ok(None);
        };
        if most.min(feed.held()) == 0 {
            return Ok(None);
        }
        let bytes = feed.read(most).map_err(|error| self.from.error(error))?;
        Ok(Some(Block::from(bytes)))
    }
}

/// Moves on what is in the pipes before files.
fn write_files(writers: &mut Writers, lanes: &Lanes) {
    let borrowed: Vec<_> = lanes.iter().map(|lane| lane.borrow()).collect();
    let copies: Vec<_> = borrowed.iter().map(|lane| lane.copy()).collect();
    let made = writers.make(&copies.iter().flatten().collect::<Vec<_>>());
    let has_copy: Vec<bool> = copies.iter().map(Option::is_some).collect();
    drop(borrowed);
    let files = lanes.iter().zip(has_copy).filter(|(_, has_copy)| *has_copy);
    for ((lane, _), made) in files.zip(made) {
        lane.borrow_mut().pushed(made);
    }
}

/// Where the bytes of a round are.
enum Head {
    /// In the pipe, or the file, that is the input.
    Input,
    /// In the pipe that a file's pages are put into.
    Feed,
}

/// What became of a round.
struct Moved {
    /// So many bytes it was about.
    all: usize,
    /// So many of them are still at the head, and are to be read for those who have not got them.
    left: usize,
}

impl Pull for RelayReader {
    fn waits(&mut self, waits: &mut Waits, room: bool) {
        self.from.waits(waits, room);
        let (Way::Pipe(feed) | Way::File(feed)) = &self.way else {
            return;
        };
        if room && feed.held() > 0 {
            waits.now();
        }
    }

    fn pull(&mut self, waits: &Waits) -> Result<Pulled> {
        if self.from.is_ready(waits)
            && self.little < TRICKLE
            && let Some(pulled) = self.round()?
        {
            return Ok(pulled);
        }
        if let Some(block) = self.read_fed(usize::MAX)? {
            return Ok(Pulled::Block(block));
        }
        let pulled = self.from.pull(waits)?;
        if let Pulled::Block(block) = &pulled {
            self.little = if block.len() < LEAST {
                self.little.saturating_add(1)
            } else {
                0
            };
        }
        Ok(pulled)
    }

    fn source(&mut self) -> Option<&mut dyn Pull> {
        Some(&mut self.from)
    }

    fn stop(&mut self) -> Option<Block> {
        // An error here would be of a pipe of our own.
        self.read_fed(usize::MAX)
            .ok()
            .flatten()
            .or_else(|| self.from.stop())
    }
}
