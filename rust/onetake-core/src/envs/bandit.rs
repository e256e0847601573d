//! One interaction a step: arm `k` succeeds with chance `rate[k]`, times the segment's multiplier, times the modifiers.
//!
//! The reward is `scale[k] × success + offset[k]`. With another `outcome` than Bernoulli's the rate is the mean of a count or of
//! money (see [`outcome`]), and that is what the reward scales. A segment is the entity's own (column `segment`) or comes anew each
//! step, by `segment_weights`; it is observed before the action is chosen. Chances above 1 count as 1.
//!
//! Slots: 0 outcome, 1 segment of the step, 2 gamma factor of the outcome, 3 zeros among outcomes.

use serde::{Deserialize, Serialize};

use crate::chances;
use crate::columns::{Columns, Param};
use crate::config::{self, CHANCE, PerArm, Wanted};
use crate::dispatch::{self, Kernel};
use crate::error::Result;
use crate::family::{ActionSpace, Actions, Channel, Counts, Coupling, Family, Out, Rows, Run, Spec, State, Yardstick};
use crate::modifiers::{Level, Modifier, Modifiers};
use crate::rates::Rates;
use crate::rng::threshold;
use crate::samplers::bernoulli;
use crate::segments::Segments;

pub mod outcome;

use outcome::{Law, Outcome};

const OUTCOME: u32 = 0;
const SEGMENT: u32 = 1;

/// Settings of a bandit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Chance of success, by arm; a column of this name gives each entity its own.
    pub rate: PerArm,
    /// Chance of success by step since the reset and by arm, a row for each step of the episode; given instead of `rate`.
    pub rate_table: Vec<Vec<f64>>,
    /// What an interaction brings: 0 or 1, a count, or money.
    pub outcome: Outcome,
    /// Share of outcomes that are 0 whatever the rate, where the outcome is a count or money.
    pub zeros: f64,
    /// Reward of a success, or of one unit of the outcome, by arm.
    pub scale: PerArm,
    /// Reward of playing the arm at all, by arm; a cost is negative.
    pub offset: PerArm,
    /// Multipliers of the rate, by segment: one for all arms, or one an arm.
    pub segment_multipliers: Vec<PerArm>,
    /// Weights by which each step's segment is drawn, where entities have none of their own; empty for even ones.
    pub segment_weights: Vec<f64>,
    /// Names of the arms.
    pub labels: Vec<String>,
    /// Steps of an episode, or null for no end.
    pub horizon: Option<u32>,
    /// What changes the rates over time.
    pub modifiers: Vec<Modifier>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rate: PerArm(vec![0.1, 0.2]),
            rate_table: Vec::new(),
            outcome: Outcome::default(),
            zeros: 0.0,
            scale: PerArm::same(1.0),
            offset: PerArm::same(0.0),
            segment_multipliers: Vec::new(),
            segment_weights: Vec::new(),
            labels: Vec::new(),
            horizon: Some(1000),
            modifiers: Vec::new(),
        }
    }
}

/// Arms with chances of success.
#[derive(Debug)]
pub struct Bandit {
    spec: Spec,
    modifiers: Modifiers,
    rate: Rates,
    scale: Vec<f64>,
    offset: Vec<f64>,
    segments: Segments,
    /// What outcomes are where they are not 0 or 1.
    law: Option<Law>,
}

/// What a mean of an outcome must be.
const MEAN: Wanted = ("a mean in [0, 1000000]", |v| (0.0..=outcome::MOST).contains(&v));

