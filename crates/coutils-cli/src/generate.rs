//! Man pages and completions, made of the same table as the help.

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

/// What can be generated.
pub(crate) const KINDS: [&str; 6] = ["man", "bash", "zsh", "fish", "powershell", "elvish"];

/// The man page, or the completions for the shell `kind`, of a command under its own name.
pub(crate) fn generate(command: &Command, kind: &str) -> String {
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    match kind.parse::<Shell>() {
        Ok(shell) => clap_complete::generate(shell, &mut shown(command), name, &mut text),
        Err(_) => text = man(command),
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// A command with those options alone that the help has: completions would offer the others, too.
fn shown(command: &Command) -> Command {
    let args = command.get_arguments().filter(|arg| !arg.is_hide_set());
    Command::default()
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(args.cloned())
}

fn man(command: &Command) -> Vec<u8> {
    let mut text = Vec::new();
    let title = format!("{} {}", command.get_name(), env!("CARGO_PKG_VERSION"));
    let page = Man::new(command.clone()).source(title).manual("coutils");
    let rendered = page
        .render_title(&mut text)
        .and_then(|()| page.render_name_section(&mut text))
        .and_then(|()| page.render_synopsis_section(&mut text))
        .and_then(|()| page.render_description_section(&mut text))
        .and_then(|()| page.render_options_section(&mut text));
    debug_assert!(rendered.is_ok(), "memory takes all that is written");
    if let Some(after) = command.get_after_help() {
        text.extend(sections(&after.to_string()).into_bytes());
    }
    text
}

/// What stands below the options in the help: a paragraph that begins with `Title:` is a section of its own, and one
/// with indented lines keeps its lines.
fn sections(help: &str) -> String {
    let mut page = String::new();
    for paragraph in help.split("\n\n") {
        let (title, body) = match paragraph.split_once(':') {
            Some((title, body)) if title.split(' ').count() <= 2 => (title, body.trim_start()),
            _ => ("Notes", paragraph),
        };
        let title = title.to_uppercase();
        let is_list = paragraph.contains("\n  ");
        let (begin, end) = if is_list {
            (".nf\n", ".fi\n")
        } else {
            ("", "")
        };
        page.extend([".SH ", title.as_str(), "\n", begin]);
        for line in body.lines() {
            page.push_str(&line_of_text(line.trim_start()));
        }
        page.push_str(end);
    }
    page
}

/// A line that roff prints as it is: no escape, no hyphen where a minus is meant, no request.
fn line_of_text(line: &str) -> String {
    let escaped = line.replace('\\', "\\e").replace('-', "\\-");
    let guard = if escaped.starts_with(['.', '\'']) {
        "\\&"
    } else {
        ""
    };
    format!("{guard}{escaped}\n")
}
