//! The matches in the lines: alone, counted in bytes, in colour, or with others in their place.

use super::{as_grep, as_grep_in, cogrep, runs};
use crate::util::{Cmd, Dir};

#[test]
fn only_what_matches_is_printed_each_on_its_own_line() {
    for option in ["-o", "--only-matching"] {
        as_grep(&[option, "b+"], "abba\nx\nb b\n", "bb\nb\nb\n", 0);
    }
    as_grep(&["-o", "-n", "a|b"], "x\nab\n", "2:a\n2:b\n", 0);
    as_grep(&["-o", "-F", "a."], "a.a.b\n", "a.\na.\n", 0);
    as_grep(&["-o", "-i", "ab"], "ABaB\n", "AB\naB\n", 0);
    as_grep(&["-o", "-x", "9"], "9\n99\n", "9\n", 0);
    as_grep(&["-o", "a$"], "aa\r\naa", "a\n", 0);
    as_grep(&["-o", "^a"], "aa\n", "a\n", 0);
    as_grep(&["-o", r"\ba"], "aa a\n", "a\na\n", 0);
    as_grep(&["-o", "-m1", "a|b"], "a b\na\n", "a\nb\n", 0);
    let dir = Dir::new();
    dir.write("one", "a1 a2\n");
    dir.write("two", "a3\n");
    as_grep_in(
        &dir,
        &["-o", "a.", "one", "two"],
        "",
        "one:a1\none:a2\ntwo:a3\n",
        0,
    );
}

// With a letter whose case is more than ASCII's the empty pattern was preferred.
#[test]
fn an_empty_pattern_hides_no_other() {
    for word in ["bilo", "kilo"] {
        for options in [&["-o", "-i"][..], &["-o"], &["-o", "-F", "-i"]] {
            let args = [options, &["-e", "", "-e", word]].concat();
            as_grep(
                &args,
                format!("a {word} c{word}\n"),
                format!("{word}\n{word}\n"),
                0,
            );
        }
        let output = cogrep(["-i", "--replace=-", "-e", "", "-e", word]);
        output
            .stdin(format!("a{word}\nb{word}\n"))
            .run()
            .stdout("-a-\n-b-\n");
    }
}

#[test]
fn empty_matches_select_a_line_and_print_nothing() {
    as_grep(&["-o", "x*"], "axxb\n\n", "xx\n", 0);
    as_grep(&["-o", ""], "a\n", "", 0);
    as_grep(&["-o", "-c", ""], "a\n", "1\n", 0);
    as_grep(&["-o", "^"], "a\n", "", 0);
    as_grep(&["-o", "-v", "x"], "a\n", "", 0);
    as_grep(&["-o", "-v", "a"], "a\n", "", 1);
}

/// The syntax is the regex crate's: the first alternative that matches is the match. Which lines match is the same.
#[test]
fn of_alternatives_the_first_is_the_match() {
    let output = cogrep(["-o", "a|ab"]).stdin("abab\n").run();
    output.stdout("a\na\n").code(0);
    cogrep(["-o", "ab|a"])
        .stdin("aba\n")
        .run()
        .stdout("ab\na\n");
    cogrep(["-o", "-e", "a", "-e", "ab"])
        .stdin("ab\n")
        .run()
        .stdout("a\n");
    cogrep(["-o", "a.*?b"])
        .stdin("axbxb\n")
        .run()
        .stdout("axb\n");
}

#[test]
fn places_are_told_in_bytes() {
    for option in ["-b", "--byte-offset"] {
        as_grep(&[option, "a"], "\u{e9}\na\nb\na", "3:a\n7:a\n", 0);
    }
    as_grep(&["-b", "-o", "a"], "\u{e9}aa\na\n", "2:a\n3:a\n5:a\n", 0);
    as_grep(
        &["-b", "-n", "-H", "b"],
        "a\nb\n",
        "(standard input):2:2:b\n",
        0,
    );
    as_grep(&["-b", "-v", "a"], "a\nb\n", "2:b\n", 0);
    let dir = Dir::new();
    let filler = "0123456789\n".repeat(50_000);
    dir.write("one", format!("{filler}hit hit\n"));
    dir.write("two", "hit\n");
    as_grep_in(
        &dir,
        &["-b", "hit", "one", "two"],
        "",
        "one:550000:hit hit\ntwo:0:hit\n",
        0,
    );
    as_grep_in(
        &dir,
        &["-bo", "hit", "one"],
        "",
        "550000:hit\n550004:hit\n",
        0,
    );
}

