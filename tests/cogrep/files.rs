//! Several files, standard input among them, and what they are left with.

use super::{as_grep_in, python, sh};
use crate::util::{Cmd, Dir};

/// A directory with three files.
fn three() -> Dir {
    let dir = Dir::new();
    dir.write("one", "a1\nb1\n");
    dir.write("two", "b2\n");
    dir.write("three", "a3");
    dir
}

#[test]
fn files_are_searched_in_their_order() {
    let dir = three();
    let run = |args: &[&str]| Cmd::bin("cogrep").args(args).dir(dir.path("")).run();
    run(&["a", "three", "two", "one"])
        .stdout("three:a3\none:a1\n")
        .code(0);
    run(&["-c", "a", "one", "two", "three"])
        .stdout("one:1\ntwo:0\nthree:1\n")
        .code(0);
    // The newline that the last line lacks is added, also between files.
    run(&["-h", "a", "three", "one"]).stdout("a3\na1\n");
}

#[test]
fn a_dash_is_standard_input() {
    let dir = three();
    let run = |args: &[&str]| {
        let cogrep = Cmd::bin("cogrep").args(args).stdin("a0\nb0\n");
        cogrep.dir(dir.path("")).run()
    };
    run(&["a", "-"]).stdout("a0\n").code(0);
    run(&["a", "one", "-", "three"])
        .stdout("one:a1\n(standard input):a0\nthree:a3\n")
        .code(0);
    // It is at its end the second time.
    run(&["-c", "a", "-", "-"]).stdout("(standard input):1\n(standard input):0\n");
    run(&["-n", "b"]).stdout("2:b0\n");
    dir.write("-", "a file\n");
    run(&["a", "./-"]).stdout("a file\n");
}

#[test]
fn directories_and_devices_are_passed_over_if_asked() {
    let dir = three();
    std::fs::create_dir(dir.path("below")).expect("made");
    sh("mkfifo fifo").dir(dir.path("")).run().code(0);
    let run = |args: &[&str], expected: &str, status| {
        as_grep_in(&dir, args, "a0\n", expected, status);
    };
    for option in [&["-d", "skip"][..], &["--directories=sk"]] {
        run(&[option, &["a", "below", "one"]].concat(), "one:a1\n", 0);
        run(
            &[option, &["-c", "a", "one", "below"]].concat(),
            "one:1\n",
            0,
        );
        run(&[option, &["-L", "a", "below", "two"]].concat(), "two\n", 1);
        run(&[option, &["a", "below"]].concat(), "", 1);
    }
    // Nobody writes into the FIFO: to open it would be to wait.
    for option in [&["-D", "skip"][..], &["--devices=skip"]] {
        let files = ["a", "fifo", "/dev/null", "one"];
        run(&[option, &files].concat(), "one:a1\n", 0);
    }
    // Standard input is always read.
    run(&["-D", "skip", "a", "-"], "a0\n", 0);
    run(
        &["-d", "read", "-D", "read", "a", "one", "missing"],
        "one:a1\n",
        2,
    );
    run(&["-d", "skip", "a", "missing"], "", 2);
}

#[test]
fn the_other_files_are_still_done_when_one_cannot_be_read() {
    let dir = three();
    let run = |args: &[&str]| Cmd::bin("cogrep").args(args).dir(dir.path("")).run();
    let output = run(&["a", "one", "missing", "three"]);
    output.stdout("one:a1\nthree:a3\n").code(2);
    output.stderr("cogrep: missing: No such file or directory\n");
    let output = run(&["a", "one", ".", "three"]);
    output.stdout("one:a1\nthree:a3\n").code(2);
    output.stderr("cogrep: .: Is a directory\n");
    run(&["x", "one", "missing"]).stdout("").code(2);
    for option in ["-s", "--no-messages", "--no-m"] {
        run(&[option, "a", "missing", "one"])
            .stdout("one:a1\n")
            .stderr("")
            .code(2);
    }
}

