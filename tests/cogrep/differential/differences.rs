//! Where cogrep means something else than grep, by name. docs/cogrep.md has the same names, with reasons.

use super::pattern::Node;
use super::search::{Patterns, Search};

/// A deliberate difference.
pub(super) struct Difference {
    /// As docs/cogrep.md calls it.
    pub(super) name: &'static str,
    /// Searches in which it may show: they are not compared on this text. Nothing if no random search has what it takes.
    pub(super) excludes: Option<fn(&Search, &[u8]) -> bool>,
    /// Where it does show: grep's locale, the arguments of both, and a text.
    pub(super) witness: (&'static str, &'static [&'static str], &'static [u8]),
}

/// All of them. One that no longer shows fails a test.
pub(super) const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "words that are lines",
        excludes: Some(|search, _| search.has("-w") && search.has("-x") && search.has("-o")),
        witness: ("C.UTF-8", &["-E", "-o", "-w", "-x", "a"], b"a\n"),
    },
    Difference {
        name: "words behind a match",
        excludes: Some(|search, _| {
            search.has("-w")
                && search.has("-o")
                && (may_follow_a_word(search) || search.any(is_choice))
        }),
        witness: (
            "C.UTF-8",
            &["-F", "-o", "-w", "-e", "a", "-e", "."],
            b"a.\n",
        ),
    },
    Difference {
        name: "characters in the C locale",
        excludes: Some(|search, text| {
            search.locale == "C" && !(text.is_ascii() && is_ascii(search)) && !is_bytewise(search)
        }),
        witness: ("C", &["-E", "^.$"], "\u{e9}\n".as_bytes()),
    },
    Difference {
        name: "leftmost-first",
        excludes: Some(|search, _| search.has("-o") && may_be_shorter(search)),
        witness: ("C.UTF-8", &["-E", "-o", "a|ab"], b"ab\n"),
    },
    Difference {
        name: "words beside invalid UTF-8",
        excludes: Some(|search, text| {
            std::str::from_utf8(text).is_err()
                && search.any(|node| matches!(node, Node::Boundary(_)))
        }),
        witness: ("C.UTF-8", &["-E", r"a\b"], b"a\xFF\n"),
    },
    Difference {
        name: "anchors inside a pattern",
        excludes: Some(|search, _| {
            (search.locale == "C.UTF-8" && has_inner_anchor(search)) || repeats_an_anchor(search)
        }),
        witness: ("C.UTF-8", &["-E", r"(\b\*){2,}"], b"a**\n"),
    },
    Difference {
        name: "empty words",
        excludes: Some(|search, _| {
            search.locale == "C.UTF-8" && search.has("-w") && may_be_empty(search)
        }),
        witness: ("C.UTF-8", &["-E", "-w", ".|()"], b".Ba\n"),
    },
    Difference {
        name: "case in every script",
        excludes: None,
        witness: ("C.UTF-8", &["-i", "i"], "\u{131}\n".as_bytes()),
    },
];

/// The name of the first difference that may show.
pub(super) fn which(search: &Search, text: &[u8]) -> Option<&'static str> {
    let mut all = DIFFERENCES.iter();
    all.find(|difference| {
        difference
            .excludes
            .is_some_and(|excludes| excludes(search, text))
    })
    .map(|difference| difference.name)
}

fn is_ascii(search: &Search) -> bool {
    search.rendered().iter().all(|pattern| pattern.is_ascii())
}

/// Is it the same whether bytes or characters are compared?
fn is_bytewise(search: &Search) -> bool {
    let options = !search.has("-i") && !search.has("-w");
    options
        && match &search.patterns {
            Patterns::Literals(_) => true,
            Patterns::Regexes(_) => {
                is_ascii(search)
                    && !search.any(|node| {
                        matches!(node, Node::Dot | Node::Kind(_) | Node::Boundary(_))
                            || matches!(node, Node::Class(items) if items.starts_with('^') || items.contains("[:"))
                    })
            }
        }
}

/// Is there a `^` that does not begin an alternative, a `$` that does not end one, or a repeated place?
fn has_inner_anchor(search: &Search) -> bool {
    fn inner(node: &Node, first: bool, last: bool) -> bool {
        match node {
            Node::Start => !first,
            Node::End => !last,
            Node::Repeat(inside, _) => {
                inner(inside, false, false) || inside.any(&|node| matches!(node, Node::Boundary(_)))
            }
            Node::Alternatives(branches) => {
                branches.iter().any(|branch| inner(branch, first, last))
            }
            Node::Concat(parts) => parts
                .iter()
                .enumerate()
                .any(|(at, part)| inner(part, first && at == 0, last && at + 1 == parts.len())),
            _ => false,
        }
    }
    match &search.patterns {
        Patterns::Regexes(nodes) => nodes.iter().any(|node| inner(node, true, true)),
        Patterns::Literals(_) => false,
    }
}

/// Does one of several plain texts begin as no word does, and one end as a word does?
fn may_follow_a_word(search: &Search) -> bool {
    let Patterns::Literals(literals) = &search.patterns else {
        return false;
    };
    let is_in_word = |c: char| c.is_alphanumeric() || c == '_';
    let text = |literal: &Vec<u8>| String::from_utf8_lossy(literal).into_owned();
    let mut texts = literals.iter().map(text);
    texts.clone().any(|text| !text.starts_with(is_in_word))
        && texts.any(|text| text.ends_with(is_in_word))
}

/// Is a `^` or a `$` repeated?
fn repeats_an_anchor(search: &Search) -> bool {
    let is_anchor = |node: &Node| matches!(node, Node::Start | Node::End);
    search.any(|node| matches!(node, Node::Repeat(inside, _) if inside.any(&is_anchor)))
}

/// May a match be empty, other than one of plain texts of characters?
fn may_be_empty(search: &Search) -> bool {
    match &search.patterns {
        Patterns::Regexes(nodes) => nodes.iter().any(Node::may_be_empty),
        Patterns::Literals(literals) => {
            let is_broken = |literal: &Vec<u8>| std::str::from_utf8(literal).is_err();
            literals.iter().any(Vec::is_empty) && literals.iter().any(is_broken)
        }
    }
}

/// May the first match that a backtracker finds be shorter than the longest that begins there?
fn may_be_shorter(search: &Search) -> bool {
    match &search.patterns {
        // Of plain texts the longest is the match, as in grep.
        Patterns::Literals(_) => false,
        // A single choice takes all it can, and nothing behind it can make more of it.
        Patterns::Regexes(nodes) => {
            nodes.len() > 1
                || nodes[0].count(&is_choice) > 1
                || nodes[0].any(&|node| matches!(node, Node::Alternatives(_)))
        }
    }
}

/// May it match more than one text at a place?
fn is_choice(node: &Node) -> bool {
    matches!(node, Node::Alternatives(_))
        || matches!(node, Node::Repeat(_, quantifier) if !["{0}", "{1}", "{2}"].contains(quantifier))
}
