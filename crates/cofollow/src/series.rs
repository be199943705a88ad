//! Which files beside a name are its earlier contents, and in which order they were written.

use std::cmp::Ordering;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Words that follow a name when its file was put aside by hand or by a simple rotation.
const ASIDE: [&[u8]; 8] = [
    b"old",
    b"bak",
    b"prev",
    b"previous",
    b"orig",
    b"last",
    b"save",
    b"backup",
];

/// Does `other` look like what a rotation makes of `base`: `log` becomes `log.1`, `log-20261124`, `log.old`, and
/// `app.log` also `app-2026-11-24.log` or `app.1.log`? A compressed file does not: it is no text.
pub(crate) fn is_rotated(base: &OsStr, other: &OsStr) -> bool {
    let (base, other) = (base.as_bytes(), other.as_bytes());
    if let Some(suffix) = other.strip_prefix(base) {
        return is_mark(suffix);
    }
    // The mark may stand before the extension.
    let (stem, extension) = base.split_at(stem_length(base));
    !extension.is_empty()
        && other
            .strip_prefix(stem)
            .and_then(|rest| rest.strip_suffix(extension))
            .is_some_and(is_mark)
}

/// All names of which rotations may have made `other`, as [`is_rotated`] has it.
pub(crate) fn bases(other: &OsStr) -> impl Iterator<Item = OsString> {
    let bytes = other.as_bytes();
    let before = (1..bytes.len()).map(|end| bytes[..end].to_vec());
    let stem = stem_length(bytes);
    let within = (1..stem).map(move |end| [&bytes[..end], &bytes[stem..]].concat());
    let all = before.chain(within).map(OsString::from_vec);
    all.filter(move |base| is_rotated(base, other))
}

/// What all that a rotation makes of `base` begins with: it without its extension.
pub(crate) fn stem(base: &OsStr) -> &[u8] {
    &base.as_bytes()[..stem_length(base.as_bytes())]
}

fn stem_length(base: &[u8]) -> usize {
    let dot = memchr::memrchr(b'.', base);
    dot.filter(|&dot| dot > 0).unwrap_or(base.len())
}

/// A separator, and then a number, a date or a time, or a word; or several of them: logrotate makes `log.1.old` and
/// `log-20261124.backup`, too.
fn is_mark(mark: &[u8]) -> bool {
    let is_separator = |byte: &u8| b".-_~@".contains(byte);
    let Some((separator, mark)) = mark.split_first() else {
        return false;
    };
    if *separator == b'~' && mark.is_empty() {
        return true;
    }
    let is_word = |part: &[u8]| ASIDE.contains(&part);
    let is_of_time = |byte: &u8| byte.is_ascii_digit() || b":+TZ".contains(byte);
    let parts = || mark.split(is_separator);
    is_separator(separator)
        && parts().all(|part| is_word(part) || part.iter().all(is_of_time))
        && parts().any(|part| is_word(part) || part.iter().any(u8::is_ascii_digit))
}

/// Does `other` stand between two names that differ in their numbers only, as `log-25` does between `log-24` and
/// `log-26`? `from` itself does, too: it may have been empty when it was last looked at.
pub(crate) fn is_between(from: &OsStr, other: &OsStr, to: &OsStr) -> bool {
    is_like(from, to)
        && is_like(from, other)
        && by_numbers(from, other) != Ordering::Greater
        && by_numbers(other, to) == Ordering::Less
}

/// Do two names differ in their numbers only?
pub(crate) fn is_like(one: &OsStr, other: &OsStr) -> bool {
    let (one, other) = (parts(one.as_bytes()), parts(other.as_bytes()));
    one.len() == other.len()
        && one
            .iter()
            .zip(&other)
            .all(|(one, other)| one == other || is_number(one) && is_number(other))
}

fn is_number(part: &[u8]) -> bool {
    part.first().is_some_and(u8::is_ascii_digit)
}

/// Runs of digits, and of anything else.
fn parts(name: &[u8]) -> Vec<&[u8]> {
    name.chunk_by(|one, other| one.is_ascii_digit() == other.is_ascii_digit())
        .collect()
}

/// The order of names in which numbers count by their value.
pub(crate) fn by_numbers(one: &OsStr, other: &OsStr) -> Ordering {
    let (one, other) = (parts(one.as_bytes()), parts(other.as_bytes()));
    for (one, other) in one.iter().zip(&other) {
        let order = if is_number(one) && is_number(other) {
            let (one, other) = (without_zeros(one), without_zeros(other));
            one.len().cmp(&other.len()).then(one.cmp(other))
        } else {
            one.cmp(other)
        };
        if order.is_ne() {
            return order;
        }
    }
    one.len().cmp(&other.len())
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&digit| digit == b'0').count();
    &number[zeros..]
}

/// A file of a series: its name, and a time before which nothing was written into it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    pub(crate) name: &'a OsStr,
    pub(crate) time: u64,
}

/// Which of two files was written first. Where the clock of the file system, which ticks every few
/// milliseconds, does not tell, the names do: with those whose times differ as the key to whether higher numbers
/// are older (`log.1`, `log.2`, as logrotate shifts them) or newer (dates, counters).
pub(crate) struct Age {
    higher_is_older: bool,
}

