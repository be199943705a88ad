//! The invariants of a chain, for sources, loops and filters of every kind.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::os::unix::net::UnixDatagram;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use costage::{
    Block, Driver, Ended, Error, Flow, Framing, Pull, Pulled, Reader, Relay, Result, Source, Stage,
    Waits, broadcast, coroutine, keep_open, sink,
};
use proptest::prelude::*;

/// How long something that has to happen may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// What the rules say of the calls a sink gets; it breaks with the first call that is against them.
#[derive(Default)]
struct Seen {
    bytes: Vec<u8>,
    /// The last block was not finished: it was the last of all.
    unfinished: bool,
    /// How the chain ended.
    end: Option<&'static str>,
}

struct Rules(Rc<RefCell<Seen>>);

impl Rules {
    fn end(&mut self, how: &'static str) {
        let previous = self.0.borrow_mut().end.replace(how);
        assert_eq!(previous, None, "a chain ends once");
    }
}

impl Stage for Rules {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        let mut seen = self.0.borrow_mut();
        assert_eq!(seen.end, None, "after the end nothing more comes");
        assert!(!seen.unfinished, "only the last block may be unfinished");
        assert!(!block.is_empty(), "a block has something in it");
        seen.unfinished = !block.is_finished();
        seen.bytes.extend_from_slice(block);
        Ok(Flow::More)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }

    fn close(&mut self) -> Result<()> {
        self.end("close");
        Ok(())
    }

    fn throw(&mut self, error: Error) -> Result<()> {
        self.end("throw");
        Err(error)
    }
}

fn rules() -> (Rc<RefCell<Seen>>, Rules) {
    let seen = Rc::new(RefCell::new(Seen::default()));
    (Rc::clone(&seen), Rules(seen))
}

/// A filter that writes only what it must.
struct Pass<S>(S);

impl<S: Stage> Stage for Pass<S> {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        self.0.send(block)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        Some(&mut self.0)
    }
}

/// The same chain in every way there is to write a stage.
fn every_way(to: impl Stage + 'static) -> impl Stage {
    let as_coroutine = coroutine(Pass(to), async |mut input, mut out| {
        while let Some(block) = input.recv().await? {
            if out.send(&block)? == Flow::Stop {
                break;
            }
        }
        Ok(())
    });
    let branches: [Box<dyn Stage>; 1] = [Box::new(as_coroutine)];
    Pass(broadcast(branches))
}

/// A socket that gives each piece in a read of its own.
fn reads_of(pieces: Vec<Vec<u8>>) -> UnixDatagram {
    let (reader, writer) = UnixDatagram::pair().expect("a socket");
    thread::spawn(move || {
        for piece in pieces {
            // A reader that stops early is no failure of the writer.
            if writer.send(&piece).is_err() {
                return;
            }
        }
        // An empty read is the end.
        writer.send(b"").ok();
    });
    reader
}

fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let piece = prop_oneof![
        8 => proptest::collection::vec(prop_oneof![Just(b'\n'), Just(0), Just(b'\r'), any::<u8>()], 1..40),
        1 => Just(vec![b'x'; 100_000]),
    ];
    proptest::collection::vec(piece, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_the_reads_the_blocks_are_the_input_and_follow_the_rules(pieces in pieces()) {
        let input = pieces.concat();
        let (seen, sink) = rules();
        let source = Source::reader("a socket", reads_of(pieces)).expect("readable");
        prop_assert_eq!(source.drive(every_way(sink)).expect("driven"), Ended::Input);
        prop_assert!(seen.borrow().bytes == input);
        prop_assert_eq!(seen.borrow().end, Some("close"));
    }

    #[test]
    fn as_it_comes_the_blocks_are_the_input_too(pieces in pieces()) {
        let input = pieces.concat();
        let (text, sink) = costage::collect();
        let source = Source::reader("a socket", reads_of(pieces)).expect("readable");
        source.framed(b'\n', Framing::AsItComes).drive(sink).expect("driven");
        prop_assert!(text.take() == input);
    }
}

/// A source that gives one line, reads a part of another, and fails.
struct Fails(bool);

impl Pull for Fails {
    fn waits(&mut self, waits: &mut Waits, _: bool) {
        waits.now();
    }

    fn pull(&mut self, _: &Waits) -> Result<Pulled> {
        if std::mem::replace(&mut self.0, true) {
            return Err(Error::other("the disk is gone"));
        }
        Ok(Pulled::Block(Block::from("before\n")))
    }

    fn stop(&mut self) -> Option<Block> {
        Some(Block::from("and a ha"))
    }
}

