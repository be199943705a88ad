//! A file system in memory, whose clock ticks when it is told to.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};

use rustix::io::Errno;

use crate::Start;
use crate::disk::{Disk, Entry, Facts, Kind, Readable};
use crate::identity::Identity;

/// Files and symbolic links in one directory, which is every path's parent.
#[derive(Clone, Default)]
pub(super) struct Memory(Rc<RefCell<Inner>>);

/// Something that happens in it.
type Event = Box<dyn FnOnce(&Memory)>;

#[derive(Default)]
struct Inner {
    now: Rc<Cell<u64>>,
    entries: BTreeMap<PathBuf, Node>,
    /// How often they have changed.
    changes: u64,
    /// By number; a number whose file is gone is given out again.
    numbers: Vec<Weak<File>>,
    /// Files keep no time of birth.
    is_birthless: bool,
    /// Directories cannot be listed.
    is_blind: bool,
    /// What happens when one is to be, when it has been, and when it is asked what a path stands for.
    before_listed: Option<Event>,
    when_listed: Option<Event>,
    when_asked: Option<Event>,
}

#[derive(Clone)]
enum Node {
    File(Rc<File>),
    Link(PathBuf),
}

pub(super) struct File {
    number: u64,
    born: Option<u64>,
    bytes: RefCell<Vec<u8>>,
    /// The clock, and what it said when it was last changed.
    now: Rc<Cell<u64>>,
    modified: Cell<u64>,
    /// It cannot be read.
    is_broken: Cell<bool>,
}

/// An open file: its number is not given out again.
pub(super) type Handle = Rc<File>;

impl Memory {
    /// The clock goes on.
    pub(super) fn tick(&self) {
        let inner = self.0.borrow();
        inner.now.set(inner.now.get() + 1);
    }

    /// From now on files are made without a time of birth.
    pub(super) fn be_birthless(&self) {
        self.0.borrow_mut().is_birthless = true;
    }

    /// Opens a file to append to it; makes it if there is none.
    pub(super) fn append(&self, path: &Path) -> Handle {
        if let Ok(file) = self.file(path) {
            return file;
        }
        let path = self.resolved(path);
        let mut inner = self.0.borrow_mut();
        let free = inner
            .numbers
            .iter()
            .position(|file| file.strong_count() == 0);
        let number = free.unwrap_or(inner.numbers.len());
        let file = Rc::new(File {
            number: number as u64,
            born: Some(inner.now.get()).filter(|_| !inner.is_birthless),
            bytes: RefCell::default(),
            now: Rc::clone(&inner.now),
            modified: Cell::new(inner.now.get()),
            is_broken: Cell::default(),
        });
        if number == inner.numbers.len() {
            inner.numbers.push(Weak::new());
        }
        inner.numbers[number] = Rc::downgrade(&file);
        inner.entries.insert(path, Node::File(Rc::clone(&file)));
        inner.changes += 1;
        file
    }

    /// From now on directories can be listed, or not.
    pub(super) fn be_blind(&self, is_blind: bool) {
        self.0.borrow_mut().is_blind = is_blind;
    }

    /// This happens just before the directory is listed.
    pub(super) fn before_listed(&self, next: impl FnOnce(&Memory) + 'static) {
        self.0.borrow_mut().before_listed = Some(Box::new(next));
    }

    /// This happens as soon as the directory has been listed.
    pub(super) fn when_listed(&self, next: impl FnOnce(&Memory) + 'static) {
        self.0.borrow_mut().when_listed = Some(Box::new(next));
    }

    /// This happens just before it is asked what a path stands for.
    pub(super) fn when_asked(&self, next: impl FnOnce(&Memory) + 'static) {
        self.0.borrow_mut().when_asked = Some(Box::new(next));
    }

    pub(super) fn exists(&self, path: &Path) -> bool {
        self.0.borrow().entries.contains_key(path)
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) {
        let mut inner = self.0.borrow_mut();
        let node = inner.entries.remove(from).expect("there");
        inner.entries.insert(to.to_owned(), node);
        inner.changes += 1;
    }

    pub(super) fn remove(&self, path: &Path) {
        let mut inner = self.0.borrow_mut();
        inner.entries.remove(path).expect("there");
        inner.changes += 1;
    }

