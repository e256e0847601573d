//! People of a cohort are alike on a day: beta-binomial counts.
//!
//! A day's chance is beta distributed with the stated mean `q` and variance `ρ q (1 − q)`, where `ρ` is the correlation of two
//! people of the cohort; so a count among `n` has variance `n q (1 − q) (1 + (n − 1) ρ)`. The chance of the day is a monotone
//! function of a word of its own and of `q`: means of equal parts of beta distributions, at nodes that lie close near 0
//! and 1, and in between on a straight line, which keeps the mean exact.
//! Source: Skellam, *A probability distribution derived from the binomial distribution by regarding the probability of
//! success as variable between the sets of trials*, 1948.

use crate::special::{exp, ln_1p};

/// Equal parts of a beta distribution.
const CELLS: usize = 1024;
/// Distances between nodes.
const NODES: usize = 512;
/// Points by which a beta distribution is added up, over its logit.
const POINTS: usize = 4000;

/// Chances of a day, by node and part.
#[derive(Debug)]
pub struct Alike(Vec<f64>);

impl Alike {
    /// For a correlation above 0 and below 1.
    pub fn new(correlation: f64) -> Self {
        let people = (1.0 - correlation) / correlation;
        let mut table = vec![0.0; (NODES + 1) * CELLS];
        for (j, cells) in table.chunks_exact_mut(CELLS).enumerate() {
            let mean = node(j as f64);
            match j {
                0 => cells.fill(0.0),
                NODES => cells.fill(1.0),
                _ => parts(mean, people, cells),
            }
        }
        Self(table)
    }

    /// The chance of the day where the mean is `chance`, in [0, 1].
    #[inline]
    pub fn at(&self, word: u32, chance: f64) -> f64 {
        let turn = libm::asin(libm::sqrt(chance)) * (2.0 * NODES as f64 / std::f64::consts::PI);
        let mut j = (turn as usize).min(NODES - 1);
        if node(j as f64) > chance {
            j -= 1;
        }
        let (low, high) = (node(j as f64), node(j as f64 + 1.0));
        let part = ((chance - low) / (high - low)).clamp(0.0, 1.0);
        let cell = (word >> 22) as usize;
        let (a, b) = (self.0[j * CELLS + cell], self.0[(j + 1) * CELLS + cell]);
        (a + (b - a) * part).clamp(0.0, 1.0)
    }
}

/// The mean at node `j`: 0 and 1 at the ends.
fn node(j: f64) -> f64 {
    let sine = libm::sin(j * std::f64::consts::PI / (2.0 * NODES as f64));
    sine * sine
}

/// Means of equal parts of the beta distribution with this mean, as if that many people had been seen.
fn parts(mean: f64, people: f64, cells: &mut [f64]) {
    let (a, b) = (mean * people, (1.0 - mean) * people);
    // Over z = logit x the density is proportional to x^a (1 - x)^b, which falls off like exp(a z) and exp(-b z). What lies
    // beyond 45 either way is 0 or 1 for every count: those ends are atoms, as is what hardly weighs.
    let log_density = |z: f64| -a * softplus(-z) - b * softplus(z);
    let peak = log_density(ln_odds(mean));
    let end = |way: f64| {
        let mut z = ln_odds(mean);
        while z.abs() < 45.0 && log_density(z) > peak - 40.0 {
            z += 0.125 * way;
        }
        z
    };
    let (low, high) = (end(-1.0), end(1.0));
    let step = (high - low) / POINTS as f64;
    let weight = |z: f64| exp(log_density(z) - peak);
    // The ends: the integrals of exp(a z) below and of exp(-b z) above.
    let (below, above) = (weight(low) / a, weight(high) / b);
    let mut reached = vec![(below, 0.0)];
    for k in 0..POINTS {
        let z = low + (k as f64 + 0.5) * step;
        let mass = weight(z) * step;
        let (all, first) = reached[k];
        reached.push((all + mass, first + mass / (1.0 + exp(-z))));
    }
    let (all, first) = reached[POINTS];
    let (all, first) = (all + above, first + above);
    reached.push((all, first));
    // The share of the mean that lies below a share of the distribution, on straight lines between the points.
    let mut k = 0;
    let (mut before, mut least) = (0.0, 0.0_f64);
    for (cell, out) in cells.iter_mut().enumerate() {
        let share = all * (cell + 1) as f64 / CELLS as f64;
        while k + 1 < reached.len() && reached[k].0 < share {
            k += 1;
        }
        let ((m0, f0), (m1, f1)) = (if k == 0 { (0.0, 0.0) } else { reached[k - 1] }, reached[k]);
        let part = if m1 > m0 { ((share - m0) / (m1 - m0)).clamp(0.0, 1.0) } else { 1.0 };
        let now = if cell + 1 == CELLS { first } else { f0 + (f1 - f0) * part };
        // Differences of sums carry rounding; parts must not fall.
        least = ((now - before) / first * mean * CELLS as f64).max(least);
        *out = least;
        before = now;
    }
}

fn ln_odds(mean: f64) -> f64 {
    crate::special::ln(mean) - ln_1p(-mean)
}

/// `ln(1 + exp z)`.
fn softplus(z: f64) -> f64 {
    if z > 0.0 { z + ln_1p(exp(-z)) } else { ln_1p(exp(z)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_of_a_day_have_the_stated_mean_and_variance_and_grow() {
        for correlation in [0.001, 0.01, 0.1, 0.3, 0.7] {
            let alike = Alike::new(correlation);
            let words = || (0..CELLS as u32).map(|cell| cell << 22);
            let mut last = vec![0.0; CELLS];
            for q in [0.0005, 0.002, 0.01, 0.05, 0.2, 0.37, 0.5, 0.8, 0.97] {
                let days: Vec<f64> = words().map(|word| alike.at(word, q)).collect();
                let mean = days.iter().sum::<f64>() / CELLS as f64;
                let variance = days.iter().map(|day| (day - q) * (day - q)).sum::<f64>() / CELLS as f64;
                let wanted = correlation * q * (1.0 - q);
                assert!((mean / q - 1.0).abs() < 1e-9, "{correlation} {q}: mean {mean}");
                // Where few days make the mean, what lies within the last part is missing: no more than the stated variance.
                let least = if q < 0.05 { 0.0 } else { 0.98 };
                let met = variance / wanted;
                assert!(least < met && met < 1.02, "{correlation} {q}: {met}");
                assert!(days.windows(2).all(|pair| pair[0] <= pair[1] + 1e-15));
                assert!(days.iter().zip(&last).all(|(now, then)| now >= &(then - 1e-3)), "{correlation} {q}");
                last = days;
            }
        }
    }
}
