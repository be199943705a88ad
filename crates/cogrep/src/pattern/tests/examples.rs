//! What single patterns are taken for, and find.

use super::*;

#[test]
fn plain_text_is_searched_without_a_regex() {
    assert!(matches!(
        Pattern::new("GET /python").expect("plain").engine,
        Engine::Literal(_)
    ));
    assert!(matches!(
        Pattern::new("").expect("empty").engine,
        Engine::EveryLine(_)
    ));
    assert!(matches!(
        Pattern::new("a.b").expect("a regex").engine,
        Engine::Regex(..)
    ));
}

/// Patterns, whether case is ignored, and the engines for them anywhere, as words and as lines.
type Row<'a> = (&'a [&'a [u8]], bool, [&'a str; 3]);

/// The table of engines.
#[test]
fn the_engine_follows_from_the_patterns() {
    let name = |patterns: &[&[u8]], (ignore_case, words, lines): (bool, bool, bool)| {
        let syntax = Syntax {
            ignore_case,
            words,
            lines,
            ..Syntax::default()
        };
        let pattern = Pattern::any_of(patterns.iter().copied(), syntax).expect("patterns");
        let name = format!("{:?}", pattern.engine);
        name.split(['(', ' ']).next().unwrap_or_default().to_owned()
    };
    let long = b"desk".repeat(500);
    let long = long.as_slice();
    let rows: [Row; 13] = [
        (&[], false, ["Nothing"; 3]),
        (&[b"one"], false, ["Literal"; 3]),
        (&[b"one", b"one"], false, ["Literal"; 3]),
        (&[b"one"], true, ["Literal"; 3]),
        (
            &[b"one", b"two"],
            false,
            ["Literals", "Literals", "WholeLines"],
        ),
        (
            &[b"one", b"two"],
            true,
            ["AnyCase", "AnyCase", "WholeLines"],
        ),
        (&[b"desk"], true, ["Regex"; 3]),
        (&[long], true, ["AnyCase", "AnyCase", "WholeLines"]),
        (&[b"a\xFF"], true, ["AnyCase", "AnyCase", "WholeLines"]),
        (&[b""], false, ["EveryLine", "Regex", "WholeLines"]),
        (&[b"one", b""], false, ["EveryLine", "Regex", "WholeLines"]),
        (&[b"desk", b""], true, ["EveryLine", "Regex", "WholeLines"]),
        (&[b"on.", b""], false, ["Regex"; 3]),
    ];
    for (patterns, ignore_case, expected) in rows {
        let places = [(false, false), (true, false), (false, true)];
        let names = places.map(|(words, lines)| name(patterns, (ignore_case, words, lines)));
        assert_eq!(names, expected, "{patterns:?}");
    }
}

// A name of each text was kept for each other that was the same: seconds for these, and gigabytes.
#[test]
fn equal_patterns_are_one() {
    let equal = |text: &'static str| std::iter::repeat_n(text.as_bytes(), 100_000);
    for (ignore_case, words) in [(false, false), (true, false), (false, true), (true, true)] {
        let syntax = Syntax {
            ignore_case,
            words,
            ..Syntax::default()
        };
        let texts = equal("k").chain(equal("K")).chain(equal("\u{212A}"));
        for patterns in [texts.collect::<Vec<_>>(), equal("a.").collect()] {
            let mut pattern = Pattern::any_of(patterns, syntax).expect("patterns");
            assert!(pattern.find(b"_ ab k", 0, b'\n').is_some());
        }
    }
    // Those with groups stay, as they are numbered through.
    let mut pattern =
        Pattern::any_of([&b"(a)"[..], b"(a)", b"(b)"], Syntax::default()).expect("regexes");
    let mut groups = Vec::new();
    assert!(pattern.groups(b"b", 0, &mut groups));
    assert_eq!(groups, [Some(0..1), None, None, Some(0..1)]);
}

// What 100,000 paths begin with took 16 s to be made an automaton.
#[test]
fn many_texts_in_any_case_may_begin_with_the_same() {
    let texts: Vec<String> = (0..100_000)
        .map(|number| format!("/home/user/{number:06}"))
        .collect();
    let syntax = Syntax {
        literal: true,
        ignore_case: true,
        ..Syntax::default()
    };
    let mut pattern = Pattern::any_of(texts.iter().map(String::as_bytes), syntax).expect("texts");
    let line = "/HOME/user/00000/home/uſer/x".repeat(2000) + "/HOME/user/099999/home/user/000001";
    let found = line.len() - 34;
    assert_eq!(pattern.bounds(line.as_bytes(), 0), Some(found..found + 17));
    assert_eq!(
        pattern.bounds(line.as_bytes(), found + 1),
        Some(found + 17..found + 34)
    );
    assert_eq!(pattern.find(line.as_bytes(), 0, b'\n'), Some(found));
}

