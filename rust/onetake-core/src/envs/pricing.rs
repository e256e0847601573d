//! One day of a product a step: a price is set, some people look, and of those some buy.
//!
//! With `x` the price as a multiple of the reference price, interactions are Poisson with mean `views × modifiers × shocks ×
//! gamma noise`, conversions are `Binomial(interactions, q(x))`, and the reward is `(price × x - cost) × conversions`. The
//! models of `q` stand in [`demand`], noise and shocks in [`noise`], reference price and pantry in [`memory`]. Both counts
//! are the inverse distribution function of their word. In the joint models, neighbours with the same `group` (all
//! products, where there is no such column) are one choice set.
//!
//! Slots: 0 interactions, 1 conversions, 2 gamma noise, 3 everybody's shock, 4 a group's shock.

use serde::{Deserialize, Serialize};

use crate::columns::{Columns, Param};
use crate::dispatch;
use crate::error::Result;
use crate::family::{Actions, Family, Out, Rows, Run, Spec, State};
use crate::modifiers::{Level, Modifier, Modifiers};

mod best;
mod build;
pub mod demand;
pub mod memory;
pub mod noise;
mod oracle;
mod sales;

use demand::Demand;
use memory::{Memory, Pantry, Reference};
use noise::{GammaTable, Shocks};
use sales::{BURST, SHOCKS, Sales};

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

/// Products whose prices are set.
#[derive(Debug)]
pub struct Pricing {
    spec: Spec,
    modifiers: Modifiers,
    demand: Demand,
    nest: f64,
    ladder: Vec<f64>,
    price: Param,
    cost: Param,
    views: Param,
    base: Param,
    slope: Param,
    /// Units sold in a usual period; only with a pantry.
    usual: Param,
    /// Group of each entity; empty where nobody asked.
    groups: Vec<u32>,
    /// Where choice sets begin (entities); empty in models without.
    starts: Vec<usize>,
    gamma: GammaTable,
    shocks: Shocks,
    memory: Memory,
}

impl Pricing {
    /// Prices of the actions, as multiples.
    fn multiples(&self, actions: Actions<'_>) -> Vec<f64> {
        match actions {
            Actions::Arms(arms) => arms.iter().map(|&arm| self.ladder[arm as usize]).collect(),
            Actions::Points { values, .. } => values.iter().map(|&x| f64::from(x)).collect(),
        }
    }

    /// What memory does to the log of demand at the prices `x`.
    fn effects(&self, state: &[f64], x: &[f64]) -> Vec<f64> {
        let mut effects = vec![0.0; x.len()];
        self.memory.effects(state, x, &mut effects);
        if self.nest < 1.0 {
            for effect in &mut effects {
                *effect /= self.nest;
            }
        }
        effects
    }

    /// Chances to buy at the prices `x`, or in a joint model weights.
    fn weights(&self, run: &Run<'_>, state: &[f64], x: &[f64]) -> Vec<f64> {
        self.weighed(run, x, self.effects(state, x))
    }

    /// The same, from what memory does to the log of demand.
    fn weighed(&self, run: &Run<'_>, x: &[f64], mut effects: Vec<f64>) -> Vec<f64> {
        dispatch::run(demand::Fill {
            demand: self.demand,
            base: run.cells(&self.base),
            slope: run.cells(&self.slope),
            x,
            out: &mut effects,
        });
        effects
    }

    /// Chances to buy at the prices `x`.
    fn chances(&self, run: &Run<'_>, state: &[f64], x: &[f64]) -> Vec<f64> {
        let mut chances = self.weights(run, state, x);
        for (start, end) in self.sets(run) {
            let all = demand::crowd(chances[start..end].iter().sum(), self.nest);
            for weight in &mut chances[start..end] {
                *weight /= all;
            }
        }
        chances
    }

