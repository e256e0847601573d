//! The face of a batch of any family: what the seam holds.

use crate::account::Account;
use crate::columns::Shape;
use crate::config::refuse;
use crate::delay::Arrived;
use crate::error::Result;
use crate::family::{Actions, Budget, Spec, StartValues};
use crate::restless::whittle::Whittle;

/// What happens to environments that ended, as in Gymnasium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoReset {
    /// The next step resets them, whatever the action, with reward 0.
    NextStep,
    /// The step that ends them resets them too; their last observation is handed over beside.
    SameStep,
    /// The caller resets them, all or by a mask.
    Disabled,
    /// They stand still, with reward 0 and their last observation, until all have ended: nothing resets them.
    Wait,
}

impl AutoReset {
    /// The mode of a name.
    ///
    /// # Errors
    /// Refuses a name of none.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "NextStep" => Ok(Self::NextStep),
            "SameStep" => Ok(Self::SameStep),
            "Disabled" => Ok(Self::Disabled),
            "Wait" => Ok(Self::Wait),
            _ => Err(refuse("autoreset_mode", name, "NextStep, SameStep or Disabled")),
        }
    }
}

/// Which batch: its size, the ids of its first entity and replicate, its seed.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Entities and replicates.
    pub shape: Shape,
    /// Id of the first entity.
    pub first_entity: u32,
    /// Id of the first replicate.
    pub first_replicate: u32,
    /// Seed of the environment's draws.
    pub seed: u64,
    /// What happens to environments that ended.
    pub mode: AutoReset,
}

/// Environments that ended within the step and were reset by it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ended {
    /// Their places in the batch.
    pub rows: Vec<u32>,
    /// Their last observations `(len, d)`.
    pub obs: Vec<f32>,
}

/// Where a batch writes what came of a step. The ends must be false at first.
#[derive(Debug)]
pub struct StepOut<'a> {
    /// Observations `(n, d)`.
    pub obs: &'a mut [f32],
    /// Rewards `(n,)`.
    pub reward: &'a mut [f64],
    /// Own ends `(n,)`.
    pub terminated: &'a mut [bool],
    /// Ends by time `(n,)`.
    pub truncated: &'a mut [bool],
}

/// A batch of environments of any family.
pub trait Simulator: Send + Sync {
    /// What may be known before it starts.
    fn spec(&self) -> &Spec;
    /// Its configuration as JSON text, with the defaults of what was not given.
    fn settings(&self) -> &str;
    /// Entities and replicates.
    fn shape(&self) -> Shape;
    /// Step of the global clock: it counts every step and goes back only by a reset with a seed.
    fn clock(&self) -> u32;
    /// Whether it has been reset.
    fn started(&self) -> bool;
    /// Steps since each environment's reset `(n,)`.
    fn elapsed(&self) -> Vec<u32>;
    /// Start all environments and write their observations `(n, d)`; with a seed the clock starts at 0, without one the
    /// draws go on.
    fn reset(&mut self, seed: Option<u64>, obs: &mut [f32]);
    /// Start the environments of `mask` `(n,)`; the others show their last observation again.
    ///
    /// # Errors
    /// Refuses a mask of another length, a batch that was not reset, and a mode other than [`AutoReset::Disabled`].
    fn reset_rows(&mut self, mask: &[bool], obs: &mut [f32]) -> Result<()>;
    /// One step of all environments; gives those that [`AutoReset::SameStep`] reset.
    ///
    /// # Errors
    /// Refuses actions of another length or outside the action space, and a step before the reset that is due.
    fn step(&mut self, actions: Actions<'_>, out: &mut StepOut<'_>) -> Result<Ended>;
    /// Write the expected reward of each arm at the coming step `(n, k)`.
    ///
    /// # Errors
    /// Refuses before the first reset, and where actions are not arms.
    fn expected(&self, out: &mut [f64]) -> Result<()>;
    /// Write the expected reward of each arm with the best play after it `(n, k)`; where an action changes nothing
    /// that comes later, and where the best play is not known, that is [`Simulator::expected`].
    ///
    /// # Errors
    /// As [`Simulator::expected`].
    fn values(&self, out: &mut [f64]) -> Result<()>;
    /// What whole episodes are worth from their start; `None` where the best arm now is the yardstick.
    fn start_values(&self) -> Option<StartValues>;
    /// Whittle indices of every environment; `None` where they are no restless chains of two actions.
    fn whittle(&self, discount: f64) -> Option<Whittle>;
    /// Write which arms are allowed at the coming step `(n, k)`; false, and nothing is written, where all always are.
    ///
    /// # Errors
    /// Refuses before the first reset, and where actions are not arms.
    fn allowed(&self, out: &mut [bool]) -> Result<bool>;
    /// Most steps from a decision to the arrival of its outcome; `None` where outcomes come at once.
    fn longest_delay(&self) -> Option<u32>;
    /// The outcomes that arrived at the last step, where they may be late.
    fn arrived(&self) -> Arrived;
    /// Who is there at the coming step `(n,)`; `None` where everybody always is.
    fn present(&self) -> Option<Vec<bool>>;
    /// Whether some arms are not always allowed.
    fn masks(&self) -> bool;
    /// The budget that the entities of a replicate share.
    fn budget(&self) -> Option<Budget>;
    /// Actions beyond a soft budget since the last reset of all, one a replicate.
    fn excess(&self) -> Vec<u64>;
    /// Sums of expected rewards at the coming step.
    ///
    /// # Errors
    /// As [`Simulator::expected`], and refuses arms that do not exist.
    fn account(&self, action: &[u32], greedy: Option<&[u32]>) -> Result<Account>;
    /// From now on, sum what each arm would have earned each environment.
    ///
    /// # Errors
    /// Refuses where actions are not arms.
    fn track_fixed(&mut self) -> Result<()>;
    /// Those sums `(n, k)`.
    ///
    /// # Errors
    /// Refuses where nobody asked for them.
    fn fixed_totals(&self) -> Result<Vec<f64>>;
    /// The whole state as bytes.
    fn save(&self) -> Vec<u8>;
    /// Go on from saved bytes.
    ///
    /// # Errors
    /// Refuses bytes that were cut or changed, of another version, or of another environment; nothing changes then.
    fn restore(&mut self, bytes: &[u8]) -> Result<()>;
    /// A copy that goes on from here, with the same luck or with that of another seed.
    fn fork(&self, seed: Option<u64>) -> Box<dyn Simulator>;
}
