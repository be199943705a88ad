//! How lines come into a channel that may have no room for them.

use costage::{Result, Stage};
use memchr::memchr;

use super::{ByTime, MOMENT};
use crate::law::Entry;
use crate::{Capacity, WhenFull};

impl<S: Stage> ByTime<S> {
    /// Lets lines in that came, as far as there is room. Did one come in?
    pub(super) fn admit(&mut self) -> Result<bool> {
        let mut has_come = false;
        while let Some(block) = self.inbox.pop_front() {
            let terminator = block.terminator();
            let mut rest = &*block;
            while !rest.is_empty() {
                let end = memchr(terminator, rest).map_or(rest.len(), |end| end + 1);
                if !self.is_time_for(end)? {
                    let mut block = block.clone();
                    block.skip(block.len() - rest.len());
                    self.inbox.push_front(block);
                    return Ok(has_come);
                }
                let (line, behind) = rest.split_at(end);
                self.arrived(line, terminator);
                has_come = true;
                rest = behind;
            }
        }
        Ok(self.settle_copy()? || has_come)
    }

    /// Is it time for the next line, of so many bytes?
    fn is_time_for(&mut self, bytes: usize) -> Result<bool> {
        self.settle_copy()?;
        if self.copy.is_some() {
            return Ok(false);
        }
        if self.time.is_virtual() {
            self.time.arrive();
            self.now = self.time.now();
            self.release()?;
        }
        self.make_room(bytes)
    }

    /// Lets in the copy of the last line that came, once there is room. Did it?
    fn settle_copy(&mut self) -> Result<bool> {
        let Some((mut entry, line, terminator)) = self.copy.take() else {
            return Ok(false);
        };
        let has_room = self.make_room(line.len())?;
        if has_room {
            entry.arrival = self.now;
            self.let_in(entry, &line, terminator);
        } else {
            self.copy = Some((entry, line, terminator));
        }
        Ok(has_room)
    }

    /// Is there room for a line of so many bytes?
    fn has_room(&self, bytes: usize) -> bool {
        let capacity = self.capacity.map(|capacity| match capacity {
            Capacity::Lines(lines) => {
                Capacity::Lines(lines.saturating_sub(self.before.get()).max(1))
            }
            Capacity::Bytes(bytes) => Capacity::Bytes(bytes),
        });
        self.waiting.has_room(capacity, bytes)
    }

    /// Is there room for a line of so many bytes, or is something to be dropped for it?
    fn make_room(&mut self, bytes: usize) -> Result<bool> {
        while !self.has_room(bytes) {
            let Some(first) = self.waiting.first() else {
                break;
            };
            let due = self.law.due(first);
            if self.time.is_virtual() {
                if self.when_full != WhenFull::Block {
                    break;
                }
                self.time.go_on(due);
            }
            self.now = self.time.now();
            let held = self.waiting.count();
            self.release()?;
            if self.waiting.count() == held {
                // A reader that is only a moment late is no reason to drop a line.
                let is_moment = self
                    .behind_since
                    .is_some_and(|since| self.now - since < MOMENT);
                return Ok(self.when_full != WhenFull::Block && !is_moment);
            }
        }
        Ok(true)
    }

    /// A line came into the channel, for which there is room if it has to wait for that.
    fn arrived(&mut self, line: &[u8], terminator: u8) {
        let text = line.strip_suffix(&[terminator]).unwrap_or(line);
        let mut entry = Entry {
            number: self.number,
            arrival: self.now,
            drawn: self.law.draw(),
            position: self.law.position(text),
            bytes: line.len(),
        };
        self.number += 1;
        match self.law.copies() {
            0 => {
                self.fates.lost += 1;
                self.outlet.dropped(&entry);
            }
            1 => self.let_in(entry, line, terminator),
            _ => {
                self.fates.duplicated += 1;
                self.let_in(entry, line, terminator);
                entry.drawn = self.law.draw();
                self.copy = Some((entry, line.into(), terminator));
            }
        }
    }

    fn let_in(&mut self, mut entry: Entry, line: &[u8], terminator: u8) {
        while self.when_full != WhenFull::Block && !self.has_room(entry.bytes) {
            self.fates.dropped += 1;
            if self.when_full == WhenFull::DropNewest {
                self.outlet.dropped(&entry);
                return;
            }
            if let Some(oldest) = self.waiting.drop_first() {
                self.outlet.dropped(&oldest);
            }
        }
        if self.finishes_lines && line.last() != Some(&terminator) {
            entry.bytes += 1;
            let line = [line, &[terminator]].concat();
            self.waiting.push_line(entry, &line, terminator);
        } else {
            self.waiting.push_line(entry, line, terminator);
        }
        self.law.came(&entry);
        self.fates.held = self.fates.held.max(self.waiting.count());
    }
}