    /// Makes `path` a symbolic link, in the place of what is there.
    pub(super) fn link(&self, target: &Path, path: &Path) {
        let link = Node::Link(target.to_owned());
        let mut inner = self.0.borrow_mut();
        inner.entries.insert(path.to_owned(), link);
        inner.changes += 1;
    }

    fn resolved(&self, path: &Path) -> PathBuf {
        match self.0.borrow().entries.get(path) {
            Some(Node::Link(target)) => target.clone(),
            _ => path.to_owned(),
        }
    }

    fn file(&self, path: &Path) -> io::Result<Handle> {
        let path = self.resolved(path);
        match self.0.borrow().entries.get(&path) {
            Some(Node::File(file)) => Ok(Rc::clone(file)),
            _ => Err(ErrorKind::NotFound.into()),
        }
    }
}

impl File {
    pub(super) fn write(&self, text: &str) {
        self.modified.set(self.now.get());
        self.bytes.borrow_mut().extend_from_slice(text.as_bytes());
    }

    /// From now on it can be read, or not.
    pub(super) fn be_broken(&self, is_broken: bool) {
        self.is_broken.set(is_broken);
    }

    pub(super) fn truncate(&self) {
        self.modified.set(self.now.get());
        self.bytes.borrow_mut().clear();
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.bytes.borrow().clone()).expect("text")
    }
}

impl Disk for Memory {
    type File = Handle;

    fn facts(&self, path: &Path) -> io::Result<Facts> {
        let next = self.0.borrow_mut().when_asked.take();
        if let Some(next) = next {
            next(self);
        }
        if path == Path::new("/") {
            // Each change has a time of its own, and all of them are past.
            return Ok(Facts {
                identity: Identity {
                    device: 0,
                    inode: u64::MAX,
                    born: Some(0),
                    may_change: false,
                },
                kind: Kind::Directory,
                length: 0,
                modified: self.0.borrow().changes,
                links: 1,
            });
        }
        self.file(path)?.facts()
    }

    fn entry(&self, path: &Path) -> io::Result<Entry> {
        match self.0.borrow().entries.get(path) {
            Some(Node::File(_)) => Ok(Entry::File),
            Some(Node::Link(target)) => Ok(Entry::Link(target.clone())),
            None if path == Path::new("/") => Ok(Entry::Directory),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn names(&self, _: &Path) -> io::Result<Vec<OsString>> {
        let next = self.0.borrow_mut().before_listed.take();
        if let Some(next) = next {
            next(self);
        }
        let mut inner = self.0.borrow_mut();
        if inner.is_blind {
            return Err(Errno::ACCESS.into());
        }
        let names = inner.entries.keys().filter_map(|path| path.file_name());
        let names = names.map(Into::into).collect();
        let next = inner.when_listed.take();
        drop(inner);
        if let Some(next) = next {
            next(self);
        }
        Ok(names)
    }

    fn open(&self, path: &Path) -> io::Result<Handle> {
        self.file(path)
    }

    fn tells_changes_in(&self, _: &Path) -> bool {
        true
    }

    fn skip_to(&self, _: &Handle, _: Start, _: u8) -> io::Result<u64> {
        Ok(0)
    }
}

impl Readable for Handle {
    fn facts(&self) -> io::Result<Facts> {
        Ok(Facts {
            identity: Identity {
                device: 0,
                inode: self.number,
                born: self.born,
                may_change: false,
            },
            kind: Kind::Regular,
            length: self.bytes.borrow().len() as u64,
            modified: self.modified.get(),
            links: 1,
        })
    }

    fn read_at(&self, into: &mut [u8], position: u64) -> io::Result<usize> {
        if self.is_broken.get() {
            return Err(Errno::IO.into());
        }
        let bytes = self.bytes.borrow();
        let position = usize::try_from(position).expect("small").min(bytes.len());
        let count = into.len().min(bytes.len() - position);
        into[..count].copy_from_slice(&bytes[position..position + count]);
        Ok(count)
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn lend<T>(&self, _: impl FnOnce(BorrowedFd<'_>) -> io::Result<T>) -> io::Result<T> {
        Err(ErrorKind::Unsupported.into())
    }

    fn is_within_reach(&self) -> bool {
        true
    }

    fn tells_changes(&self) -> bool {
        true
    }
}
