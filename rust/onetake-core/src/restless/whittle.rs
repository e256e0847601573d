//! Whittle indices of a discounted chain: the price at which a treatment is just not worth it, state by state.
//!
//! At the price −∞ everybody is treated. As it rises, the best policy changes one state at a time, and the value of a
//! policy is linear in the price, so each change is found exactly by one linear system: a parametric dynamic program.
//! A chain is indexable where no state that was given up is ever taken up again; that is checked at every change.
//!
//! Source: Whittle, *Restless bandits*, 1988; Niño-Mora, *A fast-pivoting algorithm for Whittle's restless bandit
//! index*, Mathematics 2020.

use super::Chain;

/// Indices of a chain's states.
#[derive(Debug, Clone, PartialEq)]
pub struct Indices {
    /// One a state.
    pub values: Vec<f64>,
    /// Whether the price at which a state is given up is one number for each state.
    pub indexable: bool,
}

/// Indices of the environments of a batch; environments that are alike share them.
#[derive(Debug, Clone, PartialEq)]
pub struct Whittle {
    /// Indices `(kinds × states)`, kind by kind; a kind with fewer states has NaN behind its own.
    pub table: Vec<f64>,
    /// Most states of a kind.
    pub states: usize,
    /// Kind of each environment `(n,)`.
    pub kind: Vec<u32>,
    /// Whether each kind is indexable.
    pub indexable: Vec<bool>,
}

/// The indices of a chain with two actions at a discount below 1.
pub fn indices(chain: &Chain, discount: f64) -> Indices {
    let states = chain.states;
    let scale = chain.rewards.iter().fold(1e-12_f64, |a, r| a.max(r.abs()));
    let (mut active, mut values) = (vec![true; states], vec![f64::NAN; states]);
    let (mut price, mut indexable) = (f64::NEG_INFINITY, true);
    for _ in 0..states {
        let lines = advantages(chain, discount, &active);
        let mut leaving: Option<(f64, usize)> = None;
        for state in (0..states).filter(|&s| active[s] && lines[s].1 > 0.0) {
            let root = (lines[state].0 / lines[state].1).max(price);
            if leaving.is_none_or(|(least, _)| root < least) {
                leaving = Some((root, state));
            }
        }
        let Some((root, state)) = leaving else { break };
        let back = |s: usize| {
            let (constant, slope) = lines[s];
            !active[s] && constant - root * slope > 1e-9 * scale * (1.0 + slope.abs()) / (1.0 - discount)
        };
        indexable &= !(0..states).any(back);
        active[state] = false;
        values[state] = root;
        price = root;
    }
    // At the price +∞ nobody is treated; a state that would still be, or that would be again, has no index.
    let last = advantages(chain, discount, &active);
    indexable &= values.iter().all(|v| v.is_finite()) && last.iter().all(|line| line.1 > -1e-9);
    values.iter_mut().filter(|v| !v.is_finite()).for_each(|v| *v = price.max(-f64::MAX));
    Indices { values, indexable }
}

/// What a treatment is worth in each state beyond none, as (constant, slope): constant − price × slope, where the states
/// of `active` are treated ever after.
fn advantages(chain: &Chain, discount: f64, active: &[bool]) -> Vec<(f64, f64)> {
    let states = chain.states;
    let width = states + 2;
    let mut rows = vec![0.0; states * width];
    for (state, row) in rows.chunks_exact_mut(width).enumerate() {
        let chance = if active[state] { chain.availability } else { 0.0 };
        for (action, weight) in [(0, 1.0 - chance), (1, chance)] {
            chain.moves(action, state).iter().for_each(|&(to, p)| row[to as usize] -= discount * weight * p);
            row[states] += weight * chain.rewards[action * states + state];
        }
        row[state] += 1.0;
        row[states + 1] = chance;
    }
    solve(&mut rows, states);
    let mean = |action: usize, state: usize, column: usize| {
        let moves = chain.moves(action, state).iter();
        moves.fold(0.0, |sum, &(to, p)| sum + p * rows[to as usize * width + column])
    };
    (0..states)
        .map(|s| {
            let gain = chain.rewards[states + s] - chain.rewards[s];
            let constant = gain + discount * (mean(1, s, states) - mean(0, s, states));
            (constant, 1.0 + discount * (mean(1, s, states + 1) - mean(0, s, states + 1)))
        })
        .collect()
}

/// Solve in place: `rows` holds a matrix and two right-hand sides; row sums of its inverse are bounded, since it is
/// diagonally dominant, so no row is ever exchanged.
fn solve(rows: &mut [f64], states: usize) {
    let width = states + 2;
    for pivot in 0..states {
        let (above, below) = rows.split_at_mut((pivot + 1) * width);
        let row = &mut above[pivot * width..];
        let scale = 1.0 / row[pivot];
        row[pivot..].iter_mut().for_each(|v| *v *= scale);
        for other in below.chunks_exact_mut(width) {
            let factor = other[pivot];
            if factor != 0.0 {
                other[pivot..].iter_mut().zip(&row[pivot..]).for_each(|(v, p)| *v -= factor * p);
            }
        }
    }
    for pivot in (1..states).rev() {
        let (above, row) = rows.split_at_mut(pivot * width);
        let solved = [row[states], row[states + 1]];
        for other in above.chunks_exact_mut(width) {
            let factor = other[pivot];
            other[states] -= factor * solved[0];
            other[states + 1] -= factor * solved[1];
        }
    }
}
