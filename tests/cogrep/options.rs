//! What each option does, and how the command line is taken apart.

use super::{as_grep, as_grep_in, cogrep, sh};
use crate::util::{Cmd, Dir};

/// The output of `cogrep args` on `text`, which has to find something.
#[track_caller]
fn found<'a>(args: impl IntoIterator<Item = &'a str>, text: &str, expected: &str) {
    let output = cogrep(args).stdin(text).run();
    output.stdout(expected).stderr("").code(0);
}

/// Bad usage: status 2, nothing on standard output, and this on standard error.
#[track_caller]
fn refused<'a>(args: impl IntoIterator<Item = &'a str>, message: &str) {
    let output = cogrep(args).stdin("a\n").run();
    output.stdout("").stderr_contains(message).code(2);
    assert!(output.stderr.starts_with(b"cogrep: "));
}

#[test]
fn a_pattern_is_a_regular_expression() {
    found(["^a.c$"], "abc\nabcd\na.c\n", "abc\na.c\n");
    found(["a|b{2}"], "b\nbb\nxa\n", "bb\nxa\n");
    found([r"\d+ \w"], "1 x\nx 1\n", "1 x\n");
    found(["^.$"], "\u{e9}\nab\n", "\u{e9}\n");
    // No match reaches beyond its line.
    found([r"a\sb"], "a\nb\na b\n", "a b\n");
    found(["[^x]b"], "a\nb\nab\n", "ab\n");
}

#[test]
fn fixed_strings_are_taken_as_they_are() {
    for option in ["-F", "--fixed-strings", "--fixed"] {
        found([option, "a.c"], "abc\na.c\n", "a.c\n");
    }
    found(["-F", r"\d("], "1(\n\\d(\n", "\\d(\n");
    found(["-F", "-i", "A.c"], "abc\na.C\n", "a.C\n");
}

#[test]
fn case_is_ignored_if_asked() {
    for option in ["-i", "--ignore-case", "--ig"] {
        found(
            [option, "GrÖße"],
            "grösse\nGRÖßE\ngröße\n",
            "GRÖßE\ngröße\n",
        );
        found([option, "^x[a-c]"], "XA\nxd\n", "XA\n");
    }
}

#[test]
fn the_lines_that_do_not_match_are_selected_if_asked() {
    for option in ["-v", "--invert-match", "--inv"] {
        found([option, "a"], "a\nb\n\nca\n", "b\n\n");
    }
    cogrep(["-v", ""]).stdin("a\n\n").run().stdout("").code(1);
    // Where every line matches nothing is searched, so there is no count either.
    as_grep(&["-v", "-c", "-e", "", "-e", ""], "a\n", "", 1);
    as_grep(&["-v", "-c", "\n"], "a\n", "", 1);
    as_grep(&["-v", "-c", "-e", "", "-e", "a"], "a\n", "0\n", 1);
}

#[test]
fn counting_prints_only_how_many() {
    for option in ["-c", "--count", "--cou"] {
        found([option, "a"], "a\nb\na a\n", "2\n");
    }
    cogrep(["-c", "x"]).stdin("a\n").run().stdout("0\n").code(1);
    found(["-c", "-v", "a"], "a\nb\nc", "2\n");
    found(["-c", "-n", "a"], "a\n", "1\n");
    found(["-c", "-m2", "a"], "a\na\na\n", "2\n");
}

#[test]
fn numbers_are_those_of_the_lines_in_their_file() {
    for option in ["-n", "--line-number", "--line-n"] {
        found([option, "a"], "a\nb\na\n", "1:a\n3:a\n");
    }
    let dir = Dir::new();
    dir.write("one", "b\na\n");
    dir.write("two", "a\n");
    let several = cogrep(["-n", "a", "one", "two"]).dir(dir.path("")).run();
    several.stdout("one:2:a\ntwo:1:a\n").code(0);
}

#[test]
fn several_patterns_select_what_one_of_them_does() {
    let text = "a\nb\nc\n(\n";
    found(["-e", "a", "-e", "b"], text, "a\nb\n");
    found(["--regexp=a", "--regexp", "^c"], text, "a\nc\n");
    found(["-F", "-e", "(", "-ec"], text, "c\n(\n");
    found(["a\nc"], text, "a\nc\n");
    // With -e there is no PATTERN: the operand is a file.
    let output = cogrep(["-e", "a", "b"]).stdin(text).run();
    output.stderr("cogrep: b: No such file or directory\n");
    output.stdout("").code(2);
}

