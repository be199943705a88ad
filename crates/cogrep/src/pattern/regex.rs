//! A regular expression, on whole blocks.

use std::fmt;
use std::ops::Range;
use std::time::Instant;

use regex_automata::meta::{Cache, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{Anchored, Input, MatchKind, PatternID};
use regex_syntax::hir::Hir;

use super::dense::Dense;
use super::parse::{Words, as_lines, as_words, length_written_out, ranges, without_groups};
use super::race::{Race, Way};
use super::required::{Prefilter, Required};
use super::words::{is_word_before, is_word_behind};
use super::{PatternError, Syntax, line_around};

/// What a compiled regex may take: twice what 20,000 alternatives need.
const COMPILED_AT_MOST: usize = 100 << 20;
/// What the states may take that are made as they are needed: so much for each character or range of characters. With
/// less than a large regex needs for a few of them the engine falls back to one that is a hundred times slower; with
/// more than a small one needs it makes states without end.
const STATES_A_RANGE: usize = 200;
const STATES_AT_LEAST: usize = 2 << 20;
const STATES_AT_MOST: usize = 64 << 20;

/// A regex that finds lines in blocks, and where in a line it matches.
#[derive(Clone, Debug)]
pub(super) struct LineRegex {
    /// What every match has in it.
    filter: Option<Filter>,
    regex: Engine,
    table: Table,
    /// How it goes through the text now.
    way: Way,
    /// Until it is settled which way is the fastest.
    race: Option<Race>,
    /// For `-w` the search knows only ASCII's words, and other lines have to be looked at again.
    has_words: bool,
    exact: Exact,
}

/// A search for what is required.
#[derive(Clone, Debug)]
struct Filter {
    search: Prefilter,
    /// What it finds is a match.
    is_all: bool,
}

/// The table of states, made when it is first tried.
#[derive(Clone, Debug)]
enum Table {
    NotYet(Hir),
    Made(Dense),
    Impossible,
}

impl LineRegex {
    /// `hir` matches no terminator.
    pub(super) fn new(hir: Hir, syntax: Syntax) -> Result<LineRegex, PatternError> {
        let bare = without_groups(hir.clone());
        let around = |hir: Hir, words| {
            let hir = if syntax.words {
                as_words(hir, words)
            } else {
                hir
            };
            if syntax.lines { as_lines(hir) } else { hir }
        };
        let searched = around(bare.clone(), Words::Ascii);
        let regex = Engine::new(&searched, syntax.terminator, MatchKind::LeftmostFirst)?;
        let required = Required::of(&bare);
        let filter = required.as_ref().map(|required| {
            Ok(Filter {
                search: Prefilter::new(required)?,
                is_all: required.is_all && !syntax.words && !syntax.lines,
            })
        });
        let filter = filter.transpose()?;
        let (way, race) = match &filter {
            Some(filter) if filter.is_all => (Way::Filter, None),
            Some(_) => (Way::Filter, Some(Race::new(vec![Way::Table, Way::Regex]))),
            None => (Way::Regex, Some(Race::new(vec![Way::Table]))),
        };
        let with_groups = hir.clone();
        let beside_broken = syntax.words.then(|| {
            if syntax.lines {
                as_lines(with_groups)
            } else {
                with_groups
            }
        });
        Ok(LineRegex {
            filter,
            regex,
            table: Table::NotYet(searched),
            way,
            race,
            has_words: syntax.words,
            exact: Exact {
                terminator: syntax.terminator,
                hir: around(hir, Words::Unicode),
                compiled: None,
                beside_broken: beside_broken.map(|hir| {
                    Box::new(BrokenWords {
                        hir,
                        compiled: None,
                    })
                }),
            },
        })
    }

    pub(super) fn find(&mut self, text: &[u8], from: usize, terminator: u8) -> Option<usize> {
        let Some(race) = &mut self.race else {
            return self.search(text, from, terminator);
        };
        let mut race = std::mem::take(race);
        let before = Instant::now();
        let found = self.search(text, from, terminator);
        let searched = found.unwrap_or(text.len()) - from;
        let mut is_settled = false;
        if let Some((next, settled)) = race.note(self.way, searched, before.elapsed()) {
            is_settled = settled;
            if !self.goes(next) {
                is_settled = true;
                self.goes(race.fastest());
            }
        }
        self.race = (!is_settled).then_some(race);
        found
    }

    /// Goes another way from here on, if it can.
    pub(super) fn goes(&mut self, way: Way) -> bool {
        if let (Way::Table, Table::NotYet(hir)) = (way, &self.table) {
            let made = Dense::new(hir, self.exact.terminator);
            self.table = made.map_or(Table::Impossible, Table::Made);
        }
        let can = match way {
            Way::Filter => self.filter.is_some(),
            Way::Regex => true,
            Way::Table => matches!(self.table, Table::Made(_)),
        };
        if can {
            self.way = way;
        }
        can
    }

    fn search(&mut self, text: &[u8], mut from: usize, terminator: u8) -> Option<usize> {
        while from < text.len() {
            let (at, is_sure) = self.candidate(text, from, terminator)?;
            // Behind the last terminator there is no line for an empty match to be in.
            if at == text.len() && text.last() == Some(&terminator) {
                return None;
            }
            if is_sure && !self.has_words {
                return Some(at);
            }
            let line = line_around(text, from, at, terminator);
            let bytes = &text[line.clone()];
            let bytes = bytes.strip_suffix(&[terminator]).unwrap_or(bytes);
            if self.confirms(bytes, is_sure) {
                return Some(at);
            }
            from = line.end;
        }
        None
    }

    /// The next place that may be in a matching line, and whether it surely is, except for words beyond ASCII.
    fn candidate(&mut self, text: &[u8], from: usize, terminator: u8) -> Option<(usize, bool)> {
        match (self.way, &self.filter, &self.table) {
            (Way::Filter, Some(filter), _) => {
                let at = filter.search.find(text, from, terminator)?;
                Some((at, filter.is_all))
            }
            (Way::Table, _, Table::Made(table)) => {
                Some((table.find(text, from, terminator)?, true))
            }
            _ => Some((self.regex.end_of_match(text, from)?, true)),
        }
    }

    /// Does the line match in which something was found?
    fn confirms(&mut self, line: &[u8], is_sure: bool) -> bool {
        if self.has_words && !line.is_ascii() {
            return self.exact.bounds(line, 0).is_some();
        }
        is_sure || self.regex.end_of_match(line, 0).is_some()
    }

    pub(super) fn bounds(&mut self, line: &[u8], from: usize) -> Option<Range<usize>> {
        self.exact.bounds(line, from)
    }

    pub(super) fn groups(
        &mut self,
        line: &[u8],
        from: usize,
        groups: &mut Vec<Option<Range<usize>>>,
    ) -> bool {
        self.exact.groups(line, from, groups)
    }

    pub(super) fn group_names(&mut self) -> Vec<Option<String>> {
        let exact = &mut self.exact;
        let engine = compiled(&mut exact.compiled, &exact.hir, exact.terminator);
        let names = engine.regex.group_info().pattern_names(PatternID::ZERO);
        names.map(|name| name.map(str::to_owned)).collect()
    }
}

impl fmt::Display for LineRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.filter {
            Some(filter) if filter.is_all => write!(f, "{}", filter.search)?,
            Some(filter) => write!(f, "{}, then a regex on the line", filter.search)?,
            None => f.write_str("a regex")?,
        }
        if self.race.is_some() {
            f.write_str("; for long texts the fastest of all ways")?;
        }
        if self.has_words {
            f.write_str(", then words beyond ASCII")?;
        }
        Ok(())
    }
}

