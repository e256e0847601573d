//! Whole columns of chances, wide: rates times modifiers, brought into [0, 1].

use crate::columns::Cells;
use crate::dispatch::{self, Kernel};
use crate::modifiers::Level;
use crate::rates::Now;

/// Multiply each of `out` by the environment's chance of `arm`.
pub fn multiply(rates: &Now<'_>, arm: usize, level: Level<'_>, out: &mut [f64]) {
    match *rates {
        Now::Cells(cells) => dispatch::run(Multiply { cells, arm, level, out }),
        Now::Rows { .. } | Now::Changed(..) => {
            for (i, out) in out.iter_mut().enumerate() {
                *out *= (rates.at(i, arm) * level.at(i)).clamp(0.0, 1.0);
            }
        }
    }
}

/// The chance of each environment's own arm.
pub fn of_arms(rates: &Now<'_>, arms: &[u32], level: Level<'_>) -> Vec<f64> {
    let mut out = vec![1.0; arms.len()];
    match *rates {
        Now::Cells(cells) if cells.width() > 1 => dispatch::run(OfArms { cells, arms, level, out: &mut out }),
        Now::Cells(_) => multiply(rates, 0, level, &mut out),
        Now::Rows { .. } | Now::Changed(..) => {
            for (i, (out, &arm)) in out.iter_mut().zip(arms).enumerate() {
                *out = (rates.at(i, arm as usize) * level.at(i)).clamp(0.0, 1.0);
            }
        }
    }
    out
}

/// Pay `scale × count + offset` of each environment's arm, and write both counts as its observation.
pub fn pay(counts: [&[u32]; 2], arms: &[u32], money: (&[f64], &[f64]), obs: &mut [f32], reward: &mut [f64]) {
    dispatch::run(Pay { counts, arms, money, obs, reward });
}

struct Multiply<'a> {
    cells: Cells<'a>,
    arm: usize,
    level: Level<'a>,
    out: &'a mut [f64],
}

impl Kernel for Multiply<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { cells, arm, level, out } = self;
        let len = out.len();
        match (cells.column(arm), level) {
            (Column::Same(rate), Level::Same(level)) => times(std::iter::repeat_n(rate, len), level, out),
            (Column::Same(rate), Level::Each(levels)) => times_each(std::iter::repeat_n(rate, len), levels, out),
            (Column::Dense(rates), Level::Same(level)) => times(rates.iter().copied(), level, out),
            (Column::Dense(rates), Level::Each(levels)) => times_each(rates.iter().copied(), levels, out),
            (Column::Rows(rows, width), Level::Same(level)) => {
                times(rows.chunks_exact(width).map(|row| row[arm]), level, out);
            }
            (Column::Rows(rows, width), Level::Each(levels)) => {
                times_each(rows.chunks_exact(width).map(|row| row[arm]), levels, out);
            }
        }
    }
}

/// How one arm's values of neighbouring environments lie in memory.
#[derive(Debug, Clone, Copy)]
pub enum Column<'a> {
    /// All have one value.
    Same(f64),
    /// One after another.
    Dense(&'a [f64]),
    /// Within rows of so many values.
    Rows(&'a [f64], usize),
}

#[inline(always)]
fn times(rates: impl Iterator<Item = f64>, level: f64, out: &mut [f64]) {
    for (out, rate) in out.iter_mut().zip(rates) {
        *out *= (rate * level).clamp(0.0, 1.0);
    }
}

#[inline(always)]
fn times_each(rates: impl Iterator<Item = f64>, levels: &[f64], out: &mut [f64]) {
    for ((out, rate), level) in out.iter_mut().zip(rates).zip(levels) {
        *out *= (rate * level).clamp(0.0, 1.0);
    }
}

struct OfArms<'a> {
    cells: Cells<'a>,
    arms: &'a [u32],
    level: Level<'a>,
    out: &'a mut [f64],
}

impl Kernel for OfArms<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (i, (out, &arm)) in self.out.iter_mut().zip(self.arms).enumerate() {
            *out = (self.cells.at(i, arm as usize) * self.level.at(i)).clamp(0.0, 1.0);
        }
    }
}

/// Arms whose money fits into a table that the processor can look up in wide.
const TABLE: usize = 16;

struct Pay<'a> {
    counts: [&'a [u32]; 2],
    arms: &'a [u32],
    money: (&'a [f64], &'a [f64]),
    obs: &'a mut [f32],
    reward: &'a mut [f64],
}

impl Kernel for Pay<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { counts: [first, second], arms, money: (scale, offset), obs, reward } = self;
        for ((obs, first), second) in obs.chunks_exact_mut(2).zip(first).zip(second) {
            obs[0] = *first as f32;
            obs[1] = *second as f32;
        }
        let rows = reward.iter_mut().zip(second).zip(arms);
        if scale.len() > TABLE {
            for ((reward, &count), &arm) in rows {
                *reward = scale[arm as usize] * f64::from(count) + offset[arm as usize];
            }
            return;
        }
        let (mut scales, mut offsets) = ([0.0; TABLE], [0.0; TABLE]);
        scales[..scale.len()].copy_from_slice(scale);
        offsets[..offset.len()].copy_from_slice(offset);
        for ((reward, &count), &arm) in rows {
            let arm = arm as usize % TABLE;
            *reward = scales[arm] * f64::from(count) + offsets[arm];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Param;

    #[test]
    fn every_layout_gives_the_plain_product() {
        let levels = [0.5, 2.0, 1.0];
        for level in [Level::Same(0.7), Level::Each(&levels)] {
            for param in [Param::shared(vec![0.9]), Param::shared(vec![0.9, 0.3])] {
                let cells = param.cells(0, 0, 3);
                let mut out = [1.0, 0.5, 0.25];
                multiply(&Now::Cells(cells), param.width() - 1, level, &mut out);
                let by_arm = of_arms(&Now::Cells(cells), &[0, 1, 0], level);
                for (i, start) in [1.0, 0.5, 0.25].into_iter().enumerate() {
                    let chance = |arm: usize| (cells.at(i, arm) * level.at(i)).clamp(0.0, 1.0);
                    assert_eq!(out[i], start * chance(param.width() - 1));
                    assert_eq!(by_arm[i], chance(i % 2));
                }
            }
        }
    }
}
