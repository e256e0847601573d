//! Hindsight: what was reached instead becomes the goal.
//!
//! Source: Andrychowicz and others, *Hindsight experience replay*, NIPS 2017, section 4.5: strategies *future*, *final*
//! and *episode*.

use serde::{Deserialize, Serialize};

use super::batch::Next;
use super::buffer::Replay;
use super::episodes::Lane;
use super::layout::{Field, Layout};
use super::picks::{Pick, below};
use super::settings::Relabelling;
use crate::error::{Error, Result};

/// Which steps of its episode may give a step its new goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// The step itself or a later one: what was reached after it.
    Future,
    /// The last step.
    Final,
    /// Any step that is held.
    Episode,
}

/// Hindsight over the goals of a layout.
#[derive(Debug, Clone, Copy)]
pub struct Hindsight {
    strategy: Strategy,
    goals: u64,
    /// Place of the reached goal in an observation.
    pub(super) achieved: (usize, usize),
    /// Number of the part that holds the wanted goal.
    pub(super) desired: usize,
}

impl Hindsight {
    /// Find the goals in the observation.
    ///
    /// # Errors
    /// Refuses an observation without `achieved_goal` and `desired_goal`, or with different ones.
    pub fn new(settings: &Relabelling, layout: &Layout) -> Result<Self> {
        let named = |name: &str| layout.obs.iter().position(|field| field.name == name);
        let (Some(achieved), Some(desired)) = (named("achieved_goal"), named("desired_goal")) else {
            let names: Vec<&str> = layout.obs.iter().map(|field| field.name.as_str()).collect();
            return Err(Error::Config {
                field: "hindsight".into(),
                got: format!("observations of {}", names.join(", ")),
                wanted: "achieved_goal and desired_goal among them".into(),
            });
        };
        let kind = |field: &Field| (field.dtype, field.shape.clone());
        let (from, to) = (&layout.obs[achieved], &layout.obs[desired]);
        if kind(from) != kind(to) {
            return Err(Error::Config {
                field: "desired_goal".into(),
                got: format!("{} {:?}", to.dtype.name(), to.shape),
                wanted: format!("{} {:?}, as achieved_goal", from.dtype.name(), from.shape),
            });
        }
        let achieved = (layout.starts[achieved], from.bytes());
        Ok(Self { strategy: settings.strategy, goals: u64::from(settings.goals), achieved, desired })
    }

    /// Whether the `i`-th step of a batch gets another goal: `goals` of `goals + 1`, evenly spread.
    pub(super) fn relabels(self, i: usize) -> bool {
        let share = |i: u64| i * self.goals / (self.goals + 1);
        share(i as u64 + 1) > share(i as u64)
    }

    /// The observation whose reached goal a step gets.
    pub(super) fn goal(self, replay: &Replay, lane: &Lane, pick: Pick, random: u64) -> Next {
        let word = replay.layout.word_of(replay.row(pick.row));
        let episode = replay.episodes.at(word.episode());
        let first = match self.strategy {
            Strategy::Future => pick.step,
            Strategy::Final => episode.last(),
            Strategy::Episode => episode.first.max(lane.oldest()),
        };
        let step = first + below(random, episode.last() + 1 - first);
        replay.next(lane, lane.row(step))
    }
}
