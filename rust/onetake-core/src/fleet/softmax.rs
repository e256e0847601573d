//! Boltzmann exploration: the chance of an arm grows with the exponential of its mean.
//!
//! Draws are made by the Gumbel-max trick: the largest of `mean / temperature + Gumbel noise` has just those chances.

use super::block::Block;
use super::{ARM, Fleet, Request, means};
use crate::rng::unit;
use crate::samplers::{BLOCK, Source};
use crate::special::{exp, ln};

/// Perturbed means; what was never tried comes first.
#[inline(always)]
pub fn score(fleet: &Fleet, block: &Block<'_>, temperature: f64, scores: &mut [f64]) {
    means::score(fleet, block, f64::INFINITY, scores);
    let mut words = [0; BLOCK];
    for (arm, scores) in scores.chunks_exact_mut(BLOCK).enumerate() {
        let words = &mut words[..block.len];
        block.source(ARM + arm as u32).fill(0, 0, words);
        for (score, word) in scores.iter_mut().zip(words) {
            *score = *score / temperature - ln(-ln(unit(*word)));
        }
    }
}

/// Chance of each arm of each row.
#[inline(always)]
pub fn chances(
    fleet: &Fleet,
    request: &Request<'_>,
    block: &Block<'_>,
    temperature: f64,
    scores: &mut [f64],
    out: &mut [f64],
) {
    means::score(fleet, block, f64::INFINITY, scores);
    let arms = fleet.arms;
    for (i, out) in out.chunks_exact_mut(arms).enumerate() {
        let mask = request.mask.map(|mask| &mask[(block.first + i) * arms..][..arms]);
        let mut best = f64::NEG_INFINITY;
        for arm in 0..arms {
            let open = mask.is_none_or(|mask| mask[arm]);
            out[arm] = if open { scores[arm * BLOCK + i] } else { f64::NEG_INFINITY };
            best = best.max(out[arm]);
        }
        let mut sum = 0.0;
        for chance in &mut *out {
            *chance = if *chance == best { 1.0 } else { exp((*chance - best) / temperature) };
            sum += *chance;
        }
        for chance in out {
            *chance /= sum;
        }
    }
}
