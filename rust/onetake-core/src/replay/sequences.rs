//! Whole episodes and slices of them: steps in their order, time before batch.

use super::batch::Next;
use super::buffer::Replay;
use super::columns::{Column, Filling, Numbers, filling};
use super::picks::{Pick, Slot, below, bits};
use crate::error::{Error, Result};

/// Runs of steps side by side; place `t * n + i` is step t of run i. What lies behind the end of a run is 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequences {
    /// Observations: one more than steps, so that each step's next one stands behind it.
    pub obs: Vec<Column>,
    /// Actions.
    pub action: Column,
    /// Rewards.
    pub reward: Numbers,
    /// Whether a step terminated its episode.
    pub terminated: Vec<bool>,
    /// Whether a step truncated its episode.
    pub truncated: Vec<bool>,
    /// Whether there is a step.
    pub mask: Vec<bool>,
    /// Number of the first transition of each run.
    pub index: Vec<i64>,
    /// Steps of the longest run that fits: the length of the time axis.
    pub steps: usize,
}

/// A run of steps: where it begins and how long it is.
type Run = (Pick, usize);

impl Replay {
    /// Runs of up to `steps` steps that begin at held transitions, each with the same chance, and end with their episode.
    ///
    /// # Errors
    /// Refuses no steps, an empty batch, and more than is held.
    pub fn sample_slices(&mut self, len: usize, steps: usize) -> Result<Sequences> {
        if steps == 0 {
            let (what, got, wanted) = ("length".into(), "0".into(), "at least 1".into());
            return Err(Error::Shape { what, got, wanted });
        }
        Self::enough("sample_slices", len, self.held(), "transitions")?;
        let starts = self.uniform(&bits(self.key, Slot::Step, self.batches, len));
        let run = |pick: &Pick| {
            let episode = self.layout.word_of(self.row(pick.row)).episode();
            let left = self.episodes.at(episode).last() + 1 - pick.step;
            (*pick, steps.min(left as usize))
        };
        let runs: Vec<Run> = starts.iter().map(run).collect();
        self.batches += 1;
        Ok(self.line_up(&runs, steps))
    }

    /// Episodes of which every step is held and that have ended, each with the same chance.
    ///
    /// # Errors
    /// Refuses an empty batch, and more than there are.
    pub fn sample_episodes(&mut self, len: usize) -> Result<Sequences> {
        let count = self.whole_episodes();
        Self::enough("sample_episodes", len, count, "whole episodes")?;
        let random = bits(self.key, Slot::Episode, self.batches, len);
        let runs: Vec<Run> = random.iter().filter_map(|random| self.whole_episode(below(*random, count))).collect();
        self.batches += 1;
        let steps = runs.iter().map(|run| run.1).max().unwrap_or(0);
        Ok(self.line_up(&runs, steps))
    }

    /// The whole episode `number`, counted from the oldest of the first environment on.
    ///
    /// # Errors
    /// Refuses a number beyond the last.
    pub fn episode(&self, number: u64) -> Result<Sequences> {
        let Some(run) = self.whole_episode(number) else {
            let wanted = match self.whole_episodes() {
                0 => "one that has ended; none has".into(),
                count => format!("0 to {}", count - 1),
            };
            return Err(Error::Shape { what: "number".into(), got: number.to_string(), wanted });
        };
        Ok(self.line_up(&[run], run.1))
    }

    /// Episodes of which every step is held and that have ended.
    pub fn whole_episodes(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.whole(&self.episodes).len() as u64).sum()
    }

    fn whole_episode(&self, mut number: u64) -> Option<Run> {
        for (at, lane) in self.lanes.iter().enumerate() {
            let range = lane.whole(&self.episodes);
            if number < range.len() as u64 {
                let episode = self.episodes.at(lane.episodes[range.start + number as usize]);
                let pick = Pick { lane: at as u32, step: episode.first, row: lane.row(episode.first) };
                return Some((pick, episode.len as usize));
            }
            number -= range.len() as u64;
        }
        None
    }

    fn line_up(&self, runs: &[Run], steps: usize) -> Sequences {
        let (n, layout) = (runs.len(), &self.layout);
        let mut out = Sequences {
            obs: layout.obs.iter().map(|field| Column::zeros(field, (steps + 1) * n)).collect(),
            action: Column::zeros(&layout.action, steps * n),
            reward: Numbers::zeros(layout.reward, steps * n),
            terminated: vec![false; steps * n],
            truncated: vec![false; steps * n],
            mask: vec![false; steps * n],
            index: vec![0; n],
            steps,
        };
        let mut obs = filling(&mut out.obs, &layout.obs, &layout.starts);
        let (start, bytes) = (layout.obs_bytes, layout.action.bytes());
        let mut action = Filling { start, bytes, out: out.action.numbers.bytes_mut() };
        for (i, (pick, len)) in runs.iter().enumerate() {
            let lane = &self.lanes[pick.lane as usize];
            out.index[i] = (pick.step * self.lanes.len() as u64 + u64::from(pick.lane)) as i64;
            let (mut row, mut last) = (pick.row, Next::Row(pick.row));
            for t in 0..*len {
                let (at, bytes) = (t * n + i, self.row(row));
                let word = layout.word_of(bytes);
                for part in &mut obs {
                    part.put(at, bytes);
                }
                action.put(at, bytes);
                out.reward.set(at, layout.reward_of(bytes));
                out.terminated[at] = word.terminated();
                out.truncated[at] = word.truncated();
                out.mask[at] = true;
                last = self.next(lane, row);
                row = lane.behind(row);
            }
            let last = self.observation(last);
            for part in &mut obs {
                part.put(len * n + i, last);
            }
        }
        out
    }
}
