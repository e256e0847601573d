//! What an author of an environment writes.
//!
//! A family steps *runs*: neighbouring entities of one replicate, with every quantity as a column. The batch owns time,
//! ends, modifiers, threads and saved state, so that a family is only its parameters, its draws and its reward. To add
//! one, write `envs/<name>.rs` and its line in `envs/mod.rs`.

use rayon::ThreadPool;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::columns::{Cells, Columns, Param, Shape};
use crate::error::Result;
use crate::modifiers::{ArmLevels, Level, Modifiers};
use crate::restless::whittle::Whittle;
use crate::rng::Key;

/// What an agent may do in one environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ActionSpace {
    /// One of `count` arms.
    Discrete {
        /// Number of arms.
        count: usize,
    },
    /// A point between `low` and `high`, one number a dimension.
    Box {
        /// Least value of each dimension.
        low: Vec<f32>,
        /// Largest value of each dimension.
        high: Vec<f32>,
    },
}

impl ActionSpace {
    /// Number of arms, or 0 where actions are not arms.
    pub fn arms(&self) -> usize {
        match self {
            Self::Discrete { count } => *count,
            Self::Box { .. } => 0,
        }
    }
}

/// Actions of neighbouring environments.
#[derive(Debug, Clone, Copy)]
pub enum Actions<'a> {
    /// Arms `(n,)`.
    Arms(&'a [u32]),
    /// Points `(n, width)`, row by row.
    Points {
        /// The values.
        values: &'a [f32],
        /// Dimensions of one action.
        width: usize,
    },
}

impl<'a> Actions<'a> {
    /// Number of environments that act.
    pub fn len(self) -> usize {
        match self {
            Self::Arms(arms) => arms.len(),
            Self::Points { values, width } => values.len() / width.max(1),
        }
    }

    /// Whether nobody acts.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The actions of `len` environments from `first` on.
    #[must_use]
    pub fn part(self, first: usize, len: usize) -> Self {
        match self {
            Self::Arms(arms) => Self::Arms(&arms[first..first + len]),
            Self::Points { values, width } => {
                Self::Points { values: &values[first * width..(first + len) * width], width }
            }
        }
    }

    /// The arms, in a family whose actions are arms; empty in another.
    pub fn arms(self) -> &'a [u32] {
        match self {
            Self::Arms(arms) => arms,
            Self::Points { .. } => &[],
        }
    }

    /// The points, row by row, in a family whose actions are points; empty in another.
    pub fn points(self) -> &'a [f32] {
        match self {
            Self::Arms(_) => &[],
            Self::Points { values, .. } => values,
        }
    }
}

/// One observed number and the finite bounds that it stays in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Channel {
    /// Name of the number.
    pub name: String,
    /// Least value.
    pub low: f32,
    /// Largest value.
    pub high: f32,
}

impl Channel {
    /// A named number between `low` and `high`.
    pub fn new(name: &str, low: f32, high: f32) -> Self {
        Self { name: name.into(), low, high }
    }
}

/// What joins the entities of a replicate; nothing ever joins replicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Coupling {
    /// Nothing: work may be cut between any two entities.
    Independent,
    /// Groups of entities: work may be cut between groups.
    Grouped,
    /// The whole replicate: work may be cut between replicates only.
    Replicate,
}

/// A reward that is known up to a chance: `scale[k] × successes + offset[k]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Counts {
    /// Trials a step.
    pub trials: Param,
    /// Reward of one success, by arm.
    pub scale: Vec<f64>,
    /// Reward of playing the arm at all, by arm.
    pub offset: Vec<f64>,
}

/// What the best play that knows everything earns, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Yardstick {
    /// The best arm of each step: exact, since no action changes what comes later.
    #[default]
    BestNow,
    /// The value of the best policy from the start.
    Exact,
    /// A number that no policy's value from the start exceeds.
    Bound,
    /// Nothing is known: only the reward that was paid can be told.
    Unknown,
}

/// Expected rewards of whole episodes, from the start to the end, for each environment of a batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StartValues {
    /// Of the best policy, or a bound on it `(n,)`.
    pub best: Vec<f64>,
    /// Of arms drawn evenly `(n,)`; empty where the family does not know.
    pub random: Vec<f64>,
    /// Of each arm played throughout `(n, k)`; empty where the family does not know.
    pub arms: Vec<f64>,
}

