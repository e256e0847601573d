//! One period of a cohort a step: of `size` people some interact, and of those some convert.
//!
//! `interactions ~ Binomial(size, p[k])`, `conversions ~ Binomial(interactions, q[k])`; both chances are multiplied by the
//! modifiers and clipped to [0, 1]. The reward is `scale[k] × conversions + offset[k]`.
//!
//! With `p_correlation` or `q_correlation` above 0 the people of a cohort are alike on a day, and counts are beta-binomial
//! (see [`correlation`]).
//!
//! Slots: 0 interactions, 1 conversions, 2 and 3 the day's chances of both where people are alike. Draws are the inverse
//! distribution function of their word, so that the luck of an entity on a day is the same for every arm.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::chances::{self, Column};
use crate::columns::{Columns, Param};
use crate::config::{self, CHANCE, COUNT, PerArm, refuse};
use crate::error::Result;
use crate::family::{ActionSpace, Actions, Channel, Counts, Coupling, Family, Out, Rows, Run, Spec, State, Yardstick};
use crate::modifiers::{Modifier, Modifiers};
use crate::rates::Rates;
use crate::repeated::{Repeated, fill_by_arm, fill_same_by_arm};
use crate::samplers::binomial::{self, Shared};
use crate::samplers::flat::Flat;

const INTERACTIONS: u32 = 0;
const CONVERSIONS: u32 = 1;
/// How far the slot of a day's chance lies behind that of its count.
const DAY: u32 = 2;

pub mod correlation;

use correlation::Alike;

/// Settings of a cohort.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// People of a cohort; a column of this name gives each entity its own.
    pub size: u32,
    /// Chance that a person interacts, by arm; a column of this name gives each entity its own.
    pub p: PerArm,
    /// `p` by step since the reset and by arm, a row for each step of the episode; given instead of `p`.
    pub p_table: Vec<Vec<f64>>,
    /// Chance that who interacts converts, by arm; a column of this name gives each entity its own.
    pub q: PerArm,
    /// `q` by step since the reset and by arm, a row for each step of the episode; given instead of `q`.
    pub q_table: Vec<Vec<f64>>,
    /// Correlation of two people of a cohort on a day in whether they interact.
    pub p_correlation: f64,
    /// Correlation of two who interact in whether they convert.
    pub q_correlation: f64,
    /// Reward of a conversion, by arm.
    pub scale: PerArm,
    /// Reward of playing the arm at all, by arm; a cost is negative.
    pub offset: PerArm,
    /// Names of the arms.
    pub labels: Vec<String>,
    /// Steps of an episode, or null for no end.
    pub horizon: Option<u32>,
    /// What changes both chances over time.
    pub modifiers: Vec<Modifier>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            size: 10_000,
            p: PerArm::same(0.5),
            p_table: Vec::new(),
            q: PerArm(vec![0.2, 0.3]),
            q_table: Vec::new(),
            p_correlation: 0.0,
            q_correlation: 0.0,
            scale: PerArm::same(1.0),
            offset: PerArm::same(0.0),
            labels: Vec::new(),
            horizon: Some(365),
            modifiers: Vec::new(),
        }
    }
}

/// A cohort whose people interact and convert.
#[derive(Debug)]
pub struct Cohort {
    spec: Spec,
    modifiers: Modifiers,
    size: Param,
    p: Rates,
    q: Rates,
    /// How alike people are in interacting and in converting, where they are.
    alike: [Option<Alike>; 2],
    scale: Vec<f64>,
    offset: Vec<f64>,
    repeated: Repeated,
}

/// Batches from this size on are worth tables.
const LARGE: usize = 8192;
/// Most bytes of the conversions' tables, one for each number of interactions: beyond a core's cache, looking up takes
/// longer than drawing.
const CACHE: f64 = 1_000_000.0;

/// Batches from this size on are worth a flat table, which takes a few milliseconds to make.
const HUGE: usize = 65_536;

/// Tables of the chances that all environments share at a step, by arm or one for all arms.
#[derive(Debug, Default)]
pub struct Tables {
    p: Option<Vec<Arc<Shared>>>,
    q: Option<Vec<Arc<Shared>>>,
    flat: Option<Arc<Flat>>,
}

/// Numbers of trials: one for all or one each.
#[derive(Clone, Copy)]
enum Trials<'a> {
    Same(u32),
    Each(&'a [u32]),
}

