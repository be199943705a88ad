//! `[[:alpha:]]` and the like, which have the letters of every script in them, as in grep; and such classes misspelt.

use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{
    Ast, ClassAsciiKind, ClassBracketed, ClassSet, ClassSetItem, Flag, Flags, Span,
};

/// A class that is none, and where.
#[derive(Debug)]
pub(super) struct Misspelt {
    pub(super) why: &'static str,
    pub(super) at: Span,
}

/// Makes the named classes in a pattern those of Unicode, unless its flags say bytes. Where case does not count,
/// `[[:lower:]]` and `[[:upper:]]` are `[[:alpha:]]`, as in grep: they have letters that have no case, too.
pub(super) fn with_every_script(
    pattern: &str,
    ast: &mut Ast,
    ignore_case: bool,
) -> Result<(), Misspelt> {
    let mut walk = Walk {
        pattern,
        ignore_case,
        is_unicode: true,
    };
    walk.ast(ast)
}

struct Walk<'a> {
    pattern: &'a str,
    ignore_case: bool,
    is_unicode: bool,
}

impl Walk<'_> {
    fn ast(&mut self, ast: &mut Ast) -> Result<(), Misspelt> {
        match ast {
            Ast::Flags(set) => self.flags(&set.flags),
            Ast::Group(group) => {
                // Its flags end with it.
                let outside = self.is_unicode;
                if let Some(flags) = group.flags() {
                    self.flags(flags);
                }
                self.ast(&mut group.ast)?;
                self.is_unicode = outside;
            }
            Ast::Repetition(repetition) => self.ast(&mut repetition.ast)?,
            Ast::Concat(concat) => concat.asts.iter_mut().try_for_each(|ast| self.ast(ast))?,
            Ast::Alternation(all) => all.asts.iter_mut().try_for_each(|ast| self.ast(ast))?,
            Ast::ClassBracketed(class) => {
                let source = self.source(&class.span);
                if is_like_a_name(source.replacen("[^", "[", 1).as_str(), class) {
                    let why = "such a class is written [[:space:]], not [:space:]";
                    return Err(Misspelt {
                        why,
                        at: class.span,
                    });
                }
                self.set(&mut class.kind)?;
            }
            Ast::Empty(_)
            | Ast::Literal(_)
            | Ast::Dot(_)
            | Ast::Assertion(_)
            | Ast::ClassUnicode(_)
            | Ast::ClassPerl(_) => {}
        }
        Ok(())
    }

    fn flags(&mut self, flags: &Flags) {
        self.is_unicode = flags.flag_state(Flag::Unicode).unwrap_or(self.is_unicode);
    }

    fn set(&self, set: &mut ClassSet) -> Result<(), Misspelt> {
        match set {
            ClassSet::Item(item) => self.item(item),
            ClassSet::BinaryOp(operation) => {
                self.set(&mut operation.lhs)?;
                self.set(&mut operation.rhs)
            }
        }
    }

    fn item(&self, item: &mut ClassSetItem) -> Result<(), Misspelt> {
        match item {
            ClassSetItem::Ascii(class) => {
                let kind = match &class.kind {
                    ClassAsciiKind::Lower | ClassAsciiKind::Upper if self.ignore_case => {
                        &ClassAsciiKind::Alpha
                    }
                    kind => kind,
                };
                let every_script = Some(kind).filter(|_| self.is_unicode);
                if let Some(mut bracketed) = every_script.and_then(every_script_of) {
                    bracketed.negated ^= class.negated;
                    *item = ClassSetItem::Bracketed(Box::new(bracketed));
                }
            }
            ClassSetItem::Bracketed(class) => {
                if is_like_a_name(self.source(&class.span), class) {
                    let why = "there is no class of this name";
                    return Err(Misspelt {
                        why,
                        at: class.span,
                    });
                }
                self.set(&mut class.kind)?;
            }
            ClassSetItem::Union(union) => {
                union
                    .items
                    .iter_mut()
                    .try_for_each(|item| self.item(item))?;
            }
            ClassSetItem::Empty(_)
            | ClassSetItem::Literal(_)
            | ClassSetItem::Range(_)
            | ClassSetItem::Unicode(_)
            | ClassSetItem::Perl(_) => {}
        }
        Ok(())
    }

    fn source(&self, span: &Span) -> &str {
        &self.pattern[span.start.offset..span.end.offset]
    }
}

/// Are there only characters in this class, between two colons?
fn is_like_a_name(source: &str, class: &ClassBracketed) -> bool {
    let name = source
        .strip_prefix("[:")
        .and_then(|rest| rest.strip_suffix(":]"));
    let has_only_characters = match &class.kind {
        ClassSet::Item(ClassSetItem::Union(union)) => {
            let mut items = union.items.iter();
            items.all(|item| matches!(item, ClassSetItem::Literal(_)))
        }
        _ => false,
    };
    name.is_some_and(|name| !name.is_empty()) && has_only_characters
}

/// What glibc's classes have in them, written with Unicode's properties; `None` for a class of ASCII alone. Held to
/// grep, character by character: they differ only in those that one of the two does not know yet.
fn every_script_of(kind: &ClassAsciiKind) -> Option<ClassBracketed> {
    // No-break spaces are printed but are no space; digits of other scripts are letters.
    let class = match kind {
        ClassAsciiKind::Alnum => r"[\p{Alphabetic}\p{Nd}]",
        ClassAsciiKind::Alpha => r"[[\p{Alphabetic}\p{Nd}]--[0-9]]",
        ClassAsciiKind::Blank => r"[[\t\p{Zs}]--[\u{A0}\u{2007}\u{202F}]]",
        ClassAsciiKind::Cntrl => r"[\p{Cc}\u{2028}\u{2029}]",
        ClassAsciiKind::Graph => r"[[^\p{Cc}\p{Cn}\p{Z}]\u{A0}\u{2007}\u{202F}]",
        // The titlecase letters of Latin are both.
        ClassAsciiKind::Lower => r"[\p{Lowercase}\u{1C5}\u{1C8}\u{1CB}\u{1F2}]",
        ClassAsciiKind::Print => r"[^\p{Cc}\p{Cn}\u{2028}\u{2029}]",
        ClassAsciiKind::Punct => {
            r"[[^\p{Cc}\p{Cn}\p{Z}\p{Alphabetic}\p{Nd}]\u{A0}\u{2007}\u{202F}]"
        }
        ClassAsciiKind::Space => r"[\s--[\u{85}\u{A0}\u{2007}\u{202F}]]",
        ClassAsciiKind::Upper => r"[\p{Uppercase}\p{Lt}]",
        ClassAsciiKind::Word => r"[\w]",
        ClassAsciiKind::Ascii | ClassAsciiKind::Digit | ClassAsciiKind::Xdigit => return None,
    };
    match &Parser::new().parse(class) {
        Ok(Ast::ClassBracketed(class)) => Some((**class).clone()),
        _ => None,
    }
}
