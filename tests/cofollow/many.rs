//! Many files: descriptors only for those that are in use.

use std::fmt::Write as _;
use std::fs;

use super::{contains, occurrences, through_shell};
use crate::util::{Cmd, Dir, Running};

const FILES: usize = 1500;

/// Follows many files, with so many descriptors as a shell's `ulimit` says.
fn many(dir: &Dir, limit: &str) -> Running {
    let names: Vec<String> = (0..FILES).map(|number| format!("log{number}")).collect();
    for name in &names {
        dir.write(name, format!("{name} 1\n"));
    }
    let args = ["-q", "-n+1"]
        .into_iter()
        .chain(names.iter().map(String::as_str));
    let script = format!("ulimit -n {limit} && exec \"$@\"");
    let running = through_shell(dir, &script, args).spawn();
    let mut expected = String::new();
    for name in &names {
        writeln!(expected, "{name} 1").expect("a string takes all");
    }
    running.wait_for_stdout(|out| out == expected.as_bytes());
    running
}

#[test]
fn quiet_files_have_no_descriptor_and_are_followed_all_the_same() {
    let dir = Dir::new();
    let running = many(&dir, "1000");
    let open = fs::read_dir(format!("/proc/{}/fd", running.pid()));
    if let Ok(open) = open {
        let count = open.count();
        assert!(count < 600, "{count} descriptors");
    }
    // The first are closed by now.
    for number in [0, 1, FILES - 1, 2] {
        dir.append(&format!("log{number}"), format!("log{number} 2\n"));
        running.wait_for_stdout(|out| contains(out, &format!("\nlog{number} 2\n")));
    }
}

// Where many are followed in a directory it is the directory that is watched, and it does not tell of who writes by
// another name.
#[test]
fn one_of_many_is_followed_when_it_is_written_by_another_hard_link() {
    let dir = Dir::new();
    fs::create_dir(dir.path("elsewhere")).expect("made");
    let last = format!("log{}", FILES - 1);
    dir.write("elsewhere/log", "");
    fs::hard_link(dir.path("elsewhere/log"), dir.path(&last)).expect("linked");
    let running = many(&dir, "1000");
    dir.append("elsewhere/log", "from elsewhere\n");
    running.wait_for_stdout(|out| out.ends_with(b"\nfrom elsewhere\n"));
}

// The first 511 kept watches of their own, which the directory's does not need and an end has to wait for.
#[test]
fn many_files_of_a_directory_have_one_watch_together() {
    let dir = Dir::new();
    let running = many(&dir, "1000");
    let Ok(open) = fs::read_dir(format!("/proc/{}/fdinfo", running.pid())) else {
        return;
    };
    let infos = open.filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok());
    let watches: usize = infos.map(|info| info.matches("inotify wd:").count()).sum();
    let above = dir.path("").ancestors().count();
    assert!((1..above + 4).contains(&watches), "{watches} watches");
    for number in [0, FILES - 1] {
        dir.append(&format!("log{number}"), format!("log{number} 2\n"));
        running.wait_for_stdout(|out| contains(out, &format!("\nlog{number} 2\n")));
    }
}

#[test]
fn a_quiet_file_that_is_put_aside_is_found_by_its_new_name() {
    let dir = Dir::new();
    let running = many(&dir, "1000");
    running.kill("STOP");
    dir.append("log3", "log3 2\n");
    dir.rename("log3", "log3.1");
    dir.append("log3", "log3 3\n");
    running.kill("CONT");
    running.wait_for_stdout(|out| out.ends_with(b"\nlog3 2\nlog3 3\n"));
    dir.append("log3.1", "log3 late\n");
    running.wait_for_stdout(|out| out.ends_with(b"\nlog3 late\n"));
    // One that is gone altogether is told.
    dir.remove("log4");
    running.wait_for_stderr(|err| {
        contains(
            err,
            "log4: the file that was read up to byte 7 is gone; if more was appended, that is lost",
        )
    });
}

// All but 512 were closed, and could not be opened any more.
#[test]
fn what_was_written_to_files_that_were_deleted_at_once_comes() {
    let hard = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    if hard.is_some_and(|hard| hard < 4 * FILES as u64) {
        return;
    }
    let dir = Dir::new();
    let running = many(&dir, "$(ulimit -Hn)");
    for number in 0..FILES {
        let name = format!("log{number}");
        dir.append(&name, "2\n");
        dir.remove(&name);
        dir.append(&name, "3\n");
    }
    running.wait_for_stdout(|out| occurrences(out, "\n3") == FILES);
    running.kill("TERM");
    let output = running.wait();
    assert_eq!(occurrences(&output.stdout, "\n2"), FILES);
    assert!(!contains(&output.stderr, "is gone"));
}

#[test]
fn where_few_descriptors_are_allowed_quiet_files_share_them() {
    let dir = Dir::new();
    let mut expected = Vec::new();
    for number in 0..200 {
        dir.write(&format!("{number}.log"), format!("{number}\n"));
        expected.push(number.to_string());
    }
    let script = r#"ulimit -n 64 && exec "$0" -q --until-idle=100ms *.log"#;
    let output = Cmd::new("sh")
        .args(["-c", script])
        .arg(crate::util::built("cofollow"))
        .dir(dir.path(""))
        .run();
    output.stderr("").code(0);
    let text = String::from_utf8(output.stdout).expect("text");
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    expected.sort_unstable();
    assert_eq!(lines, expected);
}
