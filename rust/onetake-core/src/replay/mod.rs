//! Replay buffers: what was lived through, kept in rows of bytes and drawn again.
//!
//! - [`layout`]: a transition is one row, and its next observation is the row behind it.
//! - [`mapped`]: rows lie in memory or in a file; [`episodes`]: rings of rows and the episodes in them.
//! - [`buffer`]: adding; [`picks`], [`priorities`] and [`sum_tree`]: which steps are drawn; [`batch`]: how they are
//!   gathered, with the rewards of n steps; [`hindsight`]: other goals; [`sequences`]: slices and whole episodes.
//! - [`file`]: saved buffers; [`settings`] and [`columns`]: what crosses the border.

pub mod batch;
pub mod buffer;
pub mod columns;
pub mod episodes;
pub mod file;
pub mod hindsight;
pub mod layout;
pub mod mapped;
pub mod picks;
pub mod priorities;
pub mod sequences;
pub mod settings;
pub mod sum_tree;

pub use batch::Batch;
pub use buffer::{Arrivals, Replay};
pub use columns::{Column, Numbers};
pub use layout::{Dtype, Field};
pub use sequences::Sequences;
pub use settings::{Relabelling, Settings};
