//! Sums over bootstrap resamples of rows, without an index ever being stored.

use rayon::prelude::*;

use crate::error::Result;
use crate::rng::Key;
use crate::workers;

/// Rows that are drawn before they are gathered.
const CHUNK: usize = 1024;
const LANES: usize = 8;

/// Column sums of `replicates` resamples of the rows of `values` (`rows × width`), with replacement.
///
/// The `i`-th row of resample `r` is picked by the word of entity `i` of replicate `first + r`. Sums run in chunks of 1,024
/// rows, single columns in eight lanes, so their order depends on the number of rows alone.
///
/// # Errors
/// Refuses a number of threads that cannot be had.
pub fn sums(
    key: Key,
    (values, width): (&[f64], usize),
    (first, replicates): (u32, usize),
    threads: usize,
) -> Result<Vec<f64>> {
    let mut out = vec![0.0; replicates * width];
    let one = |(r, out): (usize, &mut [f64])| resample(key, (values, width), first + r as u32, out);
    match workers::pool(threads)? {
        None => out.chunks_mut(width).enumerate().for_each(one),
        Some(pool) => pool.install(|| out.par_chunks_mut(width).enumerate().for_each(one)),
    }
    Ok(out)
}

fn resample(key: Key, (values, width): (&[f64], usize), replicate: u32, out: &mut [f64]) {
    let rows = values.len() / width;
    let mut words = [0; CHUNK];
    for start in (0..rows).step_by(CHUNK) {
        let len = CHUNK.min(rows - start);
        let words = &mut words[..len];
        key.fill(0, 0, 0, replicate, start as u32, words);
        // The middle of a word's share of [0, 1), times the number of rows.
        let pick = |word: u32| (((2 * u64::from(word) + 1) * rows as u64) >> 33) as usize;
        if width == 1 {
            out[0] += single(values, words, pick);
        } else {
            for &word in &*words {
                let row = &values[pick(word) * width..][..width];
                out.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
        }
    }
}

fn single(values: &[f64], words: &[u32], pick: impl Fn(u32) -> usize) -> f64 {
    let mut lanes = [0.0; LANES];
    let mut chunks = words.chunks_exact(LANES);
    for chunk in &mut chunks {
        for (lane, &word) in lanes.iter_mut().zip(chunk) {
            *lane += values[pick(word)];
        }
    }
    for (lane, &word) in lanes.iter_mut().zip(chunks.remainder()) {
        *lane += values[pick(word)];
    }
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn sums_are_those_of_the_rows_that_the_words_pick() -> Result<()> {
        let key = Key::new(3, Stream::AGENT);
        let (rows, width) = (2500, 3);
        let values: Vec<f64> = (0..rows * width).map(|i| (i % 97) as f64).collect();
        let found = sums(key, (&values, width), (5, 4), 1)?;
        assert_eq!(found, sums(key, (&values, width), (5, 4), 3)?);
        for r in 0..4 {
            let words = key.words(0, 0, 0, 5 + r as u32, 0, rows);
            for column in 0..width {
                let pick = |w: &u32| ((f64::from(*w) + 0.5) / 4_294_967_296.0 * rows as f64) as usize;
                let plain: f64 = words.iter().map(|w| values[pick(w) * width + column]).sum();
                assert_eq!(found[r * width + column], plain); // whole numbers add up exactly in any order
            }
        }
        let column: Vec<f64> = values.iter().step_by(width).copied().collect();
        let lone = sums(key, (&column, 1), (5, 4), 2)?;
        assert!((0..4).all(|r| lone[r] == found[r * width]));
        Ok(())
    }
}
