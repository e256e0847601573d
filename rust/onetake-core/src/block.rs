//! A block: neighbouring entities of one replicate, stepped by one thread, with everything that carries over.

use crate::account::Sums;
use crate::columns::Shape;
use crate::delay::Outstanding;
use crate::ends::{self, End};
use crate::error::Result;
use crate::extras::Extras;
use crate::family::{Actions, Breaches, Family, Out, Rows, Run, State};
use crate::modifiers::{Place, Scope};
use crate::presence::Stay;
use crate::rng::Key;
use crate::simulator::{AutoReset, Ended};
use crate::state::{Reader, Writer};

mod levels;
mod presence;

use levels::{Levels, Rooms};

/// Most environments of a block: what one of them needs stays in a core's own cache.
pub const BLOCK: usize = 2048;

/// What carries over from step to step, and where the block stands in its batch.
///
/// `elapsed` and `over` have one entry where all environments of the block are equal in it, else one each.
#[derive(Debug, Clone)]
pub struct Block {
    /// Environments of the block.
    pub len: usize,
    /// Place of the first one in the batch.
    pub row: usize,
    /// Place of its replicate among the batch's replicates.
    pub replicate_row: usize,
    /// Expected reward of always playing each arm `(k, len)`, summed over steps, arm by arm; empty
    /// where nobody asked.
    pub totals: Vec<f64>,
    entity_row: usize,
    replicate: u32,
    entity: u32,
    state: Vec<f64>,
    walks: Vec<Vec<f64>>,
    elapsed: Vec<u32>,
    over: Vec<End>,
    last: Vec<f32>,
    /// What has not arrived yet, where outcomes may be late.
    late: Option<Outstanding>,
    /// When each environment is there; empty where everybody always is.
    stays: Vec<Stay>,
}

/// The slices of a step's output that belong to one block.
#[derive(Debug)]
pub struct Slot<'a> {
    /// Observations.
    pub obs: &'a mut [f32],
    /// Rewards.
    pub reward: &'a mut [f64],
    /// Own ends.
    pub terminated: &'a mut [bool],
    /// Ends by time.
    pub truncated: &'a mut [bool],
}

/// What all blocks of a batch share at one step.
#[derive(Debug)]
pub struct Turn<'a, F: Family> {
    /// The family.
    pub family: &'a F,
    /// What is late, and who is there.
    pub extras: &'a Extras,
    /// Generator of the environment's draws.
    pub key: Key,
    /// Step of the global clock.
    pub step: u32,
    /// What happens to environments that ended.
    pub mode: AutoReset,
}

impl<F: Family> Clone for Turn<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: Family> Copy for Turn<'_, F> {}

impl Block {
    /// The blocks of a batch, in order. They begin at entity ids that `BLOCK` divides, or at the next place at which
    /// `may_cut` lets them, so that shards of a batch which are cut there have the same blocks as the whole.
    pub fn cut(shape: Shape, first_entity: u32, first_replicate: u32, may_cut: impl Fn(usize) -> bool) -> Vec<Self> {
        let mut blocks = Vec::new();
        for replicate_row in 0..shape.replicates {
            let mut entity_row = 0;
            while entity_row < shape.entities {
                let entity = first_entity + entity_row as u32;
                let mut end = (entity_row + BLOCK - entity as usize % BLOCK).min(shape.entities);
                while end < shape.entities && !may_cut(end) {
                    end += 1;
                }
                let len = end - entity_row;
                blocks.push(Self {
                    len,
                    row: replicate_row * shape.entities + entity_row,
                    replicate_row,
                    totals: Vec::new(),
                    entity_row,
                    replicate: first_replicate + replicate_row as u32,
                    entity,
                    state: Vec::new(),
                    walks: Vec::new(),
                    elapsed: vec![0],
                    over: vec![End::NOT],
                    last: Vec::new(),
                    late: None,
                    stays: Vec::new(),
                });
                entity_row += len;
            }
        }
        blocks
    }

    /// Time of environment `i` since its reset.
    pub fn elapsed(&self, i: usize) -> u32 {
        if self.elapsed.len() == 1 { self.elapsed[0] } else { self.elapsed[i] }
    }

    /// Time since the reset, where all have the same.
    pub fn common_elapsed(&self) -> Option<u32> {
        (self.elapsed.len() == 1).then(|| self.elapsed[0])
    }

    /// Whether environment `i` has ended and not been reset.
    pub fn over(&self, i: usize) -> bool {
        self.how(i) != End::NOT
    }

