//! What changes rates over time: seasons, trends, change points, holidays, saturation, tables, random walks and competitors.
//! They compose by multiplication; where actions are arms, one may act on some arms alone.

use serde::{Deserialize, Serialize};

use crate::config::refuse;
use crate::error::Result;

mod moving;
mod timed;

pub use moving::{CompetitorShock, Moving, Place, RandomWalk, Scope};
pub use timed::{ChangePoint, Holiday, Saturation, Season, Table, Trend};

/// First slot of the draws of modifiers, out of the way of every family's own slots.
const SLOT: u32 = 1 << 20;

/// One modifier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Modifier {
    /// Arms that it acts on; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arms: Vec<usize>,
    /// What it is.
    #[serde(flatten)]
    pub kind: Kind,
}

/// Kinds of modifiers; `t` is the number of steps since the environment's reset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// A season.
    Season(Season),
    /// A trend.
    Trend(Trend),
    /// Values between change points.
    ChangePoint(ChangePoint),
    /// Holidays.
    Holiday(Holiday),
    /// What wears out or is taken up.
    Saturation(Saturation),
    /// A value a step.
    Table(Table),
    /// A random walk.
    RandomWalk(RandomWalk),
    /// A competitor.
    CompetitorShock(CompetitorShock),
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

/// Product of the modifiers that act on some arms alone.
#[derive(Debug, Clone, Copy)]
pub struct ArmLevels<'a> {
    /// Arm by arm, each `len` long.
    pub values: &'a [f64],
    /// Environments of the run.
    pub len: usize,
}

impl ArmLevels<'_> {
    /// The factor of environment `i` of the run for `arm`.
    #[inline(always)]
    pub fn at(&self, i: usize, arm: usize) -> f64 {
        self.values[arm * self.len + i]
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
            match &modifier.kind {
                Kind::Season(season) => season.check(at)?,
                Kind::Trend(trend) => trend.check(at)?,
                Kind::ChangePoint(change) => change.check(at)?,
                Kind::Holiday(holiday) => holiday.check(at)?,
                Kind::Saturation(saturation) => saturation.check(at)?,
                Kind::Table(table) => table.check(at)?,
                Kind::RandomWalk(walk) => walk.check(at)?,
                Kind::CompetitorShock(shock) => shock.check(at)?,
            }
        }
        Ok(Self { list: list.to_vec() })
    }

    /// Check what depends on the episode: tables are as long as it, and the arms named exist among `arms` (0 where no
    /// modifier can act on some arms alone).
    ///
    /// # Errors
    /// Names the modifier and field that does not fit.
    pub fn check_episode(&self, family: &str, horizon: Option<u32>, arms: usize) -> Result<()> {
        for (i, modifier) in self.list.iter().enumerate() {
            let at = |field: &str| format!("{family}.modifiers[{i}].{field}");
            if let Kind::Table(table) = &modifier.kind {
                table.check_length(&at("values"), horizon)?;
            }
            if let Some(arm) = modifier.arms.iter().find(|&&arm| arm >= arms) {
                let wanted = if arms == 0 {
                    "none: here all arms change alike".into()
                } else {
                    format!("arms in 0..{}", arms - 1)
                };
                return Err(refuse(&at("arms"), arm, wanted));
            }
        }
        Ok(())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether all of them act on all arms.
    pub fn are_of_all_arms(&self) -> bool {
        self.list.iter().all(|modifier| modifier.arms.is_empty())
    }

    /// Product of those that act on all arms and depend on the time since the reset alone.
    pub fn timed(&self, t: u32) -> f64 {
        self.list
            .iter()
            .filter(|modifier| modifier.arms.is_empty())
            .fold(1.0, |level, modifier| level * modifier.timed(t))
    }

    /// The most that they multiply anything by in an episode; `None` where it has no end.
    pub fn most(&self, horizon: Option<u32>) -> Option<f64> {
        let steps = if self.is_empty() { 1 } else { horizon? };
        let most = |modifier: &Modifier| {
            let own = match &modifier.kind {
                Kind::RandomWalk(walk) => walk.high,
                Kind::CompetitorShock(shock) => shock.factor.max(1.0),
                _ => (0..steps).map(|t| modifier.timed(t)).fold(0.0, f64::max),
            };
            if modifier.arms.is_empty() { own } else { own.max(1.0) }
        };
        Some(self.list.iter().map(most).product())
    }

    /// Whether every environment of a batch always has the same factor at the same time.
    pub fn is_timed_only(&self) -> bool {
        self.moving().next().is_none()
    }

    /// Those that luck moves, with the slot and the arms of each.
    pub fn moving(&self) -> impl Iterator<Item = (u32, Moving<'_>, &[usize])> {
        let moving =
            self.list.iter().filter_map(|modifier| modifier.moving().map(|moving| (moving, &modifier.arms[..])));
        moving.enumerate().map(|(i, (moving, arms))| (SLOT + i as u32, moving, arms))
    }

    /// Multiply `out` (arm by arm, `len` each) by the factors of some arms alone: those of the time `elapsed` of each
    /// environment (one for all or one each), and the values of what luck moves (one for all or one each).
    pub fn multiply_arms(&self, elapsed: &[u32], moved: &[Vec<f64>], len: usize, out: &mut [f64]) {
        for modifier in self.list.iter().filter(|modifier| modifier.moving().is_none()) {
            for &arm in &modifier.arms {
                let own = out[arm * len..(arm + 1) * len].iter_mut();
                match elapsed {
                    [t] => {
                        let factor = modifier.timed(*t);
                        own.for_each(|level| *level *= factor);
                    }
                    _ => own.zip(elapsed).for_each(|(level, &t)| *level *= modifier.timed(t)),
                }
            }
        }
        for ((_, _, arms), values) in self.moving().zip(moved) {
            for &arm in arms {
                let own = out[arm * len..(arm + 1) * len].iter_mut().enumerate();
                own.for_each(|(i, level)| *level *= values[if values.len() == 1 { 0 } else { i }]);
            }
        }
    }
}

