//! What patterns mean, and which are refused.

use super::{as_grep, cogrep, runs};
use crate::util::{Cmd, Dir};

/// What both syntaxes have means the same in both.
#[test]
fn corner_cases_of_the_syntax_are_those_of_grep() {
    let text = "a\nb\nab\n\n^a\na^b\na$b\n*\n]\n\\\n-\naaa\n{\na b\n_\n";
    for (pattern, expected) in [
        ("^a|", text),
        ("|a", text),
        ("()", text),
        ("(|a)$", text),
        ("a||x", text),
        ("^*", text),
        ("(^a)b|(b$)", "b\nab\na^b\na$b\na b\n"),
        ("^$", "\n"),
        ("a^b", ""),
        ("a$b", ""),
        ("^a{3}$", "aaa\n"),
        ("^a{2,}$", "aaa\n"),
        ("^(a{1}){3}$", "aaa\n"),
        ("^a**$", "a\n\naaa\n"),
        ("[]]", "]\n"),
        ("[^]a-z]$", "*\n\\\n-\n{\n_\n"),
        ("^[a-]$", "a\n-\n"),
        ("^[.*]$", "*\n"),
        (r"^\*$", "*\n"),
        (r"^\\$", "\\\n"),
        (r"\<b", "b\na^b\na$b\na b\n"),
        (r"a\>", "a\n^a\na^b\na$b\naaa\na b\n"),
        (r"\bab\b", "ab\n"),
        (r"^\w$", "a\nb\n_\n"),
        (r"^\W$", "*\n]\n\\\n-\n{\n"),
        (r"a\sb", "a b\n"),
        (r"^\S\S$", "ab\n^a\n"),
        (r"a\Bb", "ab\n"),
        ("[[:space:]]", "a b\n"),
        ("^[[:alpha:]]$", "a\nb\n"),
        ("^[^[:alnum:]_]$", "*\n]\n\\\n-\n{\n"),
        ("(a|b)*c|^-", "-\n"),
        ("a{0}^$", "\n"),
    ] {
        as_grep(&[pattern], text, expected, i32::from(expected.is_empty()));
    }
}

/// Character by character, but for marks and modifiers, of which Unicode made some letters lately.
#[test]
fn named_classes_have_the_characters_that_they_have_in_grep() {
    if !runs(
        "sh",
        &["-c", "printf '\\303\\251' | LC_ALL=C.UTF-8 grep -aE '^.$'"],
    ) {
        return;
    }
    let lines: String = ('\u{1}'..=char::MAX)
        .filter(|char| *char != '\n')
        .flat_map(|char| [char, '\n'])
        .collect();
    let known = cogrep([r"^[\p{Age=10.0}--[\p{M}\p{Lm}]]$"]);
    let known = known.stdin(lines).run().stdout;
    assert!(known.len() > 400_000, "{}", known.len());
    for class in [
        "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
        "upper", "xdigit",
    ] {
        for pattern in [format!("^[[:{class}:]]$"), format!("^[^[:{class}:]]$")] {
            let run = |cmd: Cmd| cmd.arg(&pattern).stdin(&*known).run().stdout;
            let expected = run(Cmd::new("grep").env("LC_ALL", "C.UTF-8").arg("-aE"));
            assert!(run(Cmd::bin("cogrep")) == expected, "{pattern}");
        }
    }
    as_grep(
        &["-i", "^[[:lower:]][^[:upper:]]$"],
        "\u{6f22}1\n11\n",
        "\u{6f22}1\n",
        0,
    );
    // Bytes have no scripts.
    for (pattern, expected) in [
        ("^(?-u:[[:alpha:]])", "a\u{e9}\na\n"),
        ("^(?-u)[[:alpha:]]$", "a\n"),
        ("^(?-u:a)[[:alpha:]]$", "a\u{e9}\n"),
        ("^[[:^alpha:]]$", "1\n"),
    ] {
        let text = "\u{e9}\na\u{e9}\na\n1\n";
        cogrep([pattern]).stdin(text).run().stdout(expected).code(0);
    }
}