/// What may be known of a family before it starts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spec {
    /// What an agent may do.
    pub actions: ActionSpace,
    /// Names of the arms; empty where they have none.
    pub action_labels: Vec<String>,
    /// What an agent sees, in order.
    pub observations: Vec<Channel>,
    /// Steps of an episode, or `None` where it never ends by time.
    pub horizon: Option<u32>,
    /// What joins the entities of a replicate.
    pub coupling: Coupling,
    /// Whether an environment may end by itself, before the horizon.
    pub terminates: bool,
    /// What regret is counted against.
    pub yardstick: Yardstick,
    /// Least reward of a step.
    #[serde(skip)]
    pub reward_low: Param,
    /// Largest reward of a step.
    #[serde(skip)]
    pub reward_high: Param,
    /// How counts are read from rewards, where they can be.
    #[serde(skip)]
    pub counts: Option<Counts>,
}

/// Neighbouring entities of one replicate at one step.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Generator of the environment's draws.
    pub key: Key,
    /// Step of the global clock: a word of randomness belongs to it.
    pub step: u32,
    /// Which replicate.
    pub replicate: u32,
    /// Id of the first entity.
    pub entity: u32,
    /// How many entities.
    pub len: usize,
    /// Place of the first entity among the batch's entities.
    pub entity_row: usize,
    /// Place of the first environment in the batch.
    pub row: usize,
    /// Product of the modifiers of all arms at this step.
    pub level: Level<'a>,
    /// Product of the modifiers of some arms alone, where there are any.
    pub arm_levels: Option<ArmLevels<'a>>,
    /// Steps since each environment's reset: one number for all, or one each.
    pub elapsed: &'a [u32],
}

impl<'a> Run<'a> {
    /// Fill `out` with the run's words of a slot at step `step` of the global clock.
    #[inline]
    pub fn words_at(&self, slot: u32, step: u32, out: &mut [u32]) {
        self.key.fill(slot, 0, step, self.replicate, self.entity, out);
    }

    /// Fill `out` with the run's words of a slot at this step.
    #[inline]
    pub fn words(&self, slot: u32, out: &mut [u32]) {
        self.words_at(slot, self.step, out);
    }

    /// The run's words of a slot at this step for some of its environments, in their order.
    pub fn words_of(&self, slot: u32, rows: Rows<'_>) -> Vec<u32> {
        match rows {
            Rows::All(len) => self.key.words(slot, 0, self.step, self.replicate, self.entity, len),
            Rows::These(rows) => {
                let mut words = vec![0; rows.len()];
                self.key.fill_listed(slot, 0, self.step, self.replicate, self.entity, rows, &mut words);
                words
            }
        }
    }

    /// The run's cells of a parameter.
    #[inline]
    pub fn cells(&self, param: &'a Param) -> Cells<'a> {
        param.cells(self.entity_row, self.row, self.len)
    }

    /// Steps since the reset of environment `i` of the run.
    #[inline]
    pub fn elapsed(&self, i: usize) -> u32 {
        if self.elapsed.len() == 1 { self.elapsed[0] } else { self.elapsed[i] }
    }
}

/// Which environments of a run: all of them, or those listed.
#[derive(Debug, Clone, Copy)]
pub enum Rows<'a> {
    /// The first so many.
    All(usize),
    /// These.
    These(&'a [u32]),
}

impl<'a> Rows<'a> {
    /// The places within the run.
    pub fn iter(self) -> impl Iterator<Item = usize> + 'a {
        let (len, listed): (usize, &[u32]) = match self {
            Rows::All(len) => (len, &[]),
            Rows::These(rows) => (rows.len(), rows),
        };
        (0..len).map(move |j| listed.get(j).map_or(j, |&row| row as usize))
    }
}

/// What carries over from step to step: one column of `len` numbers for each name of [`Family::state`].
#[derive(Debug)]
pub struct State<'a> {
    /// Column by column.
    pub values: &'a mut [f64],
    /// Environments of the run.
    pub len: usize,
}

impl State<'_> {
    /// The column in place `index`.
    pub fn column(&mut self, index: usize) -> &mut [f64] {
        &mut self.values[index * self.len..(index + 1) * self.len]
    }

    /// All `N` columns at once.
    pub fn columns<const N: usize>(&mut self) -> [&mut [f64]; N] {
        let mut columns = self.values.chunks_exact_mut(self.len);
        std::array::from_fn(|_| columns.next().unwrap_or_default())
    }
}

/// Where a family writes what came of a step; it writes every observation and reward.
#[derive(Debug)]
pub struct Out<'a> {
    /// Observations `(len, d)`, row by row.
    pub obs: &'a mut [f32],
    /// Rewards `(len,)`.
    pub reward: &'a mut [f64],
    /// Ends that are the environment's own `(len,)`, false at first; the time limit is the batch's business.
    pub terminated: &'a mut [bool],
}

/// At most so many actions other than the first at a step, among all entities of a replicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// How many.
    pub most: usize,
    /// Whether a step with more is refused; else the excess is counted.
    pub hard: bool,
}

