//! Sellers who learn their prices by tabular Q-learning, played to convergence: one session after the other.
//!
//! The state is every seller's rung in the last `memory` periods. Q starts at the discounted profit against opponents
//! who price evenly at random; with chance `exp(-β t)` a seller draws a rung evenly, else it plays its greedy one (the
//! lowest of equals); all update at the same time. A session has converged when no seller's greedy rung has changed in
//! any state for `patience` periods; greedy play then runs into a cycle, over which profits are averaged.
//!
//! Source: Calvano et al. 2020, sections II and III. Slots of the agents' stream: 0 exploration (entity is the seller,
//! replicate the session; one word tells whether to explore and, scaled, which rung), 1 first state.

use serde::{Deserialize, Serialize};

use super::{Market, SELLERS};
use crate::config::{self, refuse};
use crate::dispatch::{self, Kernel};
use crate::error::Result;
use crate::rng::{Key, Stream, philox_four, threshold};
use crate::special::exp;
use crate::workers;

const EXPLORE: u32 = 0;
const FIRST: u32 = 1;
/// Periods whose words are drawn together.
const RUN: usize = 64;
/// Most numbers of all Q tables of a session.
const LARGEST: usize = 1 << 26;

/// Settings of the learners.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Learner {
    /// Learning rate α.
    pub learning_rate: f64,
    /// Decay β of exploration a period.
    pub exploration_decay: f64,
    /// Discount factor δ.
    pub discount: f64,
    /// Periods without a change of any greedy rung after which a session has converged.
    pub patience: u32,
    /// Periods after which a session is given up.
    pub max_periods: u32,
}

impl Default for Learner {
    fn default() -> Self {
        Self {
            learning_rate: 0.15,
            exploration_decay: 4e-6,
            discount: 0.95,
            patience: 100_000,
            max_periods: 100_000_000,
        }
    }
}

impl Learner {
    /// Read settings from JSON.
    ///
    /// # Errors
    /// Names the setting that cannot be used.
    pub fn new(json: &str) -> Result<Self> {
        let own: Self = config::parse("learner", json)?;
        let within = |field: &str, value: f64, good: bool, wanted: &str| {
            if good { Ok(()) } else { Err(refuse(&format!("learner.{field}"), value, wanted)) }
        };
        let (alpha, beta, delta) = (own.learning_rate, own.exploration_decay, own.discount);
        within("learning_rate", alpha, alpha > 0.0 && alpha <= 1.0, "a number in (0, 1]")?;
        within("exploration_decay", beta, beta > 0.0 && beta <= 1.0, "a number in (0, 1]")?;
        within("discount", delta, (0.0..1.0).contains(&delta), "a number in [0, 1)")?;
        within("patience", f64::from(own.patience), own.patience > 0, "at least 1")?;
        within("max_periods", f64::from(own.max_periods), own.max_periods > 0, "at least 1")?;
        Ok(own)
    }
}

/// How a session ended.
#[derive(Debug, Clone)]
pub struct Session {
    /// Whether greedy rungs came to rest in time.
    pub converged: bool,
    /// Periods that were played.
    pub periods: u32,
    /// Length of the cycle of greedy play.
    pub cycle: u32,
    /// The state in which learning ended.
    pub state: u32,
    /// Mean price of each seller over the cycle.
    pub price: Vec<f64>,
    /// Mean profit of each seller over the cycle.
    pub profit: Vec<f64>,
    /// Greedy rungs `(sellers, states)`.
    pub strategy: Vec<u8>,
}

