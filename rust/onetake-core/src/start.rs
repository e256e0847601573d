//! First states: drawn evenly between bounds, or own to each entity.

use crate::columns::{Columns, Param};
use crate::config;
use crate::error::Result;
use crate::family::{Rows, Run};
use crate::rng::unit;

/// The first state of `N` numbers; the words of slots 0 to `N` - 1 draw it.
#[derive(Debug)]
pub struct Start<const N: usize> {
    bounds: [(f64, f64); N],
    own: Option<Param>,
}

impl<const N: usize> Start<N> {
    /// Draw between `bounds`, unless there is a column `start`.
    ///
    /// # Errors
    /// Names the row of the column that is not finite, and a column of another width.
    pub fn new(family: &str, columns: &mut Columns, bounds: [(f64, f64); N]) -> Result<Self> {
        let own = columns.take(family, "start", &[], ("a finite number", f64::is_finite))?;
        match own.width() {
            0 => Ok(Self { bounds, own: None }),
            width if width == N => Ok(Self { bounds, own: Some(own) }),
            width => Err(config::refuse("columns[\"start\"]", format!("{width} values a row"), N.to_string())),
        }
    }

    /// One number of the first state of each of `rows`.
    pub fn part(&self, part: usize, run: &Run<'_>, rows: Rows<'_>) -> Vec<f64> {
        if let Some(own) = &self.own {
            let cells = run.cells(own);
            return rows.iter().map(|row| cells.at(row, part)).collect();
        }
        let (low, high) = self.bounds[part];
        run.words_of(part as u32, rows).into_iter().map(|word| low + (high - low) * unit(word)).collect()
    }
}