impl Bandit {
    /// The chance of each environment's arm, which above 1 counts as 1, or the mean of its outcome.
    fn chances(&self, run: &Run<'_>, arms: &[u32]) -> Vec<f64> {
        let rates = self.rate.at(run);
        // A mean may be above 1.
        if self.segments.are_alike() && self.law.is_none() {
            return chances::of_arms(&rates, arms, run.level);
        }
        let mut chances: Vec<f64> = arms.iter().enumerate().map(|(i, &arm)| rates.at(i, arm as usize)).collect();
        if !self.segments.are_alike() {
            for (i, (chance, segment)) in chances.iter_mut().zip(self.segments.at(run, run.step)).enumerate() {
                *chance *= self.segments.multiplier(segment, arms[i] as usize);
            }
        }
        chances.iter_mut().enumerate().for_each(|(i, chance)| *chance *= run.level.at(i));
        chances
    }

    /// Chances of the arms where nothing tells environments apart.
    fn common_chances(&self, run: &Run<'_>) -> Option<Vec<f64>> {
        if self.law.is_some() {
            return None;
        }
        let (Level::Same(level), Some(rates), true) =
            (run.level, self.rate.at(run).as_shared(), self.segments.are_alike())
        else {
            return None;
        };
        let rate = |arm: usize| rates[if rates.len() == 1 { 0 } else { arm }];
        Some((0..self.scale.len()).map(|arm| (rate(arm) * level).clamp(0.0, 1.0)).collect())
    }
}

/// Arms whose bounds and rewards fit into a table that the processor can look up in wide.
const TABLE: usize = 16;

/// Outcomes where nothing tells environments apart.
struct Alike<'a> {
    arms: &'a [u32],
    words: &'a [u32],
    bound: [u64; TABLE],
    win: [f64; TABLE],
    lose: [f64; TABLE],
    obs: &'a mut [f32],
    reward: &'a mut [f64],
}

impl Kernel for Alike<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let out = self.obs.iter_mut().zip(self.reward.iter_mut());
        for ((&arm, &word), (obs, reward)) in self.arms.iter().zip(self.words).zip(out) {
            let arm = arm as usize % TABLE;
            let success = u64::from(word) < self.bound[arm];
            *obs = if success { 1.0 } else { 0.0 };
            *reward = if success { self.win[arm] } else { self.lose[arm] };
        }
    }
}

/// Values by arm as a table.
fn table<T: Copy + Default>(len: usize, value: impl Fn(usize) -> T) -> [T; TABLE] {
    std::array::from_fn(|arm| if arm < len { value(arm) } else { T::default() })
}