/// Play `count` sessions with ids from `first` on.
///
/// # Errors
/// Refuses markets whose tables do not fit, whose demand is shaken, and settings that cannot be used.
pub fn sessions(
    market: &Market,
    learner: &Learner,
    seed: u64,
    first: u32,
    count: usize,
    threads: usize,
) -> Result<Vec<Session>> {
    if market.config.shock > 0.0 {
        return Err(refuse("market.shock", market.config.shock, "0, since learners in tables know mean profits"));
    }
    let (n, m) = (market.sellers(), market.prices());
    let power = u32::try_from(n).unwrap_or(u32::MAX) * market.config.memory;
    let states = m.checked_pow(power).filter(|s| s.saturating_mul(m * n) <= LARGEST);
    let joint = m.checked_pow(n as u32).filter(|j| j.saturating_mul(n) <= LARGEST);
    let (Some(states), Some(joint)) = (states, joint) else {
        let got = format!("{n} sellers, {m} prices, memory {}", market.config.memory);
        return Err(refuse("market", got, format!("tables of at most {LARGEST} numbers")));
    };
    let table = profit_table(market, joint);
    let game = Game { market, learner, table: &table, states, joint, key: Key::new(seed, Stream::AGENT) };
    let one = |i: usize| game.session(first + i as u32);
    Ok(match workers::pool(threads)? {
        Some(pool) => pool.install(|| {
            use rayon::prelude::*;
            (0..count).into_par_iter().with_max_len(1).map(one).collect()
        }),
        None => (0..count).map(one).collect(),
    })
}

/// Profits of all sellers at every combination of rungs `(joint, sellers)`; the first seller's rung counts most.
fn profit_table(market: &Market, joint: usize) -> Vec<f64> {
    let (n, m) = (market.sellers(), market.prices());
    let (mut out, mut arms) = (vec![0.0; joint * n], vec![0; n]);
    for (j, profits) in out.chunks_exact_mut(n).enumerate() {
        let mut rest = j;
        for arm in arms.iter_mut().rev() {
            (*arm, rest) = ((rest % m) as u32, rest / m);
        }
        market.profits(&arms, profits);
    }
    out
}

#[derive(Clone, Copy)]
struct Game<'a> {
    market: &'a Market,
    learner: &'a Learner,
    table: &'a [f64],
    states: usize,
    joint: usize,
    key: Key,
}

/// One seller's table, with the greedy rung of each state and its value.
struct Seller {
    q: Vec<f64>,
    greedy: Vec<u8>,
    top: Vec<f64>,
}

impl Game<'_> {
    fn session(&self, id: u32) -> Session {
        let mut sellers: Vec<Seller> = (0..self.market.sellers()).map(|i| self.seller(i)).collect();
        let word = self.key.word(FIRST, 0, 0, 0, id);
        let mut state = ((u64::from(word) * self.states as u64) >> 32) as usize;
        let (mut period, mut changed) = (0, 0);
        let limit = self.learner.max_periods;
        while period < limit && period - changed < self.learner.patience {
            let left = (limit - period).min(self.learner.patience - (period - changed));
            let run = (left as usize).min(RUN);
            let played = Played { game: *self, id, period, run, state, changed, sellers: &mut sellers };
            (state, changed) = match self.market.sellers() {
                2 => dispatch::run(Exactly::<2>(played)),
                3 => dispatch::run(Exactly::<3>(played)),
                4 => dispatch::run(Exactly::<4>(played)),
                5 => dispatch::run(Exactly::<5>(played)),
                _ => dispatch::run(Exactly::<SELLERS>(played)),
            };
            period += run as u32;
        }
        self.ended(&sellers, state, period, period - changed >= self.learner.patience)
    }

    fn seller(&self, own: usize) -> Seller {
        let (n, m) = (self.market.sellers(), self.market.prices());
        let stride = m.pow((n - 1 - own) as u32);
        let mut mean = vec![0.0; m];
        for (j, profits) in self.table.chunks_exact(n).enumerate() {
            mean[j / stride % m] += profits[own];
        }
        let share = m as f64 / self.joint as f64 / (1.0 - self.learner.discount);
        for x in &mut mean {
            *x *= share;
        }
        let (best, top) = greedy(&mean);
        Seller { q: mean.repeat(self.states), greedy: vec![best; self.states], top: vec![top; self.states] }
    }

    /// Follow greedy play from `state` into its cycle.
    fn ended(&self, sellers: &[Seller], mut state: usize, periods: u32, converged: bool) -> Session {
        let (n, m, last) = (self.market.sellers(), self.market.prices(), state);
        let mut met = vec![u32::MAX; self.states];
        let mut path = Vec::new();
        while met[state] == u32::MAX {
            met[state] = path.len() as u32;
            let joint = sellers.iter().fold(0, |j, seller| j * m + usize::from(seller.greedy[state]));
            path.push(joint);
            state = self.next(state, joint);
        }
        let cycle = &path[met[state] as usize..];
        let (mut price, mut profit) = (vec![0.0; n], vec![0.0; n]);
        for &joint in cycle {
            for i in 0..n {
                let arm = joint / m.pow((n - 1 - i) as u32) % m;
                price[i] += self.market.ladder[i * m + arm] / cycle.len() as f64;
                profit[i] += self.table[joint * n + i] / cycle.len() as f64;
            }
        }
        let strategy = sellers.iter().flat_map(|seller| seller.greedy.iter().copied()).collect();
        Session { converged, periods, cycle: cycle.len() as u32, state: last as u32, price, profit, strategy }
    }

    #[inline(always)]
    fn next(&self, state: usize, joint: usize) -> usize {
        match self.market.config.memory {
            0 => 0,
            1 => joint,
            _ => (state * self.joint + joint) % self.states,
        }
    }
}