impl Age {
    /// Learns the sense of the numbers from those that were `known` before, which are older than all that were
    /// not, from times that differ, and from the name of the `present` file, which is the youngest.
    pub(crate) fn learn(known: &[Member<'_>], unseen: &[Member<'_>], present: &OsStr) -> Age {
        let older = known.iter().map(|old| old.name);
        let older = older.flat_map(|old| unseen.iter().map(move |new| (old, new.name)));
        let earlier = unseen.iter().flat_map(|one| {
            let later = unseen.iter().filter(|other| one.time < other.time);
            later.map(move |other| (one.name, other.name))
        });
        let before = unseen.iter().map(|member| (member.name, present));
        let mut votes = 0_i64;
        for (old, new) in older.chain(earlier).chain(before) {
            if is_like(old, new) {
                votes += match by_numbers(old, new) {
                    Ordering::Less => -1,
                    Ordering::Equal => 0,
                    Ordering::Greater => 1,
                };
            }
        }
        let looks_shifted = || unseen.iter().all(|member| !has_long_number(member.name));
        Age {
            higher_is_older: votes > 0 || votes == 0 && looks_shifted(),
        }
    }

    /// Less is older.
    pub(crate) fn compare(&self, one: Member<'_>, other: Member<'_>) -> Ordering {
        one.time.cmp(&other.time).then_with(|| {
            let by_name = by_numbers(one.name, other.name);
            if self.higher_is_older {
                by_name.reverse()
            } else {
                by_name
            }
        })
    }
}

/// A date, not a count.
fn has_long_number(name: &OsStr) -> bool {
    parts(name.as_bytes())
        .iter()
        .any(|part| is_number(part) && part.len() >= 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rotated(base: &str, other: &str) -> bool {
        is_rotated(base.as_ref(), other.as_ref())
    }

    #[test]
    fn what_rotations_make_of_a_name() {
        for other in [
            "log.1",
            "log.12",
            "log-20261124",
            "log.2026-11-24T10:00:00Z",
            "log_1",
            "log.old",
            "log~",
            "log-2026.11.24_1",
            "log.1.old",
            "log.old.1",
            "log-2026112607.backup",
        ] {
            assert!(rotated("log", other), "{other}");
        }
        for other in ["app.log.1", "app-2026-11-24.log", "app.1.log", "app_2.log"] {
            assert!(rotated("app.log", other), "{other}");
        }
        for other in [
            "log",
            "log.1.gz",
            "log2",
            "log.err",
            "other",
            "log.",
            "log.-",
            "blog.1",
            "log.zst",
            "log.old.gz",
            "log.T",
        ] {
            assert!(!rotated("log", other), "{other}");
        }
        for other in [
            "app.log",
            "app.err",
            "app-error.log",
            "app-1.log.gz",
            "app1.log",
        ] {
            assert!(!rotated("app.log", other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn the_bases_of_a_name_are_those_it_is_rotated_from(
            base in "[a.1~-]{1,4}",
            other in "[a.1~-]{1,8}",
        ) {
            let of_other: Vec<OsString> = bases(other.as_ref()).collect();
            prop_assert_eq!(of_other.contains(&base.clone().into()), rotated(&base, &other));
        }
    }

    #[test]
    fn what_stands_between_two_names() {
        let between = |a: &str, b: &str, c: &str| is_between(a.as_ref(), b.as_ref(), c.as_ref());
        assert!(between("log-24", "log-25", "log-26"));
        assert!(between("9.log", "10.log", "11.log"));
        assert!(between(
            "..2026_11_24_08",
            "..2026_11_24_09",
            "..2026_11_25_01"
        ));
        assert!(between("log-24", "log-24", "log-26"));
        assert!(!between("log-24", "log-26", "log-26"));
        assert!(!between("log-24", "log-27", "log-26"));
        assert!(!between("log-26", "log-25", "log-24"));
        assert!(!between("log-24", "log-25.gz", "log-26"));
        assert!(!between("blue", "cyan", "green"));
    }

    fn order(files: &[(&'static str, u64)], known: &[(&'static str, u64)]) -> String {
        let members = |files: &[(&'static str, u64)]| -> Vec<Member<'static>> {
            let members = files.iter().map(|&(name, time)| Member {
                name: name.as_ref(),
                time,
            });
            members.collect()
        };
        let mut sorted = members(files);
        let age = Age::learn(&members(known), &sorted, "log".as_ref());
        sorted.sort_by(|one, other| age.compare(*one, *other));
        let names: Vec<_> = sorted
            .iter()
            .map(|member| member.name.to_string_lossy())
            .collect();
        names.join(" ")
    }

    #[test]
    fn files_of_one_tick_are_ordered_by_what_the_others_show() {
        // Shifted: the file that was followed, which is older, is found at the highest number.
        assert_eq!(
            order(&[("log.1", 5), ("log.2", 5)], &[("log.3", 5)]),
            "log.2 log.1"
        );
        // Counted up: it is found at the lowest.
        assert_eq!(
            order(&[("log.3", 5), ("log.2", 5)], &[("log.1", 5)]),
            "log.2 log.3"
        );
        // Times that differ tell by themselves.
        assert_eq!(order(&[("log.1", 6), ("log.2", 5)], &[]), "log.2 log.1");
        assert_eq!(order(&[("log.1", 5), ("log.2", 6)], &[]), "log.1 log.2");
        // Nothing tells: as logrotate does it, and dates as dates are.
        assert_eq!(order(&[("log.9", 5), ("log.10", 5)], &[]), "log.10 log.9");
        assert_eq!(
            order(&[("log-20261125", 5), ("log-20261124", 5)], &[]),
            "log-20261124 log-20261125"
        );
    }
}
