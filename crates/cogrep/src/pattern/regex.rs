//! A regular expression, on whole blocks.

use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};

use regex_automata::meta::{Cache, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{Input, MatchKind, PatternID};
use regex_syntax::hir::Hir;

use super::dense::Dense;
use super::parse::{Words, as_lines, as_words, length_written_out, ranges, without_groups};
use super::race::{Race, Way};
use super::required::{Prefilter, Required};
use super::unicode_words::UnicodeWords;
use super::words::is_word;
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
    regex: Meta,
    table: Table,
    /// How it goes through the text now.
    way: Way,
    /// Until it is settled which way is the fastest.
    race: Option<Race>,
    grouped: Grouped,
    /// For `-w` the search knows only ASCII's words, and what it finds beside other letters has to be looked at again.
    words: Option<Box<UnicodeWords>>,
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
        let regex = Meta::new(&searched, syntax.terminator)?;
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
        let words = syntax.words.then(|| {
            let is_utf8 = hir.properties().is_utf8();
            Box::new(if is_utf8 {
                let hir = around(hir.clone(), Words::Unicode);
                UnicodeWords::of_characters(hir, syntax.terminator)
            } else {
                let hir = hir.clone();
                let hir = if syntax.lines { as_lines(hir) } else { hir };
                UnicodeWords::of_bytes(hir, syntax.terminator)
            })
        });
        Ok(LineRegex {
            filter,
            regex,
            table: Table::NotYet(searched),
            way,
            race,
            grouped: Grouped {
                hir: around(hir, Words::Ascii),
                terminator: syntax.terminator,
                compiled: None,
            },
            words,
        })
    }

    pub(super) fn find(&mut self, text: &[u8], from: usize, terminator: u8) -> Option<usize> {
        let before = self.race.is_some().then(Instant::now);
        let found = self.search(text, from, terminator);
        if let Some(before) = before {
            self.note(found.unwrap_or(text.len()) - from, before.elapsed());
        }
        found
    }

    /// Notes for the race that so many bytes were searched in that time.
    fn note(&mut self, searched: usize, took: Duration) {
        let Some(race) = &mut self.race else {
            return;
        };
        if let Some((next, is_settled)) = race.note(self.way, searched, took) {
            let fastest = race.fastest();
            let can = self.try_way(next);
            if !can {
                self.try_way(fastest);
            }
            if is_settled || !can {
                self.race = None;
            }
        }
    }

    /// Goes another way from here on, if it can.
    pub(super) fn try_way(&mut self, way: Way) -> bool {
        if let (Way::Table, Table::NotYet(hir)) = (way, &self.table) {
            let made = Dense::new(hir, self.grouped.terminator);
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
            if is_sure && self.words.is_none() {
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
        if self.words.is_some() && !line.is_ascii() {
            return self.bounds(line, 0).is_some();
        }
        is_sure || self.regex.end_of_match(line, 0).is_some()
    }

    /// Does it match some texts and nothing else, wherever they are?
    pub(super) fn is_one_of_texts(&self) -> bool {
        self.filter.as_ref().is_some_and(|filter| filter.is_all)
    }

    pub(super) fn bounds(&mut self, line: &[u8], from: usize) -> Option<Range<usize>> {
        self.may_begin_line(from);
        let found = self.regex.find(&Input::new(line).range(from..))?;
        match &mut self.words {
            Some(words) if !is_surely_word(line, &found) => words.bounds(line, from),
            _ => Some(found),
        }
    }

    /// What is looked for from the start of a line is the first in it.
    fn may_begin_line(&mut self, from: usize) {
        if from == 0
            && let Some(words) = &mut self.words
        {
            words.begin_line();
        }
    }

    pub(super) fn groups(
        &mut self,
        line: &[u8],
        from: usize,
        groups: &mut Vec<Option<Range<usize>>>,
    ) -> bool {
        self.may_begin_line(from);
        let input = Input::new(line).range(from..);
        self.grouped.engine().groups(&input, groups);
        let found = |groups: &[Option<Range<usize>>]| groups.first().cloned().flatten();
        match (&mut self.words, found(groups)) {
            (Some(words), Some(at)) if !is_surely_word(line, &at) => {
                words.groups(line, from, groups);
                found(groups).is_some()
            }
            (_, found) => found.is_some(),
        }
    }

    pub(super) fn group_names(&mut self) -> Vec<Option<String>> {
        let engine = self.grouped.engine();
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
        if self.words.is_some() {
            f.write_str(", then words beyond ASCII")?;
        }
        Ok(())
    }
}

/// An engine of the regex crate with its working memory.
#[derive(Clone, Debug)]
pub(super) struct Meta {
    regex: Regex,
    cache: Box<Cache>,
}

impl Meta {
    /// An engine that knows no groups but the match.
    fn new(hir: &Hir, terminator: u8) -> Result<Meta, PatternError> {
        // `None` is for engines that are never asked for a match's start; the meta engine then finds nothing.
        let (kind, groups) = (MatchKind::LeftmostFirst, WhichCaptures::Implicit);
        Meta::with_groups(hir, terminator, kind, groups, Some(COMPILED_AT_MOST))
    }

    /// One that knows its groups, without a limit: what it is made of was within one when the search was compiled of
    /// the same.
    pub(super) fn unbounded(hir: &Hir, terminator: u8, kind: MatchKind) -> Meta {
        Meta::with_groups(hir, terminator, kind, WhichCaptures::All, None)
            .expect("the same regex without its groups was compiled, and there is no limit")
    }

    fn with_groups(
        hir: &Hir,
        terminator: u8,
        kind: MatchKind,
        groups: WhichCaptures,
        limit: Option<usize>,
    ) -> Result<Meta, PatternError> {
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
        Ok(Meta { regex, cache })
    }

    /// The end of a match is enough where the match is within one line, and half the work.
    fn end_of_match(&mut self, text: &[u8], from: usize) -> Option<usize> {
        let input = Input::new(text).range(from..);
        let found = self.regex.search_half_with(&mut self.cache, &input)?;
        Some(found.offset())
    }

    pub(super) fn groups(&mut self, input: &Input<'_>, groups: &mut Vec<Option<Range<usize>>>) {
        let mut captures = self.regex.create_captures();
        self.regex
            .search_captures_with(&mut self.cache, input, &mut captures);
        groups.clear();
        groups.extend(captures.iter().map(|span| span.map(|span| span.range())));
    }

    pub(super) fn find(&mut self, input: &Input<'_>) -> Option<Range<usize>> {
        let found = self.regex.search_with(&mut self.cache, input)?;
        Some(found.range())
    }
}

/// Does what was found stand by itself? What is empty may be within a character.
fn is_surely_word(line: &[u8], found: &Range<usize>) -> bool {
    !found.is_empty() && is_word(line, found)
}

/// The same regex with its groups, which only a replacement asks for; compiled when it first does.
#[derive(Clone, Debug)]
struct Grouped {
    hir: Hir,
    terminator: u8,
    compiled: Option<Meta>,
}

impl Grouped {
    fn engine(&mut self) -> &mut Meta {
        self.compiled.get_or_insert_with(|| {
            Meta::unbounded(&self.hir, self.terminator, MatchKind::LeftmostFirst)
        })
    }
}
