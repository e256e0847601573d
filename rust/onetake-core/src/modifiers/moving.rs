//! Modifiers that luck moves: their values are state.

use serde::{Deserialize, Serialize};

use super::check;
use crate::config::refuse;
use crate::error::Result;
use crate::rng::{Key, threshold};

/// Entity whose words move what a whole replicate shares; no batch reaches it.
const COMMON_ENTITY: u32 = u32::MAX;

/// Moves by `step` up or down with equal chance after each step and is then clipped to `[low, high]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomWalk {
    /// Value at the reset.
    pub start: f64,
    /// Size of a move.
    pub step: f64,
    /// Least value.
    pub low: f64,
    /// Largest value.
    pub high: f64,
    /// Who walks together.
    pub scope: Scope,
}

impl Default for RandomWalk {
    fn default() -> Self {
        Self { start: 1.0, step: 0.01, low: 0.8, high: 1.2, scope: Scope::Environment }
    }
}

/// A competitor moves with chance `chance` after each step: the value falls (or jumps) to `factor`. While he is quiet, the
/// share `keep` of the distance to 1 stays from step to step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompetitorShock {
    /// Chance of a move a step.
    pub chance: f64,
    /// Value right after a move.
    pub factor: f64,
    /// Share of its effect that stays, a step.
    pub keep: f64,
    /// Who meets the same competitor.
    pub scope: Scope,
}

impl Default for CompetitorShock {
    fn default() -> Self {
        Self { chance: 0.02, factor: 0.7, keep: 0.9, scope: Scope::Replicate }
    }
}

/// Who shares what luck moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Each environment for itself.
    Environment,
    /// All entities of a replicate together; the value starts anew when the whole batch is reset.
    Replicate,
}

/// Where a block is: the arguments of its words.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Generator of the environment's draws.
    pub key: Key,
    /// Step of the global clock.
    pub step: u32,
    /// Which replicate.
    pub replicate: u32,
    /// Id of the first entity.
    pub entity: u32,
}

/// A modifier that luck moves.
#[derive(Debug, Clone, Copy)]
pub enum Moving<'a> {
    /// A random walk.
    Walk(&'a RandomWalk),
    /// A competitor.
    Shock(&'a CompetitorShock),
}

impl Moving<'_> {
    /// Who shares it.
    pub fn scope(self) -> Scope {
        match self {
            Self::Walk(walk) => walk.scope,
            Self::Shock(shock) => shock.scope,
        }
    }

    /// Value at the reset.
    pub fn start(self) -> f64 {
        match self {
            Self::Walk(walk) => walk.start,
            Self::Shock(_) => 1.0,
        }
    }

    /// Numbers that a block of `len` environments keeps of it.
    pub fn width(self, len: usize) -> usize {
        match self.scope() {
            Scope::Environment => len,
            Scope::Replicate => 1,
        }
    }

    /// Move `values`, those of a block, by the words of `slot`.
    pub fn advance(self, place: Place, slot: u32, words: &mut [u32], values: &mut [f64]) {
        let Place { key, step, replicate, entity } = place;
        match self.scope() {
            Scope::Environment => key.fill(slot, 0, step, replicate, entity, words),
            Scope::Replicate => words[0] = key.word(slot, 0, step, COMMON_ENTITY, replicate),
        }
        let moves = values.iter_mut().zip(words.iter());
        match self {
            Self::Walk(walk) => moves.for_each(|(value, word)| *value = walk.after(*value, *word)),
            Self::Shock(shock) => {
                let bound = threshold(shock.chance);
                moves.for_each(|(value, word)| *value = shock.after(*value, u64::from(*word) < bound));
            }
        }
    }
}

impl RandomWalk {
    fn after(&self, value: f64, word: u32) -> f64 {
        let step = if word < 1 << 31 { self.step } else { -self.step };
        (value + step).clamp(self.low, self.high)
    }

    pub(super) fn check(&self, at: impl Fn(&str) -> String) -> Result<()> {
        let ordered = 0.0 <= self.low && self.low <= self.start && self.start <= self.high && self.high.is_finite();
        if !ordered {
            let got = format!("low {}, start {}, high {}", self.low, self.start, self.high);
            return Err(refuse(&at("start"), got, "0 <= low <= start <= high"));
        }
        check(self.step >= 0.0 && self.step.is_finite(), &at("step"), self.step, "a number, at least 0")
    }
}

impl CompetitorShock {
    fn after(&self, value: f64, moved: bool) -> f64 {
        if moved { self.factor } else { 1.0 - (1.0 - value) * self.keep }
    }

    pub(super) fn check(&self, at: impl Fn(&str) -> String) -> Result<()> {
        check((0.0..=1.0).contains(&self.chance), &at("chance"), self.chance, "a chance in [0, 1]")?;
        check(self.factor >= 0.0 && self.factor.is_finite(), &at("factor"), self.factor, "a number, at least 0")?;
        check((0.0..=1.0).contains(&self.keep), &at("keep"), self.keep, "a share in [0, 1]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    fn place(step: u32) -> Place {
        Place { key: Key::new(1, Stream::ENVIRONMENT), step, replicate: 0, entity: 0 }
    }

    #[test]
    fn a_walk_moves_by_its_step_and_stays_in_its_bounds() {
        let walk = RandomWalk { low: 0.97, high: 1.03, ..RandomWalk::default() };
        let (mut values, mut words) = ([1.0; 8], [0; 8]);
        for step in 0..200 {
            let before = values;
            Moving::Walk(&walk).advance(place(step), 9, &mut words, &mut values);
            for (now, then) in values.iter().zip(before) {
                assert!((0.97..=1.03).contains(now) && (now - then).abs() < 0.01 + 1e-12);
            }
        }
    }

    #[test]
    fn a_shock_falls_to_its_factor_and_recovers_by_its_share() {
        let shock = CompetitorShock { chance: 0.1, factor: 0.6, keep: 0.5, scope: Scope::Environment };
        let (mut values, mut words) = ([1.0; 64], [0; 64]);
        let mut moved = 0;
        for step in 0..500 {
            let before = values;
            Moving::Shock(&shock).advance(place(step), 9, &mut words, &mut values);
            for (now, then) in values.iter().zip(before) {
                moved += u32::from(*now == 0.6);
                assert!(*now == 0.6 || (now - (0.5 + 0.5 * then)).abs() < 1e-15);
            }
        }
        // 32,000 trials of chance 0.1: standard deviation 54; 5 of them.
        assert!((f64::from(moved) - 3200.0).abs() < 270.0, "{moved}");
    }
}
