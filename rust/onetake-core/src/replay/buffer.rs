//! The buffer: one ring a environment, in one piece of memory.

use std::path::Path;

use super::episodes::{Episodes, Lane};
use super::hindsight::Hindsight;
use super::layout::{Layout, Word};
use super::mapped::Bytes;
use super::priorities::Priorities;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::rng::{Key, Stream};

/// A replay buffer.
#[derive(Debug)]
pub struct Replay {
    pub(super) settings: Settings,
    pub(super) layout: Layout,
    pub(super) bytes: Bytes,
    pub(super) lanes: Vec<Lane>,
    pub(super) episodes: Episodes,
    pub(super) priorities: Option<Priorities>,
    pub(super) hindsight: Option<Hindsight>,
    pub(super) key: Key,
    /// Batches that were drawn: all that the generator remembers.
    pub(super) batches: u64,
}

/// Steps that arrive: each is observation, action and next observation in one run of bytes.
#[derive(Debug, Clone, Copy)]
pub struct Arrivals<'a> {
    /// [`Layout::arrival`] bytes a step.
    pub bytes: &'a [u8],
    /// Reward of each step.
    pub reward: &'a [f64],
    /// Whether each step terminated its episode.
    pub terminated: &'a [bool],
    /// Whether each step was the last before a limit.
    pub truncated: &'a [bool],
}

impl Replay {
    /// An empty buffer, in memory or in a new file that is mapped.
    ///
    /// # Errors
    /// Refuses settings out of range, fields that cannot be laid out, and more bytes than there are.
    pub fn new(settings: Settings, file: Option<&Path>) -> Result<Self> {
        settings.check()?;
        let layout = Layout::new(settings.obs.clone(), settings.action.clone(), settings.reward_dtype)?;
        let hindsight = settings.hindsight.as_ref().map(|relabelling| Hindsight::new(relabelling, &layout));
        let hindsight = hindsight.transpose()?;
        let per_lane = settings.capacity / settings.num_envs;
        // One row more a lane holds the observation to come.
        let size = (per_lane + 1).checked_mul(settings.num_envs).and_then(|rows| rows.checked_mul(layout.row));
        let Some(size) = size.filter(|size| isize::try_from(*size).is_ok()) else {
            let (field, got) = ("capacity".into(), settings.capacity.to_string());
            return Err(Error::Config { field, got, wanted: "fewer transitions than memory has bytes".into() });
        };
        let bytes = match file {
            None => Bytes::in_memory(size)?,
            Some(path) => Bytes::in_file(path, size)?,
        };
        let lanes = (0..settings.num_envs).map(|i| Lane::new(i * (per_lane + 1), per_lane)).collect();
        let rows = (per_lane + 1) * settings.num_envs;
        Ok(Self {
            bytes,
            lanes,
            episodes: Episodes::new(layout.obs_bytes),
            priorities: settings.priorities.map(|priorities| Priorities::new(priorities, rows)),
            hindsight,
            key: Key::new(settings.seed, Stream::REPLAY),
            batches: 0,
            layout,
            settings,
        })
    }

    /// What it is made of.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How a transition lies in it.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Transitions that are held.
    pub fn held(&self) -> u64 {
        self.lanes.iter().map(Lane::held).sum()
    }

