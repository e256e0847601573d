//! One day of a product a step: a price is set, some people look, and of those some buy.
//!
//! With `x` the price as a multiple of the reference price, interactions are Poisson with mean `views × modifiers × shocks ×
//! gamma noise`, conversions are `Binomial(interactions, q(x))`, and the reward is `(price × x - cost) × conversions`. The
//! models of `q` stand in [`demand`], noise and shocks in [`noise`], reference price and pantry in [`memory`]. Both counts
//! are the inverse distribution function of their word. In the joint models, neighbours with the same `group` (all
//! products, where there is no such column) are one choice set.
//!
//! Slots: 0 interactions, 1 conversions, 2 gamma noise, 3 everybody's shock, 4 a group's shock.

use crate::columns::{Columns, Param};
use crate::dispatch;
use crate::error::Result;
use crate::family::{Actions, Breaches, Family, Out, Rows, Run, Spec, State};
use crate::modifiers::{Level, Modifiers};

mod best;
mod build;
pub mod change;
pub mod demand;
pub mod memory;
pub mod noise;
mod oracle;
mod sales;
mod settings;

use change::Change;
use demand::Demand;
use memory::Memory;
use noise::{GammaTable, Shocks};
use sales::{BURST, SHOCKS, Sales};
pub use settings::Config;

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
    /// What ties a price to the last one, which is the last column of the state then.
    change: Option<Change>,
}

impl Pricing {
    /// The part of the state that is memory.
    fn memories<'a>(&self, state: &'a mut [f64], len: usize) -> &'a mut [f64] {
        &mut state[..self.memory.columns().len() * len]
    }

    /// Last prices as multiples `(len,)`, where prices are tied to them.
    fn last<'a>(&self, state: &'a [f64], len: usize) -> &'a [f64] {
        &state[self.memory.columns().len() * len..]
    }

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
        self.memory.effects(&state[..self.memory.columns().len() * x.len()], x, &mut effects);
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
    const OUTCOMES: &'static [usize] = &[0, 1];
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
        match (self.change.is_some(), self.memory.columns()) {
            (false, memories) => memories,
            (true, []) => &["last"],
            (true, ["reference"]) => &["reference", "last"],
            (true, ["pantry"]) => &["pantry", "last"],
            (true, _) => &["reference", "pantry", "last"],
        }
    }

    fn may_cut(&self, entity_row: usize) -> bool {
        self.starts.is_empty() || self.starts.binary_search(&entity_row).is_ok()
    }

    fn plan(&self, _level: Option<f64>, _rows: usize) {}

    fn reset(&self, run: &Run<'_>, rows: Rows<'_>, state: &mut State<'_>, obs: &mut [f32]) {
        let price = run.cells(&self.price);
        for i in rows.iter() {
            self.memory.start(self.memories(state.values, run.len), run.len, i);
            if self.change.is_some() {
                state.values[self.memory.columns().len() * run.len + i] = 1.0;
            }
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
        self.memory.remember(self.memories(state.values, run.len), &x, out.obs, |i| usual.at(i, 0));
        if self.change.is_some() {
            state.values[self.memory.columns().len() * run.len..].copy_from_slice(&x);
        }
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

    fn masks(&self) -> bool {
        self.change.is_some_and(|change| change.hard) && !self.ladder.is_empty()
    }

    fn allowed(&self, run: &Run<'_>, state: &[f64], out: &mut [bool]) {
        let Some(change) = self.change else { return out.fill(true) };
        let last = self.last(state, run.len);
        for (arm, column) in out.chunks_exact_mut(run.len).enumerate() {
            let x = self.ladder[arm];
            column.iter_mut().zip(last).for_each(|(allowed, &last)| *allowed = change.allows(last, x));
        }
    }

    fn breaches(&self, run: &Run<'_>, state: &[f64], actions: Actions<'_>) -> Option<Breaches> {
        let change = self.change.filter(|_| !self.masks())?;
        let (x, last) = (self.multiples(actions), self.last(state, run.len));
        let rows = (0..run.len).filter(|&i| !change.allows(last[i], x[i])).collect();
        Some(Breaches { rows, hard: change.hard, wanted: "a price within the largest change from the last one" })
    }

    fn oracle(&self, run: &Run<'_>) -> Option<Vec<f64>> {
        if self.demand.is_joint() {
            return Some(self.joint_oracle(run));
        }
        (!self.memory.columns().is_empty()).then(|| self.single_oracle(run))
    }
}
