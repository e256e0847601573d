//! What shoppers remember: the price that they are used to, and what stands in their pantry.
//!
//! The reference price `r` is the exponentially smoothed past price, `r' = keep r + (1 - keep) x`; a price below it adds
//! `gain (r - x)` to the log of demand, one above it takes `loss (x - r)`. Sources: Winer, *A reference price model of
//! brand choice for frequently purchased products*, 1986; Kalyanaram and Winer, *Empirical generalizations from reference
//! price research*, 1995 (losses weigh more).
//!
//! The pantry `s`, in periods of usual sales, takes in what is bought and gives one period away,
//! `s' = clamp(s + units / usual - 1, 0, most)`, and takes `effect × s` from the log of demand. Source: Bell, Chiang and
//! Padmanabhan, *The decomposition of promotional response*, 1999.

use serde::{Deserialize, Serialize};

use crate::config::refuse;
use crate::error::Result;

/// Memory of past prices.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reference {
    /// Share of the remembered price that stays, a step.
    pub keep: f64,
    /// What a price below the remembered one adds.
    pub gain: f64,
    /// What a price above it takes.
    pub loss: f64,
}

impl Default for Reference {
    fn default() -> Self {
        Self { keep: 0.8, gain: 0.0, loss: 0.0 }
    }
}

/// Memory of past purchases.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pantry {
    /// What one period's worth in the pantry takes from the log of demand.
    pub effect: f64,
    /// Most periods that a pantry holds.
    pub most: f64,
}

impl Default for Pantry {
    fn default() -> Self {
        Self { effect: 0.0, most: 4.0 }
    }
}

/// Both memories.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Memory {
    reference: Reference,
    pantry: Pantry,
    /// Least and largest remembered price that any play can lead to.
    reach: (f64, f64),
}

impl Memory {
    /// Check settings; `prices` are the least and the largest price.
    ///
    /// # Errors
    /// Names the field that cannot be used.
    pub fn new(reference: Reference, pantry: Pantry, prices: (f64, f64)) -> Result<Self> {
        let check = |field: &str, value: f64, most: f64, wanted: &str| {
            if (0.0..=most).contains(&value) { Ok(()) } else { Err(refuse(&format!("pricing.{field}"), value, wanted)) }
        };
        check("reference.keep", reference.keep, 1.0, "a share in [0, 1]")?;
        check("reference.gain", reference.gain, 100.0, "a number in [0, 100]")?;
        check("reference.loss", reference.loss, 100.0, "a number in [0, 100]")?;
        check("pantry.effect", pantry.effect, 100.0, "a number in [0, 100]")?;
        check("pantry.most", pantry.most, 1e6, "a number of periods in [0, 1000000]")?;
        Ok(Self { reference, pantry, reach: (prices.0.min(1.0), prices.1.max(1.0)) })
    }

    /// Whether past prices matter.
    pub fn of_prices(&self) -> bool {
        self.reference.gain > 0.0 || self.reference.loss > 0.0
    }

    /// Whether past purchases matter.
    pub fn of_purchases(&self) -> bool {
        self.pantry.effect > 0.0
    }

    /// Names of the state's columns.
    pub fn columns(&self) -> &'static [&'static str] {
        match (self.of_prices(), self.of_purchases()) {
            (false, false) => &[],
            (true, false) => &["reference"],
            (false, true) => &["pantry"],
            (true, true) => &["reference", "pantry"],
        }
    }

    /// The columns of a state of `len` environments; empty where there is no such memory.
    pub fn split<'a>(&self, state: &'a [f64], len: usize) -> (&'a [f64], &'a [f64]) {
        state.split_at(if self.of_prices() { len } else { 0 })
    }

    /// Add to `out` what memory does to the log of demand at the prices `x`.
    pub fn effects(&self, state: &[f64], x: &[f64], out: &mut [f64]) {
        let (reference, pantry) = self.split(state, out.len());
        for ((out, &r), &x) in out.iter_mut().zip(reference).zip(x) {
            *out += self.of_price(r, x);
        }
        for (out, &s) in out.iter_mut().zip(pantry) {
            *out -= self.pantry.effect * s;
        }
    }

    #[inline(always)]
    fn of_price(&self, r: f64, x: f64) -> f64 {
        let below = r - x;
        if below > 0.0 { self.reference.gain * below } else { self.reference.loss * below }
    }

    /// The least and the largest effect at price `x`, whatever was played before.
    pub fn range(&self, x: f64) -> [f64; 2] {
        let empty = if self.of_purchases() { self.pantry.effect * self.pantry.most } else { 0.0 };
        [self.of_price(self.reach.0, x) - empty, self.of_price(self.reach.1, x)]
    }

    /// Start the environment `i`.
    pub fn start(&self, state: &mut [f64], len: usize, i: usize) {
        if self.of_prices() {
            state[i] = 1.0;
        }
        if self.of_purchases() {
            state[state.len() - len + i] = 0.0;
        }
    }

    /// Remember a step: prices, units sold (the middle one of each three), usual sales.
    pub fn remember(&self, state: &mut [f64], x: &[f64], obs: &[f32], usual: impl Fn(usize) -> f64) {
        let (reference, pantry) = state.split_at_mut(if self.of_prices() { x.len() } else { 0 });
        for (r, x) in reference.iter_mut().zip(x) {
            *r = self.reference.keep * *r + (1.0 - self.reference.keep) * x;
        }
        for (i, (s, obs)) in pantry.iter_mut().zip(obs.chunks_exact(3)).enumerate() {
            *s = (*s + f64::from(obs[1]) / usual(i) - 1.0).clamp(0.0, self.pantry.most);
        }
    }
}
