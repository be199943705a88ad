//! What processes have started, as far as the system tells.

use rustix::process::Pid;

/// The processes that `roots` have started, those that these have started, and so on; without `roots`. One that was
/// left behind by a process that has ended belongs to nobody here.
#[cfg(target_os = "linux")]
pub(crate) fn of(roots: &[Pid]) -> Vec<Pid> {
    let all = parents();
    let mut found = roots.to_vec();
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        let children = all.iter().filter(|(_, of)| *of == parent);
        found.extend(children.map(|(child, _)| *child));
        next += 1;
    }
    found.split_off(roots.len())
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn of(_: &[Pid]) -> Vec<Pid> {
    Vec::new()
}

/// All processes that can be seen, each with its parent.
#[cfg(target_os = "linux")]
fn parents() -> Vec<(Pid, Pid)> {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(|process| {
            let process = process.ok()?;
            let number = process.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read(process.path().join("stat")).ok()?;
            Some((Pid::from_raw(number)?, parent(&stat)?))
        })
        .collect()
}

/// What `/proc/PID/stat` says: `4 (a name) S 1 …`. The name may be anything, parentheses included.
#[cfg(target_os = "linux")]
fn parent(stat: &[u8]) -> Option<Pid> {
    let name_ends = stat.iter().rposition(|&byte| byte == b')')?;
    let rest = std::str::from_utf8(&stat[name_ends + 1..]).ok()?;
    let number = rest.split_ascii_whitespace().nth(1)?;
    Pid::from_raw(number.parse().ok()?)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_parent_stands_behind_the_name_whatever_that_is() {
        let parent = |stat: &str| parent(stat.as_bytes()).map(Pid::as_raw_nonzero);
        assert_eq!(parent("4 (sh) S 12 4 4").map(i32::from), Some(12));
        assert_eq!(parent("4 (a) S 1 (b) R 12 4").map(i32::from), Some(12));
        assert_eq!(parent("1 (init) S 0 1"), None);
        assert_eq!(parent(""), None);
    }
}
