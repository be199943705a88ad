//! How long a line is under way: distributions, and their draws.

use std::fmt;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, Exp, LogNormal, Normal, Pareto, Uniform};

use crate::nanos::{self, Nanos};

/// How long lines are under way.
///
/// ```
/// use std::time::Duration;
/// use codelay::Delay;
///
/// let mean = Duration::from_millis(50);
/// assert!(Delay::uniform(mean, Duration::from_millis(20)).is_ok());
/// let wrong = Delay::uniform(mean, Duration::from_millis(60)).unwrap_err();
/// assert!(wrong.to_string().contains("below 0"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Delay(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    Constant(Nanos),
    /// In nanoseconds, as all of them.
    Uniform(Uniform<f64>),
    Normal(Normal<f64>),
    Exponential(Exp<f64>),
    LogNormal(LogNormal<f64>),
    Pareto(Pareto<f64>),
}

/// Why there is no such distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DelayError {
    /// A uniform delay that is wider than twice its mean.
    BelowZero,
    /// A Pareto distribution has a mean only with a shape above 1.
    NoMean,
    /// This distribution has no mean of 0, or of more than can be counted.
    Mean,
}

impl fmt::Display for DelayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DelayError::BelowZero => {
                "a uniform delay with a jitter above its mean would be below 0 at times"
            }
            DelayError::NoMean => "a pareto delay has a mean only if its shape is above 1",
            DelayError::Mean => "the mean of this distribution has to be above 0",
        })
    }
}

impl std::error::Error for DelayError {}

impl Delay {
    /// The same for all.
    pub fn constant(delay: Duration) -> Delay {
        Delay(Kind::Constant(nanos::from(delay)))
    }

    /// Anything from `mean - half_width` to `mean + half_width`.
    ///
    /// # Errors
    ///
    /// If that goes below 0.
    pub fn uniform(mean: Duration, half_width: Duration) -> Result<Delay, DelayError> {
        if half_width > mean {
            return Err(DelayError::BelowZero);
        }
        let (mean, half_width) = (float(mean), float(half_width));
        Uniform::new_inclusive(mean - half_width, mean + half_width)
            .map(|uniform| Delay(Kind::Uniform(uniform)))
            .map_err(|_| DelayError::Mean)
    }

    /// Normal; a draw below 0 is 0.
    ///
    /// # Errors
    ///
    /// None for times that a clock can count.
    pub fn normal(mean: Duration, deviation: Duration) -> Result<Delay, DelayError> {
        Normal::new(float(mean), float(deviation))
            .map(|normal| Delay(Kind::Normal(normal)))
            .map_err(|_| DelayError::Mean)
    }

    /// Exponential: the times between events that know nothing of each other, and of servers without memory.
    ///
    /// # Errors
    ///
    /// If the mean is 0.
    pub fn exponential(mean: Duration) -> Result<Delay, DelayError> {
        if mean.is_zero() {
            return Err(DelayError::Mean);
        }
        Exp::new(1.0 / float(mean))
            .map(|exponential| Delay(Kind::Exponential(exponential)))
            .map_err(|_| DelayError::Mean)
    }

    /// Log-normal with this mean and standard deviation (of the delay, not of its logarithm).
    ///
    /// # Errors
    ///
    /// If the mean is 0.
    pub fn lognormal(mean: Duration, deviation: Duration) -> Result<Delay, DelayError> {
        if mean.is_zero() {
            return Err(DelayError::Mean);
        }
        LogNormal::from_mean_cv(float(mean), float(deviation) / float(mean))
            .map(|lognormal| Delay(Kind::LogNormal(lognormal)))
            .map_err(|_| DelayError::Mean)
    }

    /// Pareto: most delays are short, and a few are very long. The smaller the shape, the heavier that tail; up to 2
    /// there is no finite deviation.
    ///
    /// # Errors
    ///
    /// If the shape is not above 1, or the mean 0.
    pub fn pareto(mean: Duration, shape: f64) -> Result<Delay, DelayError> {
        // Not `<=`: NaN is none either.
        if !(shape > 1.0 && shape.is_finite()) {
            return Err(DelayError::NoMean);
        }
        let least = float(mean) * ((shape - 1.0) / shape);
        Pareto::new(least, shape)
            .map(|pareto| Delay(Kind::Pareto(pareto)))
            .map_err(|_| DelayError::Mean)
    }

    /// The delay, if it is the same for all.
    pub(crate) fn is_constant(&self) -> Option<Nanos> {
        match self.0 {
            Kind::Constant(delay) => Some(delay),
            _ => None,
        }
    }

    /// The next one; a constant delay leaves the generator alone.
    pub(crate) fn draw(&self, random: &mut ChaCha8Rng) -> Nanos {
        let drawn = match &self.0 {
            Kind::Constant(delay) => return *delay,
            Kind::Uniform(uniform) => uniform.sample(random),
            Kind::Normal(normal) => normal.sample(random),
            Kind::Exponential(exponential) => exponential.sample(random),
            Kind::LogNormal(lognormal) => lognormal.sample(random),
            Kind::Pareto(pareto) => pareto.sample(random),
        };
        // Below 0 is 0, and beyond what a clock can count is that.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let nanos = drawn.round() as Nanos;
        nanos.min(nanos::MAX)
    }
}

/// In nanoseconds: what a float loses of one is less than a nanosecond up to 104 days.
#[expect(clippy::cast_precision_loss)]
fn float(time: Duration) -> f64 {
    time.as_nanos() as f64
}
