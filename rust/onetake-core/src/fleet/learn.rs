//! Outcomes into counts.

use super::{CHUNK, Fleet, Rewards, shape, spread};
use crate::error::Result;

/// How far a reward may lie beside its bounds or its lattice, as a part of their distance.
const SLACK: f64 = 1e-6;
/// Learners that a thread updates at once.
const STRIP: usize = 16 * CHUNK;

impl Fleet {
    /// Add the outcomes of earlier decisions of `rows` (all in order where there are none); any row may come again.
    ///
    /// # Errors
    /// Refuses other lengths, arms that are none, and rewards that cannot be; nothing is counted then.
    pub fn learn(&mut self, rows: Option<&[i64]>, action: &[i64], reward: &[f64], threads: usize) -> Result<()> {
        let count = self.check_rows(rows)?;
        for (what, len) in [("action", action.len()), ("reward", reward.len())] {
            if len != count {
                return Err(shape(what, format!("{len} values"), count.to_string()));
            }
        }
        self.check_outcomes(rows, action, reward, threads)?;
        if matches!(self.rewards, Rewards::Ignored) {
            return Ok(());
        }
        match rows {
            None if !self.pooled => self.learn_all(action, reward, threads),
            _ => {
                // In order of the rows, so that sums do not depend on the threads.
                let learners = self.learners();
                for i in 0..count {
                    let environment = rows.map_or(i, |rows| rows[i] as usize);
                    let at = action[i] as usize * learners + self.learner(environment);
                    self.total[at] += self.value(environment, action[i] as usize, reward[i]).unwrap_or(0.0);
                    self.weight[at] += self.trials.at(environment);
                }
                Ok(())
            }
        }
    }

    /// What a reward adds to the total, or `None` where there can be no such reward.
    #[inline(always)]
    fn value(&self, environment: usize, arm: usize, reward: f64) -> Option<f64> {
        let trials = self.trials.at(environment);
        let (value, most) = match &self.rewards {
            Rewards::Counts { scale, offset } => {
                let successes = (reward - offset[arm]) / scale[arm];
                let whole = successes.round_ties_even();
                if (successes - whole).abs() > SLACK * whole.abs().max(1.0) {
                    return None;
                }
                (whole, trials)
            }
            Rewards::Bounded { low, high } => {
                let (low, high) = (low.at(environment), high.at(environment));
                ((reward - low) / (high - low), 1.0)
            }
            Rewards::Plain { least } => {
                return (reward.is_finite() && reward >= *least).then_some(trials * reward);
            }
            Rewards::Ignored => return reward.is_finite().then_some(0.0),
        };
        if !(value >= -SLACK && value <= most + SLACK * most.max(1.0)) {
            return None;
        }
        let value = value.clamp(0.0, most);
        Some(if matches!(self.rewards, Rewards::Counts { .. }) { value } else { trials * value })
    }

    fn check_outcomes(&self, rows: Option<&[i64]>, action: &[i64], reward: &[f64], threads: usize) -> Result<()> {
        let bad = |i: usize| {
            let environment = rows.map_or(i, |rows| rows[i] as usize);
            !(0..self.arms as i64).contains(&action[i])
                || self.value(environment, action[i] as usize, reward[i]).is_none()
        };
        let mut first = vec![usize::MAX; action.len().div_ceil(STRIP)];
        let parts = first.iter_mut().enumerate().collect();
        spread(threads, parts, |(strip, first): (usize, &mut usize)| {
            let range = strip * STRIP..action.len().min((strip + 1) * STRIP);
            if let Some(i) = range.into_iter().find(|i| bad(*i)) {
                *first = i;
            }
        })?;
        let Some(i) = first.into_iter().min().filter(|i| *i < action.len()) else { return Ok(()) };
        if !(0..self.arms as i64).contains(&action[i]) {
            return Err(shape("action", format!("{} in row {i}", action[i]), format!("0 to {}", self.arms - 1)));
        }
        let environment = rows.map_or(i, |rows| rows[i] as usize);
        let wanted = match &self.rewards {
            Rewards::Counts { scale, offset } => {
                let arm = action[i] as usize;
                let trials = self.trials.at(environment);
                format!("{} × successes + {} with 0 to {trials} successes", scale[arm], offset[arm])
            }
            Rewards::Bounded { low, high } => format!("{} to {}", low.at(environment), high.at(environment)),
            Rewards::Plain { least } if least.is_finite() => format!("a finite number of at least {least}"),
            Rewards::Plain { .. } | Rewards::Ignored => "a finite number".into(),
        };
        Err(shape("reward", format!("{} in row {i}", reward[i]), wanted))
    }

    /// Each environment its own learner: strips of them are updated side by side.
    fn learn_all(&mut self, action: &[i64], reward: &[f64], threads: usize) -> Result<()> {
        let learners = self.learners();
        let (mut total, mut weight) = (std::mem::take(&mut self.total), std::mem::take(&mut self.weight));
        let mut strips: Vec<_> = (0..learners.div_ceil(STRIP)).map(|_| (Vec::new(), Vec::new())).collect();
        for (total, weight) in total.chunks_mut(learners).zip(weight.chunks_mut(learners)) {
            for ((total, weight), strip) in total.chunks_mut(STRIP).zip(weight.chunks_mut(STRIP)).zip(&mut strips) {
                strip.0.push(total);
                strip.1.push(weight);
            }
        }
        let fleet = &*self;
        let done = spread(threads, strips.into_iter().enumerate().collect(), |(strip, (mut total, mut weight))| {
            let first = strip * STRIP;
            let end = learners.min(first + STRIP);
            for (i, (action, reward)) in action[first..end].iter().zip(&reward[first..end]).enumerate() {
                let arm = *action as usize;
                total[arm][i] += fleet.value(first + i, arm, *reward).unwrap_or(0.0);
                weight[arm][i] += fleet.trials.at(first + i);
            }
        });
        (self.total, self.weight) = (total, weight);
        done
    }
}
