//! Two claims of the courses that coutils grew from, timed in Rust: that a double-ended queue beats a list as a
//! queue, and that a coroutine beats an object with a `send` method.
//!
//! The lists: Python's `list` and `deque` are Rust's `Vec` and `VecDeque`. The lesson's own timing of `pop` is
//! wrong: its 1,000 runs share one list, which is empty after the first, so 999 of them time nothing (that is
//! how 10,000 pops come out 500 times cheaper than 10,000 appends). Here every run gets a fresh one, made and
//! dropped outside the time.
//!
//! The object: the lesson says that a coroutine is faster, for it needs no `self`. In Python that is an
//! attribute looked up by name. In Rust `self.pattern` is an offset known to the compiler, and it is the
//! coroutine that does more: it keeps its state in a struct as well, and is polled.

// The modules are there only to group the benches.
#![allow(clippy::wildcard_imports)]

use std::cell::Cell;
use std::rc::Rc;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use memchr::memmem::Finder;

fn main() {
    divan::main();
}

/// `timeit`'s table: 10,000 numbers.
mod list_and_deque {
    use super::*;
    use std::collections::VecDeque;

    /// As in the lesson.
    const SIZE: usize = 10_000;

    /// Times `fill` from nothing.
    fn filling<Q>(bencher: Bencher, fill: impl Fn(&mut Q, usize) + Sync)
    where
        Q: Default,
    {
        bencher.counter(ItemsCount::new(SIZE)).bench(|| {
            let mut queue = Q::default();
            for number in 0..SIZE {
                fill(&mut queue, black_box(number));
            }
            queue
        });
    }

    /// Times `take` until nothing is left of a queue that was full.
    fn emptying<Q>(bencher: Bencher, take: impl Fn(&mut Q) -> Option<usize> + Sync)
    where
        Q: FromIterator<usize>,
    {
        bencher
            .counter(ItemsCount::new(SIZE))
            .with_inputs(|| (0..SIZE).collect::<Q>())
            .bench_refs(|queue| while black_box(take(queue)).is_some() {});
    }

    #[divan::bench]
    fn vec_push(bencher: Bencher) {
        filling(bencher, Vec::push);
    }

    #[divan::bench]
    fn vec_insert_front(bencher: Bencher) {
        filling(bencher, |list: &mut Vec<usize>, number| {
            list.insert(0, number);
        });
    }

    #[divan::bench]
    fn vec_pop(bencher: Bencher) {
        emptying(bencher, Vec::pop);
    }

    #[divan::bench]
    fn vec_remove_front(bencher: Bencher) {
        emptying(bencher, |list: &mut Vec<usize>| {
            (!list.is_empty()).then(|| list.remove(0))
        });
    }

    #[divan::bench]
    fn deque_push_back(bencher: Bencher) {
        filling(bencher, VecDeque::push_back);
    }

    #[divan::bench]
    fn deque_push_front(bencher: Bencher) {
        filling(bencher, VecDeque::push_front);
    }

    #[divan::bench]
    fn deque_pop_back(bencher: Bencher) {
        emptying(bencher, VecDeque::pop_back);
    }

    #[divan::bench]
    fn deque_pop_front(bencher: Bencher) {
        emptying(bencher, VecDeque::pop_front);
    }
}

/// `grep(pattern, target)` over docs/access-log, one `send` a line. The items are lines.
mod object_and_coroutine {
    use super::*;
    use costage::{Block, Coroutine, Flow, Result, Stage, coroutine};

    const TEXT: &[u8] = include_bytes!("../../docs/access-log");
    const PATTERN: &str = "python";

    fn lines() -> Vec<&'static [u8]> {
        TEXT.split_inclusive(|&byte| byte == b'\n').collect()
    }

    /// The target: counts what it is sent.
    #[derive(Clone, Default)]
    struct Count(Rc<Cell<usize>>);

    impl Count {
        fn count(&self) {
            self.0.set(self.0.get() + 1);
        }
    }

    impl Stage for Count {
        fn send(&mut self, _: &Block) -> Result<Flow> {
            self.count();
            Ok(Flow::More)
        }

        fn target(&mut self) -> Option<&mut dyn Stage> {
            None
        }
    }

    /// The lesson's `class GrepHandler`.
    struct GrepHandler {
        pattern: Finder<'static>,
        target: Count,
    }

    impl GrepHandler {
        fn new(target: Count) -> GrepHandler {
            let pattern = Finder::new(PATTERN);
            GrepHandler { pattern, target }
        }

        // Not inlined, so that there is a call to compare with the coroutine's.
        #[inline(never)]
        fn send(&mut self, line: &[u8]) {
            if self.pattern.find(line).is_some() {
                self.target.count();
            }
        }
    }

    /// The same as a stage.
    impl Stage for GrepHandler {
        fn send(&mut self, line: &Block) -> Result<Flow> {
            match self.pattern.find(line) {
                Some(_) => Stage::send(&mut self.target, line),
                None => Ok(Flow::More),
            }
        }

        fn target(&mut self) -> Option<&mut dyn Stage> {
            Some(&mut self.target)
        }
    }

    #[divan::bench]
    fn object(bencher: Bencher) {
        let (lines, count) = (lines(), Count::default());
        let mut grep = GrepHandler::new(count.clone());
        bencher
            .counter(ItemsCount::new(lines.len()))
            .bench_local(|| {
                for line in &lines {
                    grep.send(black_box(line));
                }
                count.0.get()
            });
    }

    /// The lesson's `@coroutine def grep(pattern, target)`.
    #[divan::bench]
    fn coroutine_two_way(bencher: Bencher) {
        let (lines, count) = (lines(), Count::default());
        let target = count.clone();
        let grep = Coroutine::<&[u8], ()>::new(async move |mut co| {
            let pattern = Finder::new(PATTERN);
            loop {
                let line = co.yield_(()).await?;
                if pattern.find(line).is_some() {
                    target.count();
                }
            }
        });
        let mut grep = grep.expect("it yields first");
        bencher
            .counter(ItemsCount::new(lines.len()))
            .bench_local(|| {
                for line in &lines {
                    grep.send(black_box(line)).expect("it never ends");
                }
                count.0.get()
            });
    }

    fn through_stage(bencher: Bencher, mut grep: impl Stage, count: &Count) {
        let text = Block::from(TEXT.to_vec());
        let mut rest = text.clone();
        let lines: Vec<Block> =
            std::iter::from_fn(|| (!rest.is_empty()).then(|| rest.split_lines(1))).collect();
        bencher
            .counter(ItemsCount::new(lines.len()))
            .bench_local(|| {
                for line in &lines {
                    let _ = grep.send(black_box(line)).expect("no error");
                }
                count.0.get()
            });
    }

    #[divan::bench]
    fn stage_object(bencher: Bencher) {
        let count = Count::default();
        let grep: Box<dyn Stage> = Box::new(GrepHandler::new(count.clone()));
        through_stage(bencher, grep, &count);
    }

    #[divan::bench]
    fn stage_coroutine(bencher: Bencher) {
        let count = Count::default();
        let grep = coroutine(count.clone(), async |mut input, mut out| {
            let pattern = Finder::new(PATTERN);
            while let Some(line) = input.recv().await? {
                if pattern.find(&line).is_some() {
                    let _ = out.send(&line)?;
                }
            }
            Ok(())
        });
        through_stage(bencher, grep, &count);
    }
}
