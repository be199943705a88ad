//! Random searches, in cogrep and in the grep that is installed: the same bytes, the same status.
//!
//! `COUTILS_DIFFERENTIAL_SEARCHES` is how many (each in several texts), `COUTILS_DIFFERENTIAL_SEED` where they begin.

mod differences;
mod pattern;
mod random;
mod search;
mod text;

use std::collections::BTreeMap;
use std::fs;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::runs;
use crate::util::{Cmd, Dir};
use differences::DIFFERENCES;
use random::Random;
use search::{Input, Outcome, Search};

const SEED: u64 = 1;
const SEARCHES: u64 = 2500;
/// Processes are waited for most of the time.
const THREADS: usize = 8;
const SMALL_TEXTS: usize = 60;
const LARGE_TEXTS: usize = 4;
/// So many texts are searched at once.
const TOGETHER: usize = 16;
/// In one of so many searches the texts are large.
const LARGE_EVERY: usize = 25;
/// Smaller cases that are tried before the smallest is shown.
const SHRINKING: usize = 2000;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Where grep is and has both locales. Without, there is nothing to compare with.
fn grep_is_there() -> bool {
    runs(
        "sh",
        &["-c", "printf '\\303\\251' | LC_ALL=C.UTF-8 grep -aE '^.$'"],
    )
}

#[test]
fn random_searches_are_those_of_grep() {
    if !grep_is_there() {
        return;
    }
    let searches = setting("COUTILS_DIFFERENTIAL_SEARCHES", SEARCHES);
    let seed = setting("COUTILS_DIFFERENTIAL_SEED", SEED);
    let texts = Texts::new();
    let next = AtomicU64::new(0);
    let work = || {
        let dir = Dir::new();
        texts.copy_to(&dir.path(""));
        let mut tally = Tally::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= searches {
                return Ok(tally);
            }
            if let Err(report) = try_one(seed + number, &texts, &dir, &mut tally) {
                // The others need not go on.
                next.store(searches, Ordering::Relaxed);
                return Err(report);
            }
        }
    };
    let tallies: Result<Vec<Tally>, String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        let done = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        done.collect()
    });
    let mut tally = Tally::default();
    for other in tallies.unwrap_or_else(|report| panic!("{report}")) {
        tally.add(&other);
    }
    println!("{tally:?}");
    if searches >= SEARCHES {
        // Should the exclusions grow, this says so.
        assert!(
            tally.compared > 2 * tally.excluded.values().sum::<u64>(),
            "{tally:?}"
        );
        for difference in DIFFERENCES.iter().filter(|it| it.excludes.is_some()) {
            assert!(
                tally.excluded.contains_key(difference.name),
                "never met: {}",
                difference.name
            );
        }
    }
}

/// What was compared, and what was not.
#[derive(Debug, Default)]
struct Tally {
    compared: u64,
    excluded: BTreeMap<&'static str, u64>,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.compared += other.compared;
        for (name, count) in &other.excluded {
            *self.excluded.entry(name).or_default() += count;
        }
    }
}

/// The texts that are searched, and their files' names.
struct Texts(Vec<(String, Vec<u8>)>);

impl Texts {
    fn new() -> Texts {
        let mut random = Random::new(0);
        let mut texts: Vec<Vec<u8>> = (0..SMALL_TEXTS)
            .map(|_| text::random(&mut random))
            .collect();
        texts.extend((0..LARGE_TEXTS).map(|_| text::large(&mut random)));
        let named = texts.into_iter().enumerate();
        Texts(
            named
                .map(|(number, text)| (number.to_string(), text))
                .collect(),
        )
    }

    fn copy_to(&self, dir: &Path) {
        for (name, text) in &self.0 {
            fs::write(dir.join(name), text).expect("written");
        }
    }

    fn pick(&self, random: &mut Random, large: bool) -> &(String, Vec<u8>) {
        let at = if large {
            SMALL_TEXTS + random.below(LARGE_TEXTS)
        } else {
            random.below(SMALL_TEXTS)
        };
        &self.0[at]
    }
}

