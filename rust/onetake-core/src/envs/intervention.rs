//! One day a step of people who may be treated: restless chains, since everybody moves on every day, treated or not.
//!
//! A person is engaged at some level, tired of interventions to some level, and remembers the last one for some days.
//! Of the chance `p = clip((baseline + responsiveness × lift) × modifiers, 0, 1)` with
//! `lift = (effect[action] + carry_over^days) × (1 − dulling × fatigue ÷ most fatigue)`, where `days` since the last
//! intervention count up to `memory` (at which nothing is left of it), engagement rises by a level with chance
//! `pace × p` and falls by one with chance `pace × (1 − p)`. Fatigue rises with chance
//! `fatigue_rate × burden[action]` on a day with an intervention and falls with chance `recovery` on one without.
//! The reward is `value × engagement after the day ÷ most engagement − cost[action]`.
//!
//! A person is available on a day with chance `availability`; who is not can only be left alone (action 0). At most
//! `budget` people of a replicate get another action on a day; beyond a soft budget the excess is counted, and since it
//! pays too, the yardstick is then the value without one. Instead of people, `chains` may be given as arrays.
//!
//! Slots: 0 engagement (or the chain's next state), 1 fatigue, 2 availability of the day, 3 start. Low words are good
//! luck; each move is the inverse distribution function of its word.

mod chains;
mod oracle;
mod person;
mod settings;

use rayon::ThreadPool;

use crate::columns::{Columns, Param, Shape};
use crate::config::{self, CHANCE, PLACE, refuse};
use crate::dispatch::{self, Kernel};
use crate::error::Result;
use crate::family::{ActionSpace, Actions, Budget, Coupling, Family, Out, Rows, Run, Spec, StartValues, State, Yardstick};
use crate::modifiers::Modifiers;
use crate::restless::whittle::Whittle;
use crate::samplers::bernoulli;
use chains::Arrays;
use person::People;

pub use chains::ChainConfig;
pub use settings::Config;

const MOVE: u32 = 0;
const FATIGUE: u32 = 1;
const AVAILABLE: u32 = 2;
const START: u32 = 3;

/// People who may be treated, or chains given as arrays.
#[derive(Debug)]
pub struct Intervention {
    spec: Spec,
    modifiers: Modifiers,
    budget: Option<Budget>,
    availability: Param,
    who: Who,
}

#[derive(Debug)]
enum Who {
    People(Box<People>),
    Chains(Arrays),
}

/// State columns of people; the last is the availability, as for chains.
const PEOPLE: &[&str] = &["engagement", "fatigue", "days_since", "available"];
const CHAINS: &[&str] = &["state", "available"];

impl Intervention {
    /// Write who is available at `step`.
    fn availabilities(&self, run: &Run<'_>, step: u32) -> Vec<f64> {
        let chances = run.cells(&self.availability);
        if chances.as_shared().is_some_and(|shared| shared[0] >= 1.0) {
            return vec![1.0; run.len];
        }
        let mut words = vec![0; run.len];
        run.words_at(AVAILABLE, step, &mut words);
        let mut room = Vec::new();
        let chances = chances.in_a_row(run.len, &mut room);
        let mut available = vec![0.0; run.len];
        bernoulli::fill(&words, chances, &mut available);
        available
    }

    /// Write what is seen of the state.
    fn show(&self, state: &State<'_>, rows: Rows<'_>, obs: &mut [f32]) {
        let width = self.state().len();
        for i in rows.iter() {
            for (column, seen) in obs[i * width..(i + 1) * width].iter_mut().enumerate() {
                *seen = state.values[column * state.len + i] as f32;
            }
        }
    }
}

