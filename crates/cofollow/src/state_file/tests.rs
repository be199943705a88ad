use std::io::BufRead;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;
use crate::identity::{Fingerprint, Print};
use crate::state::{SavedFile, SavedName};

fn dir() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// A state that says in every part which one it is, and whose length changes from one to the next.
fn numbered(position: u64) -> State {
    let file = SavedFile {
        identity: Identity {
            device: 1,
            inode: 2,
            born: None,
            may_change: false,
        },
        fingerprint: Fingerprint {
            head: Print::of(b"head"),
            tail: Print::of(b"tail"),
        },
        position,
    };
    let name = |at| SavedName {
        path: format!("name {at}").into(),
        files: vec![file; 2],
        present: true,
        away: None,
        siblings: Vec::new(),
    };
    let count = 1 + position % 5 * 40;
    State {
        names: (0..count).map(name).collect(),
    }
}

/// The number of a whole state; none has the number 0.
fn number_of(text: &[u8]) -> u64 {
    let state = State::parse(text).expect("a whole state");
    let Some(name) = state.names.first() else {
        return 0;
    };
    let position = name.files[0].position;
    assert_eq!(state, numbered(position));
    position
}

fn entries(dir: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("listed");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().into_string())
        .map(|name| name.expect("text"))
        .collect();
    names.sort();
    names
}

fn refusal(path: &Path) -> String {
    let error = StateFile::open(path).expect_err("refused");
    let shown = path.parent().expect("a directory").display().to_string();
    error.to_string().replace(&format!("{shown}/"), "")
}

/// Another process that opens a state: this very test program, in the test [`child`].
struct Other {
    child: Child,
    input: Option<ChildStdin>,
    output: io::BufReader<ChildStdout>,
}

const CHILD_STATE: &str = "COFOLLOW_TEST_STATE";
const CHILD_SAVES: &str = "COFOLLOW_TEST_SAVES";

impl Other {
    fn start(path: &Path, saves: bool) -> Other {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "state_file::tests::child", "--nocapture"]);
        command.env(CHILD_STATE, path);
        if saves {
            command.env(CHILD_SAVES, "");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("started");
        Other {
            input: child.stdin.take(),
            output: io::BufReader::new(child.stdout.take().expect("a pipe")),
            child,
        }
    }

    fn wait_until_open(&mut self) {
        let mut line = String::new();
        while !line.ends_with("opened\n") {
            let count = self.output.read_line(&mut line).expect("read");
            assert_ne!(count, 0, "{line}");
        }
    }

    /// Lets it end.
    fn end(mut self) {
        drop(self.input.take());
        let status = self.child.wait().expect("waited");
        assert!(status.success(), "{status}");
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("waited");
    }
}

/// No test of its own: what runs in the other process. Without its variable it does nothing.
#[test]
fn child() {
    let Some(path) = std::env::var_os(CHILD_STATE) else {
        return;
    };
    let (mut file, state) = StateFile::open(Path::new(&path)).expect("opened");
    writeln!(io::stdout(), "opened").expect("written");
    if std::env::var_os(CHILD_SAVES).is_some() {
        let first = state.names.first();
        let mut position = first.map_or(0, |name| name.files[0].position);
        // Until it is killed.
        loop {
            position += 1;
            file.save(&numbered(position)).expect("saved");
        }
    }
    // Until its input ends.
    let _ = io::stdin().read(&mut [0]);
}

#[test]
fn what_was_saved_is_there_the_next_time() {
    let dir = dir();
    let path = dir.path().join("state");
    let (mut file, state) = StateFile::open(&path).expect("created");
    assert_eq!(state, State::default());
    file.save(&numbered(3)).expect("saved");
    file.save(&numbered(1)).expect("saved");
    file.sync().expect("synced");
    drop(file);
    let (_file, state) = StateFile::open(&path).expect("opened");
    assert_eq!(state, numbered(1));
    assert_eq!(entries(&dir), ["state"]);
}

#[test]
fn an_empty_file_is_taken() {
    let dir = dir();
    let path = dir.path().join("state");
    fs::write(&path, "").expect("written");
    let (_file, state) = StateFile::open(&path).expect("opened");
    assert_eq!(state, State::default());
}

#[test]
fn a_second_opener_is_refused() {
    let dir = dir();
    let path = dir.path().join("state");
    let (mut file, _) = StateFile::open(&path).expect("opened");
    assert_eq!(refusal(&path), "state: in use by another process");
    file.save(&numbered(1)).expect("saved");
    assert_eq!(refusal(&path), "state: in use by another process");
    assert_eq!(
        number_of(&fs::read(&path).expect("read")),
        1,
        "left as it was"
    );
    drop(file);
    StateFile::open(&path).expect("free again");
}