#[test]
fn a_pattern_may_look_like_an_option() {
    let text = "-x\n--\nx\n=x\n";
    found(["-e", "-x"], text, "-x\n");
    found(["-e-x"], text, "-x\n");
    found(["--regexp=-x"], text, "-x\n");
    found(["-e", "--"], text, "--\n");
    found(["--", "-x"], text, "-x\n");
    found(["--", "--"], text, "--\n");
    // clap would take the `=` away; getopt gives it to the pattern.
    found(["-e=x"], text, "=x\n");
}

#[test]
fn options_may_come_after_operands_and_the_last_one_wins() {
    let dir = Dir::new();
    dir.write("file", "a\nb\na\n");
    let run = |args: &[&str]| Cmd::bin("cogrep").args(args).dir(dir.path("")).run();
    run(&["a", "file", "-n"]).stdout("1:a\n3:a\n").code(0);
    run(&["a", "-c", "file"]).stdout("2\n").code(0);
    run(&["-m1", "a", "file", "-m", "2"])
        .stdout("a\na\n")
        .code(0);
    run(&["-H", "-h", "b", "file"]).stdout("b\n").code(0);
    run(&["-h", "-H", "b", "file"]).stdout("file:b\n").code(0);
    run(&["-hH", "-h", "b", "file"]).stdout("b\n").code(0);
    run(&["-nvc", "a", "file"]).stdout("1\n").code(0);
    run(&["-nn", "b", "file", "-n"]).stdout("2:b\n").code(0);
    // Behind `--` there are no options.
    let output = run(&["a", "--", "file", "-n"]);
    output.stdout("file:a\nfile:a\n").code(2);
    output.stderr("cogrep: -n: No such file or directory\n");
}

#[test]
fn with_posixly_correct_the_first_operand_ends_the_options() {
    let dir = Dir::new();
    dir.write("file", "a\nb\n");
    for program in ["cogrep", "grep"] {
        let command = if program == "grep" {
            Cmd::new("grep").env("LC_ALL", "C")
        } else {
            Cmd::bin(program)
        };
        let command = command.env("POSIXLY_CORRECT", "1").dir(dir.path(""));
        let output = command.args(["-H", "a", "file", "-n"]).run();
        output.stdout("file:a\n").code(2);
        output.stderr(format!("{program}: -n: No such file or directory\n"));
    }
}

#[test]
fn a_maximum_ends_each_file_after_so_many_selected_lines() {
    for args in [
        &["-m2"][..],
        &["-m", "2"],
        &["--max-count=2"],
        &["--max", "2"],
    ] {
        let args = args.iter().copied();
        found(args.chain(["a"]), "a1\nb\na2\na3\n", "a1\na2\n");
    }
    found(["-m1", "-v", "a"], "a\nb\nc\n", "b\n");
    // Negative: no limit.
    for args in [&["-m-1"][..], &["-m", "-1"], &["--max-count=-5"]] {
        found(args.iter().copied().chain(["a"]), "a\na\na\n", "a\na\na\n");
    }
    let dir = Dir::new();
    dir.write("one", "a\na\n");
    dir.write("two", "b\na\na\n");
    let each = cogrep(["-m1", "-n", "a", "one", "two"])
        .dir(dir.path(""))
        .run();
    each.stdout("one:1:a\ntwo:2:a\n").code(0);
}

#[test]
fn numbers_may_have_a_sign_and_blanks_before_them() {
    let text = "b\na1\na2\nb\n";
    for number in ["+1", " 1", " \t+1", "01"] {
        as_grep(&["-m", number, "a"], text, "a1\n", 0);
        as_grep(&["-A", number, "a1"], text, "a1\na2\n", 0);
        as_grep(&["-B", number, "a1"], text, "b\na1\n", 0);
    }
    for number in ["+", "+-1", "1 ", "1x"] {
        refused(["-m", number, "a"], "for '--max-count");
        refused(["-C", number, "a"], "invalid context length argument");
    }
}

// Only that of the last file was counted.
#[test]
fn stats_count_the_unfinished_last_line_of_every_file() {
    let dir = Dir::new();
    dir.write("file", "a\nb");
    let output = cogrep(["--stats", "b", "file", "file"])
        .dir(dir.path(""))
        .run();
    output.stderr_contains("cogrep: 4 lines in, 2 out");
}

#[test]
fn a_maximum_of_zero_reads_nothing_and_selects_nothing() {
    for args in [&["-m0", "a"][..], &["-m", "0", "a", "missing"]] {
        let output = Cmd::bin("cogrep").args(args).stdin("a\n").run();
        output.stdout("").stderr("").code(1);
    }
    let output = cogrep(["-m0", "--stats", "a"]).stdin("a\n").run();
    output.stdout("").code(1);
    output.stderr_contains("cogrep: 0 lines in, 0 out, 0 B, ");
}