/// The search with this seed, in several files and in one text on standard input; a report if they differ.
fn try_one(seed: u64, texts: &Texts, dir: &Dir, tally: &mut Tally) -> Result<(), String> {
    let mut random = Random::new(seed);
    let search = Search::random(&mut random);
    let large = random.below(LARGE_EVERY) == 0;
    let mut names = Vec::new();
    for _ in 0..if large { 2 } else { TOGETHER } {
        let (name, text) = texts.pick(&mut random, large);
        match differences::which(&search, text) {
            None => names.push(name.clone()),
            Some(difference) => *tally.excluded.entry(difference).or_default() += 1,
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    // A NUL that a read brings alone is lost in GNU grep 3.8, and the record with it goes on.
    let alone = if search.has("-z") || random.percent(50) {
        Input::Redirected(&names[0])
    } else {
        // A large text byte by byte took minutes on a busy machine.
        let pieces: &[usize] = if large {
            &[100, 5000, 70_000]
        } else {
            &[1, 3, 100]
        };
        Input::Pipe(&names[0], random.pick(pieces))
    };
    let dir = dir.path("");
    for input in [Input::Files(&names), alone] {
        let [grep, cogrep] = search.run(&dir, &input);
        if grep != cogrep {
            let smallest = smallest(&search, &input, &dir);
            return Err(format!(
                "COUTILS_DIFFERENTIAL_SEED={seed} COUTILS_DIFFERENTIAL_SEARCHES=1\n{search:?}\n{}\n{smallest}",
                first_difference(&grep, &cogrep)
            ));
        }
    }
    tally.compared += names.len() as u64 + 1;
    Ok(())
}

/// The statuses, and the outputs from where they differ.
fn first_difference(grep: &Outcome, cogrep: &Outcome) -> String {
    let same = grep.1.iter().zip(&cogrep.1).take_while(|(a, b)| a == b);
    let same = same.count();
    let from = |outcome: &Outcome| {
        let rest = &outcome.1[same..];
        format!(
            "status {:?}, {}",
            outcome.0,
            rest[..rest.len().min(100)].escape_ascii()
        )
    };
    format!(
        "from byte {same} on:\n grep: {}\n cogrep: {}",
        from(grep),
        from(cogrep)
    )
}

/// The difference in as little as it needs, as a shell command.
fn smallest(search: &Search, input: &Input, dir: &Path) -> String {
    let differs = |search: &Search, input: &Input| {
        let [grep, cogrep] = search.run(dir, input);
        grep != cogrep
    };
    let names = match input {
        Input::Files(names) => *names,
        Input::Redirected(name) | Input::Pipe(name, _) => &[(*name).to_string()],
    };
    let like = |name: &[String]| -> Box<dyn Fn(&Search) -> bool> {
        let name = name.to_vec();
        match input {
            Input::Files(_) => Box::new(move |search| differs(search, &Input::Files(&name))),
            Input::Redirected(_) => {
                Box::new(move |search| differs(search, &Input::Redirected(&name[0])))
            }
            Input::Pipe(_, piece) => {
                let piece = *piece;
                Box::new(move |search| differs(search, &Input::Pipe(&name[0], piece)))
            }
        }
    };
    let Some(name) = names
        .iter()
        .find(|name| like(std::slice::from_ref(*name))(search))
    else {
        return format!("only in all of these files together: {names:?}");
    };
    let mut text = fs::read(dir.join(name)).expect("a text");
    let shrunk = ["text".to_string()];
    let differs = like(&shrunk);
    let mut search = search.clone();
    let mut tries = 0;
    let mut still = |search: &Search, text: &[u8]| {
        tries += 1;
        fs::write(dir.join(&shrunk[0]), text).expect("written");
        tries < SHRINKING && differences::which(search, text).is_none() && differs(search)
    };
    loop {
        if let Some(smaller) = text::smaller(&text)
            .into_iter()
            .find(|text| still(&search, text))
        {
            text = smaller;
        } else if let Some(smaller) = search
            .smaller()
            .into_iter()
            .find(|search| still(search, &text))
        {
            search = smaller;
        } else {
            return search.shell(&text, input);
        }
    }
}

#[test]
fn every_difference_shows_where_it_is_said_to() {
    if !grep_is_there() {
        return;
    }
    for difference in DIFFERENCES {
        let (locale, arguments, text) = difference.witness;
        let dir = Dir::new();
        let run = |cmd: Cmd| {
            let cmd = cmd.args(arguments).env("LC_ALL", locale).dir(dir.path(""));
            let output = cmd.stdin(text).run();
            (output.status.code(), output.stdout)
        };
        let (grep, ours) = (run(Cmd::new("grep").arg("-a")), run(Cmd::bin("cogrep")));
        assert_ne!(grep, ours, "no longer different: {}", difference.name);
    }
}

#[test]
fn every_difference_has_its_reason_in_the_docs() {
    let docs = include_str!("../../docs/cogrep.md");
    for difference in DIFFERENCES {
        let row = format!("\n| **{}** | ", difference.name);
        assert!(
            docs.contains(&row),
            "not in docs/cogrep.md: {}",
            difference.name
        );
    }
}
