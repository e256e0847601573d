//! Finite decision processes as sparse rows: one row of chances a pair of state and action.
//!
//! Backward induction over a horizon is the textbook's (Puterman, Markov Decision Processes, 1994, section 4.5):
//! `V(t, s) = max_a r(s, a) + Σ P(s' | s, a) V(t + 1, s')`, with `V(T, ·) = 0` and 0 in terminal states.

use crate::columns::Columns;
use crate::config::refuse;
use crate::error::Result;
use crate::rng::threshold;

/// How far from 1 the chances of a row may sum.
const SLACK: f64 = 1e-9;

/// The arrays of a process as they are given. Lists of transitions stand in the order of their pairs.
#[derive(Debug, Clone)]
pub struct Arrays {
    /// Actions of a state.
    pub actions: usize,
    /// Chance to start in each state.
    pub start: Vec<f64>,
    /// 1 where an episode ends, by state; empty for nowhere.
    pub terminal: Vec<f64>,
    /// Pair of each transition: `state × actions + action`.
    pub pair: Vec<f64>,
    /// State that each transition leads to.
    pub next: Vec<f64>,
    /// Chance of each transition.
    pub chance: Vec<f64>,
    /// Reward of each pair; empty for none.
    pub reward: Vec<f64>,
    /// Further reward of each transition; empty for none.
    pub transition_reward: Vec<f64>,
}

impl Arrays {
    /// Take the place of each array that was given as a table.
    pub fn replace(&mut self, columns: &mut Columns) {
        let fields = [
            ("start", &mut self.start),
            ("terminal", &mut self.terminal),
            ("pair", &mut self.pair),
            ("next", &mut self.next),
            ("chance", &mut self.chance),
            ("reward", &mut self.reward),
            ("transition_reward", &mut self.transition_reward),
        ];
        for (name, values) in fields {
            if let Some(given) = columns.table(name) {
                *values = given;
            }
        }
    }

    fn check_lengths(&self) -> Result<()> {
        let (states, transitions) = (self.start.len(), self.chance.len());
        let pairs = states * self.actions;
        let wanted = [
            ("pair", self.pair.len(), transitions, false),
            ("next", self.next.len(), transitions, false),
            ("transition_reward", self.transition_reward.len(), transitions, true),
            ("reward", self.reward.len(), pairs, true),
            ("terminal", self.terminal.len(), states, true),
        ];
        if self.actions == 0 || states == 0 || pairs > u32::MAX as usize || transitions > u32::MAX as usize {
            let got = format!("{states} states, {} actions, {transitions} transitions", self.actions);
            return Err(refuse("tabular", got, "at least one of each, fewer than 4294967296"));
        }
        match wanted.iter().find(|(_, len, want, optional)| len != want && !(*optional && *len == 0)) {
            Some((name, len, want, _)) => {
                Err(refuse(&format!("tabular.{name}"), format!("{len} values"), format!("{want}")))
            }
            None => Ok(()),
        }
    }
}

/// Where the transitions of a pair stand.
#[derive(Debug, Clone, Copy)]
struct Row {
    first: u32,
    /// First cell of the row's guide, which has `2^bits`.
    guide: u32,
    bits: u32,
}

/// A process, checked.
#[derive(Debug)]
pub struct Chain {
    /// Actions of a state.
    pub actions: usize,
    /// Whether an episode ends in a state.
    pub terminal: Vec<bool>,
    /// Mean reward of each pair.
    pub reward: Vec<f64>,
    /// Chance to start in each state.
    pub start: Vec<f64>,
    starts: Vec<u64>,
    rows: Vec<Row>,
    guide: Vec<u32>,
    next: Vec<u32>,
    chance: Vec<f64>,
    /// Last word that leads along each transition.
    last: Vec<u32>,
    paid: Vec<f64>,
}

impl Chain {
    /// Check the arrays and make the process.
    ///
    /// # Errors
    /// Names the array, or the state and action, that cannot be used.
    pub fn new(arrays: &Arrays) -> Result<Self> {
        arrays.check_lengths()?;
        let states = arrays.start.len();
        let terminal: Vec<bool> = match arrays.terminal.len() {
            0 => vec![false; states],
            _ => arrays.terminal.iter().map(|&flag| flag != 0.0).collect(),
        };
        let mut chain = Self {
            actions: arrays.actions,
            reward: Vec::with_capacity(states * arrays.actions),
            starts: starts(&arrays.start, &terminal)?,
            start: arrays.start.clone(),
            terminal,
            rows: Vec::new(),
            guide: Vec::new(),
            next: Vec::new(),
            chance: Vec::new(),
            last: Vec::new(),
            paid: Vec::new(),
        };
        let mut from = 0;
        for pair in 0..states * arrays.actions {
            let len = arrays.pair[from..].iter().take_while(|&&p| p == pair as f64).count();
            chain.add(arrays, pair, from..from + len)?;
            from += len;
        }
        if from < arrays.pair.len() {
            let wanted = format!("pairs in order, state × {} + action", arrays.actions);
            return Err(refuse(&format!("tabular.pair[{from}]"), arrays.pair[from], wanted));
        }
        Ok(chain)
    }

