//! What the monotone samplers of counts share: the canonical quantile and two ways to come near it.
//!
//! The canonical quantile of a word is `Q(w) = min {k : w < T(k)}` with `T(k) = round(F(k) × 2^32)`, where `F` is
//! [`tail`]'s sum of probabilities. Every fast path ends with a proof that its candidate is that `k`, or asks here.

use super::fast::NOISE;
use crate::rng::unit;
use crate::special::exp;

pub(crate) const WORDS: f64 = 4_294_967_296.0;
/// Variance from which [`Expansion`] is used.
pub(crate) const WIDE: f64 = 12.0;

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

/// [`threshold`] of the counts from `first` to `last - 1`, by adding up once; `None` where the noise could round it
/// otherwise.
pub(crate) fn mass_sums<L: Law>(law: L, first: u32, last: u32) -> Vec<Option<u64>> {
    let whole = |x: f64| {
        // Half a word from where rounding changes.
        let gap = (x - x.floor() - 0.5).abs();
        (0.5 - gap > NOISE * WORDS).then_some(x)
    };
    let mode = (law.mean() as u32).clamp(first, last);
    let mut masses = vec![0.0; (last - first) as usize + 1];
    masses[(mode - first) as usize] = law.mass(mode);
    for k in (first + 1..=mode).rev() {
        masses[(k - 1 - first) as usize] = masses[(k - first) as usize] * law.down(k);
    }
    for k in mode..last {
        masses[(k + 1 - first) as usize] = masses[(k - first) as usize] * law.up(k);
    }
    let mut sums = vec![None; (last - first) as usize];
    let mut sum = if first == 0 { 0.0 } else { cdf(law, first - 1) };
    for k in first..mode.min(last) {
        sum += masses[(k - first) as usize];
        sums[(k - first) as usize] = whole(sum * WORDS + 0.5).map(|x| x as u64);
    }
    let mut beyond = if last == law.top() { 0.0 } else { tail(law, last).0 };
    for k in (mode..last).rev() {
        beyond += masses[(k + 1 - first) as usize];
        sums[(k - first) as usize] = whole(beyond * WORDS - 0.5).map(|x| (1 << 32) - x.max(0.0).ceil() as u64);
    }
    sums
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
    /// Cumulants 3 to 6 in units of the width.
    shape: [f64; 4],
    scale: f64,
    floor: f64,
}

impl Expansion {
    /// From the mean and the cumulants 2 to 6 (the last four divided by the second).
    pub(crate) fn new(mean: f64, variance: f64, relative: [f64; 4]) -> Self {
        let corrected = variance - 1.0 / 12.0;
        let width = corrected.sqrt();
        let r = 1.0 / width;
        let r2 = r * r;
        let shape = [
            relative[0] * variance * r2 * r,
            (relative[1] * variance + 1.0 / 120.0) * r2 * r2,
            relative[2] * variance * r2 * r2 * r,
            (relative[3] * variance - 1.0 / 252.0) * r2 * r2 * r2,
        ];
        Self { centre: mean, width, shape, scale: r2 * r2, floor: 1e-7 + mean * 1e-15 }
    }

    /// The curve at the normal quantile `z`.
    pub(crate) fn at(&self, z: f64) -> f64 {
        let [a, b, c, d] = self.shape;
        self.centre + self.width * (z + correction(a, b, c, d, z))
    }

    /// How far [`Expansion::at`] may be from the truth: at least twice the largest error found (see the tests).
    pub(crate) fn band(&self, z: f64) -> f64 {
        let z2 = z * z;
        let z4 = z2 * z2;
        self.floor + self.scale * (0.1 + 2e-4 * (z4 * z4))
    }
}

/// What the expansion adds to `z`, from the standardised cumulants 3 to 6: a polynomial in Hermite polynomials.
#[inline(always)]
pub(crate) fn correction<F: Real>(a: F, b: F, c: F, d: F, z: F) -> F {
    let f = F::of;
    let (a2, ab, b2, ac) = (a * a, a * b, b * b, a * c);
    let (a3, a2b, a4) = (a2 * a, a2 * b, a2 * a2);
    // Factors of He1 to He5.
    let h1 = a2b * f(1.0 / 36.0) - a2 * f(1.0 / 36.0) - b2 * f(1.0 / 192.0) - a4 * f(227.0 / 7776.0);
    let h2 = a * f(1.0 / 6.0) - ab * f(1.0 / 24.0) + a3 * f(19.0 / 324.0);
    let h3 = b * f(1.0 / 24.0) - a2 * f(1.0 / 18.0) - b2 * f(1.0 / 64.0) - ac * f(1.0 / 60.0) + a2b * f(37.0 / 288.0)
        - a4 * f(832.0 / 7776.0);
    let h4 = c * f(1.0 / 120.0) - ab * f(1.0 / 24.0) + a3 * f(1.0 / 27.0);
    let h5 =
        d * f(1.0 / 720.0) - b2 * f(1.0 / 128.0) - ac * f(1.0 / 90.0) + a2b * f(14.0 / 288.0) - a4 * f(252.0 / 7776.0);
    let t1 = h1 - f(3.0) * h3 + f(15.0) * h5;
    let t2 = h2 - f(6.0) * h4;
    let t3 = h3 - f(10.0) * h5;
    f(3.0) * h4 - h2 + z * (t1 + z * (t2 + z * (t3 + z * (h4 + z * h5))))
}

/// Single or double precision.
pub(crate) trait Real:
    Copy + std::ops::Add<Output = Self> + std::ops::Sub<Output = Self> + std::ops::Mul<Output = Self>
{
    /// The nearest number.
    fn of(x: f64) -> Self;
}

impl Real for f64 {
    #[inline(always)]
    fn of(x: f64) -> Self {
        x
    }
}

impl Real for f32 {
    #[inline(always)]
    fn of(x: f64) -> Self {
        x as Self
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::samplers::normal;

    /// The largest error of the expansion over all counts that words reach, in units of its band.
    pub(in crate::samplers) fn worst<L: Law>(law: L, variance: f64) -> f64 {
        let expansion = law.expansion();
        let reach = 7.0 * variance.sqrt() + 25.0;
        let first = (law.mean() - reach).max(0.0) as u32;
        let last = ((law.mean() + reach) as u32).min(law.top() - 1);
        let mut worst: f64 = 0.0;
        for k in first..=last {
            let (sum, lower) = tail(law, k);
            if (0.5 / WORDS..=0.5).contains(&sum) {
                let z = if lower { -normal::above(sum) } else { normal::above(sum) };
                worst = worst.max((expansion.at(z) - f64::from(k) - 0.5).abs() / expansion.band(z));
            }
        }
        worst
    }

    /// Variances from the smallest that expands on.
    pub(in crate::samplers) const VARIANCES: [f64; 12] =
        [12.0, 12.5, 13.3, 15.0, 18.0, 24.0, 35.0, 60.0, 98.0, 250.0, 1_000.0, 2_500.0];
}
