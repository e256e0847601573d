//! Bertrand–Nash and joint-profit prices of a logit market, by bisection on one number each.

use crate::config::refuse;
use crate::error::Result;
use crate::special::{exp, ln};

/// Halvings of an interval: it then is as narrow as numbers can tell.
const HALVINGS: u32 = 200;

/// Prices with what they bring, one an seller.
#[derive(Debug, Clone)]
pub struct Equilibrium {
    /// Prices.
    pub price: Vec<f64>,
    /// Quantities in a market of size 1.
    pub quantity: Vec<f64>,
    /// Profits in a market of size 1.
    pub profit: Vec<f64>,
}

/// The Nash and the joint-profit equilibrium.
///
/// # Errors
/// Refuses values so far apart that a seller or the outside option has no share.
pub fn solve(quality: &[f64], cost: &[f64], outside: f64, scale: f64) -> Result<(Equilibrium, Equilibrium)> {
    let gap: Vec<f64> = quality.iter().zip(cost).map(|(a, c)| (a - c - outside) / scale).collect();
    if let Some(far) = gap.iter().find(|g| g.abs() > 300.0) {
        let wanted = "quality, cost and outside within 300 times the differentiation of each other";
        return Err(refuse("market.quality", format!("a gap of {far:.0}"), wanted));
    }
    let nash = nash_markups(&gap);
    let joint = joint_markup(&gap);
    let found = |markup: &dyn Fn(usize) -> f64| {
        let price: Vec<f64> = (0..cost.len()).map(|i| cost[i] + scale * markup(i)).collect();
        let weight: Vec<f64> = (0..cost.len()).map(|i| exp(gap[i] - markup(i))).collect();
        let total = 1.0 + weight.iter().sum::<f64>();
        let quantity: Vec<f64> = weight.iter().map(|w| w / total).collect();
        let profit = quantity.iter().zip(&price).zip(cost).map(|((q, p), c)| (p - c) * q).collect();
        Equilibrium { price, quantity, profit }
    };
    Ok((found(&|i| nash[i]), found(&|_| joint)))
}

/// Nash markups over cost in units of μ: `1 / (1 - q_i)` (Anderson and de Palma 1992).
///
/// With `S` the sum of all weights, `q_i · exp(1 / (1 - q_i)) = exp(gap_i) / S`: the left side grows in `q_i`, so shares
/// fall in `S`, and the one `S` at which they add up to 1 is found by bisection on its logarithm.
fn nash_markups(gap: &[f64]) -> Vec<f64> {
    let share =
        |g: f64, log_sum: f64| bisect(0.0, 1.0, |q| q > 0.0 && (q >= 1.0 || ln(q) + 1.0 / (1.0 - q) > g - log_sum));
    let top = gap.iter().copied().fold(0.0, f64::max) + ln(gap.len() as f64 + 1.0) + 1.0;
    let log_sum = bisect(-1.0, top, |s| gap.iter().map(|&g| share(g, s)).sum::<f64>() + exp(-s) < 1.0);
    gap.iter().map(|&g| 1.0 / (1.0 - share(g, log_sum))).collect()
}

/// The one markup of joint profit in units of μ: `1 / q_0`, where the outside share `q_0` grows in the markup.
fn joint_markup(gap: &[f64]) -> f64 {
    let highest = gap.iter().copied().fold(0.0, f64::max) + ln(gap.len() as f64) + 50.0;
    bisect(1.0, highest, |m| m > 1.0 + gap.iter().map(|g| exp(g - m)).sum::<f64>())
}

/// The number at which `above` turns true.
fn bisect(mut low: f64, mut high: f64, above: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if above(middle) { high = middle } else { low = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_duopoly_has_its_published_prices() -> Result<()> {
        let (nash, monopoly) = solve(&[2.0; 2], &[1.0; 2], 0.0, 0.25)?;
        assert!((nash.price[0] - 1.472_926_660_030_623_2).abs() < 1e-9, "{nash:?}");
        assert!((monopoly.price[1] - 1.924_980_919_017_763_6).abs() < 1e-9, "{monopoly:?}");
        assert!((nash.profit[0] - 0.222_926_660_030_622_95).abs() < 1e-9);
        assert!((monopoly.profit[0] - 0.337_490_459_508_880_9).abs() < 1e-9);
        Ok(())
    }

    #[test]
    fn no_seller_gains_by_leaving_its_nash_price_nor_all_together_the_joint_one() -> Result<()> {
        let (quality, cost, outside, scale) = ([2.0, 2.4, 1.1], [1.0, 1.2, 0.3], 0.2, 0.3);
        let (nash, joint) = solve(&quality, &cost, outside, scale)?;
        let profit = |price: &[f64]| -> Vec<f64> {
            let w: Vec<f64> = (0..3).map(|i| ((quality[i] - price[i]) / scale).exp()).collect();
            let total = w.iter().sum::<f64>() + (outside / scale).exp();
            (0..3).map(|i| (price[i] - cost[i]) * w[i] / total).collect()
        };
        for i in 0..3 {
            for step in [-1e-3, 1e-3] {
                let mut other = nash.price.clone();
                other[i] += step;
                assert!(profit(&other)[i] < profit(&nash.price)[i]);
                let mut other = joint.price.clone();
                other[i] += step;
                assert!(profit(&other).iter().sum::<f64>() < profit(&joint.price).iter().sum::<f64>());
            }
        }
        Ok(())
    }
}
