//! What was decided: the settings of the channel, or what speaks against them.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use codelay::{Capacity, Clock, Delay, Replay, Settings, Timestamps, WhenFull};

use crate::cli::{Cli, Dist};
use crate::typed::Latency;

/// The channels to build.
pub struct Decided {
    /// A channel of lines first.
    pub lines: Option<u64>,
    /// Then one of time, unless there is nothing for it to do.
    pub time: Option<Settings>,
}

/// What the options mean together.
pub fn decide(cli: &Cli) -> Result<Decided, String> {
    let lines = match cli.latency {
        Some(Latency::Lines(lines)) => Some(lines),
        _ => None,
    };
    let time = match cli.latency {
        Some(Latency::Time(time)) => time,
        _ => Duration::ZERO,
    };
    check(cli, lines)?;
    let settings = Settings {
        delay: delay(cli, time)?,
        seed: cli.seed.unwrap_or_else(another_seed),
        loss: cli.loss.unwrap_or_default(),
        duplicate: cli.duplicate.unwrap_or_default(),
        reorder: cli.reorder,
        rate: cli.rate,
        burst: cli.burst,
        replay: replay(cli)?,
        capacity: cli.capacity,
        when_full: cli.when_full.unwrap_or_default(),
        clock: if cli.is_virtual {
            Clock::Virtual {
                interval: cli.interval.unwrap_or_default(),
            }
        } else {
            Clock::Real
        },
    };
    Ok(Decided {
        lines,
        time: (lines.is_none() || needs_time(cli)).then_some(settings),
    })
}

/// Is there something to do for a channel of time?
fn needs_time(cli: &Cli) -> bool {
    cli.loss.is_some()
        || cli.duplicate.is_some()
        || cli.rate.is_some()
        || cli.replay.is_some()
        || cli.capacity.is_some()
}

/// Options that mean nothing without or with others.
fn check(cli: &Cli, lines: Option<u64>) -> Result<(), String> {
    let by_lines = lines.is_some();
    let holds_more = |capacity| match capacity {
        Capacity::Lines(capacity) => lines.is_none_or(|lines| capacity as u64 > lines),
        Capacity::Bytes(_) => true,
    };
    let is_constant = matches!(cli.dist, None | Some(Dist::Constant));
    let wrong = [
        (
            by_lines && !is_constant,
            "'--dist' draws a time: DELAY is a number of lines",
        ),
        (
            by_lines && cli.trace.is_some() && needs_time(cli),
            "'--trace' of a DELAY in lines is the account of its cycles alone",
        ),
        (
            by_lines && matches!(cli.capacity, Some(Capacity::Bytes(_))),
            "'--capacity' is a number of lines where DELAY is one",
        ),
        (
            !cli.capacity.is_none_or(holds_more),
            "'--capacity' has to be more lines than DELAY, which are always held",
        ),
        (
            by_lines && cli.is_virtual && !needs_time(cli),
            "'--virtual' needs times to compute, and DELAY is a number of lines",
        ),
        (
            cli.reorder && cli.when_full == Some(WhenFull::DropOldest),
            "'--reorder' cannot be used with '--when-full drop-oldest'",
        ),
        (
            cli.reorder && is_constant,
            "'--reorder' needs delays that differ: '--dist'",
        ),
        (
            cli.reorder && cli.replay.is_some(),
            "'--reorder' cannot be used with '--replay', which keeps lines in their order",
        ),
        (
            cli.replay.is_none() && (cli.speed.is_some() || cli.max_gap.is_some()),
            "'--speed' and '--max-gap' need '--replay'",
        ),
        (
            cli.time_format.is_some() && cli.replay.as_deref().is_none_or(str::is_empty),
            "'--time-format' needs '--replay=REGEX', which says where the time is",
        ),
        (
            cli.burst.is_some() && cli.rate.is_none(),
            "'--burst' needs '--rate'",
        ),
        (cli.burst == Some(0), "'--burst' is at least 1"),
        (
            cli.burst.is_some() && cli.is_virtual,
            "'--burst' cannot be used with '--virtual', where each line leaves when it is due",
        ),
        (
            cli.seed.is_some()
                && cli.dist.is_none()
                && cli.loss.is_none()
                && cli.duplicate.is_none(),
            "'--seed' needs something to draw: '--dist', '--loss' or '--duplicate'",
        ),
        (
            cli.when_full.is_some() && cli.capacity.is_none(),
            "'--when-full' needs '--capacity'",
        ),
        (
            cli.interval.is_some() && !cli.is_virtual,
            "'--interval' needs '--virtual'",
        ),
    ];
    match wrong.into_iter().find(|(is_wrong, _)| *is_wrong) {
        Some((_, why)) => Err(why.into()),
        None => Ok(()),
    }
}

/// The distribution, if its parameters fit it.
fn delay(cli: &Cli, mean: Duration) -> Result<Delay, String> {
    let dist = cli.dist.unwrap_or(Dist::Constant);
    let name = match dist {
        Dist::Constant => "constant",
        Dist::Uniform => "uniform",
        Dist::Normal => "normal",
        Dist::Exponential => "exponential",
        Dist::LogNormal => "lognormal",
        Dist::Pareto => "pareto",
    };
    let takes_jitter = matches!(dist, Dist::Uniform | Dist::Normal | Dist::LogNormal);
    if cli.jitter.is_some() && !takes_jitter {
        return Err(format!(
            "'--jitter' is for '--dist uniform', 'normal' and 'lognormal', not for {name}"
        ));
    }
    if cli.shape.is_some() && dist != Dist::Pareto {
        return Err(format!("'--shape' is for '--dist pareto', not for {name}"));
    }
    let jitter = || {
        cli.jitter
            .ok_or_else(|| format!("'--dist {name}' needs '--jitter'"))
    };
    let delay = match dist {
        Dist::Constant => return Ok(Delay::constant(mean)),
        Dist::Uniform => Delay::uniform(mean, jitter()?),
        Dist::Normal => Delay::normal(mean, jitter()?),
        Dist::Exponential => Delay::exponential(mean),
        Dist::LogNormal => Delay::lognormal(mean, jitter()?),
        Dist::Pareto => {
            let shape = cli.shape.ok_or("'--dist pareto' needs '--shape'")?;
            Delay::pareto(mean, shape)
        }
    };
    delay.map_err(|error| error.to_string())
}

/// The log's own times, if they are to be kept.
fn replay(cli: &Cli) -> Result<Option<Replay>, String> {
    let Some(regex) = &cli.replay else {
        return Ok(None);
    };
    let timestamps = if regex.is_empty() {
        Timestamps::default()
    } else {
        Timestamps::new(regex, cli.time_format.as_deref()).map_err(|error| error.to_string())?
    };
    Ok(Some(Replay {
        timestamps,
        speed: cli.speed.unwrap_or(1.0),
        max_gap: cli.max_gap,
    }))
}

/// One that no run before had.
fn another_seed() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
