//! What the documents say: their commands run, their outputs are real, and nothing is missing or left over.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use crate::util::{Cmd, Dir, built};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository.
#[track_caller]
fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every document, by its path in the repository.
fn documents() -> Vec<PathBuf> {
    let in_directory = |directory: &str| -> Vec<PathBuf> {
        let entries = fs::read_dir(root().join(directory)).expect("a directory");
        entries
            .map(|entry| Path::new(directory).join(entry.expect("an entry").file_name()))
            .filter(|path| path.extension().is_some_and(|kind| kind == "md"))
            .collect()
    };
    let all: Vec<PathBuf> = [in_directory(""), in_directory("docs")].concat();
    assert!(all.len() > 5, "{all:?}");
    all
}

/// The fenced blocks of a document in this language.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let begun = document.split(fence.as_str()).skip(1);
    let block = |rest: &str| {
        rest.split_once("```")
            .expect("a fence at the end")
            .0
            .to_owned()
    };
    begun.map(block).collect()
}

/// The fenced block under a heading, which has only one.
#[track_caller]
fn command_under(heading: &str) -> String {
    let readme = read("README.md");
    let (_, section) = readme
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("README has no section {heading}"));
    let section = section.split("\n## ").next().unwrap_or_default();
    let [command] = &blocks(section, "sh")[..] else {
        panic!("{heading}: not one command");
    };
    assert_eq!(command.lines().count(), 1, "{heading}: not one command");
    command.trim_end().to_owned()
}

/// Runs a script in a directory where docs is the repository's, and the programs are found.
#[track_caller]
fn shell(dir: &Dir, script: &str) -> Vec<u8> {
    let docs = dir.path("docs");
    if !docs.exists() {
        std::os::unix::fs::symlink(root().join("docs"), docs).expect("a link");
    }
    let programs = built("cogrep");
    let programs = programs.parent().expect("a directory").as_os_str();
    let mut path = OsString::from(programs);
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    // `cargo run -q --example NAME ARGUMENTS`, which are built already.
    let cargo = r#"
        exec 2>&1
        cargo() { local name=$4; shift 4; "$EXAMPLES/$name" "$@"; }
    "#;
    let run = Cmd::new("bash")
        .args(["-c", &format!("{cargo}\n{script}")])
        .env("PATH", path)
        .env("EXAMPLES", Path::new(programs).join("examples"))
        .dir(dir.path(""))
        .run();
    run.stdout.clone()
}

#[test]
fn the_first_command_prints_what_grep_prints() {
    let command = command_under("Install and try");
    let chain = command.strip_prefix("cargo install --path . --locked && ");
    assert_eq!(
        chain,
        Some("cofollow -n +1 --until-idle 1s docs/access-log | cogrep python")
    );
    let dir = Dir::new();
    let printed = shell(&dir, chain.unwrap_or_default());
    let expected = shell(&dir, "grep python docs/access-log");
    assert!(expected.len() > 10_000);
    assert!(printed == expected);
}

#[test]
fn the_second_command_is_what_ci_runs() {
    let command = command_under("Test");
    assert_eq!(command, "bash tests/all");
    let ci = read(".ci/run");
    assert_eq!(ci.trim_end().lines().last(), Some(command.as_str()));
    assert!(root().join("tests/all").exists());
    assert!(read(".github/workflows/ci.yml").contains("run: bash .ci/run\n"));
}

/// Lines joined to a text.
fn text<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    lines.into_iter().flat_map(|line| [line, "\n"]).collect()
}

/// The `console` blocks: a line that begins with `$ ` is typed, the others are what is printed then. The blocks of
/// a document are run one after the other, in one directory.
#[test]
fn what_the_documents_show_is_what_is_printed() {
    // They wait for most of their time.
    thread::scope(|scope| {
        for document in documents() {
            scope.spawn(move || prints_what_it_shows(&document));
        }
    });
}

#[track_caller]
fn prints_what_it_shows(document: &Path) {
    let dir = Dir::new();
    for block in blocks(&read(document), "console") {
        let (typed, shown): (Vec<&str>, Vec<&str>) =
            block.lines().partition(|line| line.starts_with("$ "));
        let printed = shell(&dir, &text(typed.iter().map(|line| &line[2..])));
        let printed = String::from_utf8_lossy(&printed);
        assert_eq!(
            text(printed.lines()),
            text(shown),
            "{}:\n{block}",
            document.display()
        );
    }
}

