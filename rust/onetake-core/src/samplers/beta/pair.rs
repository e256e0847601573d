//! Tries of two gamma numbers together, for shapes of which none is 1.
//!
//! A try takes three words: two make a pair of normals (Box and Muller), each of which proposes a gamma number (Marsaglia
//! and Tsang), and the third accepts or refuses both at once, with the product of their chances. A try fails with a
//! chance below 10 %, so that all fail less than once in 10^20 draws; the last one is then taken as it is.
//! Sources: Box and Muller, *A note on the generation of random normal deviates*, 1958; Marsaglia and Tsang, *A simple
//! method for generating gamma variables*, 2000.

use super::super::{BLOCK, Source};
use crate::rng::unit;
use crate::special::{inverse_root, ln_normal};

/// Tries of a slot.
const TRIES: u32 = 20;
/// Units that are retried together, in vectors of [`LANES`].
const GROUP: usize = 32;
const LANES: usize = 8;
/// Sine and cosine from -45 to 45 degrees: coefficients of FreeBSD's `k_sin.c` and `k_cos.c` without the last.
const SINE: [f64; 5] = [
    -2.505_076_025_340_686_341_95e-8,
    2.755_731_370_707_006_767_89e-6,
    -1.984_126_982_985_794_931_34e-4,
    8.333_333_333_322_489_461_24e-3,
    -1.666_666_666_666_663_243_48e-1,
];
const COSINE: [f64; 5] = [
    -2.755_731_435_139_066_330_35e-7,
    2.480_158_728_947_672_941_78e-5,
    -1.388_888_888_887_410_957_49e-3,
    4.166_666_666_666_660_190_37e-2,
    -0.5,
];

/// A direction in the plane, all equally likely, as its two coordinates, within 1e-11.
#[inline(always)]
fn direction(word: u32) -> (f64, f64) {
    // Two bits choose the quadrant, the others an angle from -45 to 45 degrees, in steps of 2^-30 of a right angle.
    let phi = (f64::from((word << 2) as i32) + 2.0) * (std::f64::consts::FRAC_PI_2 / 4_294_967_296.0);
    let z = phi * phi;
    let (mut sine, mut cosine) = (SINE[0], COSINE[0]);
    let mut i = 1;
    while i < SINE.len() {
        sine = sine * z + SINE[i];
        cosine = cosine * z + COSINE[i];
        i += 1;
    }
    let (sine, cosine) = (phi + phi * (z * sine), 1.0 + z * cosine);
    let cosine = f64::from_bits(cosine.to_bits() ^ u64::from(word & 0x8000_0000) << 32);
    if word & 0x4000_0000 == 0 { (cosine, sine) } else { (sine, cosine) }
}

/// A proposed gamma number of shape `d + 1/3`, at least 1: `d (1 + t)³`.
#[derive(Clone, Copy)]
struct Proposal {
    d: f64,
    t: f64,
    x: f64,
}

/// Shape less a third, of a shape raised to at least 1.
#[inline(always)]
fn reduced(shape: f64) -> f64 {
    let raised = if shape < 1.0 { shape + 1.0 } else { shape };
    raised - 1.0 / 3.0
}

impl Proposal {
    #[inline(always)]
    fn new(shape: f64, t: f64) -> Self {
        Self { d: reduced(shape), t, x: 1.0 + t }
    }

    #[inline(always)]
    fn number(self) -> f64 {
        self.d * (self.x * self.x * self.x)
    }

    /// Logarithm of the chance to be accepted: `h = 3 d (ln(1 + t) - t + t²/2 - t³/3)`, never above 0.
    #[inline(always)]
    fn log_chance(self) -> f64 {
        let t = self.t;
        let log = 3.0 * self.d * (ln_normal(self.x) - t + t * t * (0.5 - t * (1.0 / 3.0)));
        if self.x > 0.0 { log } else { f64::NEG_INFINITY }
    }

    /// `doubt` and `least` with `-h <= doubt / least`: `3 d (t - t²/2 + t³/3 - ln(1 + t)) <= ¾ d t⁴ / min(1, 1 + t)`.
    #[inline(always)]
    fn most_doubt(self) -> (f64, f64) {
        let square = self.t * self.t;
        (0.75 * self.d * (square * square), if self.x < 1.0 { self.x } else { 1.0 })
    }
}

#[inline(always)]
fn share(x: Proposal, y: Proposal) -> f64 {
    x.number() / (x.number() + y.number())
}

/// Shapes and words of units that are tried.
#[derive(Clone, Copy)]
pub struct Tried<'a> {
    /// First shapes.
    pub a: &'a [f64],
    /// Second shapes.
    pub b: &'a [f64],
    /// The three words of a try.
    pub words: [&'a [u32]; 3],
}

