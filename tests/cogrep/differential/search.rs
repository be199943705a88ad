//! One search: options and patterns, for both programs, and how a user would type it.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::thread;

use super::pattern::{CHARS, Node};
use super::random::Random;
use crate::util::Cmd;

/// Each is chosen so often in a hundred searches. What may follow it decides [`Search::random`].
const OPTIONS: &[(&str, usize)] = &[
    ("-i", 15),
    ("-v", 15),
    ("-w", 12),
    ("-x", 8),
    ("-c", 12),
    ("-n", 15),
    ("-b", 10),
    ("-o", 15),
    ("-H", 10),
    ("-h", 10),
    ("-l", 5),
    ("-L", 5),
    ("-Z", 5),
    ("-z", 8),
    ("-q", 3),
    ("-s", 3),
    ("-m0", 1),
    ("-m1", 5),
    ("-m2", 5),
    ("-m5", 3),
    ("-A0", 2),
    ("-A1", 5),
    ("-B1", 5),
    ("-C1", 3),
    ("-3", 3),
    ("--no-group-separator", 2),
];

/// What is looked for.
#[derive(Clone, Debug)]
pub(super) enum Patterns {
    Regexes(Vec<Node>),
    Literals(Vec<Vec<u8>>),
}

/// How patterns are given.
#[derive(Clone, Copy, Debug)]
enum Given {
    Options,
    File,
    Lines,
}

#[derive(Clone, Debug)]
pub(super) struct Search {
    /// Of GNU grep; cogrep has none.
    pub(super) locale: &'static str,
    pub(super) options: Vec<&'static str>,
    pub(super) patterns: Patterns,
    given: Given,
}

