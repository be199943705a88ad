//! The times that logs put into their lines.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::Offset;
use regex_automata::Input;
use regex_automata::meta::{BuildError, Regex};
use regex_automata::util::captures::Captures;

/// Nanoseconds since 1970, UTC. A time without an offset is taken for UTC: only the gaps count.
pub(crate) type Stamp = i128;

/// Half a year: a date without a year that goes back further is one of the next.
const HALF_A_YEAR: Stamp = 183 * DAY;
/// A time without a date that goes back by no more than this is of the same day: lines out of order, and the end of
/// summer time.
const BACK: Stamp = 2 * 3600 * SECOND;
const DAY: Stamp = 86400 * SECOND;
const SECOND: Stamp = 1_000_000_000;

/// What is looked for where nothing else is said, in this order; the leftmost in a line counts. Each has the time as
/// its group.
const KNOWN: [(&str, Format); 4] = [
    (
        r"\[([0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4})\]",
        Format::CommonLog,
    ),
    (
        r"\b([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9]\b| [+-](?:0[0-9]|1[0-3]):?[0-5][0-9]\b| [+-]14:?00\b)?)",
        Format::Rfc3339,
    ),
    (
        r"^(?:<[0-9]{1,3}>)?([A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?)\b",
        Format::Syslog,
    ),
    (
        r"^\[?([0-9]{13}(?:\.[0-9]{1,6})?|[0-9]{10}(?:\.[0-9]{1,9})?)\b",
        Format::Epoch,
    ),
];

/// How a time is written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Format {
    CommonLog,
    Rfc3339,
    Syslog,
    Epoch,
    /// As for `strptime(3)`.
    Given(String),
}

/// Finds the time in a line.
#[derive(Clone, Debug)]
pub struct Timestamps {
    regex: Regex,
    groups: Captures,
    formats: Vec<Format>,
    /// Where dates without a year, and times without a date, have got to.
    undated: Option<Undated>,
}

/// Why no times can be found.
#[derive(Debug)]
#[non_exhaustive]
pub enum TimestampsError {
    /// A regular expression that is wrong: what is wrong with it.
    Regex(String),
    /// It has no group, and a group is what the time is to be in.
    NoGroup,
    /// A format of `strptime` that is wrong.
    Format(String),
}

impl fmt::Display for TimestampsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimestampsError::Regex(what) => write!(f, "invalid regular expression: {what}"),
            TimestampsError::NoGroup => {
                f.write_str("the regular expression needs a group, ( ), around the time")
            }
            TimestampsError::Format(what) => write!(f, "invalid format of times: {what}"),
        }
    }
}

impl std::error::Error for TimestampsError {}

impl From<BuildError> for TimestampsError {
    fn from(error: BuildError) -> TimestampsError {
        let what = error
            .syntax_error()
            .map_or_else(|| error.to_string(), ToString::to_string);
        // The first lines show the expression again.
        let what = what.lines().last().unwrap_or_default();
        TimestampsError::Regex(what.trim_start_matches("error: ").to_owned())
    }
}

impl Default for Timestamps {
    /// Those of the common log format, RFC 3339 (also with a space, and without an offset), syslog, and seconds or
    /// milliseconds since 1970 at the start of the line.
    fn default() -> Timestamps {
        let patterns = KNOWN.map(|(pattern, _)| pattern);
        let regex = Regex::new_many(&patterns).expect("the patterns above are right: tested");
        Timestamps::of(regex, KNOWN.map(|(_, format)| format).to_vec())
    }
}

impl Timestamps {
    fn of(regex: Regex, formats: Vec<Format>) -> Timestamps {
        Timestamps {
            groups: regex.create_captures(),
            regex,
            formats,
            undated: None,
        }
    }

    /// Those in the first group of a regular expression, written in any of the known ways or in the given `format`, as
    /// for `strptime(3)`.
    ///
    /// # Errors
    ///
    /// If the expression or the format is wrong, or there is no group.
    pub fn new(regex: &str, format: Option<&str>) -> Result<Timestamps, TimestampsError> {
        let syntax = regex_automata::util::syntax::Config::new().utf8(false);
        let config = Regex::config().utf8_empty(false);
        let regex = Regex::builder()
            .syntax(syntax)
            .configure(config)
            .build(regex)?;
        if regex
            .group_info()
            .group_len(regex_automata::PatternID::ZERO)
            < 2
        {
            return Err(TimestampsError::NoGroup);
        }
        let formats = match format {
            Some(format) => vec![Format::Given(format.to_owned())],
            None => KNOWN.map(|(_, format)| format).to_vec(),
        };
        let timestamps = Timestamps::of(regex, formats);
        if let Some(format) = format {
            timestamps.clone().try_format(format)?;
        }
        Ok(timestamps)
    }

