//! One interaction a step: arm `k` succeeds with chance `rate[k]`, times the segment's multiplier, times the modifiers.
//!
//! The reward is `scale[k] × success + offset[k]`. A segment is the entity's own (column `segment`) or comes anew each
//! step, by `segment_weights`; it is observed before the action is chosen. Chances above 1 count as 1.
//!
//! Slots: 0 outcome, 1 segment of the step.

use serde::{Deserialize, Serialize};

use crate::columns::{Columns, Param};
use crate::config::{self, CHANCE, PLACE, PerArm, refuse};
use crate::error::Result;
use crate::family::{ActionSpace, Actions, Channel, Counts, Coupling, Family, Out, Rows, Run, Spec, State};
use crate::modifiers::{Level, Modifier, Modifiers};
use crate::rng::{threshold, unit};

const OUTCOME: u32 = 0;
const SEGMENT: u32 = 1;

/// Settings of a bandit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Chance of success, by arm; a column of this name gives each entity its own.
    pub rate: PerArm,
    /// Reward of a success, by arm.
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
    rate: Param,
    scale: Vec<f64>,
    offset: Vec<f64>,
    /// Segments × arms; empty where there is one segment.
    multipliers: Vec<f64>,
    segments: Segments,
}

#[derive(Debug)]
enum Segments {
    /// All are alike.
    One,
    /// Each entity has its own.
    Own(Param),
    /// Each step draws one: its place is how many of these bounds its unit uniform reaches.
    Drawn(Vec<f64>),
}

impl Bandit {
    /// The segment of environment `i`, whose word is `word`.
    #[inline(always)]
    fn segment(&self, run: &Run<'_>, i: usize, word: u32) -> usize {
        match &self.segments {
            Segments::One => 0,
            Segments::Own(column) => run.cells(column).at(i, 0) as usize,
            Segments::Drawn(bounds) => bounds.iter().filter(|&&bound| unit(word) >= bound).count(),
        }
    }

    /// Words of the segments at `step`; empty where none are drawn.
    fn segment_words(&self, run: &Run<'_>, step: u32) -> Vec<u32> {
        let Segments::Drawn(_) = self.segments else { return vec![0; run.len] };
        let mut words = vec![0; run.len];
        run.words_at(SEGMENT, step, &mut words);
        words
    }

    fn multiplier(&self, segment: usize, arm: usize) -> f64 {
        if self.multipliers.is_empty() { 1.0 } else { self.multipliers[segment * self.scale.len() + arm] }
    }

    /// One interaction each where nothing tells environments apart: a table of thresholds by arm.
    fn step_alike(&self, arms: &[u32], words: &[u32], level: f64, rates: &[f64], out: &mut Out<'_>) {
        let rate = |arm: usize| rates[if rates.len() == 1 { 0 } else { arm }];
        let bound: Vec<u64> = (0..self.scale.len()).map(|k| threshold((rate(k) * level).clamp(0.0, 1.0))).collect();
        for (i, (&arm, &word)) in arms.iter().zip(words).enumerate() {
            let arm = arm as usize;
            let success = f64::from(u8::from(u64::from(word) < bound[arm]));
            out.obs[i] = success as f32;
            out.reward[i] = self.scale[arm] * success + self.offset[arm];
        }
    }
}

