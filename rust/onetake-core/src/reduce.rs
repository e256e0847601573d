//! Sums whose order of additions depends on the number of terms and nothing else.

use crate::dispatch::{self, Kernel};

/// Terms that are added in lanes; longer arrays are halved.
const LEAF: usize = 1024;
const LANES: usize = 16;

/// The sum of `values`: 16 lanes over leaves of 1024 terms, then pairs of halves (its error grows as the logarithm).
///
/// ```
/// assert_eq!(onetake_core::reduce::total(&[0.5; 3]), 1.5);
/// ```
pub fn total(values: &[f64]) -> f64 {
    dispatch::run(Total(values))
}

struct Total<'a>(&'a [f64]);

impl Kernel for Total<'_> {
    type Output = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        let mut parts: Vec<f64> = self.0.chunks(LEAF).map(leaf).collect();
        while parts.len() > 1 {
            parts = parts.chunks(2).map(|pair| pair.iter().fold(0.0, |sum, part| sum + part)).collect();
        }
        parts.first().copied().unwrap_or(0.0)
    }
}

/// The sum of at most [`LEAF`] terms, for use inside a kernel.
#[inline(always)]
pub fn leaf(values: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let mut chunks = values.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += value;
        }
    }
    for (lane, value) in lanes.iter_mut().zip(chunks.remainder()) {
        *lane += value;
    }
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::Level;

    #[test]
    fn total_is_exact_for_whole_numbers_and_equal_at_every_level() {
        for n in [0, 1, 15, 16, 17, 1024, 1025, 5000, 100_001] {
            let whole: Vec<f64> = (0..n).map(f64::from).collect();
            assert_eq!(total(&whole), f64::from(n) * (f64::from(n) - 1.0) / 2.0);
            let parts: Vec<f64> = whole.iter().map(|x| 1.0 / (x + 1.0)).collect();
            for level in [Level::Baseline, Level::Avx2, Level::Avx512] {
                assert_eq!(dispatch::run_at(level, Total(&parts)).to_bits(), total(&parts).to_bits());
            }
        }
    }
}
