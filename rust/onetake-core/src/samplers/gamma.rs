//! Gamma numbers by Marsaglia and Tsang's method, from tries of one slot.
//!
//! A try takes two words, a normal by inverse distribution function and a uniform; 15 tries are followed by the
//! word that lowers a shape below 1. A try fails with a chance below 5 %, so that all 15 fail less than once in
//! 10^19 draws; the last one is then taken as it is.
//! Source: Marsaglia and Tsang, *A simple method for generating gamma variables*, 2000.

use super::{BLOCK, Source, normal};
use crate::dispatch::{self, Kernel};
use crate::rng::unit;
use crate::special::{exp, ln};

/// Tries of a slot.
const TRIES: u32 = 15;
/// The word for shapes below 1.
const BOOST: u32 = 31;

/// Units that the squeeze left open and that are tested together.
const PACK: usize = 8;

/// A candidate for a shape of at least 1, whether the squeeze accepts it, and `v` and `d` for the full test.
///
/// The full test is `ln u < h` with `h = z²/2 + d (1 - v + ln v)`. With `t = z / √(9 d)` and `v = (1 + t)³` it is
/// `h = 3 d (ln(1 + t) - t + t²/2 - t³/3) >= -¾ d t⁴ / min(1, 1 + t)`, and `ln u <= u - 1`; so the squeeze accepts
/// nothing that the full test would not.
#[inline(always)]
fn attempt(shape: f64, z: f64, u: f64) -> (f64, bool, f64, f64) {
    let d = shape - 1.0 / 3.0;
    let t = z / (9.0 * d).sqrt();
    let x = 1.0 + t;
    let v = x * x * x;
    let t2 = t * t;
    let least = if x < 1.0 { x } else { 1.0 };
    (d * v, (1.0 - u) * least > 0.75 * d * (t2 * t2), v, d)
}

/// The full test.
#[inline(always)]
fn accepts(z: f64, u: f64, v: f64, d: f64) -> bool {
    ln(u) < 0.5 * z * z + d * (1.0 - v + ln(v)) && v > 0.0
}

/// One unit whose first try was refused.
#[inline(never)]
fn retry(source: impl Source, unit_index: usize, shape: f64) -> f64 {
    let mut g = 0.0;
    for i in 1..TRIES {
        let z = normal::quantile(source.word(2 * i, unit_index));
        let u = unit(source.word(2 * i + 1, unit_index));
        let (candidate, squeezed, v, d) = attempt(shape, z, u);
        g = candidate.max(0.0);
        if squeezed || accepts(z, u, v, d) {
            break;
        }
    }
    g
}

/// Gamma numbers with shapes raised to at least 1 (`shape + 1` below 1), without the boost.
#[inline(always)]
fn raised(source: impl Source, first: usize, shape: &[f64], out: &mut [f64]) {
    let (mut wz, mut wu, mut z) = ([0; BLOCK], [0; BLOCK], [0.0; BLOCK]);
    let len = out.len();
    let (wz, wu, z, shape) = (&mut wz[..len], &mut wu[..len], &mut z[..len], &shape[..len]);
    source.fill(0, first, wz);
    source.fill(1, first, wu);
    normal::block(wz, z);
    let mut open = [0_u8; BLOCK];
    let open = &mut open[..len];
    for i in 0..len {
        let (g, ok, _, _) = attempt(raise(shape[i]), z[i], unit(wu[i]));
        out[i] = g;
        open[i] = u8::from(!ok);
    }
    let (mut places, mut count) = ([0_u8; BLOCK + PACK], 0);
    for (i, flag) in open.iter().enumerate() {
        places[count] = i as u8;
        count += usize::from(*flag);
    }
    for pack in places[..count].chunks(PACK) {
        let mut accepted = [false; PACK];
        for (j, yes) in accepted.iter_mut().enumerate() {
            let i = usize::from(pack[j.min(pack.len() - 1)]);
            let u = unit(wu[i]);
            let (_, _, v, d) = attempt(raise(shape[i]), z[i], u);
            *yes = accepts(z[i], u, v, d);
        }
        for (place, yes) in pack.iter().zip(accepted) {
            if !yes {
                let i = usize::from(*place);
                out[i] = retry(source, first + i, raise(shape[i]));
            }
        }
    }
}

/// The shape that is drawn for.
#[inline(always)]
fn raise(shape: f64) -> f64 {
    if shape < 1.0 { shape + 1.0 } else { shape }
}

/// What the number of a shape below 1 is multiplied by, as a logarithm; rubbish for other shapes.
#[inline(always)]
fn log_boosts(source: impl Source, first: usize, shape: &[f64], out: &mut [f64]) {
    let mut words = [0; BLOCK];
    let words = &mut words[..out.len()];
    source.fill(BOOST, first, words);
    for ((o, w), shape) in out.iter_mut().zip(words).zip(shape) {
        *o = ln(unit(*w)) / shape;
    }
}

/// Gamma numbers with scale 1, for use inside a kernel: at most [`BLOCK`] units from `first` on, shapes above 0.
#[inline(always)]
pub fn block(source: impl Source, first: usize, shape: &[f64], out: &mut [f64]) {
    raised(source, first, shape, out);
    if shape.iter().any(|a| *a < 1.0) {
        let mut boosts = [0.0; BLOCK];
        log_boosts(source, first, shape, &mut boosts[..out.len()]);
        for ((o, boost), shape) in out.iter_mut().zip(&boosts).zip(shape) {
            let factor = exp(*boost);
            *o = if *shape < 1.0 { *o * factor } else { *o };
        }
    }
}

/// Gamma numbers with scale 1, as wide as the machine allows; shapes above 0.
pub fn fill(source: impl Source, shape: &[f64], out: &mut [f64]) {
    dispatch::run(Fill { source, shape, out });
}

struct Fill<'a, S> {
    source: S,
    shape: &'a [f64],
    out: &'a mut [f64],
}

impl<S: Source> Kernel for Fill<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (i, (shape, out)) in self.shape.chunks(BLOCK).zip(self.out.chunks_mut(BLOCK)).enumerate() {
            block(self.source, i * BLOCK, shape, out);
        }
    }
}
