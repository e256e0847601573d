//! Beta numbers as a share of two gamma numbers, which are proposed and accepted together.
//!
//! A try takes three words: two make a pair of normals (Box and Muller), each of which proposes a gamma number (Marsaglia
//! and Tsang), and the third accepts or refuses both at once, with the product of their chances. A try fails with a
//! chance below 10 %, so that all fail less than once in 10^20 draws; the last one is then taken as it is.
//! Sources: Box and Muller, *A note on the generation of random normal deviates*, 1958; Marsaglia and Tsang, *A simple
//! method for generating gamma variables*, 2000; sine and cosine from FreeBSD's `k_sin.c` and `k_cos.c`.

use super::{BLOCK, Source};
use crate::dispatch::{self, Kernel};
use crate::rng::unit;
use crate::special::{exp, ln};

/// Tries of a slot.
const TRIES: u32 = 20;
/// Words that raise shapes below 1.
const BOOST: [u32; 2] = [62, 63];
/// Units that are retried together, in vectors of [`LANES`].
const GROUP: usize = 32;
const LANES: usize = 8;
const SINE: [f64; 6] = [
    1.589_690_995_211_550_102_21e-10,
    -2.505_076_025_340_686_341_95e-8,
    2.755_731_370_707_006_767_89e-6,
    -1.984_126_982_985_794_931_34e-4,
    8.333_333_333_322_489_461_24e-3,
    -1.666_666_666_666_663_243_48e-1,
];
const COSINE: [f64; 6] = [
    -1.135_964_755_778_819_482_65e-11,
    2.087_572_321_298_174_827_90e-9,
    -2.755_731_435_139_066_330_35e-7,
    2.480_158_728_947_672_941_78e-5,
    -1.388_888_888_887_410_957_49e-3,
    4.166_666_666_666_660_190_37e-2,
];

#[inline(always)]
fn polynomial(parts: &[f64; 6], x: f64) -> f64 {
    let mut y = parts[0];
    let mut i = 1;
    while i < parts.len() {
        y = y * x + parts[i];
        i += 1;
    }
    y
}

/// Two independent standard normal numbers.
#[inline(always)]
fn normals(distance: u32, angle: u32) -> (f64, f64) {
    let radius = (-2.0 * ln(unit(distance))).sqrt();
    // Two bits choose the quadrant, the others an angle from -45 to 45 degrees.
    let turn = (f64::from(angle & 0x3FFF_FFFF) + 0.5) * (1.0 / 1_073_741_824.0) - 0.5;
    let phi = turn * std::f64::consts::FRAC_PI_2;
    let z = phi * phi;
    let sine = phi + phi * z * polynomial(&SINE, z);
    let cosine = 1.0 - 0.5 * z + z * z * polynomial(&COSINE, z);
    let quadrant = angle >> 30;
    let (x, y) = if quadrant & 1 == 0 { (cosine, sine) } else { (sine, cosine) };
    let x = if quadrant == 1 || quadrant == 2 { -x } else { x };
    let y = if quadrant >= 2 { -y } else { y };
    (radius * x, radius * y)
}

/// A proposed gamma number of shape `d + 1/3`, at least 1.
#[derive(Clone, Copy)]
struct Proposal {
    d: f64,
    t: f64,
    x: f64,
}

impl Proposal {
    #[inline(always)]
    fn new(shape: f64, z: f64) -> Self {
        let d = if shape < 1.0 { shape + 1.0 } else { shape } - 1.0 / 3.0;
        let t = z / (9.0 * d).sqrt();
        Self { d, t, x: 1.0 + t }
    }

    #[inline(always)]
    fn number(self) -> f64 {
        self.d * (self.x * self.x * self.x)
    }

    /// Logarithm of the chance to be accepted: `h = 3 d (ln(1 + t) - t + t²/2 - t³/3)`, never above 0.
    #[inline(always)]
    fn log_chance(self) -> f64 {
        let t = self.t;
        let log = 3.0 * self.d * (ln(self.x) - t + t * t * (0.5 - t * (1.0 / 3.0)));
        if self.x > 0.0 { log } else { f64::NEG_INFINITY }
    }

    /// A number not below `-h`: `3 d (t - t²/2 + t³/3 - ln(1 + t)) <= ¾ d t⁴ / min(1, 1 + t)`.
    #[inline(always)]
    fn most_doubt(self) -> f64 {
        let square = self.t * self.t;
        0.75 * self.d * (square * square) / if self.x < 1.0 { self.x } else { 1.0 }
    }
}

/// A try for shapes raised to at least 1: both proposals.
#[inline(always)]
fn propose(distance: u32, angle: u32, a: f64, b: f64) -> (Proposal, Proposal) {
    let (first, second) = normals(distance, angle);
    (Proposal::new(a, first), Proposal::new(b, second))
}

#[inline(always)]
fn share(x: Proposal, y: Proposal) -> f64 {
    x.number() / (x.number() + y.number())
}