#[test]
fn an_error_of_the_source_is_thrown_through_the_chain_and_returned() {
    let (seen, sink) = rules();
    let error = Source::new(Fails(false))
        .drive(every_way(sink))
        .expect_err("failed");
    assert_eq!(error.to_string(), "the disk is gone");
    assert_eq!(seen.borrow().bytes, b"before\nand a ha");
    assert_eq!(seen.borrow().end, Some("throw"));
}

// The program died of SIGPIPE, and nobody was told what had gone wrong.
#[test]
fn an_error_counts_before_a_reader_that_is_found_to_have_left() {
    let unread = || {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        sink("a pipe", writer)
    };
    let sinks: [Box<dyn Stage>; 3] = [
        Box::new(unread()),
        Box::new(keep_open(unread())),
        Box::new(Relay::new().sink(unread())),
    ];
    for mut to in sinks {
        let _ = to.send(&Block::from("held\n")).expect("taken");
        let thrown = to.throw(Error::other("the disk is gone"));
        assert_eq!(thrown.expect_err("failed").to_string(), "the disk is gone");
    }
}

/// Runs a chain from one pipe into another in a thread: the writing end, the reading end, and its outcome.
fn piped() -> (
    std::io::PipeWriter,
    std::io::PipeReader,
    mpsc::Receiver<Result<Ended>>,
) {
    let (from, input) = std::io::pipe().expect("a pipe");
    let (output, to) = std::io::pipe().expect("a pipe");
    let (done, outcome) = mpsc::channel();
    thread::spawn(move || {
        let source = Source::reader("a pipe", from).expect("readable");
        done.send(source.drive(every_way(sink("a pipe", to)))).ok();
    });
    (input, output, outcome)
}

/// Reads so many bytes, in a thread, so that a chain that holds them back fails the test and does not hang it.
fn read(mut from: std::io::PipeReader, count: usize) -> (Vec<u8>, std::io::PipeReader) {
    let (done, outcome) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = vec![0; count];
        from.read_exact(&mut bytes).expect("read");
        done.send((bytes, from)).ok();
    });
    outcome
        .recv_timeout(DEADLINE)
        .expect("what was sent comes out")
}

#[test]
fn a_line_comes_out_while_the_input_is_open_and_quiet() {
    let (mut input, mut output, outcome) = piped();
    for line in [b"one\n", b"two\n"] {
        input.write_all(line).expect("written");
        let (got, rest) = read(output, line.len());
        assert_eq!(got, line);
        output = rest;
    }
    drop(input);
    let ended = outcome.recv_timeout(DEADLINE).expect("ended");
    assert_eq!(ended.expect("driven"), Ended::Input);
}

// What was sent before the first block, or when a stage was woken, was held until input came.
#[test]
fn what_a_coroutine_says_when_it_is_primed_comes_out_before_any_input() {
    let (input, from) = std::io::pipe()
        .map(|(from, input)| (input, from))
        .expect("a pipe");
    let (output, to) = std::io::pipe().expect("a pipe");
    let (done, outcome) = mpsc::channel();
    thread::spawn(move || {
        let greets = coroutine(sink("a pipe", to), async |mut input, mut out| {
            let _ = out.line(b"ready\n")?;
            while input.recv().await?.is_some() {}
            Ok(())
        });
        let source = Source::reader("a pipe", from).expect("readable");
        done.send(source.drive(greets)).ok();
    });
    assert_eq!(read(output, 6).0, b"ready\n");
    drop(input);
    outcome.recv_timeout(DEADLINE).expect("ended").ok();
}

/// The core moves between threads where its parts may.
#[test]
fn a_source_can_be_moved_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Source>();
    is_send::<Block>();
    is_send::<costage::Queue>();
    is_send::<Error>();
}

#[test]
fn a_reader_that_leaves_ends_a_chain_whose_input_is_open_and_quiet() {
    let (input, output, outcome) = piped();
    drop(output);
    // The branch's end is broadcast's end, since it is the only one: it is passed on as it was.
    let ended = outcome.recv_timeout(DEADLINE).expect("ended");
    assert!(ended.expect_err("gone").is_reader_gone());
    drop(input);
}

/// Never ends, and always has something: a hit, and then nothing but noise.
struct Flood(u64);

impl Pull for Flood {
    fn waits(&mut self, waits: &mut Waits, room: bool) {
        if room {
            waits.now();
        }
    }

    fn pull(&mut self, _: &Waits) -> Result<Pulled> {
        self.0 += 1;
        let text = if self.0 == 1 { "hit\n" } else { "noise\n" };
        Ok(Pulled::Block(Block::from(text)))
    }
}

