//! SIGINT, SIGTERM and SIGHUP as something the waiting loop wakes for.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

use crate::{Interest, Wait, Waits, start};

/// Catches the first SIGINT, SIGTERM or SIGHUP so that a chain can end in order; a second one ends the process
/// at once. A signal that was ignored when the process started stays ignored.
#[derive(Debug)]
pub struct Signals {
    bell: UnixStream,
    /// The other end of the bell. If all signals are ignored nobody else has it, and a bell without one would
    /// ring for ever.
    _ring: UnixStream,
    caught: Arc<AtomicUsize>,
}

impl Signals {
    /// Begins to catch. Once a process; the handlers stay.
    pub fn catch() -> io::Result<Signals> {
        let (bell, ring) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        let caught = Arc::new(AtomicUsize::new(0));
        let again = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            if start::ignored(signal) {
                continue;
            }
            // The actions run in this order: the first signal finds `again` false.
            flag::register_conditional_default(signal, Arc::clone(&again))?;
            flag::register(signal, Arc::clone(&again))?;
            flag::register_usize(signal, Arc::clone(&caught), signal.unsigned_abs() as usize)?;
            low_level::pipe::register(signal, ring.try_clone()?)?;
        }
        Ok(Signals {
            bell,
            _ring: ring,
            caught,
        })
    }

    /// The signal that came, if one did.
    pub fn caught(&self) -> Option<i32> {
        i32::try_from(self.caught.load(Ordering::SeqCst))
            .ok()
            .filter(|&signal| signal != 0)
    }

    pub(crate) fn waits(&self, waits: &mut Waits) -> Wait {
        waits.add(self.bell.as_fd(), Interest::Read)
    }

    /// The bell has been heard: it shall not wake again.
    pub(crate) fn silence(&mut self) {
        let mut rings = [0; 16];
        // Nothing to read is as good as something: `caught` tells.
        let _ = self.bell.read(&mut rings);
    }
}
