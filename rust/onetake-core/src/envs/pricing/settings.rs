//! Settings of pricing.

use serde::{Deserialize, Serialize};

use super::demand::Demand;
use super::memory::{Pantry, Reference};
use crate::modifiers::Modifier;

/// Settings of pricing. Columns named `price`, `cost`, `views`, `rate`, `elasticity` give each product its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Model of demand.
    pub demand: Demand,
    /// Prices that may be chosen, as multiples of the reference price.
    pub ladder: Vec<f64>,
    /// Least and largest multiple where any price between may be chosen; null for the ladder.
    pub between: Option<[f64; 2]>,
    /// Largest change of the price from one step to the next, as a share of the last one (of the reference price at
    /// first); null for any.
    pub largest_change: Option<f64>,
    /// Larger changes are counted; else they are refused.
    pub soft_change: bool,
    /// Reference price.
    pub price: f64,
    /// Cost of a unit.
    pub cost: f64,
    /// Expected interactions a step.
    pub views: f64,
    /// Chance that who interacts buys, at the reference price.
    pub rate: f64,
    /// Own-price elasticity at the reference price.
    pub elasticity: f64,
    /// Nested logit: from 1 (products are as near to nothing as to each other) towards 0 (they only steal from each other).
    pub nest: f64,
    /// Elasticities above 0 are meant.
    pub allow_wrong_sign: bool,
    /// Variance of the gamma noise of a product's interactions; their variance is `mean + dispersion × mean²`.
    pub dispersion: f64,
    /// Standard deviation of the logarithm of the shock that all share.
    pub shock: f64,
    /// Standard deviation of the logarithm of the shock that a group shares.
    pub group_shock: f64,
    /// Memory of past prices.
    pub reference: Reference,
    /// Memory of past purchases.
    pub pantry: Pantry,
    /// Steps of an episode, or null for no end.
    pub horizon: Option<u32>,
    /// What changes the interactions over time.
    pub modifiers: Vec<Modifier>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            demand: Demand::Logit,
            ladder: vec![0.8, 0.9, 1.0, 1.1, 1.2],
            between: None,
            largest_change: None,
            soft_change: false,
            price: 10.0,
            cost: 6.0,
            views: 100.0,
            rate: 0.1,
            elasticity: -2.0,
            nest: 0.5,
            allow_wrong_sign: false,
            dispersion: 0.0,
            shock: 0.0,
            group_shock: 0.0,
            reference: Reference::default(),
            pantry: Pantry::default(),
            horizon: Some(365),
            modifiers: Vec::new(),
        }
    }
}
