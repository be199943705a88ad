use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

fn written(state: &State) -> Vec<u8> {
    let mut text = Vec::new();
    state.write(&mut text);
    text
}

fn name(path: &[u8]) -> SavedName {
    SavedName {
        path: OsString::from_vec(path.to_vec()).into(),
        files: Vec::new(),
        present: false,
        away: None,
        siblings: Vec::new(),
    }
}

fn sample() -> State {
    let identity = |inode, born| Identity {
        device: 64768,
        inode,
        born,
        may_change: false,
    };
    let fingerprint = Fingerprint {
        head: Print::of(b"foobar"),
        tail: Print::of(b"a"),
    };
    let file = |inode, born, position| SavedFile {
        identity: identity(inode, born),
        fingerprint,
        position,
    };
    let access = SavedName {
        files: vec![
            file(1311, Some(1_700_000_000_000_000_000), 5_242_880),
            file(1312, None, 0),
        ],
        present: true,
        siblings: vec![
            SavedSibling {
                identity: identity(1300, Some(7)),
                text: None,
            },
            SavedSibling {
                identity: identity(1299, None),
                text: Some(Text {
                    position: 99,
                    fingerprint,
                }),
            },
        ],
        ..name(b"access.log")
    };
    State {
        names: vec![access, name(b"late.log")],
    }
}

const SAMPLE: &str = "\
cofollow state 1
name present access.log
  file 64768:1311 born 1700000000000000000 position 5242880 head 6:85944171f73967e8 tail 1:af63dc4c8601ec8c
  file 64768:1312 born - position 0 head 6:85944171f73967e8 tail 1:af63dc4c8601ec8c
  sibling 64768:1300 born 7
  sibling 64768:1299 born - position 99 head 6:85944171f73967e8 tail 1:af63dc4c8601ec8c
name missing late.log
end 2
";

// States of earlier runs have to stay readable: neither side of this may change within version 1.
#[test]
fn the_text_is_as_documented() {
    assert_eq!(String::from_utf8_lossy(&written(&sample())), SAMPLE);
    assert_eq!(State::parse(SAMPLE.as_bytes()), Ok(sample()));
}

#[test]
fn a_path_stays_readable_and_on_its_line() {
    let shown = |path: &[u8]| {
        let mut text = Vec::new();
        escape(path, &mut text);
        assert_eq!(unescape(&text).as_deref(), Some(path));
        String::from_utf8(text).expect("text")
    };
    assert_eq!(shown(b"/var/log/my app.log"), "/var/log/my app.log");
    assert_eq!(shown("Протокол.log".as_bytes()), "Протокол.log");
    assert_eq!(shown(b"a\nend 1\n"), r"a\x0aend 1\x0a");
    assert_eq!(shown(br"\x41"), r"\\x41");
    assert_eq!(shown(b"\x1b[31m\xff\xc3.log"), r"\x1b[31m\xff\xc3.log");
    assert_eq!(shown("\u{9b}31m".as_bytes()), r"\xc2\x9b31m");
    assert_eq!(shown(b" "), " ");
}

#[test]
fn an_empty_text_is_an_empty_state() {
    assert_eq!(State::parse(b""), Ok(State::default()));
    assert_eq!(
        State::parse(b"cofollow state 1\nend 0\n"),
        Ok(State::default())
    );
}

#[test]
fn a_part_of_a_state_is_refused() {
    let text = SAMPLE.as_bytes();
    for end in 1..text.len() {
        assert!(State::parse(&text[..end]).is_err(), "{end}");
    }
}

#[test]
fn another_version_is_refused_with_its_number() {
    let error = State::parse(b"cofollow state 12\nwhatever\n").expect_err("unknown");
    assert_eq!(error, Unreadable::Version("12".into()));
    assert_eq!(
        error.to_string(),
        "line 1: a state of version 12, of which this cofollow knows only 1"
    );
}