#[test]
fn a_second_process_is_refused() {
    let dir = dir();
    let path = dir.path().join("state");
    let mut other = Other::start(&path, false);
    other.wait_until_open();
    assert_eq!(refusal(&path), "state: in use by another process");
    other.end();
    StateFile::open(&path).expect("free again");
}

#[test]
fn no_second_opener_slips_in_while_it_is_replaced() {
    let dir = dir();
    let path = dir.path().join("state");
    let (mut file, _) = StateFile::open(&path).expect("opened");
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let intruder = scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                assert_eq!(refusal(&path), "state: in use by another process");
            }
        });
        for number in 1..=300 {
            file.save(&numbered(number)).expect("saved");
        }
        is_done.store(true, Ordering::Relaxed);
        intruder.join().expect("always refused");
    });
}

#[test]
fn a_reader_never_sees_a_part() {
    let dir = dir();
    let path = dir.path().join("state");
    let (mut file, _) = StateFile::open(&path).expect("opened");
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut last = 0;
            while !is_done.load(Ordering::Relaxed) {
                let number = number_of(&fs::read(&path).expect("always there"));
                assert!(number >= last, "{number} after {last}");
                last = number;
            }
        });
        for number in 1..=300 {
            file.save(&numbered(number)).expect("saved");
        }
        is_done.store(true, Ordering::Relaxed);
        reader.join().expect("whole states only");
    });
}

#[test]
fn killed_at_any_moment_it_leaves_a_whole_state() {
    let dir = dir();
    let path = dir.path().join("state");
    let mut last = 0;
    let mut leftovers = 0;
    for round in 0..150 {
        let mut other = Other::start(&path, true);
        // Some are killed while they open it, some when they have saved a few times, and some in a save.
        if round % 5 != 0 {
            other.wait_until_open();
        }
        let new = path.with_file_name(".state.new");
        match round % 5 {
            0 => {}
            1 | 2 => {
                wait_until(|| {
                    fs::read(&path).is_ok_and(|text| number_of(&text) > last + round % 7)
                });
            }
            _ => wait_until(|| new.exists()),
        }
        other.kill();
        let number = match fs::read(&path) {
            Ok(text) => number_of(&text),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NotFound);
                assert_eq!(last, 0, "it was there once");
                0
            }
        };
        assert!(number >= last, "{number} after {last}");
        last = number;
        let entries = entries(&dir);
        leftovers += usize::from(entries.len() == 2);
        let names = ["", ".state.new", "state"];
        assert!(
            entries.len() <= 2 && entries.iter().all(|name| names.contains(&&**name)),
            "{entries:?}"
        );
    }
    assert!(last > 0, "nothing was ever saved");
    assert!(leftovers > 0, "no kill came in the middle of a save");
    StateFile::open(&path).expect("free, whatever was left");
    assert_eq!(entries(&dir), ["state"]);
}

#[test]
fn the_mode_is_kept() {
    let dir = dir();
    let path = dir.path().join("state");
    let mode = || path.metadata().expect("there").mode() & 0o7777;
    fs::write(dir.path().join("plain"), "").expect("written");
    let plain = dir.path().join("plain").metadata().expect("there").mode();
    let (mut file, _) = StateFile::open(&path).expect("created");
    assert_eq!(mode(), plain & 0o7777, "as the umask has it");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("changed");
    file.save(&numbered(1)).expect("saved");
    assert_eq!(mode(), 0o640);
}

#[test]
fn root_leaves_it_to_its_owner() {
    let dir = dir();
    let path = dir.path().join("state");
    let (mut file, _) = StateFile::open(&path).expect("created");
    if chown(&path, Some(1234), Some(1235)).is_err() {
        // Not root: there is no other owner to be met.
        return;
    }
    file.save(&numbered(1)).expect("saved");
    let meta = path.metadata().expect("there");
    assert_eq!((meta.uid(), meta.gid()), (1234, 1235));
}

#[test]
fn the_target_of_a_link_is_replaced_not_the_link() {
    let dir = dir();
    let link = dir.path().join("link");
    fs::create_dir(dir.path().join("sub")).expect("made");
    symlink("sub/state", &link).expect("linked");
    for number in 1..=2 {
        // The first time the target is missing.
        let (mut file, _) = StateFile::open(&link).expect("opened");
        file.save(&numbered(number)).expect("saved");
        assert!(link.is_symlink());
        let target = dir.path().join("sub/state");
        assert_eq!(refusal(&target), "state: in use by another process");
        assert_eq!(number_of(&fs::read(target).expect("read")), number);
    }
    assert_eq!(entries(&dir), ["link", "sub"]);
}

