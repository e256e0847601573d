//! Means so far: what ε-greedy plays, and the greedy choice of every rule without a prior.

use super::Fleet;
use super::block::Block;
use crate::samplers::BLOCK;

/// Mean of each arm; `untried` for an arm without trials.
#[inline(always)]
pub fn score(fleet: &Fleet, block: &Block<'_>, untried: f64, scores: &mut [f64]) {
    let learners = fleet.learners();
    let mut space = [[0.0; BLOCK]; 2];
    let [first, second] = &mut space;
    for (arm, out) in scores.chunks_exact_mut(BLOCK).enumerate() {
        let column = arm * learners..(arm + 1) * learners;
        let total = block.load(fleet, &fleet.total[column.clone()], first);
        let weight = block.load(fleet, &fleet.weight[column], second);
        for ((out, total), weight) in out.iter_mut().zip(total).zip(weight) {
            *out = if *weight > 0.0 { total / weight } else { untried };
        }
    }
}
