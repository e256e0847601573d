//! Elementary and special functions that give the same bits on every machine.
//!
//! Only `+ - * /` and `sqrt` of IEEE 754 are used (no platform libm, no fused operations), and [`ln`] and [`exp`] have
//! no branches, so that loops over them become vector code. Errors are below 2 units in the last place.

use crate::dispatch::{self, Kernel};

const LN2_HIGH: f64 = 6.931_471_803_691_238_16e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_70e-10;
/// Adding and taking away 1.5 × 2^52 rounds to the nearest integer, whose low bits then stand in the mantissa.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// Coefficients of the odd series for `ln((1 + s) / (1 - s))`, from FreeBSD's `e_log.c`.
const LOG: [f64; 7] = [
    6.666_666_666_666_735_13e-1,
    3.999_999_999_940_941_908e-1,
    2.857_142_874_366_239_149e-1,
    2.222_219_843_214_978_396e-1,
    1.818_357_216_161_805_012e-1,
    1.531_383_769_920_937_332e-1,
    1.479_819_860_511_658_591e-1,
];
/// 1 / k! from k = 13 down to k = 2.
const EXP: [f64; 12] = [
    1.605_904_383_682_161_3e-10,
    2.087_675_698_786_810_0e-9,
    2.505_210_838_544_172_0e-8,
    2.755_731_922_398_589_3e-7,
    2.755_731_922_398_589_0e-6,
    2.480_158_730_158_730_2e-5,
    1.984_126_984_126_984_1e-4,
    1.388_888_888_888_889_0e-3,
    8.333_333_333_333_333_3e-3,
    4.166_666_666_666_666_6e-2,
    1.666_666_666_666_666_6e-1,
    0.5,
];
/// ln k! less its main Stirling terms, for k from 0 to 15 (Loader 2000).
const STIRLING_SMALL: [f64; 16] = [
    0.0,
    8.106_146_679_532_725_82e-2,
    4.134_069_595_540_929_41e-2,
    2.767_792_568_499_833_91e-2,
    2.079_067_210_376_509_31e-2,
    1.664_469_118_982_119_22e-2,
    1.387_612_882_307_074_80e-2,
    1.189_670_994_589_177_00e-2,
    1.041_126_526_197_209_65e-2,
    9.255_462_182_712_732_92e-3,
    8.330_563_433_362_871_26e-3,
    7.573_675_487_951_840_79e-3,
    6.942_840_107_209_529_87e-3,
    6.408_994_188_004_207_07e-3,
    5.951_370_112_758_847_74e-3,
    5.554_733_551_962_801_37e-3,
];

/// Natural logarithm of a number that is neither subnormal nor NaN; -infinity at 0, NaN below.
///
/// Source: FreeBSD `e_log.c` (Sun Microsystems), without its branches.
///
/// ```
/// assert_eq!(onetake_core::special::ln(1.0), 0.0);
/// ```
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    // Exponent and mantissa so that the mantissa lies in [√½, √2).
    let shifted = bits.wrapping_sub(0x3FE6_A09E_667F_3BCD);
    let exponent = ((shifted as i64) >> 52) as u64;
    let mantissa = f64::from_bits(bits.wrapping_sub(exponent << 52));
    let e = f64::from_bits(exponent.wrapping_add(0x4338_0000_0000_0000)) - ROUND;
    let f = mantissa - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (LOG[1] + w * (LOG[3] + w * LOG[5]));
    let odd = z * (LOG[0] + w * (LOG[2] + w * (LOG[4] + w * LOG[6])));
    let half = 0.5 * f * f;
    let y = e * LN2_HIGH - ((half - (s * (half + (even + odd)) + e * LN2_LOW)) - f);
    let y = if x == f64::INFINITY { f64::INFINITY } else { y };
    let y = if x == 0.0 { f64::NEG_INFINITY } else { y };
    if x < 0.0 { f64::NAN } else { y }
}

/// `ln(1 + x)` for x > -1, right also where `1 + x` would lose the digits of x.
#[inline(always)]
pub fn ln_1p(x: f64) -> f64 {
    let u = 1.0 + x;
    ln(u) + (x - (u - 1.0)) / u
}

