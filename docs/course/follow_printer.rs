//! A source that drives a sink: `follow_printer FILE` (course, part 1).
//!
//! `follow` reads lines and says where it stands in the file; `printer` is the coroutine at the end of the chain.
//! As in the course's notebook, it ends at the end of the file instead of waiting for more.
//!
//! | Python | here |
//! | --- | --- |
//! | `follow(f, printer())` | `Source::new(Follow::open(file)?).drive(printer())` |
//! | `line = (yield)` | `input.line().await?` |
//! | `except GeneratorExit` | after the loop: `line()` gave `None` |
//! | `print(line)` | the line as it was read and one more newline: hence the empty lines |

mod terminal;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;

use costage::{Block, Call, Error, Pull, Pulled, Result, Source, Stage, Waits, coroutine};
use terminal::say;

/// Reads a file line by line.
struct Follow {
    name: String,
    file: BufReader<File>,
    position: usize,
}

impl Follow {
    fn open(path: &Path) -> Result<Follow> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Ok(Follow {
                name,
                file: BufReader::new(file),
                position: 0,
            }),
            Err(error) => Err(Error::io(Call::Open, name, error)),
        }
    }
}

impl Pull for Follow {
    /// A file need not be waited for.
    fn waits(&mut self, waits: &mut Waits, room: bool) {
        if room {
            waits.now();
        }
    }

    fn pull(&mut self, _: &Waits) -> Result<Pulled> {
        let mut line = Vec::new();
        self.position += self
            .file
            .read_until(b'\n', &mut line)
            .map_err(|error| Error::io(Call::Read, &*self.name, error))?;
        say!("curr_pos: {}", self.position)?;
        Ok(if line.is_empty() {
            Pulled::End
        } else {
            Pulled::Block(Block::from(line))
        })
    }
}

/// Prints what is sent to it until it is closed.
fn printer() -> impl Stage {
    coroutine(terminal::printer(), async |mut input, mut out| {
        while let Some(line) = input.line().await? {
            let _ = out.line(line)?;
            let _ = out.line(b"\n")?;
        }
        let _ = out.line(b"Going away. Goodbye\n")?;
        Ok(())
    })
}

fn main() -> ExitCode {
    terminal::run(|args| {
        let file = args.required("FILE")?;
        args.end()?;
        Source::new(Follow::open(file.as_ref())?).drive(printer())?;
        Ok(())
    })
}
