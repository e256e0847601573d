//! Many environments of one family as one.
//!
//! Environment `i` is entity `i mod entities` of replicate `i ÷ entities`. Blocks of neighbours are stepped by rayon; each
//! word of randomness belongs to (seed, replicate, entity, step, slot), and sums are added block by block, so that
//! nothing depends on threads or on how a batch is cut.

use std::sync::Arc;

use rayon::ThreadPool;
use rayon::prelude::*;

use crate::account::{Account, Sums};
use crate::block::{Block, Slot, Turn};
use crate::checks::check_actions;
use crate::columns::{Column, Columns, Shape};
use crate::config;
use crate::delay::{Arrived, Law};
use crate::error::{Error, Result};
use crate::extras::{Extras, Settings};
use crate::family::{Actions, Budget, Family, Spec, StartValues};
use crate::restless::whittle::Whittle;
use crate::rng::{Key, Stream};
use crate::simulator::{AutoReset, Ended, Layout, Simulator, StepOut};
use crate::state::{Reader, Writer, digest};

mod limits;

/// Fewer environments than this are stepped by the calling thread alone: waking others would take longer.
const ALONE: usize = 8192;

/// A batch of environments of family `F`.
#[derive(Debug)]
pub struct Batch<F: Family> {
    family: Arc<F>,
    spec: Arc<Spec>,
    extras: Arc<Extras>,
    settings: Arc<str>,
    identity: [u8; 16],
    layout: Layout,
    key: Key,
    clock: u32,
    /// Actions beyond a soft budget since the last reset of all, one a replicate.
    excess: Vec<u64>,
    started: bool,
    blocks: Vec<Block>,
    pool: Option<Arc<ThreadPool>>,
}

impl<F: Family> Clone for Batch<F> {
    fn clone(&self) -> Self {
        Self {
            family: Arc::clone(&self.family),
            spec: Arc::clone(&self.spec),
            extras: Arc::clone(&self.extras),
            settings: Arc::clone(&self.settings),
            blocks: self.blocks.clone(),
            excess: self.excess.clone(),
            pool: self.pool.clone(),
            ..*self
        }
    }
}

impl<F: Family> Batch<F> {
    /// Make a batch from the JSON text of its configuration.
    ///
    /// # Errors
    /// Names the field, the column or the argument that cannot be used.
    pub fn new(json: &str, columns: Vec<Column>, layout: Layout, pool: Option<Arc<ThreadPool>>) -> Result<Self> {
        check_layout(layout)?;
        let (beside, json) = Settings::take(F::NAME, json)?;
        let config = config::parse::<F::Config>(F::NAME, &json)?;
        // A configuration that was read from JSON can be written as JSON.
        let settings: Arc<str> = beside.beside(&serde_json::to_string(&config).unwrap_or_default()).into();
        let identity = identity(F::NAME, &settings, &columns, layout);
        let mut columns = Columns::new(layout.shape, columns, (&Settings::columns::<F>(), F::TABLES))?;
        let family = F::new(&config, &mut columns)?;
        let extras = beside.check::<F>(&mut columns)?;
        let spec = extras.spec(&family)?;
        family.modifiers().check_episode(
            F::NAME,
            spec.horizon,
            if F::ARMS_CHANGE { spec.actions.arms() } else { 0 },
        )?;
        Ok(Self {
            spec: Arc::new(spec),
            extras: Arc::new(extras),
            settings,
            identity,
            layout,
            key: Key::new(layout.seed, Stream::ENVIRONMENT),
            clock: 0,
            excess: vec![0; layout.shape.replicates],
            started: false,
            blocks: Block::cut(layout.shape, layout.first_entity, layout.first_replicate, |row| family.may_cut(row)),
            family: Arc::new(family),
            pool,
        })
    }

    fn reseed(&mut self, seed: u64) {
        self.layout.seed = seed;
        self.key = Key::new(seed, Stream::ENVIRONMENT);
    }

    fn arms(&self, what: &str) -> Result<usize> {
        match self.family.spec().actions.arms() {
            0 => Err(Error::NotReady { what: what.into(), need: "only where actions are arms".into() }),
            arms => Ok(arms),
        }
    }

    fn ready(&self, what: &str) -> Result<()> {
        if self.started {
            return Ok(());
        }
        Err(Error::NotReady { what: what.into(), need: "call reset first".into() })
    }

