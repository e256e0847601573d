//! Who is there: entities may enter after an episode has begun, and leave before it ends.

use serde::{Deserialize, Serialize};

use crate::columns::{Columns, Param};
use crate::config::{PLACE, refuse};
use crate::error::Result;
use crate::family::{Rows, Run};
use crate::rng::{threshold, unit};
use crate::special::{ln, ln_1p};

/// Columns that say it for each entity.
pub const COLUMNS: [&str; 2] = ["enters", "leaves"];
/// Slots of the draws, out of the way of every family's own: who is there at first, the wait, the stay.
const FIRST: u32 = 1 << 22;
const WAIT: u32 = FIRST + 1;
const STAY: u32 = FIRST + 2;

/// Chances by which entities come and go; each comes once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Churn {
    /// Chance to be there at the start.
    pub present: f64,
    /// Chance a step that enters who has not yet been there.
    pub arrival: f64,
    /// Chance a step that leaves who is there; everybody stays for one step at least.
    pub departure: f64,
}

impl Default for Churn {
    fn default() -> Self {
        Self { present: 1.0, arrival: 0.0, departure: 0.0 }
    }
}

/// The steps of an environment's episode on which it is there: from `enters` on, before `leaves`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stay {
    /// First step.
    pub enters: u32,
    /// First step after.
    pub leaves: u32,
}

impl Stay {
    /// Whether `t`, in steps since the reset, is one of them.
    #[inline(always)]
    pub fn covers(self, t: u32) -> bool {
        self.enters <= t && t < self.leaves
    }
}

/// How entities come by their stays, checked.
#[derive(Debug)]
pub struct Presence {
    churn: Churn,
    /// Columns, where they were given.
    own: [Option<Param>; 2],
}

impl Presence {
    /// Check the setting `churn` and the columns `enters` and `leaves`; `None` where there are none of them.
    ///
    /// # Errors
    /// Names the field, or the column and row, that cannot be used; a column beside the chance that it stands for.
    pub fn new(family: &str, churn: Option<&Churn>, columns: &mut Columns) -> Result<Option<Self>> {
        let mut own = [None, None];
        for (name, own) in COLUMNS.into_iter().zip(&mut own) {
            let param = columns.take(family, name, &[], PLACE)?;
            if param.width() > 1 {
                return Err(refuse(&format!("columns[\"{name}\"]"), format!("{} values a row", param.width()), "1"));
            }
            *own = (param.width() == 1).then_some(param);
        }
        if churn.is_none() && own.iter().all(Option::is_none) {
            return Ok(None);
        }
        let churn = churn.cloned().unwrap_or_default();
        let chances = [("present", churn.present), ("arrival", churn.arrival), ("departure", churn.departure)];
        for (name, chance) in chances {
            if !(0.0..=1.0).contains(&chance) {
                return Err(refuse(&format!("{family}.churn.{name}"), chance, "a chance in [0, 1]"));
            }
        }
        let beside = (
            own[0].is_some() && (churn.present, churn.arrival) != (1.0, 0.0),
            own[1].is_some() && churn.departure > 0.0,
        );
        if beside.0 || beside.1 {
            let name = COLUMNS[usize::from(!beside.0)];
            return Err(refuse(&format!("{family}.churn"), format!("a column \"{name}\" too"), "one of them"));
        }
        if let [Some(enters), Some(leaves)] = &own {
            let both = Param::combine([enters, leaves], columns.shape(), |[enters, leaves]| leaves - enters);
            if let Some(row) = both.values().iter().position(|&stay| stay < 0.0) {
                let got = format!("{} after enters", both.values()[row]);
                return Err(refuse(&format!("columns[\"leaves\"] row {row}"), got, "at least the step of enters"));
            }
        }
        Ok(Some(Self { churn, own }))
    }

    /// Write the stays of the listed environments of a run that starts.
    pub fn draw(&self, run: &Run<'_>, rows: Rows<'_>, stays: &mut [Stay]) {
        let words = [FIRST, WAIT, STAY].map(|slot| run.words_of(slot, rows));
        for (j, i) in rows.iter().enumerate() {
            let column = |which: usize| self.own[which].as_ref().map(|param| run.cells(param).at(i, 0) as u32);
            let enters = column(0).unwrap_or_else(|| self.enters(words[0][j], words[1][j]));
            let stay = || enters.saturating_add(1).saturating_add(failures(self.churn.departure, words[2][j]));
            stays[i] = Stay { enters, leaves: column(1).unwrap_or_else(stay) };
        }
    }

    fn enters(&self, first: u32, wait: u32) -> u32 {
        let there = u64::from(first) < threshold(self.churn.present);
        if there { 0 } else { failures(self.churn.arrival, wait).saturating_add(1) }
    }
}

/// Trials of a chance that fail before one succeeds: geometric, by the inverse distribution function of the word.
fn failures(chance: f64, word: u32) -> u32 {
    if chance <= 0.0 { u32::MAX } else { (ln(unit(word)) / ln_1p(-chance)) as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Key, Stream};

    #[test]
    fn waits_are_geometric() {
        let key = Key::new(3, Stream::ENVIRONMENT);
        let (chance, n) = (0.2, 40_000);
        let waits: Vec<f64> = (0..n).map(|i| f64::from(failures(chance, key.word(0, 0, 0, i, 0)))).collect();
        let mean = waits.iter().sum::<f64>() / f64::from(n);
        // Mean 4, variance 20: 5 standard errors are 0.112.
        assert!((mean - 4.0).abs() < 0.112, "{mean}");
        let at_once = waits.iter().filter(|wait| **wait == 0.0).count() as f64 / f64::from(n);
        assert!((at_once - chance).abs() < 5.0 * (0.16 / f64::from(n)).sqrt(), "{at_once}");
        assert_eq!((failures(0.0, 7), failures(1.0, 7)), (u32::MAX, 0));
    }
}
