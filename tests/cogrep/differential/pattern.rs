//! Patterns from a grammar: the syntax that grep -E and the regex crate share.

use super::random::Random;

/// What a pattern is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// A character that stands for itself.
    Char(char),
    Dot,
    /// What stands between the brackets.
    Class(&'static str),
    /// `\w` and the like: a character of a kind.
    Kind(&'static str),
    /// `\b` and the like: a place between two characters.
    Boundary(&'static str),
    Start,
    End,
    Repeat(Box<Node>, &'static str),
    Concat(Vec<Node>),
    Alternatives(Vec<Node>),
}

/// Characters of patterns and texts; few, so that they meet.
pub(super) const CHARS: &[char] = &[
    'a', 'a', 'a', 'b', 'b', 'c', 'A', 'B', '_', '-', ' ', '0', '7', '.', '*', '(', '\\', '\u{e9}',
    '\u{c9}', '\u{df}', '\u{6f22}',
];
/// Ranges, named classes, and brackets that are literal where they stand first. The last are not of ASCII.
const CLASSES: &[&str] = &[
    "ab",
    "^a",
    "a-c",
    "^a-c",
    "0-9",
    "^0-9 ",
    "]a",
    "^]a",
    "a-",
    "-b",
    ".*",
    "[:alpha:]",
    "[:digit:]",
    "^[:space:]",
    "[:upper:]_",
    "[:alnum:]-",
    "[:punct:]",
    "^[:lower:]",
    "aA",
    "bB",
    "a\u{e9}",
    "^\u{e9}",
];
const KINDS: &[&str] = &[r"\w", r"\W", r"\s", r"\S"];
const BOUNDARIES: &[&str] = &[r"\b", r"\B", r"\<", r"\>"];
const QUANTIFIERS: &[&str] = &["*", "+", "?", "{2}", "{0,1}", "{1,3}", "{2,}", "{0}", "{1}"];

impl Node {
    pub(super) fn random(random: &mut Random, depth: usize) -> Node {
        if depth > 0 && random.percent(18) {
            let count = 2 + random.below(2);
            let branch = |_| Node::concat(random, depth - 1);
            return Node::Alternatives((0..count).map(branch).collect());
        }
        Node::concat(random, depth)
    }

    fn concat(random: &mut Random, depth: usize) -> Node {
        let count = random.pick(&[0, 1, 1, 2, 2, 3, 4]);
        let mut parts: Vec<Node> = (0..count).map(|_| Node::part(random, depth)).collect();
        if random.percent(10) {
            parts.insert(0, Node::Start);
        }
        if random.percent(10) {
            parts.push(Node::End);
        }
        Node::Concat(parts)
    }

    fn part(random: &mut Random, depth: usize) -> Node {
        if depth > 0 && random.percent(25) {
            let inner = if random.percent(60) {
                Node::atom(random)
            } else {
                Node::random(random, depth - 1)
            };
            return Node::Repeat(Box::new(inner), random.pick(QUANTIFIERS));
        }
        if depth > 0 && random.percent(8) {
            return Node::random(random, depth - 1);
        }
        match random.below(60) {
            0 => Node::Start,
            1 => Node::End,
            2..5 => Node::Boundary(random.pick(BOUNDARIES)),
            _ => Node::atom(random),
        }
    }

    fn atom(random: &mut Random) -> Node {
        match random.below(20) {
            0..4 => Node::Dot,
            4..6 => Node::Class(random.pick(CLASSES)),
            6 => Node::Kind(random.pick(KINDS)),
            _ => Node::Char(random.pick(CHARS)),
        }
    }

    /// As it is written.
    pub(super) fn render(&self) -> String {
        match self {
            Node::Char(char) if ".*(\\".contains(*char) => format!("\\{char}"),
            Node::Char(char) => char.to_string(),
            Node::Dot => ".".into(),
            Node::Class(items) => format!("[{items}]"),
            Node::Kind(name) | Node::Boundary(name) => (*name).into(),
            Node::Start => "^".into(),
            Node::End => "$".into(),
            Node::Repeat(inner, quantifier) => format!("{}{quantifier}", inner.render_atom()),
            Node::Concat(parts) => parts.iter().map(Node::render_part).collect(),
            Node::Alternatives(branches) => {
                let branches: Vec<String> = branches.iter().map(Node::render_part).collect();
                branches.join("|")
            }
        }
    }

    fn render_atom(&self) -> String {
        match self {
            Node::Char(_) | Node::Dot | Node::Class(_) | Node::Kind(_) => self.render(),
            _ => format!("({})", self.render()),
        }
    }

    fn render_part(&self) -> String {
        match self {
            Node::Concat(_) | Node::Alternatives(_) => format!("({})", self.render()),
            _ => self.render(),
        }
    }

    /// Does `holds` hold of it or of a part of it?
    pub(super) fn any(&self, holds: &impl Fn(&Node) -> bool) -> bool {
        holds(self)
            || match self {
                Node::Repeat(inner, _) => inner.any(holds),
                Node::Concat(parts) | Node::Alternatives(parts) => {
                    parts.iter().any(|part| part.any(holds))
                }
                _ => false,
            }
    }

    /// How many parts of it `holds` holds of.
    pub(super) fn count(&self, holds: &impl Fn(&Node) -> bool) -> usize {
        let inside = match self {
            Node::Repeat(inner, _) => inner.count(holds),
            Node::Concat(parts) | Node::Alternatives(parts) => {
                parts.iter().map(|part| part.count(holds)).sum()
            }
            _ => 0,
        };
        usize::from(holds(self)) + inside
    }

    /// May it match the empty text?
    pub(super) fn may_be_empty(&self) -> bool {
        match self {
            Node::Char(_) | Node::Dot | Node::Class(_) | Node::Kind(_) => false,
            Node::Boundary(_) | Node::Start | Node::End => true,
            Node::Repeat(inner, quantifier) => {
                ["*", "?", "{0,1}", "{0}"].contains(quantifier) || inner.may_be_empty()
            }
            Node::Concat(parts) => parts.iter().all(Node::may_be_empty),
            Node::Alternatives(branches) => branches.iter().any(Node::may_be_empty),
        }
    }

    /// Patterns with something less in them.
    pub(super) fn smaller(&self) -> Vec<Node> {
        match self {
            Node::Repeat(inner, quantifier) => {
                let simpler = inner.smaller().into_iter();
                let kept = simpler.map(|inner| Node::Repeat(Box::new(inner), quantifier));
                std::iter::once((**inner).clone()).chain(kept).collect()
            }
            Node::Concat(parts) => smaller_list(parts, Node::Concat),
            Node::Alternatives(branches) => smaller_list(branches, Node::Alternatives),
            _ => Vec::new(),
        }
    }
}

fn smaller_list(parts: &[Node], whole: impl Fn(Vec<Node>) -> Node) -> Vec<Node> {
    let mut all = Vec::new();
    for at in 0..parts.len() {
        all.push(parts[at].clone());
        let mut fewer = parts.to_vec();
        fewer.remove(at);
        all.push(whole(fewer));
        for smaller in parts[at].smaller() {
            let mut simpler = parts.to_vec();
            simpler[at] = smaller;
            all.push(whole(simpler));
        }
    }
    all
}
