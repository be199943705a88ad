//! The source itself.

use std::fmt;
use std::path::Path;

use costage::{
    Block, Error, FileId, Pull, Pulled, Result, Source, Waits, descriptor_limit, printable,
};

use crate::disk::{Os, STDIN};
use crate::engine::{Engine, Rules};
use crate::ledger::Ledger;
use crate::outbox::Outbox;
use crate::state_file::StateFile;
use crate::watch::Watch;
use crate::{Notice, Resume, Settings, UntilEnded, UntilIdle, is_glob};

/// Follows files: by default by name, from their last ten lines on. A source that gives out whole lines as they
/// are appended, and goes on with the new file when one is renamed, deleted or replaced.
///
/// # Errors
///
/// If there are no descriptors left, or if there is a state to resume from and it cannot be read, or is what is written
/// to. Whatever is wrong with a file is told as a notice: the others are still followed.
pub fn follow<P: AsRef<Path>>(
    names: impl IntoIterator<Item = P>,
    settings: Settings,
) -> Result<Source<UntilIdle<UntilEnded<Follow>>>> {
    let (idle, ended) = (settings.until_idle, settings.until_ended.clone());
    let poll = settings.poll;
    let follow = Follow::new(names, settings, |_| {})?;
    let follow = UntilEnded::new(follow, &ended, poll);
    Ok(Source::new(UntilIdle::new(follow, idle)))
}

/// Follows files, without an end of its own unless nothing is left to follow; [`follow`] makes a source of it.
pub struct Follow(Engine<Os>);

impl Follow {
    /// Begins to follow: files, globs of files, and as `-` standard input. `notify` is told what happens to the
    /// files. `until_idle` and `until_ended` of the settings are for [`UntilIdle`] and [`UntilEnded`] around it.
    ///
    /// # Errors
    ///
    /// If there are no descriptors left, or if there is a state to resume from and it cannot be read, or is what is
    /// written to. Whatever is wrong with a file is told as a notice: the others are still followed.
    pub fn new<P: AsRef<Path>>(
        names: impl IntoIterator<Item = P>,
        settings: Settings,
        notify: impl FnMut(&Notice) + Send + 'static,
    ) -> Result<Follow> {
        descriptor_limit::raise(u64::MAX);
        let Settings { start, resume, .. } = settings;
        let rules = Rules {
            by: settings.by,
            retry: settings.retry,
            follow: settings.follow,
            terminator: settings.terminator,
            poll: settings.poll,
            partial_after: settings.partial_after,
            output: settings.output,
            messages: settings.messages,
        };
        let (state, ledger) = match resume {
            Some(Resume { state, written }) => {
                is_not_written_to(&state, rules)?;
                (Some(StateFile::open(&state)?), Some(Ledger::new(written)))
            }
            None => (None, None),
        };
        let outbox = Outbox::new(settings.headers, settings.terminator, ledger);
        let watch = settings.follow.then(Watch::new).transpose()?;
        let mut engine = Engine::new(Os::default(), rules, outbox, watch, Box::new(notify));
        for name in names {
            let name = name.as_ref();
            match name.to_str() {
                Some(pattern) if is_glob(name) => engine.add_glob(pattern),
                Some("-") => {
                    engine.add_name(Path::new(STDIN), "standard input");
                }
                _ => {
                    engine.add_name(name, name);
                }
            }
        }
        engine.begin(start, state)?;
        Ok(Follow(engine))
    }

    /// Has every name had a file, could all of it be read, and is there still one to follow?
    pub fn all_were_read(&self) -> bool {
        self.0.all_were_read()
    }

    /// Saves up to where lines have been written, if there is a state: for the end of a chain, when all that will be
    /// written has been. Of a line that was written in part the next run gives out only the rest if `keeps_parts`,
    /// that is, if the output keeps the part and the next run's output follows it; otherwise, as when a reader left,
    /// the whole line again. With several names, a pattern or headers it is always the whole line, for the rest would
    /// not come next, or not as it stands.
    ///
    /// # Errors
    ///
    /// If it cannot be saved.
    pub fn save(&mut self, keeps_parts: bool) -> Result<()> {
        self.0.save_at_the_end(keeps_parts)
    }
}

/// A state is replaced as a whole, and what is written to the file that it was would be gone with that.
fn is_not_written_to(state: &Path, rules: Rules) -> Result<()> {
    let Some(file) = state.metadata().ok().as_ref().and_then(FileId::of) else {
        return Ok(());
    };
    let what = if rules.output == Some(file) {
        "the output"
    } else if rules.messages == Some(file) {
        "standard error"
    } else {
        return Ok(());
    };
    let state = printable(&state.to_string_lossy());
    Err(Error::other(format!("{state}: the state is also {what}")))
}

/// Saves where it stands, for whoever has not.
impl Drop for Follow {
    fn drop(&mut self) {
        self.0.save_at_last();
    }
}

impl Pull for Follow {
    fn waits(&mut self, waits: &mut Waits, room: bool) {
        self.0.waits(waits, room);
    }

    fn look(&mut self, waits: &Waits) -> Result<()> {
        self.0.look(waits);
        Ok(())
    }

    fn pull(&mut self, _: &Waits) -> Result<Pulled> {
        Ok(self.0.pull())
    }

    fn is_drained(&mut self) -> bool {
        self.0.is_at_rest()
    }

    fn look_again(&mut self) {
        self.0.look_at_last();
    }

    fn stop(&mut self) -> Option<Block> {
        self.0.stop()
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use costage::collect;
    use std::time::Duration;

    #[test]
    fn a_follower_can_be_sent_to_the_thread_that_drives_it() {
        fn is_send<T: Send>() {}
        is_send::<Follow>();
    }

    // "Never" is a time that no clock can count: it panicked.
    #[test]
    fn no_wait_is_too_long() {
        let dir = tempfile::tempdir().expect("a directory");
        let log = dir.path().join("log");
        std::fs::write(&log, "unfinished").expect("written");
        let settings = Settings {
            poll: Duration::MAX,
            partial_after: Some(Duration::MAX),
            until_idle: Some(Duration::from_millis(1)),
            ..Settings::default()
        };
        // Linux does not tell of changes in the second.
        let names = [log.as_path(), Path::new("/proc/version")];
        let source = follow(names, settings.clone()).expect("followed");
        source.drive(collect().1).expect("no error");
        let globs = [Path::new("/proc/vers[i]on")];
        let source = follow(globs, settings).expect("followed");
        source.drive(collect().1).expect("no error");
    }
}
