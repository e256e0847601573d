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
/// π/2 in three parts; the first two have 33 bits, so that whole multiples of them below 2^20 are exact (FreeBSD's
/// `e_rem_pio2.c`).
const HALF_PI: [f64; 3] =
    [1.570_796_326_734_125_614_17, 6.077_100_506_303_965_976_60e-11, 2.022_266_248_795_950_631_54e-21];
/// Coefficients of the sine (FreeBSD's `k_sin.c`), from the lowest power up.
const SIN: [f64; 6] = [
    -1.666_666_666_666_663_243_48e-1,
    8.333_333_333_322_489_461_24e-3,
    -1.984_126_982_985_794_931_34e-4,
    2.755_731_370_707_006_767_89e-6,
    -2.505_076_025_340_686_341_95e-8,
    1.589_690_995_211_550_102_21e-10,
];
/// Coefficients of the cosine (FreeBSD's `k_cos.c`), from the lowest power up.
const COS: [f64; 6] = [
    4.166_666_666_666_660_190_37e-2,
    -1.388_888_888_887_410_957_49e-3,
    2.480_158_728_947_672_941_78e-5,
    -2.755_731_435_139_066_330_35e-7,
    2.087_572_321_298_174_827_90e-9,
    -1.135_964_755_778_819_482_65e-11,
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
/// ```
/// assert_eq!(onetake_core::special::ln(1.0), 0.0);
/// ```
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    let y = ln_normal(x);
    let y = if x == f64::INFINITY { f64::INFINITY } else { y };
    let y = if x == 0.0 { f64::NEG_INFINITY } else { y };
    if x < 0.0 { f64::NAN } else { y }
}

/// The bits of [`ln`] for a positive normal number, in fewer operations; rubbish for others.
///
/// Source: FreeBSD `e_log.c` (Sun Microsystems), without its branches.
#[inline(always)]
pub(crate) fn ln_normal(x: f64) -> f64 {
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
    e * LN2_HIGH - ((half - (s * (half + (even + odd)) + e * LN2_LOW)) - f)
}

/// `1 / √x` within a part in 10^13, for numbers that a single-precision float holds.
#[inline(always)]
pub(crate) fn inverse_root(x: f64) -> f64 {
    let y = f64::from(1.0 / (x as f32).sqrt());
    // One of Newton's steps doubles the digits.
    y * (1.5 - 0.5 * x * y * y)
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

/// Sine and cosine of an angle of at most π/4 either way; the same bits as [`sin_cos`] in fewer operations.
///
/// Neighbouring terms are joined first (Estrin's scheme): what waits for what is half as long as in Horner's.
#[inline(always)]
pub fn sin_cos_near(x: f64) -> (f64, f64) {
    let z = x * x;
    let (z2, half) = (z * z, 0.5 * z);
    let most = 1.0 - half;
    (x + (x * z) * joined(&SIN, z, z2), most + (((1.0 - most) - half) + z2 * joined(&COS, z, z2)))
}

/// A polynomial of degree 5 in `z`, of which `z2` is the square.
#[inline(always)]
fn joined(c: &[f64; 6], z: f64, z2: f64) -> f64 {
    ((c[0] + z * c[1]) + z2 * (c[2] + z * c[3])) + (z2 * z2) * (c[4] + z * c[5])
}

/// Sine and cosine of an angle of less than a million either way, with absolute errors below 2e-16.
///
/// Source: FreeBSD `k_sin.c`, `k_cos.c` and `e_rem_pio2.c` (Sun Microsystems), without their branches.
///
/// ```
/// assert_eq!(onetake_core::special::sin_cos(0.0), (0.0, 1.0));
/// ```
#[inline(always)]
pub fn sin_cos(x: f64) -> (f64, f64) {
    let shifted = x * std::f64::consts::FRAC_2_PI + ROUND;
    let k = shifted - ROUND;
    let r = ((x - k * HALF_PI[0]) - k * HALF_PI[1]) - k * HALF_PI[2];
    let (sin, cos) = sin_cos_near(r);
    let quarter = shifted.to_bits();
    let (a, b) = if quarter & 1 == 0 { (sin, cos) } else { (cos, sin) };
    // The sign bit of the sine is set in quarters 2 and 3, that of the cosine in quarters 1 and 2.
    let sign = |turns: u64| (turns & 2) << 62;
    (f64::from_bits(a.to_bits() ^ sign(quarter)), f64::from_bits(b.to_bits() ^ sign(quarter.wrapping_add(1))))
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
    fn sine_and_cosine_agree_with_an_independent_libm() {
        for i in -200_000_i32..=200_000 {
            for scale in [3.93e-6, 1.234_567e-3, 4.987_654_321] {
                let x = f64::from(i) * scale;
                let (sin, cos) = sin_cos(x);
                assert!((sin - libm::sin(x)).abs() < 2.3e-16, "sin {x}");
                assert!((cos - libm::cos(x)).abs() < 2.3e-16, "cos {x}");
                if x.abs() < std::f64::consts::FRAC_PI_4 {
                    assert_eq!((sin, cos), sin_cos_near(x));
                }
            }
        }
        assert!(sin_cos(f64::NAN).0.is_nan() && sin_cos(f64::INFINITY).1.is_nan());
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
