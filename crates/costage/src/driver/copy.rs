//! The waiting loop between a file and an output, when the system moves the bytes.

use std::os::fd::AsFd;

use super::Driver;
use crate::{Ended, Flow, Reader, Result, Sink, Stage};

impl Driver {
    /// Copies the rest of a file to an output: what [`pump`](Driver::pump) would do, without reading the bytes
    /// where the system can move them by itself (on Linux into a pipe or another file) and there are more of them
    /// than one read brings. In every other case, and for whatever such a move refuses, it is `pump`.
    ///
    /// The file is read to the end that it has when that is reached. Into a pipe go the file's pages and not
    /// copies of them: who **writes over** bytes of the file, or cuts it within a page, changes what the reader
    /// has not read yet. To append, to cut a file to nothing and to replace it change nothing. So this is for
    /// files that are finished or only grow, and never for following. The output's pipe is made to hold 1 MiB,
    /// as far as the system lets it.
    ///
    /// ```
    /// use std::io::Read;
    /// use costage::{Driver, Reader, sink};
    ///
    /// let (mut reader, writer) = std::io::pipe()?;
    /// let (mut driver, mut output) = (Driver::new(), sink("a pipe", writer));
    /// let copied = driver.copy(&mut Reader::open("Cargo.toml")?, &mut output);
    /// driver.finish(&mut output, copied)?;
    /// let mut text = Vec::new();
    /// reader.read_to_end(&mut text)?;
    /// assert_eq!(text, std::fs::read("Cargo.toml")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As of [`pump`](Driver::pump).
    pub fn copy<F: AsFd>(&mut self, file: &mut Reader, output: &mut Sink<F>) -> Result<Ended> {
        let Some((fd, mut shortcut)) = file.large_file().zip(output.shortcut()) else {
            return self.pump(file, output);
        };
        // What was sent before comes before.
        let mut flow = self.flush(Flow::More, output)?;
        loop {
            if flow == Flow::Stop {
                return Ok(Ended::Stopped);
            }
            self.waits.clear();
            self.wait_for_signals();
            output.waits(&mut self.waits);
            if flow == Flow::Full {
                self.waits.wait()?;
            } else {
                self.waits.look()?;
            }
            if self.must_stop(false, flow)? {
                break;
            }
            flow = output.wake(&self.waits)?;
            if flow == Flow::More {
                match output.step(&mut shortcut, fd) {
                    Some(next) => flow = next,
                    None => break,
                }
            }
        }
        let rest = shortcut.rest();
        if let Some(rest) = rest.map_err(|error| file.error(error))? {
            // A full output keeps what it was sent.
            let _ = output.send(&rest)?;
        }
        self.pump(file, output)
    }
}