/// Take units whose first try the quick test left open through the full test, and through further tries.
#[inline(always)]
fn settle(source: impl Source, first: usize, units: &[u8], known: [&[u32]; 3], a: &[f64], b: &[f64], out: &mut [f64]) {
    let (mut waiting, mut count) = ([0_u8; GROUP], units.len());
    waiting[..count].copy_from_slice(units);
    let (mut words, mut shapes) = ([[0_u32; GROUP]; 3], [[1.0; GROUP]; 2]);
    let (mut number, mut accepted) = ([0.0; GROUP], [false; GROUP]);
    for attempt in 0..TRIES {
        for (i, at) in waiting[..count].iter().enumerate() {
            let at = usize::from(*at);
            (shapes[0][i], shapes[1][i]) = (a[at], b[at]);
            for (words, known) in words.iter_mut().zip(known) {
                words[i] = known[at];
            }
        }
        if attempt > 0 {
            for (k, words) in words.iter_mut().enumerate() {
                source.choose(3 * attempt + k as u32, first, &waiting[..count], &mut words[..count]);
            }
        }
        // Whole vectors, of which the last may hold leftovers.
        for i in 0..count.next_multiple_of(LANES) {
            let (x, y) = propose(words[0][i], words[1][i], shapes[0][i], shapes[1][i]);
            number[i] = share(x, y);
            accepted[i] = ln(unit(words[2][i])) < x.log_chance() + y.log_chance();
        }
        let mut left = 0;
        for i in 0..count {
            let at = waiting[i];
            out[usize::from(at)] = number[i].clamp(0.0, 1.0);
            waiting[left] = at;
            left += usize::from(!accepted[i]);
        }
        count = left;
        if count == 0 {
            return;
        }
    }
}

/// Beta numbers, for use inside a kernel: at most [`BLOCK`] units from `first` on, both shapes above 0.
#[inline(always)]
pub fn block(source: impl Source, first: usize, a: &[f64], b: &[f64], out: &mut [f64]) {
    let len = out.len();
    let (mut distance, mut angle, mut chance) = ([0; BLOCK], [0; BLOCK], [0; BLOCK]);
    let (distance, angle, chance) = (&mut distance[..len], &mut angle[..len], &mut chance[..len]);
    let (a, b) = (&a[..len], &b[..len]);
    source.fill(0, first, distance);
    source.fill(1, first, angle);
    source.fill(2, first, chance);
    let mut open = [0_u8; BLOCK];
    let open = &mut open[..len];
    for i in 0..len {
        let (x, y) = propose(distance[i], angle[i], a[i], b[i]);
        out[i] = share(x, y);
        // ln u <= u - 1, so this accepts nothing that the full test would not.
        let sure = 1.0 - unit(chance[i]) > x.most_doubt() + y.most_doubt();
        open[i] = u8::from(!(sure && x.x > 0.0 && y.x > 0.0));
    }
    let (mut units, mut count) = ([0_u8; BLOCK + 1], 0);
    for (i, open) in open.iter().enumerate() {
        units[count] = i as u8; // a block has 256 units
        count += usize::from(*open);
    }
    for group in units[..count].chunks(GROUP) {
        settle(source, first, group, [distance, angle, chance], a, b, out);
    }
    if a.iter().chain(b).any(|shape| *shape < 1.0) {
        lower(source, first, a, b, out);
    }
}

/// Bring numbers for raised shapes down to the shapes below 1 among these, in logarithms, since gamma numbers may lie
/// below what a float holds.
#[inline(always)]
fn lower(source: impl Source, first: usize, a: &[f64], b: &[f64], out: &mut [f64]) {
    let (mut words, len) = ([[0; BLOCK]; 2], out.len());
    for (words, word) in words.iter_mut().zip(BOOST) {
        source.fill(word, first, &mut words[..len]);
    }
    for i in 0..len {
        let down = ln(unit(words[0][i])) / a[i];
        let up = ln(unit(words[1][i])) / b[i];
        let raised = ln((1.0 - out[i]) / out[i]);
        let difference = raised - if a[i] < 1.0 { down } else { 0.0 } + if b[i] < 1.0 { up } else { 0.0 };
        // A number below what a float holds is still not 0.
        let lowered = (1.0 / (1.0 + exp(difference))).max(f64::MIN_POSITIVE);
        out[i] = if a[i] < 1.0 || b[i] < 1.0 { lowered } else { out[i] };
    }
}

/// Beta numbers, as wide as the machine allows; both shapes above 0.
///
/// ```
/// use onetake_core::rng::{Key, Stream};
/// use onetake_core::samplers::{Neighbours, beta};
/// let source = Neighbours { key: Key::new(7, Stream::AGENT), slot: 0, step: 0, replicate: 0, entity: 0 };
/// let mut out = [0.0; 3];
/// beta::fill(source, &[2.0; 3], &[5.0; 3], &mut out);
/// assert!(out.iter().all(|x| 0.0 < *x && *x < 1.0));
/// ```
pub fn fill(source: impl Source, a: &[f64], b: &[f64], out: &mut [f64]) {
    dispatch::run(Fill { source, a, b, out });
}

struct Fill<'a, S> {
    source: S,
    a: &'a [f64],
    b: &'a [f64],
    out: &'a mut [f64],
}

impl<S: Source> Kernel for Fill<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (i, out) in self.out.chunks_mut(BLOCK).enumerate() {
            let range = i * BLOCK..i * BLOCK + out.len();
            block(self.source, i * BLOCK, &self.a[range.clone()], &self.b[range], out);
        }
    }
}
