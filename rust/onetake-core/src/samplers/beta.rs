//! Beta numbers: powers of a uniform one where a shape is 1, else a share of two gamma numbers.
//!
//! `Beta(1, 1)` is uniform, `Beta(a, 1)` is `U^(1/a)` and `Beta(1, b)` is `1 - U^(1/b)`: one word each, and what most arms
//! of a learner with the uniform prior need. All others are tried for in pairs of gamma numbers ([`pair`]).

mod pair;

use super::{BLOCK, Source};
use crate::dispatch::{self, Kernel};
use crate::rng::unit;
use crate::special::{exp, ln, ln_normal};
use pair::Tried;

/// Words that raise shapes below 1.
const BOOST: [u32; 2] = [62, 63];
/// Units that are taken together where only some need work.
const EIGHT: usize = 8;

/// Places of the flags that are 1; eights without any are passed over at once.
#[inline(always)]
fn places<'a>(flags: &[u8; BLOCK], room: &'a mut [u8; BLOCK + EIGHT]) -> &'a [u8] {
    let mut count = 0;
    for (chunk, flags) in flags.chunks_exact(EIGHT).enumerate() {
        if flags.iter().fold(0, |any, flag| any | flag) == 0 {
            continue;
        }
        for (i, flag) in flags.iter().enumerate() {
            room[count] = (chunk * EIGHT + i) as u8; // a block has 256 units
            count += usize::from(*flag);
        }
    }
    &room[..count]
}

/// Beta numbers, for use inside a kernel: at most [`BLOCK`] units from `first` on, both shapes above 0.
#[inline(always)]
pub fn block(source: impl Source, first: usize, a: &[f64], b: &[f64], out: &mut [f64]) {
    let len = out.len();
    let (a, b) = (&a[..len], &b[..len]);
    let mut words = [0; BLOCK];
    let words = &mut words[..len];
    source.fill(0, first, words);
    let (mut power, mut pair) = ([0_u8; BLOCK], [0_u8; BLOCK]);
    for ((((out, word), a), b), (power, pair)) in
        out.iter_mut().zip(&*words).zip(a).zip(b).zip(power.iter_mut().zip(&mut pair))
    {
        *out = unit(*word);
        *power = u8::from((*a == 1.0) != (*b == 1.0));
        *pair = u8::from(*a != 1.0) & u8::from(*b != 1.0);
    }
    raise(&power, a, b, out);
    share(source, first, &pair, words, a, b, out);
}

/// Uniform numbers into beta numbers of shapes of which one is 1.
#[inline(always)]
fn raised(uniform: &[f64], a: &[f64], b: &[f64], out: &mut [f64]) {
    // Two short loops: a processor overlaps more turns of them than of a long one.
    for (((out, uniform), a), b) in out.iter_mut().zip(uniform).zip(a).zip(b) {
        *out = ln_normal(*uniform) / (a * b);
    }
    for (out, a) in out.iter_mut().zip(a) {
        let power = exp(*out);
        *out = if *a == 1.0 { 1.0 - power } else { power };
    }
}

/// Number of flags that are 1.
#[inline(always)]
fn count(flags: &[u8; BLOCK]) -> usize {
    flags.iter().fold(0_u32, |sum, flag| sum + u32::from(*flag)) as usize
}

/// `number` where the flag is 1: by bits, since a choice would become a branch.
#[inline(always)]
fn replace(out: &mut [f64], number: &[f64], flags: &[u8; BLOCK]) {
    for ((out, number), flag) in out.iter_mut().zip(number).zip(flags) {
        let mask = u64::from(*flag).wrapping_neg();
        *out = f64::from_bits(number.to_bits() & mask | out.to_bits() & !mask);
    }
}

/// Uniform numbers of the units with a flag, one of whose shapes is 1, into beta numbers.
#[inline(always)]
fn raise(flags: &[u8; BLOCK], a: &[f64], b: &[f64], out: &mut [f64]) {
    let (mut number, len, units) = ([0.0; BLOCK], out.len(), count(flags));
    if units == 0 {
        return;
    }
    if units * 2 > len {
        // Rather the others in vain than moving these together.
        raised(out, a, b, &mut number[..len]);
        replace(out, &number, flags);
        return;
    }
    let mut room = [0; BLOCK + EIGHT];
    let units = places(flags, &mut room);
    let (mut uniform, mut shapes) = ([0.5; BLOCK], [[1.0; BLOCK]; 2]);
    for (i, at) in units.iter().enumerate() {
        let at = usize::from(*at);
        (uniform[i], shapes[0][i], shapes[1][i]) = (out[at], a[at], b[at]);
    }
    let most = units.len().next_multiple_of(EIGHT).min(BLOCK);
    raised(&uniform, &shapes[0], &shapes[1], &mut number[..most]);
    for (number, at) in number.iter().zip(units) {
        out[usize::from(*at)] = *number;
    }
}

/// Beta numbers of the units with a flag, none of whose shapes is 1, as shares of two gamma numbers.
#[inline(always)]
fn share(source: impl Source, first: usize, flags: &[u8; BLOCK], words: &[u32], a: &[f64], b: &[f64], out: &mut [f64]) {
    let (len, units) = (out.len(), count(flags));
    if units == 0 {
        return;
    }
    let (mut angle, mut chance) = ([0; BLOCK], [0; BLOCK]);
    source.fill(1, first, &mut angle[..len]);
    source.fill(2, first, &mut chance[..len]);
    let all = Tried { a, b, words: [words, &angle[..len], &chance[..len]] };
    let (mut number, mut open) = ([0.0; BLOCK], [0_u8; BLOCK]);
    let mut room = [0; BLOCK + EIGHT];
    if units * 4 > len * 3 {
        // Rather the others in vain than moving these together.
        pair::first(all, &mut number[..len], &mut open);
        replace(out, &number, flags);
        for (open, flag) in open.iter_mut().zip(flags) {
            *open &= flag;
        }
    } else {
        let units = places(flags, &mut room);
        let (mut shapes, mut packed, mut left) = ([[1.5; BLOCK]; 2], [[0; BLOCK]; 3], [0_u8; BLOCK]);
        for (i, at) in units.iter().enumerate() {
            let at = usize::from(*at);
            (shapes[0][i], shapes[1][i]) = (a[at], b[at]);
            (packed[0][i], packed[1][i], packed[2][i]) = (words[at], angle[at], chance[at]);
        }
        let tried = Tried { a: &shapes[0], b: &shapes[1], words: [&packed[0], &packed[1], &packed[2]] };
        let most = units.len().next_multiple_of(EIGHT).min(BLOCK);
        pair::first(tried, &mut number[..most], &mut left);
        for (i, at) in units.iter().enumerate() {
            (out[usize::from(*at)], open[usize::from(*at)]) = (number[i], left[i]);
        }
    }
    pair::settle(source, first, places(&open, &mut room), all, out);
    if a.iter().zip(b).fold(0, |any, (a, b)| any | u8::from(*a < 1.0) | u8::from(*b < 1.0)) == 1 {
        lower(source, first, flags, a, b, out);
    }
}

/// Bring numbers for raised shapes down to the shapes below 1 among these, in logarithms, since gamma numbers may lie
/// below what a float holds.
#[inline(always)]
fn lower(source: impl Source, first: usize, flags: &[u8; BLOCK], a: &[f64], b: &[f64], out: &mut [f64]) {
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
        out[i] = if flags[i] == 1 && (a[i] < 1.0 || b[i] < 1.0) { lowered } else { out[i] };
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