impl Cohort {
    /// Draw a slot's counts among `trials`.
    fn draw(
        &self,
        run: &Run<'_>,
        slot: u32,
        (tables, flat, rates): (Option<&[Arc<Shared>]>, Option<&Flat>, &Rates),
        (arms, trials): (&[u32], Trials<'_>),
    ) -> Vec<u32> {
        let mut words = vec![0; run.len];
        let mut counts = vec![0; run.len];
        run.words(slot, &mut words);
        let fill = |n: &[u32], counts: &mut [u32]| {
            let mut chances = chances::of_arms(&rates.at(run), arms, run.level);
            if let Some(alike) = &self.alike[slot as usize] {
                let mut days = vec![0; run.len];
                run.words(slot + DAY, &mut days);
                chances.iter_mut().zip(days).for_each(|(chance, day)| *chance = alike.at(day, *chance));
            }
            binomial::fill(&words, n, &chances, counts);
        };
        match (trials, tables, flat) {
            (Trials::Same(n), Some(tables), _) => fill_same_by_arm(tables, arms, &words, n, &mut counts),
            (Trials::Same(n), None, _) => fill(&vec![n; run.len], &mut counts),
            (Trials::Each(n), _, Some(flat)) => flat.fill(arms, &words, n, &mut counts),
            (Trials::Each(n), Some(tables), None) => fill_by_arm(tables, arms, &words, n, &mut counts),
            (Trials::Each(n), None, None) => fill(n, &mut counts),
        }
        counts
    }

    /// The flat table of the conversions, for the numbers of interactions that nearly all cohorts have.
    fn flat(&self, size: f64, level: f64) -> Option<Arc<Flat>> {
        let chance = |rate: &f64| (rate * level).clamp(0.0, 1.0);
        let (p, q) = (self.p.as_shared()?, self.q.as_shared()?);
        let (mut first, mut last) = (size, 0.0_f64);
        for p in p.iter().map(chance) {
            let (mean, reach) = (size * p, 4.5 * libm::sqrt(size * p * (1.0 - p)));
            (first, last) = (first.min(mean - reach), last.max(mean + reach));
        }
        let trials = [first.max(0.0) as u32, last.min(size) as u32];
        self.repeated.flat(&q.iter().map(chance).collect::<Vec<_>>(), trials)
    }
}

/// How alike people are, where they are.
fn alike(field: &str, correlation: f64) -> Result<Option<Alike>> {
    if !(0.0..=0.99).contains(&correlation) || (correlation > 0.0 && correlation < 1e-6) {
        return Err(refuse(&format!("cohort.{field}"), correlation, "0, or a correlation in [0.000001, 0.99]"));
    }
    Ok((correlation > 0.0).then(|| Alike::new(correlation)))
}

impl Family for Cohort {
    const NAME: &'static str = "cohort";
    const COLUMNS: &'static [&'static str] = &["size", "p", "q"];
    const OUTCOMES: &'static [usize] = &[0, 1];
    const ARMS_CHANGE: bool = true;
    type Config = Config;
    type Plan = Tables;

    fn new(config: &Config, columns: &mut Columns) -> Result<Self> {
        let size = columns.take(Self::NAME, "size", &[f64::from(config.size)], COUNT)?;
        config::horizon(Self::NAME, config.horizon)?;
        let p = Rates::new(Self::NAME, "p", &config.p.0, (&config.p_table, config.horizon), (columns, CHANCE))?;
        let q = Rates::new(Self::NAME, "q", &config.q.0, (&config.q_table, config.horizon), (columns, CHANCE))?;
        if size.width() != 1 {
            return Err(refuse("columns[\"size\"]", format!("{} values a row", size.width()), "1"));
        }
        let lengths = [
            ("p", p.width()),
            ("q", q.width()),
            ("scale", config.scale.0.len()),
            ("offset", config.offset.0.len()),
            ("labels", config.labels.len().max(1)),
        ];
        let arms = config::arms(Self::NAME, &lengths)?;
        config::labels(Self::NAME, &config.labels, arms)?;
        let scale = config.scale.spread("cohort.scale", arms)?;
        let offset = config.offset.spread("cohort.offset", arms)?;
        let largest = size.values().iter().fold(0.0_f64, |a, &b| a.max(b)) as f32;
        let bound = |pick: fn(f64, f64) -> f64, start: f64| {
            size.map_rows(|n| scale.iter().zip(&offset).map(|(s, o)| pick(*o, s * n[0] + o)).fold(start, pick))
        };
        let spec = Spec {
            actions: ActionSpace::Discrete { count: arms },
            action_labels: config.labels.clone(),
            observations: vec![Channel::new("interactions", 0.0, largest), Channel::new("conversions", 0.0, largest)],
            horizon: config.horizon,
            coupling: Coupling::Independent,
            terminates: false,
            yardstick: Yardstick::BestNow,
            reward_low: bound(f64::min, f64::INFINITY),
            reward_high: bound(f64::max, f64::NEG_INFINITY),
            counts: Some(Counts { trials: size.clone(), scale: scale.clone(), offset: offset.clone() }),
        };
        let modifiers = Modifiers::new(Self::NAME, &config.modifiers)?;
        let alike = [alike("p_correlation", config.p_correlation)?, alike("q_correlation", config.q_correlation)?];
        Ok(Self { spec, modifiers, size, p, q, alike, scale, offset, repeated: Repeated::default() })
    }

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn modifiers(&self) -> &Modifiers {
        &self.modifiers
    }