/// As grep, with `E` for the escape byte.
#[track_caller]
fn colored(colors: &str, args: &[&str], text: &str, expected: &str) {
    let args = [&["--color=always"], args].concat();
    let expected = expected.replace('E', "\u{1b}");
    let run = |cmd: Cmd| {
        let cmd = cmd.args(&args).stdin(text).env("GREP_COLORS", colors);
        let cmd = cmd.env("TERM", "xterm").env("NO_COLOR", "");
        cmd.run().stdout(&expected).code(0);
    };
    run(Cmd::bin("cogrep"));
    if runs("grep", &["-E", "--help"]) {
        run(Cmd::new("grep").arg("-E"));
    }
}

const TEXT: &str = "x a y a\nb\nc a\n";

#[test]
fn what_matches_is_in_colour_if_asked() {
    let expected = "x E[01;31mE[KaE[mE[K y E[01;31mE[KaE[mE[K\nc E[01;31mE[KaE[mE[K\n";
    colored("", &["a"], TEXT, expected);
    colored("", &["-i", "A"], TEXT, expected);
    colored("", &["-v", "a"], TEXT, "b\n");
    colored("", &[""], "a\n", "a\n");
    colored("", &["-o", "a"], TEXT, &"E[01;31mE[KaE[mE[K\n".repeat(3));
    colored("", &["-c", "a"], TEXT, "2\n");
    colored("", &["a"], "a\r\n", "E[01;31mE[KaE[mE[K\r\n");
}

#[test]
fn heads_and_separators_have_their_colours() {
    let place = |number: u8, sign: char, byte: u8| {
        format!(
            "E[35mE[Kt.txtE[mE[KE[36mE[K{sign}E[mE[KE[32mE[K{number}E[mE[KE[36mE[K{sign}E[mE[KE[32mE[K{byte}E[mE[K\
             E[36mE[K{sign}E[mE[K"
        )
    };
    let b = "E[01;31mE[KbE[mE[K\n";
    let expected = [
        &place(1, '-', 0),
        "x a y a\n",
        &place(2, ':', 8),
        b,
        &place(3, '-', 10),
        "c a\n",
    ];
    let args = ["--label=t.txt", "-n", "-H", "-b", "-C1", "b"];
    colored("", &args, TEXT, &expected.concat());
    let groups = format!("{b}E[36mE[K--E[mE[K\n{b}");
    colored("", &["-A0", "b"], "b\na\nb\n", &groups);
    let name = "E[35mE[Kt.txtE[mE[K";
    let not_selected = concat!(
        "E[32mE[K1E[mE[KE[36mE[K:E[mE[Kx a y a\n",
        "E[32mE[K2E[mE[KE[36mE[K-E[mE[KE[01;31mE[KbE[mE[K\n",
        "E[32mE[K3E[mE[KE[36mE[K:E[mE[Kc a\n",
    );
    let label = "--label=t.txt";
    colored("", &["-l", label, "b"], TEXT, &format!("{name}\n"));
    let count = format!("{name}E[36mE[K:E[mE[K1\n");
    colored("", &["-c", "-H", label, "b"], TEXT, &count);
    colored("", &["-n", "-v", "-C1", "b"], TEXT, not_selected);
}

