//! Sellers who set prices, and buyers who choose among them and an outside option by logit.
//!
//! Demand of seller i is `exp((a_i - p_i) / μ) / (Σ_j exp((a_j - p_j) / μ) + exp(a_0 / μ))`, its profit
//! `(p_i - c_i) · q_i`. Each seller has a ladder of prices around its Nash and monopoly price. Where sellers have
//! capacities, buyers who find one sold out choose again among the others.
//!
//! Source: Calvano, Calzolari, Denicolò and Pastorello, *Artificial intelligence, algorithmic pricing, and collusion*,
//! American Economic Review 110(10), 2020, section II.
//!
//! Slots of the environment's stream: 0 prices before the first step, 1 demand shock (entity 0).

pub mod equilibrium;
pub mod learners;

use serde::{Deserialize, Serialize};

use crate::config::{self, PerArm, refuse};
use crate::error::{Error, Result};
use crate::rng::{Key, Stream};
use crate::samplers::normal::quantile;
use crate::special::exp;
use equilibrium::Equilibrium;

const FIRST: u32 = 0;
const SHOCK: u32 = 1;
/// Most sellers of a market.
pub const SELLERS: usize = 6;

/// Settings of a market.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Number of sellers.
    pub sellers: usize,
    /// Quality `a_i` of each seller's product.
    pub quality: PerArm,
    /// Quality `a_0` of the outside option.
    pub outside: f64,
    /// Horizontal differentiation μ.
    pub differentiation: f64,
    /// Unit cost of each seller.
    pub cost: PerArm,
    /// Prices on each ladder.
    pub prices: usize,
    /// How far ladders reach beyond Nash and monopoly price, as a share of their distance.
    pub margin: f64,
    /// Past periods whose prices are seen.
    pub memory: u32,
    /// Largest quantity of each seller a period, in the size of the market; none if not given.
    pub capacity: Option<PerArm>,
    /// Standard deviation of the logarithm of the market's size, which has mean 1.
    pub shock: f64,
    /// Periods of an episode.
    pub horizon: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sellers: 2,
            quality: PerArm::same(2.0),
            outside: 0.0,
            differentiation: 0.25,
            cost: PerArm::same(1.0),
            prices: 15,
            margin: 0.1,
            memory: 1,
            capacity: None,
            shock: 0.0,
            horizon: 365,
        }
    }
}

/// A market with its equilibria and ladders.
#[derive(Debug, Clone)]
pub struct Market {
    /// Its settings.
    pub config: Config,
    /// Unit cost of each seller.
    pub cost: Vec<f64>,
    /// Bertrand–Nash prices, quantities and profits, without capacities.
    pub nash: Equilibrium,
    /// The same of sellers who maximise their joint profit.
    pub monopoly: Equilibrium,
    /// Prices `(sellers, prices)`.
    pub ladder: Vec<f64>,
    weight: Vec<f64>,
    outside: f64,
    capacity: Option<Vec<f64>>,
}

impl Market {
    /// Read settings from JSON, solve for the equilibria, and lay the ladders.
    ///
    /// # Errors
    /// Names the setting that cannot be used.
    pub fn new(json: &str) -> Result<Self> {
        let config: Config = config::parse("market", json)?;
        let n = config.sellers;
        check(&config)?;
        let quality = config.quality.spread("market.quality", n)?;
        let cost = config.cost.spread("market.cost", n)?;
        let capacity = config.capacity.as_ref().map(|c| c.spread("market.capacity", n)).transpose()?;
        if let Some(bad) = capacity.iter().flatten().find(|c| **c <= 0.0) {
            return Err(refuse("market.capacity", bad, "numbers above 0"));
        }
        let (nash, monopoly) = equilibrium::solve(&quality, &cost, config.outside, config.differentiation)?;
        // Weights are shifted by the largest, so that they neither overflow nor vanish together.
        let scale = config.differentiation;
        let shift = quality.iter().zip(&cost).map(|(a, c)| a - c).fold(config.outside, f64::max);
        let mut ladder = Vec::with_capacity(n * config.prices);
        let mut weight = Vec::with_capacity(n * config.prices);
        for (i, own) in quality.iter().enumerate() {
            let span = monopoly.price[i] - nash.price[i];
            let (low, high) = (nash.price[i] - config.margin * span, monopoly.price[i] + config.margin * span);
            for k in 0..config.prices {
                let price = low + (high - low) * k as f64 / (config.prices - 1) as f64;
                ladder.push(price);
                weight.push(exp((own - price - shift) / scale));
            }
        }
        let outside = exp((config.outside - shift) / scale);
        Ok(Self { config, cost, nash, monopoly, ladder, weight, outside, capacity })
    }

