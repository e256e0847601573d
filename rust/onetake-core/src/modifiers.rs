//! What changes rates over time: season, trend with a cap, bounded random walk. They compose by multiplication.

use serde::{Deserialize, Serialize};

use crate::config::refuse;
use crate::error::Result;
use crate::rng::Key;

/// First slot of the walks' draws, out of the way of every family's own slots.
const WALK_SLOT: u32 = 1 << 20;
/// Entity whose words move what a whole replicate shares; no batch reaches it.
const COMMON_ENTITY: u32 = u32::MAX;

/// One modifier; `t` is the number of steps since the environment's reset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Modifier {
    /// A season.
    Season(Season),
    /// A trend.
    Trend(Trend),
    /// A random walk.
    RandomWalk(RandomWalk),
}

/// `1 + amplitude × sin(2π ((t + phase) mod period) / period)`, or a list that repeats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Season {
    /// Steps of a period.
    pub period: f64,
    /// Largest change from 1.
    pub amplitude: f64,
    /// Steps by which the season is ahead.
    pub phase: f64,
    /// Values that repeat, one a step (seven of them make a week); given instead of the sine.
    pub values: Vec<f64>,
}

impl Default for Season {
    fn default() -> Self {
        Self { period: 7.0, amplitude: 1.0, phase: 0.0, values: Vec::new() }
    }
}

/// `start + clamp(slope × t, −cap, cap)`, never below 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trend {
    /// Value at `t = 0`.
    pub start: f64,
    /// Change a step.
    pub slope: f64,
    /// Largest change; none where it is null.
    pub cap: Option<f64>,
}

impl Default for Trend {
    fn default() -> Self {
        Self { start: 1.0, slope: 0.0, cap: None }
    }
}

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

/// Who shares a random walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Each environment walks for itself.
    Environment,
    /// All entities of a replicate walk together; the walk starts anew when the whole batch is reset.
    Replicate,
}

/// Product of the modifiers: one factor for a whole run, or one each.
#[derive(Debug, Clone, Copy)]
pub enum Level<'a> {
    /// The same for all.
    Same(f64),
    /// One an environment.
    Each(&'a [f64]),
}

impl Level<'_> {
    /// The factor of environment `i` of the run.
    #[inline(always)]
    pub fn at(&self, i: usize) -> f64 {
        match self {
            Self::Same(level) => *level,
            Self::Each(levels) => levels[i],
        }
    }
}

/// The modifiers of a family, checked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Modifiers {
    list: Vec<Modifier>,
}

impl Modifiers {
    /// Check a list of modifiers.
    ///
    /// # Errors
    /// Names the modifier and field that cannot be used.
    pub fn new(family: &str, list: &[Modifier]) -> Result<Self> {
        for (i, modifier) in list.iter().enumerate() {
            let at = |field: &str| format!("{family}.modifiers[{i}].{field}");
            match modifier {
                Modifier::Season(season) => season.check(at)?,
                Modifier::Trend(trend) => trend.check(at)?,
                Modifier::RandomWalk(walk) => walk.check(at)?,
            }
        }
        Ok(Self { list: list.to_vec() })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Product of those that depend on the time since the reset alone.
    pub fn timed(&self, t: u32) -> f64 {
        self.list.iter().fold(1.0, |level, modifier| match modifier {
            Modifier::Season(season) => level * season.at(t),
            Modifier::Trend(trend) => level * trend.at(t),
            Modifier::RandomWalk(_) => level,
        })
    }

    /// Whether every environment of a batch always has the same factor at the same time.
    pub fn is_timed_only(&self) -> bool {
        self.walks().next().is_none()
    }

    /// The random walks, with the slot of each.
    pub fn walks(&self) -> impl Iterator<Item = (u32, &RandomWalk)> {
        let walks = self.list.iter().filter_map(|modifier| match modifier {
            Modifier::RandomWalk(walk) => Some(walk),
            _ => None,
        });
        walks.enumerate().map(|(i, walk)| (WALK_SLOT + i as u32, walk))
    }
}

/// Where a block of walkers is: the arguments of its words.
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

impl RandomWalk {
    /// Numbers that a block of `len` environments keeps of the walk.
    pub fn width(&self, len: usize) -> usize {
        match self.scope {
            Scope::Environment => len,
            Scope::Replicate => 1,
        }
    }

