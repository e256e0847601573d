//! Vector forms of the lattice samplers: what they are sure of is the canonical quantile, the rest is asked for exactly.
//!
//! Wide units: [`Expansion`](super::lattice::Expansion) in single precision, sure wherever the curve stays clear of a
//! rounding boundary by more than its error. Narrow units: packed, probabilities added up from 0 in step.

use super::lattice::WIDE;
use super::normal::coarse;
use crate::rng::unit;
use crate::special::exp;

/// Units that are worked on together.
const CHUNK: usize = 64;
/// Narrow units that are searched in step.
const PACK: usize = 16;
/// Two ways of adding up the same distribution function differ by less than this.
pub(super) const NOISE: f64 = 1e-12;
/// Steps of a search; what is not found by then is asked for exactly.
const STEPS: u32 = 192;

/// What the expansion needs: mean, variance, the cumulants 3 to 6 divided by the variance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments {
    pub mean: f64,
    pub variance: f64,
    pub relative: [f32; 4],
    /// The largest value.
    pub top: f64,
}

/// Probabilities from 0 on: `mass(0)` and `mass(i + 1) / mass(i) = (first - i × loss) / (i + 1)`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Chain {
    pub log_mass: f64,
    pub first: f64,
    pub loss: f64,
    /// Number of trials where failures are counted, from the other end.
    pub from: Option<u32>,
}

/// The units of a call.
pub(super) trait Units: Copy {
    fn moments(self, i: usize) -> Moments;
    fn chain(self, i: usize) -> Chain;
    fn exact(self, i: usize, word: u32) -> u32;
}

/// The canonical quantile of each word.
#[inline(always)]
pub(super) fn block(units: impl Units, words: &[u32], out: &mut [u32]) {
    let mut start = 0;
    while start < out.len() {
        let len = CHUNK.min(out.len() - start);
        // Whole chunks have a length that the compiler knows, which is what makes them vector code.
        if len == CHUNK {
            chunk(units, start, &words[start..start + CHUNK], &mut out[start..start + CHUNK]);
        } else {
            for i in start..start + len {
                out[i] = units.exact(i, words[i]);
            }
        }
        start += len;
    }
}

#[inline(always)]
fn chunk(units: impl Units, start: usize, words: &[u32], out: &mut [u32]) {
    let mut variance = [0.0; CHUNK];
    let mut wide = 0;
    for (i, v) in variance.iter_mut().enumerate() {
        *v = units.moments(start + i).variance;
        wide += u32::from(*v >= WIDE);
    }
    let mut unsure = [0_u8; CHUNK];
    if wide > 0 {
        expand(units, start, words, out, &mut unsure);
    }
    // Pack what is left: narrow units for the search, the others for the exact way.
    let (mut narrow, mut narrows) = ([0_usize; CHUNK + PACK], 0);
    if wide < CHUNK as u32 {
        for i in 0..CHUNK {
            narrow[narrows] = i;
            let is = variance[i] < WIDE;
            narrows += usize::from(is);
            unsure[i] = if is { 0 } else { unsure[i] };
        }
    }
    for (i, flag) in unsure.iter().enumerate() {
        if *flag != 0 {
            out[i] = units.exact(start + i, words[i]);
        }
    }
    let mut at = 0;
    while at < narrows {
        let count = PACK.min(narrows - at);
        // Past the end stand copies of the last unit.
        let mut pack = [narrow[at + count - 1]; PACK];
        pack[..count].copy_from_slice(&narrow[at..at + count]);
        search(units, start, words, &pack, out);
        at += count;
    }
}

/// Round the expansion; `unsure` where that may not be the quantile.
#[inline(always)]
fn expand(units: impl Units, start: usize, words: &[u32], out: &mut [u32], unsure: &mut [u8; CHUNK]) {
    let (words, out) = (&words[..CHUNK], &mut out[..CHUNK]);
    for i in 0..CHUNK {
        let Moments { mean, variance, relative, top } = units.moments(start + i);
        let z = coarse(words[i]);
        let (delta, band) = offset(variance as f32, relative, z);
        let y = mean + f64::from(delta);
        let k = (y + 0.5).floor();
        let sure = 0.5 - (y - k).abs() > f64::from(band) && variance >= WIDE && k >= 0.0 && k <= top;
        // The low bits of k + 2^52: a plain conversion would saturate, lane by lane.
        out[i] = (k + 4_503_599_627_370_496.0).to_bits() as u32;
        unsure[i] = u8::from(!sure);
    }
}

