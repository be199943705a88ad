use super::*;
use costage::Source;
use std::cell::Cell;
use std::rc::Rc;

/// Counts how often it is flushed.
struct Flushes(Rc<Cell<u32>>);

impl Stage for Flushes {
    fn send(&mut self, _: &Block) -> Result<Flow> {
        Ok(Flow::More)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }

    fn flush(&mut self) -> Result<Flow> {
        self.0.set(self.0.get() + 1);
        Ok(Flow::More)
    }
}

#[test]
fn what_was_gathered_before_the_end_is_written_though_the_command_runs_on() {
    let flushed = Rc::new(Cell::new(0));
    let mut branch = command("cat").to(Flushes(Rc::clone(&flushed)));
    branch.close().expect("no error");
    assert_eq!(flushed.get(), 1);
}

/// Cannot hand on what it gathers.
struct Broken;

impl Stage for Broken {
    fn send(&mut self, _: &Block) -> Result<Flow> {
        Ok(Flow::More)
    }

    fn target(&mut self) -> Option<&mut dyn Stage> {
        None
    }

    fn flush(&mut self) -> Result<Flow> {
        Err(Error::other("broken"))
    }
}

// It waited for a command that waited for the end of its input.
#[test]
fn a_command_whose_output_cannot_be_passed_on_ends_all_the_same() {
    let ended = Source::text("a line\n").drive(command("cat").to(Broken));
    assert_eq!(ended.expect_err("an error").to_string(), "broken");
}
