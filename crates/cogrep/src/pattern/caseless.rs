//! One text of ASCII in any case, faster than as the many texts that it stands for.

use std::sync::OnceLock;

use aho_corasick::AhoCorasick;

/// So many places are looked at before it is asked whether one of them was a hit. The compiler makes vector
/// instructions of the loop over them.
const AT_ONCE: usize = 64;
/// How often letters and such occur in text, the most frequent first; what is not here is rarer.
const FREQUENT: &[u8] = b" etaoinsrhldcumfpgwyb,\n.0v12-/";
/// So many times as many bytes as are searched may be compared in vain, eight of them at a time, ...
const COMPARED_AT_MOST: usize = 2;
/// ... and so many more.
const COMPARED_AT_LEAST: usize = 1024;

/// Finds a text, whatever the case of its letters. Only ASCII's letters have a case.
#[derive(Clone, Debug)]
pub(super) struct Caseless {
    lower: Vec<u8>,
    /// Two places in the text, and what is there: if both fit, the rest is compared.
    rare: [(usize, u8); 2],
    /// For a text that is nearly everywhere: an automaton does not compare, but takes longer for each byte. Made when it
    /// is needed; `None` if it is too large.
    automaton: OnceLock<Option<AhoCorasick>>,
}

impl Caseless {
    /// `text` is not empty.
    pub(super) fn new(text: &[u8]) -> Caseless {
        let lower = text.to_ascii_lowercase();
        let frequency = |byte: u8| {
            let rank = FREQUENT.iter().position(|&frequent| frequent == byte);
            rank.map_or(0, |rank| FREQUENT.len() - rank)
        };
        let mut places: Vec<usize> = (0..lower.len()).collect();
        places.sort_by_key(|&at| frequency(lower[at]));
        let place = |at: usize| (at, fold(lower[at]));
        let rare = [place(places[0]), place(places[places.len().min(2) - 1])];
        Caseless {
            lower,
            rare,
            automaton: OnceLock::new(),
        }
    }

    /// What it looks for, in lower case.
    pub(super) fn text(&self) -> &[u8] {
        &self.lower
    }

    pub(super) fn find(&self, text: &[u8]) -> Option<usize> {
        let places = (text.len() + 1).checked_sub(self.lower.len())?;
        let [(first_at, first), (second_at, second)] = self.rare;
        let firsts = text[first_at..first_at + places].chunks(AT_ONCE);
        let seconds = text[second_at..second_at + places].chunks(AT_ONCE);
        let cost = self.lower.len() / 8 + 1;
        let mut compared = 0;
        for (number, (firsts, seconds)) in firsts.zip(seconds).enumerate() {
            let fits = |&(&one, &two): &(&u8, &u8)| (fold(one) == first) & (fold(two) == second);
            let any = match (firsts.as_array(), seconds.as_array()) {
                (Some(firsts), Some(seconds)) => any_fits(firsts, seconds, first, second),
                _ => true,
            };
            if !any {
                continue;
            }
            let hits = firsts.iter().zip(seconds).enumerate();
            for (offset, _) in hits.filter(|(_, pair)| fits(pair)) {
                let at = number * AT_ONCE + offset;
                if text[at..at + self.lower.len()].eq_ignore_ascii_case(&self.lower) {
                    return Some(at);
                }
                compared += cost;
                if compared > COMPARED_AT_MOST * at + COMPARED_AT_LEAST
                    && let Some(automaton) = self.automaton()
                {
                    return automaton.find(&text[at..]).map(|found| at + found.start());
                }
            }
        }
        None
    }

    fn automaton(&self) -> Option<&AhoCorasick> {
        let make = || {
            let mut builder = AhoCorasick::builder();
            builder.ascii_case_insensitive(true);
            builder.build([&self.lower]).ok()
        };
        self.automaton.get_or_init(make).as_ref()
    }
}

/// Does one of the places fit? Without a branch in it, which is what makes it fast.
#[inline]
fn any_fits(firsts: &[u8; AT_ONCE], seconds: &[u8; AT_ONCE], first: u8, second: u8) -> bool {
    let mut any = 0;
    for at in 0..AT_ONCE {
        any |= u8::from(fold(firsts[at]) == first) & u8::from(fold(seconds[at]) == second);
    }
    any != 0
}

/// The same for both cases of a letter, and for few other pairs of bytes.
#[inline]
fn fold(byte: u8) -> u8 {
    byte | 0x20
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The naive twin compares at every place.
        #[test]
        fn it_finds_what_a_comparison_at_every_place_finds(
            needle in "[abAB@`{\\[ ]{1,4}",
            text in "[abAB@`{\\[ x]{0,200}",
        ) {
            let (needle, text) = (needle.as_bytes(), text.as_bytes());
            let naive = text.windows(needle.len()).position(|place| place.eq_ignore_ascii_case(needle));
            prop_assert_eq!(Caseless::new(needle).find(text), naive);
        }

        /// And a text that is nearly there at each of many places, for which it has an automaton.
        #[test]
        fn it_finds_what_is_nearly_everywhere(
            needle in "[bB]{150,200}[aA]",
            before in "[bB]{0,200}",
            behind in "[aA ][bB]{0,200}",
        ) {
            let caseless = Caseless::new(needle.as_bytes());
            let text = [before.as_bytes(), &b"b".repeat(150), behind.as_bytes()].concat();
            let is_there = |place: &[u8]| place.eq_ignore_ascii_case(needle.as_bytes());
            let naive = text.windows(needle.len()).position(is_there);
            prop_assert_eq!(caseless.find(&text), naive);
        }
    }
}
