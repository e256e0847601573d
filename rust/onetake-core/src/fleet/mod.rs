//! Fleets of bandits: one learner an environment, or one for each replicate, decided and updated in one pass.
//!
//! A learner counts, for each arm, `weight` (trials) and `total` (what they gave: successes, or rewards scaled to
//! [0, 1] and weighted with the trials). A [`Rule`] turns counts into scores and the best allowed arm is played; ties are
//! broken by the generator, and a share of play may be uniform. All draws belong to (replicate, entity, step), so that
//! results do not depend on how a fleet is cut or on the number of threads.

mod block;
mod choose;
mod kl_ucb;
mod learn;
mod means;
pub mod quadrature;
mod softmax;
mod thompson;
mod ucb;

use rayon::prelude::*;

use crate::dispatch::{self, Kernel};
use crate::error::{Error, Result};
use crate::rng::{Key, Stream};
use crate::samplers::BLOCK;
use crate::workers;
use block::{Block, Room};
use quadrature::Quadrature;
pub use thompson::Belief;

/// Slot of the draw that decides on uniform play.
const MIX: u32 = 0;
/// Slot of the draw that breaks ties.
const TIE: u32 = 1;
/// Slot of arm 0's draw; arm k has the k-th slot after it.
const ARM: u32 = 2;
/// Rows that a thread takes at once.
const CHUNK: usize = 4096;

/// How counts become scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// All arms are equal.
    Uniform,
    /// One arm is better than all others.
    Fixed(usize),
    /// The mean so far; what was never tried comes first.
    Mean,
    /// The mean so far; what was never tried comes last.
    Greedy,
    /// Mean plus `sqrt(factor × ln n / n_k)`.
    Ucb1 {
        /// Factor under the root.
        factor: f64,
    },
    /// The largest mean that is not ruled out at level `ln n + factor × ln ln n`.
    KlUcb {
        /// Factor of the iterated logarithm.
        factor: f64,
    },
    /// Chances in proportion to `exp(mean / temperature)`.
    Softmax {
        /// Temperature, above 0.
        temperature: f64,
    },
    /// What has fewer trials first, then the mean.
    Explore {
        /// Trials of each arm.
        least: f64,
    },
    /// Payoff at a draw from the posterior.
    PosteriorDraw(Belief),
    /// Payoff at the mean of the posterior.
    PosteriorMean(Belief),
}

/// One number for each environment, or one for all.
#[derive(Debug, Clone)]
pub struct PerEnvironment(Vec<f64>);

impl PerEnvironment {
    /// Take one number or `environments` of them.
    ///
    /// # Errors
    /// Refuses another length, and what is not finite.
    pub fn new(what: &str, values: Vec<f64>, environments: usize) -> Result<Self> {
        if values.len() != 1 && values.len() != environments {
            return Err(shape(what, format!("{} numbers", values.len()), format!("1 or {environments}")));
        }
        if let Some(odd) = values.iter().find(|value| !value.is_finite()) {
            return Err(shape(what, odd.to_string(), "finite numbers".into()));
        }
        Ok(Self(values))
    }

    #[inline(always)]
    fn at(&self, environment: usize) -> f64 {
        if self.0.len() == 1 { self.0[0] } else { self.0[environment] }
    }
}

/// What a reward says about an arm.
#[derive(Debug, Clone)]
pub enum Rewards {
    /// `reward = scale[k] × successes + offset[k]`.
    Counts {
        /// Money for a success, by arm; never 0.
        scale: Vec<f64>,
        /// Money for playing the arm at all.
        offset: Vec<f64>,
    },
    /// Rewards between two bounds.
    Bounded {
        /// Lower bound.
        low: PerEnvironment,
        /// Upper bound.
        high: PerEnvironment,
    },
    /// Rewards as they are.
    Plain {
        /// Smallest reward that can be.
        least: f64,
    },
    /// Nothing: the rule never looks at counts.
    Ignored,
}

/// Who is to decide what, and how.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// How arms are scored.
    pub rule: Rule,
    /// Step of the clock.
    pub step: u32,
    /// Environments, or all in order.
    pub rows: Option<&'a [i64]>,
    /// Allowed arms, row by row, or all.
    pub mask: Option<&'a [bool]>,
    /// Share of play that is uniform over the allowed arms.
    pub epsilon: f64,
    /// Least chance of each allowed arm.
    pub floor: f64,
}

impl Request<'_> {
    /// Chance of uniform play where `open` arms are allowed.
    #[inline(always)]
    fn share(&self, open: usize) -> f64 {
        1.0 - (1.0 - self.epsilon) * (1.0 - (self.floor * open as f64).min(1.0))
    }
}

