//! The modifiers of a block at a step, multiplied.

use super::Block;
use crate::family::Family;
use crate::modifiers::{ArmLevels, Level};

/// Room for levels that differ between environments.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    all: Vec<f64>,
    arms: Vec<f64>,
}

/// The products of the modifiers at a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Levels<'a> {
    pub all: Level<'a>,
    pub arms: Option<ArmLevels<'a>>,
}

impl Block {
    /// The products of the modifiers now; `room` holds them where they differ between environments or arms.
    pub(super) fn levels<'a, F: Family>(&self, family: &F, room: &'a mut Rooms) -> Levels<'a> {
        let modifiers = family.modifiers();
        let all = self.level(family, &mut room.all);
        if modifiers.are_of_all_arms() {
            return Levels { all, arms: None };
        }
        room.arms.resize(family.spec().actions.arms() * self.len, 1.0);
        modifiers.multiply_arms(&self.elapsed, &self.walks, self.len, &mut room.arms);
        Levels { all, arms: Some(ArmLevels { values: &room.arms, len: self.len }) }
    }

    /// The product of the modifiers of all arms.
    fn level<'a, F: Family>(&self, family: &F, room: &'a mut Vec<f64>) -> Level<'a> {
        let modifiers = family.modifiers();
        if modifiers.is_empty() {
            return Level::Same(1.0);
        }
        let walks = || self.walks.iter().zip(modifiers.moving()).filter(|(_, (_, _, arms))| arms.is_empty());
        let shared = walks().filter(|(walk, _)| walk.len() == 1).fold(1.0, |level, (walk, _)| level * walk[0]);
        let own = walks().any(|(walk, _)| walk.len() > 1);
        if let (Some(t), false) = (self.common_elapsed(), own) {
            return Level::Same(modifiers.timed(t) * shared);
        }
        match self.common_elapsed() {
            Some(t) => room.resize(self.len, modifiers.timed(t) * shared),
            None => room.extend(self.elapsed.iter().map(|&t| modifiers.timed(t) * shared)),
        }
        for (walk, _) in walks().filter(|(walk, _)| walk.len() > 1) {
            room.iter_mut().zip(walk).for_each(|(level, value)| *level *= value);
        }
        Level::Each(room)
    }
}
