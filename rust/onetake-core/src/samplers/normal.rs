//! Standard normal numbers by the inverse of their distribution function: monotone in the word.

use crate::dispatch::{self, Kernel};
use crate::special::ln;

/// Numerators and denominators of AS 241's three regions, highest power first.
const CENTRE: [[f64; 8]; 2] = [
    [
        2.509_080_928_730_122_672_7e3,
        3.343_057_558_358_812_810_5e4,
        6.726_577_092_700_870_085_3e4,
        4.592_195_393_154_987_145_7e4,
        1.373_169_376_550_946_112_5e4,
        1.971_590_950_306_551_442_7e3,
        1.331_416_678_917_843_774_5e2,
        3.387_132_872_796_366_608_0e0,
    ],
    [
        5.226_495_278_852_854_561_0e3,
        2.872_908_573_572_194_267_4e4,
        3.930_789_580_009_271_061_0e4,
        2.121_379_430_158_659_586_7e4,
        5.394_196_021_424_751_107_7e3,
        6.871_870_074_920_579_083_0e2,
        4.231_333_070_160_091_125_2e1,
        1.0,
    ],
];
const MIDDLE: [[f64; 8]; 2] = [
    [
        7.745_450_142_783_414_076_40e-4,
        2.272_384_498_926_918_458_33e-2,
        2.417_807_251_774_506_117_70e-1,
        1.270_458_252_452_368_382_58e0,
        3.647_848_324_763_204_605_04e0,
        5.769_497_221_460_691_405_50e0,
        4.630_337_846_156_545_295_90e0,
        1.423_437_110_749_683_577_34e0,
    ],
    [
        1.050_750_071_644_416_843_24e-9,
        5.475_938_084_995_344_946_00e-4,
        1.519_866_656_361_645_719_66e-2,
        1.481_039_764_274_800_745_90e-1,
        6.897_673_349_851_000_045_50e-1,
        1.676_384_830_183_803_849_40e0,
        2.053_191_626_637_758_821_87e0,
        1.0,
    ],
];

/// Words that are worked on together.
const CHUNK: usize = 128;
/// Words of the tails that are worked on together.
const PACK: usize = 16;

#[inline(always)]
fn ratio(parts: &[[f64; 8]; 2], x: f64) -> f64 {
    let (mut above, mut below) = (parts[0][0], parts[1][0]);
    let mut i = 1;
    while i < 8 {
        above = above * x + parts[0][i];
        below = below * x + parts[1][i];
        i += 1;
    }
    above / below
}

/// What the word says of its side: the chance of the tail beyond it, and its distance from the middle.
#[inline(always)]
fn split(word: u32) -> (f64, f64) {
    let low = if word >> 31 == 0 { word } else { !word };
    let u = (f64::from(low) + 0.5) * (1.0 / 4_294_967_296.0);
    (u, 0.5 - u)
}

#[inline(always)]
fn centre(q: f64) -> f64 {
    q * ratio(&CENTRE, 0.180_625 - q * q)
}

#[inline(always)]
fn tail(u: f64) -> f64 {
    // AS 241 changes to its third region at r = 5, u = 1.4e-11, which no 32-bit word reaches.
    ratio(&MIDDLE, (-ln(u)).sqrt() - 1.6)
}

/// The number above which a chance `u` of at most ½ lies.
#[inline(always)]
pub(super) fn above(u: f64) -> f64 {
    let q = 0.5 - u;
    if q <= 0.425 { centre(q) } else { tail(u) }
}

/// The standard normal number whose distribution function is `unit(word)`: from -6.34 to 6.34, 2^-32 apart in chance.
///
/// Odd about the middle word, increasing, relative error below 1e-15.
/// Source: M. Wichura, algorithm AS 241 (PPND16), 1988; its third region lies beyond 32 bits.
///
/// ```
/// use onetake_core::samplers::normal::quantile;
/// assert_eq!(quantile(0), -quantile(u32::MAX));
/// ```
#[inline(always)]
pub fn quantile(word: u32) -> f64 {
    let z = above(split(word).0);
    if word >> 31 == 0 { -z } else { z }
}

/// [`quantile`] of each word; both slices have one length.
#[inline(always)]
pub fn block(words: &[u32], out: &mut [f64]) {
    let len = out.len();
    let mut start = 0;
    while start + CHUNK <= len {
        chunk(&words[start..start + CHUNK], &mut out[start..start + CHUNK]);
        start += CHUNK;
    }
    for i in start..len {
        out[i] = quantile(words[i]);
    }
}

