//! Restless chains given as arrays: any finite ones, so that what is claimed of people can be checked by brute force.

use serde::{Deserialize, Serialize};

use super::{Config, MOVE, START, which};
use crate::columns::{Columns, Param};
use crate::config::refuse;
use crate::error::Result;
use crate::family::{Channel, Rows, Run, State};
use crate::restless::Chain;
use crate::samplers::categorical;

/// A chain as configuration gives it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChainConfig {
    /// Chance of each next state, by action and state.
    pub transitions: Vec<Vec<Vec<f64>>>,
    /// Reward of a day, by action and state.
    pub rewards: Vec<Vec<f64>>,
    /// Chance to start in each state; empty to start in the first.
    pub start: Vec<f64>,
}

/// The chains of a batch.
#[derive(Debug)]
pub(super) struct Arrays {
    chains: Vec<ChainConfig>,
    which: Param,
}

impl Arrays {
    pub(super) fn new(config: &Config, columns: &mut Columns) -> Result<Self> {
        let mut chains = config.chains.clone();
        let arms = chains[0].transitions.len();
        for (number, chain) in chains.iter_mut().enumerate() {
            check(&format!("intervention.chains[{number}]"), chain, arms)?;
            if chain.start.is_empty() {
                chain.start = (0..chain.rewards[0].len()).map(|state| if state == 0 { 1.0 } else { 0.0 }).collect();
            }
        }
        Ok(Self { which: which(columns, chains.len())?, chains })
    }

    pub(super) fn arms(&self) -> usize {
        self.chains[0].transitions.len()
    }

    pub(super) fn params(&self) -> &[Param] {
        std::slice::from_ref(&self.which)
    }

    pub(super) fn reward_bounds(&self) -> (Param, Param) {
        let rewards = || self.chains.iter().flat_map(|chain| chain.rewards.iter().flatten().copied());
        let (low, high) = (rewards().fold(f64::INFINITY, f64::min), rewards().fold(f64::NEG_INFINITY, f64::max));
        (Param::shared(vec![low]), Param::shared(vec![high]))
    }

    pub(super) fn channels(&self) -> Vec<Channel> {
        let states = self.chains.iter().map(|chain| chain.rewards[0].len()).max().unwrap_or(1);
        vec![Channel::new("state", 0.0, (states - 1) as f32), Channel::new("available", 0.0, 1.0)]
    }

    fn of(&self, run: &Run<'_>, i: usize) -> &ChainConfig {
        &self.chains[run.cells(&self.which).at(i, 0) as usize]
    }

    pub(super) fn start(&self, run: &Run<'_>, rows: Rows<'_>, state: &mut State<'_>) {
        let mut words = vec![0; run.len];
        run.words(START, &mut words);
        rows.iter().for_each(|i| state.values[i] = f64::from(categorical::draw(words[i], &self.of(run, i).start)));
    }

    pub(super) fn step(&self, run: &Run<'_>, arms: &[u32], state: &mut State<'_>, reward: &mut [f64]) {
        let mut words = vec![0; run.len];
        run.words(MOVE, &mut words);
        for i in 0..run.len {
            let (chain, arm, here) = (self.of(run, i), arms[i] as usize, state.values[i] as usize);
            reward[i] = chain.rewards[arm][here];
            state.values[i] = f64::from(categorical::draw(words[i], &chain.transitions[arm][here]));
        }
    }

    pub(super) fn expected(&self, run: &Run<'_>, state: &[f64], out: &mut [f64]) {
        for (arm, column) in out.chunks_exact_mut(run.len).enumerate() {
            column.iter_mut().enumerate().for_each(|(i, v)| *v = self.of(run, i).rewards[arm][state[i] as usize]);
        }
    }

    /// The chain of environment `i` of a run.
    pub(super) fn chain(&self, run: &Run<'_>, i: usize, availability: f64) -> Chain {
        let ChainConfig { transitions, rewards, start } = self.of(run, i);
        let mut chain = Chain {
            states: start.len(),
            actions: rewards.len(),
            availability,
            rewards: rewards.concat(),
            start: start.clone(),
            ..Chain::default()
        };
        for row in transitions.iter().flatten() {
            chain.offsets.push(chain.moves.len());
            let moves = row.iter().enumerate().filter(|(_, chance)| **chance > 0.0);
            chain.moves.extend(moves.map(|(to, chance)| (to as u32, *chance)));
        }
        chain.offsets.push(chain.moves.len());
        chain
    }
}

/// Refuse a chain whose parts do not fit, and name the row whose chances are none.
fn check(field: &str, chain: &ChainConfig, arms: usize) -> Result<()> {
    let states = chain.rewards.first().map_or(0, Vec::len);
    if arms < 2 || states == 0 || chain.transitions.len() != arms || chain.rewards.len() != arms {
        let got = format!("{} matrices and {} rows of rewards", chain.transitions.len(), chain.rewards.len());
        return Err(refuse(field, got, "one of each an action, two actions or more, alike in all chains"));
    }
    for (action, (matrix, rewards)) in chain.transitions.iter().zip(&chain.rewards).enumerate() {
        if rewards.len() != states || rewards.iter().any(|reward| !reward.is_finite()) || matrix.len() != states {
            let got = format!("{} rewards and {} rows", rewards.len(), matrix.len());
            return Err(refuse(&format!("{field} action {action}"), got, format!("{states} of each, finite")));
        }
        for (state, row) in matrix.iter().enumerate() {
            chances(&format!("{field}.transitions[{action}][{state}]"), row, states)?;
        }
    }
    if chain.start.is_empty() { Ok(()) } else { chances(&format!("{field}.start"), &chain.start, states) }
}

fn chances(field: &str, row: &[f64], states: usize) -> Result<()> {
    if row.len() != states {
        return Err(refuse(field, format!("{} chances", row.len()), format!("{states}, one a state")));
    }
    if let Some(chance) = row.iter().find(|chance| !(0.0..=1.0).contains(*chance)) {
        return Err(refuse(field, chance, "chances in [0, 1]"));
    }
    let sum: f64 = row.iter().sum();
    if (sum - 1.0).abs() > 1e-9 { Err(refuse(field, format!("a sum of {sum}"), "1")) } else { Ok(()) }
}
