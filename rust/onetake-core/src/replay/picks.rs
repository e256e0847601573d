//! Which steps make a batch: every draw is a word of (seed, number of the batch, place in it).

use super::buffer::Replay;
use crate::error::{Error, Result};
use crate::rng::Key;

/// What the words of a batch are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// Which step.
    Step = 0,
    /// Which goal.
    Goal = 1,
    /// Which episode.
    Episode = 2,
}

/// A step that was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pick {
    /// Its environment.
    pub lane: u32,
    /// Its number among all steps of its environment.
    pub step: u64,
    /// Where it stands.
    pub row: usize,
}

/// A number below `count`, from 64 random bits; biased by less than `count` in 2^64.
#[inline]
pub(super) fn below(random: u64, count: u64) -> u64 {
    ((u128::from(random) * u128::from(count)) >> 64) as u64
}

/// 64 random bits for each of `len` places of batch `batch`.
pub(super) fn bits(key: Key, slot: Slot, batch: u64, len: usize) -> Vec<u64> {
    let words = key.words(slot as u32, 0, batch as u32, (batch >> 32) as u32, 0, 2 * len);
    words.as_chunks::<2>().0.iter().map(|[a, b]| u64::from(*a) | u64::from(*b) << 32).collect()
}

/// A number in [0, 1) of 53 random bits.
#[inline]
fn unit(random: u64) -> f64 {
    (random >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

impl Replay {
    /// Steps for a batch, and their weights where they are prioritized.
    ///
    /// # Errors
    /// Refuses more than is held, and none.
    pub(super) fn draw(&self, len: usize) -> Result<(Vec<Pick>, Option<Vec<f32>>)> {
        Self::enough("sample", len, self.held(), "transitions")?;
        let random = bits(self.key, Slot::Step, self.batches, len);
        let Some(priorities) = &self.priorities else {
            return Ok((self.uniform(&random), None));
        };
        let units: Vec<f64> = random.iter().map(|random| unit(*random)).collect();
        let rows = priorities.draw(&units);
        let weights = priorities.weights(&rows, self.held(), self.batches);
        let per_lane = self.per_lane() + 1;
        let pick = |row: &usize| {
            let lane = row / per_lane;
            // A row without a step has priority 0 and is never drawn; the newest stands in for it all the same.
            let step = self.lanes[lane].step_in(*row).unwrap_or(self.lanes[lane].added - 1);
            Pick { lane: lane as u32, step, row: *row }
        };
        Ok((rows.iter().map(pick).collect(), Some(weights)))
    }

    /// Each held step with the same chance.
    pub(super) fn uniform(&self, random: &[u64]) -> Vec<Pick> {
        let held = self.held();
        if let [lane] = self.lanes.as_slice() {
            let oldest = lane.oldest();
            let pick = |random: &u64| {
                let step = oldest + below(*random, held);
                Pick { lane: 0, step, row: lane.row(step) }
            };
            return random.iter().map(pick).collect();
        }
        let ends: Vec<u64> = self
            .lanes
            .iter()
            .scan(0, |sum, lane| {
                *sum += lane.held();
                Some(*sum)
            })
            .collect();
        let pick = |random: &u64| {
            let place = below(*random, held);
            let at = ends.partition_point(|end| *end <= place);
            let lane = &self.lanes[at];
            let step = lane.added - (ends[at] - place);
            Pick { lane: at as u32, step, row: lane.row(step) }
        };
        random.iter().map(pick).collect()
    }

    pub(super) fn enough(what: &str, wanted: usize, held: u64, of: &str) -> Result<()> {
        if wanted == 0 {
            let (what, got) = ("batch_size".into(), "0".into());
            return Err(Error::Shape { what, got, wanted: "at least 1".into() });
        }
        if wanted as u64 > held {
            let need = format!("got a batch of {wanted}; wanted at most {held}, the {of} held");
            return Err(Error::NotReady { what: what.into(), need });
        }
        Ok(())
    }
}
