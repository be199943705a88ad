//! Case that does not count, by Unicode's simple case folding: what is the same is made equal.

use std::collections::HashMap;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// The longest character in UTF-8.
const LONGEST: usize = 4;
/// Beyond all characters: bytes that are none.
const BROKEN: u32 = 0x11_0000;

/// A character whose case does not count, or a byte that is no character.
pub(super) type Unit = u32;

/// Is it a byte that is no character?
pub(super) fn is_broken(unit: Unit) -> bool {
    unit >= BROKEN
}

/// Knows the forms of the characters of some texts, and all of ASCII's.
#[derive(Clone, Debug, Default)]
pub(super) struct Folding {
    /// Of each form beyond ASCII the one that stands for all of them.
    one: HashMap<char, char>,
    /// All forms of that one, if there is another than ASCII's two.
    forms: HashMap<char, Vec<char>>,
}

impl Folding {
    /// Of all characters in these texts.
    pub(super) fn of(texts: &[&[u8]]) -> Folding {
        let mut folding = Folding::default();
        for text in texts {
            for c in text.utf8_chunks().flat_map(|chunk| chunk.valid().chars()) {
                folding.learn(c);
            }
        }
        folding
    }

    fn learn(&mut self, c: char) {
        // Only these two of ASCII have a form beyond it: the sign for Kelvin, and the long s.
        let c = c.to_ascii_lowercase();
        if self.one.contains_key(&c) || self.forms.contains_key(&c) {
            return;
        }
        if c.is_ascii() && !matches!(c, 'k' | 's') {
            return;
        }
        let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
        // Without the tables no character has another case.
        let _ = class.try_case_fold_simple();
        let all = class
            .ranges()
            .iter()
            .flat_map(|range| range.start()..=range.end());
        let forms: Vec<char> = all.filter(|form| !form.is_ascii_uppercase()).collect();
        // The first is ASCII's, if one is.
        let one = forms.first().copied().unwrap_or(c);
        for &form in forms.iter().filter(|form| !form.is_ascii()) {
            self.one.insert(form, one);
        }
        self.forms.insert(one, forms);
    }

    fn unit_of(&self, c: char) -> Unit {
        u32::from(*self.one.get(&c).unwrap_or(&c))
    }

    /// The first unit of some bytes, and its length.
    #[inline]
    pub(super) fn first(&self, bytes: &[u8]) -> Option<(Unit, usize)> {
        let &byte = bytes.first()?;
        if byte.is_ascii() {
            return Some((u32::from(byte.to_ascii_lowercase()), 1));
        }
        let character = (2..=LONGEST.min(bytes.len())).find_map(|length| only(&bytes[..length]));
        Some(match character {
            Some(c) => (self.unit_of(c), c.len_utf8()),
            None => (BROKEN + u32::from(byte), 1),
        })
    }

    /// The last unit of some bytes, and its length.
    #[inline]
    pub(super) fn last(&self, bytes: &[u8]) -> Option<(Unit, usize)> {
        let &byte = bytes.last()?;
        if byte.is_ascii() {
            return Some((u32::from(byte.to_ascii_lowercase()), 1));
        }
        let lengths = 2..=LONGEST.min(bytes.len());
        let character = lengths
            .into_iter()
            .find_map(|length| only(&bytes[bytes.len() - length..]));
        Some(match character {
            Some(c) => (self.unit_of(c), c.len_utf8()),
            None => (BROKEN + u32::from(byte), 1),
        })
    }

    /// All units of a text.
    pub(super) fn units(&self, mut text: &[u8]) -> Vec<Unit> {
        let mut units = Vec::with_capacity(text.len());
        while let Some((unit, length)) = self.first(text) {
            units.push(unit);
            text = &text[length..];
        }
        units
    }

    /// What a unit may be in a text, with ASCII in lower case.
    pub(super) fn spellings(&self, unit: Unit) -> Vec<Vec<u8>> {
        if let Some(byte) = unit.checked_sub(BROKEN) {
            return vec![byte.to_le_bytes()[..1].to_vec()];
        }
        let Some(c) = char::from_u32(unit) else {
            return Vec::new();
        };
        let encoded = |form: &char| form.encode_utf8(&mut [0; LONGEST]).as_bytes().to_vec();
        match self.forms.get(&c) {
            Some(forms) => forms.iter().map(encoded).collect(),
            None => vec![encoded(&c)],
        }
    }

    /// Puts a line into `folded` with every character in the form that stands for all.
    pub(super) fn fold_into(&self, mut line: &[u8], folded: &mut Vec<u8>) {
        folded.clear();
        while let Some((unit, length)) = self.first(line) {
            match char::from_u32(unit) {
                Some(c) => folded.extend_from_slice(c.encode_utf8(&mut [0; LONGEST]).as_bytes()),
                None => folded.extend_from_slice(&line[..length]),
            }
            line = &line[length..];
        }
    }
}

/// Adds the bytes of a unit to those of others, so that no unit's are within those of another or of two: of a byte
/// that is no character three, of which the first is in no character.
pub(super) fn encode(unit: Unit, bytes: &mut Vec<u8>) {
    if let Some(c) = char::from_u32(unit) {
        bytes.extend_from_slice(c.encode_utf8(&mut [0; LONGEST]).as_bytes());
    } else {
        let [byte, ..] = unit.to_le_bytes();
        bytes.extend([0xFF, 0x80 | byte >> 4, 0x80 | byte & 0xF]);
    }
}

/// The character that these bytes are, if they are exactly one.
fn only(bytes: &[u8]) -> Option<char> {
    let mut chars = std::str::from_utf8(bytes).ok()?.chars();
    chars.next().filter(|_| chars.next().is_none())
}
