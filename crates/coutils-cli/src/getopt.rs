//! The arguments as GNU's getopt takes them, rewritten to what clap takes.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::builder::ValueRange;
use clap::{Arg, Command};
use costage::printable;

/// What a number in the place of an option stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbers {
    /// Nothing: `-5` is a wrong option.
    #[default]
    None,
    /// grep's: `-5`, also among other short options (`-n5`), is the value of this long option. The digits of one
    /// argument that stand together are one number.
    ValueOf(&'static str),
    /// tail's: `-5` is `--lines=5` and `+5` is `--lines=+5`; behind the number, `c` or `b` makes it `--bytes` (in
    /// units of 1 or 512) and `f` adds `--follow`, as far as the command has these. A `-5` may stand where an option
    /// may; `+5` where it is the first operand, at most one follows, and no `--lines` or `--bytes` is given.
    Start,
}

/// Rewrites the arguments, the program's name first among them. `in_order`: there are no options behind the first
/// operand, as POSIX has it.
///
/// # Errors
///
/// What to say of an abbreviation that is ambiguous, or of a short option whose value is missing.
pub(crate) fn rewrite(
    command: &Command,
    numbers: Numbers,
    in_order: bool,
    args: impl IntoIterator<Item = OsString>,
) -> Result<Vec<OsString>, String> {
    let mut args = args.into_iter();
    let mut kept: Vec<OsString> = args.next().into_iter().collect();
    // Where in `kept` the operands before `--` are, and whether there is a start already.
    let mut operands = Vec::new();
    let mut has_start = false;
    while let Some(arg) = args.next() {
        if arg == "--" {
            kept.push(arg);
            break;
        }
        let wants_value = if let Some(long) = arg.as_bytes().strip_prefix(b"--") {
            let option = long_option(command, long)?;
            has_start |= option.is_some_and(is_start);
            let wants_value = option.is_some_and(takes_value) && !long.contains(&b'=');
            kept.push(arg);
            wants_value
        } else if arg.len() > 1 && arg.as_bytes()[0] == b'-' {
            if numbers == Numbers::Start
                && let Some(start) = start(command, arg.as_bytes())
            {
                kept.extend(start);
                has_start = true;
                continue;
            }
            let cluster = Cluster::new(command, numbers, arg.as_bytes());
            has_start |= cluster.has_start;
            kept.extend(cluster.args);
            if let Some(letter) = cluster.wants_value {
                let missing = || format!("option requires an argument -- '{letter}'");
                kept.push(args.next().ok_or_else(missing)?);
            }
            false
        } else {
            operands.push(kept.len());
            kept.push(arg);
            if in_order {
                break;
            }
            false
        };
        if wants_value {
            kept.extend(args.next());
        }
    }
    let behind: Vec<OsString> = args.collect();
    let count = operands.len() + behind.len();
    let mut ends_options = operands.first().copied().filter(|_| in_order);
    if numbers == Numbers::Start
        && !has_start
        && count <= 2
        && let Some(&first) = operands.first()
        && kept[first].as_bytes().starts_with(b"+")
        && let Some(start) = start(command, kept[first].as_bytes())
    {
        ends_options = ends_options.map(|first| first + start.len());
        kept.splice(first..=first, start);
    }
    if let Some(end) = ends_options {
        kept.insert(end, "--".into());
    }
    kept.extend(behind);
    Ok(kept)
}

/// Is the next argument its value, if there is none in its own?
fn takes_value(option: &Arg) -> bool {
    let is_flag = option.get_num_args() == Some(ValueRange::EMPTY);
    option.get_action().takes_values() && !is_flag && !option.is_require_equals_set()
}

/// Is this one of tail's options for where to start?
fn is_start(option: &Arg) -> bool {
    matches!(option.get_long(), Some("lines" | "bytes"))
}

fn names(option: &Arg) -> impl Iterator<Item = &str> {
    let aliases = option.get_all_aliases().unwrap_or_default();
    option.get_long().into_iter().chain(aliases)
}

/// The option that this, `name` or `name=value`, stands for: by its name or a beginning that only one has.
fn long_option<'a>(command: &'a Command, long: &[u8]) -> Result<Option<&'a Arg>, String> {
    let name = long.split(|&byte| byte == b'=').next().unwrap_or_default();
    let exact = |option: &&Arg| names(option).any(|other| other.as_bytes() == name);
    if let Some(option) = command.get_arguments().find(exact) {
        return Ok(Some(option));
    }
    let fits = |other: &&str| other.as_bytes().starts_with(name);
    let mut options = command
        .get_arguments()
        .filter(|&option| names(option).any(|other| fits(&other)));
    let found = options.next();
    if options.next().is_none() {
        return Ok(found);
    }
    let possible = command.get_arguments().flat_map(names).filter(fits);
    let possible: Vec<String> = possible.map(|name| format!("'--{name}'")).collect();
    let possible = possible.join(" ");
    let typed = printable(&String::from_utf8_lossy(long));
    Err(format!(
        "option '--{typed}' is ambiguous; possibilities: {possible}"
    ))
}