    /// Transitions that were ever added.
    pub fn added(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.added).sum()
    }

    /// Batches that were drawn.
    pub fn batches(&self) -> u64 {
        self.batches
    }

    /// Bytes in use when it is full of the episodes that it holds now.
    pub fn size(&self) -> usize {
        let tree = self.priorities.as_ref().map_or(0, |priorities| priorities.tree.bytes());
        self.bytes.all().len() + self.episodes.bytes() + tree
    }

    /// The exponent of the next batch's weights.
    pub fn beta(&self) -> Option<f64> {
        self.priorities.as_ref().map(|priorities| priorities.settings.beta_at(self.batches))
    }

    /// Add a step of each environment.
    ///
    /// # Errors
    /// Refuses NaN and another number of steps; nothing is added then.
    pub fn add(&mut self, arrivals: Arrivals<'_>) -> Result<()> {
        let lanes = self.lanes.len();
        self.check(arrivals, Some(lanes))?;
        for lane in 0..lanes {
            if std::mem::take(&mut self.lanes[lane].resets) {
                continue;
            }
            self.push(lane, arrivals, lane)?;
        }
        Ok(())
    }

    /// Add steps of one environment, in their order.
    ///
    /// # Errors
    /// Refuses NaN and an environment that there is not; nothing is added then.
    pub fn extend(&mut self, lane: usize, arrivals: Arrivals<'_>) -> Result<()> {
        let lanes = self.lanes.len();
        if lane >= lanes {
            let (what, got, wanted) = ("env".into(), lane.to_string(), format!("0 to {}", lanes - 1));
            return Err(Error::Shape { what, got, wanted });
        }
        self.check(arrivals, None)?;
        (0..arrivals.reward.len()).try_for_each(|i| self.push(lane, arrivals, i))?;
        // These are recorded steps: whatever follows them begins anew.
        self.lanes[lane].resets = false;
        Ok(())
    }

    /// End all running episodes where they stand, as after a reset that the caller asked for.
    pub fn cut(&mut self) {
        for lane in 0..self.lanes.len() {
            self.close(lane);
            self.lanes[lane].resets = false;
        }
    }

    /// Give transitions new priorities; those that are no longer held are passed over.
    ///
    /// # Errors
    /// Refuses negative priorities, NaN and infinity, another number of them, transitions that were never added, and a
    /// buffer without prioritization.
    pub fn update_priorities(&mut self, index: &[i64], priority: &[f64]) -> Result<()> {
        let refuse = |what: &str, got: String, wanted: String| Err(Error::Shape { what: what.into(), got, wanted });
        let Some(priorities) = &mut self.priorities else {
            let need = "wanted a buffer with priorities".to_string();
            return Err(Error::NotReady { what: "update_priorities".into(), need });
        };
        if index.len() != priority.len() {
            return refuse("priority", format!("{} numbers", priority.len()), format!("{}", index.len()));
        }
        if let Some(wrong) = priority.iter().find(|priority| !(priority.is_finite() && **priority >= 0.0)) {
            return refuse("priority", wrong.to_string(), "finite numbers from 0 on".into());
        }
        let lanes = self.lanes.len() as u64;
        let mut changes = Vec::with_capacity(index.len());
        for (index, priority) in index.iter().zip(priority) {
            let place = u64::try_from(*index).ok();
            let Some((lane, step)) = place.map(|place| (&self.lanes[(place % lanes) as usize], place / lanes)) else {
                return refuse("indices", index.to_string(), "numbers that a batch came with".into());
            };
            if step >= lane.added {
                return refuse("indices", index.to_string(), "numbers that a batch came with".into());
            }
            if step >= lane.oldest() {
                changes.push((lane.row(step), *priority));
            }
        }
        priorities.update(changes.into_iter());
        Ok(())
    }

    /// The bytes of a row.
    #[inline]
    pub(super) fn row(&self, row: usize) -> &[u8] {
        let len = self.layout.row;
        &self.bytes.all()[row * len..(row + 1) * len]
    }

    /// The bytes of a row, to be changed.
    #[inline]
    fn row_mut(&mut self, row: usize) -> &mut [u8] {
        let len = self.layout.row;
        &mut self.bytes.all_mut()[row * len..(row + 1) * len]
    }

    /// Steps that each environment may have held.
    pub(super) fn per_lane(&self) -> usize {
        self.lanes[0].len
    }

    fn check(&self, arrivals: Arrivals<'_>, count: Option<usize>) -> Result<()> {
        let refuse = |what: &str, got: String, wanted: String| Err(Error::Shape { what: what.into(), got, wanted });
        let count = count.unwrap_or(arrivals.reward.len());
        let lengths = [
            ("obs", arrivals.bytes.len() / self.layout.arrival()),
            ("reward", arrivals.reward.len()),
            ("terminated", arrivals.terminated.len()),
            ("truncated", arrivals.truncated.len()),
        ];
        if let Some((what, got)) = lengths.iter().find(|(_, got)| *got != count) {
            return refuse(what, format!("{got} steps"), count.to_string());
        }
        if let Some(wrong) = arrivals.reward.iter().find(|reward| !reward.is_finite()) {
            return refuse("reward", wrong.to_string(), "finite numbers".into());
        }
        for arrival in arrivals.bytes.chunks_exact(self.layout.arrival()) {
            if let Some(what) = self.layout.nan_in(arrival) {
                return refuse(&what, "NaN".into(), "numbers".into());
            }
        }
        Ok(())
    }

    /// Add step `i` of `arrivals` to a lane.
    fn push(&mut self, lane: usize, arrivals: Arrivals<'_>, i: usize) -> Result<()> {
        let (len, obs_bytes) = (self.layout.arrival(), self.layout.obs_bytes);
        let (step, next_obs) = arrivals.bytes[i * len..(i + 1) * len].split_at(len - obs_bytes);
        let row = self.lanes[lane].base + self.lanes[lane].head;
        if self.lanes[lane].open && self.row(row)[..obs_bytes] != step[..obs_bytes] {
            self.close(lane);
        }
        if !self.lanes[lane].open {
            let place = self.episodes.begin(self.lanes[lane].added)?;
            self.lanes[lane].episodes.push_back(place);
            self.lanes[lane].open = true;
        }
        self.evict(lane);
        let ends = (u32::from(arrivals.terminated[i]) * Word::TERMINATED)
            | (u32::from(arrivals.truncated[i]) * Word::TRUNCATED);
        let place = *self.lanes[lane].episodes.back().unwrap_or(&0);
        self.episodes.grow(place);
        let behind = self.lanes[lane].behind(row);
        let (word, reward) = (Word::new(place, ends), arrivals.reward[i]);
        let layout = &self.layout;
        let out = &mut self.bytes.all_mut()[row * layout.row..(row + 1) * layout.row];
        out[..layout.reward_at].copy_from_slice(step);
        layout.set_reward(out, reward);
        layout.set_word(out, word);
        let lane = &mut self.lanes[lane];
        lane.added += 1;
        lane.head = behind - lane.base;
        if word.last() {
            lane.open = false;
            lane.resets = self.settings.reset_steps;
            self.episodes.close(place, next_obs);
        } else {
            self.row_mut(behind)[..obs_bytes].copy_from_slice(next_obs);
        }
        if let Some(priorities) = &mut self.priorities {
            priorities.enter(row);
        }
        Ok(())
    }

    /// Make room for one more step.
    fn evict(&mut self, lane: usize) {
        let lane = &mut self.lanes[lane];
        if lane.held() < lane.len as u64 {
            return;
        }
        let oldest = lane.oldest();
        if let Some(priorities) = &mut self.priorities {
            priorities.leave(lane.row(oldest));
        }
        let Some(front) = lane.episodes.front().copied() else { return };
        // The episode that is growing has no steps yet where a lane holds a single one.
        let episode = self.episodes.at(front);
        if episode.len > 0 && episode.last() == oldest && (lane.episodes.len() > 1 || !lane.open) {
            lane.episodes.pop_front();
            self.episodes.drop(front);
        }
    }

    /// End the running episode of a lane, where one runs, at its newest step.
    fn close(&mut self, lane: usize) {
        if !std::mem::take(&mut self.lanes[lane].open) {
            return;
        }
        let Some(place) = self.lanes[lane].episodes.back().copied() else { return };
        let newest = self.lanes[lane].row(self.lanes[lane].added - 1);
        let pending = self.lanes[lane].base + self.lanes[lane].head;
        let (layout, bytes) = (&self.layout, &mut self.bytes);
        layout.set_word(
            &mut bytes.all_mut()[newest * layout.row..(newest + 1) * layout.row],
            Word::new(place, Word::CUT),
        );
        let start = pending * layout.row;
        self.episodes.close(place, &bytes.all()[start..start + layout.obs_bytes]);
    }
}
