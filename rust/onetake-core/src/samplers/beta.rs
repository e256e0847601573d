//! Beta numbers as a share of two gamma numbers, each from its half of one slot.

use super::gamma::{Half, log_boosts, raised};
use super::{BLOCK, Source};
use crate::dispatch::{self, Kernel};
use crate::special::{exp, ln};

/// Beta numbers, for use inside a kernel: at most [`BLOCK`] units from `first` on, both shapes above 0.
#[inline(always)]
pub fn block(source: impl Source, first: usize, a: &[f64], b: &[f64], out: &mut [f64]) {
    let len = out.len();
    let (mut x, mut y) = ([0.0; BLOCK], [0.0; BLOCK]);
    let (x, y, a, b) = (&mut x[..len], &mut y[..len], &a[..len], &b[..len]);
    raised(source, Half::First, first, a, x);
    raised(source, Half::Second, first, b, y);
    for i in 0..len {
        out[i] = x[i] / (x[i] + y[i]);
    }
    if a.iter().chain(b).all(|shape| *shape >= 1.0) {
        return;
    }
    // Shapes below 1 in logarithms, since both numbers may lie below what a float holds.
    let (mut boost_x, mut boost_y) = ([0.0; BLOCK], [0.0; BLOCK]);
    log_boosts(source, Half::First, first, a, &mut boost_x[..len]);
    log_boosts(source, Half::Second, first, b, &mut boost_y[..len]);
    for i in 0..len {
        let log_x = ln(x[i]) + if a[i] < 1.0 { boost_x[i] } else { 0.0 };
        let log_y = ln(y[i]) + if b[i] < 1.0 { boost_y[i] } else { 0.0 };
        let share = 1.0 / (1.0 + exp(log_y - log_x));
        out[i] = if a[i] < 1.0 || b[i] < 1.0 { share } else { out[i] };
    }
}

/// Beta numbers, as wide as the machine allows; both shapes above 0.
///
/// ```
/// use onetake_core::rng::{Key, Stream};
/// use onetake_core::samplers::{Neighbours, beta};
/// let source = Neighbours { key: Key::new(7, Stream::AGENT), slot: 0, step: 0, replicate: 0, entity: 0 };
/// let mut out = [0.0; 3];
/// beta::fill(source, &[2.0; 3], &[5.0; 3], &mut out);
/// assert!(out.iter().all(|x| 0.0 < *x && *x < 1.0));
/// ```
pub fn fill(source: impl Source, a: &[f64], b: &[f64], out: &mut [f64]) {
    dispatch::run(Fill { source, a, b, out });
}

struct Fill<'a, S> {
    source: S,
    a: &'a [f64],
    b: &'a [f64],
    out: &'a mut [f64],
}

impl<S: Source> Kernel for Fill<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (i, out) in self.out.chunks_mut(BLOCK).enumerate() {
            let range = i * BLOCK..i * BLOCK + out.len();
            block(self.source, i * BLOCK, &self.a[range.clone()], &self.b[range], out);
        }
    }
}
