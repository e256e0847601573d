//! The exact dynamic program of seats that are sold at a ladder of prices until a horizon.
//!
//! With `t` steps done and `c` seats left, price `k` meets a Poisson number `D` of buyers of mean
//! `arrivals[t] × chances[k]`, of whom the first `c` buy:
//!
//! `V(t, c) = max_k  prices[k] · E min(D, c) + E V(t + 1, (c − D)⁺)`, `V(T, c) = salvage · c`, `V(t, 0) = 0`.
//!
//! Source: Gallego and van Ryzin, Optimal Dynamic Pricing of Inventories with Stochastic Demand over Finite Horizons,
//! Management Science 40 (1994), in steps instead of continuous time; Talluri and van Ryzin, The Theory and Practice of
//! Revenue Management (2004), section 5.2.

use serde::{Deserialize, Serialize};

use crate::dispatch::{self, Kernel};
use crate::samplers::poisson;
use crate::special::exp;

/// Chances below this are left out: all of them together change no value by more than its own rounding.
const LEAST: f64 = 1e-19;

/// Chance that who looks buys at price `x`, with `w` the willingness to pay and `s` its spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demand {
    /// `exp(−x / w)`: willingness is exponential with mean `w`.
    Exponential,
    /// `1 / (1 + exp((x − w) / s))`: willingness is logistic with mean `w` and scale `s`.
    Logit,
    /// `1 − x / w`, at least 0: willingness is even between 0 and `w`.
    Linear,
}

impl Demand {
    #[inline(always)]
    /// The chance.
    pub fn chance(self, price: f64, willingness: f64, spread: f64) -> f64 {
        match self {
            Self::Exponential => exp(-price / willingness),
            Self::Logit => 1.0 / (1.0 + exp(((price - willingness) / spread).min(700.0))),
            Self::Linear => (1.0 - price / willingness).max(0.0),
        }
    }
}

/// One departure: what is for sale, at which prices, to whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Departure {
    /// Seats.
    pub capacity: usize,
    /// Worth of a seat that is left at the end.
    pub salvage: f64,
    /// The ladder.
    pub prices: Vec<f64>,
    /// Chance that who looks buys, by price.
    pub chances: Vec<f64>,
    /// Mean number of people who look, by step.
    pub arrivals: Vec<f64>,
}

/// Values of whole episodes from the start.
#[derive(Debug, Clone, PartialEq)]
pub struct Worth {
    /// Of the best policy.
    pub best: f64,
    /// Of prices drawn evenly.
    pub random: f64,
    /// Of each price throughout.
    pub arms: Vec<f64>,
}

impl Departure {
    /// Values from the start, with all seats left.
    pub fn worth(&self) -> Worth {
        let (mut best, mut random) = (self.left(), self.left());
        let mut arms = vec![self.left(); self.prices.len()];
        let mut room = Room::new(self.capacity);
        let even = 1.0 / self.prices.len() as f64;
        for &arrivals in self.arrivals.iter().rev() {
            let mut next_best = vec![f64::NEG_INFINITY; self.capacity + 1];
            let mut next_random = vec![0.0; self.capacity + 1];
            for (k, arm) in arms.iter_mut().enumerate() {
                room.prepare(arrivals * self.chances[k], self.prices[k]);
                raise(&mut next_best, room.after(&best));
                next_random.iter_mut().zip(room.after(&random)).for_each(|(sum, value)| *sum += even * value);
                room.after(arm);
                arm.copy_from_slice(&room.values);
            }
            (best, random) = (next_best, next_random);
        }
        let full = self.capacity;
        Worth { best: best[full], random: random[full], arms: arms.iter().map(|arm| arm[full]).collect() }
    }

    /// The best policy's values `(T + 1, capacity + 1)`: with `t` steps done and `c` seats left in cell `(t, c)`.
    pub fn table(&self) -> Box<[f64]> {
        let width = self.capacity + 1;
        let mut table = vec![f64::NEG_INFINITY; (self.arrivals.len() + 1) * width];
        let mut room = Room::new(self.capacity);
        table[self.arrivals.len() * width..].copy_from_slice(&self.left());
        for (t, &arrivals) in self.arrivals.iter().enumerate().rev() {
            let (now, later) = table[t * width..(t + 2) * width].split_at_mut(width);
            for (&chance, &price) in self.chances.iter().zip(&self.prices) {
                room.prepare(arrivals * chance, price);
                raise(now, room.after(later));
            }
        }
        table.into()
    }

    /// Value of price `k` with `seats` left after `t` steps, when the best prices follow; `table` is that of this
    /// departure.
    pub fn value(&self, table: &[f64], t: usize, seats: usize, k: usize) -> f64 {
        let width = self.capacity + 1;
        let later = &table[(t + 1) * width..(t + 2) * width];
        let mean = self.arrivals[t] * self.chances[k];
        let (first, masses) = masses(mean, seats);
        let follows = masses.iter().zip(first..seats).map(|(mass, sold)| mass * later[seats - sold]).sum::<f64>();
        self.prices[k] * sold(mean, seats as u32) + follows
    }

