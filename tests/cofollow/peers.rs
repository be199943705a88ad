//! The same bytes as GNU tail, where there is one.

use proptest::prelude::*;

use super::cofollow;
use crate::util::{Cmd, Dir};

fn tail<'a>(dir: &Dir, args: impl IntoIterator<Item = &'a str>) -> Cmd {
    Cmd::new("tail").dir(dir.path("")).args(args)
}

fn has_gnu_tail() -> bool {
    let version = Cmd::new("sh").args(["-c", "tail --version"]).run();
    String::from_utf8_lossy(&version.stdout).contains("GNU coreutils")
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        8 => proptest::collection::vec(any::<u8>(), 0..20),
        1 => (0_usize..600_000).prop_map(|length| vec![b'x'; length]),
    ];
    let lines = proptest::collection::vec(line, 0..30);
    (lines, any::<bool>()).prop_map(|(lines, finished)| {
        let mut text = lines.join(&b'\n');
        if finished {
            text.push(b'\n');
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_same_bytes_as_tail(
        texts in proptest::collection::vec(text(), 1..4),
        sign in prop::sample::select(vec!["", "+", "-"]),
        (unit, number) in prop_oneof![
            (Just("-n"), 0_u32..40),
            (Just("-zn"), 0_u32..40),
            (Just("-c"), 0_u32..700_000),
        ],
    ) {
        if !has_gnu_tail() {
            return Ok(());
        }
        let dir = Dir::new();
        let names: Vec<String> = (0..texts.len()).map(|index| format!("file{index}")).collect();
        for (name, text) in names.iter().zip(&texts) {
            dir.write(name, text);
        }
        let start = format!("{unit}{sign}{number}");
        let args = || std::iter::once(start.as_str()).chain(names.iter().map(String::as_str));
        // For nothing of several files tail does nothing at all, not even look whether they are there.
        if texts.len() == 1 || number > 0 || sign == "+" {
            let expected = tail(&dir, args()).run();
            let printed = cofollow(&dir, args()).arg("--no-follow").run();
            prop_assert!(printed.stdout == expected.stdout, "{}", start);
        }
        let expected = tail(&dir, [start.as_str()]).stdin(texts[0].clone()).run();
        let printed = cofollow(&dir, [start.as_str()]).stdin(texts[0].clone()).run();
        prop_assert!(printed.stdout == expected.stdout, "{} of a pipe", start);
        if unit == "-zn" {
            return Ok(());
        }
        // Followed, one file is the same too; of several the unfinished lines come last.
        let one = [start.as_str(), "file0"];
        let expected = tail(&dir, one).run();
        let followed = cofollow(&dir, one).arg("--until-idle=1ms").run();
        prop_assert!(followed.stdout == expected.stdout, "{} followed", start);
    }
}
