//! What the monotone samplers of counts share: the canonical quantile and two ways to come near it.
//!
//! The canonical quantile of a word is `Q(w) = min {k : w < T(k)}` with `T(k) = round(F(k) × 2^32)`, where `F` is
//! [`tail`]'s sum of probabilities. Every fast path ends with a proof that its candidate is that `k`, or asks here.

use crate::rng::unit;
use crate::special::exp;

pub(crate) const WORDS: f64 = 4_294_967_296.0;
/// Variance from which [`Expansion`] is used.
pub(crate) const WIDE: f64 = 12.0;
/// Two ways of adding up the same distribution function differ by less than this.
const NOISE: f64 = 1e-12;

/// A distribution over the integers from 0 to `top`.
pub(crate) trait Law: Copy {
    /// The largest value.
    fn top(self) -> u32;
    /// The mean.
    fn mean(self) -> f64;
    /// Probability of `k`.
    fn mass(self, k: u32) -> f64;
    /// `mass(k - 1) / mass(k)`.
    fn down(self, k: u32) -> f64;
    /// `mass(k + 1) / mass(k)`.
    fn up(self, k: u32) -> f64;
    /// The quantile's expansion.
    fn expansion(self) -> Expansion;
    /// `ln mass(0)`.
    fn log_first(self) -> f64;
}

/// The smaller one of `P(X <= k)` (then true) and `P(X > k)` (then false): the sum of its terms from the largest on.
fn tail<L: Law>(law: L, k: u32) -> (f64, bool) {
    let lower = f64::from(k) < law.mean();
    let (mut at, last) = if lower { (k, 0) } else { (k + 1, law.top()) };
    let mut term = law.mass(at);
    let mut sum = term;
    while at != last && term > sum * 1e-18 {
        term *= if lower { law.down(at) } else { law.up(at) };
        at = if lower { at - 1 } else { at + 1 };
        sum += term;
    }
    (sum, lower)
}

/// `P(X <= k)`.
pub(crate) fn cdf<L: Law>(law: L, k: u32) -> f64 {
    if k >= law.top() {
        return 1.0;
    }
    let (sum, lower) = tail(law, k);
    if lower { sum } else { 1.0 - sum }
}

/// How many words have `unit(word) <= P(X <= k)`.
pub(crate) fn threshold<L: Law>(law: L, k: u32) -> u64 {
    if k >= law.top() {
        return 1 << 32;
    }
    let (sum, lower) = tail(law, k);
    if lower { (sum * WORDS + 0.5) as u64 } else { (1 << 32) - (sum * WORDS - 0.5).max(0.0).ceil() as u64 }
}

/// The canonical quantile, from a candidate that is near it.
pub(crate) fn settle<L: Law>(law: L, word: u32, near: u32) -> u32 {
    let word = u64::from(word);
    let mut k = near.min(law.top());
    if word < threshold(law, k) {
        while k > 0 && word < threshold(law, k - 1) {
            k -= 1;
        }
        return k;
    }
    loop {
        k += 1;
        if word < threshold(law, k) {
            return k;
        }
    }
}

/// Add up probabilities from 0 on until they pass the word.
pub(crate) fn search<L: Law>(law: L, word: u32) -> u32 {
    let u = unit(word);
    let mut k = 0;
    let mut term = exp(law.log_first());
    let mut sum = term;
    while sum + NOISE < u && k < law.top() {
        term *= law.up(k);
        k += 1;
        sum += term;
    }
    if (sum - u).abs() <= NOISE { settle(law, word, k) } else { k }
}

/// Cornish–Fisher expansion of the quantile to the fourth order, with Sheppard's corrections for the lattice.
///
/// With `z` the normal quantile of the word, `centre + width × (z + ...)` lies within [`Expansion::band`] of the
/// continuous curve through the points `(F(k), k + ½)`.
/// Source: Abramowitz and Stegun 26.2.49.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expansion {
    centre: f64,
    width: f64,
    /// Coefficients of z^0 to z^5, without the leading z.
    terms: [f64; 6],
    scale: f64,
    floor: f64,
}

impl Expansion {
    /// From the mean and the cumulants 2 to 6 (the last four divided by the second).
    #[inline(always)]
    pub(crate) fn new(mean: f64, variance: f64, relative: [f64; 4]) -> Self {
        let corrected = variance - 1.0 / 12.0;
        let width = corrected.sqrt();
        let r = 1.0 / width;
        let r2 = r * r;
        let a = relative[0] * variance * r2 * r;
        let b = (relative[1] * variance + 1.0 / 120.0) * r2 * r2;
        let c = relative[2] * variance * r2 * r2 * r;
        let d = (relative[3] * variance - 1.0 / 252.0) * r2 * r2 * r2;
        let (a2, ab, b2, ac) = (a * a, a * b, b * b, a * c);
        let (a3, a2b, a4) = (a2 * a, a2 * b, a2 * a2);
        // Factors of the Hermite polynomials He1 to He5.
        let h1 = -a2 / 36.0 - b2 / 192.0 + a2b / 36.0 - a4 * (227.0 / 7776.0);
        let h2 = a / 6.0 - ab / 24.0 + a3 * (19.0 / 324.0);
        let h3 = b / 24.0 - a2 / 18.0 - b2 / 64.0 - ac / 60.0 + a2b * (37.0 / 288.0) - a4 * (832.0 / 7776.0);
        let h4 = c / 120.0 - ab / 24.0 + a3 / 27.0;
        let h5 = d / 720.0 - b2 / 128.0 - ac / 90.0 + a2b * (14.0 / 288.0) - a4 * (252.0 / 7776.0);
        Self {
            centre: mean,
            width,
            terms: [3.0 * h4 - h2, h1 - 3.0 * h3 + 15.0 * h5, h2 - 6.0 * h4, h3 - 10.0 * h5, h4, h5],
            scale: 1.0 / (variance * variance),
            floor: 1e-7 + mean * 1e-15,
        }
    }

    /// The curve at the normal quantile `z`.
    #[inline(always)]
    pub(crate) fn at(&self, z: f64) -> f64 {
        let [t0, t1, t2, t3, t4, t5] = self.terms;
        let w = t0 + z * (t1 + z * (t2 + z * (t3 + z * (t4 + z * t5))));
        self.centre + self.width * (z + w)
    }

    /// How far [`Expansion::at`] may be from the truth: at least twice the largest error found (see the tests).
    #[inline(always)]
    pub(crate) fn band(&self, z: f64) -> f64 {
        let z2 = z * z;
        let z4 = z2 * z2;
        self.floor + self.scale * (0.05 + 1e-4 * (z4 * z4))
    }
}

/// The canonical quantile of one word.
#[inline]
pub(crate) fn quantile<L: Law>(law: L, variance: f64, word: u32) -> u32 {
    if variance < WIDE {
        return search(law, word);
    }
    let z = super::normal::quantile(word);
    let expansion = law.expansion();
    let y = expansion.at(z);
    let k = (y + 0.5).floor();
    let gap = (y - k).abs();
    let near = k.clamp(0.0, f64::from(law.top())) as u32;
    if 0.5 - gap > expansion.band(z) && f64::from(near) == k { near } else { settle(law, word, near) }
}
