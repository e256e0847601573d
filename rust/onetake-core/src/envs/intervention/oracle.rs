//! What the evaluator knows of people: what their days could be worth, at most, within the budget.

use std::collections::HashMap;

use rayon::ThreadPool;
use rayon::prelude::*;

use super::{Intervention, Who};
use crate::columns::{Param, Shape};
use crate::family::{Family, Run, StartValues};
use crate::modifiers::Level;
use crate::restless::whittle::{Whittle, indices};
use crate::restless::{Chain, Days, Priced, chosen, priced, prices};
use crate::rng::{Key, Stream};

/// Most kinds of people by whom the prices of a budget are found; any prices make a bound, for all.
const SAMPLE: usize = 500;

/// People who are alike: one of each kind, how many there are, and which kind each environment is.
struct Kinds {
    rows: Vec<usize>,
    counts: Vec<f64>,
    of: Vec<u32>,
}

impl Kinds {
    /// The kinds of `count` environments from `first` on.
    fn new(family: &Intervention, entities: usize, first: usize, count: usize) -> Self {
        let mut params: Vec<&Param> = match &family.who {
            Who::People(people) => people.params().iter().collect(),
            Who::Chains(arrays) => arrays.params().iter().collect(),
        };
        params.push(&family.availability);
        let (mut known, mut rows, mut counts) = (HashMap::new(), Vec::new(), Vec::new());
        let of = (first..first + count).map(|row| {
            let own: Vec<u64> = params.iter().map(|p| p.values()[p.place(row, entities)].to_bits()).collect();
            let kind = *known.entry(own).or_insert_with(|| {
                rows.push(row);
                counts.push(0.0);
                rows.len() - 1
            });
            counts[kind] += 1.0;
            kind as u32
        });
        let of = of.collect();
        Self { rows, counts, of }
    }

    /// Some of the kinds, evenly spread, so weighted that they stand for all.
    fn sample(&self) -> Vec<(usize, f64)> {
        let (len, some) = (self.rows.len(), self.rows.len().min(SAMPLE));
        let places: Vec<usize> = (0..some).map(|j| j * len / some).collect();
        let scale = self.counts.iter().sum::<f64>() / places.iter().map(|&j| self.counts[j]).sum::<f64>();
        places.into_iter().map(|j| (self.rows[j], self.counts[j] * scale)).collect()
    }
}

impl Intervention {
    /// The chain of environment `row` on the days from 0 on: one where the days are alike.
    fn days(&self, row: usize, entities: usize) -> Vec<Chain> {
        self.levels().into_iter().map(|level| self.chain(&alone(row, entities), 0, level)).collect()
    }

    /// Products of the modifiers by day: one where the days are alike.
    fn levels(&self) -> Vec<f64> {
        let levels: Vec<f64> = (0..self.days_of_episode() as u32).map(|t| self.modifiers.timed(t)).collect();
        if levels.iter().all(|level| *level == levels[0]) { levels[..1].to_vec() } else { levels }
    }

    fn chain(&self, run: &Run<'_>, i: usize, level: f64) -> Chain {
        let run = Run { level: Level::Same(level), ..*run };
        let available = run.cells(&self.availability).at(i, 0);
        match &self.who {
            Who::People(people) => people.chain(&run, i, available),
            Who::Chains(arrays) => arrays.chain(&run, i, available),
        }
    }

    /// State of environment `i` in its chain, and whether it is available.
    fn place(&self, run: &Run<'_>, state: &[f64], i: usize) -> (usize, bool) {
        let here = match &self.who {
            Who::People(people) => people.place(state[i], state[run.len + i], state[2 * run.len + i]),
            Who::Chains(_) => state[i] as usize,
        };
        (here, state[(self.state().len() - 1) * run.len + i] > 0.0)
    }

    fn days_of_episode(&self) -> usize {
        self.spec().horizon.unwrap_or(1) as usize
    }
}

/// Environment `row` by itself.
fn alone(row: usize, entities: usize) -> Run<'static> {
    Run {
        key: Key::new(0, Stream::ENVIRONMENT),
        step: 0,
        replicate: 0,
        entity: 0,
        len: 1,
        entity_row: row % entities,
        row,
        arm_levels: None,
        level: Level::Same(1.0),
        elapsed: &[0],
    }
}

/// Do `work` on every item, on the pool's threads where there are any; results stand in the order of the items.
fn each<T: Sync, U: Send>(pool: Option<&ThreadPool>, items: &[T], work: impl Fn(&T) -> U + Sync + Send) -> Vec<U> {
    match pool {
        Some(pool) => pool.install(|| items.par_iter().map(work).collect()),
        None => items.iter().map(work).collect(),
    }
}

