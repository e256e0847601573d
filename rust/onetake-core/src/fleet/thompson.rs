//! Beta–Thompson: payoffs at draws from the posteriors, or at their means.
//!
//! Source: Chapelle and Li, *An empirical evaluation of Thompson sampling*, `NeurIPS` 2011, algorithm 2.

use super::block::Block;
use super::quadrature::{Arm, Quadrature};
use super::{ARM, Fleet, Request, Rewards};
use crate::samplers::{BLOCK, beta};

/// Posterior shapes of one arm for the rows of a block.
#[inline(always)]
fn shapes(fleet: &Fleet, block: &Block<'_>, arm: usize, prior: [f64; 2], a: &mut [f64; BLOCK], b: &mut [f64; BLOCK]) {
    let learners = fleet.learners();
    let column = arm * learners..(arm + 1) * learners;
    let mut space = [[0.0; BLOCK]; 2];
    let [first, second] = &mut space;
    let total = block.load(fleet, &fleet.total[column.clone()], first);
    let weight = block.load(fleet, &fleet.weight[column], second);
    for (((a, b), total), weight) in a.iter_mut().zip(b).zip(total).zip(weight) {
        // Rewards scaled to [0, 1] may sum to a rounding above their weight.
        *b = prior[1] + (weight - total).max(0.0);
        *a = prior[0] + total;
    }
}

/// What an arm pays at rate 1 beyond what it pays at rate 0, and the latter.
#[inline(always)]
fn payoff(fleet: &Fleet, arm: usize) -> (f64, f64) {
    match &fleet.rewards {
        Rewards::Counts { scale, offset } => (scale[arm], offset[arm]),
        _ => (1.0, 0.0),
    }
}

/// Payoff of each arm at a draw from its posterior (`draw`) or at its mean.
#[inline(always)]
pub fn score(fleet: &Fleet, _: &Request<'_>, block: &Block<'_>, prior: [f64; 2], draw: bool, scores: &mut [f64]) {
    let (mut a, mut b) = ([0.0; BLOCK], [0.0; BLOCK]);
    for (arm, scores) in scores.chunks_exact_mut(BLOCK).enumerate() {
        let out = &mut scores[..block.len];
        shapes(fleet, block, arm, prior, &mut a, &mut b);
        if draw {
            beta::block(block.source(ARM + arm as u32), 0, &a[..block.len], &b[..block.len], out);
        } else {
            for i in 0..block.len {
                out[i] = a[i] / (a[i] + b[i]);
            }
        }
        let (scale, offset) = payoff(fleet, arm);
        for (i, score) in out.iter_mut().enumerate() {
            *score = scale * (*score * fleet.trials.at(block.environment(i))) + offset;
        }
    }
}

/// Chance that each arm's draw pays most.
#[inline(always)]
pub fn chances(
    fleet: &Fleet,
    request: &Request<'_>,
    block: &Block<'_>,
    prior: [f64; 2],
    quadrature: &mut Quadrature,
    out: &mut [f64],
) {
    let arms = fleet.arms;
    let mut last = None;
    let mut posteriors = Vec::with_capacity(arms);
    for i in 0..block.len {
        let environment = block.environment(i);
        let (learner, trials) = (fleet.learner(environment), fleet.trials.at(environment));
        let same = (learner, trials.to_bits());
        if request.mask.is_none() && last == Some(same) {
            out.copy_within((i - 1) * arms..i * arms, i * arms);
            continue;
        }
        last = Some(same);
        let mask = request.mask.map(|mask| &mask[(block.first + i) * arms..][..arms]);
        posteriors.clear();
        for arm in (0..arms).filter(|arm| mask.is_none_or(|mask| mask[*arm])) {
            let (scale, offset) = payoff(fleet, arm);
            let (total, weight) =
                (fleet.total[arm * fleet.learners() + learner], fleet.weight[arm * fleet.learners() + learner]);
            let (a, b) = (prior[0] + total, prior[1] + (weight - total).max(0.0));
            posteriors.push(Arm { index: arm, a, b, gain: scale * trials, offset });
        }
        quadrature.best(&posteriors, &mut out[i * arms..(i + 1) * arms]);
    }
}