// All was read, and a missing file told.
#[test]
fn no_pattern_reads_nothing_and_selects_nothing() {
    let dir = Dir::new();
    dir.write("none", "");
    dir.write("in", "a\n");
    for args in [
        &["-c"][..],
        &["-l"],
        &["-q"],
        &["-o"],
        &["-w"],
        &["-x"],
        &["-z"],
    ] {
        for file in ["in", "missing"] {
            let args = [args, &["-f", "none", file]].concat();
            as_grep_in(&dir, &args, "", "", 1);
            let output = cogrep(args).dir(dir.path("")).run();
            output.stderr("");
        }
    }
    as_grep_in(&dir, &["-L", "-f", "none", "in"], "", "in\n", 1);
    as_grep_in(&dir, &["-v", "-f", "none", "in"], "", "a\n", 0);
    // The chain ends though its source does not.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let output = cogrep(["-f", "none"]).dir(dir.path("")).stdin_from(reader);
    output.run().stdout("").code(1);
    drop(writer);
}

#[test]
fn quiet_prints_nothing_and_tells_by_its_status() {
    for option in ["-q", "--quiet", "--silent", "--sil"] {
        cogrep([option, "a"])
            .stdin("b\na\n")
            .run()
            .stdout("")
            .stderr("")
            .code(0);
        cogrep([option, "x"]).stdin("a\n").run().stdout("").code(1);
    }
    cogrep(["-q", "-c", "-n", "a"])
        .stdin("a\n")
        .run()
        .stdout("")
        .code(0);
}

#[test]
fn names_are_put_before_lines_if_there_are_several_files_or_if_asked() {
    let dir = Dir::new();
    dir.write("one", "a\n");
    dir.write("two", "a\n");
    let run = |args: &[&str]| {
        let cogrep = Cmd::bin("cogrep").args(args).stdin("a\n");
        cogrep.dir(dir.path("")).run()
    };
    run(&["a", "one"]).stdout("a\n");
    run(&["a", "one", "two"]).stdout("one:a\ntwo:a\n");
    for option in ["-h", "--no-filename", "--no-f"] {
        run(&[option, "a", "one", "two"]).stdout("a\na\n");
    }
    for option in ["-H", "--with-filename", "--wi"] {
        run(&[option, "a", "one"]).stdout("one:a\n");
        run(&[option, "a"]).stdout("(standard input):a\n");
        run(&[option, "-c", "a", "-"]).stdout("(standard input):1\n");
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    for option in ["--help", "--he"] {
        let help = cogrep([option]).run();
        help.stderr("").code(0);
        let text = String::from_utf8(help.stdout).expect("text");
        assert!(text.lines().all(|line| line.chars().count() <= 80));
        assert!(text.ends_with("stands\n"), "{text}");
        let place = |heading| text.find(heading).unwrap_or_else(|| panic!("{heading}"));
        assert!(place("\nPatterns:\n") < place("\nOutput:\n"));
        assert!(place("\nOutput:\n") < place("\nAbout:\n"));
        assert!(place("\nAbout:\n") < place("\nExit status:"));
    }
    for option in ["-V", "--version"] {
        let version = concat!("cogrep ", env!("CARGO_PKG_VERSION"), "\n");
        cogrep([option]).run().stdout(version).stderr("").code(0);
    }
}

#[test]
fn bad_usage_is_refused_with_a_hint() {
    refused([], "cogrep: no pattern\nUsage: cogrep");
    refused(["-i", "--"], "cogrep: no pattern\nUsage: cogrep");
    refused(["-e"], "requires an argument");
    refused(["a", "-m"], "requires an argument");
    refused(
        ["--count=5", "a"],
        "option '--count' doesn't allow an argument",
    );
    refused(["-m", "many", "a"], "invalid value 'many' for");
    refused(["-d", "look", "a"], "'look' for '--directories'");
    refused(["-D", "look", "a"], "'look' for '--devices'");
    refused(["--binary-files=x", "a"], "'x' for '--binary-files'");
    refused(["-m=1", "a"], "invalid value '=1' for");
    refused(["-m", "", "a"], "invalid value '' for");
    refused(["-Y", "a"], "invalid option -- 'Y'");
    refused(["--cuont", "a"], "did you mean '--count'?");
    refused(
        ["--nonsense", "a"],
        "Try 'cogrep --help' for more information.\n",
    );
    // More than one option begins like this.
    refused(["--no", "a"], "option '--no' is ambiguous");
    refused(["--\u{1b}[31m"], r"unrecognized option '--\u{1b}[31m'");
}

#[test]
fn messages_carry_the_name_the_program_was_called_by() {
    let dir = Dir::new();
    let script = format!(
        "ln -s \"$cogrep\" {0}/find && {0}/find -Y",
        dir.path("").display()
    );
    sh(&script)
        .run()
        .stderr_contains("find: invalid option -- 'Y'")
        .code(2);
}