#[test]
fn what_is_no_state_is_refused_and_left_alone() {
    let dir = dir();
    let path = dir.path().join("access.log");
    for (text, reason) in [
        ("127.0.0.1\n", "line 1: not a state of cofollow"),
        ("cofollow\n", "line 1: not a state of cofollow"),
        (
            "cofollow state 2\nend 0\n",
            "line 1: a state of version 2, of which this cofollow knows only 1",
        ),
        (
            "cofollow state 1\n",
            "line 2: the rest of the state is missing",
        ),
    ] {
        fs::write(&path, text).expect("written");
        assert_eq!(refusal(&path), format!("access.log: {reason}"));
        assert_eq!(fs::read_to_string(&path).expect("read"), text);
        assert_eq!(entries(&dir), ["access.log"]);
    }
}

#[test]
fn what_cannot_be_replaced_is_told_at_the_start() {
    let dir = dir();
    let at = |name: &str| dir.path().join(name);
    assert_eq!(refusal(&at("no/state")), "state: No such file or directory");
    assert_eq!(
        refusal(dir.path()).rsplit_once(": ").expect("a reason").1,
        "Is a directory"
    );
    assert_eq!(refusal(Path::new("/dev/null")), "null: not a regular file");
    // Too long only for the file beside it.
    let long = "s".repeat(255);
    assert_eq!(
        refusal(&at(&long)),
        format!(".{long}.new: File name too long")
    );
    // In the way, and not to be removed.
    fs::create_dir(at(".state.new")).expect("made");
    assert_eq!(refusal(&at("state")), ".state.new: Is a directory");
}

#[test]
fn a_directory_that_may_not_be_written_is_told_at_the_start() {
    let dir = dir();
    let path = dir.path().join("state");
    fs::write(&path, "").expect("written");
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o555)).expect("changed");
    if fs::write(dir.path().join("other"), "").is_ok() {
        // Root: nothing is forbidden.
        return;
    }
    assert_eq!(refusal(&path), ".state.new: Permission denied");
    assert_eq!(refusal(&dir.path().join("new")), "new: Permission denied");
}

#[test]
fn a_link_in_the_way_is_not_followed() {
    let dir = dir();
    let precious = dir.path().join("precious");
    fs::write(&precious, "kept").expect("written");
    symlink(&precious, dir.path().join(".state.new")).expect("linked");
    StateFile::open(&dir.path().join("state")).expect("opened");
    assert_eq!(fs::read_to_string(&precious).expect("read"), "kept");
    assert_eq!(entries(&dir), ["precious", "state"]);
}

#[test]
fn a_state_that_was_removed_is_made_anew() {
    let dir = dir();
    let path = dir.path().join("state");
    let (mut file, _) = StateFile::open(&path).expect("opened");
    fs::remove_file(&path).expect("removed");
    file.save(&numbered(1)).expect("saved");
    assert_eq!(number_of(&fs::read(&path).expect("read")), 1);
    assert_eq!(refusal(&path), "state: in use by another process");
}

#[test]
fn another_file_in_its_place_is_not_overwritten() {
    let dir = dir();
    let path = dir.path().join("state");
    let (mut file, _) = StateFile::open(&path).expect("opened");
    fs::remove_file(&path).expect("removed");
    let (mut later, _) = StateFile::open(&path).expect("a file of its own");
    later.save(&numbered(1)).expect("saved");
    let error = file.save(&numbered(2)).expect_err("refused");
    let error = error.to_string();
    assert!(
        error.ends_with("state: write error: replaced by another process"),
        "{error}"
    );
    later.save(&numbered(3)).expect("undisturbed");
}

#[test]
fn what_cannot_be_saved_leaves_the_old_state() {
    let dir = dir();
    let path = dir.path().join("sub/state");
    fs::create_dir(dir.path().join("sub")).expect("made");
    let (mut file, _) = StateFile::open(&path).expect("opened");
    file.save(&numbered(1)).expect("saved");
    fs::create_dir(dir.path().join("sub/.state.new")).expect("made");
    file.save(&numbered(2))
        .expect_err("something is in the way");
    assert_eq!(number_of(&fs::read(&path).expect("read")), 1);
    fs::remove_dir(dir.path().join("sub/.state.new")).expect("removed");
    file.save(&numbered(3)).expect("saved again");
    assert_eq!(number_of(&fs::read(&path).expect("read")), 3);
}

/// Waits for what another process does.
fn wait_until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain");
        thread::yield_now();
    }
}