/// The centre's formula for all, then the tails', packed, for the 15 % that need it.
#[inline(always)]
fn chunk(words: &[u32], out: &mut [f64]) {
    let (words, out) = (&words[..CHUNK], &mut out[..CHUNK]);
    let mut outer = [0_u8; CHUNK];
    for i in 0..CHUNK {
        let (_, q) = split(words[i]);
        let z = centre(q);
        out[i] = if words[i] >> 31 == 0 { -z } else { z };
        outer[i] = u8::from(q > 0.425);
    }
    let (mut places, mut count) = ([0_u8; CHUNK], 0);
    for (i, flag) in outer.iter().enumerate() {
        places[count & (CHUNK - 1)] = i as u8;
        count += usize::from(*flag);
    }
    let mut at = 0;
    while at < count {
        let mut far = [0_u32; PACK];
        for (j, word) in far.iter_mut().enumerate() {
            *word = words[places[(at + j) & (CHUNK - 1)] as usize & (CHUNK - 1)];
        }
        let mut z = [0.0; PACK];
        for j in 0..PACK {
            let x = tail(split(far[j]).0);
            z[j] = if far[j] >> 31 == 0 { -x } else { x };
        }
        for j in 0..PACK.min(count - at) {
            out[places[at + j] as usize & (CHUNK - 1)] = z[j];
        }
        at += PACK;
    }
}

/// [`quantile`] of each word, as wide as the machine allows.
pub fn fill(words: &[u32], out: &mut [f64]) {
    dispatch::run(Fill { words, out });
}

/// [`quantile`] in single precision, within `1e-6 + 4e-7 |z|`: a first guess.
///
/// Source: AS 241 (PPND7).
#[inline(always)]
pub(super) fn coarse(word: u32) -> f32 {
    let low = if word >> 31 == 0 { word } else { !word };
    // Both are whole numbers below 2^31, so that they convert as signed ones.
    let u = (low as i32 as f32 + 0.5) * (1.0 / 4_294_967_296.0);
    let q = ((0x7FFF_FFFF - low) as i32 as f32 + 0.5) * (1.0 / 4_294_967_296.0);
    let inner = q <= 0.425;
    let r = if inner { 0.180_625 - q * q } else { (-coarse_ln(u)).sqrt() - 1.6 };
    let above = if inner {
        q * (((59.109_374_72 * r + 159.291_132_02) * r + 50.434_271_938) * r + 3.387_132_717_9)
    } else {
        ((0.170_238_21 * r + 1.306_728_482_2) * r + 2.756_815_39) * r + 1.423_437_232_7
    };
    let below = if inner {
        ((67.187_563_6 * r + 78.757_757_664) * r + 17.895_169_469) * r + 1.0
    } else {
        (0.120_211_32 * r + 0.737_001_645_1) * r + 1.0
    };
    let z = above / below;
    if word >> 31 == 0 { -z } else { z }
}

/// Logarithm of a positive normal number, within 1e-7 of its size.
#[inline(always)]
fn coarse_ln(x: f32) -> f32 {
    let bits = x.to_bits() as i32;
    let exponent = (bits - 0x3F35_04F3) >> 23;
    let m = f32::from_bits((bits - (exponent << 23)) as u32) - 1.0;
    let z = m * m;
    // Cephes `logf`.
    let p = ((((((((7.037_683_6e-2 * m - 1.151_461_e-1) * m + 1.167_699_87e-1) * m - 1.242_014_08e-1) * m
        + 1.424_932_28e-1)
        * m
        - 1.666_805_77e-1)
        * m
        + 2.000_071_48e-1)
        * m
        - 2.499_999_4e-1)
        * m
        + 3.333_333_1e-1)
        * m
        * z;
    exponent as f32 * std::f32::consts::LN_2 + (m + (p - 0.5 * z))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coarse_numbers_are_as_near_as_the_band_of_counts_assumes() {
        let near = |word: u32| {
            let z = quantile(word);
            assert!((f64::from(coarse(word)) - z).abs() <= 1e-6 + 4e-7 * z.abs(), "word {word}");
        };
        (0..400_000).chain((0..u32::MAX).step_by(4_001)).for_each(|w| {
            near(w);
            near(!w);
        });
    }

    #[test]
    fn quantile_has_known_values_and_grows() {
        // SciPy: norm.isf(0.5 / 2**32), norm.isf((2**30 + 0.5) / 2**32), norm.isf((2**16 + 0.5) / 2**32).
        let known =
            [(0, 6.337_957_754_553_789_5), (1 << 30, 0.674_489_749_829_738_4), (1 << 16, 4.169_567_584_466_582_5)];
        for (word, z) in known {
            assert!((quantile(!word) / z - 1.0).abs() < 1e-12, "{}", quantile(!word));
        }
        let mut last = f64::NEG_INFINITY;
        for w in (0..u32::MAX).step_by(99_991) {
            assert!(quantile(w) > last);
            last = quantile(w);
        }
    }
}