    /// Write what `ask` says of each block's arms as `(n, k)`.
    fn by_arm(
        &self,
        what: &str,
        out: &mut [f64],
        ask: impl Fn(&Block, Turn<'_, F>, &mut [f64]) + Send + Sync,
    ) -> Result<()> {
        self.ready(what)?;
        let arms = self.arms(what)?;
        let turn = Turn {
            family: &*self.family,
            extras: &self.extras,
            key: self.key,
            step: self.clock,
            mode: self.layout.mode,
        };
        let mut rest = Deal(out);
        let mut tasks: Vec<_> = self.blocks.iter().map(|b| (rest.next(b.len * arms), b)).collect();
        each(self.pool.as_ref(), self.layout.shape.rows(), &mut tasks, |(out, block)| {
            let mut by_arm = vec![0.0; block.len * arms];
            ask(block, turn, &mut by_arm);
            turn_over(&by_arm, arms, out);
        });
        Ok(())
    }

    fn turn(&self) -> Turn<'_, F> {
        Turn { family: &*self.family, extras: &self.extras, key: self.key, step: self.clock, mode: self.layout.mode }
    }

    /// The level that all environments share at the coming step, where they do.
    fn common_level(&self) -> Option<f64> {
        let modifiers = self.family.modifiers();
        let first = self.blocks.first().and_then(Block::common_elapsed)?;
        let same = modifiers.is_timed_only()
            && modifiers.are_of_all_arms()
            && self.blocks.iter().all(|b| b.common_elapsed() == Some(first));
        same.then(|| modifiers.timed(first))
    }
}

/// Do `work` on every task, by the pool where that pays.
fn each<T: Send>(pool: Option<&Arc<ThreadPool>>, rows: usize, tasks: &mut [T], work: impl Fn(&mut T) + Send + Sync) {
    match pool {
        Some(pool) if rows >= ALONE => {
            let grain = (tasks.len() / (8 * pool.current_num_threads())).max(1);
            pool.install(|| tasks.par_iter_mut().with_min_len(grain).for_each(work));
        }
        _ => tasks.iter_mut().for_each(work),
    }
}

/// What is left of a slice that is dealt out piece by piece.
struct Deal<'a, T>(&'a mut [T]);

impl<'a, T> Deal<'a, T> {
    fn next(&mut self, len: usize) -> &'a mut [T] {
        let (piece, rest) = std::mem::take(&mut self.0).split_at_mut(len);
        self.0 = rest;
        piece
    }
}

/// Write `(arms, len)` as `(len, arms)`.
fn turn_over<T: Copy>(by_arm: &[T], arms: usize, out: &mut [T]) {
    let len = by_arm.len() / arms;
    for (i, row) in out.chunks_exact_mut(arms).enumerate() {
        for (arm, value) in row.iter_mut().enumerate() {
            *value = by_arm[arm * len + i];
        }
    }
}

fn check_layout(layout: Layout) -> Result<()> {
    let parts = [
        ("entities", layout.shape.entities, layout.first_entity),
        ("replicates", layout.shape.replicates, layout.first_replicate),
    ];
    for (field, count, first) in parts {
        if count == 0 || first as usize + count >= u32::MAX as usize {
            let got = format!("{count} from id {first} on");
            return Err(config::refuse(field, got, "at least 1, with ids below 4294967295"));
        }
    }
    if layout.shape.rows() > u32::MAX as usize {
        return Err(config::refuse("replicates × entities", layout.shape.rows(), "fewer than 4294967296"));
    }
    Ok(())
}

/// What a saved state must agree in: family, configuration, columns, ids and mode.
fn identity(family: &str, settings: &str, columns: &[Column], layout: Layout) -> [u8; 16] {
    let Layout { shape, first_entity, first_replicate, mode, .. } = layout;
    let text = format!("{family} {shape:?} {first_entity} {first_replicate} {mode:?} {settings}");
    let mut bytes = text.into_bytes();
    for Column { name, values, width } in columns {
        let cells: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        bytes.extend(format!("{name} {width} ").into_bytes());
        bytes.extend(digest(&cells));
    }
    digest(&bytes)
}

impl<F: Family> Simulator for Batch<F> {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn settings(&self) -> &str {
        &self.settings
    }

    fn shape(&self) -> Shape {
        self.layout.shape
    }

    fn clock(&self) -> u32 {
        self.clock
    }

    fn started(&self) -> bool {
        self.started
    }

