//! A batch is filled in one pass: every row that was drawn is read once, from one run of memory.

use super::buffer::Replay;
use super::columns::{Column, Filling, Numbers, filling};
use super::episodes::Lane;
use super::layout::Layout;
use super::picks::{Pick, Slot, bits};
use crate::error::{Error, Result};

/// Where an observation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// In a row.
    Row(usize),
    /// Among the final ones.
    Final(u32),
}

/// Drawn transitions, column by column.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// What was seen.
    pub obs: Vec<Column>,
    /// What was done.
    pub action: Column,
    /// Discounted rewards of the steps that the transition spans.
    pub reward: Numbers,
    /// What was seen behind the last of them.
    pub next_obs: Vec<Column>,
    /// Whether the last of them terminated its episode.
    pub terminated: Vec<bool>,
    /// Whether the last of them truncated its episode.
    pub truncated: Vec<bool>,
    /// What a value of `next_obs` is multiplied with: 0 behind a termination.
    pub discount: Numbers,
    /// Number of each transition, in the order in which they were added; of demonstrations -1 minus theirs.
    pub index: Vec<i64>,
    /// Importance weights, 1 where nothing is prioritized.
    pub weight: Vec<f32>,
    /// Whether the goal is another than the one that was played for.
    pub relabelled: Vec<bool>,
    /// Whether the transition was demonstrated.
    pub demonstration: Vec<bool>,
}

impl Batch {
    fn new(layout: &Layout, len: usize) -> Self {
        let obs = || layout.obs.iter().map(|field| Column::zeros(field, len)).collect();
        Self {
            obs: obs(),
            action: Column::zeros(&layout.action, len),
            reward: Numbers::zeros(layout.reward, len),
            next_obs: obs(),
            terminated: vec![false; len],
            truncated: vec![false; len],
            discount: Numbers::zeros(layout.reward, len),
            index: vec![0; len],
            weight: vec![1.0; len],
            relabelled: vec![false; len],
            demonstration: vec![false; len],
        }
    }
}

/// What the steps from one step on come to.
struct Span {
    reward: f64,
    discount: f64,
    terminated: bool,
    truncated: bool,
    next: Next,
}

impl Replay {
    /// Draw a batch: `len` transitions, and `extra` of `demonstrations` behind them.
    ///
    /// # Errors
    /// Refuses an empty batch, more than is held, and demonstrations of another layout.
    pub fn sample(&mut self, len: usize, demonstrations: Option<(&mut Self, usize)>) -> Result<Batch> {
        let (picks, weights) = self.draw(len)?;
        let (more, shown) = match demonstrations {
            None => (0, None),
            Some((other, extra)) => {
                if other.layout != self.layout {
                    return Err(Error::Config {
                        field: "demonstrations".into(),
                        got: "a buffer of other fields".into(),
                        wanted: "the same observation, action and reward".into(),
                    });
                }
                let drawn = other.draw(extra)?;
                (extra, Some((other, drawn)))
            }
        };
        let mut batch = Batch::new(&self.layout, len + more);
        self.fill(&picks, 0, &mut batch);
        if let Some(weights) = weights {
            batch.weight[..len].copy_from_slice(&weights);
        }
        self.batches += 1;
        if let Some((other, (picks, weights))) = shown {
            other.fill(&picks, len, &mut batch);
            if let Some(weights) = weights {
                batch.weight[len..].copy_from_slice(&weights);
            }
            for index in &mut batch.index[len..] {
                *index = -1 - *index;
            }
            batch.demonstration[len..].fill(true);
            other.batches += 1;
        }
        Ok(batch)
    }

    /// Write `picks` into `batch` from place `from` on.
    fn fill(&self, picks: &[Pick], from: usize, batch: &mut Batch) {
        self.touch(picks);
        let layout = &self.layout;
        let mut obs = filling(&mut batch.obs, &layout.obs, &layout.starts);
        let mut next_obs = filling(&mut batch.next_obs, &layout.obs, &layout.starts);
        let mut action =
            Filling { start: layout.obs_bytes, bytes: layout.action.bytes(), out: batch.action.numbers.bytes_mut() };
        for (i, pick) in picks.iter().enumerate() {
            let (at, row) = (from + i, self.row(pick.row));
            for part in &mut obs {
                part.put(at, row);
            }
            action.put(at, row);
            let lane = &self.lanes[pick.lane as usize];
            let span = self.span(lane, *pick);
            let next = self.observation(span.next);
            for part in &mut next_obs {
                part.put(at, next);
            }
            batch.reward.set(at, span.reward);
            batch.discount.set(at, span.discount);
            batch.terminated[at] = span.terminated;
            batch.truncated[at] = span.truncated;
            batch.index[at] = (pick.step * self.lanes.len() as u64 + u64::from(pick.lane)) as i64;
        }
        let Some(hindsight) = self.hindsight else { return };
        let random = bits(self.key, Slot::Goal, self.batches, picks.len());
        for (i, pick) in picks.iter().enumerate().filter(|(i, _)| hindsight.relabels(*i)) {
            let goal = hindsight.goal(self, &self.lanes[pick.lane as usize], *pick, random[i]);
            let (start, len) = hindsight.achieved;
            let reached = &self.observation(goal)[start..start + len];
            obs[hindsight.desired].put_field(from + i, reached);
            next_obs[hindsight.desired].put_field(from + i, reached);
            batch.relabelled[from + i] = true;
        }
    }

    /// Ask for every row before the first is used, so that the machine fetches many at once.
    fn touch(&self, picks: &[Pick]) {
        let all = self.bytes.all();
        let run = self.layout.row + self.layout.obs_bytes;
        let mut seen = 0;
        for pick in picks {
            let start = pick.row * self.layout.row;
            // Images are long enough for the machine to see by itself where they go on.
            for at in (start..all.len().min(start + run)).step_by(64).take(8) {
                seen |= all[at];
            }
        }
        std::hint::black_box(seen);
    }

    /// Add up to `n_step` rewards from a step on; ends of episodes and the newest step end the sum.
    #[inline]
    fn span(&self, lane: &Lane, pick: Pick) -> Span {
        let (mut row, mut step) = (pick.row, pick.step);
        let (mut reward, mut discount) = (0.0, 1.0);
        let mut left = self.settings.n_step;
        loop {
            let bytes = self.row(row);
            let word = self.layout.word_of(bytes);
            reward += discount * self.layout.reward_of(bytes);
            discount *= self.settings.discount;
            left -= 1;
            step += 1;
            if word.last() {
                let (terminated, truncated) = (word.terminated(), word.truncated());
                let discount = if terminated { 0.0 } else { discount };
                return Span { reward, discount, terminated, truncated, next: Next::Final(word.episode()) };
            }
            row = lane.behind(row);
            if left == 0 || step == lane.added {
                return Span { reward, discount, terminated: false, truncated: false, next: Next::Row(row) };
            }
        }
    }

    /// Where the observation behind a row stands.
    #[inline]
    pub(super) fn next(&self, lane: &Lane, row: usize) -> Next {
        let word = self.layout.word_of(self.row(row));
        if word.last() { Next::Final(word.episode()) } else { Next::Row(lane.behind(row)) }
    }

    /// The bytes of an observation.
    #[inline]
    pub(super) fn observation(&self, at: Next) -> &[u8] {
        match at {
            Next::Row(row) => &self.row(row)[..self.layout.obs_bytes],
            Next::Final(episode) => self.episodes.last_obs(episode),
        }
    }
}