#[test]
fn a_misspelt_class_is_refused_as_in_grep() {
    for (pattern, why) in [
        ("[:space:]", "such a class is written [[:space:]]"),
        ("a[^:d:]", "such a class is written [[:space:]]"),
        ("[[:foo:]]", "there is no class of this name"),
        ("[a[:ALPHA:]b]", "there is no class of this name"),
    ] {
        let output = cogrep([pattern]).stdin("a\n").run();
        output.stdout("").stderr_contains(why).code(2);
    }
    for pattern in ["^[:0-9:]$", "^[::]$", "^[a:]$", "^[:a]$"] {
        as_grep(&[pattern], ":\n", ":\n", 0);
    }
}

/// What the regex crate does not have: refused, with the pattern and the place.
#[test]
fn what_is_not_in_the_syntax_is_refused() {
    for pattern in [
        "a{1", "{1}", "*a", "+a", "?", "(*a)", "a|*b", "{", "a{", "a{x}", ")", "a)", "(", "[",
        r"[a\]", "[b-a]", "a{2,1}", r"\", "a{,}", "(?a)", "\\\u{e9}",
    ] {
        let output = cogrep([pattern]).stdin("a\n").run();
        output
            .stdout("")
            .stderr_contains("invalid pattern: ")
            .code(2);
        output.stderr_contains("\n    ").stderr_contains("^");
    }
}

// Taken for a text of which no letter's case counts.
#[test]
fn a_letter_in_both_cases_says_nothing_of_the_others() {
    let text = "python\nPython\nPYTHON\npYthon\n";
    as_grep(&["[Pp]ython"], text, "python\nPython\n", 0);
    as_grep(&["-v", "[Pp]ython"], text, "PYTHON\npYthon\n", 0);
    as_grep(&["-o", "x[Yy]Z"], "xyz\nxYZ\nXYZ\n", "xYZ\n", 0);
}

/// The table of docs/cogrep.md: both take it, and mean something else.
#[test]
fn what_means_something_else_than_in_grep() {
    let text = "a\nb\naa\n1\nd\n\\\n]\n&\n-\n`a\na'\n=\nA\n\u{3b1}\n";
    for (pattern, expected) in [
        ("^a+?$", "a\naa\n"),
        (r"^\d$", "1\n"),
        (r"^\x41$", "A\n"),
        (r"\p{Greek}", "\u{3b1}\n"),
        ("^(?i)a$", "a\nA\n"),
        (r"\`a", "`a\n"),
        (r"a\'", "a'\n"),
        (r"^[\d]$", "1\n"),
        (r"^[\]]$", "]\n"),
        ("^[ab&&a]$", "a\n"),
        ("^[ab--b]$", "a\n"),
        ("^[[a]b]$", "a\nb\n"),
        ("^[[=a=]]$", "a\n=\n"),
    ] {
        cogrep([pattern])
            .stdin(text)
            .run()
            .stdout(expected)
            .stderr("")
            .code(0);
    }
}

#[test]
fn what_grep_has_and_this_has_not_is_refused_with_the_way_out() {
    for (args, hint) in [
        (&[r"(a)\1"][..], "grep"),
        (&["-P", "a"], "grep -P"),
        (&["-G", "a"], "grep -G"),
        (&["-r", "a"], "find"),
        (&["-R", "a"], "find"),
        (&["--recursive", "a", "."], "find"),
        (&["--perl-regexp", "a"], "grep -P"),
        (&["-I", "a"], "grep -I"),
        (&["--binary-files=without-match", "a"], "grep -I"),
        (&["-d", "recurse", "a"], "find DIRECTORY"),
        (&["--include=*.c", "a"], "find DIRECTORY -name GLOB"),
        (&["--exclude-dir", ".git", "a"], "find DIRECTORY -name GLOB"),
    ] {
        let output = cogrep(args.iter().copied()).stdin("a\n").run();
        output.stdout("").stderr_contains(hint).code(2);
        assert!(output.stderr.starts_with(b"cogrep: "));
    }
}

