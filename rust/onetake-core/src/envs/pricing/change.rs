//! The largest change of a price from one step to the next.

use crate::config::refuse;
use crate::error::Result;

/// Shares of a price that differ by less than this are the same: prices are products of rounded numbers.
const SLACK: f64 = 1e-6;

/// A limit to changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Largest change, as a share of the last price.
    most: f64,
    /// Whether larger ones are refused; else they are counted.
    pub hard: bool,
}

impl Change {
    /// Check the setting; `tried` are the prices that may be chosen, or the ends between which they lie. The last price
    /// before the first one is the reference price.
    ///
    /// # Errors
    /// Names the field; refuses a limit that no first price keeps to.
    pub fn new(largest: Option<f64>, soft: bool, tried: &[f64], between: bool) -> Result<Option<Self>> {
        let Some(most) = largest else {
            return if soft { Err(refuse("pricing.soft_change", true, "false where there is no largest_change")) } else { Ok(None) };
        };
        if !(most > 0.0 && most.is_finite()) {
            return Err(refuse("pricing.largest_change", most, "a share of the last price above 0, or null"));
        }
        let change = Self { most, hard: !soft };
        let reachable = tried.iter().any(|&x| change.allows(1.0, x)) || (between && tried[0] < 1.0 && tried[1] > 1.0);
        if reachable {
            return Ok(Some(change));
        }
        Err(refuse("pricing.largest_change", most, "enough to reach one of the prices from the reference price"))
    }

    /// Whether the price may go from `last` to `x`, both as multiples of the reference price.
    #[inline(always)]
    pub fn allows(self, last: f64, x: f64) -> bool {
        (x - last).abs() <= (self.most + SLACK) * last
    }
}