#[test]
fn a_pattern_of_several_lines_is_several_patterns() {
    let mut pattern = Pattern::any_of([&b"one\ntwo"[..]], Syntax::default()).expect("two");
    assert_eq!(
        by_block(&mut pattern, b"two\nthree\none\n"),
        [true, false, true]
    );
}

#[test]
fn case_is_ignored_also_beside_bytes_that_are_not_utf_8() {
    let syntax = Syntax {
        literal: true,
        ignore_case: true,
        ..Syntax::default()
    };
    let mut pattern = Pattern::any_of([&b"\xFFstra\xC3\x9Fe."[..]], syntax).expect("literal");
    assert_eq!(
        by_block(
            &mut pattern,
            b"\xFFSTRA\xE1\xBA\x9EE.\nstra\xC3\x9Fe.\n\xFFstra\xC3\x9FeX\n"
        ),
        [true, false, false]
    );
}

// It panicked: the width of a formatted text has 16 bits.
#[test]
fn of_a_long_wrong_pattern_the_place_is_shown() {
    let error = Pattern::new(&("a".repeat(70_000) + "(b")).expect_err("unclosed");
    let text = error.to_string();
    assert!(
        text.ends_with(&format!("aaa(b\n    {}^", " ".repeat(61))),
        "{text}"
    );
    assert!(text.len() < 300);
}

#[test]
fn a_literal_with_a_newline_is_in_no_line() {
    assert_eq!(
        Pattern::literal("one\ntwo").find(b"one\ntwo\n", 0, b'\n'),
        None
    );
}

#[test]
fn a_wrong_pattern_is_shown_with_a_caret_at_the_place() {
    let error = Pattern::new("größe(").expect_err("unclosed");
    assert_eq!(
        error.to_string(),
        "invalid pattern: unclosed group\n    größe(\n         ^"
    );
    let error = Pattern::any_of([&b"a.\xFF"[..]], Syntax::default()).expect_err("not UTF-8");
    assert!(error.to_string().contains("not UTF-8 at byte 3"), "{error}");
    let error = Pattern::new("(a{0,500}){500}").expect_err("too large");
    assert!(error.to_string().contains("too large"), "{error}");
}

// Each match looked at the rest of its line anew: minutes for these.
#[test]
fn the_words_of_a_long_line_are_found_in_time_that_grows_with_it() {
    let syntax = Syntax {
        words: true,
        ..Syntax::default()
    };
    let line = "foo bar ".repeat(1 << 15);
    let broken = [line.as_bytes(), b"\xFF"].concat();
    let several = Pattern::any_of([&b"foo"[..], b"bar"], syntax);
    let regex = Pattern::any_of([&b"[a-z]+"[..]], syntax);
    // Beside a letter beyond ASCII each match is looked at again.
    let beside = [line.replace(' ', "\u{e9} f ").as_bytes(), b"\xFF"].concat();
    for mut pattern in [several.expect("texts"), regex.expect("a regex")] {
        for line in [line.as_bytes(), &broken] {
            let mut from = 0;
            let mut count = 0;
            while let Some(found) = pattern.bounds(line, from) {
                from = found.end;
                count += 1;
            }
            assert_eq!(count, 1 << 16);
        }
    }
    let mut pattern = Pattern::any_of([&b"[a-z]+"[..]], syntax).expect("a regex");
    let mut from = 0;
    let mut count = 0;
    while let Some(found) = pattern.bounds(&beside, from) {
        assert_eq!(found.len(), 1);
        from = found.end;
        count += 1;
    }
    assert_eq!(count, 1 << 16);
}

// Met by the differential test: an empty word beside a broken byte, where a pattern has such a byte, too.
#[test]
fn a_pattern_with_a_broken_byte_finds_words_beside_one() {
    let syntax = Syntax {
        literal: true,
        words: true,
        ..Syntax::default()
    };
    let mut pattern = Pattern::any_of([&b""[..], b"\xFF"], syntax).expect("texts");
    for (line, found) in [
        (&b"\xBC"[..], Some(0..0)),
        (b"a\xFF", Some(2..2)),
        (b"-\xC3\xA9\xFF\xFF", Some(0..0)),
        (b"\xC3\xA9\xFF\xC3\xA9", None),
        (b"\xC3\xA9 \xFFb \xFF", Some(3..3)),
        (b"\xC3\xA9", None),
    ] {
        assert_eq!(pattern.bounds(line, 0), found, "{}", line.escape_ascii());
        let is_found = pattern.find(line, 0, b'\n').is_some();
        assert_eq!(is_found, found.is_some(), "{}", line.escape_ascii());
    }
}

