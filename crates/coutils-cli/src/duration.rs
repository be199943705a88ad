//! Times as they are typed.

use std::time::{Duration, Instant};

/// Reads a time: `250ms`, `1.5s`, `2m`, `1h`, `1d`; a plain number is seconds.
///
/// ```
/// use coutils_cli::duration;
/// use std::time::Duration;
///
/// assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
/// assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
/// assert_eq!(duration("3"), Ok(Duration::from_secs(3)));
/// assert!(duration("-1s").is_err());
/// assert!(duration("soon").is_err());
/// ```
///
/// # Errors
///
/// If it is no number with one of the units, or negative, or beyond what a clock can count.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds_per_unit = match &text[digits.len()..] {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        _ => return Err("expected a time such as 250ms, 1.5s or 2m".into()),
    };
    let number: f64 = digits
        .parse()
        .map_err(|_| "expected a time such as 250ms, 1.5s or 2m".to_owned())?;
    let time = Duration::try_from_secs_f64(number * seconds_per_unit).ok();
    time.filter(|&time| is_countable(time))
        .ok_or_else(|| "a time is neither negative nor endless".into())
}

/// Can it be waited for, also when it begins after as long a time?
fn is_countable(time: Duration) -> bool {
    let twice = time.checked_mul(2);
    twice.is_some_and(|twice| Instant::now().checked_add(twice).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_and_every_nonsense() {
        assert_eq!(duration("250us"), Ok(Duration::from_micros(250)));
        assert_eq!(duration("1h"), Ok(Duration::from_hours(1)));
        assert_eq!(duration("0.5d"), Ok(Duration::from_hours(12)));
        for nonsense in [
            "", "s", "1x", "1 s", "1e400", "NaN", "ß", "1ß", "inf", "--1", "1e19s",
        ] {
            assert!(duration(nonsense).is_err(), "{nonsense}");
        }
    }
}
