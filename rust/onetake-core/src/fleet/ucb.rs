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
    let (mut total, mut weight, mut width) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
    for arm in 0..fleet.arms {
        block.load(fleet, &fleet.weight[arm * learners..(arm + 1) * learners], &mut weight);
        for i in 0..block.len {
            width[i] += weight[i];
        }
    }
    for w in &mut width[..block.len] {
        *w = factor * ln(w.max(1.0));
    }
    for (arm, out) in scores.chunks_exact_mut(BLOCK).enumerate() {
        let column = arm * learners..(arm + 1) * learners;
        block.load(fleet, &fleet.total[column.clone()], &mut total);
        block.load(fleet, &fleet.weight[column], &mut weight);
        for i in 0..block.len {
            let index = total[i] / weight[i] + (width[i] / weight[i]).sqrt();
            out[i] = if weight[i] > 0.0 { index } else { f64::INFINITY };
        }
    }
}