/// Lets only hits through.
fn hits(to: impl Stage + 'static) -> impl Stage {
    coroutine(to, async |mut input, mut out| {
        while let Some(line) = input.line().await? {
            if line == b"hit\n" && out.line(line)? == Flow::Stop {
                break;
            }
        }
        Ok(())
    })
}

#[test]
fn a_rare_line_comes_out_of_a_flood_that_never_pauses() {
    let (output, to) = std::io::pipe().expect("a pipe");
    let (done, outcome) = mpsc::channel();
    thread::spawn(move || {
        let ended = Source::new(Flood(0)).drive(hits(sink("a pipe", to)));
        done.send(ended).ok();
    });
    let (got, output) = read(output, 4);
    assert_eq!(got, b"hit\n");
    drop(output);
    let ended = outcome
        .recv_timeout(DEADLINE)
        .expect("the flood ends with its reader");
    assert!(ended.expect_err("gone").is_reader_gone());
}

/// Counts how much is pulled out of it, which is only done after it was asked what it waits for.
struct Counted<'a>(Flood, &'a mut u64, bool);

impl Pull for Counted<'_> {
    fn waits(&mut self, waits: &mut Waits, room: bool) {
        self.2 = room;
        self.0.waits(waits, room);
    }

    fn pull(&mut self, waits: &Waits) -> Result<Pulled> {
        assert!(
            self.2,
            "pulled in a round in which it was told that there is no room"
        );
        *self.1 += 1;
        self.0.pull(waits)
    }
}

/// Is full after so many blocks, until it has been woken as often.
struct Narrow {
    room: u32,
    seen: u64,
    woken: u32,
}

impl Stage for Narrow {
    fn send(&mut self, _: &Block) -> Result<Flow> {
        self.seen += 1;
        assert!(self.room > 0, "sent to while full");
        self.room -= 1;
        Ok(if self.seen == 12 {
            Flow::Stop
        } else if self.room == 0 {
            Flow::Full
        } else {
            Flow::More
        })
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }

    fn waits(&mut self, waits: &mut Waits) {
        if self.room == 0 {
            waits.now();
        }
    }

    fn wake(&mut self, _: &Waits) -> Result<Flow> {
        if self.room > 0 {
            return Ok(Flow::More);
        }
        self.woken += 1;
        if self.woken.is_multiple_of(3) {
            self.room = 2;
            return Ok(Flow::More);
        }
        Ok(Flow::Full)
    }
}

#[test]
fn nothing_is_pulled_or_sent_while_the_chain_is_full() {
    let mut pulled = 0;
    let mut narrow = Narrow {
        room: 2,
        seen: 0,
        woken: 0,
    };
    let source = Source::new(Counted(Flood(0), &mut pulled, false));
    assert_eq!(
        source.drive(Pass(&mut narrow)).expect("driven"),
        Ended::Stopped
    );
    assert_eq!(pulled, 12);
    assert_eq!(narrow.woken, 15);
}

/// Is full after each block, until it is flushed: then nothing is left to wake it.
struct FullUntilFlushed {
    full: bool,
    seen: u64,
}

impl Stage for FullUntilFlushed {
    fn send(&mut self, _: &Block) -> Result<Flow> {
        self.seen += 1;
        self.full = true;
        Ok(Flow::Full)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }

    fn flush(&mut self) -> Result<Flow> {
        self.full = false;
        Ok(Flow::More)
    }

    fn wake(&mut self, _: &Waits) -> Result<Flow> {
        Ok(if self.full { Flow::Full } else { Flow::More })
    }
}

// The loop waited for ever for a sink that had found room while it was flushed.
#[test]
fn a_flush_that_makes_room_is_room() {
    let (done, outcome) = mpsc::channel();
    thread::spawn(move || {
        let mut sink = FullUntilFlushed {
            full: false,
            seen: 0,
        };
        let reader = reads_of(vec![b"one\n".into(), b"two\n".into()]);
        let source = Source::reader("a socket", reader).expect("readable");
        source.drive(&mut sink).expect("driven");
        done.send(sink.seen).ok();
    });
    assert_eq!(outcome.recv_timeout(DEADLINE), Ok(2));
}

#[test]
fn one_loop_runs_several_sources_into_one_chain() {
    let (seen, mut sink) = rules();
    let mut driver = Driver::new();
    for text in ["one\n", "two\n", "three\n"] {
        let mut reader = Reader::new("a socket", reads_of(vec![text.into()])).expect("readable");
        assert_eq!(
            driver.pump(&mut reader, &mut sink).expect("pumped"),
            Ended::Input
        );
    }
    driver
        .finish(&mut sink, Ok(Ended::Input))
        .expect("finished");
    assert_eq!(seen.borrow().bytes, b"one\ntwo\nthree\n");
}
