//! Chances by arm: shared, own to each entity, or tabulated over the steps of an episode.

use crate::columns::{Cells, Columns, Param};
use crate::config::{Wanted, refuse};
use crate::error::Result;
use crate::family::Run;
use crate::modifiers::ArmLevels;

/// Chances by arm.
#[derive(Debug)]
pub struct Rates {
    param: Param,
    table: Option<Table>,
}

/// Chances by step and arm, for steps since an environment's reset.
#[derive(Debug)]
struct Table {
    values: Vec<f64>,
    arms: usize,
}

/// Chances of a run at one step.
#[derive(Debug, Clone, Copy)]
pub enum Now<'a> {
    /// Alike at every step of an episode, or at the same step for all.
    Cells(Cells<'a>),
    /// Each environment has its own row of a table.
    Rows {
        /// Chances by step and arm.
        values: &'a [f64],
        /// Arms of a row.
        arms: usize,
        /// The step of each environment.
        elapsed: &'a [u32],
        /// What changes some arms alone, if anything does.
        changed: Option<ArmLevels<'a>>,
    },
    /// Each environment's cells, with what changes some arms alone.
    Changed(Cells<'a>, ArmLevels<'a>),
}

impl Rates {
    /// The column `name` where it was given, else `table` (a row for each of the `horizon` steps) where it has rows, else
    /// `values`; each must satisfy `wanted`.
    ///
    /// # Errors
    /// Names the field, or the column and row, that does not satisfy it; a table beside a column, of another length than the
    /// episode, or whose rows differ in length.
    pub fn new(
        family: &str,
        name: &str,
        values: &[f64],
        (table, horizon): (&[Vec<f64>], Option<u32>),
        (columns, wanted): (&mut Columns, Wanted),
    ) -> Result<Self> {
        let field = format!("{family}.{name}_table");
        if table.is_empty() {
            return Ok(Self { param: columns.take(family, name, values, wanted)?, table: None });
        }
        let param = columns.take(family, name, &[], wanted)?;
        if param.width() > 0 {
            return Err(refuse(&field, format!("a column \"{name}\" too"), "one of them"));
        }
        if horizon.is_none_or(|horizon| horizon as usize != table.len()) {
            let rows = horizon.map_or("a horizon".into(), |horizon| format!("{horizon}, one a step"));
            return Err(refuse(&field, format!("{} rows", table.len()), rows));
        }
        let arms = table[0].len();
        for (step, row) in table.iter().enumerate() {
            if row.len() != arms || arms == 0 {
                let values = format!("{}, one an arm", arms.max(1));
                return Err(refuse(&format!("{field}[{step}]"), format!("{} values", row.len()), values));
            }
            if let Some(arm) = row.iter().position(|&chance| !wanted.1(chance)) {
                return Err(refuse(&format!("{field}[{step}][{arm}]"), row[arm], wanted.0));
            }
        }
        Ok(Self { param, table: Some(Table { values: table.concat(), arms }) })
    }

    /// Arms that have a chance of their own, or 1 where all share one.
    pub fn width(&self) -> usize {
        self.table.as_ref().map_or(self.param.width(), |table| table.arms)
    }

    /// The largest of them.
    pub fn largest(&self) -> f64 {
        let values = self.table.as_ref().map_or(self.param.values(), |table| &table.values);
        values.iter().fold(0.0, |most, &value| most.max(value))
    }

    /// The values where all environments share them at every step.
    pub fn as_shared(&self) -> Option<&[f64]> {
        if self.table.is_some() { None } else { self.param.as_shared() }
    }

    /// The chances of a run at its step.
    pub fn at<'a>(&'a self, run: &Run<'a>) -> Now<'a> {
        let cells = match (&self.table, run.elapsed) {
            (None, _) => run.cells(&self.param),
            (Some(Table { values, arms }), [elapsed]) => Cells::shared(row(values, *arms, *elapsed)),
            (Some(Table { values, arms }), elapsed) => {
                return Now::Rows { values, arms: *arms, elapsed, changed: run.arm_levels };
            }
        };
        run.arm_levels.map_or(Now::Cells(cells), |changed| Now::Changed(cells, changed))
    }
}

/// Where an environment has ended and only waits for its reset, its last row stands.
#[inline(always)]
fn row(values: &[f64], arms: usize, elapsed: u32) -> &[f64] {
    let step = (elapsed as usize).min(values.len() / arms - 1);
    &values[step * arms..(step + 1) * arms]
}

impl<'a> Now<'a> {
    /// The chance of environment `i` for `arm`.
    #[inline(always)]
    pub fn at(&self, i: usize, arm: usize) -> f64 {
        match self {
            Self::Cells(cells) => cells.at(i, arm),
            Self::Rows { values, arms, elapsed, changed } => {
                let rate = row(values, *arms, elapsed[i])[if *arms == 1 { 0 } else { arm }];
                changed.map_or(rate, |changed| rate * changed.at(i, arm))
            }
            Self::Changed(cells, changed) => cells.at(i, arm) * changed.at(i, arm),
        }
    }

    /// The chances where all environments of the run share them.
    pub fn as_shared(&self) -> Option<&'a [f64]> {
        match self {
            Self::Cells(cells) => cells.as_shared(),
            Self::Rows { .. } | Self::Changed(..) => None,
        }
    }
}