// Met by the differential test: beside an empty text the first was the match, not the longest.
#[test]
fn beside_an_empty_text_too_the_longest_is_the_match() {
    let syntax = Syntax {
        literal: true,
        ..Syntax::default()
    };
    let mut pattern = Pattern::any_of([&b"_"[..], b"_ ", b""], syntax).expect("texts");
    assert_eq!(pattern.bounds(b"_ ", 0), Some(0..2));
}

// The groups of words were lost in a line with a broken byte.
#[test]
fn words_beside_a_broken_byte_have_their_groups() {
    let syntax = Syntax {
        words: true,
        ..Syntax::default()
    };
    let mut pattern = Pattern::any_of([&b"(a)b"[..]], syntax).expect("a regex");
    let mut groups = Vec::new();
    assert!(pattern.groups(b"\xFFab ab", 0, &mut groups));
    assert_eq!(groups, [Some(1..3), Some(1..2)]);
}

// 5,000 words of Cyrillic took more than a minute, and a text of 1 MB with a k in it was refused.
#[test]
fn texts_in_any_case_are_compared_where_a_part_of_them_is() {
    let syntax = Syntax {
        literal: true,
        ignore_case: true,
        ..Syntax::default()
    };
    let long = "ks\u{17F} ".repeat(250_000) + "x" + &"sk".repeat(250_000);
    let mut pattern = Pattern::any_of([long.as_bytes()], syntax).expect("a text");
    let text = [b"y", long.to_uppercase().as_bytes(), b"\nsk\n"].concat();
    assert_eq!(by_block(&mut pattern, &text), [true, false]);
    assert_eq!(pattern.bounds(&text, 0).map(|found| found.start), Some(1));

    let whole = Syntax {
        lines: true,
        ..syntax
    };
    let texts: Vec<String> = (0..5000).map(|number| format!("Слово{number}")).collect();
    let texts = || texts.iter().map(String::as_bytes);
    // A byte of a character is not that byte.
    let mut broken = Pattern::any_of([&b"\x9Fa"[..], b"b\xC3", b"\xFF"], syntax).expect("texts");
    assert_eq!(
        by_block(&mut broken, b"\xC3\x9Fa\nb\xC3\x9F\n\x9FA\nB\xC3\n"),
        [false, false, true, true]
    );
    let text = "СЛОВО7\n слово7\nслова7\n".as_bytes();
    let mut anywhere = Pattern::any_of(texts(), syntax).expect("texts");
    assert_eq!(by_block(&mut anywhere, text), [true, true, false]);
    let mut whole = Pattern::any_of(texts(), whole).expect("texts");
    assert_eq!(by_block(&mut whole, text), [true, false, false]);
}

// With a k or an s in one of them, all went through a regex, which was refused or took minutes.
#[test]
fn many_texts_in_any_case_need_no_regex() {
    let syntax = Syntax {
        literal: true,
        ignore_case: true,
        ..Syntax::default()
    };
    let texts: Vec<String> = (0..20_000).map(|number| format!("desk{number}s")).collect();
    let mut pattern = Pattern::any_of(texts.iter().map(String::as_bytes), syntax);
    let pattern = pattern.as_mut().expect("texts");
    assert!(matches!(pattern.engine, Engine::AnyCase(_)));
    let text = "x\nDE\u{17F}\u{212A}19999S\ndesk20000s\n";
    assert_eq!(by_block(pattern, text.as_bytes()), [false, true, false]);
}

// Of the one before it, of which a part was kept.
#[test]
fn a_line_in_the_place_of_another_is_searched_itself() {
    let syntax = Syntax {
        words: true,
        ..Syntax::default()
    };
    let pattern = || Pattern::any_of([&b"fo+"[..]], syntax).expect("a pattern");
    let all = |pattern: &mut Pattern, line: &[u8]| {
        let mut from = 0;
        let next = || {
            let found = pattern.bounds(line, from)?;
            from = found.end;
            Some(found)
        };
        std::iter::from_fn(next).collect::<Vec<_>>()
    };
    let mut kept = pattern();
    let mut place = [0; 14];
    for line in [b"\xC3\xA4foo \xFF foo zz", b"foo \xC3\xA4foo fo z"] {
        place.copy_from_slice(line);
        assert_eq!(all(&mut kept, &place), all(&mut pattern(), line));
    }
}