/// Actions that break a limit which ties them to the last ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Breaches {
    /// Environments of the run whose action does.
    pub rows: Vec<usize>,
    /// Whether a breach is refused; else it is counted.
    pub hard: bool,
    /// What the limit allows.
    pub wanted: &'static str,
}

/// A family of environments.
pub trait Family: Sized + Send + Sync + 'static {
    /// Its name in configuration.
    const NAME: &'static str;
    /// Names of the columns that entities may have of their own.
    const COLUMNS: &'static [&'static str];
    /// Names of the tables that all environments share: arrays of any length, too long for a configuration.
    const TABLES: &'static [&'static str] = &[];
    /// Places of the observed numbers that tell what came of the last action, in families in which all that is observed
    /// beside them does not depend on it: there outcomes may arrive late, and entities come and go.
    const OUTCOMES: &'static [usize] = &[];
    /// Whether modifiers may act on some arms alone; their product is [`Run::arm_levels`] then.
    const ARMS_CHANGE: bool = false;
    /// Its configuration: defaults live there, and unknown fields are refused.
    type Config: Serialize + DeserializeOwned;
    /// What one step needs once for all runs, such as tables of shared parameters.
    type Plan: Send + Sync;

    /// Check configuration and columns and make the family.
    ///
    /// # Errors
    /// Names the field or the column and row that cannot be used.
    fn new(config: &Self::Config, columns: &mut Columns) -> Result<Self>;

    /// What may be known before it starts.
    fn spec(&self) -> &Spec;

    /// What changes its rates over time.
    fn modifiers(&self) -> &Modifiers;

    /// Names of the state's columns; empty where nothing carries over.
    fn state(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether work may be cut before the entity in place `entity_row` among the batch's entities: not where it would part
    /// entities that act on each other.
    fn may_cut(&self, _entity_row: usize) -> bool {
        true
    }

    /// Prepare a step of `rows` environments. `level` is given where all of them share it.
    fn plan(&self, level: Option<f64>, rows: usize) -> Self::Plan;

    /// Start the listed environments: write their state and their first observations `(len, d)`.
    fn reset(&self, run: &Run<'_>, rows: Rows<'_>, state: &mut State<'_>, obs: &mut [f32]);

    /// One step of a run. Observations belong to the step after: their words are those of `run.step + 1`.
    fn step(&self, run: &Run<'_>, plan: &Self::Plan, actions: Actions<'_>, state: &mut State<'_>, out: &mut Out<'_>);

    /// Expected reward of each arm at the coming step, what an evaluator knows and no agent sees: `(k, len)`, arm by
    /// arm. `state` stands column by column; nothing is written where actions are not arms.
    fn expected(&self, run: &Run<'_>, state: &[f64], out: &mut [f64]);

    /// Expected reward of each arm with the best play after it `(k, len)`: the same as [`Family::expected`] unless the
    /// family knows its best play.
    fn values(&self, run: &Run<'_>, state: &[f64], out: &mut [f64]) {
        self.expected(run, state, out);
    }

    /// Where entities act on each other: the expected reward of each when all play `arms` `(len,)`. There
    /// [`Family::expected`] is what an arm earns when everybody plays it.
    fn together(&self, _run: &Run<'_>, _state: &[f64], _arms: &[u32]) -> Option<Vec<f64>> {
        None
    }

    /// Where the largest of [`Family::expected`] is not the yardstick of the coming step: the expected reward of each
    /// environment in the best play, or a bound on it (as the spec says) `(len,)`.
    fn oracle(&self, _run: &Run<'_>) -> Option<Vec<f64>> {
        None
    }

    /// What whole episodes are worth from their start, wherever the spec's yardstick is not [`Yardstick::BestNow`].
    /// Work may be spread over `pool`.
    fn start_values(&self, _shape: Shape, _pool: Option<&ThreadPool>) -> Option<StartValues> {
        None
    }

    /// Whittle indices of every environment at a discount; `None` where they are no restless chains of two actions.
    fn whittle(&self, _shape: Shape, _discount: f64, _pool: Option<&ThreadPool>) -> Option<Whittle> {
        None
    }

    /// What all entities of a replicate share, where they share a budget; then the coupling is [`Coupling::Replicate`].
    fn budget(&self) -> Option<Budget> {
        None
    }

    /// Whether some arms are not always allowed.
    fn masks(&self) -> bool {
        false
    }

    /// Which actions break a limit that [`Family::allowed`] does not tell; `None` where there is no such limit.
    fn breaches(&self, _run: &Run<'_>, _state: &[f64], _actions: Actions<'_>) -> Option<Breaches> {
        None
    }

    /// Write which arms are allowed at the coming step `(k, len)`, arm by arm.
    fn allowed(&self, _run: &Run<'_>, _state: &[f64], out: &mut [bool]) {
        out.fill(true);
    }
}
