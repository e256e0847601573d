//! What a step may not do: come before a reset, play arms that are barred, more than a budget, larger changes than a limit.

use super::{Batch, each};
use crate::block::Block;
use crate::error::{Error, Result};
use crate::family::{Actions, Family};
use crate::simulator::AutoReset;

impl<F: Family> Batch<F> {
    /// Refuse a step while a reset is due that only the caller may make, and one that the clock cannot count.
    pub(super) fn due(&self) -> Result<()> {
        self.ready("step")?;
        if self.layout.mode == AutoReset::Wait && self.blocks.iter().all(Block::all_over) {
            return Err(Error::NotReady {
                what: "step".into(),
                need: "every environment has ended; wanted none, since this batch gives one take".into(),
            });
        }
        if self.layout.mode == AutoReset::Disabled
            && let Some(row) = self.blocks.iter().find_map(|b| b.first_over().map(|i| b.row + i))
        {
            let need = format!("environment {row} has ended; reset it first");
            return Err(Error::NotReady { what: "step".into(), need });
        }
        if self.clock == u32::MAX {
            let need = "the clock is at its end; reset with a seed".to_string();
            return Err(Error::NotReady { what: "step".into(), need });
        }
        Ok(())
    }

    /// Refuse arms that are not allowed, and more than a hard budget; give each replicate's excess over a soft one.
    pub(super) fn check_limits(&self, actions: Actions<'_>) -> Result<Vec<u64>> {
        let arms = actions.arms();
        if self.family.masks() {
            let (count, turn) = (self.family.spec().actions.arms(), self.turn());
            let mut tasks: Vec<_> = self.blocks.iter().map(|block| (block, None)).collect();
            each(self.pool.as_ref(), self.layout.shape.rows(), &mut tasks, |(block, refused)| {
                let mut allowed = vec![true; block.len * count];
                block.allowed(turn, &mut allowed);
                let own = &arms[block.row..block.row + block.len];
                let barred = |(i, &arm): (usize, &u32)| !allowed[arm as usize * block.len + i];
                *refused = own.iter().enumerate().position(barred).map(|i| block.row + i);
            });
            if let Some(row) = tasks.iter().find_map(|(_, refused)| *refused) {
                let wanted = "an arm that the action mask allows".to_string();
                return Err(Error::Shape { what: format!("actions[{row}]"), got: arms[row].to_string(), wanted });
            }
        }
        let Some(budget) = self.family.budget() else { return self.count_breaches(actions) };
        let mut used = vec![0; self.layout.shape.replicates];
        for block in &self.blocks {
            let active = |&i: &usize| arms[block.row + i] > 0 && !block.over(i);
            used[block.replicate_row] += (0..block.len).filter(active).count();
        }
        if let (true, Some(row)) = (budget.hard, used.iter().position(|&used| used > budget.most)) {
            return Err(Error::Shape {
                what: format!("actions of replicate {}", self.layout.first_replicate as usize + row),
                got: format!("{} interventions", used[row]),
                wanted: format!("at most {}, its budget a step", budget.most),
            });
        }
        Ok(used.into_iter().map(|used| used.saturating_sub(budget.most) as u64).collect())
    }

    /// Refuse actions that break a hard limit; give each replicate's number of those that break a soft one.
    fn count_breaches(&self, actions: Actions<'_>) -> Result<Vec<u64>> {
        let mut counts = Vec::new();
        for block in &self.blocks {
            let own = actions.part(block.row, block.len);
            let Some(found) = block.breaches(self.turn(), own) else { break };
            if let (true, Some(&i)) = (found.hard, found.rows.first()) {
                let got = match own {
                    Actions::Arms(arms) => arms[i].to_string(),
                    Actions::Points { values, width } => format!("{:?}", &values[i * width..(i + 1) * width]),
                };
                return Err(Error::Shape {
                    what: format!("actions[{}]", block.row + i),
                    got,
                    wanted: found.wanted.into(),
                });
            }
            counts.resize(self.layout.shape.replicates, 0);
            counts[block.replicate_row] += found.rows.len() as u64;
        }
        Ok(counts)
    }
}
