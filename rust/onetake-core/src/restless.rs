//! Restless chains: what one person's days look like to an oracle, and what attention is worth to them.
//!
//! A person moves by one chain when treated and by another when not, may be unavailable on a day (then nothing can be
//! done), and shares a budget with others. Pricing the budget at λ a treatment splits the people: each has a dynamic
//! program of its own, whose values add up to a bound on what any policy within the budget can earn.
//!
//! Sources: Whittle, *Restless bandits*, 1988; Hawkins, *A Lagrangian decomposition approach to weakly coupled dynamic
//! optimization problems*, 2003; Adelman and Mersereau, *Relaxations of weakly coupled stochastic dynamic programs*, 2008.

pub mod whittle;

/// A finite chain with several ways to move, the first of which is to be left alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chain {
    /// Number of states.
    pub states: usize,
    /// Number of actions.
    pub actions: usize,
    /// Chance to be available on a day.
    pub availability: f64,
    /// Expected reward of a day, action by action `(actions × states)`.
    pub rewards: Vec<f64>,
    /// Where the moves of each (action, state) begin in `moves`, with the end of the last `(actions × states + 1)`.
    pub offsets: Vec<usize>,
    /// Next states with their chances.
    pub moves: Vec<(u32, f64)>,
    /// Chance to start in each state.
    pub start: Vec<f64>,
}

impl Chain {
    /// The moves of a state under an action.
    pub fn moves(&self, action: usize, state: usize) -> &[(u32, f64)] {
        let place = action * self.states + state;
        &self.moves[self.offsets[place]..self.offsets[place + 1]]
    }

    /// Reward of a day and the mean of `next` after it.
    pub fn worth(&self, action: usize, state: usize, next: &[f64]) -> f64 {
        let later = self.moves(action, state).iter().fold(0.0, |sum, &(to, chance)| sum + chance * next[to as usize]);
        self.rewards[action * self.states + state] + later
    }
}

/// The chain of each day: the same every day, or one a day.
#[derive(Debug, Clone, Copy)]
pub struct Days<'a>(pub &'a [Chain]);

impl<'a> Days<'a> {
    /// The chain of day `t`.
    pub fn at(self, t: usize) -> &'a Chain {
        &self.0[if self.0.len() == 1 { 0 } else { t }]
    }
}

/// Value of a person's best days at prices, and how often they are treated on each.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Priced {
    /// Expected reward less prices paid.
    pub value: f64,
    /// Chance to be treated, by day.
    pub treated: Vec<f64>,
}

/// The dynamic program of one person who pays `prices[t]` for a treatment on day `t`.
pub fn priced(days: Days<'_>, prices: &[f64]) -> Priced {
    let states = days.at(0).states;
    let mut next = vec![0.0; states];
    let mut choice = vec![0_u32; prices.len() * states];
    for (t, price) in prices.iter().enumerate().rev() {
        let chain = days.at(t);
        let now = (0..states).map(|state| {
            let (best, value, alone) = chosen(chain, state, *price, &next);
            choice[t * states + state] = best as u32;
            chain.availability * value + (1.0 - chain.availability) * alone
        });
        next = now.collect();
    }
    let value = days.at(0).start.iter().zip(&next).map(|(chance, value)| chance * value).sum();
    Priced { value, treated: flow(days, &choice, prices.len()) }
}

/// The best action of an available person, its value less the price, and the value of being left alone.
pub fn chosen(chain: &Chain, state: usize, price: f64, next: &[f64]) -> (usize, f64, f64) {
    let alone = chain.worth(0, state, next);
    let (mut best, mut value) = (0, alone);
    for action in 1..chain.actions {
        let worth = chain.worth(action, state, next) - price;
        if worth > value {
            (best, value) = (action, worth);
        }
    }
    (best, value, alone)
}

/// Chance to be treated on each day under `choice`, `(days × states)`.
fn flow(days: Days<'_>, choice: &[u32], horizon: usize) -> Vec<f64> {
    let states = days.at(0).states;
    let mut here = days.at(0).start.clone();
    (0..horizon)
        .map(|t| {
            let (chain, mut there, mut treated) = (days.at(t), vec![0.0; states], 0.0);
            for state in 0..states {
                let action = choice[t * states + state] as usize;
                let available = if action == 0 { 0.0 } else { chain.availability * here[state] };
                treated += available;
                for (action, mass) in [(0, here[state] - available), (action, available)] {
                    if mass > 0.0 {
                        chain.moves(action, state).iter().for_each(|&(to, chance)| there[to as usize] += mass * chance);
                    }
                }
            }
            here = there;
            treated
        })
        .collect()
}

/// Rounds in which one price for all days is found, and in which each day gets its own.
const HALVINGS: usize = 24;
const ROUNDS: usize = 60;

/// Prices `(horizon,)` at which the bound of many people with `budget` treatments a day is small. `all` sums the dynamic
/// programs of the people at given prices. Any prices make a bound; these are near the best ones.
pub fn prices(horizon: usize, budget: f64, dearest: f64, all: impl Fn(&[f64]) -> Priced) -> Vec<f64> {
    let bound = |prices: &[f64], found: &Priced| found.value + budget * prices.iter().sum::<f64>();
    let free = vec![0.0; horizon];
    let found = all(&free);
    if found.treated.iter().all(|used| *used <= budget) {
        return free;
    }
    // The slope of the bound in one price for all days falls as the price rises.
    let (mut low, mut high) = (0.0, dearest);
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        let used: f64 = all(&vec![middle; horizon]).treated.iter().sum();
        if used > budget * horizon as f64 { low = middle } else { high = middle }
    }
    let mut now = vec![high; horizon];
    let (mut best, mut least) = (now.clone(), f64::INFINITY);
    let mut squares = vec![0.0; horizon];
    for round in 0..ROUNDS {
        let found = all(&now);
        let value = bound(&now, &found);
        if value < least {
            (best, least) = (now.clone(), value);
        }
        let pace = 0.3 * high / (1.0 + round as f64 / 10.0);
        for ((price, used), square) in now.iter_mut().zip(&found.treated).zip(&mut squares) {
            let excess = used - budget;
            *square += excess * excess;
            if *square > 0.0 {
                *price = (*price + pace * excess / libm::sqrt(*square)).max(0.0);
            }
        }
    }
    best
}
