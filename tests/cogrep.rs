//! cogrep, as its users meet it.

use crate::util::Cmd;

#[test]
fn matching_lines_are_printed_and_the_status_says_whether_there_were_any() {
    let log = "python\nperl\ncpython\n";
    let found = Cmd::bin("cogrep").arg("python").stdin(log).run();
    found.stdout("python\ncpython\n").stderr("").code(0);
    let none = Cmd::bin("cogrep").arg("swig").stdin(log).run();
    none.stdout("").stderr("").code(1);
}
