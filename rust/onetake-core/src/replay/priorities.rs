//! Proportional prioritization: a step is drawn with a chance in proportion to `(priority + epsilon)^alpha`.
//!
//! Source: Schaul, Quan, Antonoglou and Silver, *Prioritized experience replay*, ICLR 2016, section 3.3, proportional
//! variant with stratified draws. Weights are divided by the largest of their batch.

use serde::{Deserialize, Serialize};

use super::sum_tree::SumTree;
use crate::error::{Error, Result};
use crate::special;

/// Settings of prioritization.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prioritization {
    /// How much priorities count: 0 draws uniformly, 1 in proportion.
    pub alpha: f64,
    /// How much of the bias the weights take away in the first batch.
    pub beta: f64,
    /// Batches until they take away all of it.
    pub beta_batches: u64,
    /// Added to every priority, so that none is 0.
    pub epsilon: f64,
}

impl Prioritization {
    /// Check ranges.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn check(&self) -> Result<()> {
        let wrong = |field: &str, got: f64, wanted: &str| {
            Err(Error::Config { field: format!("priorities.{field}"), got: got.to_string(), wanted: wanted.into() })
        };
        if !(0.0..=1.0).contains(&self.alpha) {
            return wrong("alpha", self.alpha, "0 to 1");
        }
        if !(0.0..=1.0).contains(&self.beta) {
            return wrong("beta", self.beta, "0 to 1");
        }
        if !(self.epsilon > 0.0 && self.epsilon <= 1.0) {
            return wrong("epsilon", self.epsilon, "more than 0, at most 1");
        }
        Ok(())
    }

    /// The exponent of the weights of batch `number`, counted from 0: from `beta` up to 1.
    pub fn beta_at(&self, number: u64) -> f64 {
        if number >= self.beta_batches {
            return 1.0;
        }
        self.beta + (1.0 - self.beta) * (number as f64 / self.beta_batches as f64)
    }
}

/// Priorities of all rows.
#[derive(Debug)]
pub struct Priorities {
    /// Their settings.
    pub settings: Prioritization,
    pub(super) tree: SumTree,
    /// The largest priority that was ever given, 1 before the first: what new steps get.
    pub(super) largest: f64,
}

impl Priorities {
    /// No priorities, for `rows` rows.
    pub fn new(settings: Prioritization, rows: usize) -> Self {
        Self { settings, tree: SumTree::new(rows), largest: 1.0 }
    }

    /// What a priority weighs in the tree: kept in 32 bits, and never 0.
    fn mass(&self, priority: f64) -> f32 {
        let mass = power(priority + self.settings.epsilon, self.settings.alpha) as f32;
        mass.clamp(f32::MIN_POSITIVE, f32::MAX)
    }

    /// A new step stands in `row`.
    pub fn enter(&mut self, row: usize) {
        let mass = self.mass(self.largest);
        self.tree.set(row, mass);
    }

    /// No step stands in `row` any more.
    pub fn leave(&mut self, row: usize) {
        self.tree.set(row, 0.0);
    }

    /// Give rows new priorities.
    pub fn update(&mut self, changes: impl Iterator<Item = (usize, f64)>) {
        let mut masses = Vec::new();
        for (row, priority) in changes {
            self.largest = self.largest.max(priority);
            masses.push((row, self.mass(priority)));
        }
        self.tree.set_many(&masses);
    }

    /// The row of each of `units.len()` strata of equal mass, at the place in it that `units` (in [0, 1)) say.
    pub fn draw(&self, units: &[f64]) -> Vec<usize> {
        let stratum = self.tree.total() / units.len() as f64;
        let mut places: Vec<(usize, f64)> =
            units.iter().enumerate().map(|(i, unit)| (0, (i as f64 + unit) * stratum)).collect();
        self.tree.find_all(&mut places);
        places.iter().map(|place| place.0).collect()
    }

    /// The weight of each drawn row: `(held × chance)^-beta`, divided by the largest.
    pub fn weights(&self, rows: &[usize], held: u64, batch: u64) -> Vec<f32> {
        let beta = self.settings.beta_at(batch);
        let scale = held as f64 / self.tree.total();
        let raw = |row: &usize| power(scale * f64::from(self.tree.leaf(*row)), -beta);
        let weights: Vec<f64> = rows.iter().map(raw).collect();
        let largest = weights.iter().copied().fold(0.0, f64::max);
        weights.iter().map(|weight| (weight / largest) as f32).collect()
    }
}

/// `x^y` for x above 0, to about 1e-13 of itself: masses are kept in 32 bits.
#[inline]
fn power(x: f64, y: f64) -> f64 {
    special::exp(y * special::ln(x))
}
