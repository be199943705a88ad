//! Whatever branches do: nobody hangs, no line is torn, and every account is exact.

use std::collections::HashMap;
use std::fs;

use proptest::prelude::*;

use super::{cobroadcast, numbers};
use crate::util::{Dir, Output};

/// What a branch does, and how much of its input that lets it print: all, the first lines, or nothing.
const BRANCHES: [(&str, Prints); 10] = [
    ("cat", Prints::All),
    ("sleep 0.03; cat", Prints::All),
    ("while read -r line; do echo \"$line\"; done", Prints::All),
    ("cat; exit 3", Prints::All),
    ("head -n3", Prints::First(3)),
    ("sleep 0.02; exec head -n100", Prints::First(100)),
    ("exit 3", Prints::First(0)),
    ("kill -9 $$", Prints::First(0)),
    ("exec <&-; sleep 0.02", Prints::First(0)),
    ("cat >/dev/null; sleep 0.01", Prints::First(0)),
];

#[derive(Clone, Copy, Debug)]
enum Prints {
    All,
    First(usize),
}

const POLICIES: [&str; 4] = ["block", "spill", "drop-oldest", "drop-newest"];

/// The lines of each branch, by the number that stands before them.
fn by_branch(output: &Output) -> HashMap<usize, Vec<String>> {
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    let mut lines: HashMap<usize, Vec<String>> = HashMap::new();
    for line in text.split_inclusive('\n') {
        let (branch, rest) = line.split_once(':').expect("a label");
        let branch = branch.parse().expect("a label");
        lines.entry(branch).or_default().push(rest.to_owned());
    }
    lines
}

/// The six numbers of each account that was told: lines and bytes received, written, dropped.
fn accounts(output: &Output) -> Vec<[usize; 6]> {
    let text = String::from_utf8_lossy(&output.stderr);
    let told = text.lines().filter(|line| line.contains(": received "));
    told.map(|line| {
        let (_, numbers) = line.rsplit_once(": received ").expect("an account");
        let words = numbers.split(|c: char| !c.is_ascii_digit());
        let numbers: Vec<usize> = words.filter_map(|word| word.parse().ok()).collect();
        numbers.try_into().expect("six numbers")
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 8, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_branches_do_all_is_accounted_for(
        chosen in proptest::collection::vec(0..BRANCHES.len(), 1..6),
        policy in 0..POLICIES.len(),
        queue in prop_oneof![Just("0"), Just("1000"), Just("64K"), Just("1M")],
        count in prop_oneof![Just(0_usize), 1..2000_usize, Just(60_000)],
        restart in any::<bool>(),
    ) {
        let dir = Dir::new();
        let policy = POLICIES[policy];
        let when_full = format!("--when-full={policy}");
        let queue = format!("--queue={queue}");
        let mut args = vec!["--stats", "--label={number}:", &when_full, &queue, "copy"];
        if restart {
            args.push("--restart=1");
        }
        for &branch in &chosen {
            args.extend(["-c", BRANCHES[branch].0]);
        }
        let text = numbers(count);
        let output = cobroadcast(args.iter().copied()).dir(dir.path("")).stdin(text.clone()).run();
        let told = || format!("{args:?} {count}\n{}", String::from_utf8_lossy(&output.stderr));

        let accounts = accounts(&output);
        prop_assert_eq!(accounts.len(), chosen.len() + 1, "{}", told());
        for [lines, bytes, lines_written, bytes_written, lines_dropped, bytes_dropped] in &accounts {
            prop_assert_eq!(*lines, lines_written + lines_dropped, "{}", told());
            prop_assert_eq!(*bytes, bytes_written + bytes_dropped, "{}", told());
        }
        // The file's is what is in the file.
        let copy = fs::read(dir.path("copy")).expect("read");
        prop_assert_eq!(accounts[0][1], text.len());
        prop_assert_eq!(accounts[0][3], copy.len());
        prop_assert_eq!(accounts[0][2], memchr::memchr_iter(b'\n', &copy).count());
        let keeps_all = policy == "block" || policy == "spill";
        if keeps_all {
            prop_assert!(copy == text.as_bytes(), "{}", told());
        }
        let printed = by_branch(&output);
        for (number, &branch) in (1..).zip(&chosen) {
            let lines = printed.get(&number).map_or(&[][..], Vec::as_slice);
            let values: Vec<usize> = lines
                .iter()
                .map(|line| line.strip_suffix('\n').and_then(|line| line.parse().ok()).expect("a whole line"))
                .collect();
            prop_assert!(values.is_sorted() && values.iter().all(|value| (1..=count).contains(value)));
            let expected = match BRANCHES[branch].1 {
                Prints::All => count,
                Prints::First(lines) => lines.min(count),
            };
            if keeps_all {
                prop_assert_eq!(values.len(), expected, "branch {} {}", number, told());
            } else {
                prop_assert!(values.len() <= expected);
            }
        }
    }
}

#[test]
fn sixty_four_branches_of_every_kind_end() {
    let text = numbers(20_000);
    let mut args = vec!["--label={number}:"];
    for number in 0..64 {
        args.extend(["-c", BRANCHES[number % BRANCHES.len()].0]);
    }
    let output = cobroadcast(args).stdin(text).run();
    output.code(1);
    let printed = by_branch(&output);
    for number in (1..=64).filter(|number| number % 10 == 1) {
        assert_eq!(printed[&number].len(), 20_000, "branch {number}");
    }
}
