//! Why days differ: gamma noise of each product, shocks that a group or everybody shares.
//!
//! Interactions are Poisson given a gamma factor of mean 1, that is negative binomial; the gamma factor is the inverse
//! distribution function of its own word, so that luck stays monotone and runs stay paired. Shocks are log-normal of mean
//! 1; the word of a group's shock belongs to the group's id, whatever block or shard its products are in.

use crate::family::Run;
use crate::samplers::normal;
use crate::special::{exp, ln};

/// Entity whose words move everybody; no batch reaches it.
const EVERYBODY: u32 = u32::MAX;
/// Equal parts of the gamma distribution.
const CELLS: usize = 4096;

/// Means of the gamma distribution's equal parts: its mean is exact, its variance short by less than 0.1 %.
#[derive(Debug, Clone, PartialEq)]
pub struct GammaTable(Vec<f64>);

impl GammaTable {
    /// Of a gamma distribution with mean 1 and variance `dispersion`; empty where that is 0.
    pub fn new(dispersion: f64) -> Self {
        if dispersion <= 0.0 {
            return Self(Vec::new());
        }
        let shape = 1.0 / dispersion;
        // The mean of a part is the difference of the distribution function of one shape more.
        let mut cells = Vec::with_capacity(CELLS);
        let (mut low, mut below) = (0.0, 0.0);
        for cell in 1..=CELLS {
            let reached = if cell == CELLS {
                1.0
            } else {
                low = quantile(cell as f64 / CELLS as f64, shape, low);
                lower(shape + 1.0, low)
            };
            cells.push((reached - below) * CELLS as f64);
            below = reached;
        }
        Self(cells)
    }

    /// Whether there is no noise.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The factor of a word.
    #[inline(always)]
    pub fn at(&self, word: u32) -> f64 {
        self.0[(word >> 20) as usize]
    }
}

/// Where the distribution function of a gamma number with `shape` and scale 1 reaches `share`, from `low` on upwards:
/// Newton's steps, halved where they leave the bracket.
fn quantile(share: f64, shape: f64, low: f64) -> f64 {
    let (mut low, mut high) = (low, low.max(shape) + 1.0);
    while lower(shape, high) < share {
        (low, high) = (high, 2.0 * high);
    }
    let front = libm::lgamma(shape);
    let mut x = if low > 0.0 { low } else { 0.5 * high };
    for _ in 0..200 {
        let gap = lower(shape, x) - share;
        if gap < 0.0 { low = x } else { high = x }
        let density = exp((shape - 1.0) * ln(x) - x - front);
        let next = x - gap / density;
        let next = if low < next && next < high { next } else { 0.5 * (low + high) };
        if (next - x).abs() <= 1e-13 * x {
            break;
        }
        x = next;
    }
    x
}

/// The regularised lower incomplete gamma function, by its series or its continued fraction.
///
/// Source: Press et al., *Numerical Recipes*, 1992, section 6.2.
fn lower(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let front = exp(a * ln(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        while term > sum * 1e-17 {
            n += 1.0;
            term *= x / n;
            sum += term;
        }
        return sum * front;
    }
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1e300, 1.0 / b);
    let mut h = d;
    for i in 1..10_000_i32 {
        let factor = -f64::from(i) * (f64::from(i) - a);
        b += 2.0;
        d = 1.0 / (factor * d + b);
        c = b + factor / c;
        let change = d * c;
        h *= change;
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    1.0 - h * front
}

/// Standard deviations of the logarithm of the shocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shocks {
    /// Of the one that everybody in a replicate shares.
    pub all: f64,
    /// Of the one that a group shares.
    pub group: f64,
}

impl Shocks {
    /// Multiply `levels` by the shocks of the run's step; `slots` are those of everybody's and the group's.
    pub fn multiply(self, run: &Run<'_>, groups: &[u32], slots: [u32; 2], levels: &mut [f64]) {
        if self.all > 0.0 {
            let shock = factor(self.all, run.key.word(slots[0], 0, run.step, EVERYBODY, run.replicate));
            for level in levels.iter_mut() {
                *level *= shock;
            }
        }
        if self.group <= 0.0 {
            return;
        }
        let mut last = None;
        let mut shock = 1.0;
        for (level, &group) in levels.iter_mut().zip(&groups[run.entity_row..run.entity_row + run.len]) {
            if last != Some(group) {
                last = Some(group);
                shock = factor(self.group, run.key.word(slots[1], 0, run.step, group, run.replicate));
            }
            *level *= shock;
        }
    }
}

/// A log-normal number of mean 1.
fn factor(deviation: f64, word: u32) -> f64 {
    exp(deviation * normal::quantile(word) - 0.5 * deviation * deviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_parts_have_mean_one_the_stated_variance_and_grow() {
        for dispersion in [0.01, 0.1, 0.5, 1.0, 3.0] {
            let table = GammaTable::new(dispersion).0;
            let mean = table.iter().sum::<f64>() / CELLS as f64;
            let variance = table.iter().map(|g| (g - 1.0) * (g - 1.0)).sum::<f64>() / CELLS as f64;
            assert!((mean - 1.0).abs() < 1e-12, "{dispersion}: {mean}");
            assert!((variance / dispersion - 1.0).abs() < 1e-3, "{dispersion}: {variance}");
            assert!(table.windows(2).all(|pair| pair[0] < pair[1]) && table[0] >= 0.0);
        }
    }

    #[test]
    fn incomplete_gamma_has_known_values() {
        // SciPy: gammainc(2.5, [0.5, 3, 9]), gammainc(20, 25).
        let known = [(2.5, 0.5, 0.037_434_226_752_703_64), (2.5, 3.0, 0.693_781_081_586_721_6)];
        for (a, x, want) in known {
            assert!((lower(a, x) - want).abs() < 1e-12, "{}", lower(a, x));
        }
    }
}
