//! Chance that can be repeated.

use std::fmt;

use rand::distr::{Bernoulli, Distribution as _};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// What a sequence of random numbers is for: each purpose has its own, so that a loss more or less does not change the
/// delays of the others.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Delay,
    Loss,
    Duplicate,
}

/// The generator: `ChaCha` with 8 rounds, whose output its definition fixes for every machine and version. The key is
/// the seed in little-endian order and zeros, the stream the purpose.
pub(crate) fn generator(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut generator = ChaCha8Rng::from_seed(key);
    generator.set_stream(purpose as u64);
    generator
}

/// A probability, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Probability(f64);

impl Probability {
    /// This one; nothing, if it is none.
    ///
    /// ```
    /// use codelay::Probability;
    /// assert!(Probability::new(0.25).is_some());
    /// assert!(Probability::new(1.5).is_none());
    /// assert!(Probability::new(f64::NAN).is_none());
    /// ```
    pub fn new(probability: f64) -> Option<Probability> {
        (0.0..=1.0)
            .contains(&probability)
            .then_some(Probability(probability))
    }

    pub(crate) fn is_possible(self) -> bool {
        self.0 > 0.0
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A coin that falls with a probability.
#[derive(Debug)]
pub(crate) struct Coin {
    falls: Bernoulli,
    random: ChaCha8Rng,
}

impl Coin {
    /// Nothing, if it never falls.
    pub(crate) fn new(probability: Probability, seed: u64, purpose: Purpose) -> Option<Coin> {
        let falls = Bernoulli::new(probability.0).ok()?;
        probability.is_possible().then(|| Coin {
            falls,
            random: generator(seed, purpose),
        })
    }

    pub(crate) fn toss(&mut self) -> bool {
        self.falls.sample(&mut self.random)
    }
}
