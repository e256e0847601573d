//! Poisson counts, monotone in one word.

use super::fast::{self, Chain, Moments, Units};
use super::lattice::{self, Expansion, Law};
use super::table::Table;
use crate::dispatch::{self, Kernel};
use crate::special::{deviance, exp, stirling_rest};

/// Largest rate that is accepted: counts stay below 2^32.
pub const MAX_RATE: f64 = 1e9;

#[derive(Debug, Clone, Copy)]
struct Poisson {
    rate: f64,
}

impl Law for Poisson {
    fn top(self) -> u32 {
        u32::MAX
    }
    fn mean(self) -> f64 {
        self.rate
    }
    fn mass(self, k: u32) -> f64 {
        if k == 0 {
            return exp(-self.rate);
        }
        let x = f64::from(k);
        exp(-stirling_rest(x) - deviance(x, self.rate)) / (std::f64::consts::TAU * x).sqrt()
    }
    fn down(self, k: u32) -> f64 {
        f64::from(k) / self.rate
    }
    fn up(self, k: u32) -> f64 {
        self.rate / (f64::from(k) + 1.0)
    }
    #[inline(always)]
    fn expansion(self) -> Expansion {
        Expansion::new(self.rate, self.rate, [1.0; 4])
    }
    fn log_first(self) -> f64 {
        -self.rate
    }
}

/// Probability of `k` events.
pub fn mass(k: u32, rate: f64) -> f64 {
    if rate <= 0.0 { f64::from(u8::from(k == 0)) } else { Poisson { rate }.mass(k) }
}

/// Probability of at most `k` events.
pub fn cdf(k: u32, rate: f64) -> f64 {
    if rate <= 0.0 { 1.0 } else { lattice::cdf(Poisson { rate }, k) }
}

/// How many words give at most `k` events: `round(cdf × 2^32)`, the definition that all paths of [`quantile`] meet.
pub fn threshold(k: u32, rate: f64) -> u64 {
    if rate <= 0.0 { 1 << 32 } else { lattice::threshold(Poisson { rate }, k) }
}

/// The smallest `k` with `unit(word) <= cdf(k, rate)`: grows with the word and with the rate.
///
/// `rate` must lie in [0, [`MAX_RATE`]].
///
/// ```
/// assert_eq!(onetake_core::samplers::poisson::quantile(1 << 31, 3.0), 3);
/// ```
#[inline]
pub fn quantile(word: u32, rate: f64) -> u32 {
    if rate <= 0.0 { 0 } else { lattice::quantile(Poisson { rate }, rate, word) }
}

impl Units for &[f64] {
    #[inline(always)]
    fn moments(self, i: usize) -> Moments {
        Moments { mean: self[i], variance: self[i], relative: [1.0; 4], top: f64::INFINITY }
    }
    #[inline(always)]
    fn chain(self, i: usize) -> Chain {
        Chain { log_mass: -self[i], first: self[i], loss: 0.0, from: None }
    }
    #[inline(never)]
    fn exact(self, i: usize, word: u32) -> u32 {
        quantile(word, self[i])
    }
}

/// [`quantile`] unit by unit, for use inside a kernel; all slices have one length.
#[inline(always)]
pub fn block(words: &[u32], rate: &[f64], out: &mut [u32]) {
    let len = out.len();
    fast::block(&rate[..len], &words[..len], out);
}

/// [`quantile`] unit by unit, as wide as the machine allows; all slices have one length.
pub fn fill(words: &[u32], rate: &[f64], out: &mut [u32]) {
    dispatch::run(Fill { words, rate, out });
}

struct Fill<'a> {
    words: &'a [u32],
    rate: &'a [f64],
    out: &'a mut [u32],
}

impl Kernel for Fill<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        block(self.words, self.rate, self.out);
    }
}

/// A rate that many units share: draws are those of [`quantile`], by a table.
#[derive(Debug)]
pub struct Shared {
    rate: f64,
    table: Option<Table>,
}

impl Shared {
    /// For a rate in [0, [`MAX_RATE`]].
    pub fn new(rate: f64) -> Self {
        let (first, last) = (quantile(0, rate), quantile(u32::MAX, rate));
        let table = if rate > 0.0 { Table::new(Poisson { rate }, first, last) } else { None };
        Self { rate, table }
    }

    /// [`quantile`] of each word; both slices have one length.
    #[inline(always)]
    pub fn fill(&self, words: &[u32], out: &mut [u32]) {
        for (o, w) in out.iter_mut().zip(words) {
            *o = match &self.table {
                Some(table) => table.quantile(*w),
                None => quantile(*w, self.rate),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samplers::lattice::tests::{VARIANCES, worst};

    #[test]
    fn expansion_errs_by_less_than_half_its_band_for_every_count_in_reach() {
        for rate in VARIANCES {
            let error = worst(Poisson { rate }, rate);
            assert!(error < 0.5, "rate {rate}: {error}");
        }
    }
}
