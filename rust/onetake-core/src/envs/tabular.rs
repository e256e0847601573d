//! Any finite decision process from arrays; the state is what is seen.
//!
//! An episode starts in a state drawn from `start`; action `a` in state `s` pays `reward[s, a]`, leads to a state drawn
//! from the chances of the pair, and pays that transition's own reward. It ends in a terminal state, or by time. Arrays
//! come as tables beside the configuration, or in it where they are small; the one that stands there by default is
//! `RiverSwim` (Strehl and Littman 2008, with the chances of Osband, Russo and Van Roy 2013).
//!
//! Slots: 0 next state, 1 first state; both are the inverse distribution function of their word over ascending states.

use std::sync::OnceLock;

use rayon::ThreadPool;
use serde::{Deserialize, Serialize};

use crate::chain::{Arrays, Chain};
use crate::columns::{Columns, Param, Shape};
use crate::config::{self, refuse};
use crate::error::Result;
use crate::family::{
    ActionSpace, Actions, Channel, Coupling, Family, Out, Rows, Run, Spec, StartValues, State, Yardstick,
};
use crate::modifiers::Modifiers;

const NEXT: u32 = 0;
const FIRST: u32 = 1;

/// Settings of a process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Actions of a state.
    pub actions: usize,
    /// Chance to start in each state.
    pub start: Vec<f64>,
    /// 1 where an episode ends, by state; empty for nowhere.
    pub terminal: Vec<f64>,
    /// Pair of each transition, ascending: `state × actions + action`.
    pub pair: Vec<f64>,
    /// State that each transition leads to, ascending within a pair.
    pub next: Vec<f64>,
    /// Chance of each transition.
    pub chance: Vec<f64>,
    /// Reward of each pair; empty for none.
    pub reward: Vec<f64>,
    /// Further reward of each transition; empty for none.
    pub transition_reward: Vec<f64>,
    /// Names of the actions.
    pub labels: Vec<String>,
    /// Most steps of an episode.
    pub horizon: Option<u32>,
}

impl Default for Config {
    fn default() -> Self {
        let mut rows = Vec::new();
        for state in 0..6_u8 {
            rows.push((2 * state, state.saturating_sub(1), 1.0));
            let right = 2 * state + 1;
            rows.extend(match state {
                0 => vec![(right, 0, 0.4), (right, 1, 0.6)],
                5 => vec![(right, 4, 0.4), (right, 5, 0.6)],
                _ => vec![(right, state - 1, 0.05), (right, state, 0.6), (right, state + 1, 0.35)],
            });
        }
        let mut reward = vec![0.0; 12];
        (reward[0], reward[11]) = (0.005, 1.0);
        Self {
            actions: 2,
            start: vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            terminal: Vec::new(),
            pair: rows.iter().map(|row| f64::from(row.0)).collect(),
            next: rows.iter().map(|row| f64::from(row.1)).collect(),
            chance: rows.iter().map(|row| row.2).collect(),
            reward,
            transition_reward: Vec::new(),
            labels: Vec::new(),
            horizon: Some(100),
        }
    }
}

/// A finite decision process.
#[derive(Debug)]
pub struct Tabular {
    spec: Spec,
    modifiers: Modifiers,
    chain: Chain,
    horizon: usize,
    /// Values of the best policy by time and state, once somebody asked for them.
    best: OnceLock<Vec<f64>>,
}

impl Tabular {
    fn best(&self) -> &[f64] {
        self.best.get_or_init(|| self.chain.best(self.horizon))
    }
}

