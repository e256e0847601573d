//! Repeated sealed-bid auctions of one item among bidders with values of their own and, perhaps, budgets.
//!
//! The highest bid of at least the reserve wins and pays itself (`first`) or the next bid, at least the reserve
//! (`second`). Nobody bids beyond what is left of its budget. In mode `multiplier` an action is a share of the own value:
//! what a bidder who paces its budget chooses.
//!
//! Source: Krishna, *Auction theory*, 2nd edition, 2010, chapter 2. Slots of the environment's stream: 0 values (entity
//! is the bidder, replicate the auction), 1 ties.

use serde::{Deserialize, Serialize};

use crate::config::{self, PerArm, refuse};
use crate::error::{Error, Result};
use crate::rng::{Key, Stream, unit};
use crate::samplers::normal::quantile;
use crate::special::exp;

const VALUE: u32 = 0;
const TIE: u32 = 1;
/// Most bidders of an auction.
pub const BIDDERS: usize = 64;

/// What the winner pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Price {
    /// Its own bid.
    First,
    /// The next bid.
    Second,
}

/// What an action is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A bid.
    Bid,
    /// A share of the own value.
    Multiplier,
}

/// How values come about, each time anew and independent of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Values {
    /// Even between `low` and `high`.
    Uniform,
    /// `exp` of a normal number of mean `low` and standard deviation `high`.
    Lognormal,
}

/// Settings of an auction.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Number of bidders.
    pub bidders: usize,
    /// What the winner pays.
    pub price: Price,
    /// What an action is.
    pub mode: Mode,
    /// Kind of the values.
    pub values: Values,
    /// Lowest value, or mean of the logarithm, of each bidder.
    pub low: PerArm,
    /// Highest value, or standard deviation of the logarithm, of each bidder.
    pub high: PerArm,
    /// Least bid that can win.
    pub reserve: f64,
    /// What each bidder may spend in an episode; no limit if not given.
    pub budget: Option<PerArm>,
    /// Highest action.
    pub highest: f64,
    /// Auctions of an episode.
    pub horizon: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bidders: 2,
            price: Price::Second,
            mode: Mode::Bid,
            values: Values::Uniform,
            low: PerArm::same(0.0),
            high: PerArm::same(1.0),
            reserve: 0.0,
            budget: None,
            highest: 1.0,
            horizon: 100,
        }
    }
}

/// Many auctions of one kind that step together.
#[derive(Debug, Clone)]
pub struct Auctions {
    /// Their settings.
    pub config: Config,
    low: Vec<f64>,
    high: Vec<f64>,
    budget: Option<Vec<f64>>,
    count: usize,
    first: u32,
    key: Key,
    clock: u32,
    elapsed: u32,
    values: Vec<f64>,
    left: Vec<f64>,
    started: bool,
}

/// What a step gives, `(count, bidders)` but for the winners `(count,)`.
pub struct Sold {
    /// Value less payment of who won.
    pub reward: Vec<f64>,
    /// What was paid.
    pub payment: Vec<f64>,
    /// Who won, or -1.
    pub winner: Vec<i64>,
}

