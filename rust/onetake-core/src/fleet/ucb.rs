//! UCB1: mean plus what is not known of it.
//!
//! Source: Auer, Cesa-Bianchi and Fischer, *Finite-time analysis of the multiarmed bandit problem*, 2002, figure 1.

use super::Fleet;
use super::block::Block;
use crate::samplers::BLOCK;
use crate::special::ln;

/// `mean + sqrt(factor × ln n / n_k)` of each arm, n counted in trials; infinite for an arm without trials.
#[inline(always)]
pub fn score(fleet: &Fleet, block: &Block<'_>, factor: f64, scores: &mut [f64]) {
    let learners = fleet.learners();
    let (mut space, mut width) = ([[0.0; BLOCK]; 2], [0.0; BLOCK]);
    let [first, second] = &mut space;
    let width = &mut width[..block.len];
    for arm in 0..fleet.arms {
        let weight = block.load(fleet, &fleet.weight[arm * learners..(arm + 1) * learners], first);
        for (width, weight) in width.iter_mut().zip(weight) {
            *width += weight;
        }
    }
    for w in &mut *width {
        *w = factor * ln(w.max(1.0));
    }
    for (arm, out) in scores.chunks_exact_mut(BLOCK).enumerate() {
        let column = arm * learners..(arm + 1) * learners;
        let total = block.load(fleet, &fleet.total[column.clone()], first);
        let weight = block.load(fleet, &fleet.weight[column], second);
        for (((out, total), weight), width) in out.iter_mut().zip(total).zip(weight).zip(&*width) {
            // One division: roots and divisions take nearly all the time.
            let index = (total + (width * weight).sqrt()) / weight;
            *out = if *weight > 0.0 { index } else { f64::INFINITY };
        }
    }
}
