//! Settings of the family and their defaults.

use serde::{Deserialize, Serialize};

use super::ChainConfig;
use crate::config::PerArm;
use crate::modifiers::Modifier;

/// Settings of people who may be treated.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Share of days that a person would be engaged if left alone; a column of this name gives each their own, as for
    /// the five that follow.
    pub baseline: f64,
    /// What a fresh intervention adds to the chance.
    pub responsiveness: f64,
    /// Chance that an intervention tires by a level.
    pub fatigue_rate: f64,
    /// Chance that a day without one rests by a level.
    pub recovery: f64,
    /// Reward of a day of full engagement.
    pub value: f64,
    /// Chance to be available on a day.
    pub availability: f64,
    /// Cost of each action.
    pub cost: PerArm,
    /// Strength of each action; 0 for the first, which leaves people alone.
    pub effect: PerArm,
    /// How much each action tires.
    pub burden: PerArm,
    /// How fast engagement moves.
    pub pace: f64,
    /// Share of an intervention's lift that full fatigue takes away.
    pub dulling: f64,
    /// Share of the lift that is left after each further day.
    pub carry_over: f64,
    /// Levels of engagement.
    pub levels: u32,
    /// Levels of fatigue.
    pub fatigue_levels: u32,
    /// Days after which an intervention is forgotten.
    pub memory: u32,
    /// Most interventions a day in a replicate, or null for any number.
    pub budget: Option<i64>,
    /// Whether a day with more of them is counted instead of refused.
    pub soft_budget: bool,
    /// Chains given as arrays, instead of people; the column `chain` says which each entity is.
    pub chains: Vec<ChainConfig>,
    /// Names of the actions.
    pub labels: Vec<String>,
    /// Days of an episode.
    pub horizon: Option<u32>,
    /// What changes the chance of engagement over time.
    pub modifiers: Vec<Modifier>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            baseline: 0.3,
            responsiveness: 0.4,
            fatigue_rate: 0.5,
            recovery: 0.3,
            value: 1.0,
            availability: 1.0,
            cost: PerArm(vec![0.0, 0.1]),
            effect: PerArm(vec![0.0, 1.0]),
            burden: PerArm(vec![0.0, 1.0]),
            pace: 0.5,
            dulling: 0.7,
            carry_over: 0.5,
            levels: 2,
            fatigue_levels: 3,
            memory: 4,
            budget: None,
            soft_budget: false,
            chains: Vec::new(),
            labels: Vec::new(),
            horizon: Some(30),
            modifiers: Vec::new(),
        }
    }
}