    /// Whether a format is right shows when it is used: it has to read what it makes of some time.
    fn try_format(&mut self, format: &str) -> Result<(), TimestampsError> {
        let wrong = |error: jiff::Error| TimestampsError::Format(error.to_string());
        let mut some = BrokenDownTime::from(Offset::UTC.to_datetime(Timestamp::UNIX_EPOCH));
        some.set_offset(Some(Offset::UTC));
        let text = some.to_string(format).map_err(wrong)?;
        let time = BrokenDownTime::parse(format, &text).map_err(wrong)?;
        match self.place(time) {
            Some(_) => Ok(()),
            None => Err(TimestampsError::Format("it has no time in it".into())),
        }
    }

    /// The time in this line, if it has one.
    pub(crate) fn find(&mut self, line: &[u8]) -> Option<Stamp> {
        self.regex
            .search_captures(&Input::new(line), &mut self.groups);
        let pattern = self.groups.pattern()?;
        let text = std::str::from_utf8(&line[self.groups.get_group(1)?]).ok()?;
        // Of the known ones each has its pattern; a given expression says nothing of the format.
        let is_known = self.regex.pattern_len() == self.formats.len() && self.formats.len() > 1;
        if is_known {
            let format = self.formats[pattern.as_usize()].clone();
            return self.read(&format, text);
        }
        let formats = self.formats.clone();
        formats.iter().find_map(|format| self.read(format, text))
    }

    fn read(&mut self, format: &Format, text: &str) -> Option<Stamp> {
        match format {
            Format::CommonLog => {
                with_offset(&BrokenDownTime::parse("%d/%b/%Y:%H:%M:%S %z", text).ok()?)
            }
            Format::Rfc3339 => {
                let joined = text.replace(" +", "+").replace(" -", "-");
                let text = joined.as_str();
                let zoned = text.parse::<Timestamp>().map(Timestamp::as_nanosecond);
                zoned.ok().or_else(|| text.parse().ok().and_then(in_utc))
            }
            Format::Syslog => {
                self.without_year(BrokenDownTime::parse("%b %d %H:%M:%S%.f", text).ok()?)
            }
            Format::Epoch => epoch(text),
            Format::Given(format) => self.place(BrokenDownTime::parse(format, text).ok()?),
        }
    }

    /// Where a time is that may be without a date, or without a year.
    fn place(&mut self, time: BrokenDownTime) -> Option<Stamp> {
        with_offset(&time)
            .or_else(|| self.without_date(&time))
            .or_else(|| self.without_year(time))
    }

    /// A date without a year is in this one, or in the one that makes it go on from the last.
    fn without_year(&mut self, mut time: BrokenDownTime) -> Option<Stamp> {
        let this_year = || Undated {
            year: Offset::UTC.to_datetime(Timestamp::now()).year(),
            ahead: 0,
            last: None,
        };
        let mut undated = self.undated.unwrap_or_else(this_year);
        let mut of = |year: i16| {
            time.set_year(Some(year)).ok()?;
            with_offset(&time)
        };
        let mut found = of(undated.year);
        if found.is_none() {
            // 29 February: up to there all years are alike, so a leap year takes over.
            let year = undated.year;
            undated.year = (year..year.saturating_add(9)).find(|&year| of(year).is_some())?;
            undated.ahead += start_of(undated.year)? - start_of(year)?;
            found = of(undated.year);
        }
        let mut stamp = found? - undated.ahead;
        let gap = stamp - undated.last.unwrap_or(stamp);
        if gap.abs() > HALF_A_YEAR {
            let year = undated.year.saturating_add(if gap < 0 { 1 } else { -1 });
            if let Some(other) = of(year) {
                undated.year = year;
                stamp = other - undated.ahead;
            }
        }
        undated.last = Some(stamp);
        self.undated = Some(undated);
        Some(stamp)
    }

    /// A time without a date is of the day that makes it go on from the last, unless it goes back by a little.
    fn without_date(&mut self, time: &BrokenDownTime) -> Option<Stamp> {
        if time.month().is_some() || time.hour().is_none() {
            return None;
        }
        let since_midnight = time.to_time().ok()?.duration_since(Time::midnight());
        let offset = time.offset().map_or(0, Offset::seconds);
        let of_day = since_midnight.as_nanos() - Stamp::from(offset) * SECOND;
        let first_day = Undated {
            year: 0,
            ahead: 0,
            last: None,
        };
        let mut undated = self.undated.unwrap_or(first_day);
        let stamp = undated.last.map_or(of_day, |last| {
            let gap = (of_day - last).rem_euclid(DAY);
            last + if gap < DAY - BACK { gap } else { gap - DAY }
        });
        undated.last = Some(stamp);
        self.undated = Some(undated);
        Some(stamp)
    }
}

