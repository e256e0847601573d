//! What an interaction brings, beyond 0 and 1: counts and money with a stated mean and spread.
//!
//! Every law is monotone in its words, by its inverse distribution function, so that runs that differ in a rate stay paired.
//! Negative binomial counts are Poisson given a gamma factor of mean 1 that comes from a word of its own; zeros come from
//! another.

use serde::{Deserialize, Serialize};

use crate::config::refuse;
use crate::envs::pricing::noise::GammaTable;
use crate::error::Result;
use crate::family::Run;
use crate::rng::threshold;
use crate::samplers::{normal, poisson};
use crate::special::exp;

/// Largest mean of an outcome.
pub const MOST: f64 = 1e6;
/// Means are at most this many times the largest rate, where no end of the episode bounds what modifiers can come to.
const BURST: f64 = 32.0;
/// Slots, beside 0 for the outcome and 1 for the segment: gamma factor, zeros.
const GAMMA: u32 = 2;
const ZERO: u32 = 3;

/// What an interaction brings, given its mean: the rate times segment and modifiers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// 1 with that chance, else 0.
    #[default]
    Bernoulli,
    /// A count whose variance is its mean.
    Poisson,
    /// A count with variance `mean + dispersion × mean²`.
    NegativeBinomial {
        /// Variance of the gamma factor.
        dispersion: f64,
    },
    /// Money: log-normal.
    LogNormal {
        /// Standard deviation of the logarithm.
        deviation: f64,
    },
}

/// A law other than Bernoulli's, checked.
#[derive(Debug)]
pub struct Law {
    gamma: GammaTable,
    /// Standard deviation of the logarithm of a log-normal law; counts have none.
    deviation: Option<f64>,
    zeros: f64,
    /// Largest mean.
    cap: f64,
}

impl Law {
    /// Check the law of outcomes, of which the share `zeros` is 0 whatever the mean; `None` for Bernoulli's. `largest` is the
    /// largest rate of any arm and segment, `levels` the most that modifiers multiply it by, where that is known.
    ///
    /// # Errors
    /// Names the field that cannot be used.
    pub fn new(outcome: &Outcome, zeros: f64, largest: f64, levels: Option<f64>) -> Result<Option<Self>> {
        if !(0.0..=1.0).contains(&zeros) {
            return Err(refuse("bandit.zeros", zeros, "a share in [0, 1]"));
        }
        let (dispersion, deviation) = match *outcome {
            Outcome::Bernoulli if zeros > 0.0 => {
                return Err(refuse("bandit.zeros", zeros, "0 where the outcome is bernoulli: the rate says it"));
            }
            Outcome::Bernoulli => return Ok(None),
            Outcome::Poisson => (0.0, None),
            Outcome::NegativeBinomial { dispersion } if !(dispersion > 0.0 && dispersion <= 100.0) => {
                return Err(refuse("bandit.outcome.dispersion", dispersion, "a number above 0 and at most 100"));
            }
            Outcome::NegativeBinomial { dispersion } => (dispersion, None),
            Outcome::LogNormal { deviation } if !(0.0..=3.0).contains(&deviation) => {
                return Err(refuse("bandit.outcome.deviation", deviation, "a number in [0, 3]"));
            }
            Outcome::LogNormal { deviation } => (0.0, Some(deviation)),
        };
        let cap = (largest * levels.unwrap_or(BURST).min(BURST)).min(MOST);
        Ok(Some(Self { gamma: GammaTable::new(dispersion), deviation, zeros, cap }))
    }

    /// Largest outcome that words of 32 bits can give.
    pub fn most(&self) -> f64 {
        let factor = if self.gamma.is_empty() { 1.0 } else { self.gamma.at(u32::MAX) };
        match self.deviation {
            Some(deviation) => self.cap * log_normal(deviation, u32::MAX),
            None => f64::from(poisson::quantile(u32::MAX, self.cap * factor)),
        }
    }

    /// Turn means into expected outcomes.
    pub fn expect(&self, means: &mut [f64]) {
        for mean in means {
            *mean = (1.0 - self.zeros) * mean.min(self.cap);
        }
    }

    /// Turn means into outcomes; `words` are those of the outcome.
    pub fn draw(&self, run: &Run<'_>, words: &[u32], means: &mut [f64]) {
        for mean in means.iter_mut() {
            *mean = mean.min(self.cap);
        }
        let mut others = vec![0; run.len];
        if let Some(deviation) = self.deviation {
            means.iter_mut().zip(words).for_each(|(mean, &word)| *mean *= log_normal(deviation, word));
        } else {
            if !self.gamma.is_empty() {
                run.words(GAMMA, &mut others);
                means.iter_mut().zip(&others).for_each(|(mean, &word)| *mean *= self.gamma.at(word));
            }
            let mut counts = vec![0; run.len];
            poisson::fill(words, means, &mut counts);
            means.iter_mut().zip(counts).for_each(|(mean, count)| *mean = f64::from(count));
        }
        if self.zeros > 0.0 {
            run.words(ZERO, &mut others);
            let bound = threshold(self.zeros);
            means.iter_mut().zip(others).filter(|(_, word)| u64::from(*word) < bound).for_each(|(out, _)| *out = 0.0);
        }
    }
}

/// A log-normal factor of mean 1.
fn log_normal(deviation: f64, word: u32) -> f64 {
    exp(deviation * normal::quantile(word) - 0.5 * deviation * deviation)
}
