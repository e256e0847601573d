//! Who of a block is there, and what of its outcomes has arrived.

use super::{Block, Rooms, Slot, Turn};
use crate::delay::{self, Arrived, Outstanding, Shown};
use crate::family::{Family, Rows, State};

impl Block {
    /// Whether environment `i` is there at the coming step.
    pub fn there(&self, i: usize) -> bool {
        self.stays.is_empty() || self.stays[i].covers(self.elapsed(i))
    }

    /// What arrived at the last step, where outcomes may be late.
    pub fn arrived(&self) -> Option<&Arrived> {
        self.late.as_ref().map(Outstanding::arrived)
    }

    /// Whether environment `i` can neither act nor earn: it has ended, or is not there.
    pub(super) fn idle(&self, i: usize) -> bool {
        self.over(i) || !self.there(i)
    }

    pub(super) fn none_idle(&self) -> bool {
        self.first_over().is_none() && self.stays.is_empty()
    }

    /// Nothing is seen of those who are not there.
    pub(super) fn hide_absent<F: Family>(&self, turn: Turn<'_, F>, obs: &mut [f32]) {
        for (i, own) in obs.chunks_exact_mut(turn.family.spec().observations.len()).enumerate() {
            if !self.there(i) {
                own.fill(0.0);
            }
        }
    }

    /// After a step, start those who enter and hide those who are gone.
    pub(super) fn come_and_go<F: Family>(&mut self, turn: Turn<'_, F>, obs: &mut [f32]) {
        if self.stays.is_empty() {
            return;
        }
        let enters = |i: &u32| self.stays[*i as usize].enters == self.elapsed(*i as usize);
        let rows: Vec<u32> = (0..self.len as u32).filter(enters).collect();
        if !rows.is_empty() {
            let mut room = Rooms::default();
            let levels = self.levels(turn.family, &mut room);
            let mut values = std::mem::take(&mut self.state);
            let mut state = State { values: &mut values, len: self.len };
            turn.family.reset(&self.run(turn, levels), Rows::These(&rows), &mut state, obs);
            self.state = values;
        }
        self.hide_absent(turn, obs);
    }

    /// Keep back what the coming decisions earn, and show what is due of it.
    pub(super) fn keep_back<F: Family>(&mut self, turn: Turn<'_, F>, slot: &mut Slot<'_>) {
        let (Some(law), Some(mut late)) = (&turn.extras.delay, self.late.take()) else { return };
        let mut words = vec![0; self.len];
        turn.key.fill(delay::SLOT, 0, turn.step, self.replicate, self.entity, &mut words);
        let spec = turn.family.spec();
        let width = spec.observations.len();
        let mut shown = Shown { obs: slot.obs, width, places: F::OUTCOMES, reward: slot.reward };
        late.keep(law, turn.step, &words, |i| (!self.idle(i)).then(|| self.elapsed(i)), &mut shown);
        let ends = |i| spec.horizon.is_some_and(|horizon| self.elapsed(i) + 1 >= horizon);
        late.deliver(turn.step, self.row, ends, &mut shown);
        self.late = Some(late);
    }

    /// Environments that have ended, or are not there, earn nothing.
    pub(super) fn silence(&self, values: &mut [f64]) {
        if self.none_idle() {
            return;
        }
        for (place, value) in values.iter_mut().enumerate() {
            if self.idle(place % self.len) {
                *value = 0.0;
            }
        }
    }
}