impl Family for Bandit {
    const NAME: &'static str = "bandit";
    const COLUMNS: &'static [&'static str] = &["rate", "segment"];
    type Config = Config;
    type Plan = ();

    fn new(config: &Config, columns: &mut Columns) -> Result<Self> {
        let rate = columns.take(Self::NAME, "rate", &config.rate.0, CHANCE)?;
        let mut lengths = vec![
            ("rate", rate.width()),
            ("scale", config.scale.0.len()),
            ("offset", config.offset.0.len()),
            ("labels", config.labels.len().max(1)),
        ];
        lengths.extend(config.segment_multipliers.iter().map(|row| ("segment_multipliers", row.0.len())));
        let arms = config::arms(Self::NAME, &lengths)?;
        config::labels(Self::NAME, &config.labels, arms)?;
        config::horizon(Self::NAME, config.horizon)?;
        let scale = config.scale.spread("bandit.scale", arms)?;
        let offset = config.offset.spread("bandit.offset", arms)?;
        let (multipliers, segments) = segments(config, columns, arms)?;
        let mut observations = vec![Channel::new("outcome", 0.0, 1.0)];
        if config.segment_multipliers.len() > 1 {
            observations.push(Channel::new("segment", 0.0, (config.segment_multipliers.len() - 1) as f32));
        }
        let bound = |pick: fn(f64, f64) -> f64, start: f64| {
            let ends = scale.iter().zip(&offset).map(|(s, o)| pick(*o, s + o));
            Param::shared(vec![ends.fold(start, pick)])
        };
        let spec = Spec {
            actions: ActionSpace::Discrete { count: arms },
            action_labels: config.labels.clone(),
            observations,
            horizon: config.horizon,
            coupling: Coupling::Independent,
            terminates: false,
            reward_low: bound(f64::min, f64::INFINITY),
            reward_high: bound(f64::max, f64::NEG_INFINITY),
            counts: Some(Counts { trials: Param::shared(vec![1.0]), scale: scale.clone(), offset: offset.clone() }),
        };
        let modifiers = Modifiers::new(Self::NAME, &config.modifiers)?;
        Ok(Self { spec, modifiers, rate, scale, offset, multipliers, segments })
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
        let words = self.segment_words(run, run.step);
        for i in rows.iter() {
            obs[i * width] = 0.0;
            if width == 2 {
                obs[i * width + 1] = self.segment(run, i, words[i]) as f32;
            }
        }
    }

    fn step(&self, run: &Run<'_>, (): &(), actions: Actions<'_>, _state: &mut State<'_>, out: &mut Out<'_>) {
        let mut words = vec![0; run.len];
        run.words(OUTCOME, &mut words);
        let rates = run.cells(&self.rate);
        if let (Level::Same(level), Some(shared), true) = (run.level, rates.as_shared(), self.multipliers.is_empty()) {
            return self.step_alike(actions.arms(), &words, level, shared, out);
        }
        let now = self.segment_words(run, run.step);
        let next = self.segment_words(run, run.step.wrapping_add(1));
        let width = self.spec.observations.len();
        for (i, &arm) in actions.arms().iter().enumerate() {
            let arm = arm as usize;
            let chance = rates.at(i, arm) * self.multiplier(self.segment(run, i, now[i]), arm) * run.level.at(i);
            let success = f64::from(u8::from(u64::from(words[i]) < threshold(chance.clamp(0.0, 1.0))));
            out.obs[i * width] = success as f32;
            if width == 2 {
                out.obs[i * width + 1] = self.segment(run, i, next[i]) as f32;
            }
            out.reward[i] = self.scale[arm] * success + self.offset[arm];
        }
    }

    fn expected(&self, run: &Run<'_>, _state: &[f64], out: &mut [f64]) {
        let rates = run.cells(&self.rate);
        let now = self.segment_words(run, run.step);
        for (i, row) in out.chunks_exact_mut(self.scale.len()).enumerate() {
            let segment = self.segment(run, i, now[i]);
            for (arm, value) in row.iter_mut().enumerate() {
                let chance = rates.at(i, arm) * self.multiplier(segment, arm) * run.level.at(i);
                *value = self.scale[arm] * chance.clamp(0.0, 1.0) + self.offset[arm];
            }
        }
    }
}

/// The table of multipliers, and how an environment comes by its segment.
fn segments(config: &Config, columns: &mut Columns, arms: usize) -> Result<(Vec<f64>, Segments)> {
    let rows = &config.segment_multipliers;
    let mut table = Vec::new();
    for (s, row) in rows.iter().enumerate() {
        let field = format!("bandit.segment_multipliers[{s}]");
        let row = row.spread(&field, arms)?;
        if let Some(value) = row.iter().find(|v| **v < 0.0) {
            return Err(refuse(&field, value, "numbers, at least 0"));
        }
        table.extend(row);
    }
    let own = columns.take("bandit", "segment", &[], PLACE)?;
    if own.width() > 0 {
        if let Some(row) = own.values().iter().position(|&s| s as usize >= rows.len().max(1)) {
            let field = format!("columns[\"segment\"] row {row}");
            return Err(refuse(&field, own.values()[row], format!("fewer than {} segments", rows.len().max(1))));
        }
        if own.width() > 1 {
            return Err(refuse("columns[\"segment\"]", format!("{} values a row", own.width()), "1"));
        }
        return Ok((table, if rows.is_empty() { Segments::One } else { Segments::Own(own) }));
    }
    let weights = match &config.segment_weights[..] {
        [] => vec![1.0; rows.len()],
        given => given.to_vec(),
    };
    let total: f64 = weights.iter().sum();
    if weights.len() != rows.len() || weights.iter().any(|w| !(w.is_finite() && *w >= 0.0)) || (total <= 0.0 && !rows.is_empty())
    {
        let wanted = format!("{} weights, at least 0 and not all 0", rows.len());
        return Err(refuse("bandit.segment_weights", format!("{weights:?}"), wanted));
    }
    if rows.len() < 2 {
        return Ok((table, Segments::One));
    }
    let mut reached = 0.0;
    let bounds = weights[..weights.len() - 1].iter().map(|w| {
        reached += w;
        reached / total
    });
    Ok((table, Segments::Drawn(bounds.collect())))
}