impl Modifier {
    /// The factor at a time, or 1 where luck moves it.
    fn timed(&self, t: u32) -> f64 {
        match &self.kind {
            Kind::Season(season) => season.at(t),
            Kind::Trend(trend) => trend.at(t),
            Kind::ChangePoint(change) => change.at(t),
            Kind::Holiday(holiday) => holiday.at(t),
            Kind::Saturation(saturation) => saturation.at(t),
            Kind::Table(table) => table.at(t),
            Kind::RandomWalk(_) | Kind::CompetitorShock(_) => 1.0,
        }
    }

    fn moving(&self) -> Option<Moving<'_>> {
        match &self.kind {
            Kind::RandomWalk(walk) => Some(Moving::Walk(walk)),
            Kind::CompetitorShock(shock) => Some(Moving::Shock(shock)),
            _ => None,
        }
    }
}

fn check(holds: bool, field: &str, got: impl std::fmt::Display, wanted: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(refuse(field, got, wanted)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(kind: Kind) -> Modifier {
        Modifier { arms: Vec::new(), kind }
    }

    #[test]
    fn modifiers_compose_by_multiplication() -> Result<()> {
        let week = Season { values: Some(vec![1.0, 2.0]), ..Season::default() };
        let trend = Trend { start: 1.0, slope: 0.5, cap: None };
        let one = Modifier { arms: vec![1], kind: Kind::Trend(Trend { start: 3.0, ..Trend::default() }) };
        let list = Modifiers::new("x", &[all(Kind::Season(week)), all(Kind::Trend(trend)), one])?;
        assert_eq!(list.timed(3), 2.0 * 2.5);
        let mut by_arm = [1.0; 4];
        list.multiply_arms(&[3], &[], 2, &mut by_arm);
        assert_eq!(by_arm, [1.0, 1.0, 3.0, 3.0]);
        Ok(())
    }

    #[test]
    fn arms_and_tables_must_fit_the_episode() -> Result<()> {
        let table = Modifier { arms: vec![2], kind: Kind::Table(Table { values: vec![1.0; 3] }) };
        let list = Modifiers::new("x", &[table])?;
        assert!(list.check_episode("x", Some(3), 3).is_ok());
        for (horizon, arms) in [(Some(3), 2), (Some(3), 0), (Some(4), 3), (None, 3)] {
            assert!(list.check_episode("x", horizon, arms).is_err());
        }
        Ok(())
    }
}
