//! Guide tables: the canonical quantile of one distribution for all words, by one look-up.
//!
//! The first bits of a word choose a bucket. Most buckets hold no threshold or one, which the bucket's cell then
//! carries; the few others, in the tails, are searched.

use super::BLOCK;
use super::lattice::{Law, mass_sums, threshold};

/// Buckets are numbered with at most so many bits; wider distributions have no table.
const MAX_BITS: u32 = 16;

/// All quantiles of one distribution.
#[derive(Debug)]
pub struct Table {
    /// Smallest quantile.
    first: u32,
    /// Bits of a word below its bucket's number.
    shift: u32,
    /// For each bucket the count at its end, and in the low bits the place of its one threshold or 0.
    cells: Box<[u32]>,
    /// Number of words below each count's end, ascending, all below 2^32.
    thresholds: Box<[u32]>,
}

impl Table {
    /// The table of a law between its quantiles `first` and `last` of the smallest and the largest word.
    pub(super) fn new<L: Law>(law: L, first: u32, last: u32) -> Option<Self> {
        let bits = (4 * u64::from(last - first) + 4).next_power_of_two().trailing_zeros().max(8);
        if bits > MAX_BITS {
            return None;
        }
        let shift = 32 - bits;
        let mut thresholds = Vec::with_capacity((last - first) as usize);
        for (k, guess) in (first..last).zip(mass_sums(law, first, last)) {
            let t = guess.unwrap_or_else(|| threshold(law, k));
            thresholds.push(t as u32);
        }
        let mut cells = Vec::with_capacity(1 << bits);
        let mut passed = 0;
        for bucket in 0..1_u32 << bits {
            let start = bucket << shift;
            let inside = |passed: usize| thresholds.get(passed).filter(|t| **t >> shift == bucket);
            while inside(passed).is_some_and(|t| *t == start) {
                passed += 1;
            }
            let before = passed;
            let place = inside(passed).map_or(0, |t| t - start);
            while inside(passed).is_some() {
                passed += 1;
            }
            let code = if passed > before + 1 { (1 << bits) - 1 } else { passed as u32 };
            cells.push(code << shift | place);
        }
        Some(Self { first, shift, cells: cells.into(), thresholds: thresholds.into() })
    }

    /// Numbers of 32 bits that it holds.
    pub(super) fn size(&self) -> usize {
        self.cells.len() + self.thresholds.len()
    }

    /// The quantile of a word.
    #[inline(always)]
    pub fn quantile(&self, word: u32) -> u32 {
        let cell = self.cells[(word >> self.shift) as usize];
        let low = (1_u32 << self.shift) - 1;
        if cell | low == u32::MAX {
            return self.first + self.search(word);
        }
        // Without a threshold the place is 0, which no word lies below.
        self.first + (cell >> self.shift) - u32::from(word & low < cell & low)
    }

    /// [`Self::quantile`] of each word, for use inside a kernel.
    #[inline(always)]
    pub fn fill(&self, words: &[u32], out: &mut [u32]) {
        let (first, shift, low) = (self.first, self.shift, (1_u32 << self.shift) - 1);
        for (words, out) in words.chunks(BLOCK).zip(out.chunks_mut(BLOCK)) {
            // Looking up alone is one by one; the rest is wide.
            let (mut found, mut open) = ([0_u32; BLOCK], [0_u8; BLOCK]);
            for (cell, word) in found.iter_mut().zip(words) {
                *cell = self.cells[(*word >> shift) as usize];
            }
            for (((out, open), cell), word) in out.iter_mut().zip(&mut open).zip(&found).zip(words) {
                *out = first + (cell >> shift) - u32::from(word & low < cell & low);
                *open = u8::from(cell | low == u32::MAX);
            }
            for (eight, flags) in open.chunks_exact(8).enumerate() {
                if flags.iter().fold(0, |any, open| any | open) == 0 {
                    continue;
                }
                for i in (8 * eight..words.len()).take(8) {
                    if open[i] == 1 {
                        out[i] = first + self.search(words[i]);
                    }
                }
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn search(&self, word: u32) -> u32 {
        self.thresholds.partition_point(|t| *t <= word) as u32
    }
}
