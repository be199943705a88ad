//! `GREP_COLORS`: what the parts of a line look like on a terminal.

/// The colours of the parts of a line: those of `GREP_COLORS`, on top of grep's own.
///
/// ```
/// use cogrep::Colors;
/// let bold = Colors::parse("mt=1:ne");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colors {
    pub(crate) selected_match: Color,
    pub(crate) context_match: Color,
    pub(crate) selected_line: Color,
    pub(crate) context_line: Color,
    pub(crate) name: Color,
    pub(crate) line_number: Color,
    pub(crate) byte_offset: Color,
    pub(crate) separator: Color,
    /// With inverted selection the two kinds of lines change their colours.
    pub(crate) reverses: bool,
}

/// The escape sequences around a part; empty ones for no colour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Color {
    pub(crate) start: String,
    pub(crate) end: &'static str,
}

impl Color {
    fn new(codes: &str, erases: bool) -> Color {
        if codes.is_empty() {
            return Color::default();
        }
        // What is erased to the end of the line gets the background's colour back when the terminal scrolls.
        let (erase, end) = if erases {
            ("\x1b[K", "\x1b[m\x1b[K")
        } else {
            ("", "\x1b[m")
        };
        let start = format!("\x1b[{codes}m{erase}");
        Color { start, end }
    }

    pub(crate) fn is_none(&self) -> bool {
        self.start.is_empty()
    }
}

impl Default for Colors {
    fn default() -> Colors {
        Colors::parse("")
    }
}

impl Colors {
    /// Reads what `GREP_COLORS` holds: `mt=`, `ms=`, `mc=`, `sl=`, `cx=`, `fn=`, `ln=`, `bn=`, `se=`, each with the
    /// numbers of an SGR sequence, and `rv` and `ne`. What comes behind a fault is ignored.
    pub fn parse(capabilities: &str) -> Colors {
        let mut codes = [
            ("ms", "01;31"),
            ("mc", "01;31"),
            ("sl", ""),
            ("cx", ""),
            ("fn", "35"),
            ("ln", "32"),
            ("bn", "32"),
            ("se", "36"),
        ];
        let (mut reverses, mut erases) = (false, true);
        for capability in capabilities.split(':') {
            match capability.split_once('=') {
                Some((_, value)) if !is_sgr(value) => break,
                Some(("rv", _)) => reverses = true,
                Some(("ne", _)) => erases = false,
                Some((name, value)) => {
                    let is_meant = |known: &str| {
                        known == name || (name == "mt" && matches!(known, "ms" | "mc"))
                    };
                    for (_, code) in codes.iter_mut().filter(|(known, _)| is_meant(known)) {
                        *code = value;
                    }
                }
                None => match capability {
                    "rv" => reverses = true,
                    "ne" => erases = false,
                    _ => {}
                },
            }
        }
        let color = |name| {
            let mut all = codes.iter();
            let code = all.find(|(known, _)| *known == name);
            code.map_or(Color::default(), |(_, code)| Color::new(code, erases))
        };
        Colors {
            selected_match: color("ms"),
            context_match: color("mc"),
            selected_line: color("sl"),
            context_line: color("cx"),
            name: color("fn"),
            line_number: color("ln"),
            byte_offset: color("bn"),
            separator: color("se"),
            reverses,
        }
    }
}

fn is_sgr(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte == b';' || byte.is_ascii_digit())
}