    /// Add the row of a pair: transitions without a word of their own are left out of the draws.
    fn add(&mut self, arrays: &Arrays, pair: usize, part: std::ops::Range<usize>) -> Result<()> {
        let (state, action) = (pair / self.actions, pair % self.actions);
        let row = Row { first: self.next.len() as u32, guide: self.guide.len() as u32, bits: 0 };
        let own = arrays.reward.get(pair).copied().unwrap_or(0.0);
        if self.terminal[state] {
            // Who waits there for others stays, for nothing: no value follows along a chance of 0.
            self.next.push(state as u32);
            self.chance.push(0.0);
            self.paid.push(0.0);
            self.last.push(u32::MAX);
            self.guide.push(row.first);
            self.rows.push(row);
            self.reward.push(0.0);
            return Ok(());
        }
        let at = |what: &str| format!("tabular.{what} of state {state} action {action}");
        let (mut before, mut mean) = (None, own);
        let total: f64 = arrays.chance[part.clone()].iter().sum();
        for j in part {
            let (next, chance) = (arrays.next[j], arrays.chance[j]);
            if !(0.0..=1.0 + SLACK).contains(&chance) {
                return Err(refuse(&at("chance"), chance, "chances in [0, 1]"));
            }
            if next.fract() != 0.0 || !(0.0..self.terminal.len() as f64).contains(&next) || before >= Some(next) {
                return Err(refuse(&at("next"), next, format!("states below {}, ascending", self.terminal.len())));
            }
            before = Some(next);
            let paid = arrays.transition_reward.get(j).copied().unwrap_or(0.0);
            mean += chance * paid;
            self.next.push(next as u32);
            self.chance.push(chance);
            self.paid.push(own + paid);
        }
        if (total - 1.0).abs() > SLACK {
            return Err(refuse(&at("chance"), format!("a sum of {total}"), "1"));
        }
        self.reward.push(mean);
        self.finish(row, total);
        Ok(())
    }

    fn finish(&mut self, mut row: Row, total: f64) {
        let first = row.first as usize;
        let (mut reached, mut without) = (0.0, 0);
        for chance in &self.chance[first..] {
            reached += chance;
            // First transitions that no word leads to would else take word 0.
            without += usize::from(threshold(reached / total) == 0);
            // The last word of a transition that no word leads to is that of the one before: it is never reached.
            self.last.push((threshold(reached / total).saturating_sub(1)).min(u64::from(u32::MAX)) as u32);
        }
        // Rounding leaves no word over; those after the last chance above 0 are never reached.
        let end = self.chance[first..].iter().rposition(|chance| *chance > 0.0).unwrap_or(0);
        self.last[first + end] = u32::MAX;
        row.bits = (self.next.len() - first).next_power_of_two().trailing_zeros();
        let mut place = first + without;
        for bucket in 0..1_u64 << row.bits {
            let word = (bucket << (32 - row.bits)) as u32;
            while self.last[place] < word {
                place += 1;
            }
            self.guide.push(place as u32);
        }
        self.rows.push(row);
    }

    /// Number of states.
    pub fn states(&self) -> usize {
        self.terminal.len()
    }

    /// The state that a word starts in.
    pub fn begin(&self, word: u32) -> usize {
        self.starts.partition_point(|bound| *bound <= u64::from(word))
    }

    /// The state that a word leads to from a pair, and what is paid: the first state whose summed chance passes it.
    #[inline]
    pub fn follow(&self, pair: usize, word: u32) -> (u32, f64) {
        let row = self.rows[pair];
        let bucket = (u64::from(word) >> (32 - row.bits)) as usize;
        let mut place = self.guide[row.guide as usize + bucket] as usize;
        while self.last[place] < word {
            place += 1;
        }
        (self.next[place], self.paid[place])
    }

