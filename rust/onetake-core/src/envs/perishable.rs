//! Seats to sell before departure: at each step a price of the ladder is asked of whoever looks.
//!
//! `lookers ~ Poisson(arrival_rate × modifiers)`, each of whom buys with the chance of [`Demand`], so that
//! `demand ~ Poisson(arrival_rate × modifiers × chance)`; `sales = min(demand, seats left)`. The reward is
//! `price × sales`, and at the last step `salvage` for each seat left. Who finds no seat is never seen: sales are censored
//! by stock. An episode ends when nothing is left, or by time.
//!
//! Slots: 0 demand, the inverse distribution function of its word: the luck of a departure on a day is the same for
//! every price.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use rayon::ThreadPool;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::columns::{Columns, Param, Shape};
use crate::config::{self, COUNT, refuse};
use crate::error::Result;
use crate::family::{
    ActionSpace, Actions, Channel, Coupling, Family, Out, Rows, Run, Spec, StartValues, State, Yardstick,
};
use crate::modifiers::{Modifier, Modifiers};
use crate::samplers::poisson;
use crate::seats::{self, Demand, Departure};

const DEMAND: u32 = 0;
const ABOVE_0: (&str, fn(f64) -> bool) = ("a number above 0", |v| v > 0.0);
const RATE: (&str, fn(f64) -> bool) = ("a number in [0, 1000000]", |v| (0.0..=1e6).contains(&v));

/// Settings of departures.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Seats; a column of this name gives each entity its own.
    pub capacity: u32,
    /// Mean number of people who look, a step; a column of this name gives each entity its own.
    pub arrival_rate: f64,
    /// What people would pay; a column of this name gives each entity its own.
    pub willingness: f64,
    /// Spread of what they would pay, for logit; a column of this name gives each entity its own.
    pub spread: f64,
    /// How willingness is distributed.
    pub demand: Demand,
    /// The prices that can be asked.
    pub prices: Vec<f64>,
    /// Worth of a seat that is left at the end.
    pub salvage: f64,
    /// Names of the prices.
    pub labels: Vec<String>,
    /// Steps until departure.
    pub horizon: Option<u32>,
    /// What changes the arrivals over time, known in advance.
    pub modifiers: Vec<Modifier>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            capacity: 100,
            arrival_rate: 4.0,
            willingness: 100.0,
            spread: 20.0,
            demand: Demand::Exponential,
            prices: vec![60.0, 80.0, 100.0, 120.0, 150.0, 200.0],
            salvage: 0.0,
            labels: Vec::new(),
            horizon: Some(60),
            modifiers: Vec::new(),
        }
    }
}

/// Departures with seats to sell.
#[derive(Debug)]
pub struct Perishable {
    spec: Spec,
    modifiers: Modifiers,
    shape: Shape,
    horizon: u32,
    capacity: Param,
    arrival_rate: Param,
    willingness: Param,
    spread: Param,
    demand: Demand,
    prices: Vec<f64>,
    salvage: f64,
    distinct: OnceLock<Distinct>,
}

/// Departures that differ, and which of them each environment is.
#[derive(Debug)]
struct Distinct {
    which: Vec<u32>,
    /// Each with the table of its best policy, once somebody asked for it.
    departures: Vec<(Departure, OnceLock<Box<[f64]>>)>,
}

impl Perishable {
    fn distinct(&self) -> &Distinct {
        self.distinct.get_or_init(|| {
            let columns = [&self.capacity, &self.arrival_rate, &self.willingness, &self.spread];
            let columns = columns.map(|param| param.spread(self.shape));
            let mut known = BTreeMap::new();
            let mut departures = Vec::new();
            let place = |i: usize| {
                let row = [0, 1, 2, 3].map(|j: usize| columns[j][i]);
                *known.entry(row.map(f64::to_bits)).or_insert_with(|| {
                    departures.push((self.departure(row), OnceLock::new()));
                    departures.len() as u32 - 1
                })
            };
            let which = (0..self.shape.rows()).map(place).collect();
            Distinct { which, departures }
        })
    }

