//! Modifiers that depend on the time since the reset alone.

use serde::{Deserialize, Serialize};

use super::check;
use crate::config::refuse;
use crate::error::Result;
use crate::special::exp;

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
    pub values: Option<Vec<f64>>,
}

impl Default for Season {
    fn default() -> Self {
        Self { period: 7.0, amplitude: 1.0, phase: 0.0, values: None }
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

/// Constant between change points: `values[j]` from the `j`-th of them on, the first value before all of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChangePoint {
    /// Steps at which the value changes, growing.
    pub at: Vec<u32>,
    /// Values between them: one more than there are changes.
    pub values: Vec<f64>,
}

/// `factor` on `days`, reached from 1 in even parts over `lead` steps before and left over `lag` steps after; where
/// days are near each other, the nearer one counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Holiday {
    /// Steps that are holidays; where `every` is given, places within a period.
    pub days: Vec<u32>,
    /// Value on a holiday.
    pub factor: f64,
    /// Steps before on which it is felt.
    pub lead: u32,
    /// Steps after on which it is felt.
    pub lag: u32,
    /// Steps after which the holidays come again; null for once.
    pub every: Option<u32>,
}

impl Default for Holiday {
    fn default() -> Self {
        Self { days: Vec::new(), factor: 1.0, lead: 0, lag: 0, every: None }
    }
}

/// `limit + (start − limit) × 2^(−t / half_life)`: what wears out, or is taken up, until it is saturated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Saturation {
    /// Value at `t = 0`.
    pub start: f64,
    /// Value in the end.
    pub limit: f64,
    /// Steps in which half of the way that is left is gone.
    pub half_life: f64,
}

impl Default for Saturation {
    fn default() -> Self {
        Self { start: 1.0, limit: 0.5, half_life: 30.0 }
    }
}

/// One value for each step of the episode.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Table {
    /// The values.
    pub values: Vec<f64>,
}

impl Season {
    pub(super) fn at(&self, t: u32) -> f64 {
        if let Some(values) = &self.values {
            return values[t as usize % values.len()];
        }
        let turn = libm::fmod(f64::from(t) + self.phase, self.period) / self.period;
        1.0 + self.amplitude * libm::sin(2.0 * std::f64::consts::PI * turn)
    }

    pub(super) fn check(&self, at: impl Fn(&str) -> String) -> Result<()> {
        if let Some(values) = &self.values {
            check(!values.is_empty(), &at("values"), "[]", "at least one number, or null for the sine")?;
            check_values(values, &at("values"))?;
            let alone = Self { values: self.values.clone(), ..Self::default() };
            check(*self == alone, &at("values"), "a sine too", "either values or period, amplitude and phase")?;
        }
        check(self.period > 0.0 && self.period.is_finite(), &at("period"), self.period, "a number above 0")?;
        check(self.amplitude.is_finite(), &at("amplitude"), self.amplitude, "a finite number")?;
        check(self.phase.is_finite(), &at("phase"), self.phase, "a finite number")
    }
}

impl Trend {
    pub(super) fn at(&self, t: u32) -> f64 {
        let change = self.slope * f64::from(t);
        let change = self.cap.map_or(change, |cap| change.clamp(-cap, cap));
        (self.start + change).max(0.0)
    }

    pub(super) fn check(&self, at: impl Fn(&str) -> String) -> Result<()> {
        check(self.start >= 0.0 && self.start.is_finite(), &at("start"), self.start, "a number, at least 0")?;
        check(self.slope.is_finite(), &at("slope"), self.slope, "a finite number")?;
        let cap = self.cap.unwrap_or(0.0);
        check(cap >= 0.0 && cap.is_finite(), &at("cap"), cap, "a number, at least 0, or null")
    }
}

impl ChangePoint {
    pub(super) fn at(&self, t: u32) -> f64 {
        self.values[self.at.partition_point(|&change| change <= t)]
    }

    pub(super) fn check(&self, at: impl Fn(&str) -> String) -> Result<()> {
        let growing = !self.at.is_empty() && self.at.windows(2).all(|pair| pair[0] < pair[1]);
        check(growing, &at("at"), format!("{:?}", self.at), "at least one step, growing")?;
        let wanted = self.at.len() + 1;
        if self.values.len() != wanted {
            let got = format!("{} values", self.values.len());
            return Err(refuse(&at("values"), got, format!("{wanted}, one more than there are changes")));
        }
        check_values(&self.values, &at("values"))
    }
}

impl Holiday {
    pub(super) fn at(&self, t: u32) -> f64 {
        let felt = self.days.iter().map(|&day| self.felt(t, day)).fold(0.0, f64::max);
        1.0 + (self.factor - 1.0) * felt
    }