    fn elapsed(&self) -> Vec<u32> {
        self.blocks.iter().flat_map(|b| (0..b.len).map(|i| b.elapsed(i))).collect()
    }

    fn reset(&mut self, seed: Option<u64>, obs: &mut [f32]) {
        if let Some(seed) = seed {
            self.reseed(seed);
            self.clock = 0;
        }
        self.started = true;
        self.excess.fill(0);
        let width = self.spec().observations.len();
        let turn = Turn {
            family: &*self.family,
            extras: &self.extras,
            key: self.key,
            step: self.clock,
            mode: self.layout.mode,
        };
        let mut rest = Deal(obs);
        let mut tasks: Vec<_> = self.blocks.iter_mut().map(|b| (rest.next(b.len * width), b)).collect();
        let keep_last = matches!(turn.mode, AutoReset::Disabled | AutoReset::Wait);
        each(self.pool.as_ref(), self.layout.shape.rows(), &mut tasks, |(obs, block)| {
            block.totals.fill(0.0);
            block.reset_all(turn, keep_last, obs);
        });
    }

    fn reset_rows(&mut self, mask: &[bool], obs: &mut [f32]) -> Result<()> {
        self.ready("reset_mask")?;
        let rows = self.layout.shape.rows();
        let refuse = |got: String, wanted: String| Err(Error::Shape { what: "reset_mask".into(), got, wanted });
        if self.layout.mode != AutoReset::Disabled {
            return refuse("a mask".into(), "none where environments are reset automatically".into());
        }
        if mask.len() != rows {
            return refuse(format!("{} values", mask.len()), format!("{rows}, one an environment"));
        }
        let width = self.spec().observations.len();
        let turn = Turn {
            family: &*self.family,
            extras: &self.extras,
            key: self.key,
            step: self.clock,
            mode: self.layout.mode,
        };
        let mut rest = Deal(obs);
        for block in &mut self.blocks {
            let mask = &mask[block.row..block.row + block.len];
            block.reset_masked(turn, mask, rest.next(block.len * width));
        }
        Ok(())
    }

    fn step(&mut self, actions: Actions<'_>, out: &mut StepOut<'_>) -> Result<Ended> {
        self.due()?;
        let rows = self.layout.shape.rows();
        check_actions("actions", &self.spec().actions, actions, rows)?;
        let excess = self.check_limits(actions)?;
        self.excess.iter_mut().zip(excess).for_each(|(total, more)| *total += more);
        let width = self.spec().observations.len();
        let turn = Turn {
            family: &*self.family,
            extras: &self.extras,
            key: self.key,
            step: self.clock,
            mode: self.layout.mode,
        };
        let plan = turn.family.plan(self.common_level(), rows);
        let (mut obs, mut reward) = (Deal(out.obs), Deal(out.reward));
        let (mut terminated, mut truncated) = (Deal(out.terminated), Deal(out.truncated));
        let slots = self.blocks.iter_mut().map(|block| {
            let len = block.len;
            let slot = Slot {
                obs: obs.next(len * width),
                reward: reward.next(len),
                terminated: terminated.next(len),
                truncated: truncated.next(len),
            };
            (block, slot, Ended::default())
        });
        let mut tasks: Vec<_> = slots.collect();
        each(self.pool.as_ref(), rows, &mut tasks, |(block, slot, ended)| {
            *ended = block.step(turn, &plan, actions.part(block.row, block.len), slot);
        });
        let mut all = Ended::default();
        for (_, _, ended) in tasks {
            all.rows.extend(ended.rows);
            all.obs.extend(ended.obs);
        }
        self.clock += 1;
        Ok(all)
    }

    fn expected(&self, out: &mut [f64]) -> Result<()> {
        self.by_arm("expected_reward", out, Block::expected)
    }

    fn values(&self, out: &mut [f64]) -> Result<()> {
        self.by_arm("best", out, Block::values)
    }

    fn start_values(&self) -> Option<StartValues> {
        self.family.start_values(self.layout.shape, self.pool.as_deref())
    }

    fn whittle(&self, discount: f64) -> Option<Whittle> {
        self.family.whittle(self.layout.shape, discount, self.pool.as_deref())
    }