/// A normal number each, as the part of `t` that it makes: `t = z / √9d`.
///
/// One short loop after the other: a processor looks a few hundred instructions ahead, which is several turns of
/// a short loop and not one of a long one. `t = part × √(square / 9d)` has 10 digits: a proposal may come from
/// nearly a normal number, since what counts is that its chance fits.
#[inline(always)]
fn propose(tried: Tried<'_>, t: &mut [f64], s: &mut [f64]) {
    let mut squares = [1.0; BLOCK];
    let squares = &mut squares[..t.len()];
    for (square, word) in squares.iter_mut().zip(tried.words[0]) {
        *square = -2.0 * ln_normal(unit(*word));
    }
    for ((t, s), word) in t.iter_mut().zip(&mut *s).zip(tried.words[1]) {
        (*t, *s) = direction(*word);
    }
    for (((t, s), square), (a, b)) in t.iter_mut().zip(s).zip(squares).zip(tried.a.iter().zip(tried.b)) {
        *t *= *square * inverse_root(9.0 * reduced(*a) * *square);
        *s *= *square * inverse_root(9.0 * reduced(*b) * *square);
    }
}

/// A try of all: its numbers, and 1 for those that the quick test leaves open.
#[inline(always)]
pub fn first(tried: Tried<'_>, out: &mut [f64], open: &mut [u8]) {
    let len = out.len();
    let (mut t, mut s) = ([0.0; BLOCK], [0.0; BLOCK]);
    let (t, s) = (&mut t[..len], &mut s[..len]);
    propose(tried, t, s);
    let (a, b, chance, open) = (&tried.a[..len], &tried.b[..len], &tried.words[2][..len], &mut open[..len]);
    for i in 0..len {
        let (x, y) = (Proposal::new(a[i], t[i]), Proposal::new(b[i], s[i]));
        out[i] = share(x, y);
        let ((one, least), (other, lowest)) = (x.most_doubt(), y.most_doubt());
        // ln u <= u - 1, so this accepts nothing that the full test would not.
        let sure = (1.0 - unit(chance[i])) * (least * lowest) > one * lowest + other * least;
        open[i] = u8::from(!sure) | u8::from(least <= 0.0) | u8::from(lowest <= 0.0);
    }
}

/// A try of all: its numbers, and 1 for those that the full test accepts.
#[inline(always)]
fn test(tried: Tried<'_>, out: &mut [f64], accepted: &mut [u8]) {
    let len = out.len();
    let (mut t, mut s) = ([0.0; BLOCK], [0.0; BLOCK]);
    let (t, s) = (&mut t[..len], &mut s[..len]);
    propose(tried, t, s);
    let (a, b, chance, accepted) = (&tried.a[..len], &tried.b[..len], &tried.words[2][..len], &mut accepted[..len]);
    for i in 0..len {
        let (x, y) = (Proposal::new(a[i], t[i]), Proposal::new(b[i], s[i]));
        // The last try may be a refused one.
        out[i] = share(x, y).clamp(0.0, 1.0);
        accepted[i] = u8::from(ln_normal(unit(chance[i])) < x.log_chance() + y.log_chance());
    }
}

/// Take units whose first try the quick test left open through the full test, and through further tries.
///
/// `units` are places in `tried` and `out`, counted from unit `first` of the source on.
#[inline(always)]
pub fn settle(source: impl Source, first: usize, units: &[u8], tried: Tried<'_>, out: &mut [f64]) {
    for units in units.chunks(GROUP) {
        settle_group(source, first, units, tried, out);
    }
}

#[inline(always)]
fn settle_group(source: impl Source, first: usize, units: &[u8], tried: Tried<'_>, out: &mut [f64]) {
    let (mut waiting, mut count) = ([0_u8; GROUP], units.len());
    waiting[..count].copy_from_slice(units);
    let (mut words, mut shapes) = ([[0_u32; GROUP]; 3], [[1.0; GROUP]; 2]);
    let (mut number, mut accepted) = ([0.0; GROUP], [0_u8; GROUP]);
    for attempt in 0..TRIES {
        for (i, at) in waiting[..count].iter().enumerate() {
            let at = usize::from(*at);
            (shapes[0][i], shapes[1][i]) = (tried.a[at], tried.b[at]);
            for (words, known) in words.iter_mut().zip(tried.words) {
                words[i] = known[at];
            }
        }
        if attempt > 0 {
            for (k, words) in words.iter_mut().enumerate() {
                source.choose(3 * attempt + k as u32, first, &waiting[..count], &mut words[..count]);
            }
        }
        // Whole vectors, of which the last may hold leftovers.
        let most = count.next_multiple_of(LANES);
        let [a, b] = &shapes;
        let tried = Tried { a, b, words: [&words[0], &words[1], &words[2]] };
        test(tried, &mut number[..most], &mut accepted[..most]);
        let mut left = 0;
        for i in 0..count {
            let at = waiting[i];
            out[usize::from(at)] = number[i];
            waiting[left] = at;
            left += usize::from(accepted[i] == 0);
        }
        count = left;
        if count == 0 {
            return;
        }
    }
}