/// Short options in one argument, as one or several for clap.
#[derive(Default)]
struct Cluster {
    args: Vec<OsString>,
    /// The next argument is the value of this one.
    wants_value: Option<char>,
    has_start: bool,
}

impl Cluster {
    fn new(command: &Command, numbers: Numbers, arg: &[u8]) -> Cluster {
        let mut cluster = Cluster::default();
        // The options since the last number, with their dash.
        let mut options = vec![b'-'];
        let mut rest = &arg[1..];
        let mut is_known = true;
        while let Some((&letter, behind)) = rest.split_first() {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if let Numbers::ValueOf(long) = numbers
                && digits > 0
            {
                let number = &rest[..digits];
                cluster.push(&mut options);
                let number = [b"--", long.as_bytes(), b"=", number].concat();
                cluster.args.push(OsString::from_vec(number));
                rest = &rest[digits..];
                continue;
            }
            options.push(letter);
            let mut all = command.get_arguments();
            let option = all.find(|option| option.get_short() == Some(char::from(letter)));
            // One that is unknown is told first.
            is_known &= option.is_some();
            cluster.has_start |= option.is_some_and(is_start);
            if option.is_some_and(takes_value) {
                // In `-e=x` the value is `=x`, as getopt has it. clap would drop the `=`, so it gets one to drop.
                options.extend(behind.first().filter(|&&first| first == b'='));
                options.extend(behind);
                let wants_value = is_known && behind.is_empty();
                cluster.wants_value = wants_value.then_some(char::from(letter));
                break;
            }
            rest = behind;
        }
        cluster.push(&mut options);
        cluster
    }

    fn push(&mut self, options: &mut Vec<u8>) {
        if options.len() > 1 {
            let options = std::mem::replace(options, vec![b'-']);
            self.args.push(OsString::from_vec(options));
        }
    }
}