/// `e^x`; 0 below -745, infinity above 709.78.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    let clamped = x.clamp(-746.0, 710.0);
    let shifted = clamped * std::f64::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = (clamped - k * LN2_HIGH) - k * LN2_LOW;
    let mut y = EXP[0];
    let mut i = 1;
    while i < EXP.len() {
        y = y * r + EXP[i];
        i += 1;
    }
    let y = 1.0 + (r + r * r * y);
    // Two factors, since 2^k alone may be subnormal or too large.
    let k = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i64;
    let first = k >> 1;
    y * power_of_two(first) * power_of_two(k - first)
}

#[inline(always)]
fn power_of_two(k: i64) -> f64 {
    f64::from_bits(((k + 1023) as u64) << 52)
}

/// `x^y` for x of at least 0, within one unit in the last place.
pub fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// `f` of each number, as wide as the machine allows.
pub fn map(values: &[f64], f: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut out = vec![0.0; values.len()];
    dispatch::run(Map { values, f, out: &mut out });
    out
}

struct Map<'a, F> {
    values: &'a [f64],
    f: F,
    out: &'a mut [f64],
}

impl<F: Fn(f64) -> f64> Kernel for Map<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (o, x) in self.out.iter_mut().zip(self.values) {
            *o = (self.f)(*x);
        }
    }
}

/// `ln k! - [(k + ½) ln k - k + ½ ln 2π]`: what Stirling's formula leaves over.
///
/// Source: C. Loader, *Fast and accurate computation of binomial probabilities*, 2000.
pub fn stirling_rest(k: f64) -> f64 {
    if k < 15.5 {
        return STIRLING_SMALL[k as usize];
    }
    let r = 1.0 / (k * k);
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - r / 1188.0) * r) * r) * r) / k
}

/// `x ln(x / mean) + mean - x` without cancellation: Loader's deviance part.
///
/// Source: C. Loader, as [`stirling_rest`].
pub fn deviance(x: f64, mean: f64) -> f64 {
    let difference = x - mean;
    if difference.abs() >= 0.1 * (x + mean) {
        return if x == 0.0 { mean } else { x * ln(x / mean) - difference };
    }
    let v = difference / (x + mean);
    let mut sum = difference * v;
    let mut term = 2.0 * x * v;
    let square = v * v;
    let mut k = 3.0;
    loop {
        term *= square;
        let next = sum + term / k;
        if next == sum {
            return sum;
        }
        sum = next;
        k += 2.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, want: f64, relative: f64) {
        assert!((got - want).abs() <= relative * want.abs(), "got {got:e}, want {want:e}");
    }

    #[test]
    fn logarithm_and_exponential_agree_with_an_independent_libm() {
        let mut x = 1e-300;
        while x < 1e300 {
            close(ln(x), libm::log(x), 4e-16);
            x *= 1.731;
        }
        for i in -70_000_i32..=70_000 {
            let x = f64::from(i) * 0.01013;
            close(exp(x), libm::exp(x), if x < -707.0 { 1e-8 } else { 5e-16 });
            let small = f64::from(i) * f64::from(i.abs()) * 1.9e-10;
            if small > -1.0 {
                close(ln_1p(small), libm::log1p(small), 5e-16);
            }
        }
    }

    #[test]
    fn logarithm_and_exponential_have_their_limits() {
        assert_eq!(ln(0.0), f64::NEG_INFINITY);
        assert_eq!(ln(f64::INFINITY), f64::INFINITY);
        assert!(ln(-1.0).is_nan());
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
        assert_eq!(exp(f64::INFINITY), f64::INFINITY);
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f64::NAN).is_nan());
    }

    #[test]
    fn stirling_rest_is_what_log_gamma_leaves_over() {
        for k in 1..400 {
            let k = f64::from(k);
            let main = (k + 0.5) * libm::log(k) - k + 0.918_938_533_204_672_74;
            assert!((stirling_rest(k) - (libm::lgamma(k + 1.0) - main)).abs() < 1e-12);
        }
    }
}
