//! The directories above those that are watched: when one is renamed, every path through it leads elsewhere.
//!
//! `notify` could watch them, but only with all that is opened and written in them: with a log below `/tmp` or
//! `/dev` that would wake the process all the time. The system can tell of their renaming alone.

use std::path::Path;

use costage::Waits;

/// Watches directories for being renamed or removed.
#[cfg(target_os = "linux")]
#[derive(Debug, Default)]
pub(crate) struct Ancestors {
    watched: std::collections::HashSet<std::path::PathBuf>,
    /// None, where there are no more instances to be had; then only that is not noticed.
    inotify: Option<std::os::fd::OwnedFd>,
    wait: Option<costage::Wait>,
}

#[cfg(target_os = "linux")]
impl Ancestors {
    /// Watches all directories above this one.
    pub(crate) fn watch_above(&mut self, directory: &Path) {
        use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};

        for above in directory.ancestors().skip(1) {
            // What is above it has been seen to then, too; and the root stays.
            if above.parent().is_none() || self.watched.contains(above) {
                break;
            }
            if self.inotify.is_none() {
                self.inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok();
            }
            let flags = WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF | WatchFlags::ONLYDIR;
            let Some(Ok(_)) = self
                .inotify
                .as_ref()
                .map(|inotify| add_watch(inotify, above, flags))
            else {
                break;
            };
            self.watched.insert(above.to_owned());
        }
    }

    pub(crate) fn waits(&mut self, waits: &mut Waits) {
        use std::os::fd::AsFd;

        let inotify = self.inotify.as_ref();
        self.wait = inotify.map(|inotify| waits.add(inotify.as_fd(), costage::Interest::Read));
    }

    /// Has one of them gone? Then none is watched any more: their paths may stand for others.
    pub(crate) fn have_changed(&mut self, waits: &Waits) -> bool {
        let changed = self.wait.take().is_some_and(|wait| waits.is_ready(wait));
        if changed {
            *self = Ancestors::default();
        }
        changed
    }
}

/// Elsewhere nothing tells of it.
#[cfg(not(target_os = "linux"))]
#[derive(Debug, Default)]
pub(crate) struct Ancestors;

#[cfg(not(target_os = "linux"))]
impl Ancestors {
    pub(crate) fn watch_above(&mut self, _: &Path) {}

    pub(crate) fn waits(&mut self, _: &mut Waits) {}

    pub(crate) fn have_changed(&mut self, _: &Waits) -> bool {
        false
    }
}