impl Family for Intervention {
    const NAME: &'static str = "intervention";
    const COLUMNS: &'static [&'static str] =
        &["baseline", "responsiveness", "fatigue_rate", "recovery", "value", "availability", "chain"];
    type Config = Config;
    type Plan = ();

    fn new(config: &Config, columns: &mut Columns) -> Result<Self> {
        let availability = single(columns, "availability", config.availability, CHANCE)?;
        let budget = match config.budget {
            Some(most) if most < 0 => {
                return Err(refuse("intervention.budget", most, "a whole number, at least 0, or null for none"));
            }
            most => most.map(|most| Budget { most: most as usize, hard: !config.soft_budget }),
        };
        if config.horizon.is_none_or(|days| days == 0) {
            let wanted = "at least 1 day: without an end there is no value to compare with";
            return Err(refuse("intervention.horizon", config.horizon.map_or("null".into(), |h| h.to_string()), wanted));
        }
        let modifiers = Modifiers::new(Self::NAME, &config.modifiers)?;
        if !modifiers.is_timed_only() {
            let wanted = "modifiers that depend on time alone, for which a bound is known";
            return Err(refuse("intervention.modifiers", "a random walk", wanted));
        }
        let who = if config.chains.is_empty() {
            Who::People(Box::new(People::new(config, columns)?))
        } else {
            Who::Chains(Arrays::new(config, columns)?)
        };
        let (arms, (reward_low, reward_high), observations) = match &who {
            Who::People(people) => (people.arms(), people.reward_bounds(), people.channels()),
            Who::Chains(arrays) => (arrays.arms(), arrays.reward_bounds(), arrays.channels()),
        };
        config::labels(Self::NAME, &config.labels, arms)?;
        let spec = Spec {
            actions: ActionSpace::Discrete { count: arms },
            action_labels: config.labels.clone(),
            observations,
            horizon: config.horizon,
            coupling: if budget.is_some() { Coupling::Replicate } else { Coupling::Independent },
            terminates: false,
            // A soft budget binds nobody: what is beyond it is counted and pays.
            yardstick: if budget.is_some_and(|budget| budget.hard) { Yardstick::Bound } else { Yardstick::Exact },
            reward_low,
            reward_high,
            counts: None,
        };
        Ok(Self { spec, modifiers, budget, availability, who })
    }

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn modifiers(&self) -> &Modifiers {
        &self.modifiers
    }

    fn state(&self) -> &'static [&'static str] {
        match self.who {
            Who::People(_) => PEOPLE,
            Who::Chains(_) => CHAINS,
        }
    }

    fn plan(&self, _level: Option<f64>, _rows: usize) {}

    fn reset(&self, run: &Run<'_>, rows: Rows<'_>, state: &mut State<'_>, obs: &mut [f32]) {
        match &self.who {
            Who::People(people) => people.start(run, rows, state),
            Who::Chains(arrays) => arrays.start(run, rows, state),
        }
        let available = self.availabilities(run, run.step);
        let last = state.column(self.state().len() - 1);
        rows.iter().for_each(|i| last[i] = available[i]);
        self.show(state, rows, obs);
    }

    fn step(&self, run: &Run<'_>, (): &(), actions: Actions<'_>, state: &mut State<'_>, out: &mut Out<'_>) {
        match &self.who {
            Who::People(people) => people.step(run, actions.arms(), state, out.reward),
            Who::Chains(arrays) => arrays.step(run, actions.arms(), state, out.reward),
        }
        let available = self.availabilities(run, run.step.wrapping_add(1));
        state.column(self.state().len() - 1).copy_from_slice(&available);
        if let Who::People(_) = self.who {
            dispatch::run(Weave { columns: state.values, len: run.len, out: out.obs });
        } else {
            self.show(state, Rows::All(run.len), out.obs);
        }
    }

    fn expected(&self, run: &Run<'_>, state: &[f64], out: &mut [f64]) {
        match &self.who {
            Who::People(people) => people.expected(run, state, out),
            Who::Chains(arrays) => arrays.expected(run, state, out),
        }
        // Who is not available is left alone, whatever is wished.
        let available = &state[(self.state().len() - 1) * run.len..];
        let (alone, others) = out.split_at_mut(run.len);
        for column in others.chunks_exact_mut(run.len) {
            for (i, value) in column.iter_mut().enumerate().filter(|(i, _)| available[*i] == 0.0) {
                *value = alone[i];
            }
        }
    }

    /// Without a budget the best actions of each person, exactly; with one, at the prices of the bound.
    fn values(&self, run: &Run<'_>, state: &[f64], out: &mut [f64]) {
        oracle::values(self, run, state, out);
    }

    fn start_values(&self, shape: Shape, pool: Option<&ThreadPool>) -> Option<StartValues> {
        Some(oracle::start_values(self, shape, pool))
    }

    fn whittle(&self, shape: Shape, discount: f64, pool: Option<&ThreadPool>) -> Option<Whittle> {
        oracle::whittle(self, shape, discount, pool)
    }

    fn budget(&self) -> Option<Budget> {
        self.budget
    }

    fn masks(&self) -> bool {
        self.availability.values().iter().any(|chance| *chance < 1.0)
    }

    fn allowed(&self, run: &Run<'_>, state: &[f64], out: &mut [bool]) {
        let available = &state[(self.state().len() - 1) * run.len..];
        for (arm, column) in out.chunks_exact_mut(run.len).enumerate() {
            column.iter_mut().zip(available).for_each(|(allowed, available)| *allowed = arm == 0 || *available > 0.0);
        }
    }
}

/// Four columns of a state as rows of an observation.
struct Weave<'a> {
    columns: &'a [f64],
    len: usize,
    out: &'a mut [f32],
}

impl Kernel for Weave<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let [a, b, c, d] = std::array::from_fn(|k| &self.columns[k * self.len..(k + 1) * self.len]);
        for (i, row) in self.out.chunks_exact_mut(4).enumerate().take(self.len) {
            row.copy_from_slice(&[a[i] as f32, b[i] as f32, c[i] as f32, d[i] as f32]);
        }
    }
}

/// A column, or a number for all, with one value each.
fn single(columns: &mut Columns, name: &str, value: f64, wanted: (&str, fn(f64) -> bool)) -> Result<Param> {
    let param = columns.take(Intervention::NAME, name, &[value], wanted)?;
    if param.width() != 1 {
        return Err(refuse(&format!("columns[\"{name}\"]"), format!("{} values a row", param.width()), "1"));
    }
    Ok(param)
}

/// Which of `count` chains each entity is.
fn which(columns: &mut Columns, count: usize) -> Result<Param> {
    let param = single(columns, "chain", 0.0, PLACE)?;
    match param.values().iter().position(|&chain| chain as usize >= count) {
        Some(row) => {
            let field = format!("columns[\"chain\"] row {row}");
            Err(refuse(&field, param.values()[row], format!("0 to {}, a place in chains", count - 1)))
        }
        None => Ok(param),
    }
}
