//! Outcomes that arrive late: the reward of a decision and what is observed of it come some steps after it.
//!
//! The delay of a decision is the inverse distribution function of a word of its own. Until it has passed, neither reward
//! nor outcome is shown; what several decisions brought may arrive together. What is still outstanding when an episode
//! ends arrives with its last step, so that nothing is lost. What was expected of a decision stays with the decision.

use serde::{Deserialize, Serialize};

use crate::config::refuse;
use crate::error::Result;
use crate::rng::threshold;
use crate::state::{Reader, Writer};

/// Slot of the delays' words, out of the way of every family's own slots.
pub const SLOT: u32 = 1 << 21;
/// Longest delay.
const MOST: u32 = 1000;
/// Step of a place in which nothing is outstanding.
const NOTHING: u32 = u32::MAX;

/// Law of the steps from a decision to the arrival of its outcome; 0 is the step of the decision itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Delay {
    /// Always the same.
    Fixed {
        /// How many.
        steps: u32,
    },
    /// Geometric with mean `mean`; all that would take longer takes `most` steps.
    Geometric {
        /// Mean, were there no longest delay.
        mean: f64,
        /// Longest delay.
        most: u32,
    },
    /// Chances of 0, 1, 2, … steps.
    Chances {
        /// The chances, which add up to 1.
        chances: Vec<f64>,
    },
}

/// A law, checked: a delay is the number of bounds that its word reaches.
#[derive(Debug, Clone, PartialEq)]
pub struct Law {
    bounds: Vec<u64>,
}

impl Law {
    /// Check a law.
    ///
    /// # Errors
    /// Names the field of `family` that cannot be used.
    pub fn new(family: &str, delay: &Delay) -> Result<Self> {
        let at = |field: &str| format!("{family}.delay.{field}");
        let wanted = format!("a whole number in [0, {MOST}]");
        let bounds = match delay {
            Delay::Fixed { steps } if *steps > MOST => return Err(refuse(&at("steps"), steps, wanted)),
            Delay::Fixed { steps } => vec![0; *steps as usize],
            Delay::Geometric { most, .. } if *most > MOST => return Err(refuse(&at("most"), most, wanted)),
            Delay::Geometric { mean, .. } if !(mean.is_finite() && *mean >= 0.0) => {
                return Err(refuse(&at("mean"), mean, "a number of steps, at least 0"));
            }
            Delay::Geometric { mean, most } => {
                let longer = mean / (1.0 + mean);
                let mut left = 1.0;
                let reached = (0..*most).map(|_| {
                    left *= longer;
                    threshold(1.0 - left)
                });
                reached.collect()
            }
            Delay::Chances { chances } => {
                let sum: f64 = chances.iter().sum();
                let fit = chances.iter().all(|chance| (0.0..=1.0).contains(chance)) && (sum - 1.0).abs() < 1e-9;
                if !fit || chances.len() > MOST as usize + 1 {
                    let wanted = format!("at most {} chances that add up to 1", MOST + 1);
                    return Err(refuse(&at("chances"), format!("{chances:?}"), wanted));
                }
                let mut reached = 0.0;
                let bound = |chance: &f64| {
                    reached += chance;
                    threshold(reached)
                };
                chances[..chances.len() - 1].iter().map(bound).collect()
            }
        };
        Ok(Self { bounds })
    }

    /// Longest delay.
    pub fn most(&self) -> u32 {
        self.bounds.len() as u32
    }

    /// The delay of a word.
    #[inline(always)]
    pub fn at(&self, word: u32) -> u32 {
        self.bounds.partition_point(|&bound| bound <= u64::from(word)) as u32
    }
}

/// Outcomes that arrived at one step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Arrived {
    /// Whose they are: places in the batch.
    pub rows: Vec<u32>,
    /// Steps of the decisions, since the environment's reset.
    pub steps: Vec<u32>,
    /// What the decisions earned.
    pub rewards: Vec<f64>,
}

impl Arrived {
    /// Add those of another block.
    pub fn extend(&mut self, other: &Self) {
        self.rows.extend(&other.rows);
        self.steps.extend(&other.steps);
        self.rewards.extend(&other.rewards);
    }
}

/// What is outstanding in a block: a ring of the last steps, `len` places each.
#[derive(Debug, Clone, Default)]
pub struct Outstanding {
    len: usize,
    due: Vec<u32>,
    made: Vec<u32>,
    reward: Vec<f64>,
    outcome: Vec<f32>,
    arrived: Arrived,
}

/// What a block shows of a step: observations of `width` numbers, of which `places` tell the outcome, and rewards.
#[derive(Debug)]
pub struct Shown<'a> {
    /// Observations.
    pub obs: &'a mut [f32],
    /// Numbers of one observation.
    pub width: usize,
    /// Places of those that tell the outcome.
    pub places: &'a [usize],
    /// Rewards.
    pub reward: &'a mut [f64],
}

