//! From scores to an arm: the best allowed one, ties by the generator, mixed with uniform play.

use super::block::Block;
use super::{MIX, Request, TIE};
use crate::rng::threshold;
use crate::samplers::{BLOCK, Source};

/// Best score and arm of each row, and how many arms have that score; forbidden arms lose their score.
#[inline(always)]
fn peaks(
    request: &Request<'_>,
    block: &Block<'_>,
    arms: usize,
    scores: &mut [f64],
) -> ([f64; BLOCK], [i64; BLOCK], [u32; BLOCK]) {
    if let Some(mask) = request.mask {
        let mask = &mask[block.first * arms..];
        for (arm, scores) in scores.chunks_exact_mut(BLOCK).enumerate() {
            for (i, score) in scores[..block.len].iter_mut().enumerate() {
                // NaN is neither above nor equal to anything.
                *score = if mask[i * arms + arm] { *score } else { f64::NAN };
            }
        }
    }
    let (mut best, mut top, mut ties) = ([f64::NEG_INFINITY; BLOCK], [0_i64; BLOCK], [0_u32; BLOCK]);
    for (arm, scores) in scores.chunks_exact(BLOCK).enumerate() {
        for i in 0..block.len {
            let (above, equal) = (scores[i] > best[i], scores[i] == best[i]);
            ties[i] = if above { 1 } else { ties[i] + u32::from(equal) };
            top[i] = if above { arm as i64 } else { top[i] };
            best[i] = if above { scores[i] } else { best[i] };
        }
    }
    (best, top, ties)
}

/// The best arm of each row; among equals, each with the same chance.
#[inline(always)]
pub fn best(request: &Request<'_>, block: &Block<'_>, arms: usize, scores: &mut [f64], out: &mut [i64]) {
    let (best, top, ties) = peaks(request, block, arms, scores);
    out.copy_from_slice(&top[..block.len]);
    if ties[..block.len].iter().all(|count| *count == 1) {
        return;
    }
    let mut words = [0; BLOCK];
    block.source(TIE).fill(0, 0, &mut words[..block.len]);
    for i in 0..block.len {
        if ties[i] > 1 {
            let nth = ((u64::from(words[i]) * u64::from(ties[i])) >> 32) as usize;
            let arm = (0..arms).filter(|arm| scores[arm * BLOCK + i] == best[i]).nth(nth);
            out[i] = arm.map_or(out[i], |arm| arm as i64);
        }
    }
}

/// Chance of each arm of each row when the best is played and ties are broken evenly.
#[inline(always)]
pub fn chances(request: &Request<'_>, block: &Block<'_>, arms: usize, scores: &mut [f64], out: &mut [f64]) {
    let (best, _, ties) = peaks(request, block, arms, scores);
    for (i, out) in out.chunks_exact_mut(arms).enumerate() {
        for (arm, chance) in out.iter_mut().enumerate() {
            *chance = if scores[arm * BLOCK + i] == best[i] { 1.0 / f64::from(ties[i]) } else { 0.0 };
        }
    }
}

/// Allowed arms of a row, and how many there are.
#[inline(always)]
fn open<'a>(request: &Request<'a>, block: &Block<'_>, arms: usize, i: usize) -> (Option<&'a [bool]>, usize) {
    match request.mask {
        None => (None, arms),
        Some(mask) => {
            let row = &mask[(block.first + i) * arms..][..arms];
            (Some(row), row.iter().filter(|allowed| **allowed).count())
        }
    }
}

/// Replace a share of the choices by uniform ones.
#[inline(always)]
pub fn mix(request: &Request<'_>, block: &Block<'_>, arms: usize, out: &mut [i64]) {
    if request.epsilon == 0.0 && request.floor == 0.0 {
        return;
    }
    let mut words = [0; BLOCK];
    block.source(MIX).fill(0, 0, &mut words[..block.len]);
    for (i, action) in out.iter_mut().enumerate() {
        let (row, count) = open(request, block, arms, i);
        let below = threshold(request.share(count));
        if u64::from(words[i]) >= below {
            continue;
        }
        // Below the threshold the word is uniform again: it says which arm.
        let nth = (u64::from(words[i]) * count as u64 / below) as usize;
        *action = match row {
            None => nth as i64,
            Some(row) => (0..arms).filter(|arm| row[*arm]).nth(nth).map_or(*action, |arm| arm as i64),
        };
    }
}

/// The same for chances.
#[inline(always)]
pub fn mix_chances(request: &Request<'_>, block: &Block<'_>, arms: usize, out: &mut [f64]) {
    if request.epsilon == 0.0 && request.floor == 0.0 {
        return;
    }
    for (i, out) in out.chunks_exact_mut(arms).enumerate() {
        let (row, count) = open(request, block, arms, i);
        let share = request.share(count);
        for (arm, chance) in out.iter_mut().enumerate() {
            let uniform = if row.is_none_or(|row| row[arm]) { share / count as f64 } else { 0.0 };
            *chance = (1.0 - share) * *chance + uniform;
        }
    }
}