    fn allowed(&self, out: &mut [bool]) -> Result<bool> {
        self.ready("action_mask")?;
        if !self.family.masks() {
            return Ok(false);
        }
        let arms = self.arms("action_mask")?;
        let turn = self.turn();
        let mut rest = Deal(out);
        let mut tasks: Vec<_> = self.blocks.iter().map(|b| (rest.next(b.len * arms), b)).collect();
        each(self.pool.as_ref(), self.layout.shape.rows(), &mut tasks, |(out, block)| {
            let mut by_arm = vec![true; block.len * arms];
            block.allowed(turn, &mut by_arm);
            turn_over(&by_arm, arms, out);
        });
        Ok(true)
    }

    fn masks(&self) -> bool {
        self.family.masks()
    }

    fn longest_delay(&self) -> Option<u32> {
        self.extras.delay.as_ref().map(Law::most)
    }

    fn arrived(&self) -> Arrived {
        let mut all = Arrived::default();
        self.blocks.iter().filter_map(Block::arrived).for_each(|arrived| all.extend(arrived));
        all
    }

    fn present(&self) -> Option<Vec<bool>> {
        self.extras.presence.as_ref()?;
        Some(self.blocks.iter().flat_map(|block| (0..block.len).map(|i| block.there(i))).collect())
    }

    fn budget(&self) -> Option<Budget> {
        self.family.budget()
    }

    fn excess(&self) -> Vec<u64> {
        self.excess.clone()
    }

    fn account(&self, action: &[u32], greedy: Option<&[u32]>) -> Result<Account> {
        self.ready("account")?;
        let arms = self.arms("account")?;
        let Shape { replicates, .. } = self.layout.shape;
        let rows = self.layout.shape.rows();
        check_actions("action", &self.spec().actions, Actions::Arms(action), rows)?;
        if let Some(greedy) = greedy {
            check_actions("greedy", &self.spec().actions, Actions::Arms(greedy), rows)?;
        }
        let turn = Turn {
            family: &*self.family,
            extras: &self.extras,
            key: self.key,
            step: self.clock,
            mode: self.layout.mode,
        };
        let mut tasks: Vec<_> = self.blocks.iter().map(|b| (b, Sums::default())).collect();
        each(self.pool.as_ref(), rows, &mut tasks, |(block, sums)| {
            let part = block.row..block.row + block.len;
            *sums = block.sums(turn, arms, &action[part.clone()], greedy.map(|g| &g[part]));
        });
        let mut account = Account::new(replicates, arms, greedy.is_some());
        for (block, sums) in &tasks {
            account.add(block.replicate_row, sums);
        }
        Ok(account.close(arms))
    }

    fn track_fixed(&mut self) -> Result<()> {
        let arms = self.arms("track_fixed")?;
        for block in &mut self.blocks {
            block.totals = vec![0.0; block.len * arms];
        }
        Ok(())
    }

    fn fixed_totals(&self) -> Result<Vec<f64>> {
        if self.blocks.iter().any(|b| b.totals.is_empty()) {
            return Err(Error::NotReady { what: "fixed_totals".into(), need: "call track_fixed first".into() });
        }
        let mut totals = vec![0.0; self.blocks.iter().map(|b| b.totals.len()).sum()];
        let mut rest = Deal(&mut totals);
        for block in &self.blocks {
            turn_over(&block.totals, block.totals.len() / block.len, rest.next(block.totals.len()));
        }
        Ok(totals)
    }

    fn save(&self) -> Vec<u8> {
        let mut writer = Writer::new(self.identity);
        writer.u64(self.layout.seed);
        writer.u64(u64::from(self.clock));
        writer.u64(u64::from(self.started));
        self.excess.iter().for_each(|&count| writer.u64(count));
        if self.started {
            self.blocks.iter().for_each(|block| block.save(&mut writer));
        }
        writer.finish()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut reader = Reader::new(bytes, self.identity)?;
        let mut next = self.clone();
        next.reseed(reader.u64()?);
        next.clock = reader.u64()? as u32;
        next.started = reader.u64()? == 1;
        next.excess.iter_mut().try_for_each(|count| reader.u64().map(|read| *count = read))?;
        if next.started {
            let turn = self.turn();
            next.blocks.iter_mut().try_for_each(|block| block.restore(turn, &mut reader))?;
        }
        *self = next;
        Ok(())
    }

    fn fork(&self, seed: Option<u64>) -> Box<dyn Simulator> {
        let mut copy = self.clone();
        if let Some(seed) = seed {
            copy.reseed(seed);
        }
        Box::new(copy)
    }
}
