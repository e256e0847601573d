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

/// An arm with fewer trials than `least` before all others, the one with the fewest first; else the mean of each arm.
#[inline(always)]
pub fn explore(fleet: &Fleet, block: &Block<'_>, least: f64, scores: &mut [f64]) {
    score(fleet, block, 0.0, scores);
    let learners = fleet.learners();
    let mut space = [0.0; BLOCK];
    for (arm, out) in scores.chunks_exact_mut(BLOCK).enumerate() {
        let weight = block.load(fleet, &fleet.weight[arm * learners..(arm + 1) * learners], &mut space);
        for (out, weight) in out.iter_mut().zip(weight) {
            // Means lie in [0, 1].
            *out = if *weight < least { 3.0 - weight / least } else { *out };
        }
    }
}
