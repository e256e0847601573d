//! Which rows make an episode, and the observation in which each episode ended.

use std::collections::VecDeque;

use super::layout::Word;
use crate::error::{Error, Result};

/// A run of steps of one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Episode {
    /// Number of its first step among all that its environment has made.
    pub first: u64,
    /// Steps so far.
    pub len: u64,
}

impl Episode {
    /// Number of its last step so far.
    #[inline]
    pub fn last(self) -> u64 {
        self.first + self.len - 1
    }
}

/// All episodes that have a row left; places are used again.
#[derive(Debug)]
pub struct Episodes {
    pub(super) entries: Vec<Episode>,
    /// Final observations, one an entry; rubbish where the episode still runs.
    pub(super) finals: Vec<u8>,
    pub(super) free: Vec<u32>,
    obs_bytes: usize,
}

impl Episodes {
    /// No episodes, with observations of `obs_bytes`.
    pub fn new(obs_bytes: usize) -> Self {
        Self { entries: Vec::new(), finals: Vec::new(), free: Vec::new(), obs_bytes }
    }

    /// Begin an episode with the step `first`.
    ///
    /// # Errors
    /// Refuses more episodes than a word can tell apart.
    pub fn begin(&mut self, first: u64) -> Result<u32> {
        let entry = Episode { first, len: 0 };
        if let Some(place) = self.free.pop() {
            self.entries[place as usize] = entry;
            return Ok(place);
        }
        let place = self.entries.len() as u32;
        if place >= Word::EPISODES {
            let need = format!("got {place} episodes; wanted fewer, or longer ones");
            return Err(Error::NotReady { what: "add".into(), need });
        }
        self.entries.push(entry);
        self.finals.resize(self.entries.len() * self.obs_bytes, 0);
        Ok(place)
    }

    /// Count one more step.
    #[inline]
    pub fn grow(&mut self, place: u32) {
        self.entries[place as usize].len += 1;
    }

    /// Keep the observation in which an episode ended.
    pub fn close(&mut self, place: u32, obs: &[u8]) {
        let start = place as usize * self.obs_bytes;
        self.finals[start..start + self.obs_bytes].copy_from_slice(obs);
    }

    /// Forget an episode.
    pub fn drop(&mut self, place: u32) {
        self.free.push(place);
    }

    /// An episode.
    #[inline]
    pub fn at(&self, place: u32) -> Episode {
        self.entries[place as usize]
    }

    /// The observation in which an episode ended.
    #[inline]
    pub fn last_obs(&self, place: u32) -> &[u8] {
        let start = place as usize * self.obs_bytes;
        &self.finals[start..start + self.obs_bytes]
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.finals.len() + self.entries.len() * size_of::<Episode>() + self.free.len() * 4
    }
}

/// The ring of one environment: `len + 1` rows, of which the one behind the newest holds the observation to come.
#[derive(Debug, Clone)]
pub struct Lane {
    /// Number of its first row among all rows.
    pub base: usize,
    /// Rows of steps.
    pub len: usize,
    /// Where the next step goes, counted from `base`.
    pub head: usize,
    /// Steps that were ever added.
    pub added: u64,
    /// Its episodes, oldest first; the last one runs where `open`.
    pub episodes: VecDeque<u32>,
    /// Whether the newest episode still runs.
    pub open: bool,
    /// Whether the next step only resets the environment and is no step of an episode.
    pub resets: bool,
}

impl Lane {
    /// An empty ring.
    pub fn new(base: usize, len: usize) -> Self {
        Self { base, len, head: 0, added: 0, episodes: VecDeque::new(), open: false, resets: false }
    }

    /// Steps that are held.
    #[inline]
    pub fn held(&self) -> u64 {
        self.added.min(self.len as u64)
    }

    /// Number of the oldest step that is held.
    #[inline]
    pub fn oldest(&self) -> u64 {
        self.added - self.held()
    }

    /// The row of a step that is held, or of the observation to come (`step == added`).
    #[inline]
    pub fn row(&self, step: u64) -> usize {
        let back = (self.added - step) as usize;
        let at = if self.head >= back { self.head - back } else { self.head + self.len + 1 - back };
        self.base + at
    }

    /// The row behind `row`.
    #[inline]
    pub fn behind(&self, row: usize) -> usize {
        if row - self.base == self.len { self.base } else { row + 1 }
    }

    /// The step that stands in `row`, if one does.
    pub fn step_in(&self, row: usize) -> Option<u64> {
        let at = row - self.base;
        let back = if self.head > at { self.head - at } else { self.head + self.len + 1 - at };
        (back as u64 <= self.held()).then(|| self.added - back as u64)
    }

    /// Its episodes of which every step is held and that have ended: their range in `episodes`.
    pub fn whole(&self, episodes: &Episodes) -> std::ops::Range<usize> {
        let ended = self.episodes.len() - usize::from(self.open);
        let cut = self.episodes.front().is_some_and(|place| episodes.at(*place).first < self.oldest());
        usize::from(cut).min(ended)..ended
    }
}