    /// Number of sellers.
    pub fn sellers(&self) -> usize {
        self.config.sellers
    }

    /// Number of prices on each ladder.
    pub fn prices(&self) -> usize {
        self.config.prices
    }

    /// Quantities that sellers sell at the rungs `arms` of their ladders, in a market of size 1.
    pub fn quantities(&self, arms: &[u32], out: &mut [f64]) {
        let m = self.prices();
        for (i, (q, &arm)) in out.iter_mut().zip(arms).enumerate() {
            *q = self.weight[i * m + arm as usize];
        }
        let total = out.iter().sum::<f64>() + self.outside;
        match &self.capacity {
            None => {
                for q in out {
                    *q /= total;
                }
            }
            Some(capacity) => ration(out, self.outside, capacity),
        }
    }

    /// Profits at the rungs `arms`; `out` may be of any content.
    pub fn profits(&self, arms: &[u32], out: &mut [f64]) {
        self.quantities(arms, out);
        let m = self.prices();
        for (i, (q, &arm)) in out.iter_mut().zip(arms).enumerate() {
            *q *= self.ladder[i * m + arm as usize] - self.cost[i];
        }
    }
}

/// Turn weights into quantities: who is sold out sells its capacity, and its other buyers choose again.
fn ration(weights: &mut [f64], outside: f64, capacity: &[f64]) {
    let (mut full, mut open) = ([false; SELLERS], 1.0);
    loop {
        let rest: f64 = weights.iter().zip(full).filter(|(_, full)| !full).map(|(w, _)| w).sum::<f64>() + outside;
        let mut changed = false;
        for i in 0..weights.len() {
            if !full[i] && open * weights[i] / rest > capacity[i] {
                (full[i], changed) = (true, true);
            }
        }
        if !changed {
            for i in 0..weights.len() {
                weights[i] = if full[i] { capacity[i] } else { open * weights[i] / rest };
            }
            return;
        }
        open = 1.0 - capacity.iter().zip(full).filter(|(_, full)| *full).map(|(c, _)| c).sum::<f64>();
    }
}

fn check(config: &Config) -> Result<()> {
    let within = |field: &str, value: f64, low: f64, high: f64| {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        Err(refuse(&format!("market.{field}"), value, format!("a number from {low} to {high}")))
    };
    within("sellers", config.sellers as f64, 2.0, SELLERS as f64)?;
    within("prices", config.prices as f64, 2.0, 255.0)?;
    within("differentiation", config.differentiation, 1e-3, 1e6)?;
    within("outside", config.outside, -1e6, 1e6)?;
    within("margin", config.margin, 0.0, 10.0)?;
    within("memory", f64::from(config.memory), 0.0, 8.0)?;
    within("shock", config.shock, 0.0, 3.0)?;
    within("horizon", f64::from(config.horizon), 1.0, f64::from(u32::MAX))
}

/// Many markets of one kind that step together.
#[derive(Debug, Clone)]
pub struct Markets {
    /// What each of them is.
    pub market: Market,
    count: usize,
    first: u32,
    key: Key,
    clock: u32,
    elapsed: u32,
    /// Rungs of the last `max(memory, 1)` periods, newest first, `(count, memory, sellers)`.
    seen: Vec<u32>,
    started: bool,
}

/// What a step gives: `(count, sellers)` each.
pub struct Sold {
    /// Profits.
    pub profit: Vec<f64>,
    /// Quantities.
    pub quantity: Vec<f64>,
}

impl Markets {
    /// `count` markets with ids from `first` on.
    ///
    /// # Errors
    /// Refuses none, and ids beyond 32 bits.
    pub fn new(market: Market, count: usize, first: u32, seed: u64) -> Result<Self> {
        if count == 0 || count as u64 + u64::from(first) > 1 << 32 {
            return Err(refuse("markets", count, "at least 1, with ids below 2^32"));
        }
        let seen = vec![0; count * market.sellers() * market.config.memory.max(1) as usize];
        let key = Key::new(seed, Stream::ENVIRONMENT);
        Ok(Self { market, count, first, key, clock: 0, elapsed: 0, seen, started: false })
    }

    /// Number of markets.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Periods since the last reset.
    pub fn elapsed(&self) -> u32 {
        self.elapsed
    }

    /// Go on with the luck of another seed.
    pub fn reseed(&mut self, seed: u64) {
        self.key = Key::new(seed, Stream::ENVIRONMENT);
    }

