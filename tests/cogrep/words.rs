//! `-w` and `-x`: what matches has to be a word, or the line.

use super::{as_grep, cogrep};

#[test]
fn a_word_has_no_letter_digit_or_underscore_beside_it() {
    for option in ["-w", "--word-regexp"] {
        as_grep(
            &[option, "ab"],
            "ab\nxab\nab_\nab1\n-ab-\n ab \n",
            "ab\n-ab-\n ab \n",
            0,
        );
    }
    as_grep(&["-w", "-F", "a.b"], "a.b\nxa.b\na.b.\n", "a.b\na.b.\n", 0);
    as_grep(&["-w", "-i", "AB"], "xab ab\nabx\n", "xab ab\n", 0);
    as_grep(&["-w", "-v", "ab"], "ab\nabc\n", "abc\n", 0);
    as_grep(&["-w", "-e", "a", "-e", "bc"], "a\nbc\nabc\n", "a\nbc\n", 0);
    as_grep(&["-cw", "a|b"], "a\nb\nab\n", "2\n", 0);
}

/// A match that is no word does not hide one behind it, or a shorter one at the same place.
#[test]
fn any_match_that_is_a_word_will_do() {
    as_grep(&["-w", "a"], "aa a\nba ab\n", "aa a\n", 0);
    as_grep(&["-w", "a*"], "aab aa\nb\n", "aab aa\n", 0);
    as_grep(&["-w", "ab*"], "abbc ab\nabbc\n", "abbc ab\n", 0);
    as_grep(&["-w", "a.?"], "a-b\nabc\n", "a-b\n", 0);
    as_grep(&["-w", "-o", "a[b-]*"], "a-bc\n", "a\n", 0);
    as_grep(
        &["-w", "-o", "[a-z]+"],
        "one two_three four\n",
        "one\nfour\n",
        0,
    );
    // What begins or ends with no letter may still stand as a word.
    as_grep(
        &["-w", "-F", "--", "-a"],
        "-a\nb-a\n--a\n-ab\n",
        "-a\n--a\n",
        0,
    );
    as_grep(&["-w", "-F", "+"], "+\na+\n+b\n1 + 1\n", "+\n1 + 1\n", 0);
}

#[test]
fn a_word_that_is_empty_is_between_two_that_are_none() {
    as_grep(&["-w", ""], "a\n\n-\nab c\n", "\n-\n", 0);
    as_grep(&["-w", "-F", ""], "a\n\n", "\n", 0);
    as_grep(&["-w", "x*"], "a\n\nxy\n x\n", "\n x\n", 0);
}

#[test]
fn letters_of_all_scripts_make_words() {
    let text = "\u{e9}a\na\u{e9}\na \u{e9}\n\u{6f22}a\n";
    as_grep(&["-w", "a"], text, "a \u{e9}\n", 0);
    as_grep(&["-w", "\u{e9}"], text, "a \u{e9}\n", 0);
}

#[test]
fn bytes_that_are_no_character_are_beside_a_word_what_a_blank_is() {
    as_grep(
        &["-w", "a"],
        b"\xFFa\xFE\na\xC3\n\xE9a\n",
        b"\xFFa\xFE\na\xC3\n\xE9a\n",
        0,
    );
    as_grep(&["-w", "-F", "a"], b"\x80a\nba\xFF\n", b"\x80a\n", 0);
    as_grep(&["-w", "-v", "a"], b"\xFFa\nb\n", "b\n", 0);
    as_grep(&["-w", "-o", "a"], b"\xFFa a\xFF ab\xFF\n", "a\na\n", 0);
    // Met by the differential test: the longest was overlooked.
    as_grep(&["-w", "-o", ".*a"], b"a*a\xFF\n", "a*a\n", 0);
    let beside = [b"a a", "a\u{e9} a \u{e9}a".as_bytes(), b"\xFFa\n"].concat();
    as_grep(&["-w", "-o", "a"], &beside, "a\na\na\n", 0);
    as_grep(&["-w", "-o", "^a.*a"], &beside, "a aa\u{e9} a \u{e9}a\n", 0);
    as_grep(&["-w", "-o", "^a$"], &beside, "", 1);
}

#[test]
fn a_long_run_of_letters_within_a_word_is_none() {
    let line = format!("a{}a\n", "\u{e9}".repeat(2000));
    as_grep(&["-w", "-c", "\u{e9}+"], &line, "0\n", 1);
    let pattern = r"((?-u:\xFF)|\u{e9})+";
    cogrep(["-w", "-c", pattern]).stdin(line).run().code(1);
}

#[test]
fn a_line_is_matched_whole() {
    for option in ["-x", "--line-regexp"] {
        as_grep(&[option, "ab"], "ab\nxab\nabx\nab", "ab\nab\n", 0);
    }
    as_grep(&["-x", "a|ab"], "a\nab\nabc\n", "a\nab\n", 0);
    as_grep(&["-x", "-F", "a.c"], "abc\na.c\n", "a.c\n", 0);
    as_grep(&["-x", ""], "a\n\n", "\n", 0);
    as_grep(&["-x", "-e", "a", "-e", "b+"], "ab\nbb\na\n", "bb\na\n", 0);
    as_grep(&["-x", "-i", "AB"], "ab\nabc\n", "ab\n", 0);
    as_grep(&["-x", "-v", "a*"], "aa\nb\n\n", "b\n", 0);
    as_grep(&["-xo", "a*"], "aa\nab\n", "aa\n", 0);
    // It is the stronger of the two.
    as_grep(&["-w", "-x", "a"], "a\na b\n", "a\n", 0);
    as_grep(&["-x", "a"], "a\r\n", "", 1);
}

#[test]
fn many_whole_lines_are_looked_up() {
    let words: Vec<String> = (0..2000).map(|number| format!("word {number}")).collect();
    let patterns = words.join("\n");
    let text = format!("{patterns}\nword 2000\nword 1x\nxword 1\nword 7");
    let output = cogrep(["-F", "-x", &patterns]).stdin(&*text).run();
    output.stdout(format!("{patterns}\nword 7\n")).code(0);
    cogrep(["-c", "-x", &patterns])
        .stdin(&*text)
        .run()
        .stdout("2001\n")
        .code(0);
}
