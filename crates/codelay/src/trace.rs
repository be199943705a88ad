//! The account of what happened to each line.

use costage::Gather;

use crate::law::Entry;
use crate::nanos::Nanos;

const SECOND: Nanos = 1_000_000_000;

/// Writes records: `op seq arrival delay departure`, with tabs between them; times are seconds with nine decimals.
pub(crate) struct Records {
    lines: Gather,
    digits: itoa::Buffer,
}

impl Records {
    pub(crate) fn new() -> Records {
        Records {
            lines: Gather::new(b'\n'),
            digits: itoa::Buffer::new(),
        }
    }

    /// A line came out.
    pub(crate) fn received(&mut self, entry: &Entry, departure: Nanos) {
        self.begin(b"r\t", entry);
        self.time(departure);
        self.lines.push(b"\n");
    }

    /// A line was lost or dropped.
    pub(crate) fn dropped(&mut self, entry: &Entry) {
        self.begin(b"d\t", entry);
        self.lines.push(b"-\n");
    }

    fn begin(&mut self, op: &[u8], entry: &Entry) {
        self.lines.push(op);
        self.lines.push(self.digits.format(entry.number).as_bytes());
        self.lines.push(b"\t");
        self.time(entry.arrival);
        self.lines.push(b"\t");
        self.time(entry.drawn);
        self.lines.push(b"\t");
    }

    fn time(&mut self, time: Nanos) {
        let seconds = self.digits.format(time / SECOND);
        self.lines.push(seconds.as_bytes());
        // The 1 in front keeps the zeros, and its place is the point's.
        let decimals = self.digits.format(SECOND + time % SECOND);
        self.lines.push(b".");
        self.lines.push(&decimals.as_bytes()[1..]);
    }

    /// What was written since it was last asked.
    pub(crate) fn take(&mut self) -> Option<costage::Block> {
        self.lines.take()
    }
}
