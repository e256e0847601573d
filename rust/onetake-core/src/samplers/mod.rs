//! Samplers: words of the generator into numbers.
//!
//! Uniform, normal, Bernoulli, binomial, Poisson and categorical draws are monotone functions of one 32-bit word, the
//! same whichever path computes them, so that two runs that differ in a parameter stay paired. The smallest
//! probability that they can tell from 0 is 2^-32. Gamma and beta draws reject, and take their words by tries.
//!
//! `fill` works on whole arrays as wide as the machine allows; `block` is the same for use inside a
//! [`Kernel`](crate::dispatch::Kernel).

pub mod bernoulli;
pub mod beta;
pub mod binomial;
pub mod categorical;
mod fast;
pub mod flat;
pub mod gamma;
pub mod grid;
pub mod kinds;
mod lattice;
pub mod normal;
pub mod poisson;
mod shared;
mod table;
pub mod uniform;

use crate::rng::{Key, WIDE};

/// Entities that [`Source`]s and blocks take at once.
pub const BLOCK: usize = 256;
/// Fewer words than these are made one by one.
const FEW: usize = 4;

/// Where the units of a call find their words.
pub trait Source: Copy {
    /// The words of one try of the units from `first` on.
    fn fill(self, attempt: u32, first: usize, out: &mut [u32]);
    /// The word of one try of one unit.
    fn word(self, attempt: u32, unit: usize) -> u32;
    /// The words of one try of chosen units, counted from `first` on.
    fn choose(self, attempt: u32, first: usize, units: &[u8], out: &mut [u32]);
}

/// One word each for at most [`WIDE`] pairs of replicate and entity.
#[inline(always)]
fn scatter(key: Key, [slot, attempt, step]: [u32; 3], [replicates, entities]: [[u32; WIDE]; 2], out: &mut [u32]) {
    if out.len() < FEW {
        for (i, word) in out.iter_mut().enumerate() {
            *word = key.word(slot, attempt, step, entities[i], replicates[i]);
        }
    } else {
        let words = key.scattered(slot, attempt, step, entities, replicates);
        out.copy_from_slice(&words[..out.len()]);
    }
}

/// A source whose columns stand in neighbouring slots.
pub trait Slots: Source {
    /// The same units, `slots` slots further on.
    #[must_use]
    fn slots_on(self, slots: u32) -> Self;
}

/// Neighbouring entities of one replicate.
#[derive(Debug, Clone, Copy)]
pub struct Neighbours {
    /// The generator.
    pub key: Key,
    /// Slot of the draw.
    pub slot: u32,
    /// Step of the clock.
    pub step: u32,
    /// The replicate.
    pub replicate: u32,
    /// Entity of unit 0.
    pub entity: u32,
}

impl Source for Neighbours {
    #[inline(always)]
    fn fill(self, attempt: u32, first: usize, out: &mut [u32]) {
        self.key.fill_inline(self.slot, attempt, self.step, self.replicate, self.entity + first as u32, out);
    }
    #[inline(always)]
    fn word(self, attempt: u32, unit: usize) -> u32 {
        self.key.word(self.slot, attempt, self.step, self.entity + unit as u32, self.replicate)
    }
    #[inline(always)]
    fn choose(self, attempt: u32, first: usize, units: &[u8], out: &mut [u32]) {
        for (units, out) in units.chunks(WIDE).zip(out.chunks_mut(WIDE)) {
            let mut entities = [self.entity; WIDE];
            for (entity, unit) in entities.iter_mut().zip(units) {
                *entity = self.entity + first as u32 + u32::from(*unit);
            }
            scatter(self.key, [self.slot, attempt, self.step], [[self.replicate; WIDE], entities], out);
        }
    }
}

/// Any rows of a batch, as (replicate, entity).
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// The generator.
    pub key: Key,
    /// Slot of the draw.
    pub slot: u32,
    /// Step of the clock.
    pub step: u32,
    /// Replicate and entity of each unit.
    pub rows: &'a [(u32, u32)],
}

impl Source for Rows<'_> {
    #[inline(always)]
    fn fill(self, attempt: u32, first: usize, out: &mut [u32]) {
        for (rows, out) in self.rows[first..first + out.len()].chunks(WIDE).zip(out.chunks_mut(WIDE)) {
            let mut places = [[0; WIDE]; 2];
            for (i, (replicate, entity)) in rows.iter().enumerate() {
                (places[0][i], places[1][i]) = (*replicate, *entity);
            }
            scatter(self.key, [self.slot, attempt, self.step], places, out);
        }
    }
    #[inline(always)]
    fn word(self, attempt: u32, unit: usize) -> u32 {
        let (replicate, entity) = self.rows[unit];
        self.key.word(self.slot, attempt, self.step, entity, replicate)
    }
    #[inline(always)]
    fn choose(self, attempt: u32, first: usize, units: &[u8], out: &mut [u32]) {
        for (units, out) in units.chunks(WIDE).zip(out.chunks_mut(WIDE)) {
            let mut places = [[0; WIDE]; 2];
            for (i, unit) in units.iter().enumerate() {
                (places[0][i], places[1][i]) = self.rows[first + usize::from(*unit)];
            }
            scatter(self.key, [self.slot, attempt, self.step], places, out);
        }
    }
}

impl Slots for Neighbours {
    #[inline(always)]
    fn slots_on(self, slots: u32) -> Self {
        Self { slot: self.slot + slots, ..self }
    }
}

impl Slots for Rows<'_> {
    #[inline(always)]
    fn slots_on(self, slots: u32) -> Self {
        Self { slot: self.slot + slots, ..self }
    }
}