/// Where the curve stands from the mean, and how far that may be from the truth.
#[inline(always)]
fn offset(variance: f32, relative: [f32; 4], z: f32) -> (f32, f32) {
    let corrected = variance - 1.0 / 12.0;
    let r = 1.0 / corrected.sqrt();
    let width = corrected * r;
    let r2 = r * r;
    let r4 = r2 * r2;
    let v = variance * r2;
    let a = relative[0] * v * r;
    let b = relative[1] * v * r2 + r4 * (1.0 / 120.0);
    let c = relative[2] * v * r2 * r;
    let d = relative[3] * v * r4 - r4 * r2 * (1.0 / 252.0);
    let w = super::lattice::correction(a, b, c, d, z);
    let delta = width * (z + w);
    let z2 = z * z;
    let z4 = z2 * z2;
    // The curve's own error, then that of single precision.
    (delta, r4 * (0.1 + 2e-4 * (z4 * z4)) + width * (2e-6 + 1e-6 * z.abs()) + 2e-6)
}

/// Add up the probabilities of a pack in step until all have passed their word.
#[inline(always)]
fn search(units: impl Units, start: usize, words: &[u32], pack: &[usize; PACK], out: &mut [u32]) {
    let mut chain = [Chain::default(); PACK];
    let (mut u, mut first, mut loss, mut term) = ([0.0; PACK], [0.0; PACK], [0.0; PACK], [0.0; PACK]);
    for j in 0..PACK {
        chain[j] = units.chain(start + pack[j]);
        let word = words[pack[j]];
        u[j] = unit(if chain[j].from.is_some() { !word } else { word });
        first[j] = chain[j].first;
        loss[j] = chain[j].loss;
        term[j] = chain[j].log_mass;
    }
    for t in &mut term {
        *t = exp(*t);
    }
    let mut sum = term;
    let mut passed = [0_u64; PACK];
    let mut close = [false; PACK];
    let mut step = 0;
    loop {
        let mut open = 0;
        let (at, inverse) = (f64::from(step), 1.0 / f64::from(step + 1));
        for j in 0..PACK {
            let gap = sum[j] - u[j];
            close[j] |= gap.abs() < NOISE;
            passed[j] += u64::from(gap < 0.0);
            open += u64::from(gap < 0.0);
            term[j] *= (first[j] - at * loss[j]) * inverse;
            sum[j] += term[j];
        }
        step += 1;
        if open == 0 || step == STEPS {
            for j in 0..PACK {
                let i = pack[j];
                let found = passed[j] as u32;
                let k = chain[j].from.map_or(found, |n| n.wrapping_sub(found));
                let sure = !close[j] && found < STEPS;
                out[i] = if sure { k } else { units.exact(start + i, words[i]) };
            }
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samplers::lattice::Expansion;
    use crate::samplers::normal;

    #[test]
    fn single_precision_errs_by_less_than_half_of_what_its_band_adds() {
        for exponent in 0..60 {
            let variance = 12.0 * 1.35_f64.powi(exponent);
            for skew in [1.0, 0.9, 0.3, 0.0, -0.5, -1.0_f64] {
                let pq = (1.0 - skew * skew) / 4.0;
                let relative = [skew, 1.0 - 6.0 * pq, skew * (1.0 - 12.0 * pq), 1.0 - 30.0 * pq * (1.0 - 4.0 * pq)];
                let expansion = Expansion::new(0.0, variance, relative);
                for word in (0..2_000).chain((0..u32::MAX).step_by(20_000_003)).flat_map(|w| [w, !w]) {
                    let z = coarse(word);
                    let (delta, band) = offset(variance as f32, relative.map(|x| x as f32), z);
                    let truth = normal::quantile(word);
                    let added = f64::from(band) - (expansion.band(truth) - 1e-7);
                    let error = (f64::from(delta) - expansion.at(truth)).abs();
                    assert!(error < 0.5 * added, "variance {variance} skew {skew} z {truth}: {error} of {added}");
                }
            }
        }
    }
}