    fn how(&self, i: usize) -> End {
        if self.over.len() == 1 { self.over[0] } else { self.over[i] }
    }

    /// Whether every environment has ended.
    pub fn all_over(&self) -> bool {
        self.over.iter().all(|end| *end != End::NOT)
    }

    /// The first environment that has ended and not been reset.
    pub fn first_over(&self) -> Option<usize> {
        self.over.iter().position(|end| *end != End::NOT)
    }

    fn run<'a, F: Family>(&'a self, turn: Turn<'_, F>, levels: Levels<'a>) -> Run<'a> {
        Run {
            key: turn.key,
            step: turn.step,
            replicate: self.replicate,
            entity: self.entity,
            len: self.len,
            entity_row: self.entity_row,
            row: self.row,
            level: levels.all,
            arm_levels: levels.arms,
            elapsed: &self.elapsed,
        }
    }

    /// Start every environment; `step` is that of the coming decision.
    pub fn reset_all<F: Family>(&mut self, turn: Turn<'_, F>, keep_last: bool, obs: &mut [f32]) {
        self.elapsed = vec![0];
        self.over = vec![End::NOT];
        let moving = turn.family.modifiers().moving();
        self.walks = moving.map(|(_, walk, _)| vec![walk.start(); walk.width(self.len)]).collect();
        self.state.clear();
        self.state.resize(turn.family.state().len() * self.len, 0.0);
        let new = |law| Outstanding::new(law, self.len, F::OUTCOMES.len());
        self.late = turn.extras.delay.as_ref().map(new);
        self.start_rows(turn, Rows::All(self.len), obs);
        if keep_last {
            self.last = obs.to_vec();
        }
    }

    /// Start the environments of `mask`; the others keep their last observation.
    pub fn reset_masked<F: Family>(&mut self, turn: Turn<'_, F>, mask: &[bool], obs: &mut [f32]) {
        let rows: Vec<u32> = (0..self.len as u32).filter(|&i| mask[i as usize]).collect();
        obs.copy_from_slice(&self.last);
        if !rows.is_empty() {
            self.restart(turn, &rows, obs);
            self.last.copy_from_slice(obs);
        }
    }

    /// Set the listed environments to their start: time, walks, state and observation.
    fn restart<F: Family>(&mut self, turn: Turn<'_, F>, rows: &[u32], obs: &mut [f32]) {
        if rows.len() == self.len {
            self.elapsed = vec![0];
            self.over = vec![End::NOT];
        } else {
            self.spread();
        }
        for ((_, walk, _), values) in turn.family.modifiers().moving().zip(&mut self.walks) {
            if walk.scope() == Scope::Environment {
                for &i in rows {
                    values[i as usize] = walk.start();
                }
            }
        }
        if let Some(late) = &mut self.late {
            late.forget(rows);
        }
        if self.elapsed.len() > 1 {
            for &i in rows {
                self.elapsed[i as usize] = 0;
                self.over[i as usize] = End::NOT;
            }
        }
        self.start_rows(turn, Rows::These(rows), obs);
    }

    /// From now on each environment has a time and an end of its own.
    fn spread(&mut self) {
        if self.elapsed.len() != self.len {
            self.elapsed = vec![self.elapsed[0]; self.len];
            self.over = vec![self.over[0]; self.len];
        }
    }

    fn start_rows<F: Family>(&mut self, turn: Turn<'_, F>, rows: Rows<'_>, obs: &mut [f32]) {
        let mut room = Rooms::default();
        let levels = self.levels(turn.family, &mut room);
        let mut values = std::mem::take(&mut self.state);
        let mut state = State { values: &mut values, len: self.len };
        let run = self.run(turn, levels);
        turn.family.reset(&run, rows, &mut state, obs);
        if let Some(presence) = &turn.extras.presence {
            let mut stays = self.stays.clone();
            stays.resize(self.len, Stay { enters: 0, leaves: 0 });
            presence.draw(&run, rows, &mut stays);
            self.stays = stays;
            self.hide_absent(turn, obs);
        }
        self.state = values;
    }

    /// One step of every environment of the block.
    pub fn step<F: Family>(
        &mut self,
        turn: Turn<'_, F>,
        plan: &F::Plan,
        actions: Actions<'_>,
        slot: &mut Slot<'_>,
    ) -> Ended {
        let mut room = Rooms::default();
        let levels = self.levels(turn.family, &mut room);
        self.add_totals(turn, levels);
        let mut values = std::mem::take(&mut self.state);
        let mut state = State { values: &mut values, len: self.len };
        // What is given may hold anything: families write all observations and rewards, and set ends.
        slot.terminated.fill(false);
        slot.truncated.fill(false);
        let mut out = Out { obs: slot.obs, reward: slot.reward, terminated: slot.terminated };
        turn.family.step(&self.run(turn, levels), plan, actions, &mut state, &mut out);
        self.state = values;
        for i in (0..self.stays.len()).filter(|&i| !self.there(i)) {
            slot.reward[i] = 0.0;
        }
        self.keep_back(turn, slot);
        self.advance(turn);
        self.come_and_go(Turn { step: turn.step.wrapping_add(1), ..turn }, slot.obs);
        let ended = self.end(turn, slot);
        if !self.last.is_empty() {
            self.last.copy_from_slice(slot.obs);
        }
        ended
    }

    fn advance<F: Family>(&mut self, turn: Turn<'_, F>) {
        // The clock, which is never behind, is refused before it overflows.
        self.elapsed.iter_mut().for_each(|t| *t += 1);
        if self.walks.is_empty() {
            return;
        }
        let mut words = vec![0; self.len];
        let place = Place { key: turn.key, step: turn.step, replicate: self.replicate, entity: self.entity };
        for ((slot, walk, _), values) in turn.family.modifiers().moving().zip(&mut self.walks) {
            walk.advance(place, slot, &mut words, values);
        }
    }

    /// Find who ended, and start those anew whom the mode starts anew.
    fn end<F: Family>(&mut self, turn: Turn<'_, F>, slot: &mut Slot<'_>) -> Ended {
        let spec = turn.family.spec();
        let next = Turn { step: turn.step.wrapping_add(1), ..turn };
        if self.first_over().is_some() {
            if turn.mode == AutoReset::Wait {
                self.stand_still(spec.observations.len(), slot);
            } else {
                let rows = self.listed();
                self.restart(next, &rows, slot.obs);
                for &i in &rows {
                    slot.reward[i as usize] = 0.0;
                    slot.terminated[i as usize] = false;
                }
            }
        }
        if spec.terminates && slot.terminated.contains(&true) {
            self.spread();
        }
        // Where all are alike, nobody has ended by itself and the first one speaks for all.
        let many = self.elapsed.len();
        let horizon = spec.horizon.unwrap_or(u32::MAX);
        ends::find(&self.elapsed, horizon, &slot.terminated[..many], &mut slot.truncated[..many], &mut self.over);
        if many < self.len && slot.truncated[0] {
            slot.truncated.fill(true);
        }
        if turn.mode != AutoReset::SameStep || self.first_over().is_none() {
            return Ended::default();
        }
        let rows = self.listed();
        let width = spec.observations.len();
        let last = rows.iter().flat_map(|&i| &slot.obs[i as usize * width..(i as usize + 1) * width]);
        let ended = Ended { obs: last.copied().collect(), rows: rows.iter().map(|i| i + self.row as u32).collect() };
        self.restart(next, &rows, slot.obs);
        ended
    }

    /// Who has ended.
    fn listed(&self) -> Vec<u32> {
        if self.over.len() < self.len { (0..self.len as u32).collect() } else { ends::listed(&self.over) }
    }

    /// Those who have ended earn nothing more, show what they showed last, and stay ended.
    fn stand_still(&self, width: usize, slot: &mut Slot<'_>) {
        for i in (0..self.len).filter(|&i| self.over(i)) {
            let own = i * width..(i + 1) * width;
            slot.obs[own.clone()].copy_from_slice(&self.last[own]);
            slot.reward[i] = 0.0;
            slot.terminated[i] = self.how(i) == End::OWN;
            slot.truncated[i] = self.how(i) == End::TIME;
        }
    }

    /// Expected reward of each arm with the best play after it `(k, len)`; 0 for environments that have ended.
    pub fn values<F: Family>(&self, turn: Turn<'_, F>, out: &mut [f64]) {
        let mut room = Rooms::default();
        let levels = self.levels(turn.family, &mut room);
        turn.family.values(&self.run(turn, levels), &self.state, out);
        self.silence(out);
    }

    /// Expected reward of each arm at the coming step `(k, len)`; 0 for environments that only wait for their reset.
    pub fn expected<F: Family>(&self, turn: Turn<'_, F>, out: &mut [f64]) {
        let mut room = Rooms::default();
        let levels = self.levels(turn.family, &mut room);
        self.expected_at(turn, levels, out);
    }

    fn expected_at<F: Family>(&self, turn: Turn<'_, F>, levels: Levels<'_>, out: &mut [f64]) {
        turn.family.expected(&self.run(turn, levels), &self.state, out);
        self.silence(out);
    }

    /// What the evaluator knows of the coming step, summed: the best play, the one to be played, and each arm.
    pub fn sums<F: Family>(&self, turn: Turn<'_, F>, arms: usize, action: &[u32], greedy: Option<&[u32]>) -> Sums {
        let mut room = Rooms::default();
        let levels = self.levels(turn.family, &mut room);
        let run = self.run(turn, levels);
        let mut expected = vec![0.0; self.len * arms];
        self.expected_at(turn, levels, &mut expected);
        let sums = Sums::new(&expected, action, greedy);
        let alive = |values: Option<Vec<f64>>| {
            values.map(|mut values| {
                self.silence(&mut values);
                values
            })
        };
        let together = |arms| alive(turn.family.together(&run, &self.state, arms));
        sums.with(alive(turn.family.oracle(&run)), together(action), together(greedy.unwrap_or(action)))
    }

    fn add_totals<F: Family>(&mut self, turn: Turn<'_, F>, levels: Levels<'_>) {
        if self.totals.is_empty() {
            return;
        }
        let mut expected = vec![0.0; self.totals.len()];
        self.expected_at(turn, levels, &mut expected);
        self.totals.iter_mut().zip(expected).for_each(|(total, value)| *total += value);
    }

    /// Which arms are allowed at the coming step `(k, len)`; all of them for environments that are idle.
    pub fn allowed<F: Family>(&self, turn: Turn<'_, F>, out: &mut [bool]) {
        let mut room = Rooms::default();
        let levels = self.levels(turn.family, &mut room);
        turn.family.allowed(&self.run(turn, levels), &self.state, out);
        if !self.none_idle() {
            out.iter_mut().enumerate().for_each(|(place, allowed)| *allowed |= self.idle(place % self.len));
        }
    }

    /// Which of the coming actions break a limit, of environments that are not idle.
    pub fn breaches<F: Family>(&self, turn: Turn<'_, F>, actions: Actions<'_>) -> Option<Breaches> {
        let mut room = Rooms::default();
        let levels = self.levels(turn.family, &mut room);
        let mut found = turn.family.breaches(&self.run(turn, levels), &self.state, actions)?;
        found.rows.retain(|&i| !self.idle(i));
        Some(found)
    }

    /// Write what carries over.
    pub fn save(&self, writer: &mut Writer) {
        writer.list(&self.elapsed, u32::to_le_bytes);
        writer.list(&self.over, |end| [end.code()]);
        writer.list(&self.state, f64::to_le_bytes);
        self.walks.iter().for_each(|walk| writer.list(walk, f64::to_le_bytes));
        writer.list(&self.last, f32::to_le_bytes);
        writer.list(&self.totals, f64::to_le_bytes);
        if let Some(late) = &self.late {
            late.save(writer);
        }
        if !self.stays.is_empty() {
            writer.list(&self.stays, |stay| (u64::from(stay.enters) << 32 | u64::from(stay.leaves)).to_le_bytes());
        }
    }

    /// Read what [`Block::save`] wrote.
    ///
    /// # Errors
    /// Refuses lists of other lengths.
    pub fn restore<F: Family>(&mut self, turn: Turn<'_, F>, reader: &mut Reader<'_>) -> Result<()> {
        let family = turn.family;
        let spec = family.spec();
        self.elapsed = reader.list(&[1, self.len], u32::from_le_bytes)?;
        self.over = reader.list(&[self.elapsed.len()], |[code]| End::from_code(code))?;
        self.state = reader.list(&[0, family.state().len() * self.len], f64::from_le_bytes)?;
        self.walks = family
            .modifiers()
            .moving()
            .map(|(_, walk, _)| reader.list(&[walk.width(self.len)], f64::from_le_bytes))
            .collect::<Result<_>>()?;
        self.last = reader.list(&[0, spec.observations.len() * self.len], f32::from_le_bytes)?;
        self.totals = reader.list(&[0, spec.actions.arms() * self.len], f64::from_le_bytes)?;
        if let Some(law) = &turn.extras.delay {
            let late = self.late.insert(Outstanding::new(law, self.len, F::OUTCOMES.len()));
            late.restore(reader)?;
        }
        if turn.extras.presence.is_some() {
            let read = |bytes| {
                let both = u64::from_le_bytes(bytes);
                Stay { enters: (both >> 32) as u32, leaves: both as u32 }
            };
            self.stays = reader.list(&[self.len], read)?;
        }
        Ok(())
    }
}
