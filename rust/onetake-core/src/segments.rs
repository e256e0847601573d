//! Segments: kinds of environments that multiply a rate, own to each entity or drawn anew each step.

use crate::columns::{Columns, Param};
use crate::config::{PLACE, PerArm, refuse};
use crate::error::Result;
use crate::family::Run;
use crate::rng::unit;

/// Multipliers by segment and arm, and how an environment comes by its segment.
#[derive(Debug)]
pub struct Segments {
    /// Segments × arms; empty where there are no segments.
    multipliers: Vec<f64>,
    arms: usize,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// All environments are of the first segment.
    First,
    /// Each entity has its own.
    Own(Param),
    /// Each step draws one from the words of `slot`: its place is how many of the bounds its uniform reaches.
    Drawn { slot: u32, bounds: Vec<f64> },
}

impl Segments {
    /// Check the multipliers of `family` (one row a segment), the column `segment`, and the weights by which segments are
    /// drawn where there is no such column.
    ///
    /// # Errors
    /// Names the field, or the column and row, that cannot be used.
    pub fn new(
        family: &str,
        rows: &[PerArm],
        weights: &[f64],
        slot: u32,
        columns: &mut Columns,
        arms: usize,
    ) -> Result<Self> {
        let mut multipliers = Vec::new();
        for (s, row) in rows.iter().enumerate() {
            let field = format!("{family}.segment_multipliers[{s}]");
            let row = row.spread(&field, arms)?;
            if let Some(value) = row.iter().find(|v| **v < 0.0) {
                return Err(refuse(&field, value, "numbers, at least 0"));
            }
            multipliers.extend(row);
        }
        let own = columns.take(family, "segment", &[], PLACE)?;
        let source = if own.width() > 0 {
            check_column(&own, rows.len())?;
            Source::Own(own)
        } else {
            let bounds = bounds(&format!("{family}.segment_weights"), weights, rows.len())?;
            if bounds.is_empty() { Source::First } else { Source::Drawn { slot, bounds } }
        };
        Ok(Self { multipliers, arms, source })
    }

    /// Number of segments; 0 where there are none.
    pub fn count(&self) -> usize {
        self.multipliers.len() / self.arms
    }

    /// Whether no segment changes any rate.
    pub fn are_alike(&self) -> bool {
        self.multipliers.is_empty()
    }

    /// The largest multiplier.
    pub fn largest(&self) -> f64 {
        if self.are_alike() { 1.0 } else { self.multipliers.iter().fold(0.0, |most, &multiplier| most.max(multiplier)) }
    }

    /// The multiplier of a segment for an arm.
    #[inline(always)]
    pub fn multiplier(&self, segment: usize, arm: usize) -> f64 {
        self.multipliers[segment * self.arms + arm]
    }

    /// The segments of a run at `step` of the global clock.
    pub fn at(&self, run: &Run<'_>, step: u32) -> Vec<usize> {
        match &self.source {
            Source::First => vec![0; run.len],
            Source::Own(column) => {
                let cells = run.cells(column);
                (0..run.len).map(|i| cells.at(i, 0) as usize).collect()
            }
            Source::Drawn { slot, bounds } => {
                let mut words = vec![0; run.len];
                run.words_at(*slot, step, &mut words);
                words.iter().map(|&word| bounds.iter().filter(|&&bound| unit(word) >= bound).count()).collect()
            }
        }
    }
}

fn check_column(own: &Param, segments: usize) -> Result<()> {
    if own.width() != 1 {
        return Err(refuse("columns[\"segment\"]", format!("{} values a row", own.width()), "1"));
    }
    match own.values().iter().position(|&segment| segment as usize >= segments) {
        None => Ok(()),
        Some(row) => {
            let wanted = format!("a place among the {segments} rows of segment_multipliers");
            Err(refuse(&format!("columns[\"segment\"] row {row}"), own.values()[row], wanted))
        }
    }
}

/// The shares up to each segment but the last.
fn bounds(field: &str, weights: &[f64], segments: usize) -> Result<Vec<f64>> {
    let weights = if weights.is_empty() { vec![1.0; segments] } else { weights.to_vec() };
    let total: f64 = weights.iter().sum();
    let fits = weights.len() == segments && weights.iter().all(|w| w.is_finite() && *w >= 0.0);
    if !fits || (segments > 0 && total <= 0.0) {
        let wanted = format!("{segments} weights, at least 0 and not all 0");
        return Err(refuse(field, format!("{weights:?}"), wanted));
    }
    let mut reached = 0.0;
    let share = |weight: &f64| {
        reached += weight;
        reached / total
    };
    Ok(weights[..segments.max(1) - 1].iter().map(share).collect())
}