impl Family for Bandit {
    const NAME: &'static str = "bandit";
    const COLUMNS: &'static [&'static str] = &["rate", "segment"];
    const OUTCOMES: &'static [usize] = &[0];
    const ARMS_CHANGE: bool = true;
    type Config = Config;
    type Plan = ();

    fn new(config: &Config, columns: &mut Columns) -> Result<Self> {
        config::horizon(Self::NAME, config.horizon)?;
        let wanted = if config.outcome == Outcome::Bernoulli { CHANCE } else { MEAN };
        let rate =
            Rates::new(Self::NAME, "rate", &config.rate.0, (&config.rate_table, config.horizon), (columns, wanted))?;
        let mut lengths = vec![
            ("rate", rate.width()),
            ("scale", config.scale.0.len()),
            ("offset", config.offset.0.len()),
            ("labels", config.labels.len().max(1)),
        ];
        lengths.extend(config.segment_multipliers.iter().map(|row| ("segment_multipliers", row.0.len())));
        let arms = config::arms(Self::NAME, &lengths)?;
        config::labels(Self::NAME, &config.labels, arms)?;
        let scale = config.scale.spread("bandit.scale", arms)?;
        let offset = config.offset.spread("bandit.offset", arms)?;
        let segments = Segments::new(Self::NAME, &config.segment_multipliers, &config.segment_weights, SEGMENT, columns, arms)?;
        let modifiers = Modifiers::new(Self::NAME, &config.modifiers)?;
        let largest = rate.largest() * segments.largest();
        let law = Law::new(&config.outcome, config.zeros, largest, modifiers.most(config.horizon))?;
        let most = law.as_ref().map_or(1.0, Law::most);
        let mut observations = vec![Channel::new("outcome", 0.0, most as f32)];
        if segments.count() > 1 {
            observations.push(Channel::new("segment", 0.0, (segments.count() - 1) as f32));
        }
        let bound = |pick: fn(f64, f64) -> f64, start: f64| {
            let ends = scale.iter().zip(&offset).map(|(s, o)| pick(*o, s * most + o));
            Param::shared(vec![ends.fold(start, pick)])
        };
        let spec = Spec {
            actions: ActionSpace::Discrete { count: arms },
            action_labels: config.labels.clone(),
            observations,
            horizon: config.horizon,
            coupling: Coupling::Independent,
            terminates: false,
            yardstick: Yardstick::BestNow,
            reward_low: bound(f64::min, f64::INFINITY),
            reward_high: bound(f64::max, f64::NEG_INFINITY),
            counts: law.is_none().then(|| Counts {
                trials: Param::shared(vec![1.0]),
                scale: scale.clone(),
                offset: offset.clone(),
            }),
        };
        Ok(Self { spec, modifiers, rate, scale, offset, segments, law })
    }

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn modifiers(&self) -> &Modifiers {
        &self.modifiers
    }

    fn plan(&self, _level: Option<f64>, _rows: usize) {}

    fn reset(&self, run: &Run<'_>, rows: Rows<'_>, _state: &mut State<'_>, obs: &mut [f32]) {
        let width = self.spec.observations.len();
        if width == 1 {
            return rows.iter().for_each(|i| obs[i] = 0.0);
        }
        let segments = self.segments.at(run, run.step);
        rows.iter().for_each(|i| obs[2 * i..2 * i + 2].copy_from_slice(&[0.0, segments[i] as f32]));
    }

    fn step(&self, run: &Run<'_>, (): &(), actions: Actions<'_>, _state: &mut State<'_>, out: &mut Out<'_>) {
        let arms = actions.arms();
        let mut words = vec![0; run.len];
        run.words(OUTCOME, &mut words);
        let count = self.scale.len();
        if let (Some(chances), true) = (self.common_chances(run), count <= TABLE) {
            return dispatch::run(Alike {
                arms,
                words: &words,
                bound: table(count, |arm| threshold(chances[arm])),
                win: table(count, |arm| self.scale[arm] + self.offset[arm]),
                lose: table(count, |arm| self.offset[arm]),
                obs: out.obs,
                reward: out.reward,
            });
        }
        let (width, chances) = (self.spec.observations.len(), self.chances(run, arms));
        match &self.law {
            None => bernoulli::fill(&words, &chances, out.reward),
            Some(law) => {
                out.reward.copy_from_slice(&chances);
                law.draw(run, &words, out.reward);
            }
        }
        for ((&arm, reward), obs) in arms.iter().zip(out.reward.iter_mut()).zip(out.obs.chunks_exact_mut(width)) {
            obs[0] = *reward as f32;
            *reward = self.scale[arm as usize] * *reward + self.offset[arm as usize];
        }
        if width == 2 {
            for (i, segment) in self.segments.at(run, run.step.wrapping_add(1)).into_iter().enumerate() {
                out.obs[2 * i + 1] = segment as f32;
            }
        }
    }

    fn expected(&self, run: &Run<'_>, _state: &[f64], out: &mut [f64]) {
        if let Some(chances) = self.common_chances(run) {
            for (arm, column) in out.chunks_exact_mut(run.len).enumerate() {
                column.fill(self.scale[arm] * chances[arm] + self.offset[arm]);
            }
            return;
        }
        for (arm, column) in out.chunks_exact_mut(run.len).enumerate() {
            let mut chances = self.chances(run, &vec![arm as u32; run.len]);
            match &self.law {
                None => chances.iter_mut().for_each(|chance| *chance = chance.clamp(0.0, 1.0)),
                Some(law) => law.expect(&mut chances),
            }
            for (value, chance) in column.iter_mut().zip(chances) {
                *value = self.scale[arm] * chance + self.offset[arm];
            }
        }
    }
}