/// Where the text is.
pub(super) enum Input<'a> {
    /// In these files.
    Files(&'a [String]),
    /// In this file, redirected.
    Redirected(&'a str),
    /// In this file, written to a pipe in pieces of so many bytes.
    Pipe(&'a str, usize),
}

/// Status and output.
pub(super) type Outcome = (Option<i32>, Vec<u8>);

impl Search {
    pub(super) fn random(random: &mut Random) -> Search {
        let count = random.pick(&[1, 1, 1, 1, 2, 3]);
        let patterns = if random.percent(25) {
            Patterns::Literals((0..count).map(|_| literal(random)).collect())
        } else {
            Patterns::Regexes((0..count).map(|_| Node::random(random, 3)).collect())
        };
        let locale = random.pick(&["C", "C.UTF-8", "C.UTF-8", "C.UTF-8"]);
        let chosen = OPTIONS.iter().filter(|(_, often)| random.percent(*often));
        let options = chosen.map(|(option, _)| *option).collect();
        Search {
            locale,
            options,
            patterns,
            given: random.pick(&[Given::Options, Given::File, Given::Lines]),
        }
    }

    pub(super) fn has(&self, option: &str) -> bool {
        self.options.contains(&option)
    }

    /// Does `holds` hold of a part of one of its regexes?
    pub(super) fn any(&self, holds: impl Fn(&Node) -> bool) -> bool {
        match &self.patterns {
            Patterns::Regexes(nodes) => nodes.iter().any(|node| node.any(&holds)),
            Patterns::Literals(_) => false,
        }
    }

    /// The patterns as they are written.
    pub(super) fn rendered(&self) -> Vec<Vec<u8>> {
        match &self.patterns {
            Patterns::Regexes(nodes) => nodes
                .iter()
                .map(|node| node.render().into_bytes())
                .collect(),
            Patterns::Literals(literals) => literals.clone(),
        }
    }

    /// All that stands behind the program's name and before the files. `-f` reads a file in the directory.
    fn arguments(&self) -> Vec<OsString> {
        let kind = match self.patterns {
            Patterns::Regexes(_) => "-E",
            Patterns::Literals(_) => "-F",
        };
        let mut arguments: Vec<OsString> = vec![kind.into()];
        arguments.extend(self.options.iter().map(Into::into));
        let rendered = self.rendered();
        match self.given {
            Given::Options => {
                for pattern in rendered {
                    arguments.push("-e".into());
                    arguments.push(OsString::from_vec(pattern));
                }
            }
            Given::File => arguments.extend(["-f".into(), "patterns".into()]),
            Given::Lines => {
                arguments.push("--".into());
                arguments.push(OsString::from_vec(rendered.join(&b'\n')));
            }
        }
        arguments
    }

    fn pattern_file(&self) -> Vec<u8> {
        let mut file = self.rendered().join(&b'\n');
        file.push(b'\n');
        file
    }

    /// What both programs make of it in this directory: grep, and ours.
    pub(super) fn run(&self, dir: &Path, input: &Input) -> [Outcome; 2] {
        if matches!(self.given, Given::File) {
            fs::write(dir.join("patterns"), self.pattern_file()).expect("written");
        }
        [Cmd::new("grep").arg("-a"), Cmd::bin("cogrep")].map(|cmd| self.run_one(cmd, dir, input))
    }

    fn run_one(&self, cmd: Cmd, dir: &Path, input: &Input) -> Outcome {
        let cmd = cmd.env("LC_ALL", self.locale).dir(dir);
        let cmd = cmd.args(self.arguments());
        let output = match input {
            Input::Files(names) => cmd.args(*names).run(),
            Input::Redirected(name) => {
                let file = File::open(dir.join(name)).expect("a text");
                cmd.stdin_from(file).run()
            }
            Input::Pipe(name, piece) => {
                let text = fs::read(dir.join(name)).expect("a text");
                let (reader, mut writer) = io::pipe().expect("a pipe");
                let cmd = cmd.stdin_from(reader);
                thread::scope(|scope| {
                    let running = cmd.spawn();
                    scope.spawn(move || {
                        for piece in text.chunks(*piece) {
                            // The program need not read all of it.
                            if writer.write_all(piece).is_err() {
                                break;
                            }
                            thread::yield_now();
                        }
                    });
                    running.wait()
                })
            }
        };
        (output.status.code(), output.stdout)
    }

    /// Searches with something less in them.
    pub(super) fn smaller(&self) -> Vec<Search> {
        let mut all = Vec::new();
        for at in 0..self.options.len() {
            let mut fewer = self.clone();
            fewer.options.remove(at);
            all.push(fewer);
        }
        let patterns: Vec<Patterns> = match &self.patterns {
            Patterns::Regexes(nodes) => {
                let smaller = smaller_list(nodes, Node::smaller);
                smaller.into_iter().map(Patterns::Regexes).collect()
            }
            Patterns::Literals(literals) => {
                let smaller = smaller_list(literals, |literal| smaller_literal(literal));
                smaller.into_iter().map(Patterns::Literals).collect()
            }
        };
        all.extend(patterns.into_iter().map(|patterns| Search {
            patterns,
            ..self.clone()
        }));
        if !matches!(self.given, Given::Options) {
            all.push(Search {
                given: Given::Options,
                ..self.clone()
            });
        }
        all
    }

    /// A shell command that shows the difference on `text`.
    pub(super) fn shell(&self, text: &[u8], input: &Input) -> String {
        let mut lines = format!("printf '{}' > text\n", octal(text));
        if matches!(self.given, Given::File) {
            let file = octal(&self.pattern_file());
            let _ = writeln!(lines, "printf '{file}' > patterns");
        }
        let quoted = |argument: OsString| {
            let escaped = argument.into_vec().escape_ascii().to_string();
            format!("$'{}'", escaped.replace("\\\"", "\""))
        };
        let arguments: Vec<String> = self.arguments().into_iter().map(quoted).collect();
        let arguments = arguments.join(" ");
        let from = match input {
            Input::Files(_) => "text".into(),
            Input::Redirected(_) => "< text".into(),
            Input::Pipe(_, piece) => format!("< <(dd bs={piece} status=none if=text)"),
        };
        for program in [format!("LC_ALL={} grep -a", self.locale), "cogrep".into()] {
            let _ = writeln!(
                lines,
                "{program} {arguments} {from} | od -c; echo ${{PIPESTATUS[0]}}"
            );
        }
        lines
    }
}

/// A text to look for; now and then an empty one, or one that is not UTF-8.
fn literal(random: &mut Random) -> Vec<u8> {
    let length = random.pick(&[0, 1, 1, 2, 2, 3, 5]);
    let mut bytes: Vec<u8> = (0..length)
        .flat_map(|_| random.pick(CHARS).to_string().into_bytes())
        .collect();
    if random.percent(5) {
        bytes.push(0xFF);
    }
    bytes
}

/// The text with a character less; or a byte, if it is not UTF-8.
fn smaller_literal(literal: &[u8]) -> Vec<Vec<u8>> {
    let starts: Vec<usize> = match std::str::from_utf8(literal) {
        Ok(text) => text.char_indices().map(|(at, _)| at).collect(),
        Err(_) => (0..literal.len()).collect(),
    };
    let ends = starts.iter().skip(1).copied().chain([literal.len()]);
    let without = |(&start, end): (&usize, usize)| [&literal[..start], &literal[end..]].concat();
    starts.iter().zip(ends).map(without).collect()
}

/// Lists with an element less, or a smaller one; not the empty list.
fn smaller_list<T: Clone>(list: &[T], smaller: impl Fn(&T) -> Vec<T>) -> Vec<Vec<T>> {
    let mut all = Vec::new();
    for at in 0..list.len() {
        if list.len() > 1 {
            let mut fewer = list.to_vec();
            fewer.remove(at);
            all.push(fewer);
        }
        for element in smaller(&list[at]) {
            let mut simpler = list.to_vec();
            simpler[at] = element;
            all.push(simpler);
        }
    }
    all
}

/// As `printf` takes it.
fn octal(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'%' => text.push_str("%%"),
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' if byte != b'\'' => text.push(byte.into()),
            _ => {
                let _ = write!(text, "\\{byte:03o}");
            }
        }
    }
    text
}