    fn departure(&self, [capacity, rate, willingness, spread]: [f64; 4]) -> Departure {
        Departure {
            capacity: capacity as usize,
            salvage: self.salvage,
            prices: self.prices.clone(),
            chances: self.prices.iter().map(|&price| self.demand.chance(price, willingness, spread)).collect(),
            arrivals: (0..self.horizon).map(|t| (rate * self.modifiers.timed(t)).min(poisson::MAX_RATE)).collect(),
        }
    }

    /// Mean demand of environment `i` at price `arm`.
    #[inline(always)]
    fn mean(&self, run: &Run<'_>, i: usize, arm: usize) -> f64 {
        let at = |param| run.cells(param).at(i, 0);
        let arrivals = (at(&self.arrival_rate) * run.level.at(i)).min(poisson::MAX_RATE);
        arrivals * self.demand.chance(self.prices[arm], at(&self.willingness), at(&self.spread))
    }

    fn spec_of(config: &Config, horizon: u32, capacity: &Param) -> Spec {
        let most = config.prices.iter().fold(config.salvage.max(0.0), |a, &b| a.max(b));
        let least = config.salvage.min(0.0);
        let largest = capacity.values().iter().fold(0.0_f64, |a, &b| a.max(b)) as f32;
        Spec {
            actions: ActionSpace::Discrete { count: config.prices.len() },
            action_labels: config.labels.clone(),
            observations: vec![
                Channel::new("stock", 0.0, largest),
                Channel::new("time_left", 0.0, horizon as f32),
                Channel::new("sales", 0.0, largest),
            ],
            horizon: Some(horizon),
            coupling: Coupling::Independent,
            terminates: true,
            yardstick: Yardstick::Exact,
            reward_low: capacity.map_rows(|seats| seats[0] * least),
            reward_high: capacity.map_rows(|seats| seats[0] * most),
            counts: None,
        }
    }
}

