//! KL-UCB: the largest mean that what was seen does not rule out.
//!
//! Source: Garivier and Cappé, *The KL-UCB algorithm for bounded stochastic bandits and beyond*, 2011, algorithm 1.

use super::Fleet;
use super::block::Block;
use crate::samplers::BLOCK;
use crate::special::ln;

/// Halvings of the bracket, which Pinsker's inequality makes narrow from the start.
const HALVINGS: usize = 26;

/// `p ln(p / q) + (1 - p) ln((1 - p) / (1 - q))` without the part that does not depend on q.
#[inline(always)]
fn cross(p: f64, q: f64) -> f64 {
    let first = if p > 0.0 { -p * ln(q) } else { 0.0 };
    let second = if p < 1.0 { -(1.0 - p) * ln(1.0 - q) } else { 0.0 };
    first + second
}

/// The largest q with `kl(p, q) <= level`.
#[inline(always)]
pub fn upper(p: f64, level: f64) -> f64 {
    let own = cross(p, p);
    let (mut low, mut high) = (p, (p + (0.5 * level).sqrt()).min(1.0));
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        let inside = cross(p, middle) - own <= level;
        low = if inside { middle } else { low };
        high = if inside { high } else { middle };
    }
    low
}

/// The index of each arm: `n_k kl(mean_k, q) = ln n + factor × ln ln n`, n counted in trials; infinite without trials.
#[inline(always)]
pub fn score(fleet: &Fleet, block: &Block<'_>, factor: f64, scores: &mut [f64]) {
    let learners = fleet.learners();
    let (mut space, mut level) = ([[0.0; BLOCK]; 2], [0.0; BLOCK]);
    let [first, second] = &mut space;
    let level = &mut level[..block.len];
    for arm in 0..fleet.arms {
        let weight = block.load(fleet, &fleet.weight[arm * learners..(arm + 1) * learners], first);
        for (level, weight) in level.iter_mut().zip(weight) {
            *level += weight;
        }
    }
    for level in &mut *level {
        let logarithm = ln(level.max(1.0));
        *level = logarithm + factor * ln(logarithm.max(1.0));
    }
    for (arm, out) in scores.chunks_exact_mut(BLOCK).enumerate() {
        let column = arm * learners..(arm + 1) * learners;
        let total = block.load(fleet, &fleet.total[column.clone()], first);
        let weight = block.load(fleet, &fleet.weight[column], second);
        for (((out, total), weight), level) in out.iter_mut().zip(total).zip(weight).zip(&*level) {
            let mean = if *weight > 0.0 { (total / weight).min(1.0) } else { 0.0 };
            let index = upper(mean, level / weight.max(f64::MIN_POSITIVE));
            *out = if *weight > 0.0 { index } else { f64::INFINITY };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_lies_where_the_divergence_meets_its_level() {
        for p in [0.0, 0.1, 0.5, 0.99] {
            for level in [1e-4, 0.03, 1.0] {
                let q = upper(p, level);
                assert!((cross(p, q) - cross(p, p) - level).abs() < 1e-6 || q > 1.0 - 1e-7, "{p} {level} {q}");
            }
        }
        assert!(upper(1.0, 0.2) <= 1.0);
    }
}
