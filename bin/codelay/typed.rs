//! What is typed for delays, rates, sizes and probabilities.

use std::time::Duration;

use codelay::{Capacity, Probability, Rate, Unit};
use coutils_cli::{duration, size};

/// DELAY: a number of lines, or a time with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    Lines(u64),
    Time(Duration),
}

pub fn latency(text: &str) -> Result<Latency, String> {
    let expected = || "expected a number of lines such as 4, or a time such as 250ms".to_owned();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Latency::Lines(text.parse().unwrap_or(u64::MAX)));
    }
    if !text.ends_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(expected());
    }
    duration(text).map(Latency::Time).map_err(|_| expected())
}

/// `1000/s` lines, `10MB/s` bytes; also each minute (`/m`) and hour (`/h`).
pub fn rate(text: &str) -> Result<Rate, String> {
    let expected = || "expected a rate such as 1000/s, 0.5/s or 10MB/s".to_owned();
    let (count, per) = text.split_once('/').unwrap_or((text, "s"));
    let seconds = match per {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(expected()),
    };
    let digits = count.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: f64 = digits.parse().map_err(|_| expected())?;
    let (factor, unit) = match &count[digits.len()..] {
        "" => (1.0, Unit::Lines),
        "B" => (1.0, Unit::Bytes),
        suffix => {
            let factor = size(&format!("1{suffix}")).ok();
            // `10K/s` might be lines to one reader and bytes to the next.
            let factor = factor
                .filter(|_| suffix.ends_with('B'))
                .ok_or_else(expected)?;
            #[expect(clippy::cast_precision_loss)]
            let factor = factor as f64;
            (factor, Unit::Bytes)
        }
    };
    Rate::new(number * factor / seconds, unit).ok_or_else(expected)
}

/// `10000` lines, `64MiB`.
pub fn capacity(text: &str) -> Result<Capacity, String> {
    let expected =
        || "expected a number of lines such as 10000, or a size such as 64MiB".to_owned();
    let is_lines = text.bytes().all(|byte| byte.is_ascii_digit());
    let bytes = text
        .strip_suffix('B')
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    let number = size(bytes.unwrap_or(text)).map_err(|_| expected())?;
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    match number {
        0 => Err("a channel holds at least one line".into()),
        number if is_lines => Ok(Capacity::Lines(number)),
        number => Ok(Capacity::Bytes(number)),
    }
}

/// `0.01` or `1%`.
pub fn probability(text: &str) -> Result<Probability, String> {
    let (number, factor) = match text.strip_suffix('%') {
        Some(percent) => (percent, 0.01),
        None => (text, 1.0),
    };
    let number = number.parse::<f64>().ok();
    number
        .and_then(|number| Probability::new(number * factor))
        .ok_or_else(|| "expected a probability such as 0.01 or 1%".into())
}

/// `10x`, `0.5x`; the `x` may be left out.
pub fn speed(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('x').unwrap_or(text).parse().ok();
    number
        .filter(|speed: &f64| *speed > 0.0 && speed.is_finite())
        .ok_or_else(|| "expected a factor such as 10x or 0.5x".into())
}