impl Family for Perishable {
    const NAME: &'static str = "perishable";
    const COLUMNS: &'static [&'static str] = &["capacity", "arrival_rate", "willingness", "spread"];
    type Config = Config;
    type Plan = ();

    fn new(config: &Config, columns: &mut Columns) -> Result<Self> {
        let shape = columns.shape();
        let mut take = |name: &str, value: f64, wanted| {
            let param = columns.take(Self::NAME, name, &[value], wanted)?;
            let width = param.width();
            if width == 1 { Ok(param) } else { Err(refuse(&format!("columns[\"{name}\"]"), format!("{width} values a row"), "1")) }
        };
        let capacity = take("capacity", f64::from(config.capacity), COUNT)?;
        let arrival_rate = take("arrival_rate", config.arrival_rate, RATE)?;
        let willingness = take("willingness", config.willingness, ABOVE_0)?;
        let spread = take("spread", config.spread, ABOVE_0)?;
        if config.prices.is_empty() || config.prices.iter().any(|price| !(price.is_finite() && *price >= 0.0)) {
            return Err(refuse("perishable.prices", format!("{:?}", config.prices), "at least one price, none below 0"));
        }
        if !config.salvage.is_finite() {
            return Err(refuse("perishable.salvage", config.salvage, "a finite number"));
        }
        config::labels(Self::NAME, &config.labels, config.prices.len())?;
        config::horizon(Self::NAME, config.horizon)?;
        let Some(horizon) = config.horizon else {
            return Err(refuse("perishable.horizon", "null", "the number of steps until departure"));
        };
        let modifiers = Modifiers::new(Self::NAME, &config.modifiers)?;
        if !modifiers.is_timed_only() {
            let wanted = "modifiers that are known in advance, since the best policy knows them";
            return Err(refuse("perishable.modifiers", "a random walk", wanted));
        }
        Ok(Self {
            spec: Self::spec_of(config, horizon, &capacity),
            modifiers,
            shape,
            horizon,
            capacity,
            arrival_rate,
            willingness,
            spread,
            demand: config.demand,
            prices: config.prices.clone(),
            salvage: config.salvage,
            distinct: OnceLock::new(),
        })
    }

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn modifiers(&self) -> &Modifiers {
        &self.modifiers
    }

    fn state(&self) -> &'static [&'static str] {
        &["stock"]
    }

    fn plan(&self, _level: Option<f64>, _rows: usize) {}

    fn reset(&self, run: &Run<'_>, rows: Rows<'_>, state: &mut State<'_>, obs: &mut [f32]) {
        let (capacity, stock) = (run.cells(&self.capacity), state.column(0));
        for i in rows.iter() {
            stock[i] = capacity.at(i, 0);
            obs[3 * i..3 * i + 3].copy_from_slice(&[stock[i] as f32, self.horizon as f32, 0.0]);
        }
    }

    fn step(&self, run: &Run<'_>, (): &(), actions: Actions<'_>, state: &mut State<'_>, out: &mut Out<'_>) {
        let arms = actions.arms();
        let (mut words, mut demand) = (vec![0; run.len], vec![0; run.len]);
        run.words(DEMAND, &mut words);
        let means: Vec<f64> = arms.iter().enumerate().map(|(i, &arm)| self.mean(run, i, arm as usize)).collect();
        poisson::fill(&words, &means, &mut demand);
        for (i, stock) in state.column(0).iter_mut().enumerate() {
            let sales = f64::from(demand[i]).min(*stock);
            let left = self.horizon - 1 - run.elapsed(i).min(self.horizon - 1);
            *stock -= sales;
            out.reward[i] = self.prices[arms[i] as usize] * sales;
            if left == 0 {
                out.reward[i] += self.salvage * *stock;
            }
            out.terminated[i] = *stock == 0.0;
            out.obs[3 * i..3 * i + 3].copy_from_slice(&[*stock as f32, left as f32, sales as f32]);
        }
    }

    fn expected(&self, run: &Run<'_>, state: &[f64], out: &mut [f64]) {
        for (arm, column) in out.chunks_exact_mut(run.len).enumerate() {
            for (i, value) in column.iter_mut().enumerate() {
                let sold = seats::sold(self.mean(run, i, arm), state[i] as u32);
                let last = run.elapsed(i) + 1 >= self.horizon;
                *value = self.prices[arm] * sold + if last { self.salvage * (state[i] - sold) } else { 0.0 };
            }
        }
    }

    fn values(&self, run: &Run<'_>, state: &[f64], out: &mut [f64]) {
        let distinct = self.distinct();
        for (i, &seats) in state.iter().enumerate() {
            let (departure, table) = &distinct.departures[distinct.which[run.row + i] as usize];
            let table = table.get_or_init(|| departure.table());
            let t = run.elapsed(i).min(self.horizon - 1) as usize;
            for arm in 0..self.prices.len() {
                out[arm * run.len + i] = departure.value(table, t, seats as usize, arm);
            }
        }
    }

    fn start_values(&self, _shape: Shape, pool: Option<&ThreadPool>) -> Option<StartValues> {
        let Distinct { which, departures } = self.distinct();
        let worth: Vec<_> = match pool {
            Some(pool) => pool.install(|| departures.par_iter().map(|(departure, _)| departure.worth()).collect()),
            None => departures.iter().map(|(departure, _)| departure.worth()).collect(),
        };
        let rows = || which.iter().map(|&place| &worth[place as usize]);
        Some(StartValues {
            best: rows().map(|worth| worth.best).collect(),
            random: rows().map(|worth| worth.random).collect(),
            arms: rows().flat_map(|worth| worth.arms.iter().copied()).collect(),
        })
    }
}