impl Auctions {
    /// `count` auctions with ids from `first` on.
    ///
    /// # Errors
    /// Names the setting that cannot be used.
    pub fn new(json: &str, count: usize, first: u32, seed: u64) -> Result<Self> {
        let config: Config = config::parse("auction", json)?;
        let n = config.bidders;
        if !(2..=BIDDERS).contains(&n) {
            return Err(refuse("auction.bidders", n, format!("from 2 to {BIDDERS}")));
        }
        if count == 0 || count as u64 + u64::from(first) > 1 << 32 {
            return Err(refuse("auctions", count, "at least 1, with ids below 2^32"));
        }
        let low = config.low.spread("auction.low", n)?;
        let high = config.high.spread("auction.high", n)?;
        for (a, b) in low.iter().zip(&high) {
            let good = if config.values == Values::Uniform { 0.0 <= *a && a <= b } else { (0.0..=10.0).contains(b) };
            if !good {
                return Err(refuse("auction.high", b, format!("a spread that values can have, with low {a}")));
            }
        }
        let budget = config.budget.as_ref().map(|b| b.spread("auction.budget", n)).transpose()?;
        if let Some(bad) = budget.iter().flatten().find(|b| **b <= 0.0) {
            return Err(refuse("auction.budget", bad, "numbers above 0"));
        }
        if !(config.reserve >= 0.0 && config.reserve.is_finite()) {
            return Err(refuse("auction.reserve", config.reserve, "a number of at least 0"));
        }
        if !(config.highest > 0.0 && config.highest.is_finite()) {
            return Err(refuse("auction.highest", config.highest, "a number above 0"));
        }
        if config.horizon == 0 {
            return Err(refuse("auction.horizon", 0, "at least 1"));
        }
        let (values, key) = (vec![0.0; count * n], Key::new(seed, Stream::ENVIRONMENT));
        let left = values.clone();
        let (clock, elapsed, started) = (0, 0, false);
        Ok(Self { config, low, high, budget, count, first, key, clock, elapsed, values, left, started })
    }

    /// Number of auctions.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Steps since the last reset.
    pub fn elapsed(&self) -> u32 {
        self.elapsed
    }

    /// What the item that comes is worth to each bidder `(count, bidders)`.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// What is left of budgets `(count, bidders)`; infinite where there is none.
    pub fn left(&self) -> &[f64] {
        &self.left
    }

    /// What bidders may spend in an episode, if there is a limit.
    pub fn budget(&self) -> Option<&[f64]> {
        self.budget.as_deref()
    }

    /// Go on with the luck of another seed.
    pub fn reseed(&mut self, seed: u64) {
        self.key = Key::new(seed, Stream::ENVIRONMENT);
    }

    /// Begin an episode. A seed sets the clock back.
    pub fn reset(&mut self, seed: Option<u64>) {
        if let Some(seed) = seed {
            self.reseed(seed);
            self.clock = 0;
        }
        let n = self.config.bidders;
        for (place, left) in self.left.iter_mut().enumerate() {
            *left = self.budget.as_ref().map_or(f64::INFINITY, |b| b[place % n]);
        }
        (self.elapsed, self.started) = (0, true);
        self.draw();
    }

    fn draw(&mut self) {
        let n = self.config.bidders;
        for place in 0..self.values.len() {
            let (auction, bidder) = ((place / n) as u32, place % n);
            let word = self.key.word(VALUE, 0, self.clock, bidder as u32, self.first + auction);
            let (low, high) = (self.low[bidder], self.high[bidder]);
            self.values[place] = match self.config.values {
                Values::Uniform => low + (high - low) * unit(word),
                Values::Lognormal => exp(low + high * quantile(word)),
            };
        }
    }

    /// Let every bidder act `(count, bidders)`.
    ///
    /// # Errors
    /// Refuses a step before the first reset or after the horizon, and actions out of bounds or not a number.
    pub fn step(&mut self, actions: &[f64]) -> Result<Sold> {
        let n = self.config.bidders;
        if !self.started || self.elapsed >= self.config.horizon {
            let need = "an episode has not begun or has ended; reset first".into();
            return Err(Error::NotReady { what: "step".into(), need });
        }
        if actions.len() != self.count * n {
            let (got, wanted) = (format!("{} actions", actions.len()), format!("{}, one a bidder", self.count * n));
            return Err(Error::Shape { what: "actions".into(), got, wanted });
        }
        let bounds = 0.0..=self.config.highest;
        if let Some(place) = actions.iter().position(|action| !bounds.contains(action)) {
            let what = format!("actions[{}, {}]", place / n, place % n);
            let (got, wanted) = (actions[place].to_string(), format!("a number from 0 to {}", self.config.highest));
            return Err(Error::Shape { what, got, wanted });
        }
        let (mut reward, mut payment) = (vec![0.0; actions.len()], vec![0.0; actions.len()]);
        let mut winner = vec![-1; self.count];
        for (auction, won) in winner.iter_mut().enumerate() {
            let own = auction * n..(auction + 1) * n;
            if let Some((bidder, price)) = self.settle(auction as u32, &actions[own.clone()], &self.left[own.clone()]) {
                let place = auction * n + bidder;
                *won = bidder as i64;
                payment[place] = price;
                reward[place] = self.values[place] - price;
                self.left[place] -= price;
            }
        }
        self.elapsed += 1;
        self.clock += 1;
        self.draw();
        Ok(Sold { reward, payment, winner })
    }

