//! What the evaluator holds plays against: the best prices of a step, exact where nothing carries over.
//!
//! With memory it is a bound: every weight may lie anywhere that any play before could have brought it to.

use super::Pricing;
use super::best::{Offer, best_together};
use super::demand::crowd;
use super::sales::BURST;
use crate::family::Run;

impl Pricing {
    /// Products alone: the best margin at the chance that memory at best allows (at worst, where it loses).
    pub(super) fn single_oracle(&self, run: &Run<'_>) -> Vec<f64> {
        let most = |i| {
            let offers = (0..self.ladder.len()).flat_map(|arm| self.offers(run, i, arm));
            offers.fold(f64::NEG_INFINITY, |most: f64, offer| most.max(offer.gain))
        };
        (0..run.len).map(most).collect()
    }

    /// Choice sets: the prices that are best together.
    pub(super) fn joint_oracle(&self, run: &Run<'_>) -> Vec<f64> {
        let ends = if self.memory.columns().is_empty() { 1 } else { 2 };
        let width = self.ladder.len() * ends;
        let offers = self.offers_of(run, width, |column| {
            let x = self.ladder[column / ends];
            (x, self.weighed(run, &vec![x; run.len], vec![self.memory.range(x)[column % ends] / self.nest; run.len]))
        });
        let mut out = vec![0.0; run.len];
        for (start, end) in self.sets(run) {
            let own = &offers[start * width..end * width];
            let choice = best_together(own, width, self.nest);
            let chosen = || choice.iter().zip(own.chunks_exact(width)).map(|(&k, own)| own[k]);
            let all = crowd(chosen().map(|offer| offer.weight).sum(), self.nest);
            for (value, offer) in out[start..end].iter_mut().zip(chosen()) {
                *value = offer.gain / all;
            }
        }
        out
    }

    /// Offers `(len, width)` from the price and the weights `(len,)` of each column.
    fn offers_of(&self, run: &Run<'_>, width: usize, column: impl Fn(usize) -> (f64, Vec<f64>)) -> Vec<Offer> {
        let mut offers = vec![Offer { gain: 0.0, weight: 0.0 }; run.len * width];
        for k in 0..width {
            let (x, weights) = column(k);
            for (i, weight) in weights.into_iter().enumerate() {
                offers[i * width + k] = Offer { gain: self.margin(run, i, x) * (self.seen(run, i) * weight), weight };
            }
        }
        offers
    }

    /// What a whole choice set earns now when one product plays an arm and the others what is best together `(k, len)`.
    pub(super) fn joint_values(&self, run: &Run<'_>, state: &[f64], out: &mut [f64]) {
        let (arms, len) = (self.ladder.len(), run.len);
        let offers = self.offers_of(run, arms, |arm| {
            let x = self.ladder[arm];
            (x, self.weights(run, state, &vec![x; len]))
        });
        for (start, end) in self.sets(run) {
            let own = &offers[start * arms..end * arms];
            let choice = best_together(own, arms, self.nest);
            let chosen = choice.iter().zip(own.chunks_exact(arms)).map(|(&k, own)| own[k]);
            let (gain, weight) = chosen.fold((0.0, 0.0), |(gain, weight), o| (gain + o.gain, weight + o.weight));
            for (i, (&best, own)) in choice.iter().zip(own.chunks_exact(arms)).enumerate() {
                for (arm, offer) in own.iter().enumerate() {
                    let (more, heavier) = (offer.gain - own[best].gain, offer.weight - own[best].weight);
                    out[arm * len + start + i] = (gain + more) / crowd(weight + heavier, self.nest);
                }
            }
        }
    }

    /// What a unit brings at the price `x`.
    fn margin(&self, run: &Run<'_>, i: usize, x: f64) -> f64 {
        run.cells(&self.price).at(i, 0) * x - run.cells(&self.cost).at(i, 0)
    }

    /// Expected interactions.
    fn seen(&self, run: &Run<'_>, i: usize) -> f64 {
        run.cells(&self.views).at(i, 0) * run.level.at(i).min(BURST)
    }

    /// One price of one product, at the ends of what memory can do to it; the ends are one where there is no memory.
    fn offers(&self, run: &Run<'_>, i: usize, arm: usize) -> impl Iterator<Item = Offer> + use<> {
        let x = self.ladder[arm];
        let (base, slope) = (run.cells(&self.base).at(i, 0), run.cells(&self.slope).at(i, 0));
        let (margin, views) = (self.margin(run, i, x), self.seen(run, i));
        let ends = self.memory.range(x);
        let (demand, nest, feature) = (self.demand, self.nest, self.demand.feature(x));
        let count = if self.memory.columns().is_empty() { 1 } else { 2 };
        ends.into_iter().take(count).map(move |effect| {
            let weight = demand.chance(base, slope, feature, effect / nest);
            Offer { gain: margin * (views * weight), weight }
        })
    }
}