#[test]
fn a_pattern_that_looks_basic_and_matched_nothing_gets_a_hint() {
    for pattern in [r"a\|b", r"\(a\)", r"a\{2\}"] {
        let output = cogrep([pattern]).stdin("ab\naa\n").run();
        output.stdout("").code(1);
        assert!(!output.stderr.is_empty(), "no hint for {pattern}");
        assert!(output.stderr.starts_with(b"cogrep: "));
        // Who is quiet or has found something is told nothing.
        cogrep(["-F", pattern])
            .stdin("ab\n")
            .run()
            .stderr("")
            .code(1);
        cogrep(["-s", pattern])
            .stdin("ab\n")
            .run()
            .stdout("")
            .code(1);
    }
    // Between brackets it is what it is to grep.
    for pattern in [r"[\|]", r"[]\|]", r"[^]\|ab]", r"[[:digit:]\|]"] {
        cogrep([pattern]).stdin("ab\n").run().stderr("").code(1);
    }
    let text = "a|b\n(a)\na{2}\n";
    for (pattern, line) in [
        (r"a\|b", "a|b\n"),
        (r"\(a\)", "(a)\n"),
        (r"a\{2\}", "a{2}\n"),
    ] {
        cogrep([pattern])
            .stdin(text)
            .run()
            .stdout(line)
            .stderr("")
            .code(0);
    }
}

// The long s is longer than `s`, in bytes: `ſa` was tried before `sab`.
#[test]
fn with_f_and_i_the_text_of_more_characters_is_shown() {
    cogrep(["-F", "-i", "-o", "-e", "ſa", "-e", "sab"])
        .stdin("sab\n")
        .run()
        .stdout("sab\n")
        .code(0);
}

// The hint was given where every line had matched, and not where none had.
#[test]
fn with_v_a_pattern_that_looks_basic_and_matched_nothing_gets_the_hint_too() {
    let dir = Dir::new();
    let many = "a line\n".repeat(2_000_000);
    dir.write("large", &many);
    dir.write("matched", format!("{many}a|b\n"));
    for (args, text, hints) in [
        (&["-v"][..], "a\n", true),
        (&["-v"], "a|b\n", false),
        (&["-v"], "a\na|b\n", false),
        (&["-c", "-v"], "a\n", true),
        (&["-c", "-v"], "a|b\n", false),
        (&["-c", "-v", "--threads", "2", "large"], "", true),
        (&["-c", "-v", "--threads", "2", "matched"], "", false),
        (&["-q", "-v"], "a\n", false),
        (&["-s", "-v"], "a\n", false),
        // Not all was searched.
        (&["-v", "-m1"], "a\na\n", false),
        (&["-v", "-l"], "a\na\n", false),
    ] {
        let output = cogrep([r"-ea\|b"]).args(args).dir(dir.path(""));
        let output = output.stdin(text).run();
        assert_eq!(!output.stderr.is_empty(), hints, "{args:?} {text}");
    }
}

#[test]
fn case_counts_only_if_a_pattern_has_a_capital() {
    let text = "ab\nAb\nAB\n";
    for option in ["-S", "--smart-case"] {
        cogrep([option, "ab"])
            .stdin(text)
            .run()
            .stdout(text)
            .code(0);
        cogrep([option, "Ab"])
            .stdin(text)
            .run()
            .stdout("Ab\n")
            .code(0);
        cogrep([option, "-F", "ab"])
            .stdin(text)
            .run()
            .stdout(text)
            .code(0);
        cogrep([option, "-e", "ab", "-e", "X"])
            .stdin(text)
            .run()
            .stdout("ab\n")
            .code(0);
    }
    // What stands for a kind of characters is no capital letter.
    cogrep(["-S", r"a\S"])
        .stdin(text)
        .run()
        .stdout(text)
        .code(0);
    cogrep(["-S", r"\p{Lu}b"]).stdin("Ab\nAB\n").run().code(0);
    cogrep(["-S", "\u{e9}"])
        .stdin("\u{c9}\n")
        .run()
        .stdout("\u{c9}\n")
        .code(0);
    cogrep(["-S", "\u{c9}"])
        .stdin("\u{e9}\n")
        .run()
        .stdout("")
        .code(1);
    // The last of these options wins.
    cogrep(["-i", "-S", "Ab"]).stdin(text).run().stdout("Ab\n");
    cogrep(["-S", "-i", "Ab"]).stdin(text).run().stdout(text);
    cogrep(["-i", "--no-ignore-case", "Ab"])
        .stdin(text)
        .run()
        .stdout("Ab\n");
    for (pattern, capitals_count) in [
        ("(?x) ab # A", false),
        (r"(?P<A>\Sb)|\p{Lu}{9}", false),
        ("(?:x|aB)", true),
        ("[Y-Z]b|[^A]{9}", true),
    ] {
        let expected = if capitals_count { "" } else { text };
        let output = cogrep(["-S", pattern]).stdin(text).run();
        output.stdout(expected).code(i32::from(capitals_count));
    }
}