    /// Share of a holiday that is felt at `t`.
    fn felt(&self, t: u32, day: u32) -> f64 {
        let part = |distance: u32, reach: u32| (1.0 - f64::from(distance) / (f64::from(reach) + 1.0)).max(0.0);
        match self.every {
            None if t <= day => part(day - t, self.lead),
            None => part(t - day, self.lag),
            Some(every) => {
                let (before, after) = ((day + every - t % every) % every, (t % every + every - day) % every);
                part(before, self.lead).max(part(after, self.lag))
            }
        }
    }

    pub(super) fn check(&self, at: impl Fn(&str) -> String) -> Result<()> {
        check(!self.days.is_empty(), &at("days"), "[]", "at least one step")?;
        check(self.factor >= 0.0 && self.factor.is_finite(), &at("factor"), self.factor, "a number, at least 0")?;
        let Some(every) = self.every else { return Ok(()) };
        check((1..1 << 30).contains(&every), &at("every"), every, "a number of steps in [1, 1073741823], or null")?;
        let outside = self.days.iter().find(|&&day| day >= every);
        check(outside.is_none(), &at("days"), outside.unwrap_or(&0), &format!("places in a period, 0 to {}", every - 1))
    }
}

impl Saturation {
    pub(super) fn at(&self, t: u32) -> f64 {
        let left = exp(-std::f64::consts::LN_2 * f64::from(t) / self.half_life);
        self.limit + (self.start - self.limit) * left
    }

    pub(super) fn check(&self, at: impl Fn(&str) -> String) -> Result<()> {
        check(self.start >= 0.0 && self.start.is_finite(), &at("start"), self.start, "a number, at least 0")?;
        check(self.limit >= 0.0 && self.limit.is_finite(), &at("limit"), self.limit, "a number, at least 0")?;
        let fits = self.half_life > 0.0 && self.half_life.is_finite();
        check(fits, &at("half_life"), self.half_life, "a number of steps above 0")
    }
}

impl Table {
    /// Where an environment has ended and only waits for its reset, the last value stands.
    pub(super) fn at(&self, t: u32) -> f64 {
        self.values[(t as usize).min(self.values.len() - 1)]
    }

    pub(super) fn check(&self, at: impl Fn(&str) -> String) -> Result<()> {
        check(!self.values.is_empty(), &at("values"), "[]", "one number a step of the episode")?;
        check_values(&self.values, &at("values"))
    }

    pub(super) fn check_length(&self, field: &str, horizon: Option<u32>) -> Result<()> {
        if horizon.is_some_and(|horizon| horizon as usize == self.values.len()) {
            return Ok(());
        }
        let wanted = horizon.map_or("a horizon".into(), |horizon| format!("{horizon}, one a step of the episode"));
        Err(refuse(field, format!("{} values", self.values.len()), wanted))
    }
}

fn check_values(values: &[f64], field: &str) -> Result<()> {
    match values.iter().find(|v| !(v.is_finite() && **v >= 0.0)) {
        Some(value) => Err(refuse(field, value, "numbers, at least 0")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_holiday_is_felt_in_even_parts_before_and_after_and_comes_again() {
        let once = Holiday { days: vec![10], factor: 2.0, lead: 3, lag: 1, every: None };
        let values: Vec<f64> = (6..13).map(|t| once.at(t)).collect();
        assert_eq!(values, [1.0, 1.25, 1.5, 1.75, 2.0, 1.5, 1.0]);
        let weekly = Holiday { days: vec![0], lead: 1, every: Some(7), ..once };
        let values: Vec<f64> = (5..10).map(|t| weekly.at(t)).collect();
        assert_eq!(values, [1.0, 1.5, 2.0, 1.5, 1.0]);
    }

    #[test]
    fn change_points_saturation_and_tables_have_their_stated_values() {
        let steps = ChangePoint { at: vec![2, 4], values: vec![1.0, 0.5, 3.0] };
        assert_eq!((0..6).map(|t| steps.at(t)).collect::<Vec<_>>(), [1.0, 1.0, 0.5, 0.5, 3.0, 3.0]);
        let worn = Saturation { start: 2.0, limit: 1.0, half_life: 5.0 };
        for (t, want) in [(0, 2.0), (5, 1.5), (10, 1.25), (1_000_000, 1.0)] {
            assert!((worn.at(t) - want).abs() < 1e-12);
        }
        assert_eq!(Table { values: vec![1.0, 2.0] }.at(7), 2.0);
    }
}