/// The dearest a treatment can be: what a person can gain in all, at most.
fn dearest(days: &[Vec<Chain>], horizon: usize) -> f64 {
    let spread = days.iter().flatten().flat_map(|chain| &chain.rewards).fold(0.0_f64, |most, r| most.max(r.abs()));
    2.0 * spread * horizon as f64
}

/// Values of whole episodes, each environment with an even share of what its replicate's budget is priced at.
pub(super) fn start_values(family: &Intervention, shape: Shape, pool: Option<&ThreadPool>) -> StartValues {
    let mut best = Vec::with_capacity(shape.rows());
    for replicate in 0..shape.replicates {
        let first = replicate * shape.entities;
        let kinds = Kinds::new(family, shape.entities, first, shape.entities);
        let prices = prices_of(family, &kinds, shape, pool);
        let budget = family.budget().map_or(0.0, |budget| budget.most as f64);
        let share = budget * prices.iter().sum::<f64>() / shape.entities as f64;
        let values = each(pool, &kinds.rows, |&row| priced(Days(&family.days(row, shape.entities)), &prices).value);
        best.extend(kinds.of.iter().map(|&kind| values[kind as usize] + share));
        if !differs(family) {
            break;
        }
    }
    let one = best.clone();
    while best.len() < shape.rows() {
        best.extend(&one);
    }
    StartValues { best, ..StartValues::default() }
}

/// Whether replicates differ in the parameters of their people.
fn differs(family: &Intervention) -> bool {
    let own = match &family.who {
        Who::People(people) => people.params(),
        Who::Chains(arrays) => arrays.params(),
    };
    own.iter().any(Param::differs_between_replicates) || family.availability.differs_between_replicates()
}

/// Prices at which the bound is small; none where there is no hard budget.
fn prices_of(family: &Intervention, kinds: &Kinds, shape: Shape, pool: Option<&ThreadPool>) -> Vec<f64> {
    let horizon = family.days_of_episode();
    let Some(budget) = family.budget().filter(|budget| budget.hard) else { return vec![0.0; horizon] };
    let sample = kinds.sample();
    let days: Vec<Vec<Chain>> = each(pool, &sample, |&(row, _)| family.days(row, shape.entities));
    let people: Vec<(&[Chain], f64)> = days.iter().map(Vec::as_slice).zip(sample.iter().map(|s| s.1)).collect();
    prices(horizon, budget.most as f64, dearest(&days, horizon), |prices| {
        let found = each(pool, &people, |(days, weight)| (priced(Days(days), prices), *weight));
        let mut all = Priced { value: 0.0, treated: vec![0.0; horizon] };
        for (one, weight) in found {
            all.value += weight * one.value;
            all.treated.iter_mut().zip(&one.treated).for_each(|(sum, treated)| *sum += weight * treated);
        }
        all
    })
}

/// Worth of each arm with the best days after it, had each person a budget of their own: `(k, len)`.
pub(super) fn values(family: &Intervention, run: &Run<'_>, state: &[f64], out: &mut [f64]) {
    let horizon = family.days_of_episode();
    for i in 0..run.len {
        let today = run.elapsed(i) as usize;
        let days: Vec<Chain> = family.levels().iter().map(|&level| family.chain(run, i, level)).collect();
        let days = Days(&days);
        let mut next = vec![0.0; days.at(0).states];
        for t in (today + 1..horizon).rev() {
            let chain = days.at(t);
            let now = (0..chain.states).map(|state| {
                let (_, value, alone) = chosen(chain, state, 0.0, &next);
                chain.availability * value + (1.0 - chain.availability) * alone
            });
            next = now.collect();
        }
        let (here, available) = family.place(run, state, i);
        for arm in 0..days.at(0).actions {
            let chain = days.at(today.min(horizon - 1));
            out[arm * run.len + i] = chain.worth(if available { arm } else { 0 }, here, &next);
        }
    }
}

/// Whittle indices of every environment, where there are two actions.
pub(super) fn whittle(family: &Intervention, shape: Shape, discount: f64, pool: Option<&ThreadPool>) -> Option<Whittle> {
    if family.spec().actions.arms() != 2 {
        return None;
    }
    let kinds = Kinds::new(family, shape.entities, 0, shape.rows());
    let found = each(pool, &kinds.rows, |&row| indices(&family.chain(&alone(row, shape.entities), 0, 1.0), discount));
    let states = found.iter().map(|one| one.values.len()).max().unwrap_or(0);
    let mut table = vec![f64::NAN; found.len() * states];
    for (row, one) in table.chunks_exact_mut(states).zip(&found) {
        row[..one.values.len()].copy_from_slice(&one.values);
    }
    Some(Whittle { table, states, kind: kinds.of, indexable: found.iter().map(|one| one.indexable).collect() })
}