#[test]
fn options_that_change_nothing_are_taken() {
    for option in [
        "-E",
        "--extended-regexp",
        "-a",
        "--text",
        "--binary-files=text",
        "-U",
        "--binary",
        "--line-buffered",
    ] {
        as_grep(&[option, "a|b"], "a\nc\nb\n", "a\nb\n", 0);
    }
    // Newer greps have these no more.
    for option in ["-u", "--unix-byte-offsets"] {
        let output = cogrep([option, "a"]).stdin("a\n").run();
        output.stdout("a\n").stderr("").code(0);
    }
}

/// No pattern makes it slow beyond measure, or take memory without bound.
#[test]
fn huge_patterns_are_taken_or_refused() {
    let dir = Dir::new();
    let many: Vec<String> = (0..100_000)
        .map(|number| format!("word{number}x"))
        .collect();
    let many = many.join("\n") + "\n";
    dir.write("many", &many);
    let text = format!("{many}word100000x\nWORD7x\n");
    let count = |args: &[&str]| {
        let cogrep = Cmd::bin("cogrep").args(args).dir(dir.path(""));
        cogrep.stdin(text.as_bytes()).run()
    };
    count(&["-c", "-F", "-f", "many"])
        .stdout("100000\n")
        .code(0);
    count(&["-c", "-F", "-x", "-f", "many"])
        .stdout("100000\n")
        .code(0);
    count(&["-c", "-f", "many"]).stdout("100000\n").code(0);
    // One of a MB.
    let long = "long".repeat(250_000);
    dir.write("long", &long);
    for args in [&["-c", "-F", "-f", "long"][..], &["-c", "-f", "long"]] {
        let cogrep = Cmd::bin("cogrep").args(args).dir(dir.path(""));
        cogrep
            .stdin(format!("x{long}x\n{}\n", &long[1..]))
            .run()
            .stdout("1\n")
            .code(0);
    }
    dir.write("regex", format!("({long}|b)+$"));
    cogrep(["-c", "-f", "regex"])
        .dir(dir.path(""))
        .stdin("b\n")
        .run()
        .stdout("1\n")
        .code(0);
    // Each of many, and one of many states: they were refused, or took minutes.
    let regexes = (0..20_000).map(|number| format!("user{number}:[0-9]+x"));
    dir.write("regexes", regexes.collect::<Vec<_>>().join("\n"));
    let text = "user19999:x\nuser19999:1x\nuser20000:1x\n";
    for (args, expected) in [
        (&["-f", "regexes"][..], "user19999:1x\n"),
        (
            &["-o", "-i", "-f", "regexes", "-e", "R20"],
            "user19999:1x\nr20\n",
        ),
    ] {
        let cogrep = Cmd::bin("cogrep").args(args).dir(dir.path(""));
        cogrep.stdin(text).run().stdout(expected).code(0);
    }
    let (enough, short) = ("\u{e9}".repeat(300), "\u{e9}".repeat(299));
    let text = format!("{short} {enough}\n{short} {short}\n");
    cogrep(["-o", r"\w{300}"])
        .stdin(text)
        .run()
        .stdout(format!("{enough}\n"))
        .code(0);
    cogrep(["(a{0,500}){500}"])
        .run()
        .stdout("")
        .stderr_contains("too large")
        .code(2);
}
