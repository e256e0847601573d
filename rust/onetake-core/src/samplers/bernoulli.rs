//! Yes or no, monotone in one word: `word < threshold(p)`.

use crate::dispatch::{self, Kernel};

/// 1 where `word < threshold(p)`, else 0: the comparison without leaving floating point, where it vectorises everywhere.
///
/// ```
/// use onetake_core::{rng::threshold, samplers::bernoulli::draw};
/// assert_eq!(draw(1 << 30, 0.3) == 1.0, 1 << 30 < threshold(0.3));
/// ```
#[inline(always)]
pub fn draw(word: u32, p: f64) -> f64 {
    // w < floor(x) is w + 1 <= x for whole w.
    if f64::from(word) + 1.0 <= p * 4_294_967_296.0 + 0.5 { 1.0 } else { 0.0 }
}

/// [`draw`] unit by unit, for use inside a kernel; all slices have one length.
#[inline(always)]
pub fn block(words: &[u32], p: &[f64], out: &mut [f64]) {
    for ((o, w), p) in out.iter_mut().zip(words).zip(p) {
        *o = draw(*w, *p);
    }
}

/// [`draw`] unit by unit, as wide as the machine allows; all slices have one length.
pub fn fill(words: &[u32], p: &[f64], out: &mut [f64]) {
    dispatch::run(Fill { words, p, out });
}

struct Fill<'a> {
    words: &'a [u32],
    p: &'a [f64],
    out: &'a mut [f64],
}

impl Kernel for Fill<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        block(self.words, self.p, self.out);
    }
}
