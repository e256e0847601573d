//! Binomial counts for every number of trials in a range, by one flat table that stays in a core's own cache.
//!
//! A row holds the canonical quantile of one chance and one number of trials by the first 8 bits of a word. A bucket with
//! at most one threshold says on which side of it a word lies by 16 bits more; the few words that this leaves open, those
//! of the tails above all, are drawn as if there were no table. So counts are those of
//! [`quantile`](super::binomial::quantile), and grow with the word.

use super::BLOCK;
use super::binomial::{Binomial, fill, quantile};
use super::lattice::{mass_sums, threshold};
use crate::dispatch::{self, Kernel};

/// Buckets of a row, by the first bits of a word.
const BUCKETS: usize = 256;
/// Bits of a word below its bucket's number.
const SHIFT: u32 = 24;
/// Rows of all chances together: 1 MiB.
const ROWS: usize = 1024;
/// The table's size is known beforehand, so that looking up needs no check and becomes a vector's.
const CELLS: usize = ROWS * BUCKETS;
/// Count of a bucket with more than one threshold.
const OPEN: u32 = 0xFFFF;
/// Rows with more counts than this would leave too many words open.
const WIDEST: u32 = 500;

/// Quantiles of some chances for neighbouring numbers of trials.
///
/// ```
/// use onetake_core::samplers::binomial::quantile;
/// use onetake_core::samplers::flat::Flat;
/// let (arms, words, trials) = ([0, 1, 1], [5, 1 << 31, 77], [30, 31, 90]);
/// let mut out = [0; 3];
/// Flat::new(&[0.1, 0.2], 30, 40).unwrap().fill(&arms, &words, &trials, &mut out);
/// assert_eq!(out, [quantile(5, 30, 0.1), quantile(1 << 31, 31, 0.2), quantile(77, 90, 0.2)]);
/// ```
#[derive(Debug)]
pub struct Flat {
    p: Vec<f64>,
    /// Number of trials of row 0.
    first: u32,
    /// Rows of a chance.
    rows: u32,
    /// Row by row: the count at a bucket's end, and the place of its threshold or 0, 16 bits each.
    cells: Box<[u32; CELLS]>,
}

impl Flat {
    /// For each of the chances `p` and from `first` to `last` trials; `None` where they need more rows than there are, or
    /// some row has too many counts.
    pub fn new(p: &[f64], first: u32, last: u32) -> Option<Self> {
        let rows = last - first + 1;
        if last >= OPEN || p.len() as u64 * u64::from(rows) > ROWS as u64 || !p.iter().all(|p| 0.0 < *p && *p < 1.0) {
            return None;
        }
        let mut cells = Vec::with_capacity(CELLS);
        for &p in p {
            for n in first..=last {
                let (low, high) = (quantile(0, n, p), quantile(u32::MAX, n, p));
                if high - low > WIDEST {
                    return None;
                }
                row(Binomial { n, p, q: 1.0 - p }, low, high, &mut cells);
            }
        }
        cells.resize(CELLS, OPEN << 16);
        Some(Self { p: p.to_vec(), first, rows, cells: cells.into_boxed_slice().try_into().ok()? })
    }

    /// Counts of units whose chance is that of their arm (or the only one); all slices have one length.
    pub fn fill(&self, arms: &[u32], words: &[u32], n: &[u32], out: &mut [u32]) {
        dispatch::run(Fill { flat: self, arms, words, n, out });
    }

    /// The chance of an arm.
    fn chance(&self, arm: u32) -> f64 {
        self.p[(arm as usize).min(self.p.len() - 1)]
    }
}

/// The buckets of one distribution.
fn row(law: Binomial, low: u32, high: u32, cells: &mut Vec<u32>) {
    let sums = mass_sums(law, low, high);
    let ends: Vec<u64> = (low..high).zip(sums).map(|(k, t)| t.unwrap_or_else(|| threshold(law, k))).collect();
    let mut passed = 0;
    for bucket in 0..BUCKETS as u64 {
        let before = passed;
        while ends.get(passed).is_some_and(|end| *end < (bucket + 1) << SHIFT) {
            passed += 1;
        }
        let count = low + passed as u32;
        cells.push(match passed - before {
            0 => count << 16,
            1 => count << 16 | (ends[before] >> 8 & 0xFFFF) as u32,
            _ => OPEN << 16,
        });
    }
}