    fn left(&self) -> Vec<f64> {
        (0..=self.capacity).map(|seats| self.salvage * seats as f64).collect()
    }
}

/// Mean of the smaller of a Poisson number and `seats`.
pub fn sold(mean: f64, seats: u32) -> f64 {
    if f64::from(seats) > mean + 40.0 + 12.0 * mean.sqrt() {
        return mean;
    }
    let below = |k: u32| if seats > k { poisson::cdf(seats - k - 1, mean) } else { 0.0 };
    mean * below(1) + f64::from(seats) * (1.0 - below(0))
}

/// The chances of `first`, `first + 1`, … below `end` that are worth counting.
fn masses(mean: f64, end: usize) -> (usize, Vec<f64>) {
    let mode = mean as usize;
    let peak = poisson::mass(mode as u32, mean);
    let (mut first, mut mass) = (mode, peak);
    let mut below = Vec::new();
    while first > 0 && mass > LEAST {
        mass *= first as f64 / mean;
        first -= 1;
        below.push(mass);
    }
    let mut masses: Vec<f64> = below.into_iter().rev().collect();
    mass = peak;
    let mut k = mode;
    while k < end && mass > LEAST {
        masses.push(mass);
        k += 1;
        mass *= mean / k as f64;
    }
    masses.truncate(end.saturating_sub(first));
    (first, masses)
}

fn raise(best: &mut [f64], values: &[f64]) {
    best.iter_mut().zip(values).for_each(|(best, value)| *best = best.max(*value));
}

/// Room for one price at one step.
struct Room {
    first: usize,
    masses: Vec<f64>,
    earned: Vec<f64>,
    values: Vec<f64>,
}

impl Room {
    fn new(capacity: usize) -> Self {
        Self { first: 0, masses: Vec::new(), earned: vec![0.0; capacity + 1], values: vec![0.0; capacity + 1] }
    }

    /// What a price earns at once, by seats left: a further seat is sold if there are more buyers than seats before it.
    fn prepare(&mut self, mean: f64, price: f64) {
        (self.first, self.masses) = masses(mean, self.earned.len() - 1);
        let (mut sold, mut up_to) = (0.0, 0.0);
        for seats in 0..self.earned.len() {
            self.earned[seats] = price * sold;
            if let Some(mass) = seats.checked_sub(self.first).and_then(|place| self.masses.get(place)) {
                up_to += mass;
            }
            sold += (1.0_f64 - up_to).max(0.0);
        }
    }

    /// What it is worth when `later` follows.
    fn after(&mut self, later: &[f64]) -> &[f64] {
        dispatch::run(After {
            first: self.first,
            masses: &self.masses,
            earned: &self.earned,
            later,
            values: &mut self.values,
        });
        &self.values
    }
}

struct After<'a> {
    first: usize,
    masses: &'a [f64],
    earned: &'a [f64],
    later: &'a [f64],
    values: &'a mut [f64],
}

impl Kernel for After<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { first, masses, earned, later, values } = self;
        values.copy_from_slice(earned);
        for (sold, mass) in (first..).zip(masses) {
            // Nothing is left to earn without seats, so cell 0 of `later` never counts.
            for (value, follows) in values[sold + 1..].iter_mut().zip(&later[1..]) {
                *value += mass * follows;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_that_are_sold_are_the_sum_of_tails() {
        for mean in [0.0, 0.01, 0.9, 7.5, 300.0] {
            let mut sum = 0.0;
            for seats in 0..400_u32 {
                assert!((sold(mean, seats) - sum).abs() < 1e-10 * (1.0 + sum), "{mean} {seats}");
                sum += 1.0 - poisson::cdf(seats, mean);
            }
        }
    }

    #[test]
    fn the_best_policy_is_no_worse_than_any_price_and_its_table_starts_where_its_worth_is() {
        let departure = Departure {
            capacity: 12,
            salvage: 3.0,
            prices: vec![10.0, 20.0, 40.0],
            chances: vec![0.8, 0.5, 0.2],
            arrivals: vec![1.5, 2.0, 4.0, 0.0, 2.5],
        };
        let (worth, table) = (departure.worth(), departure.table());
        assert_eq!(worth.best, table[12]);
        assert!(worth.arms.iter().all(|arm| *arm <= worth.best) && worth.random <= worth.best);
        let best = (0..3).map(|k| departure.value(&table, 0, 12, k)).fold(0.0, f64::max);
        assert!((best - worth.best).abs() < 1e-9);
    }
}
