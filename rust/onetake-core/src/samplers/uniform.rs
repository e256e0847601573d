//! Uniform numbers in (0, 1).

use crate::dispatch::{self, Kernel};
use crate::rng::unit;

/// [`unit`] of each word, for use inside a kernel; both slices have one length.
#[inline(always)]
pub fn block(words: &[u32], out: &mut [f64]) {
    for (u, w) in out.iter_mut().zip(words) {
        *u = unit(*w);
    }
}

/// [`unit`] of each word, as wide as the machine allows.
///
/// ```
/// let mut out = [0.0];
/// onetake_core::samplers::uniform::fill(&[1 << 31], &mut out);
/// assert!((out[0] - 0.5).abs() < 1e-9);
/// ```
pub fn fill(words: &[u32], out: &mut [f64]) {
    dispatch::run(Fill { words, out });
}

struct Fill<'a> {
    words: &'a [u32],
    out: &'a mut [f64],
}

impl Kernel for Fill<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        block(self.words, self.out);
    }
}
