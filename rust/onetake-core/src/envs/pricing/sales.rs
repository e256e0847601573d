//! A day's sales of a run: who looks, who buys, what it brings.

use super::noise::GammaTable;
use crate::columns::Cells;
use crate::dispatch::Kernel;
use crate::rng::Key;
use crate::samplers::{binomial, poisson};

/// Interactions are at most Poisson with this many times the usual views: what makes rewards bounded.
pub const BURST: f64 = 32.0;
/// Products that are worked on together.
const CHUNK: usize = 256;

/// Slots: 0 interactions, 1 conversions, 2 gamma noise, 3 everybody's shock, 4 the group's shock.
pub const SHOCKS: [u32; 2] = [3, 4];

/// The draws of a run.
pub struct Sales<'a> {
    /// Generator, step, replicate and first entity of the words.
    pub place: (Key, u32, u32, u32),
    /// Usual views.
    pub views: Cells<'a>,
    /// Reference price and unit cost.
    pub money: [Cells<'a>; 2],
    /// Product of modifiers and shocks `(len,)`.
    pub levels: &'a [f64],
    /// Prices as multiples `(len,)`.
    pub x: &'a [f64],
    /// Chances to buy `(len,)`.
    pub chances: &'a [f64],
    /// The gamma noise of interactions.
    pub gamma: &'a GammaTable,
    /// Interactions, conversions, price `(len, 3)`.
    pub obs: &'a mut [f32],
    /// Profits `(len,)`.
    pub reward: &'a mut [f64],
}

impl Sales<'_> {
    #[inline(always)]
    fn words(&self, slot: u32, first: usize, out: &mut [u32]) {
        let (key, step, replicate, entity) = self.place;
        key.fill_inline(slot, 0, step, replicate, entity + first as u32, out);
    }

    /// Expected interactions of the products from `first` on, given their noise.
    #[inline(always)]
    fn rates(&self, first: usize, words: &mut [u32], rate: &mut [f64]) {
        self.views.load(first, rate);
        let levels = &self.levels[first..first + rate.len()];
        if self.gamma.is_empty() {
            for (rate, &level) in rate.iter_mut().zip(levels) {
                *rate *= if level < BURST { level } else { BURST };
            }
            return;
        }
        self.words(2, first, words);
        for ((rate, &level), &word) in rate.iter_mut().zip(levels).zip(words.iter()) {
            let level = level * self.gamma.at(word);
            *rate *= if level < BURST { level } else { BURST };
        }
    }
}

impl Kernel for Sales<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let len = self.reward.len();
        let mut words = [0; CHUNK];
        let (mut seen, mut bought) = ([0; CHUNK], [0; CHUNK]);
        let (mut rate, mut price, mut cost) = ([0.0; CHUNK], [0.0; CHUNK], [0.0; CHUNK]);
        for first in (0..len).step_by(CHUNK) {
            let n = CHUNK.min(len - first);
            let part = first..first + n;
            let words = &mut words[..n];
            self.rates(first, words, &mut rate[..n]);
            self.words(0, first, words);
            poisson::block(words, &rate[..n], &mut seen[..n]);
            self.words(1, first, words);
            binomial::block(words, &seen[..n], &self.chances[part.clone()], &mut bought[..n]);
            self.money[0].load(first, &mut price[..n]);
            self.money[1].load(first, &mut cost[..n]);
            let x = &self.x[part.clone()];
            for i in 0..n {
                price[i] *= x[i];
            }
            for (i, (obs, reward)) in
                self.obs[3 * first..3 * (first + n)].chunks_exact_mut(3).zip(&mut self.reward[part]).enumerate()
            {
                obs[0] = seen[i] as f32;
                obs[1] = bought[i] as f32;
                obs[2] = price[i] as f32;
                *reward = (price[i] - cost[i]) * f64::from(bought[i]);
            }
        }
    }
}
