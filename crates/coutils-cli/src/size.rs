//! Sizes as they are typed.

/// The letters of the units; each is 1024 times the one before.
const UNITS: &str = "KMGTPEZYRQ";

/// Reads a number with the suffixes of GNU's `NUM`, without a sign: `b` is 512; `K`, `M`, `G`, `T`, `P`, `E`, `Z`,
/// `Y`, `R`, `Q`, also as `KiB`, are powers of 1024, and `kB`, `MB` and so on powers of 1000. `k` and `m` may be
/// small, and a unit alone is one of it.
///
/// ```
/// use coutils_cli::size;
///
/// assert_eq!(size("10"), Ok(10));
/// assert_eq!(size("2K"), Ok(2048));
/// assert_eq!(size("2KiB"), Ok(2048));
/// assert_eq!(size("2kB"), Ok(2000));
/// assert_eq!(size("1Q"), Ok(u64::MAX));
/// assert!(size("1g").is_err());
/// ```
///
/// # Errors
///
/// If it is none. One that is too large to be reached is as good as the largest.
pub fn size(text: &str) -> Result<u64, String> {
    let wrong = || "expected a number such as 10, 2K or 1MiB".to_owned();
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let (number, suffix) = text.split_at(text.len() - digits.len());
    let number: u64 = match number {
        "" if suffix.is_empty() => return Err(wrong()),
        "" => 1,
        number => number.parse().unwrap_or(u64::MAX),
    };
    let factor = match suffix {
        "" => 1,
        "b" => 512,
        _ => unit(suffix).ok_or_else(wrong)?,
    };
    Ok(number.saturating_mul(factor))
}

fn unit(suffix: &str) -> Option<u64> {
    let mut behind = suffix.chars();
    let letter = match behind.next()? {
        'k' => 'K',
        'm' => 'M',
        letter => letter,
    };
    let base: u64 = match behind.as_str() {
        "" | "iB" => 1024,
        // GNU's take `D`, for decimal, as `B`.
        "B" | "D" => 1000,
        _ => return None,
    };
    let power = UNITS.chars().position(|unit| unit == letter)? + 1;
    let power = u32::try_from(power).ok()?;
    Some(base.saturating_pow(power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_of_gnu_tail_and_no_other() {
        for (text, expected) in [
            ("0", 0),
            ("010", 10),
            ("2b", 1024),
            ("K", 1024),
            ("1k", 1024),
            ("3kiB", 3072),
            ("3KD", 3000),
            ("2m", 2 << 20),
            ("1mB", 1_000_000),
            ("1GiB", 1 << 30),
            ("1TB", 1_000_000_000_000),
            ("1P", 1 << 50),
            ("1E", 1 << 60),
            ("15EiB", 15 << 60),
            ("16E", u64::MAX),
            ("1Z", u64::MAX),
            ("1YB", u64::MAX),
            ("1R", u64::MAX),
            ("0Q", 0),
            ("99999999999999999999999", u64::MAX),
            ("99999999999999999999999K", u64::MAX),
        ] {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for wrong in [
            "", "x", "1x", "1g", "1t", "1e", "1p", "1c", "1w", "1B", "1i", "1Ki", "1bB", "1biB",
            "1ME", "1KBx", "+1", "-1", " 1", "1 ", "1 K", "0x10", "1ß", "ß",
        ] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
