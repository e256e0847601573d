//! What actions must be before anything is stepped.

use crate::dispatch::{self, Kernel};
use crate::error::{Error, Result};
use crate::family::{ActionSpace, Actions};

/// The largest arm.
struct Largest<'a>(&'a [u32]);

impl Kernel for Largest<'_> {
    type Output = u32;
    #[inline(always)]
    fn run(self) -> u32 {
        self.0.iter().fold(0, |a, &b| a.max(b))
    }
}

/// Check that actions lie in the action space.
///
/// # Errors
/// Names the environment whose action does not.
pub fn check_actions(what: &str, space: &ActionSpace, actions: Actions<'_>, rows: usize) -> Result<()> {
    if actions.len() != rows {
        let (got, wanted) = (format!("{} actions", actions.len()), format!("{rows}, one an environment"));
        return Err(Error::Shape { what: what.into(), got, wanted });
    }
    let refuse =
        |row: usize, got: String, wanted: String| Err(Error::Shape { what: format!("{what}[{row}]"), got, wanted });
    match (space, actions) {
        (ActionSpace::Discrete { count }, Actions::Arms(arms)) => {
            let largest = dispatch::run(Largest(arms));
            if (largest as usize) < *count {
                return Ok(());
            }
            let row = arms.iter().position(|&a| a as usize >= *count).unwrap_or(0);
            refuse(row, arms[row].to_string(), format!("an arm in 0..{}", count - 1))
        }
        (ActionSpace::Box { low, high }, Actions::Points { values, width }) if width == low.len() => {
            let inside = |(j, &v): (usize, &f32)| (low[j % width]..=high[j % width]).contains(&v);
            match values.iter().enumerate().position(|cell| !inside(cell)) {
                None => Ok(()),
                Some(j) => refuse(
                    j / width,
                    values[j].to_string(),
                    format!("between {} and {}", low[j % width], high[j % width]),
                ),
            }
        }
        (ActionSpace::Discrete { count }, _) => refuse(0, "a point".into(), format!("an arm in 0..{}", count - 1)),
        (ActionSpace::Box { low, .. }, Actions::Points { width, .. }) => {
            refuse(0, format!("{width} coordinates"), low.len().to_string())
        }
        (ActionSpace::Box { low, .. }, _) => {
            refuse(0, "an arm".into(), format!("a point of {} coordinates", low.len()))
        }
    }
}