struct Fill<'a> {
    flat: &'a Flat,
    arms: &'a [u32],
    words: &'a [u32],
    n: &'a [u32],
    out: &'a mut [u32],
}

/// Look up all units; gives 1 for those that stay open.
#[inline(always)]
fn look_up(flat: &Flat, arms: &[u32], words: &[u32], n: &[u32], out: &mut [u32], open: &mut [u8; BLOCK]) {
    let (first, rows, last, cells) = (flat.first, flat.rows, flat.p.len() as u32 - 1, &*flat.cells);
    // Three loops, of which the outer ones are wide whatever becomes of the middle one.
    let mut found = [0_u32; BLOCK];
    for (((found, &arm), &word), &n) in found.iter_mut().zip(arms).zip(words).zip(n) {
        *found = (arm.min(last) * rows).wrapping_add(n.wrapping_sub(first)) << 8 | word >> SHIFT;
    }
    for found in &mut found[..words.len()] {
        *found = cells[*found as usize % CELLS];
    }
    for ((((out, open), cell), &word), &n) in out.iter_mut().zip(open).zip(&found).zip(words).zip(n) {
        let (count, place, next) = (cell >> 16, cell & 0xFFFF, word >> 8 & 0xFFFF);
        *out = count.wrapping_sub(u32::from(next < place));
        *open = u8::from(n.wrapping_sub(first) >= rows) | u8::from(count == OPEN) | u8::from(next == place);
    }
}

impl Kernel for Fill<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { flat, arms, words, n, out } = self;
        let (mut left, mut rest, mut chances) = ([0_usize; BLOCK], [[0_u32; BLOCK]; 3], [0.0; BLOCK]);
        let mut count = 0;
        for at in (0..out.len()).step_by(BLOCK) {
            let end = out.len().min(at + BLOCK);
            let mut open = [0_u8; BLOCK];
            look_up(flat, &arms[at..end], &words[at..end], &n[at..end], &mut out[at..end], &mut open);
            for (eight, open) in open.chunks_exact(8).enumerate() {
                if open.iter().fold(0, |any, open| any | open) == 0 {
                    continue;
                }
                if count > BLOCK - 8 {
                    settle(&left[..count], &mut rest, &chances, out);
                    count = 0;
                }
                for (i, open) in open.iter().enumerate() {
                    let i = (at + 8 * eight + i).min(end - 1);
                    (left[count], rest[0][count], rest[1][count]) = (i, words[i], n[i]);
                    chances[count] = flat.chance(arms[i]);
                    count += usize::from(*open);
                }
            }
        }
        settle(&left[..count], &mut rest, &chances, out);
    }
}

/// Draw the units that stayed open: `rest` has their words and trials, and room for their counts.
#[inline(never)]
fn settle(left: &[usize], rest: &mut [[u32; BLOCK]; 3], chances: &[f64; BLOCK], out: &mut [u32]) {
    let ([words, n, counts], len) = (rest, left.len());
    fill(&words[..len], &n[..len], &chances[..len], &mut counts[..len]);
    for (found, at) in counts.iter().zip(left) {
        out[*at] = *found;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_and_both_sides_of_every_threshold_give_the_quantile() {
        let chances = [0.02, 0.5, 0.97];
        let Some(flat) = Flat::new(&chances, 40, 60) else { panic!("40 to 60 trials have few counts") };
        let (mut arms, mut words, mut n) = (Vec::new(), Vec::new(), Vec::new());
        for (arm, p) in chances.iter().enumerate() {
            // Beyond both ends of the range too.
            for trials in 38..63 {
                let ends = (0..trials).map(|k| super::super::binomial::threshold(k, trials, *p));
                let near = ends.flat_map(|end| [end.saturating_sub(1), end, end + 1]);
                for word in near.chain((0..1 << 32).step_by(1 << 22)).filter(|word| *word < 1 << 32) {
                    arms.push(arm as u32);
                    words.push(word as u32);
                    n.push(trials);
                }
            }
        }
        let mut out = vec![0; words.len()];
        flat.fill(&arms, &words, &n, &mut out);
        for i in 0..out.len() {
            assert_eq!(out[i], quantile(words[i], n[i], chances[arms[i] as usize]), "word {} of {}", words[i], n[i]);
        }
    }

    #[test]
    fn wide_and_certain_counts_have_no_table() {
        assert!(Flat::new(&[0.5], 10_000, 10_001).is_none());
        assert!(Flat::new(&[0.1, 0.0], 10, 11).is_none());
    }
}
