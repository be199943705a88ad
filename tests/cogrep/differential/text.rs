//! Texts: lines in which the patterns may find something, and what lines may have in them.

use super::pattern::CHARS;
use super::random::Random;

/// More than a block, so that lines are cut by reads.
const LARGE: usize = 300 << 10;

/// What a text may have in it beside ASCII.
#[derive(Clone, Copy, PartialEq)]
enum Content {
    Ascii,
    Unicode,
    Bytes,
}

/// Bytes that are no UTF-8 where they stand: a lone start, a lone continuation, what never occurs, half a character.
const INVALID: &[&[u8]] = &[b"\xC3", b"\x80", b"\xFF", b"\xE6\xBC"];

/// A text of a few lines; now and then of many, or with a huge one.
pub(super) fn random(random: &mut Random) -> Vec<u8> {
    let content = random.pick(&[Content::Ascii, Content::Unicode, Content::Bytes]);
    let (nul, crlf) = (random.percent(25), random.percent(20));
    let lines = random.pick(&[0, 1, 2, 5, 10, 30]);
    let mut text = Vec::new();
    for _ in 0..lines {
        line(random, content, nul, &mut text);
        text.extend_from_slice(if crlf { b"\r\n" } else { b"\n" });
    }
    if random.percent(25) {
        // The last one lacks its newline.
        line(random, content, nul, &mut text);
    }
    text
}

/// A text of several blocks: many lines, or one that is huge.
pub(super) fn large(random: &mut Random) -> Vec<u8> {
    let mut text = Vec::new();
    if random.percent(30) {
        line(random, Content::Ascii, false, &mut text);
        text.push(b'\n');
        let mut huge = Vec::new();
        line(random, Content::Unicode, false, &mut huge);
        huge.push(b'c');
        text.extend(huge.iter().copied().cycle().take(LARGE));
        text.push(b'\n');
    }
    let mut many = Vec::new();
    for _ in 0..200 {
        line(random, Content::Unicode, true, &mut many);
        many.push(b'\n');
    }
    text.extend(many.iter().copied().cycle().take(LARGE));
    text
}

fn line(random: &mut Random, content: Content, nul: bool, text: &mut Vec<u8>) {
    let length = random.pick(&[0, 1, 2, 3, 4, 6, 10, 20]);
    for _ in 0..length {
        if nul && random.percent(8) {
            text.push(0);
        } else if content == Content::Bytes && random.percent(12) {
            text.extend_from_slice(random.pick(INVALID));
        } else {
            let char = random.pick(CHARS);
            let char = if char.is_ascii() || content != Content::Ascii {
                char
            } else {
                'a'
            };
            text.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// Texts with something less in them.
pub(super) fn smaller(text: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let mut piece = text.len().div_ceil(2);
    while piece > 0 {
        for at in (0..text.len()).step_by(piece).take(40) {
            let rest = text.get(at + piece..).unwrap_or_default();
            all.push([&text[..at], rest].concat());
        }
        piece /= 2;
    }
    all
}