#[test]
fn the_line_that_is_wrong_is_named() {
    let error = |from: &str, to: &str| {
        assert!(SAMPLE.contains(from), "{from}");
        let text = SAMPLE.replacen(from, to, 1);
        let error = State::parse(text.as_bytes()).expect_err(to);
        error.to_string()
    };
    let cases = [
        (
            "cofollow state",
            "127.0.0.1 - -",
            "line 1: not a state of cofollow",
        ),
        (
            "name present access.log\n",
            "",
            "line 2: expected a name before its files",
        ),
        (
            "access.log",
            r"access\.log",
            r"line 2: expected `\\` or `\x` and two digits",
        ),
        ("64768:1311", "64768", "line 3: expected device:inode"),
        (
            ":1311",
            ":+1311",
            "line 3: expected the numbers of a device and an inode",
        ),
        (
            ":1311",
            ":18446744073709551616",
            "line 3: expected the numbers of a device and an inode",
        ),
        ("born -", "born", "line 4: expected a time of birth or `-`"),
        ("position 0", "position", "line 4: expected a position"),
        (
            "head 6:",
            "head 256:",
            "line 3: expected the print of the head",
        ),
        ("6:85", "6:8", "line 3: expected the print of the head"),
        ("c8c\n", "c8c0\n", "line 3: expected the print of the tail"),
        ("c8c\n", "c8c 1\n", "line 3: something follows"),
        ("born 7\n", "born 7 8\n", "line 5: expected a position"),
        (
            "position 99",
            "position 9 9",
            "line 6: expected the print of the head",
        ),
        (
            "name missing",
            "name lost",
            "line 7: expected a name, a file, a sibling or the end",
        ),
        (
            "end 2",
            "end 3",
            "line 8: expected as many names as there are",
        ),
        ("end 2\n", "", "line 8: the rest of the state is missing"),
        (
            "end 2\n",
            "end 2\n\n",
            "line 9: something follows the end of the state",
        ),
    ];
    for (from, to, expected) in cases {
        assert_eq!(error(from, to), expected);
    }
}

fn identity() -> impl Strategy<Value = Identity> {
    any::<(u64, u64, Option<u64>)>().prop_map(|(device, inode, born)| Identity {
        device,
        inode,
        born,
        may_change: false,
    })
}

fn print() -> impl Strategy<Value = Print> {
    any::<(u8, u64)>().prop_map(|(length, hash)| Print { length, hash })
}

fn file() -> impl Strategy<Value = SavedFile> {
    (identity(), print(), print(), any::<u64>()).prop_map(|(identity, head, tail, position)| {
        SavedFile {
            identity,
            fingerprint: Fingerprint { head, tail },
            position,
        }
    })
}

fn sibling() -> impl Strategy<Value = SavedSibling> {
    (file(), any::<bool>()).prop_map(|(file, has_text)| SavedSibling {
        identity: file.identity,
        text: has_text.then_some(Text {
            position: file.position,
            fingerprint: file.fingerprint,
        }),
    })
}

fn path() -> impl Strategy<Value = Vec<u8>> {
    let nasty = prop::sample::select(&b"\\xn0a\n\r\0 \x1b\xff\xc3\xa9"[..]);
    prop_oneof![vec(any::<u8>(), 0..30), vec(nasty, 0..30)]
}

fn state() -> impl Strategy<Value = State> {
    let name = (
        path(),
        vec(file(), 0..4),
        any::<bool>(),
        option::of(file()),
        vec(sibling(), 0..3),
    );
    let name = name.prop_map(|(path, files, present, away, siblings)| SavedName {
        path: OsString::from_vec(path).into(),
        files,
        present,
        away,
        siblings,
    });
    vec(name, 0..5).prop_map(|names| State { names })
}

proptest! {
    #[test]
    fn what_was_written_is_read(state in state()) {
        prop_assert_eq!(State::parse(&written(&state)), Ok(state));
    }

    #[test]
    fn a_cut_state_is_refused(state in state(), cut in any::<prop::sample::Index>()) {
        let text = written(&state);
        let end = 1 + cut.index(text.len() - 1);
        prop_assert!(State::parse(&text[..end]).is_err());
    }

    #[test]
    fn no_text_is_too_strange(text in vec(any::<u8>(), 0..200)) {
        let _ = State::parse(&text);
    }

    /// Nearly a state: what a random text never gets to.
    #[test]
    fn no_change_is_too_strange(
        state in state(),
        at in any::<prop::sample::Index>(),
        gone in 0_usize..20,
        come in option::of(any::<u8>()),
    ) {
        let mut text = written(&state);
        let at = at.index(text.len());
        let end = text.len().min(at + gone);
        text.splice(at..end, come);
        let _ = State::parse(&text);
    }
}