/// Learners of a batch with what they have counted.
#[derive(Debug, Clone)]
pub struct Fleet {
    key: Key,
    entity_ids: Vec<u32>,
    replicate_ids: Vec<u32>,
    /// Whether entity ids count up by one.
    contiguous: bool,
    arms: usize,
    pooled: bool,
    trials: PerEnvironment,
    rewards: Rewards,
    /// Arm by arm, learner by learner.
    total: Vec<f64>,
    weight: Vec<f64>,
}

impl Fleet {
    /// A fleet that has seen nothing.
    ///
    /// # Errors
    /// Refuses no entities, no replicates, no arms, and rewards that do not fit them.
    pub fn new(
        seed: u64,
        entity_ids: Vec<u32>,
        replicate_ids: Vec<u32>,
        arms: usize,
        pooled: bool,
        trials: PerEnvironment,
        rewards: Rewards,
    ) -> Result<Self> {
        let environments = entity_ids.len() * replicate_ids.len();
        if environments == 0 || arms == 0 {
            let got = format!("{} × {} with {arms} arms", replicate_ids.len(), entity_ids.len());
            return Err(shape("fleet", got, "at least one replicate, entity and arm".into()));
        }
        if let Rewards::Counts { scale, offset } = &rewards
            && (scale.len() != arms || offset.len() != arms)
        {
            let got = format!("{} scales and {} offsets", scale.len(), offset.len());
            return Err(shape("count_reward", got, format!("{arms} of each")));
        }
        let learners = if pooled { replicate_ids.len() } else { environments };
        Ok(Self {
            key: Key::new(seed, Stream::AGENT),
            contiguous: entity_ids.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1])),
            entity_ids,
            replicate_ids,
            arms,
            pooled,
            trials,
            rewards,
            total: vec![0.0; arms * learners],
            weight: vec![0.0; arms * learners],
        })
    }

    /// Number of environments.
    pub fn environments(&self) -> usize {
        self.entity_ids.len() * self.replicate_ids.len()
    }

    /// Number of learners.
    pub fn learners(&self) -> usize {
        self.total.len() / self.arms
    }

    /// Number of arms.
    pub fn arms(&self) -> usize {
        self.arms
    }

    /// What trials gave and how many there were, arm by arm and learner by learner.
    pub fn counts(&self) -> (&[f64], &[f64]) {
        (&self.total, &self.weight)
    }

    /// Put saved counts in place of these.
    ///
    /// # Errors
    /// Refuses another length and numbers that no play can give.
    pub fn restore(&mut self, total: Vec<f64>, weight: Vec<f64>) -> Result<()> {
        for (what, column) in [("total", &total), ("weight", &weight)] {
            if column.len() != self.total.len() {
                let wanted = format!("{} × {}", self.arms, self.learners());
                return Err(shape(what, format!("{} numbers", column.len()), wanted));
            }
            let signed = what == "total" && matches!(self.rewards, Rewards::Plain { .. });
            if let Some(odd) = column.iter().find(|value| !(value.is_finite() && (signed || **value >= 0.0))) {
                let wanted = if signed { "finite numbers" } else { "finite numbers from 0 on" };
                return Err(shape(what, odd.to_string(), wanted.into()));
            }
        }
        (self.total, self.weight) = (total, weight);
        Ok(())
    }

    /// The arm that each row plays.
    ///
    /// # Errors
    /// Refuses rows, masks and numbers of threads that cannot be.
    pub fn decide(&self, request: Request<'_>, threads: usize) -> Result<Vec<i64>> {
        let mut out = vec![0; request.rows.map_or(self.environments(), <[i64]>::len)];
        self.decide_into(request, threads, &mut out)?;
        Ok(out)
    }

    /// The same into `out`, one place a row.
    ///
    /// # Errors
    /// As [`decide`](Self::decide), and refuses another number of places.
    pub fn decide_into(&self, request: Request<'_>, threads: usize, out: &mut [i64]) -> Result<()> {
        let rows = self.check(&request)?;
        if out.len() != rows {
            return Err(shape("out", format!("{} places", out.len()), rows.to_string()));
        }
        let parts = out.chunks_mut(CHUNK).enumerate().map(|(i, out)| (i * CHUNK, out)).collect();
        spread(threads, parts, |(first, out)| dispatch::run(Decide { fleet: self, request, first, out }))
    }

    /// The chance of each arm for each row, row by row.
    ///
    /// # Errors
    /// Refuses rows, masks and numbers of threads that cannot be.
    pub fn probabilities(&self, request: Request<'_>, threads: usize) -> Result<Vec<f64>> {
        let mut out = vec![0.0; self.check(&request)? * self.arms];
        let parts = out.chunks_mut(CHUNK * self.arms).enumerate().map(|(i, out)| (i * CHUNK, out)).collect();
        spread(threads, parts, |(first, out)| dispatch::run(Weigh { fleet: self, request, first, out }))?;
        Ok(out)
    }

    /// Number of rows of a request that can be answered.
    fn check(&self, request: &Request<'_>) -> Result<usize> {
        let rows = self.check_rows(request.rows)?;
        let Some(mask) = request.mask else { return Ok(rows) };
        if mask.len() != rows * self.arms {
            return Err(shape("mask", format!("{} values", mask.len()), format!("{rows} × {}", self.arms)));
        }
        match mask.chunks(self.arms).position(|open| !open.contains(&true)) {
            Some(row) => {
                Err(shape("mask", format!("no allowed action in row {row}"), "at least one in each row".into()))
            }
            None => Ok(rows),
        }
    }

    fn check_rows(&self, rows: Option<&[i64]>) -> Result<usize> {
        let all = self.environments();
        let Some(rows) = rows else { return Ok(all) };
        match rows.iter().find(|row| !(0..all as i64).contains(*row)) {
            Some(row) => Err(shape("rows", row.to_string(), format!("0 to {}", all - 1))),
            None => Ok(rows.len()),
        }
    }

    #[inline(always)]
    fn learner(&self, environment: usize) -> usize {
        if self.pooled { environment / self.entity_ids.len() } else { environment }
    }

    /// Scores of all arms for a block: arm by arm, [`BLOCK`] apart.
    #[inline(always)]
    fn score(&self, request: &Request<'_>, block: &Block<'_>, scores: &mut [f64]) {
        match request.rule {
            Rule::Uniform => scores.fill(0.0),
            Rule::Fixed(arm) => {
                scores.fill(0.0);
                scores[arm * BLOCK..(arm + 1) * BLOCK].fill(1.0);
            }
            Rule::Mean => means::score(self, block, f64::INFINITY, scores),
            Rule::Greedy => means::score(self, block, f64::MIN, scores),
            Rule::Ucb1 { factor } => ucb::score(self, block, factor, scores),
            Rule::KlUcb { factor } => kl_ucb::score(self, block, factor, scores),
            Rule::Softmax { temperature } => softmax::score(self, block, temperature, scores),
            Rule::Explore { least } => means::explore(self, block, least, scores),
            Rule::PosteriorDraw(belief) => thompson::score(self, block, belief, true, scores),
            Rule::PosteriorMean(belief) => thompson::score(self, block, belief, false, scores),
        }
    }
}

