//! The command line of codelay.

use std::ffi::OsString;
use std::time::Duration;

use clap::builder::OsStringValueParser;
use clap::{Arg, ArgMatches, Command};
use codelay::{Capacity, Probability, Rate, WhenFull};
use coutils_cli::{Refusal, duration, flag, one_of, report_options, size};

use crate::typed::{Latency, capacity, latency, probability, rate, speed};

/// What was typed.
pub struct Cli {
    pub latency: Option<Latency>,
    pub terminator: u8,
    pub dist: Option<Dist>,
    pub jitter: Option<Duration>,
    pub shape: Option<f64>,
    pub seed: Option<u64>,
    pub reorder: bool,
    pub loss: Option<Probability>,
    pub duplicate: Option<Probability>,
    pub rate: Option<Rate>,
    pub burst: Option<u64>,
    pub replay: Option<String>,
    pub time_format: Option<String>,
    pub speed: Option<f64>,
    pub max_gap: Option<Duration>,
    pub capacity: Option<Capacity>,
    pub when_full: Option<WhenFull>,
    pub is_virtual: bool,
    pub interval: Option<Duration>,
    pub trace: Option<Trace>,
}

/// `--dist`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dist {
    Constant,
    Uniform,
    Normal,
    Exponential,
    LogNormal,
    Pareto,
}

/// Where `--trace` goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trace {
    /// To standard output, where the lines would go.
    Output,
    File(OsString),
}

impl Cli {
    pub fn new(matches: &ArgMatches) -> Cli {
        let trace = matches.get_one::<OsString>("trace").cloned();
        Cli {
            latency: matches.get_one("delay").copied(),
            terminator: if matches.contains_id("zero-terminated") {
                b'\0'
            } else {
                b'\n'
            },
            dist: matches.get_one("dist").copied(),
            jitter: matches.get_one("jitter").copied(),
            shape: matches.get_one("shape").copied(),
            seed: matches.get_one("seed").copied(),
            reorder: matches.contains_id("reorder"),
            loss: matches.get_one("loss").copied(),
            duplicate: matches.get_one("duplicate").copied(),
            rate: matches.get_one("rate").copied(),
            burst: matches.get_one("burst").copied(),
            replay: matches.get_one("replay").cloned(),
            time_format: matches.get_one("time-format").cloned(),
            speed: matches.get_one("speed").copied(),
            max_gap: matches.get_one("max-gap").copied(),
            capacity: matches.get_one("capacity").copied(),
            when_full: matches.get_one("when-full").copied(),
            is_virtual: matches.contains_id("virtual"),
            interval: matches.get_one("interval").copied(),
            trace: trace.map(|file| {
                if file.is_empty() {
                    Trace::Output
                } else {
                    Trace::File(file)
                }
            }),
        }
    }
}

fn dist(text: &str) -> Result<Dist, Refusal> {
    let words = [
        ("constant", Dist::Constant),
        ("uniform", Dist::Uniform),
        ("normal", Dist::Normal),
        ("exponential", Dist::Exponential),
        ("lognormal", Dist::LogNormal),
        ("pareto", Dist::Pareto),
    ];
    one_of("--dist", &words, text)
}

fn when_full(text: &str) -> Result<WhenFull, Refusal> {
    let words = [
        ("block", WhenFull::Block),
        ("drop-oldest", WhenFull::DropOldest),
        ("drop-newest", WhenFull::DropNewest),
    ];
    one_of("--when-full", &words, text)
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| "expected a whole number from 0 to 18446744073709551615".into())
}

fn shape(text: &str) -> Result<f64, String> {
    text.parse()
        .map_err(|_| "expected a number such as 2.5".into())
}

/// An option with a value.
fn option(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value)
        .allow_hyphen_values(true)
}

