//! What a buffer is made of, as it crosses the border.

use serde::{Deserialize, Serialize};

use super::hindsight::Strategy;
use super::layout::{Dtype, Field};
use super::priorities::Prioritization;
use crate::error::{Error, Result};

/// Settings of a buffer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Parts of the observation.
    pub obs: Vec<Field>,
    /// The action.
    pub action: Field,
    /// Type of rewards and discounts.
    pub reward_dtype: Dtype,
    /// Steps that are held, of all environments together.
    pub capacity: usize,
    /// Environments that add side by side.
    pub num_envs: usize,
    /// Root of all draws.
    pub seed: u64,
    /// Steps whose rewards are added up.
    pub n_step: u32,
    /// What a reward one step later is worth.
    pub discount: f64,
    /// Whether the step behind an end only resets the environment (Gymnasium's `NextStep`).
    pub reset_steps: bool,
    /// Prioritization, or none.
    pub priorities: Option<Prioritization>,
    /// Hindsight, or none.
    pub hindsight: Option<Relabelling>,
}

/// Settings of hindsight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relabelling {
    /// Where goals come from.
    pub strategy: Strategy,
    /// Steps with another goal for each step with its own.
    pub goals: u32,
}

impl Settings {
    /// Check ranges; the layout checks fields itself.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn check(&self) -> Result<()> {
        let wrong = |field: &str, got: String, wanted: String| Err(Error::Config { field: field.into(), got, wanted });
        if self.num_envs == 0 {
            return wrong("num_envs", "0".into(), "at least 1".into());
        }
        if self.capacity == 0 || !self.capacity.is_multiple_of(self.num_envs) {
            let wanted = match self.num_envs {
                1 => "at least 1".into(),
                n => format!("a multiple of num_envs = {n}"),
            };
            return wrong("capacity", self.capacity.to_string(), wanted);
        }
        if self.n_step == 0 {
            return wrong("n_step", "0".into(), "at least 1".into());
        }
        if !(0.0..=1.0).contains(&self.discount) {
            return wrong("discount", self.discount.to_string(), "0 to 1".into());
        }
        if let Some(priorities) = &self.priorities {
            priorities.check()?;
        }
        if let Some(hindsight) = &self.hindsight {
            if hindsight.goals == 0 {
                return wrong("hindsight.goals", "0".into(), "at least 1".into());
            }
            if self.n_step > 1 {
                let wanted = "1 with hindsight: rewards of another goal are known for single steps only";
                return wrong("n_step", self.n_step.to_string(), wanted.into());
            }
        }
        Ok(())
    }
}