/// An engine of the regex crate with its working memory.
#[derive(Clone, Debug)]
struct Engine {
    regex: Regex,
    cache: Box<Cache>,
}

impl Engine {
    fn new(hir: &Hir, terminator: u8, kind: MatchKind) -> Result<Engine, PatternError> {
        // `None` is for engines that are never asked for a match's start; the meta engine then finds nothing.
        Engine::with_groups(
            hir,
            terminator,
            kind,
            WhichCaptures::Implicit,
            Some(COMPILED_AT_MOST),
        )
    }

    fn with_groups(
        hir: &Hir,
        terminator: u8,
        kind: MatchKind,
        groups: WhichCaptures,
        limit: Option<usize>,
    ) -> Result<Engine, PatternError> {
        let ranges = length_written_out(hir, ranges);
        let states = ranges.saturating_mul(STATES_A_RANGE);
        let config = Regex::config()
            .utf8_empty(false)
            .match_kind(kind)
            .line_terminator(terminator)
            .which_captures(groups)
            .nfa_size_limit(limit)
            .hybrid_cache_capacity(states.clamp(STATES_AT_LEAST, STATES_AT_MOST));
        let regex = Regex::builder()
            .configure(config)
            .build_from_hir(hir)
            .map_err(|error| match error.size_limit() {
                Some(limit) => PatternError::too_large(limit),
                None => PatternError::new(error),
            })?;
        let cache = Box::new(regex.create_cache());
        Ok(Engine { regex, cache })
    }

    /// The end of a match is enough where the match is within one line, and half the work.
    fn end_of_match(&mut self, text: &[u8], from: usize) -> Option<usize> {
        let input = Input::new(text).range(from..);
        let found = self.regex.search_half_with(&mut self.cache, &input)?;
        Some(found.offset())
    }

    fn groups(&mut self, input: &Input<'_>, groups: &mut Vec<Option<Range<usize>>>) {
        let mut captures = self.regex.create_captures();
        self.regex
            .search_captures_with(&mut self.cache, input, &mut captures);
        groups.clear();
        groups.extend(captures.iter().map(|span| span.map(|span| span.range())));
    }

    fn find(&mut self, input: &Input<'_>) -> Option<Range<usize>> {
        let found = self.regex.search_with(&mut self.cache, input)?;
        Some(found.range())
    }
}

