//! cofollow, as its users meet it.

use crate::util::{Cmd, Dir};

#[test]
fn the_last_lines_are_printed() {
    let dir = Dir::new();
    dir.write("log", "one\ntwo\nthree\n");
    let tail = Cmd::bin("cofollow")
        .dir(dir.path(""))
        .args(["-n", "2", "--no-follow", "log"])
        .run();
    tail.stdout("two\nthree\n").stderr("").code(0);
}
