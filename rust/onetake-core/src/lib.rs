//! The core of onetake: simulation, memory and randomness, without Python.
//!
//! - [`rng`]: every random word is a pure function of (seed, stream, replicate, entity, step, slot, try).
//! - [`dispatch`]: picks the widest instruction set at run time; results never depend on the choice.
//! - [`fleet`]: fleets of bandits, decided and updated in one pass; [`linear`]: fleets of linear regressions.
//! - [`reduce`]: sums in a fixed order; [`resample`]: sums over bootstrap resamples.
//! - [`samplers`]: words into numbers; counts are monotone in one word.
//! - [`family`]: what an author of an environment writes; [`envs`] lists the families.
//! - [`simulator`] and [`batch`]: many environments as one, stepped in [`block`]s; [`account`] sums what the evaluator
//!   knows of them.
//! - [`market`]: sellers in logit markets and their Q-learners; [`auction`]: bidders with values and budgets.
//! - [`extras`]: what families can have beside their settings: [`delay`] of outcomes, [`presence`] of entities that come
//!   and go.
//! - [`modifiers`]: seasons, trends, walks and kin; [`segments`]: kinds of entities; [`rates`], [`chances`] and [`repeated`]:
//!   chances by arm, whole columns of them, and tables of shared ones; [`columns`] and [`config`]: parameters as they
//!   cross the border.
//! - [`chain`]: finite decision processes; [`seats`]: the dynamic program of what is sold until a horizon.
//! - [`state`]: saved simulator state; [`workers`]: threads, whose number no result depends on.
//! - [`special`]: logarithm, exponential and kin with the same bits everywhere.
//! - [`replay`]: transitions in rows, drawn again uniformly, by priority, in hindsight or as whole episodes.
//! - [`error`]: the one error type.
//!
//! ```
//! use onetake_core::rng::{Key, Stream};
//! let key = Key::new(7, Stream::ENVIRONMENT);
//! // Entity 5 of replicate 0 at step 3, first draw: the same word however the batch is cut.
//! assert_eq!(key.word(0, 0, 3, 5, 0), key.words(0, 0, 3, 0, 4, 2)[1]);
//! ```

pub mod account;
pub mod auction;
pub mod batch;
pub mod block;
pub mod chain;
pub mod chances;
pub mod checks;
pub mod columns;
pub mod config;
pub mod delay;
pub mod dispatch;
pub mod ends;
pub mod envs;
pub mod error;
pub mod extras;
pub mod family;
pub mod fleet;
pub mod linear;
pub mod market;
pub mod modifiers;
pub mod presence;
pub mod rates;
pub mod reduce;
pub mod repeated;
pub mod replay;
pub mod resample;
pub mod restless;
pub mod rng;
pub mod samplers;
pub mod seats;
pub mod segments;
pub mod simulator;
pub mod special;
pub mod start;
pub mod state;
pub mod workers;