/// The words that begin with `-`, without what follows them.
fn options(text: &str) -> impl Iterator<Item = String> {
    let is_end = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
    text.split([' ', '`', ','])
        .filter(|word| word.starts_with('-') && word.len() > 1)
        .map(move |word| word.split(is_end).next().unwrap_or_default().to_owned())
}

fn options_of_help(tool: &str) -> BTreeSet<String> {
    let help = Cmd::bin(tool).arg("--help").run();
    let help = String::from_utf8(help.stdout).expect("text");
    let mut all = BTreeSet::new();
    for line in help.lines().map(str::trim_start) {
        if line.starts_with('-') {
            all.extend(options(line.split("  ").next().unwrap_or_default()));
        }
        if let Some((_, aliases)) = line.split_once("[alias: ") {
            all.extend(options(aliases.trim_end_matches(']')));
        }
    }
    all
}

fn options_of_page(tool: &str) -> BTreeSet<String> {
    let page = read(format!("docs/{tool}.md"));
    let (_, section) = page.split_once("\n## Options\n").expect("a section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|row| row.strip_prefix("| `-"));
    let first_cells = rows.filter_map(|row| row.split(" | ").next());
    first_cells
        .flat_map(|cell| options(&format!("-{cell}")).collect::<Vec<_>>())
        .collect()
}

#[test]
fn every_option_is_in_the_help_and_on_the_page() {
    for tool in ["cobroadcast", "codelay", "cofollow", "cogrep"] {
        let help = options_of_help(tool);
        assert!(help.contains("--help"), "{tool}: {help:?}");
        assert_eq!(help, options_of_page(tool), "{tool}");
    }
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut broken = Vec::new();
    for document in documents() {
        let text = read(&document);
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://")) {
            let (file, wanted) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => root().join(&document),
                file => root().join(&document).with_file_name("").join(file),
            };
            let leads = target.exists()
                && (wanted.is_empty()
                    || read(&target)
                        .lines()
                        .any(|line| line.starts_with('#') && anchor(line) == wanted));
            if !leads {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// What `[workspace.dependencies]` asks for from elsewhere: names and versions.
fn dependencies() -> BTreeSet<(String, String)> {
    let manifest = read("Cargo.toml");
    let (_, table) = manifest
        .split_once("\n[workspace.dependencies]\n")
        .expect("a table");
    let table = table.split("\n[").next().unwrap_or_default();
    let entries = table.lines().filter(|line| !line.contains("path = "));
    let entry = |line: &str| {
        let (name, asked) = line.split_once(" = ")?;
        let asked = asked.strip_prefix("{ version = ").unwrap_or(asked);
        let version = asked.split('"').nth(1)?;
        Some((name.to_owned(), version.to_owned()))
    };
    entries.filter_map(entry).collect()
}

#[test]
fn every_dependency_has_its_reason() {
    let page = read("docs/dependencies.md");
    let rows = page.lines().filter_map(|row| row.strip_prefix("| ["));
    let described = rows.map(|row| {
        let (name, rest) = row.split_once("](").expect("a link");
        let version = rest.split(" | ").nth(1).expect("a version");
        (name.to_owned(), version.to_owned())
    });
    let asked_for = dependencies();
    assert!(asked_for.len() > 5, "{asked_for:?}");
    assert_eq!(described.collect::<BTreeSet<_>>(), asked_for);
}

#[test]
fn the_snippets_are_programs_that_are_tested() {
    let front_page = read("crates/costage/src/lib.rs");
    let front_page = front_page
        .lines()
        .map_while(|line| line.strip_prefix("//!"));
    let front_page = text(front_page.map(|line| line.strip_prefix(' ').unwrap_or(line)));
    let shown = front_page.split("```").nth(1).expect("an example");
    assert_eq!(blocks(&read("README.md"), "rust"), [shown.trim_start()]);

    let watch = read("docs/watch.rs");
    let (_, program) = watch.split_once("\n\n").expect("a head and a program");
    assert_eq!(blocks(&read("docs/guide.md"), "rust"), [program]);
}

#[test]
fn every_program_of_the_course_is_in_the_table() {
    let model = read("docs/model.md");
    let manifest = read("Cargo.toml");
    let paths = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"docs/")?.strip_suffix('"'))
        .filter(|path| path.starts_with("course/"));
    let missing: Vec<&str> = paths
        .filter(|path| !model.contains(&format!("]({path})")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
