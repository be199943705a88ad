//! Prints the first three lines of a log about python or PLY, as they come: `watch FILE`.

use std::error::Error;
use std::time::Duration;

use cofollow::{Settings, Start, follow};
use cogrep::{Grep, Pattern};
use costage::printer;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args_os().nth(1).ok_or("usage: watch FILE")?;
    let from_the_start = Settings {
        start: Start::Line(1),
        until_idle: Some(Duration::from_secs(5)),
        ..Settings::default()
    };
    let three = cogrep::Settings {
        max_count: Some(3),
        ..cogrep::Settings::default()
    };
    let mut grep = Grep::new(Pattern::new("/(python|ply)/")?, three, printer());
    follow([file], from_the_start)?.drive(&mut grep)?;
    if !grep.has_selected() {
        eprintln!("watch: nothing came");
    }
    Ok(())
}