    fn plan(&self, level: Option<f64>, rows: usize) -> Tables {
        let Some(level) = level.filter(|_| rows >= LARGE) else { return Tables::default() };
        let tables = |rates: &Rates, alike: &Option<Alike>| {
            let chances = rates.as_shared().filter(|_| alike.is_none())?.iter().map(|rate| (rate * level).clamp(0.0, 1.0));
            self.repeated.tables(&chances.collect::<Vec<_>>())
        };
        let Some(size) = self.size.as_shared() else { return Tables::default() };
        let apart = self.alike.iter().all(Option::is_none);
        let flat = if apart && rows >= HUGE { self.flat(size[0], level) } else { None };
        if flat.is_some() {
            return Tables { p: tables(&self.p, &None), q: None, flat };
        }
        let few = self.p.as_shared().zip(self.q.as_shared()).is_some_and(|(p, q)| bytes(size[0], level, p, q) <= CACHE);
        let [p, q] = &self.alike;
        Tables { p: tables(&self.p, p), q: if few { tables(&self.q, q) } else { None }, flat }
    }

    fn reset(&self, _run: &Run<'_>, rows: Rows<'_>, _state: &mut State<'_>, obs: &mut [f32]) {
        rows.iter().for_each(|i| obs[2 * i..2 * i + 2].fill(0.0));
    }

    fn step(
        &self,
        run: &Run<'_>,
        plan: &Tables,
        actions: Actions<'_>,
        _state: &mut State<'_>,
        out: &mut Out<'_>,
    ) {
        let arms = actions.arms();
        let sizes = run.cells(&self.size);
        let dense: Vec<u32> = match sizes.column(0) {
            Column::Dense(sizes) => sizes.iter().map(|&size| size as u32).collect(),
            _ => Vec::new(),
        };
        let size = if dense.is_empty() { Trials::Same(sizes.at(0, 0) as u32) } else { Trials::Each(&dense) };
        let interactions = self.draw(run, INTERACTIONS, (plan.p.as_deref(), None, &self.p), (arms, size));
        let drawn = (plan.q.as_deref(), plan.flat.as_deref(), &self.q);
        let conversions = self.draw(run, CONVERSIONS, drawn, (arms, Trials::Each(&interactions)));
        chances::pay([&interactions, &conversions], arms, (&self.scale, &self.offset), out.obs, out.reward);
    }

    fn expected(&self, run: &Run<'_>, _state: &[f64], out: &mut [f64]) {
        let (sizes, ps, qs) = (run.cells(&self.size), self.p.at(run), self.q.at(run));
        for (arm, column) in out.chunks_exact_mut(run.len).enumerate() {
            match sizes.column(0) {
                Column::Dense(sizes) => column.copy_from_slice(sizes),
                _ => column.fill(sizes.at(0, 0)),
            }
            chances::multiply(&ps, arm, run.level, column);
            chances::multiply(&qs, arm, run.level, column);
            let (scale, offset) = (self.scale[arm], self.offset[arm]);
            for value in column {
                *value = scale * *value + offset;
            }
        }
    }
}

/// About how many bytes the conversions' tables take: both counts stay within six standard deviations of their means, and
/// a table has four buckets of four bytes a count.
fn bytes(size: f64, level: f64, p: &[f64], q: &[f64]) -> f64 {
    let chance = |rate: &f64| (rate * level).clamp(0.0, 1.0);
    let spread = |n: f64, chance: f64| 12.0 * libm::sqrt(n * chance * (1.0 - chance)) + 1.0;
    let widest = p.iter().map(|rate| spread(size, chance(rate))).fold(1.0, f64::max);
    let most = p.iter().map(|rate| size * chance(rate)).fold(0.0, f64::max);
    q.iter().map(|rate| widest * 16.0 * spread(most, chance(rate))).sum()
}