/// tail's `[+-]NUM[bcl][f]` as long options, if it is that and the command has them.
fn start(command: &Command, arg: &[u8]) -> Option<Vec<OsString>> {
    let (&sign, rest) = arg.split_first()?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, letters) = std::str::from_utf8(rest).ok()?.split_at_checked(digits)?;
    if number.is_empty() {
        return None;
    }
    let (units, follow) = match letters.strip_suffix('f') {
        Some(units) => (units, Some("follow")),
        None => (letters, None),
    };
    let (option, suffix) = match units {
        "" | "l" => ("lines", ""),
        "c" => ("bytes", ""),
        "b" => ("bytes", "b"),
        _ => return None,
    };
    let mut needed = [Some(option), follow].into_iter().flatten();
    let has = |long| command.get_arguments().any(|arg| arg.get_long() == long);
    if !needed.all(|long| has(Some(long))) {
        return None;
    }
    let sign = if sign == b'+' { "+" } else { "" };
    let start = format!("--{option}={sign}{number}{suffix}");
    let follow = follow.map(|long| format!("--{long}"));
    Some(
        [Some(start), follow]
            .into_iter()
            .flatten()
            .map(OsString::from)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ArgAction;

    use crate::options;

    fn option(long: &'static str, short: char) -> Arg {
        let action = ArgAction::Append;
        Arg::new(long).long(long).short(short).action(action)
    }

    fn flag(long: &'static str, short: char) -> Arg {
        options::flag(long, "").short(short)
    }

    fn rewritten(command: &Command, numbers: Numbers, line: &str) -> String {
        let args = line.split(' ').map(OsString::from);
        let args = rewrite(command, numbers, false, args);
        let args = args.unwrap_or_else(|error| vec![error.into()]);
        args.join(" ".as_ref()).into_string().expect("UTF-8")
    }

    #[test]
    fn an_equals_sign_belongs_to_the_value_of_a_short_option() {
        let command = Command::new("test")
            .arg(flag("count", 'c'))
            .arg(option("regexp", 'e'));
        for (typed, expected) in [
            ("test -e=x", "test -e==x"),
            ("test -ce=x -e= -ex=y", "test -ce==x -e== -ex=y"),
            // What is a value already is left alone, and so are the operands.
            ("test -e -e=x --reg -e=y", "test -e -e=x --reg -e=y"),
            (
                "test --regexp=-e=x -e=x e=x",
                "test --regexp=-e=x -e==x e=x",
            ),
            ("test -c -- -e=y", "test -c -- -e=y"),
            ("test - -e=y -", "test - -e==y -"),
        ] {
            assert_eq!(rewritten(&command, Numbers::None, typed), expected);
        }
    }

    #[test]
    fn a_beginning_that_several_options_have_is_ambiguous() {
        let command = Command::new("test")
            .arg(flag("silent", 'q').visible_alias("quiet"))
            .arg(option("sleep", 's'))
            .arg(flag("no", 'n'))
            .arg(flag("no-follow", 'N'));
        for (typed, expected) in [
            (
                "test --s=1",
                "option '--s=1' is ambiguous; possibilities: '--silent' '--sleep'",
            ),
            ("test --si --q --no", "test --si --q --no"),
            ("test --sl --s -- --s", "test --sl --s -- --s"),
            ("test --x", "test --x"),
            ("test -s", "option requires an argument -- 's'"),
            ("test -qs", "option requires an argument -- 's'"),
        ] {
            assert_eq!(rewritten(&command, Numbers::None, typed), expected);
        }
    }

    #[test]
    fn in_order_the_first_operand_ends_the_options() {
        let command = Command::new("test")
            .arg(flag("quiet", 'q'))
            .arg(option("lines", 'n'));
        for (typed, expected) in [
            ("test -q x -q --lines", "test -q -- x -q --lines"),
            ("test -n 1 x -- -5", "test -n 1 -- x -- -5"),
            ("test -q -- x -q", "test -q -- x -q"),
            ("test +5 x", "test --lines=+5 -- x"),
            ("test -n1 +5 -q", "test -n1 -- +5 -q"),
            ("test -q", "test -q"),
        ] {
            let args = typed.split(' ').map(OsString::from);
            let args = rewrite(&command, Numbers::Start, true, args).expect(typed);
            assert_eq!(args.join(" ".as_ref()), expected);
        }
    }

    // `--follow -5` took `-5` for a value, and left it as it was.
    #[test]
    fn an_option_whose_value_stands_behind_an_equals_sign_takes_no_argument() {
        let follow = Arg::new("follow").long("follow").num_args(0..=1);
        let command = Command::new("test")
            .arg(option("lines", 'n'))
            .arg(follow.require_equals(true));
        let rewritten = rewritten(&command, Numbers::Start, "test --follow -5 x");
        assert_eq!(rewritten, "test --follow --lines=5 x");
    }

    // What GNU grep makes of them.
    #[test]
    fn digits_among_short_options_are_greps_context() {
        let command = Command::new("test")
            .arg(flag("number", 'n'))
            .arg(option("context", 'C'))
            .arg(option("regexp", 'e'));
        for (typed, expected) in [
            ("test -5", "test --context=5"),
            ("test -15 x", "test --context=15 x"),
            ("test -1 -2", "test --context=1 --context=2"),
            ("test -1n2", "test --context=1 -n --context=2"),
            ("test -n1C2 -C 3", "test -n --context=1 -C2 -C 3"),
            ("test -e -5 -e5 -- -5", "test -e -5 -e5 -- -5"),
        ] {
            let numbers = Numbers::ValueOf("context");
            assert_eq!(rewritten(&command, numbers, typed), expected);
        }
    }

    // What GNU tail makes of them, and a `-NUM` in more places, where GNU's has only an error to say.
    #[test]
    fn a_number_is_where_tail_starts() {
        let lines = Command::new("test").arg(option("lines", 'n'));
        let all = lines
            .clone()
            .arg(option("bytes", 'c'))
            .arg(flag("follow", 'f'));
        for (typed, expected) in [
            ("test -5", "test --lines=5"),
            ("test x -5l", "test x --lines=5"),
            ("test -5f", "test --lines=5 --follow"),
            ("test -5cf x", "test --bytes=5 --follow x"),
            ("test -5b", "test --bytes=5b"),
            ("test +5", "test --lines=+5"),
            ("test +5cf x", "test --bytes=+5 --follow x"),
            ("test -f +5 x", "test -f --lines=+5 x"),
            ("test +5 -- x", "test --lines=+5 -- x"),
            ("test -n -5 -n5", "test -n -5 -n5"),
            // Files.
            ("test x +5", "test x +5"),
            ("test +5 x y", "test +5 x y"),
            ("test +5 -- x y", "test +5 -- x y"),
            ("test -n1 +5", "test -n1 +5"),
            ("test -5 +5", "test --lines=5 +5"),
            ("test +5 --by 1", "test +5 --by 1"),
            ("test -- +5", "test -- +5"),
            ("test + +5x +x5", "test + +5x +x5"),
            // Wrong.
            ("test -5K", "test -5K"),
            ("test -5fc", "test -5fc"),
        ] {
            assert_eq!(rewritten(&all, Numbers::Start, typed), expected);
        }
        // Without the options to rewrite it to.
        assert_eq!(rewritten(&lines, Numbers::Start, "test -5c"), "test -5c");
        assert_eq!(rewritten(&lines, Numbers::Start, "test -5f"), "test -5f");
    }
}
