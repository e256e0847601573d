//! The best prices of a choice set taken together, exactly and in little time.
//!
//! Product `i` at price `k` weighs `w` and, per unit of the crowd, brings `a = views × margin × w`; the set earns
//! `A / h(I)` with `A = Σ a`, `I = Σ w` and `h(I) = I^(1-μ) + I` concave. At the best prices `λ = A / h(I)`, which is not
//! negative where every product has a price that covers its cost, `A - λ h(I)` is convex in `(A, I)` and largest there,
//! hence the best prices also maximise `A - s I` for some slope `s = λ h'(I) >= 0` — and that is one choice per product.
//! So all that could be best is met by letting `s` grow from 0: each product goes along the upper envelope of its lines.
//!
//! The same argument holds where a weight may lie anywhere between two ends: the best is at ends. That makes it a proved
//! bound where memory moves weights.
//! Source: Dinkelbach, *On nonlinear fractional programming*, 1967, with the convexity argument above.

use super::demand::crowd;

/// One price of one product: what it brings and what it weighs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Offer {
    /// `views × margin × w`.
    pub gain: f64,
    /// `w`.
    pub weight: f64,
}

/// The choices, one for each product (of `width` options each), by which the set earns most.
pub fn best_together(options: &[Offer], width: usize, nest: f64) -> Vec<usize> {
    let mut choice = vec![0; options.len() / width];
    let mut events = Vec::new();
    for (i, (own, chosen)) in options.chunks_exact(width).zip(choice.iter_mut()).enumerate() {
        *chosen = start(own);
        let (mut at, mut slope) = (*chosen, 0.0);
        while let Some((next, reached)) = turn(own, at, slope) {
            events.push((reached, i, next));
            (at, slope) = (next, reached);
        }
    }
    events.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let sum = |choice: &[usize]| {
        let picked = choice.iter().enumerate().map(|(i, &k)| options[i * width + k]);
        picked.fold((0.0, 0.0), |(gain, weight), option| (gain + option.gain, weight + option.weight))
    };
    let (mut gain, mut weight) = sum(&choice);
    let (mut most, mut when) = (gain / crowd(weight, nest), 0);
    let mut now = choice.clone();
    for (number, &(_, i, next)) in events.iter().enumerate() {
        let (old, new) = (options[i * width + now[i]], options[i * width + next]);
        now[i] = next;
        gain += new.gain - old.gain;
        weight += new.weight - old.weight;
        let value = gain / crowd(weight, nest);
        if value > most {
            (most, when) = (value, number + 1);
        }
    }
    for &(_, i, next) in &events[..when] {
        choice[i] = next;
    }
    choice
}

/// The option that brings most, the lightest of equals.
fn start(own: &[Offer]) -> usize {
    let better = |a: &Offer, b: &Offer| a.gain > b.gain || (a.gain == b.gain && a.weight < b.weight);
    (1..own.len()).fold(0, |best, k| if better(&own[k], &own[best]) { k } else { best })
}

/// Where the line of another, lighter option first lies above that of `at`.
fn turn(own: &[Offer], at: usize, slope: f64) -> Option<(usize, f64)> {
    let mut found: Option<(usize, f64)> = None;
    for (k, option) in own.iter().enumerate() {
        let lighter = own[at].weight - option.weight;
        if lighter > 0.0 {
            let reached = ((own[at].gain - option.gain) / lighter).max(slope);
            let nearer = |&(j, best): &(usize, f64)| reached < best || (reached == best && option.weight < own[j].weight);
            if found.as_ref().is_none_or(nearer) {
                found = Some((k, reached));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Key, Stream, unit};

    #[test]
    fn the_sweep_finds_what_trying_everything_finds() {
        let key = Key::new(5, Stream::ENVIRONMENT);
        for case in 0..400_u32 {
            let (products, width) = (1 + case as usize % 4, 2 + case as usize % 3);
            let nest = [1.0, 0.7, 0.3][case as usize % 3];
            let options: Vec<Offer> = (0..products * width)
                .map(|j| {
                    let weight = unit(key.word(0, 0, case, j as u32, 0)) * 2.0;
                    // The first option of each product never loses.
                    let margin = unit(key.word(1, 0, case, j as u32, 0)) - if j % width == 0 { 0.0 } else { 0.4 };
                    Offer { gain: margin * weight, weight }
                })
                .collect();
            let value = |choice: &[usize]| {
                let (mut gain, mut weight) = (0.0, 0.0);
                for (i, &k) in choice.iter().enumerate() {
                    gain += options[i * width + k].gain;
                    weight += options[i * width + k].weight;
                }
                gain / crowd(weight, nest)
            };
            let choice = best_together(&options, width, nest);
            let most = (0..width.pow(products as u32))
                .map(|code| {
                    let tried: Vec<usize> = (0..products).map(|i| code / width.pow(i as u32) % width).collect();
                    value(&tried)
                })
                .fold(f64::NEG_INFINITY, f64::max);
            assert!(value(&choice) >= most - 1e-12, "case {case}: {} of {most}", value(&choice));
        }
    }
}