impl Outstanding {
    /// Nothing yet, for `len` environments whose outcome is told by `channels` numbers.
    pub fn new(law: &Law, len: usize, channels: usize) -> Self {
        let size = (law.most() as usize + 1) * len;
        Self {
            len,
            due: vec![0; size],
            made: vec![NOTHING; size],
            reward: vec![0.0; size],
            outcome: vec![0.0; size * channels],
            arrived: Arrived::default(),
        }
    }

    /// What arrived at the last step.
    pub fn arrived(&self) -> &Arrived {
        &self.arrived
    }

    /// Where the ring has the decisions of step `step` of the clock.
    fn first(&self, step: u32) -> usize {
        step as usize % (self.made.len() / self.len) * self.len
    }

    /// Keep back what the decisions of `step` earned and showed. `made` is the step of each environment's episode, or `None`
    /// where it makes no decision.
    pub fn keep(
        &mut self,
        law: &Law,
        step: u32,
        words: &[u32],
        made: impl Fn(usize) -> Option<u32>,
        shown: &mut Shown<'_>,
    ) {
        let (first, channels) = (self.first(step), shown.places.len());
        for (i, &word) in words.iter().enumerate() {
            let at = first + i;
            self.due[at] = step.wrapping_add(law.at(word));
            self.made[at] = made(i).unwrap_or(NOTHING);
            self.reward[at] = std::mem::take(&mut shown.reward[i]);
            for (c, &place) in shown.places.iter().enumerate() {
                self.outcome[at * channels + c] = std::mem::take(&mut shown.obs[i * shown.width + place]);
            }
        }
    }

    /// Show what is due at `step`, or outstanding where an episode ends, the oldest first; `row` is the block's first place.
    pub fn deliver(&mut self, step: u32, row: usize, ends: impl Fn(usize) -> bool, shown: &mut Shown<'_>) {
        let channels = shown.places.len();
        self.arrived = Arrived::default();
        let next = self.first(step) + self.len;
        let size = self.made.len();
        for start in (0..size).step_by(self.len) {
            let first = (next + start) % size;
            for i in 0..self.len {
                let at = first + i;
                if self.made[at] == NOTHING || !(self.due[at] == step || ends(i)) {
                    continue;
                }
                self.arrived.rows.push((row + i) as u32);
                self.arrived.steps.push(std::mem::replace(&mut self.made[at], NOTHING));
                self.arrived.rewards.push(self.reward[at]);
                shown.reward[i] += self.reward[at];
                for (c, &place) in shown.places.iter().enumerate() {
                    shown.obs[i * shown.width + place] += self.outcome[at * channels + c];
                }
            }
        }
    }

    /// Forget what is outstanding of the listed environments.
    pub fn forget(&mut self, rows: &[u32]) {
        for ring in self.made.chunks_exact_mut(self.len.max(1)) {
            for &i in rows {
                ring[i as usize] = NOTHING;
            }
        }
    }

    /// Write what is outstanding.
    pub fn save(&self, writer: &mut Writer) {
        writer.list(&self.due, u32::to_le_bytes);
        writer.list(&self.made, u32::to_le_bytes);
        writer.list(&self.reward, f64::to_le_bytes);
        writer.list(&self.outcome, f32::to_le_bytes);
    }

    /// Read what [`Outstanding::save`] wrote.
    ///
    /// # Errors
    /// Refuses lists of other lengths.
    pub fn restore(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.due = reader.list(&[self.due.len()], u32::from_le_bytes)?;
        self.made = reader.list(&[self.made.len()], u32::from_le_bytes)?;
        self.reward = reader.list(&[self.reward.len()], f64::from_le_bytes)?;
        self.outcome = reader.list(&[self.outcome.len()], f32::from_le_bytes)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law(delay: &Delay) -> Law {
        Law::new("x", delay).unwrap_or(Law { bounds: vec![7] })
    }

    #[test]
    fn delays_have_the_stated_chances_and_grow_with_their_word() {
        let evenly = || (0..4096_u32).map(|i| i << 20);
        for (delay, chances) in [
            (Delay::Fixed { steps: 2 }, vec![0.0, 0.0, 1.0]),
            (Delay::Chances { chances: vec![0.25, 0.5, 0.25] }, vec![0.25, 0.5, 0.25]),
            (Delay::Geometric { mean: 1.0, most: 3 }, vec![0.5, 0.25, 0.125, 0.125]),
        ] {
            let law = law(&delay);
            for (k, chance) in chances.iter().enumerate() {
                let share = evenly().filter(|&word| law.at(word) == k as u32).count() as f64 / 4096.0;
                assert_eq!(share, *chance, "{delay:?}");
            }
            assert!(evenly().zip(evenly().skip(1)).all(|(a, b)| law.at(a) <= law.at(b)));
        }
    }

    #[test]
    fn laws_that_cannot_be_are_refused() {
        for delay in [
            Delay::Fixed { steps: 1001 },
            Delay::Geometric { mean: -1.0, most: 3 },
            Delay::Geometric { mean: f64::NAN, most: 3 },
            Delay::Chances { chances: vec![] },
            Delay::Chances { chances: vec![0.5, 0.4] },
        ] {
            assert!(Law::new("x", &delay).is_err(), "{delay:?}");
        }
    }
}