    /// Begin an episode: the prices before it are drawn evenly. A seed sets the clock back.
    pub fn reset(&mut self, seed: Option<u64>) {
        if let Some(seed) = seed {
            self.reseed(seed);
            self.clock = 0;
        }
        let (n, m) = (self.market.sellers(), self.market.prices() as u64);
        let back = self.seen.len() / self.count / n;
        for market in 0..self.count {
            for period in 0..back {
                for seller in 0..n {
                    let replicate = self.first + market as u32;
                    let word = self.key.word(FIRST, period as u32, self.clock, seller as u32, replicate);
                    self.seen[(market * back + period) * n + seller] = ((u64::from(word) * m) >> 32) as u32;
                }
            }
        }
        (self.elapsed, self.started) = (0, true);
    }

    /// Rungs of past periods, newest first, `(count, max(memory, 1), sellers)`.
    pub fn seen(&self) -> &[u32] {
        &self.seen
    }

    /// Let every seller set the rung in `arms` `(count, sellers)`.
    ///
    /// # Errors
    /// Refuses a step before the first reset or after the horizon, and rungs that there are not.
    pub fn step(&mut self, arms: &[u32]) -> Result<Sold> {
        let (n, m) = (self.market.sellers(), self.market.prices());
        if !self.started || self.elapsed >= self.market.config.horizon {
            let need = "an episode has not begun or has ended; reset first".into();
            return Err(Error::NotReady { what: "step".into(), need });
        }
        if arms.len() != self.count * n {
            let (got, wanted) = (format!("{} actions", arms.len()), format!("{}, one a seller", self.count * n));
            return Err(Error::Shape { what: "actions".into(), got, wanted });
        }
        if let Some(place) = arms.iter().position(|&arm| arm as usize >= m) {
            let what = format!("actions[{}, {}]", place / n, place % n);
            return Err(Error::Shape {
                what,
                got: arms[place].to_string(),
                wanted: format!("a price in 0..{}", m - 1),
            });
        }
        let (mut profit, mut quantity) = (vec![0.0; arms.len()], vec![0.0; arms.len()]);
        for market in 0..self.count {
            let own = market * n..(market + 1) * n;
            let (arms, sold) = (&arms[own.clone()], &mut quantity[own.clone()]);
            self.market.quantities(arms, sold);
            let size = self.size(market as u32);
            for (i, (gain, q)) in profit[own].iter_mut().zip(sold).enumerate() {
                *q *= size;
                *gain = (self.market.ladder[i * m + arms[i] as usize] - self.market.cost[i]) * *q;
            }
            let back = self.seen.len() / self.count;
            let seen = &mut self.seen[market * back..(market + 1) * back];
            seen.copy_within(..back - n, n);
            seen[..n].copy_from_slice(arms);
        }
        self.elapsed += 1;
        self.clock += 1;
        Ok(Sold { profit, quantity })
    }

    fn size(&self, market: u32) -> f64 {
        let sd = self.market.config.shock;
        if sd == 0.0 {
            return 1.0;
        }
        exp(sd * quantile(self.key.word(SHOCK, 0, self.clock, 0, self.first + market)) - 0.5 * sd * sd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buyers_who_find_a_seller_sold_out_choose_again() -> Result<()> {
        let free = Market::new("{}")?;
        let tight = Market::new(r#"{"capacity": [0.2, 1.0]}"#)?;
        let (mut a, mut b) = ([0.0; 2], [0.0; 2]);
        free.quantities(&[3, 3], &mut a);
        tight.quantities(&[3, 3], &mut b);
        assert!(a[0] > 0.2 && b[0] == 0.2);
        // The other seller and the outside option share the rest in their old proportion.
        let outside = 1.0 - a[0] - a[1];
        assert!((b[1] - 0.8 * a[1] / (a[1] + outside)).abs() < 1e-12);
        Ok(())
    }

    #[test]
    fn a_batch_of_two_is_the_first_of_a_batch_of_five() -> Result<()> {
        let market = Market::new(r#"{"shock": 0.3, "memory": 2}"#)?;
        let mut small = Markets::new(market.clone(), 2, 0, 7)?;
        let mut large = Markets::new(market, 5, 0, 7)?;
        small.reset(None);
        large.reset(None);
        for t in 0..20 {
            assert_eq!(small.seen(), &large.seen()[..8]);
            let arms: Vec<u32> = (0..10).map(|i| (i * 7 + t) % 15).collect();
            let (one, two) = (small.step(&arms[..4])?, large.step(&arms)?);
            assert_eq!(one.profit, two.profit[..4]);
            assert_eq!(one.quantity, two.quantity[..4]);
        }
        Ok(())
    }
}