    /// The choice sets of a run.
    fn sets<'a>(&'a self, run: &Run<'_>) -> impl Iterator<Item = (usize, usize)> + 'a {
        let (first, len) = (run.entity_row, run.len);
        let from = self.starts.partition_point(|&start| start < first);
        let to = self.starts.partition_point(|&start| start < first + len);
        (from..to).map(move |g| {
            let end = self.starts.get(g + 1).map_or(first + len, |&end| end.min(first + len));
            (self.starts[g] - first, end - first)
        })
    }

    /// Expected rewards at the prices `x`, all played together.
    fn expect(&self, run: &Run<'_>, state: &[f64], x: &[f64], out: &mut [f64]) {
        let (price, cost, views) = (run.cells(&self.price), run.cells(&self.cost), run.cells(&self.views));
        for (i, (value, chance)) in out.iter_mut().zip(self.chances(run, state, x)).enumerate() {
            let margin = price.at(i, 0) * x[i] - cost.at(i, 0);
            *value = margin * (views.at(i, 0) * run.level.at(i).min(BURST) * chance);
        }
    }
}

impl Family for Pricing {
    const NAME: &'static str = "pricing";
    const COLUMNS: &'static [&'static str] = &["price", "cost", "views", "rate", "elasticity", "group"];
    type Config = Config;
    type Plan = ();

    fn new(config: &Config, columns: &mut Columns) -> Result<Self> {
        build::pricing(config, columns)
    }

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn modifiers(&self) -> &Modifiers {
        &self.modifiers
    }

    fn state(&self) -> &'static [&'static str] {
        self.memory.columns()
    }

    fn may_cut(&self, entity_row: usize) -> bool {
        self.starts.is_empty() || self.starts.binary_search(&entity_row).is_ok()
    }

    fn plan(&self, _level: Option<f64>, _rows: usize) {}

    fn reset(&self, run: &Run<'_>, rows: Rows<'_>, state: &mut State<'_>, obs: &mut [f32]) {
        let price = run.cells(&self.price);
        for i in rows.iter() {
            self.memory.start(state.values, run.len, i);
            obs[3 * i..3 * i + 3].copy_from_slice(&[0.0, 0.0, price.at(i, 0) as f32]);
        }
    }

    fn step(&self, run: &Run<'_>, (): &(), actions: Actions<'_>, state: &mut State<'_>, out: &mut Out<'_>) {
        let x = self.multiples(actions);
        let chances = self.chances(run, state.values, &x);
        let mut levels = match run.level {
            Level::Same(level) => vec![level; run.len],
            Level::Each(levels) => levels.to_vec(),
        };
        self.shocks.multiply(run, &self.groups, SHOCKS, &mut levels);
        dispatch::run(Sales {
            place: (run.key, run.step, run.replicate, run.entity),
            views: run.cells(&self.views),
            money: [run.cells(&self.price), run.cells(&self.cost)],
            levels: &levels,
            x: &x,
            chances: &chances,
            gamma: &self.gamma,
            obs: out.obs,
            reward: out.reward,
        });
        let usual = run.cells(&self.usual);
        self.memory.remember(state.values, &x, out.obs, |i| usual.at(i, 0));
    }

    fn expected(&self, run: &Run<'_>, state: &[f64], out: &mut [f64]) {
        for (arm, column) in out.chunks_exact_mut(run.len).enumerate() {
            self.expect(run, state, &vec![self.ladder[arm]; run.len], column);
        }
    }

    fn values(&self, run: &Run<'_>, state: &[f64], out: &mut [f64]) {
        if self.demand.is_joint() {
            self.joint_values(run, state, out);
        } else {
            self.expected(run, state, out);
        }
    }

    fn together(&self, run: &Run<'_>, state: &[f64], arms: &[u32]) -> Option<Vec<f64>> {
        let mut values = vec![0.0; run.len];
        self.demand.is_joint().then(|| {
            self.expect(run, state, &self.multiples(Actions::Arms(arms)), &mut values);
            values
        })
    }

    fn oracle(&self, run: &Run<'_>) -> Option<Vec<f64>> {
        if self.demand.is_joint() {
            return Some(self.joint_oracle(run));
        }
        (!self.memory.columns().is_empty()).then(|| self.single_oracle(run))
    }
}