    /// Least and largest reward of a step.
    pub fn bounds(&self) -> (f64, f64) {
        self.paid.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &paid| (a.min(paid), b.max(paid)))
    }

    /// Value of a pair when `later` `(states,)` follows.
    pub fn value(&self, pair: usize, later: &[f64]) -> f64 {
        let first = self.rows[pair].first as usize;
        let end = self.rows.get(pair + 1).map_or(self.next.len(), |row| row.first as usize);
        let follows = self.next[first..end].iter().zip(&self.chance[first..end]);
        self.reward[pair] + follows.map(|(next, chance)| chance * later[*next as usize]).sum::<f64>()
    }

    /// Values of the best policy `(horizon + 1, states)`, with `t` steps done in row `t`.
    pub fn best(&self, horizon: usize) -> Vec<f64> {
        self.backward(horizon, |state, later| {
            let pairs = state * self.actions..(state + 1) * self.actions;
            pairs.map(|pair| self.value(pair, later)).fold(f64::NEG_INFINITY, f64::max)
        })
    }

    /// Values of actions drawn evenly, as [`Chain::best`].
    pub fn random(&self, horizon: usize) -> Vec<f64> {
        self.backward(horizon, |state, later| {
            let pairs = state * self.actions..(state + 1) * self.actions;
            pairs.map(|pair| self.value(pair, later)).sum::<f64>() / self.actions as f64
        })
    }

    /// Values of one action throughout, as [`Chain::best`].
    pub fn always(&self, action: usize, horizon: usize) -> Vec<f64> {
        self.backward(horizon, |state, later| self.value(state * self.actions + action, later))
    }

    fn backward(&self, horizon: usize, now: impl Fn(usize, &[f64]) -> f64) -> Vec<f64> {
        let states = self.states();
        let mut values = vec![0.0; (horizon + 1) * states];
        for t in (0..horizon).rev() {
            let (earlier, later) = values.split_at_mut((t + 1) * states);
            for (state, value) in earlier[t * states..].iter_mut().enumerate() {
                *value = now(state, &later[..states]);
            }
        }
        values
    }

    /// Mean over the start of the first row of `values`.
    pub fn from_start(&self, values: &[f64]) -> f64 {
        self.start.iter().zip(values).map(|(chance, value)| chance * value).sum()
    }
}

/// The words up to each state's start, by state.
fn starts(start: &[f64], terminal: &[bool]) -> Result<Vec<u64>> {
    let total: f64 = start.iter().sum();
    let fits = |(chance, over): (&f64, &bool)| *chance >= 0.0 && (*chance == 0.0 || !over);
    if let Some(state) = start.iter().zip(terminal).position(|cell| !fits(cell)) {
        let wanted = "chances, at least 0, and 0 where an episode ends";
        return Err(refuse(&format!("tabular.start of state {state}"), start[state], wanted));
    }
    if (total - 1.0).abs() > SLACK {
        return Err(refuse("tabular.start", format!("a sum of {total}"), "1"));
    }
    let mut reached = 0.0;
    let sum = |chance: &f64| {
        reached += chance;
        threshold(reached / total)
    };
    let mut bounds: Vec<u64> = start.iter().map(sum).collect();
    let end = start.iter().rposition(|chance| *chance > 0.0).unwrap_or(0);
    bounds[end..].fill(1 << 32);
    Ok(bounds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrays() -> Arrays {
        Arrays {
            actions: 1,
            start: vec![0.5, 0.5, 0.0],
            terminal: vec![0.0, 0.0, 1.0],
            pair: vec![0.0, 0.0, 0.0, 1.0],
            next: vec![0.0, 1.0, 2.0, 2.0],
            chance: vec![0.25, 0.25, 0.5, 1.0],
            reward: vec![1.0, 2.0, 0.0],
            transition_reward: vec![0.0, 0.0, 4.0, 0.0],
        }
    }

    #[test]
    fn words_lead_where_summed_chances_say() -> Result<()> {
        let chain = Chain::new(&arrays())?;
        let quarter = 1_u32 << 30;
        let ends = [(0, 0), (quarter - 1, 0), (quarter, 1), (2 * quarter - 1, 1), (2 * quarter, 2), (u32::MAX, 2)];
        for (word, state) in ends {
            assert_eq!(chain.follow(0, word).0, state, "{word}");
        }
        assert_eq!((chain.begin(0), chain.begin(u32::MAX)), (0, 1));
        Ok(())
    }

    #[test]
    fn values_of_two_steps_are_those_on_paper() -> Result<()> {
        let chain = Chain::new(&arrays())?;
        // One step: 1 + 0.5 × 4 = 3 and 2; two: 3 + 0.25 × 3 + 0.25 × 2 = 4.25 and 2.
        assert_eq!(chain.best(2), [4.25, 2.0, 0.0, 3.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(chain.from_start(&chain.always(0, 2)), 3.125);
        Ok(())
    }

    #[test]
    fn a_row_that_does_not_sum_to_one_is_named() {
        let mut broken = arrays();
        broken.chance[3] = 0.9;
        let text = Chain::new(&broken).err().map(|e| e.to_string()).unwrap_or_default();
        assert_eq!(text, "tabular.chance of state 1 action 0: got a sum of 0.9; wanted 1");
    }
}
