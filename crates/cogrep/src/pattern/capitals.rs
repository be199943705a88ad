//! Whether a pattern asks for a capital letter: then case counts to `--smart-case`.

use std::convert::Infallible;

use regex_syntax::ast::{Ast, ClassSetItem, Literal, LiteralKind, Visitor, visit};

use super::{Syntax, parse};

/// Is there a capital letter in it that stands for itself? The names of classes, groups and escapes, and comments, are
/// no letters to match; a wrong pattern has none.
pub(super) fn has_capital(pattern: &[u8], syntax: Syntax) -> bool {
    if parse::is_plain(pattern, syntax) {
        let text = String::from_utf8_lossy(pattern);
        return text.chars().any(char::is_uppercase);
    }
    let ast = std::str::from_utf8(pattern).map(parse::ast);
    let Ok(Ok(ast)) = ast else {
        return false;
    };
    let Ok(has_capital) = visit(&ast, Capitals(false));
    has_capital
}

struct Capitals(bool);

impl Capitals {
    fn note(&mut self, literal: &Literal) {
        self.0 |= literal.kind == LiteralKind::Verbatim && literal.c.is_uppercase();
    }
}

impl Visitor for Capitals {
    type Output = bool;
    type Err = Infallible;

    fn finish(self) -> Result<bool, Infallible> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Infallible> {
        if let Ast::Literal(literal) = ast {
            self.note(literal);
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Infallible> {
        match item {
            ClassSetItem::Literal(literal) => self.note(literal),
            ClassSetItem::Range(range) => {
                self.note(&range.start);
                self.note(&range.end);
            }
            _ => {}
        }
        Ok(())
    }
}