#[test]
fn quiet_succeeds_at_a_match_whatever_failed() {
    let dir = three();
    let run = |args: &[&str]| Cmd::bin("cogrep").args(args).dir(dir.path("")).run();
    let output = run(&["-q", "a", "missing", "one"]);
    output.stdout("").code(0);
    output.stderr("cogrep: missing: No such file or directory\n");
    // What comes after the match is not even opened.
    run(&["-q", "a", "one", "missing"]).stderr("").code(0);
    run(&["-q", "x", "one", "missing"]).code(2);
    run(&["-qs", "x", "one", "missing"]).stderr("").code(2);
}

#[test]
fn a_message_stands_behind_what_was_found_before_it() {
    let dir = three();
    let run = |script| sh(script).dir(dir.path("")).run();
    run("\"$cogrep\" a one missing three 2>&1")
        .stdout("one:a1\ncogrep: missing: No such file or directory\nthree:a3\n");
    run("\"$cogrep\" -c a one missing three 2>&1")
        .stdout("one:1\ncogrep: missing: No such file or directory\nthree:1\n");
}

#[test]
fn a_file_is_not_searched_into_itself() {
    let dir = three();
    let run = |script| sh(script).dir(dir.path("")).run();
    let output = run("\"$cogrep\" a one three >> one; echo $?; cat one");
    output.stdout("2\na1\nb1\nthree:a3\n");
    output.stderr("cogrep: one: input file is also the output\n");
    let output = run("\"$cogrep\" b < two >> two; echo $?; cat two");
    output.stdout("2\nb2\n");
    output.stderr("cogrep: (standard input): input file is also the output\n");
    // What ends by itself is allowed.
    let output = run("\"$cogrep\" -c a three >> three; cat three");
    output.stdout("a31\n").stderr("");
    run("\"$cogrep\" -m1 b two >> two; cat two").stdout("b2\nb2\n");
}

#[test]
fn standard_input_is_left_behind_the_last_line_that_was_wanted() {
    let dir = Dir::new();
    // Longer than a block, so that more has been read than was wanted.
    let rest = "b\nrest\n".repeat(100_000);
    dir.write("file", format!("x\na1\nb\na2\n{rest}"));
    let run = |script| sh(script).dir(dir.path("")).run();
    run("(\"$cogrep\" -m1 a; head -n 2) < file").stdout("a1\nb\na2\n");
    run("(\"$cogrep\" -m2 a; cat) < file").stdout(format!("a1\na2\n{rest}"));
    run("(\"$cogrep\" -c -m2 a; head -n 1) < file").stdout("2\nb\n");
    run("(\"$cogrep\" -v -m2 a; head -n 1) < file").stdout("x\nb\na2\n");
    run("(\"$cogrep\" -q a; head -n 1) < file").stdout("b\n");
    // It need not stand at its beginning.
    run("(head -c 2; \"$cogrep\" -m1 a; head -n 1) < file").stdout("x\na1\nb\n");
    run("\"$cogrep\" -m1 a - - < file").stdout("(standard input):a1\n(standard input):a2\n");
    // Unlimited, it is at its end.
    run("(\"$cogrep\" -c a; cat) < file").stdout("2\n");
}

#[test]
fn sockets_are_read_and_written() {
    let script = "
import socket, subprocess, sys, threading
here, stdin = socket.socketpair()
there, stdout = socket.socketpair()
program = subprocess.Popen([sys.argv[1], 'line'], stdin=stdin, stdout=stdout)
stdin.close(), stdout.close()
text = b''.join(b'line %d\\n' % number for number in range(200000))
def feed():
    here.sendall(text)
    here.close()
threading.Thread(target=feed).start()
answer = b''.join(iter(lambda: there.recv(65536), b''))
print(answer == text, program.wait())
";
    if let Some(python) = python(script, &[]) {
        python.run().stdout("True 0\n").stderr("");
    }
}