    /// Who wins, and what that costs.
    fn settle(&self, auction: u32, actions: &[f64], left: &[f64]) -> Option<(usize, f64)> {
        let n = actions.len();
        let mut bids = [0.0; BIDDERS];
        for i in 0..n {
            let share = if self.config.mode == Mode::Multiplier { self.values[auction as usize * n + i] } else { 1.0 };
            bids[i] = (actions[i] * share).min(left[i]);
        }
        let bids = &bids[..n];
        let top = bids.iter().copied().fold(0.0, f64::max);
        // A bid of nothing wins nothing, even where there is no reserve.
        if top <= 0.0 || top < self.config.reserve {
            return None;
        }
        let equal = bids.iter().filter(|&&bid| bid == top).count();
        let word = self.key.word(TIE, 0, self.clock, 0, self.first + auction);
        let lot = ((u64::from(word) * equal as u64) >> 32) as usize;
        let bidder = (0..n).filter(|&i| bids[i] == top).nth(lot)?;
        let next = (0..n).filter(|&i| i != bidder).map(|i| bids[i]).fold(self.config.reserve, f64::max);
        Some((bidder, if self.config.price == Price::First { top } else { next }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_winner_pays_its_bid_or_the_next_and_budgets_bind() -> Result<()> {
        for (price, want) in [("first", 0.8), ("second", 0.5)] {
            let json = format!(r#"{{"price": "{price}", "bidders": 3, "budget": 1.0}}"#);
            let mut auctions = Auctions::new(&json, 1, 0, 4)?;
            auctions.reset(None);
            let value = auctions.values()[1];
            let sold = auctions.step(&[0.5, 0.8, 0.1])?;
            assert_eq!((sold.winner[0], sold.payment[1]), (1, want));
            assert_eq!(sold.reward, [0.0, value - want, 0.0]);
            // 0.2 or 0.5 are left, so that the same bid no longer wins where 0.2 are.
            let sold = auctions.step(&[0.3, 0.8, 0.1])?;
            assert_eq!(sold.winner[0], i64::from(price == "second"));
        }
        Ok(())
    }

    #[test]
    fn below_the_reserve_nothing_is_sold_and_above_it_the_reserve_is_paid() -> Result<()> {
        let mut auctions = Auctions::new(r#"{"reserve": 0.4}"#, 1, 0, 4)?;
        auctions.reset(None);
        assert_eq!(auctions.step(&[0.3, 0.39])?.winner, [-1]);
        assert_eq!(auctions.step(&[0.3, 0.9])?.payment, [0.0, 0.4]);
        assert!(auctions.step(&[f64::NAN, 0.0]).is_err());
        Ok(())
    }

    #[test]
    fn ties_are_broken_evenly() -> Result<()> {
        let mut auctions = Auctions::new(r#"{"bidders": 3, "horizon": 1}"#, 3000, 0, 9)?;
        auctions.reset(None);
        let sold = auctions.step(&vec![0.5; 9000])?;
        for bidder in 0..3 {
            let wins = sold.winner.iter().filter(|&&w| w == bidder).count() as f64;
            // Binomial(3000, 1/3) has standard deviation 25.8; four of them.
            assert!((wins - 1000.0).abs() < 4.0 * 25.8, "{wins}");
        }
        Ok(())
    }
}