    /// Move `values`, the walk of a block, by the words of `slot`.
    pub fn advance(&self, place: Place, slot: u32, words: &mut [u32], values: &mut [f64]) {
        let Place { key, step, replicate, entity } = place;
        match self.scope {
            Scope::Environment => key.fill(slot, 0, step, replicate, entity, words),
            Scope::Replicate => words[0] = key.word(slot, 0, step, COMMON_ENTITY, replicate),
        }
        for (value, word) in values.iter_mut().zip(words.iter()) {
            let step = if *word < 1 << 31 { self.step } else { -self.step };
            *value = (*value + step).clamp(self.low, self.high);
        }
    }

    fn check(&self, at: impl Fn(&str) -> String) -> Result<()> {
        let ordered = 0.0 <= self.low && self.low <= self.start && self.start <= self.high && self.high.is_finite();
        if !ordered {
            let got = format!("low {}, start {}, high {}", self.low, self.start, self.high);
            return Err(refuse(&at("start"), got, "0 <= low <= start <= high"));
        }
        check(self.step >= 0.0 && self.step.is_finite(), &at("step"), self.step, "a number, at least 0")
    }
}

impl Season {
    fn at(&self, t: u32) -> f64 {
        if !self.values.is_empty() {
            return self.values[t as usize % self.values.len()];
        }
        let turn = libm::fmod(f64::from(t) + self.phase, self.period) / self.period;
        1.0 + self.amplitude * libm::sin(2.0 * std::f64::consts::PI * turn)
    }

    fn check(&self, at: impl Fn(&str) -> String) -> Result<()> {
        if let Some(value) = self.values.iter().find(|v| !(v.is_finite() && **v >= 0.0)) {
            return Err(refuse(&at("values"), value, "numbers, at least 0"));
        }
        let sine_too = !self.values.is_empty() && *self != Self { values: self.values.clone(), ..Self::default() };
        check(!sine_too, &at("values"), "a sine too", "either values or period, amplitude and phase")?;
        check(self.period > 0.0 && self.period.is_finite(), &at("period"), self.period, "a number above 0")?;
        check(self.amplitude.is_finite(), &at("amplitude"), self.amplitude, "a finite number")?;
        check(self.phase.is_finite(), &at("phase"), self.phase, "a finite number")
    }
}

impl Trend {
    fn at(&self, t: u32) -> f64 {
        let change = self.slope * f64::from(t);
        let change = self.cap.map_or(change, |cap| change.clamp(-cap, cap));
        (self.start + change).max(0.0)
    }

    fn check(&self, at: impl Fn(&str) -> String) -> Result<()> {
        check(self.start >= 0.0 && self.start.is_finite(), &at("start"), self.start, "a number, at least 0")?;
        check(self.slope.is_finite(), &at("slope"), self.slope, "a finite number")?;
        let cap = self.cap.unwrap_or(0.0);
        check(cap >= 0.0 && cap.is_finite(), &at("cap"), cap, "a number, at least 0, or null")
    }
}

fn check(holds: bool, field: &str, got: impl std::fmt::Display, wanted: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(refuse(field, got, wanted)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    #[test]
    fn sine_and_capped_trend_are_the_published_formulas() {
        let sine = Season::default();
        let trend = Trend { start: 0.5, slope: 0.0025, cap: Some(1.0) };
        for t in 0..1000_u32 {
            let turn = f64::from(t % 7) / 7.0;
            let want = 1.0 + (2.0 * std::f64::consts::PI * turn).sin();
            assert!((sine.at(t) - want).abs() < 1e-12);
            assert!((trend.at(t) - (0.5 + (0.0025 * f64::from(t)).min(1.0))).abs() < 1e-12);
        }
    }

    #[test]
    fn modifiers_compose_by_multiplication() -> Result<()> {
        let week = Season { values: vec![1.0, 2.0], ..Season::default() };
        let trend = Trend { start: 1.0, slope: 0.5, cap: None };
        let both = Modifiers::new("x", &[Modifier::Season(week), Modifier::Trend(trend)])?;
        assert_eq!(both.timed(3), 2.0 * 2.5);
        Ok(())
    }

    #[test]
    fn a_walk_moves_by_its_step_and_stays_in_its_bounds() {
        let walk = RandomWalk { low: 0.97, high: 1.03, ..RandomWalk::default() };
        let key = Key::new(1, Stream::ENVIRONMENT);
        let (mut values, mut words) = ([1.0; 8], [0; 8]);
        for step in 0..200 {
            let before = values;
            walk.advance(Place { key, step, replicate: 0, entity: 0 }, WALK_SLOT, &mut words, &mut values);
            for (now, then) in values.iter().zip(before) {
                assert!((0.97..=1.03).contains(now) && (now - then).abs() < 0.01 + 1e-12);
            }
        }
    }
}