#[test]
fn grep_colors_says_which_colours() {
    let b = "E[1mE[KE[01;32mE[KbE[mE[K\n";
    let expected = format!("E[2mE[Kx a y aE[mE[K\n{b}E[2mE[Kc aE[mE[K\n");
    let head = "E[33mE[KfE[mE[KE[35mE[K:E[mE[KE[01;31mE[KbE[mE[K\n";
    let places = "E[33mE[K2E[mE[KE[36mE[K:E[mE[KE[34mE[K8E[mE[KE[36mE[K:E[mE[KE[01;31mE[KbE[mE[K\n";
    for (variable, options, expected) in [
        ("mt=01;32:sl=1:cx=2", "-C1", &*expected),
        ("ne:ms=01;34", "-n", "E[32m2E[mE[36m:E[mE[01;34mbE[m\n"),
        ("fn=33:se=35", "-H", head),
        ("ln=33:bn=34", "-nb", places),
    ] {
        colored(variable, &[options, "--label=f", "b"], TEXT, expected);
    }
    // -v with `rv` swaps the colours of selected lines and context.
    let expected = "E[2mE[Kx a y aE[mE[K\nE[1mE[KE[01;31mE[KbE[mE[K\nE[2mE[Kc aE[mE[K\n";
    colored("rv:sl=1:cx=2", &["-v", "-A1", "b"], TEXT, expected);
    colored(
        "mc=5:ms=1",
        &["-v", "-A1", "b"],
        TEXT,
        "x a y a\nE[5mE[KbE[mE[K\nc a\n",
    );
    // An empty one is none, and what is not understood is let be.
    colored(
        "fn=",
        &["-H", "--label=f", "-v", "a"],
        TEXT,
        "fE[36mE[K:E[mE[Kb\n",
    );
    colored("nonsense", &["b"], TEXT, "E[01;31mE[KbE[mE[K\n");
}

#[test]
fn there_is_no_colour_in_a_pipe_unless_always() {
    for option in [
        "--color",
        "--colour",
        "--color=auto",
        "--color=never",
        "--color=tty",
        "--color=no",
    ] {
        as_grep(&[option, "b"], TEXT, "b\n", 0);
    }
    for option in ["--colour=always", "--color=yes", "--color=force"] {
        as_grep(
            &[option, "b"],
            TEXT,
            "\u{1b}[01;31m\u{1b}[Kb\u{1b}[m\u{1b}[K\n",
            0,
        );
    }
    let output = cogrep(["--color=sometimes", "b"]).run();
    output
        .stdout("")
        .stderr_contains("invalid argument 'sometimes' for '--color'")
        .code(2);
}

/// `script` runs it on a terminal.
#[test]
fn on_a_terminal_colour_is_automatic_unless_no_color_says_no() {
    if !runs("script", &["-qec", "true", "/dev/null"]) {
        return;
    }
    let on_terminal = |option: &str, no_color: &str| {
        let command = format!("printf 'b\\n' | \"$cogrep\" {option} b");
        let script = Cmd::new("script").args(["-qec", &command, "/dev/null"]);
        let script = script
            .env("cogrep", crate::util::built("cogrep"))
            .env("TERM", "xterm");
        String::from_utf8(script.env("NO_COLOR", no_color).run().stdout).expect("text")
    };
    assert!(on_terminal("--color=auto", "").contains("\u{1b}[01;31m"));
    assert!(!on_terminal("--color=auto", "1").contains('\u{1b}'));
    assert!(!on_terminal("--color=never", "").contains('\u{1b}'));
    assert!(on_terminal("--color=always", "1").contains('\u{1b}'));
}

/// The output of `cogrep args` on `text`.
#[track_caller]
fn replaced(args: &[&str], text: &str, expected: &str) {
    Cmd::bin("cogrep")
        .args(args)
        .stdin(text)
        .run()
        .stdout(expected)
        .stderr("")
        .code(0);
}

