//! Means so far: what ε-greedy plays, and the greedy choice of every rule without a prior.

use super::Fleet;
use super::block::Block;
use crate::samplers::BLOCK;

/// Mean of each arm; `untried` for an arm without trials.
#[inline(always)]
pub fn score(fleet: &Fleet, block: &Block<'_>, untried: f64, scores: &mut [f64]) {
    let learners = fleet.learners();
    let (mut total, mut weight) = ([0.0; BLOCK], [0.0; BLOCK]);
    for (arm, out) in scores.chunks_exact_mut(BLOCK).enumerate() {
        let column = arm * learners..(arm + 1) * learners;
        block.load(fleet, &fleet.total[column.clone()], &mut total);
        block.load(fleet, &fleet.weight[column], &mut weight);
        for i in 0..block.len {
            let mean = total[i] / weight[i];
            out[i] = if weight[i] > 0.0 { mean } else { untried };
        }
    }
}