/// Run `work` on each part, on that many threads.
fn spread<T: Send>(threads: usize, parts: Vec<T>, work: impl Fn(T) + Sync + Send) -> Result<()> {
    match workers::pool(threads)? {
        Some(pool) if parts.len() > 1 => pool.install(|| parts.into_par_iter().for_each(work)),
        _ => parts.into_iter().for_each(work),
    }
    Ok(())
}

fn shape(what: &str, got: String, wanted: String) -> Error {
    Error::Shape { what: what.into(), got, wanted }
}

struct Decide<'a> {
    fleet: &'a Fleet,
    request: Request<'a>,
    first: usize,
    out: &'a mut [i64],
}

impl Kernel for Decide<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let mut room = Room::default();
        let mut scores = vec![0.0; self.fleet.arms * BLOCK];
        let mut at = 0;
        while at < self.out.len() {
            let most = (self.out.len() - at).min(BLOCK);
            let block = Block::cut(self.fleet, &self.request, self.first + at, most, &mut room);
            self.fleet.score(&self.request, &block, &mut scores);
            let out = &mut self.out[at..at + block.len];
            choose::best(&self.request, &block, self.fleet.arms, &mut scores, out);
            choose::mix(&self.request, &block, self.fleet.arms, out);
            at += block.len;
        }
    }
}

struct Weigh<'a> {
    fleet: &'a Fleet,
    request: Request<'a>,
    first: usize,
    out: &'a mut [f64],
}

impl Kernel for Weigh<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let arms = self.fleet.arms;
        let mut room = Room::default();
        let mut scores = vec![0.0; arms * BLOCK];
        let mut quadrature = Quadrature::default();
        let mut at = 0;
        while at * arms < self.out.len() {
            let most = (self.out.len() / arms - at).min(BLOCK);
            let block = Block::cut(self.fleet, &self.request, self.first + at, most, &mut room);
            let out = &mut self.out[at * arms..(at + block.len) * arms];
            match self.request.rule {
                Rule::PosteriorDraw(belief) => {
                    thompson::chances(self.fleet, &self.request, &block, belief, &mut quadrature, out);
                }
                Rule::Softmax { temperature } => {
                    softmax::chances(self.fleet, &self.request, &block, temperature, &mut scores, out);
                }
                _ => {
                    self.fleet.score(&self.request, &block, &mut scores);
                    choose::chances(&self.request, &block, arms, &mut scores, out);
                }
            }
            choose::mix_chances(&self.request, &block, arms, out);
            at += block.len;
        }
    }
}
