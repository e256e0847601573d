//! Gamma numbers by Marsaglia and Tsang's method, from tries of one slot.
//!
//! A try takes two words, a normal by inverse distribution function and a uniform; half a slot holds 15 tries and, last,
//! the word that lowers a shape below 1. A try fails with a chance below 5 %, so that all 15 fail less than once in
//! 10^19 draws; the last one is then taken as it is.
//! Source: Marsaglia and Tsang, *A simple method for generating gamma variables*, 2000.

use super::{BLOCK, Source, normal};
use crate::dispatch::{self, Kernel};
use crate::rng::unit;
use crate::special::{exp, ln};

/// Tries of half a slot.
const TRIES: u32 = 15;
/// The half slot's word for shapes below 1.
const BOOST: u32 = 31;

/// Which half of a slot's tries a draw takes: a beta number takes two gammas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// Tries 0 to 31.
    First = 0,
    /// Tries 32 to 63.
    Second = 32,
}

/// A candidate for shape `d + 1/3`, whether the squeeze accepts it, and what the full test needs.
#[inline(always)]
fn attempt(shape: f64, z: f64, u: f64) -> (f64, bool, f64, f64) {
    let d = shape - 1.0 / 3.0;
    let x = 1.0 + z / (9.0 * d).sqrt();
    let v = x * x * x;
    let z2 = z * z;
    (d * v, u < 1.0 - 0.0331 * (z2 * z2) && x > 0.0, v, d)
}

/// Retry one unit from its word on until a try is accepted.
fn retry(source: impl Source, half: Half, unit_index: usize, shape: f64) -> f64 {
    let first = half as u32;
    let mut g = 0.0;
    for i in 0..TRIES {
        let z = normal::quantile(source.word(first + 2 * i, unit_index));
        let u = unit(source.word(first + 2 * i + 1, unit_index));
        let (candidate, squeezed, v, d) = attempt(shape, z, u);
        if v <= 0.0 {
            continue;
        }
        g = candidate;
        if squeezed || ln(u) < 0.5 * z * z + d * (1.0 - v + ln(v)) {
            break;
        }
    }
    g
}

/// Gamma numbers with shapes raised to at least 1 (`shape + 1` below 1), without the boost.
#[inline(always)]
pub(super) fn raised(source: impl Source, half: Half, first: usize, shape: &[f64], out: &mut [f64]) {
    let (mut wz, mut wu) = ([0; BLOCK], [0; BLOCK]);
    let len = out.len();
    let (wz, wu, shape) = (&mut wz[..len], &mut wu[..len], &shape[..len]);
    source.fill(half as u32, first, wz);
    source.fill(half as u32 + 1, first, wu);
    let mut refused = [false; BLOCK];
    let refused = &mut refused[..len];
    for i in 0..len {
        let a = if shape[i] < 1.0 { shape[i] + 1.0 } else { shape[i] };
        let (g, ok, _, _) = attempt(a, normal::quantile(wz[i]), unit(wu[i]));
        out[i] = g;
        refused[i] = !ok;
    }
    for i in 0..len {
        if refused[i] {
            let a = if shape[i] < 1.0 { shape[i] + 1.0 } else { shape[i] };
            out[i] = retry(source, half, first + i, a);
        }
    }
}

/// What a shape below 1 multiplies its raised number by, as a logarithm.
#[inline(always)]
pub(super) fn log_boost(source: impl Source, half: Half, unit_index: usize, shape: f64) -> f64 {
    ln(unit(source.word(half as u32 + BOOST, unit_index))) / shape
}

/// Gamma numbers with scale 1, for use inside a kernel: at most [`BLOCK`] units from `first` on, shapes above 0.
#[inline(always)]
pub fn block(source: impl Source, first: usize, shape: &[f64], out: &mut [f64]) {
    raised(source, Half::First, first, shape, out);
    for i in 0..out.len() {
        if shape[i] < 1.0 {
            out[i] *= exp(log_boost(source, Half::First, first + i, shape[i]));
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