/// The whole pattern with its groups, for one line; compiled when it is first asked for.
#[derive(Clone, Debug)]
struct Exact {
    terminator: u8,
    hir: Hir,
    compiled: Option<Engine>,
    /// With `-w`.
    beside_broken: Option<Box<BrokenWords>>,
}

impl Exact {
    fn bounds(&mut self, line: &[u8], from: usize) -> Option<Range<usize>> {
        let input = Input::new(line).range(from..);
        let found = compiled(&mut self.compiled, &self.hir, self.terminator).find(&input);
        match &mut self.beside_broken {
            Some(broken) if is_passed_broken(line, from, found.as_ref()) => {
                broken.bounds(line, from, self.terminator)
            }
            _ => found,
        }
    }

    fn groups(&mut self, line: &[u8], from: usize, groups: &mut Vec<Option<Range<usize>>>) -> bool {
        let input = Input::new(line).range(from..);
        compiled(&mut self.compiled, &self.hir, self.terminator).groups(&input, groups);
        let found = groups.first().cloned().flatten();
        match &mut self.beside_broken {
            Some(broken) if is_passed_broken(line, from, found.as_ref()) => {
                let found = broken.bounds(line, from, self.terminator);
                found.is_some_and(|found| {
                    broken.groups(line, found, self.terminator, groups);
                    true
                })
            }
            _ => found.is_some(),
        }
    }
}

/// Is there a broken byte, beside which the engine overlooks words, before the end of what it found? Only there: a
/// line with many words is not looked at anew for each of them.
fn is_passed_broken(line: &[u8], from: usize, found: Option<&Range<usize>>) -> bool {
    is_broken(line, from..found.map_or(line.len(), |found| found.end))
}

/// Is there a broken byte in this part of the line, or beside it?
fn is_broken(line: &[u8], part: Range<usize>) -> bool {
    let is_start = |at: &usize| line.get(*at).is_none_or(|&byte| byte & 0xC0 != 0x80);
    let near = |at: usize| at.saturating_sub(4)..at.saturating_add(1);
    let start = near(part.start.saturating_sub(1)).rfind(is_start);
    let end = (part.end + 1..part.end + 5)
        .find(is_start)
        .map(|end| end.min(line.len()));
    match (start, end) {
        (Some(start), Some(end)) => std::str::from_utf8(&line[start..end]).is_err(),
        // So many bytes that are part of a character are no character.
        _ => true,
    }
}

/// The engine, made when it is first needed. Without a limit: what it is made of was within one when the search
/// was compiled of the same.
fn compiled<'a>(engine: &'a mut Option<Engine>, hir: &Hir, terminator: u8) -> &'a mut Engine {
    engine.get_or_insert_with(|| {
        let kind = MatchKind::LeftmostFirst;
        Engine::with_groups(hir, terminator, kind, WhichCaptures::All, None)
            .expect("the same regex without its groups was compiled, and there is no limit")
    })
}

/// Words in a line that is not all UTF-8. To the regex crate no word begins or ends beside a broken byte; to grep
/// such a byte is like a space. So each place is tried by itself: slow, and exact.
#[derive(Clone, Debug)]
struct BrokenWords {
    hir: Hir,
    compiled: Option<Engine>,
}

impl BrokenWords {
    fn engine(&mut self, terminator: u8) -> &mut Engine {
        self.compiled.get_or_insert_with(|| {
            Engine::with_groups(
                &self.hir,
                terminator,
                MatchKind::All,
                WhichCaptures::All,
                None,
            )
            .expect("the same regex was compiled, and there is no limit")
        })
    }

    fn bounds(&mut self, line: &[u8], from: usize, terminator: u8) -> Option<Range<usize>> {
        let engine = self.engine(terminator);
        places(line, from)
            .filter(|&start| !is_word_before(line, start))
            .find_map(|start| {
                // The longest match there, and if that is no word a shorter one, as grep tries them.
                let mut end = line.len();
                loop {
                    let input = Input::new(line).range(start..end).anchored(Anchored::Yes);
                    let found = engine.find(&input)?;
                    if !is_word_behind(line, found.end) {
                        return Some(found);
                    }
                    end = found.end.checked_sub(1).filter(|&end| end >= start)?;
                }
            })
    }

    /// The groups of this match.
    fn groups(
        &mut self,
        line: &[u8],
        found: Range<usize>,
        terminator: u8,
        groups: &mut Vec<Option<Range<usize>>>,
    ) {
        let input = Input::new(line).range(found).anchored(Anchored::Yes);
        self.engine(terminator).groups(&input, groups);
    }
}

/// Where characters begin, and broken bytes, from `from` on, and the end.
fn places(line: &[u8], from: usize) -> impl Iterator<Item = usize> {
    let mut at = from;
    std::iter::from_fn(move || {
        let place = at;
        if place > line.len() {
            return None;
        }
        let rest = &line[place..];
        let is_character = |length: &usize| std::str::from_utf8(&rest[..*length]).is_ok();
        at += (1..=rest.len().min(4)).find(is_character).unwrap_or(1);
        Some(place)
    })
}