/// How times that do not say their year, or day, go on.
#[derive(Clone, Copy, Debug)]
struct Undated {
    /// The year they are taken to be in.
    year: i16,
    /// So far ahead of the last ones that is of where they go on.
    ahead: Stamp,
    last: Option<Stamp>,
}

/// The start of a year.
fn start_of(year: i16) -> Option<Stamp> {
    in_utc(DateTime::new(year, 1, 1, 0, 0, 0, 0).ok()?)
}

fn with_offset(time: &BrokenDownTime) -> Option<Stamp> {
    if let Some(seconds) = time.timestamp() {
        let decimals = time.subsec_nanosecond().unwrap_or(0);
        return Some(seconds.as_nanosecond() + Stamp::from(decimals));
    }
    if let Ok(timestamp) = time.to_timestamp() {
        return Some(timestamp.as_nanosecond());
    }
    in_utc(time.to_datetime().ok()?)
}

fn in_utc(time: DateTime) -> Option<Stamp> {
    Offset::UTC
        .to_timestamp(time)
        .ok()
        .map(Timestamp::as_nanosecond)
}

/// Seconds, or milliseconds if they have 13 digits; with decimals.
fn epoch(text: &str) -> Option<Stamp> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) {
        return None;
    }
    let is_millis = whole.len() == 13;
    let whole = Stamp::from(whole.parse::<u64>().ok()?);
    let (unit, digits) = if is_millis {
        (SECOND / 1000, 6)
    } else {
        (SECOND, 9)
    };
    // The further ones are less than a nanosecond.
    let nanos: String = decimals
        .chars()
        .chain("000000000".chars())
        .take(digits)
        .collect();
    Some(whole * unit + nanos.parse::<Stamp>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARCH: Stamp = 1_741_564_800 * SECOND;

    #[track_caller]
    fn is(line: &str, expected: Option<Stamp>) {
        assert_eq!(
            Timestamps::default().find(line.as_bytes()),
            expected,
            "{line}"
        );
    }

    #[test]
    fn times_are_found_in_every_known_form() {
        is(
            r#"192.0.2.1 - - [10/Mar/2025:00:00:00 +0000] "GET / HTTP/1.1""#,
            Some(MARCH),
        );
        is("h - - [10/Mar/2025:01:00:00 +0100] x", Some(MARCH));
        is("2025-03-10T00:00:00Z up", Some(MARCH));
        is("INFO 2025-03-10 00:00:00,25 up", Some(MARCH + SECOND / 4));
        is("2025-03-09T23:30:00.5-0030 up", Some(MARCH + SECOND / 2));
        is("at=2025-03-10T02:00:00+02:00", Some(MARCH));
        is("2025-03-10 00:00:00 up", Some(MARCH));
        is("2025-03-10t00:00:00z up", Some(MARCH));
        is("2025-03-10 01:00:00 +0100 up", Some(MARCH));
        is("2025-03-10 00:00:00 - up", Some(MARCH));
        is("1741564800 up", Some(MARCH));
        is("[1741564800.000001] up", Some(MARCH + 1000));
        is("1741564800001 up", Some(MARCH + SECOND / 1000));
        // The leftmost counts.
        is("1741564800 was 2024-01-01T00:00:00Z", Some(MARCH));
    }

    #[test]
    fn what_only_looks_like_a_time_is_none() {
        for line in [
            "",
            "no time",
            "2025-13-10T00:00:00Z",
            "[10/Foo/2025:00:00:00 +0000]",
            "17415648000 has eleven digits",
            "id 1741564800",
            "12025-03-10T00:00:00Z",
            "Mar 10 00:00",
        ] {
            is(line, None);
        }
        let beside_no_text = Timestamps::default().find(b"\xFF 2025-03-10T00:00:00Z");
        assert_eq!(beside_no_text, Some(MARCH));
    }

    #[test]
    fn a_date_without_a_year_goes_on_over_the_end_of_one() {
        let mut found = Timestamps::default();
        let mut at = |line: &str| found.find(line.as_bytes()).expect("a time");
        let before = at("<13>Dec 31 23:59:59 host up");
        assert_eq!(at("Jan  1 00:00:01 host up") - before, 2 * SECOND);
        // Out of order by a little is not a year.
        assert_eq!(at("Dec 31 23:59:58 host up") - before, -SECOND);
        assert_eq!(at("Jan  1 00:00:02 host up") - before, 3 * SECOND);
    }

    // This year may have none: it was taken for that of the next one that has.
    #[test]
    fn a_29_february_without_a_year_follows_the_28_and_comes_before_march() {
        let mut found = Timestamps::default();
        let mut at = |line: &str| found.find(line.as_bytes()).expect("a time");
        let before = at("Feb 28 23:59:59 host up");
        assert_eq!(at("Feb 29 00:00:00 host up") - before, SECOND);
        assert_eq!(at("Mar  1 00:00:00 host up") - before, SECOND + DAY);
    }

    #[test]
    fn a_time_without_a_date_goes_on_over_midnight() {
        let mut found = Timestamps::new("^([0-9:]+)", Some("%H:%M:%S")).expect("right");
        let mut at = |line: &str| found.find(line.as_bytes()).expect("a time");
        let before = at("23:59:59 a");
        assert_eq!(at("00:00:01 b") - before, 2 * SECOND);
        assert_eq!(at("23:59:58 c") - before, -SECOND);
        assert_eq!(at("00:00:02 d") - before, 3 * SECOND);
    }

    #[test]
    fn the_offset_of_a_time_without_a_date_counts() {
        let mut found = Timestamps::new("^(.*)", Some("%H:%M:%S %z")).expect("right");
        let mut at = |line: &str| found.find(line.as_bytes()).expect("a time");
        let before = at("10:00:00 +0200");
        assert_eq!(at("10:00:00 +0100") - before, 3600 * SECOND);
        assert_eq!(
            at("23:00:00 -0130") - before,
            16 * 3600 * SECOND + 1800 * SECOND
        );
    }

    #[test]
    fn decimals_count_wherever_they_are() {
        let mut found = Timestamps::default();
        let mut at = |line: &str| found.find(line.as_bytes()).expect("a time");
        let before = at("Mar 10 12:00:00.25 host up");
        assert_eq!(at("Mar 10 12:00:01.75 host up") - before, 3 * SECOND / 2);
        assert_eq!(at("Mar 10 12:00:02 host up") - before, 7 * SECOND / 4);
        let mut found = Timestamps::new("^([0-9.]+)", Some("%s%.f")).expect("right");
        let mut at = |line: &str| found.find(line.as_bytes()).expect("a time");
        assert_eq!(at("12.25 a") - at("1.5 a"), 43 * SECOND / 4);
    }

    #[test]
    fn decimals_beyond_a_nanosecond_are_cut() {
        assert_eq!(epoch("1.1"), Some(SECOND + SECOND / 10));
        assert_eq!(epoch("1.12345678912345"), Some(SECOND + 123_456_789));
        for none in [
            "",
            "1.2.3",
            "-1",
            "1.\u{e4}",
            "+1",
            "1.-5",
            "99999999999999999999999",
        ] {
            assert_eq!(epoch(none), None, "{none}");
        }
    }

    #[test]
    fn a_given_expression_says_where_and_a_format_how() {
        let mut found = Timestamps::new("t=([^ ]+)", None).expect("right");
        assert_eq!(found.find(b"1 t=2025-03-10T00:00:00Z"), Some(MARCH));
        assert_eq!(found.find(b"1 t=1741564800.5"), Some(MARCH + SECOND / 2));
        assert_eq!(found.find(b"2025-03-10T00:00:00Z"), None);
        let format = Some("%d.%m.%Y %H:%M:%S");
        let mut found = Timestamps::new("^([0-9.]+ [0-9:]+)", format).expect("right");
        assert_eq!(found.find(b"10.03.2025 00:00:01 x"), Some(MARCH + SECOND));
        assert_eq!(found.find(b"2025-03-10T00:00:00Z"), None);
    }

    #[test]
    fn wrong_expressions_and_formats_are_explained() {
        let why = |regex, format| {
            Timestamps::new(regex, format)
                .expect_err("wrong")
                .to_string()
        };
        assert_eq!(why("(", None), "invalid regular expression: unclosed group");
        assert!(why("x", None).contains("needs a group"));
        // One that is wrong, one that cannot be read, and two without a time.
        for format in ["%!", "%c", "", "%d"] {
            let why = why("(x)", Some(format));
            assert!(why.starts_with("invalid format of times: "), "{format}");
        }
    }
}
