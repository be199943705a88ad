//! What is a word to `-w`: it has no letter, digit or underscore of any script on either side. A byte that is no
//! UTF-8 is none of these.

use std::ops::Range;

/// The longest character in UTF-8.
const LONGEST: usize = 4;

/// Does `at` stand by itself in `line`?
pub(super) fn is_word(line: &[u8], at: &Range<usize>) -> bool {
    !is_word_before(line, at.start) && !is_word_behind(line, at.end)
}

pub(super) fn is_word_before(line: &[u8], at: usize) -> bool {
    match line[..at].last() {
        None => false,
        Some(&byte) if byte.is_ascii() => is_ascii_word(byte),
        Some(_) => (2..=LONGEST.min(at)).any(|length| is_word_character(&line[at - length..at])),
    }
}

fn is_word_behind(line: &[u8], at: usize) -> bool {
    let rest = &line[at..];
    match rest.first() {
        None => false,
        Some(&byte) if byte.is_ascii() => is_ascii_word(byte),
        Some(_) => (2..=LONGEST.min(rest.len())).any(|length| is_word_character(&rest[..length])),
    }
}

/// How long the first character is; a byte that is part of none is one by itself.
pub(crate) fn character(text: &[u8]) -> usize {
    let is_one = |length: &usize| std::str::from_utf8(&text[..*length]).is_ok();
    (1..=text.len().min(LONGEST)).find(is_one).unwrap_or(1)
}

fn is_ascii_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Is this exactly one character, of a word?
fn is_word_character(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| {
        let mut chars = text.chars();
        chars.next().is_some_and(regex_syntax::is_word_character) && chars.next().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_every_script_make_words_and_broken_bytes_do_not() {
        for (line, is_one) in [
            ("x".as_bytes(), true),
            (b" x-", true),
            (b"ax", false),
            (b"x_", false),
            ("äx".as_bytes(), false),
            ("xß".as_bytes(), false),
            ("€x€".as_bytes(), true),
            ("x𝒳".as_bytes(), false),
            (b"\xFFx\xC3", true),
            (b"\xA4x", true),
        ] {
            let at = line.iter().position(|&byte| byte == b'x').expect("x");
            assert_eq!(
                is_word(line, &(at..at + 1)),
                is_one,
                "{}",
                line.escape_ascii()
            );
        }
    }
}
