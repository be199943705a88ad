use super::*;
use std::cell::Cell;

/// Takes all, and says that it is full as long as it is.
struct Target {
    is_full: Rc<Cell<bool>>,
    text: Rc<RefCell<Vec<u8>>>,
}

impl Stage for Target {
    fn send(&mut self, block: &Block) -> Result<Flow> {
        self.text.borrow_mut().extend_from_slice(block);
        self.flush()
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }

    fn flush(&mut self) -> Result<Flow> {
        Ok(if self.is_full.get() {
            Flow::Full
        } else {
            Flow::More
        })
    }
}

// Who is full keeps what it is sent: after a signal the loop sends the rest of what it has.
#[test]
fn a_labelled_outlet_loses_nothing_that_it_is_sent_while_there_is_no_room() {
    let (is_full, text) = (Rc::new(Cell::new(true)), Rc::default());
    let merge = merge(Target {
        is_full: Rc::clone(&is_full),
        text: Rc::clone(&text),
    });
    let outlet = merge.outlet().labelled("a:");
    let mut merged = merge.of(outlet);
    for line in ["1\n", "2\n", "3\n"] {
        let _ = merged.send(&Block::from(line)).expect("sent");
    }
    is_full.set(false);
    let _ = merged.flush().expect("flushed");
    assert_eq!(*text.borrow(), b"a:1\na:2\na:3\n");
}