#[test]
fn matches_are_replaced_in_the_lines_that_match() {
    replaced(&["--replace", "X", "b+"], "abba\nc\nb b\n", "aXa\nX X\n");
    replaced(&["--replace=", "b"], "abc\n", "ac\n");
    replaced(
        &["--replace=$1-$2", "([a-z])([0-9])"],
        "a1 b2\n",
        "a-1 b-2\n",
    );
    replaced(&["--replace=<$0>", "[0-9]+"], "a12b3\n", "a<12>b<3>\n");
    replaced(
        &["--replace=${word}!", "(?P<word>[a-z]+)"],
        "one two\n",
        "one! two!\n",
    );
    replaced(&["--replace=$word", "(?<word>[a-z]+)."], "one.\n", "one\n");
    // What `$1x` is called needs braces; a group that took no part is nothing; `$$` is a dollar.
    replaced(&["--replace=${1}x", "(a)"], "a\n", "ax\n");
    replaced(&["--replace=[$1$2]", "(a)|(b)"], "ab\n", "[a][b]\n");
    replaced(&["--replace=$$1", "a"], "a\n", "$1\n");
    replaced(&["-F", "--replace=$0$0", "."], "a.\n", "a..\n");
    replaced(&["-i", "--replace=x", "A"], "aA\n", "xx\n");
    // No character is torn.
    for empty in ["x*", ""] {
        replaced(
            &["--replace=-", empty],
            "a\u{e9}\u{6f22}\n",
            "-a-\u{e9}-\u{6f22}-\n",
        );
    }
    replaced(&["-w", "--replace=x", "a"], "a ab a\n", "x ab x\n");
    replaced(&["-n", "-b", "--replace=x", "b"], "a\nb\n", "2:2:x\n");
    replaced(&["-m1", "--replace=x", "a"], "a\na\n", "x\n");
    // The first selected line's context is as it is.
    replaced(&["-A1", "--replace=x", "a"], "a\nb\n", "x\nb\n");
    replaced(&["--replace=x", "a"], "a", "x\n");
}

// Every second one was dropped.
#[test]
fn empty_matches_are_replaced_as_sed_does() {
    replaced(&["--replace", "-", "x*"], "abc\n", "-a-b-c-\n");
    replaced(&["--replace", "-", "a*"], "baaac\n", "-b-c-\n");
    replaced(&["--replace", "X", r"\b"], "a-25b\n", "XaX-X25bX\n");
    replaced(&["--replace", "-", ""], "ab\n", "-a-b-\n");
}

#[test]
fn only_the_replacements_are_printed_if_asked() {
    replaced(
        &["-o", "--replace=$1", "([a-z]+)="],
        "one=1 two=2\n",
        "one\ntwo\n",
    );
    replaced(
        &["-o", "-n", "--replace=<$0>", "[0-9]"],
        "a1\nb\nc2d3\n",
        "1:<1>\n3:<2>\n3:<3>\n",
    );
    replaced(&["-c", "--replace=x", "a"], "a\n", "1\n");
}

#[test]
fn a_trickle_of_matches_is_not_held_back() {
    for (args, expected) in [
        (&["-o", "[0-9]+"][..], "1\n2\n"),
        (&["--replace=<$0>", "[0-9]+"], "a<1> <2>\n"),
    ] {
        let mut running = Cmd::bin("cogrep").args(args).spawn();
        running.send("a1 2\n");
        running.wait_for_stdout(|text| text == expected.as_bytes());
        running.wait().code(0);
    }
}

#[test]
fn a_tab_stands_before_the_line_if_asked() {
    let dir = Dir::new();
    dir.write("file", "ab\nb a\n\nca\n");
    let run = |args: &[&str], expected: &str| {
        for option in ["-T", "--initial-tab"] {
            let args = [&[option], args, &["file"]].concat();
            as_grep_in(&dir, &args, "", expected, 0);
        }
    };
    // Without anything before the line, no tab; as wide as the last offset or number may be.
    run(&["a"], "ab\nb a\nca\n");
    run(&["-n", "a"], " 1:\tab\n 2:\tb a\n 4:\tca\n");
    run(&["-c", "-H", "a"], "file:3\n");
    run(&["-nbH", "-o", "ca"], "file: 4: 8:\tca\n");
    run(&["-ZH", "ca"], "file\0\tca\n");
    // Nor before an empty one.
    run(&["-n", "-A1", "b a"], " 2:\tb a\n 3-\n");
    let number = "E[32mE[K 4E[mE[KE[36mE[K:E[mE[K\tE[01;31mE[KcaE[mE[K\n";
    run(
        &["-n", "--color=always", "ca"],
        &number.replace('E', "\u{1b}"),
    );
    // How long a pipe's text is nobody knows.
    as_grep(&["-nT", "b"], "a\nb\n", format!("{:>19}:\tb\n", 2), 0);
    dir.write("file", "ab\n".repeat(40));
    let expected: String = (1..=40).fold(String::new(), |text, number| {
        text + &format!("{number:>3}:\tab\n")
    });
    run(&["-n", "a"], &expected);
}
