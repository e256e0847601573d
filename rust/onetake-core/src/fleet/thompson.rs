//! Thompson sampling: payoffs at draws from the posteriors, or at their means.
//!
//! Source: Chapelle and Li, *An empirical evaluation of Thompson sampling*, `NeurIPS` 2011, algorithm 2; gamma and
//! normal posteriors: Russo, Van Roy, Kazerouni, Osband and Wen, *A tutorial on Thompson sampling*, 2018, section 4.

use super::block::Block;
use super::quadrature::{Arm, Law, Quadrature};
use super::{ARM, Fleet, Request, Rewards};
use crate::samplers::{BLOCK, Source, beta, gamma, normal};

/// What is believed of a rate before anything was seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Belief {
    /// Beta for chances, gamma for counts, normal for rewards.
    pub law: Law,
    /// Prior shapes; of a normal law prior mean and how many trials it is worth.
    pub prior: [f64; 2],
    /// Standard deviation of one trial under a normal law.
    pub noise: f64,
}

impl Belief {
    /// Parameters of the posterior after `weight` trials that gave `total`.
    #[inline(always)]
    fn after(self, total: f64, weight: f64) -> (f64, f64) {
        let [first, second] = self.prior;
        match self.law {
            // Rewards scaled to [0, 1] may sum to a rounding above their weight.
            Law::Beta => (first + total, second + (weight - total).max(0.0)),
            Law::Gamma => (first + total, second + weight),
            Law::Normal => {
                let trials = second + weight;
                ((second * first + total) / trials, self.noise / trials.sqrt())
            }
        }
    }

    /// Mean of a posterior.
    #[inline(always)]
    fn mean(self, a: f64, b: f64) -> f64 {
        match self.law {
            Law::Beta => a / (a + b),
            Law::Gamma => a / b,
            Law::Normal => a,
        }
    }
}

/// Posterior parameters of one arm for the rows of a block.
#[inline(always)]
fn posterior(fleet: &Fleet, block: &Block<'_>, arm: usize, belief: Belief, a: &mut [f64; BLOCK], b: &mut [f64; BLOCK]) {
    let learners = fleet.learners();
    let column = arm * learners..(arm + 1) * learners;
    let mut space = [[0.0; BLOCK]; 2];
    let [first, second] = &mut space;
    let total = block.load(fleet, &fleet.total[column.clone()], first);
    let weight = block.load(fleet, &fleet.weight[column], second);
    for (((a, b), total), weight) in a.iter_mut().zip(b).zip(total).zip(weight) {
        (*a, *b) = belief.after(*total, *weight);
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
pub fn score(fleet: &Fleet, block: &Block<'_>, belief: Belief, draw: bool, scores: &mut [f64]) {
    let (mut a, mut b) = ([0.0; BLOCK], [0.0; BLOCK]);
    for (arm, scores) in scores.chunks_exact_mut(BLOCK).enumerate() {
        let out = &mut scores[..block.len];
        posterior(fleet, block, arm, belief, &mut a, &mut b);
        if draw {
            sample(block, arm, belief.law, &a[..block.len], &b[..block.len], out);
        } else {
            for i in 0..block.len {
                out[i] = belief.mean(a[i], b[i]);
            }
        }
        let (scale, offset) = payoff(fleet, arm);
        for (i, score) in out.iter_mut().enumerate() {
            *score = scale * (*score * fleet.trials.at(block.environment(i))) + offset;
        }
    }
}

/// One draw from each row's posterior.
#[inline(always)]
fn sample(block: &Block<'_>, arm: usize, law: Law, a: &[f64], b: &[f64], out: &mut [f64]) {
    let source = block.source(ARM + arm as u32);
    match law {
        Law::Beta => beta::block(source, 0, a, b, out),
        Law::Gamma => {
            gamma::block(source, 0, a, out);
            for (out, rate) in out.iter_mut().zip(b) {
                *out /= rate;
            }
        }
        Law::Normal => {
            let mut words = [0; BLOCK];
            source.fill(0, 0, &mut words[..out.len()]);
            normal::block(&words[..out.len()], out);
            for ((out, mean), deviation) in out.iter_mut().zip(a).zip(b) {
                *out = mean + deviation * *out;
            }
        }
    }
}

/// Chance that each arm's draw pays most.
#[inline(always)]
pub fn chances(
    fleet: &Fleet,
    request: &Request<'_>,
    block: &Block<'_>,
    belief: Belief,
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
            let place = arm * fleet.learners() + learner;
            let (a, b) = belief.after(fleet.total[place], fleet.weight[place]);
            posteriors.push(Arm { index: arm, law: belief.law, a, b, gain: scale * trials, offset });
        }
        quadrature.best(&posteriors, &mut out[i * arms..(i + 1) * arms]);
    }
}
