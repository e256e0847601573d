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
    let low = if word >> 31 == 0 { word } else { !word };
    let u = (f64::from(low) + 0.5) * (1.0 / 4_294_967_296.0);
    let q = 0.5 - u;
    let centre = q * ratio(&CENTRE, 0.180_625 - q * q);
    // AS 241 changes to its third region at r = 5, u = 1.4e-11, which no 32-bit word reaches.
    let tail = ratio(&MIDDLE, (-ln(u)).sqrt() - 1.6);
    let z = if q <= 0.425 { centre } else { tail };
    if word >> 31 == 0 { -z } else { z }
}

/// [`quantile`] of each word; both slices have one length.
#[inline(always)]
pub fn block(words: &[u32], out: &mut [f64]) {
    for (z, w) in out.iter_mut().zip(words) {
        *z = quantile(*w);
    }
}

/// [`quantile`] of each word, as wide as the machine allows.
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