/// The lowest rung of highest value, and that value.
#[inline(always)]
fn greedy(row: &[f64]) -> (u8, f64) {
    let (mut best, mut top) = (0, row[0]);
    for (k, &value) in row.iter().enumerate().skip(1) {
        if value > top {
            (best, top) = (k as u8, value);
        }
    }
    (best, top)
}

/// A run of periods of one session.
struct Played<'a> {
    game: Game<'a>,
    id: u32,
    period: u32,
    run: usize,
    state: usize,
    changed: u32,
    sellers: &'a mut [Seller],
}

/// The same with a number of sellers that the compiler knows.
struct Exactly<'a, const N: usize>(Played<'a>);

impl<const N: usize> Kernel for Exactly<'_, N> {
    type Output = (usize, u32);
    #[inline(always)]
    fn run(self) -> (usize, u32) {
        let Played { game, id, period, run, mut state, mut changed, sellers } = self.0;
        let m = game.market.prices();
        let (alpha, delta, beta) = (game.learner.learning_rate, game.learner.discount, game.learner.exploration_decay);
        let (mut chance, decay) = (exp(-beta * f64::from(period)), exp(-beta));
        let mut words = [[0_u32; 8]; RUN];
        for (t, word) in words.iter_mut().enumerate().take(run) {
            word[..4].copy_from_slice(&philox_four(game.key, EXPLORE, period + t as u32, 0, id));
            if N > 4 {
                word[4..].copy_from_slice(&philox_four(game.key, EXPLORE, period + t as u32, 1, id));
            }
        }
        for (t, word) in words.iter().enumerate().take(run) {
            let limit = threshold(chance);
            chance *= decay;
            let (mut arms, mut joint) = ([0; N], 0);
            for i in 0..N {
                let drawn = u64::from(word[i]);
                // Of the words that say "explore", equal parts belong to each rung.
                arms[i] = if drawn < limit {
                    (drawn * m as u64 / limit) as usize
                } else {
                    usize::from(sellers[i].greedy[state])
                };
                joint = joint * m + arms[i];
            }
            let next = game.next(state, joint);
            for i in 0..N {
                let own = &mut sellers[i];
                let target = game.table[joint * N + i] + delta * own.top[next];
                let place = state * m + arms[i];
                let value = (1.0 - alpha) * own.q[place] + alpha * target;
                own.q[place] = value;
                let (best, top) = (own.greedy[state], own.top[state]);
                let arm = arms[i] as u8;
                if arm == best {
                    if value >= top {
                        own.top[state] = value;
                        continue;
                    }
                    let found = greedy(&own.q[state * m..(state + 1) * m]);
                    (own.greedy[state], own.top[state]) = found;
                } else if value > top || (value == top && arm < best) {
                    (own.greedy[state], own.top[state]) = (arm, value);
                }
                if own.greedy[state] != best {
                    changed = period + t as u32 + 1;
                }
            }
            state = next;
        }
        (state, changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same session from its description: whole rows searched, no greedy rungs kept.
    fn plainly(market: &Market, learner: &Learner, seed: u64, id: u32, periods: u32) -> (Vec<f64>, usize) {
        let (n, m) = (market.sellers(), market.prices());
        let joint = m.pow(n as u32);
        let states = m.pow(n as u32 * market.config.memory);
        let table = profit_table(market, joint);
        let key = Key::new(seed, Stream::AGENT);
        let mut q = vec![0.0; n * states * m];
        for i in 0..n {
            for a in 0..m {
                let own: Vec<f64> =
                    (0..joint).filter(|j| j / m.pow((n - 1 - i) as u32) % m == a).map(|j| table[j * n + i]).collect();
                let mean = own.iter().sum::<f64>() / own.len() as f64 / (1.0 - learner.discount);
                for s in 0..states {
                    q[(i * states + s) * m + a] = mean;
                }
            }
        }
        let mut state = ((u64::from(key.word(FIRST, 0, 0, 0, id)) * states as u64) >> 32) as usize;
        for t in 0..periods {
            let limit = threshold((-learner.exploration_decay * f64::from(t)).exp());
            let arms: Vec<usize> = (0..n)
                .map(|i| {
                    let word = u64::from(key.word(EXPLORE, 0, t, i as u32, id));
                    let row = &q[(i * states + state) * m..][..m];
                    if word < limit { (word * m as u64 / limit) as usize } else { usize::from(greedy(row).0) }
                })
                .collect();
            let played = arms.iter().fold(0, |j, a| j * m + a);
            let next = (state * joint + played) % states;
            for i in 0..n {
                let top = greedy(&q[(i * states + next) * m..][..m]).1;
                let place = (i * states + state) * m + arms[i];
                let target = table[played * n + i] + learner.discount * top;
                q[place] = (1.0 - learner.learning_rate) * q[place] + learner.learning_rate * target;
            }
            state = next;
        }
        (q, state)
    }

    #[test]
    fn sessions_play_as_the_plain_loop_does() -> Result<()> {
        for (json, sellers) in [
            ("{}", 2),
            (r#"{"sellers": 3, "prices": 5}"#, 3),
            (r#"{"prices": 4, "memory": 2}"#, 2),
            (r#"{"memory": 0}"#, 2),
        ] {
            let market = Market::new(json)?;
            let learner = Learner::new(r#"{"exploration_decay": 1e-4, "max_periods": 30000, "patience": 4000000}"#)?;
            let found = &sessions(&market, &learner, 5, 3, 1, 1)?[0];
            let (q, state) = plainly(&market, &learner, 5, 3, 30_000);
            assert_eq!((found.periods, found.converged), (30_000, false));
            assert_eq!(found.state as usize, state);
            let m = market.prices();
            let want: Vec<u8> = q.chunks_exact(m).map(|row| greedy(row).0).collect();
            assert_eq!(found.strategy, want, "{sellers} sellers");
        }
        Ok(())
    }

    #[test]
    fn sessions_do_not_depend_on_threads_or_on_their_company() -> Result<()> {
        let market = Market::new("{}")?;
        let learner = Learner::new(r#"{"exploration_decay": 1e-3, "patience": 2000}"#)?;
        let all = sessions(&market, &learner, 1, 0, 6, 2)?;
        let part = sessions(&market, &learner, 1, 4, 2, 1)?;
        for (one, two) in all[4..].iter().zip(&part) {
            assert_eq!((one.periods, &one.strategy, &one.profit), (two.periods, &two.strategy, &two.profit));
        }
        assert!(all.iter().all(|session| session.converged));
        Ok(())
    }

    #[test]
    fn words_of_four_sellers_come_from_one_block() {
        let key = Key::new(3, Stream::AGENT);
        for i in 0..4 {
            assert_eq!(philox_four(key, EXPLORE, 9, 0, 2)[i], key.word(EXPLORE, 0, 9, i as u32, 2));
            assert_eq!(philox_four(key, EXPLORE, 9, 1, 2)[i], key.word(EXPLORE, 0, 9, 4 + i as u32, 2));
        }
    }
}