/// The options as clap has them.
pub fn command() -> Command {
    Command::new("codelay")
        .about("Let lines through later: a channel with latency.")
        .override_usage("codelay [OPTIONS] [DELAY]")
        .arg(
            Arg::new("delay")
                .value_name("DELAY")
                .value_parser(latency)
                .help("A number of lines, 4: a line comes out when four more have gone in. A time, 250ms, 1.5s, 2m: each line comes out that long after it came, and none before those before it [default: 0s]"),
        )
        .next_help_heading("Delay")
        .args(delay())
        .next_help_heading("Loss and order")
        .args(chance())
        .next_help_heading("Rate")
        .args(pace())
        .next_help_heading("Replay")
        .args(replay())
        .next_help_heading("What is held")
        .args(held())
        .next_help_heading("Simulation")
        .args(simulation())
        .next_help_heading("Reports")
        .args(report_options())
        .after_help(
            "At the end of the input a channel of lines flushes; one of time lets the delays\n\
             run out. At SIGINT, SIGTERM or SIGHUP all that is held goes out at once.\n\n\
             Exit status: 0; 1 after an error.\n\n\
             Examples:\n  \
             cofollow access-log | codelay 5s | cogrep python    five seconds later\n  \
             codelay 50ms --dist normal --jitter 10ms <requests  a slow line\n  \
             yes | codelay --rate 1000/s                         a thousand a second\n  \
             codelay --replay --speed 10x <access-log            a log, ten times faster\n  \
             seq 0 9 | codelay --trace 4                         what a channel does\n  \
             seq 1000 | codelay --virtual --interval 1ms --rate 500/s --trace\n                                                      \
             a queue, simulated",
        )
}

fn delay() -> [Arg; 4] {
    [
        option("dist", "NAME")
            .value_parser(dist)
            .help("Draw the delay of each line, with DELAY as the mean: constant, uniform, normal (never below 0), exponential, lognormal, pareto [default: constant]"),
        option("jitter", "TIME")
            .value_parser(duration)
            .help("The standard deviation for normal and lognormal, half the width for uniform"),
        option("shape", "A")
            .value_parser(shape)
            .help("The shape for pareto, above 1: the smaller, the more very long delays"),
        option("seed", "N")
            .value_parser(seed)
            .help("Draw as the last run with this N did [default: another one each time; --debug tells it]"),
    ]
}

fn chance() -> [Arg; 3] {
    [
        option("loss", "P")
            .value_parser(probability)
            .help("Lose a line with probability P: 0.01 or 1%"),
        option("duplicate", "P")
            .value_parser(probability)
            .help("Let a line come twice with probability P"),
        flag("reorder", "Let lines overtake those with a longer delay"),
    ]
}

fn pace() -> [Arg; 2] {
    [
        option("rate", "RATE")
            .value_parser(rate)
            .help("At most RATE: 1000/s lines, 10MB/s bytes, evenly, with nothing saved up while idle; also /m and /h"),
        option("burst", "SIZE")
            .value_parser(size)
            .help("So many lines, or bytes, that wait for RATE may leave together [default: what 1ms brings]"),
    ]
}

fn replay() -> [Arg; 4] {
    [
        Arg::new("replay")
            .long("replay")
            .value_name("REGEX")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("")
            .help("Keep the gaps between the times in the lines: of the common log format, RFC 3339, syslog, seconds or milliseconds since 1970; or in the first group of REGEX"),
        option("time-format", "FORMAT")
            .help("With --replay=REGEX: how the times are written, as for strptime: '%d.%m.%Y %H:%M:%S'"),
        option("speed", "N")
            .value_parser(speed)
            .help("With --replay: N times as fast, 10x or 0.5x [default: 1x]"),
        option("max-gap", "TIME")
            .value_parser(duration)
            .help("With --replay: wait no longer than TIME for a line"),
    ]
}

fn held() -> [Arg; 3] {
    [
        option("capacity", "SIZE")
            .value_parser(capacity)
            .help("Hold at most SIZE: 10000 lines, 64MiB [default: as much as comes]"),
        option("when-full", "WHAT")
            .value_parser(when_full)
            .help("With --capacity: block (read no more), drop-oldest, drop-newest; what is dropped is told [default: block]"),
        flag("zero-terminated", "Lines end in NUL, not in a newline").short('z'),
    ]
}

fn simulation() -> [Arg; 3] {
    [
        flag("virtual", "Do not wait: compute the times, from lines that arrive each --interval"),
        option("interval", "TIME")
            .value_parser(duration)
            .help("With --virtual: the time between two lines [default: 0s]"),
        Arg::new("trace")
            .long("trace")
            .value_name("FILE")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("")
            .value_parser(OsStringValueParser::new())
            .help("Print what happens instead of the lines, or write it to FILE: for each line 'r' (received) or 'd' (dropped), its number, arrival, delay and departure; with a DELAY in lines the cycles of the channel"),
    ]
}
