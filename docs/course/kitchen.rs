//! The cake factory's parts: what is delivered, and the stations that work on it.
//!
//! A station is a coroutine that is sent an item at a time. What it has no use for it lets pass; what it makes
//! it sends to the next station, which has dealt with it when `send` returns: deliveries go down depth first.

#![allow(dead_code, reason = "each program uses a part of this")]

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use costage::{Call, Coroutine, Error, Generator, Result};

use crate::terminal::{Args, Failure, say};

/// What goes through the factory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Item {
    Flour,
    Sugar,
    Eggs,
    Butter,
    Chocolate,
    MeltedButter,
    DryMix,
    WetMix,
}

/// What is delivered to it.
const INGREDIENTS: [Item; 5] = [
    Item::Flour,
    Item::Sugar,
    Item::Eggs,
    Item::Butter,
    Item::Chocolate,
];

impl Item {
    fn name(self) -> &'static str {
        self.name_and_picture().0
    }

    fn picture(self) -> &'static str {
        self.name_and_picture().1
    }

    fn name_and_picture(self) -> (&'static str, &'static str) {
        match self {
            Item::Flour => ("flour", "🌾"),
            Item::Sugar => ("sugar", "🍬"),
            Item::Eggs => ("eggs", "🥚"),
            Item::Butter => ("butter", "🧈"),
            Item::Chocolate => ("chocolate", "🍫"),
            Item::MeltedButter => ("melted_butter", "🍯"),
            Item::DryMix => ("dry_mix", "📦"),
            Item::WetMix => ("wet_mix", "🧴"),
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The producer of `[--pace] [INGREDIENTS]`: the ingredients of that file, or of the run `by_default`, and
/// whether they are to come at the course's pace instead of at once.
pub(crate) fn order(args: &mut Args, by_default: &str) -> Result<(Generator<Item>, bool), Failure> {
    let pace = args.flag("--pace");
    let file = args.next();
    args.end()?;
    let supply = match file {
        Some(file) => read(&file)?,
        None => parse(by_default, "ingredients")?,
    };
    Ok((producer(supply, pace), pace))
}

fn read(file: &OsStr) -> Result<Vec<Item>> {
    let name = file.display().to_string();
    match fs::read_to_string(file) {
        Ok(text) => parse(&text, &name),
        Err(error) => Err(Error::io(Call::Open, name, error)),
    }
}

/// The ingredients in `text`, one a line; messages call it `name`.
fn parse(text: &str, name: &str) -> Result<Vec<Item>> {
    let unknown = |line| Error::other(format!("{name}: unknown ingredient '{line}'"));
    let ingredient = |line| {
        let known = INGREDIENTS.into_iter().find(|item| item.name() == line);
        known.ok_or_else(|| unknown(line))
    };
    text.lines().map(ingredient).collect()
}

fn producer(supply: Vec<Item>, pace: bool) -> Generator<Item> {
    Generator::new(async move |mut co| {
        for item in supply {
            co.give(item).await?;
            if pace {
                thread::sleep(Duration::from_millis(100));
            }
        }
        Ok(())
    })
}

/// A station.
pub(crate) type Station = Coroutine<Item, ()>;
/// A station that several send to.
pub(crate) type Shared = Rc<RefCell<Station>>;

/// Makes a station one that several may send to.
pub(crate) fn shared(station: Station) -> Shared {
    Rc::new(RefCell::new(station))
}

/// Melts butter.
pub(crate) fn butter_melter(next: Option<Shared>) -> Result<Station> {
    Coroutine::new(async move |mut co| {
        loop {
            if co.yield_(()).await? == Item::Butter {
                say!("Butter melter input  {}.", Item::Butter.picture())?;
                say!("Butter melter output {}.", Item::MeltedButter.picture())?;
                if let Some(next) = &next {
                    next.borrow_mut().send(Item::MeltedButter)?;
                }
            }
        }
    })
}

/// Mixes flour, sugar and chocolate.
pub(crate) fn dry_mixer(next: Shared) -> Result<Station> {
    let recipe = [(Item::Flour, 2), (Item::Sugar, 3), (Item::Chocolate, 2)];
    mixer("Dry", Storage::new(recipe), Item::DryMix, next)
}

/// Mixes eggs and melted butter.
pub(crate) fn wet_mixer(next: Shared) -> Result<Station> {
    let recipe = [(Item::Eggs, 2), (Item::MeltedButter, 1)];
    mixer("Wet", Storage::new(recipe), Item::WetMix, next)
}

/// Stores what it needs and, as soon as the recipe is complete, sends `mix` on.
fn mixer<const N: usize>(
    kind: &'static str,
    mut storage: Storage<N>,
    mix: Item,
    next: Shared,
) -> Result<Station> {
    Coroutine::new(async move |mut co| {
        loop {
            let item = co.yield_(()).await?;
            if !storage.store(item) {
                continue;
            }
            say!("{kind} Mixer got\t{item} -> {storage}")?;
            if storage.use_up() {
                let picture = mix.picture();
                say!("{kind} mixer sends mix {picture}. New storage -> {storage}")?;
                next.borrow_mut().send(mix)?;
            }
        }
    })
}

/// Bakes a cake of each two mixes.
pub(crate) fn oven() -> Result<Station> {
    Coroutine::new(async |mut co| {
        let mut storage = Storage::new([(Item::DryMix, 1), (Item::WetMix, 1)]);
        loop {
            let item = co.yield_(()).await?;
            if storage.store(item) {
                say!("OVEN got {item}\t->{storage}")?;
                if storage.use_up() {
                    say!("<<< Baked cake. 🎂 >>>")?;
                }
            }
        }
    })
}

/// What a station stores: a shelf for each item of its recipe.
struct Storage<const N: usize>([Shelf; N]);

/// How many of an item the recipe needs, and how many there are.
struct Shelf {
    item: Item,
    needed: usize,
    stored: usize,
}

impl<const N: usize> Storage<N> {
    fn new(recipe: [(Item, usize); N]) -> Storage<N> {
        Storage(recipe.map(|(item, needed)| Shelf {
            item,
            needed,
            stored: 0,
        }))
    }

    /// Takes `item` in, if the recipe asks for it.
    fn store(&mut self, item: Item) -> bool {
        let Some(place) = self.0.iter_mut().find(|shelf| shelf.item == item) else {
            return false;
        };
        place.stored += 1;
        true
    }

    /// Takes out what the recipe asks for, if all of it is there.
    fn use_up(&mut self) -> bool {
        let is_complete = self.0.iter().all(|shelf| shelf.stored >= shelf.needed);
        if is_complete {
            for shelf in &mut self.0 {
                shelf.stored -= shelf.needed;
            }
        }
        is_complete
    }
}

/// `[ 🥚🥚🍯 ]`
impl<const N: usize> fmt::Display for Storage<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[ ")?;
        for shelf in &self.0 {
            f.write_str(&shelf.item.picture().repeat(shelf.stored))?;
        }
        f.write_str(" ]")
    }
}