impl Family for Tabular {
    const NAME: &'static str = "tabular";
    const COLUMNS: &'static [&'static str] = &[];
    const TABLES: &'static [&'static str] =
        &["start", "terminal", "pair", "next", "chance", "reward", "transition_reward"];
    type Config = Config;
    type Plan = ();

    fn new(config: &Config, columns: &mut Columns) -> Result<Self> {
        let given = config.clone();
        let mut arrays = Arrays {
            actions: given.actions,
            start: given.start,
            terminal: given.terminal,
            pair: given.pair,
            next: given.next,
            chance: given.chance,
            reward: given.reward,
            transition_reward: given.transition_reward,
        };
        arrays.replace(columns);
        let chain = Chain::new(&arrays)?;
        config::labels(Self::NAME, &config.labels, chain.actions)?;
        config::horizon(Self::NAME, config.horizon)?;
        let Some(horizon) = config.horizon else {
            return Err(refuse("tabular.horizon", "null", "the most steps of an episode"));
        };
        let (low, high) = chain.bounds();
        let spec = Spec {
            actions: ActionSpace::Discrete { count: chain.actions },
            action_labels: config.labels.clone(),
            observations: vec![Channel::new("state", 0.0, (chain.states() - 1) as f32)],
            horizon: Some(horizon),
            coupling: Coupling::Independent,
            terminates: true,
            yardstick: Yardstick::Exact,
            reward_low: Param::shared(vec![low]),
            reward_high: Param::shared(vec![high]),
            counts: None,
        };
        Ok(Self { spec, modifiers: Modifiers::default(), chain, horizon: horizon as usize, best: OnceLock::new() })
    }

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn modifiers(&self) -> &Modifiers {
        &self.modifiers
    }

    fn state(&self) -> &'static [&'static str] {
        &["state"]
    }

    fn plan(&self, _level: Option<f64>, _rows: usize) {}

    fn reset(&self, run: &Run<'_>, rows: Rows<'_>, state: &mut State<'_>, obs: &mut [f32]) {
        let mut words = vec![0; run.len];
        run.words(FIRST, &mut words);
        let states = state.column(0);
        for i in rows.iter() {
            states[i] = self.chain.begin(words[i]) as f64;
            obs[i] = states[i] as f32;
        }
    }

    fn step(&self, run: &Run<'_>, (): &(), actions: Actions<'_>, state: &mut State<'_>, out: &mut Out<'_>) {
        let mut words = vec![0; run.len];
        run.words(NEXT, &mut words);
        let told = out.obs.iter_mut().zip(out.reward.iter_mut()).zip(out.terminated.iter_mut());
        let now = state.column(0).iter_mut().zip(actions.arms()).zip(&words);
        for (((state, &arm), &word), ((obs, reward), terminated)) in now.zip(told) {
            let (next, paid) = self.chain.follow(*state as usize * self.chain.actions + arm as usize, word);
            *state = f64::from(next);
            *obs = *state as f32;
            *reward = paid;
            *terminated = self.chain.terminal[next as usize];
        }
    }

    fn expected(&self, run: &Run<'_>, state: &[f64], out: &mut [f64]) {
        for (arm, column) in out.chunks_exact_mut(run.len).enumerate() {
            for (value, &state) in column.iter_mut().zip(state) {
                *value = self.chain.reward[state as usize * self.chain.actions + arm];
            }
        }
    }

    fn values(&self, run: &Run<'_>, state: &[f64], out: &mut [f64]) {
        let (best, states) = (self.best(), self.chain.states());
        for (arm, column) in out.chunks_exact_mut(run.len).enumerate() {
            for (i, value) in column.iter_mut().enumerate() {
                let t = (run.elapsed(i) as usize).min(self.horizon - 1) + 1;
                let pair = state[i] as usize * self.chain.actions + arm;
                *value = self.chain.value(pair, &best[t * states..(t + 1) * states]);
            }
        }
    }

    fn start_values(&self, shape: Shape, _pool: Option<&ThreadPool>) -> Option<StartValues> {
        let rows = shape.rows();
        let random = self.chain.from_start(&self.chain.random(self.horizon));
        let always = |arm| self.chain.from_start(&self.chain.always(arm, self.horizon));
        let arms: Vec<f64> = (0..self.chain.actions).map(always).collect();
        Some(StartValues {
            best: vec![self.chain.from_start(self.best()); rows],
            random: vec![random; rows],
            arms: arms.repeat(rows),
        })
    }
}
