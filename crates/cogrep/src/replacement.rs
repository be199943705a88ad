//! `--replace`: a text with the groups of the match in it.

use std::ops::Range;

use crate::Matcher;

/// What takes the place of a match: text in which `$1`, `${1}`, `$name` and `${name}` stand for groups of the
/// pattern, `$0` for the whole match and `$$` for a `$`. A name goes on as far as there are letters, digits and `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    Group(usize),
}

impl Replacement {
    /// Reads `template`, which may name the groups of `matcher`.
    ///
    /// # Errors
    ///
    /// The name or number that is none of its groups.
    pub fn new(template: &[u8], matcher: &mut impl Matcher) -> Result<Replacement, String> {
        let names = matcher.group_names();
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some(dollar) = memchr::memchr(b'$', rest) {
            let (text, behind) = rest.split_at(dollar);
            parts.push(Part::Text(text.to_vec()));
            let behind = &behind[1..];
            if let Some((name, after)) = name(behind) {
                let number = number(name, &names)
                    .ok_or_else(|| String::from_utf8_lossy(name).into_owned())?;
                parts.push(Part::Group(number));
                rest = after;
            } else {
                parts.push(Part::Text(b"$".to_vec()));
                rest = behind.strip_prefix(b"$").unwrap_or(behind);
            }
        }
        parts.push(Part::Text(rest.to_vec()));
        Ok(Replacement(parts))
    }

    /// What takes the place of a match with these groups.
    pub(crate) fn expand(
        &self,
        groups: &[Option<Range<usize>>],
    ) -> impl Iterator<Item = Piece<'_>> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(text) => Some(Piece::Text(text)),
            Part::Group(number) => groups.get(*number)?.clone().map(Piece::Group),
        })
    }
}

/// A piece of what takes the place of a match.
pub(crate) enum Piece<'a> {
    Text(&'a [u8]),
    /// These bytes of the line.
    Group(Range<usize>),
}

/// The name of a group behind a `$`, and what comes behind it.
fn name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(braced) = text.strip_prefix(b"{") {
        let end = memchr::memchr(b'}', braced)?;
        return Some((&braced[..end], &braced[end + 1..]));
    }
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let length = text.iter().take_while(|byte| is_part(byte)).count();
    (length > 0).then(|| text.split_at(length))
}

fn number(name: &[u8], names: &[Option<String>]) -> Option<usize> {
    let name = std::str::from_utf8(name).ok()?;
    match name.parse() {
        Ok(number) => Some(number).filter(|&number: &usize| number < names.len()),
        Err(_) => names
            .iter()
            .position(|known| known.as_deref() == Some(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pattern;

    fn replaced(template: &str, line: &str) -> Result<String, String> {
        let mut pattern = Pattern::new("(?<year>[0-9]+)-([0-9]+)(x)?").expect("a pattern");
        let replacement = Replacement::new(template.as_bytes(), &mut pattern)?;
        let mut groups = Vec::new();
        assert!(pattern.groups(line.as_bytes(), 0, &mut groups));
        let pieces = replacement.expand(&groups).map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Group(group) => &line.as_bytes()[group],
        });
        Ok(String::from_utf8(pieces.flatten().copied().collect()).expect("text"))
    }

    #[test]
    fn groups_are_put_in_by_number_and_name() {
        for (template, expected) in [
            ("", ""),
            ("$2/$year", "11/2026"),
            ("${2}0 ${year}", "110 2026"),
            ("[$0]", "[2026-11]"),
            ("$$1 $ $", "$1 $ $"),
            ("<$3>", "<>"),
            ("${", "${"),
        ] {
            assert_eq!(
                replaced(template, "on 2026-11.").as_deref(),
                Ok(expected),
                "{template}"
            );
        }
        for wrong in ["$4", "$day", "${}", "$year0"] {
            assert!(replaced(wrong, "2026-11").is_err(), "{wrong}");
        }
    }
}
