//! Binomial counts, monotone in one word.

use super::fast::{self, Chain, Moments, Units};
use super::lattice::{self, Expansion, Law};
pub use super::shared::Shared;
pub use super::table::Table;
use crate::dispatch::{self, Kernel};
use crate::special::{deviance, exp, ln_1p, stirling_rest};

#[derive(Debug, Clone, Copy)]
pub(super) struct Binomial {
    pub(super) n: u32,
    pub(super) p: f64,
    pub(super) q: f64,
}

impl Law for Binomial {
    fn top(self) -> u32 {
        self.n
    }
    fn mean(self) -> f64 {
        f64::from(self.n) * self.p
    }
    fn mass(self, k: u32) -> f64 {
        let (n, x) = (f64::from(self.n), f64::from(k));
        let y = n - x;
        if k == 0 {
            return exp(self.log_first());
        }
        if k == self.n {
            return exp(n * if self.p < 0.5 { crate::special::ln(self.p) } else { ln_1p(-self.q) });
        }
        let log =
            stirling_rest(n) - stirling_rest(x) - stirling_rest(y) - deviance(x, n * self.p) - deviance(y, n * self.q);
        exp(log) * (n / (std::f64::consts::TAU * x * y)).sqrt()
    }
    fn down(self, k: u32) -> f64 {
        f64::from(k) * self.q / ((f64::from(self.n) - f64::from(k) + 1.0) * self.p)
    }
    fn up(self, k: u32) -> f64 {
        (f64::from(self.n) - f64::from(k)) * self.p / ((f64::from(k) + 1.0) * self.q)
    }
    #[inline(always)]
    fn expansion(self) -> Expansion {
        let n = f64::from(self.n);
        let pq = self.p * self.q;
        let skew = self.q - self.p;
        let relative = [skew, 1.0 - 6.0 * pq, skew * (1.0 - 12.0 * pq), 1.0 - 30.0 * pq * (1.0 - 4.0 * pq)];
        Expansion::new(n * self.p, n * pq, relative)
    }
    fn log_first(self) -> f64 {
        f64::from(self.n) * ln_1p(-self.p)
    }
}

/// Probability that at most `k` of `n` trials succeed.
///
/// ```
/// let f = onetake_core::samplers::binomial::cdf(1, 3, 0.5);
/// assert!((f - 0.5).abs() < 1e-15);
/// ```
pub fn cdf(k: u32, n: u32, p: f64) -> f64 {
    if n == 0 || p <= 0.0 || k >= n {
        return 1.0;
    }
    if p >= 1.0 { 0.0 } else { lattice::cdf(Binomial { n, p, q: 1.0 - p }, k) }
}

/// How many words give at most `k` successes: `round(cdf × 2^32)`, the definition that all paths of [`quantile`] meet.
pub fn threshold(k: u32, n: u32, p: f64) -> u64 {
    if n == 0 || p <= 0.0 || k >= n {
        return 1 << 32;
    }
    if p >= 1.0 { 0 } else { lattice::threshold(Binomial { n, p, q: 1.0 - p }, k) }
}

/// The smallest `k` with `unit(word) <= cdf(k, n, p)`: grows with the word, with `n` and with `p`.
///
/// `p` must lie in [0, 1]. The smallest probability that can be told from 0 is 2^-32.
///
/// ```
/// use onetake_core::samplers::binomial::quantile;
/// assert_eq!(quantile(1 << 31, 10_000, 0.5), 5_000);
/// assert_eq!(quantile(7, 10, 1.0), 10);
/// ```
#[inline]
pub fn quantile(word: u32, n: u32, p: f64) -> u32 {
    if n == 0 || p <= 0.0 {
        return 0;
    }
    if p >= 1.0 {
        return n;
    }
    let law = Binomial { n, p, q: 1.0 - p };
    let variance = f64::from(n) * p * law.q;
    if variance < lattice::WIDE && p > 0.5 { flipped(law, word) } else { lattice::quantile(law, variance, word) }
}

/// Few failures: count them, from the other end of the same distribution function, and settle by its thresholds.
fn flipped(law: Binomial, word: u32) -> u32 {
    let failures = lattice::search(Binomial { n: law.n, p: law.q, q: law.p }, !word);
    lattice::settle(law, word, law.n - failures)
}

#[derive(Clone, Copy)]
struct Given<'a> {
    n: &'a [u32],
    p: &'a [f64],
}

impl Units for Given<'_> {
    #[inline(always)]
    fn moments(self, i: usize) -> Moments {
        let (n, p) = (f64::from(self.n[i]), self.p[i]);
        let q = 1.0 - p;
        let (pq, skew) = ((p * q) as f32, (q - p) as f32);
        let relative = [skew, 1.0 - 6.0 * pq, skew * (1.0 - 12.0 * pq), 1.0 - 30.0 * pq * (1.0 - 4.0 * pq)];
        Moments { mean: n * p, variance: n * p * q, relative, top: n }
    }
    #[inline(always)]
    fn chain(self, i: usize) -> Chain {
        let (n, p) = (self.n[i], self.p[i]);
        let rare = if p > 0.5 { 1.0 - p } else { p };
        let loss = rare / (1.0 - rare);
        let trials = f64::from(n);
        Chain { log_mass: trials * ln_1p(-rare), first: trials * loss, loss, from: (p > 0.5).then_some(n) }
    }
    #[inline(never)]
    fn exact(self, i: usize, word: u32) -> u32 {
        quantile(word, self.n[i], self.p[i])
    }
}

/// [`quantile`] unit by unit, for use inside a kernel; all slices have one length.
#[inline(always)]
pub fn block(words: &[u32], n: &[u32], p: &[f64], out: &mut [u32]) {
    let len = out.len();
    fast::block(Given { n: &n[..len], p: &p[..len] }, &words[..len], out);
}

/// [`quantile`] unit by unit, as wide as the machine allows; all slices have one length.
pub fn fill(words: &[u32], n: &[u32], p: &[f64], out: &mut [u32]) {
    dispatch::run(Fill { words, n, p, out });
}

struct Fill<'a> {
    words: &'a [u32],
    n: &'a [u32],
    p: &'a [f64],
    out: &'a mut [u32],
}

impl Kernel for Fill<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        block(self.words, self.n, self.p, self.out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samplers::lattice::tests::{VARIANCES, worst};

    #[test]
    fn expansion_errs_by_less_than_half_its_band_for_every_count_in_reach() {
        for variance in VARIANCES {
            for skewness in 0..=24 {
                // From 1e-6 to ½, and mirrored.
                let p = 0.5 * (2e-6_f64).powf(f64::from(skewness) / 24.0);
                for p in [p, 1.0 - p] {
                    let q = 1.0 - p;
                    let n = (variance / (p * q)).ceil() as u32;
                    let law = Binomial { n, p, q };
                    let error = worst(law, f64::from(n) * p * q);
                    assert!(error < 0.5, "n {n} p {p} variance {variance}: {error}");
                }
            }
        }
    }
}
