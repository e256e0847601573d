//! How chances to buy follow from prices: six published models on one footing.
//!
//! `x` is the price as a multiple of the product's reference price, `q₀` the chance to buy at `x = 1` (for products of one
//! choice set: when all of them stand at 1) and `ε` the own-price elasticity there. Everything else follows from these
//! two, so that one catalogue can be played under rival models. `m` is what memory adds to the log of demand.
//!
//! | model | chance to buy | elasticity at `x` |
//! |---|---|---|
//! | constant elasticity | `q₀ x^ε eᵐ` | `ε` |
//! | semi-log | `q₀ exp(ε (x - 1) + m)` | `ε x` |
//! | linear | `q₀ max(0, 1 + ε (x - 1)) eᵐ` | `ε x / (1 + ε (x - 1))` |
//! | logit | `1 / (1 + exp(-(logit q₀ + β (x - 1) + m)))`, `β = ε / (1 - q₀)` | `β x (1 - q)` |
//! | multinomial logit | `wᵢ / (1 + Σ w)`, `wᵢ = wᵢ₀ exp(βᵢ (xᵢ - 1) + mᵢ)` | `βᵢ xᵢ (1 - qᵢ)`; cross `-βⱼ xⱼ qⱼ` |
//! | nested logit | `wᵢ / (I^(1-μ) + I)`, `I = Σ w`, `wᵢ = wᵢ₀ exp((bᵢ (xᵢ - 1) + mᵢ) / μ)` | see `docs/pricing.md` |
//!
//! Chances above 1 count as 1. Sources: D. `McFadden`, *Conditional logit analysis of qualitative choice behavior*, 1974;
//! Ben-Akiva and Lerman, *Discrete Choice Analysis*, 1985, chapter 10; Talluri and van Ryzin, *The Theory and Practice of
//! Revenue Management*, 2004, chapter 7.

use serde::{Deserialize, Serialize};

use crate::columns::{Cells, Param, Shape};
use crate::config::refuse;
use crate::dispatch::Kernel;
use crate::error::Result;
use crate::special::{exp, ln};

/// A model of demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demand {
    /// `q₀ x^ε`.
    ConstantElasticity,
    /// `q₀ exp(ε (x - 1))`.
    SemiLog,
    /// `q₀ (1 + ε (x - 1))`.
    Linear,
    /// Buy or not, product by product.
    Logit,
    /// One product of a choice set, or none.
    MultinomialLogit,
    /// The choice set is one nest against buying nothing: its products are nearer to each other than to nothing.
    NestedLogit,
}

impl Demand {
    /// Whether products of a choice set take buyers from each other.
    pub fn is_joint(self) -> bool {
        matches!(self, Self::MultinomialLogit | Self::NestedLogit)
    }

    /// What a price enters the model as.
    #[inline(always)]
    pub fn feature(self, x: f64) -> f64 {
        if self == Self::ConstantElasticity { ln(x) } else { x - 1.0 }
    }

    /// The chance to buy, or in a joint model the weight in the choice set.
    #[inline(always)]
    pub fn chance(self, base: f64, slope: f64, feature: f64, memory: f64) -> f64 {
        match self {
            Self::Logit => 1.0 / (1.0 + exp(-(base + slope * feature + memory))),
            Self::Linear => {
                let line = 1.0 + slope * feature;
                cut(exp(base + memory) * if line > 0.0 { line } else { 0.0 })
            }
            Self::ConstantElasticity | Self::SemiLog => cut(exp(base + slope * feature + memory)),
            Self::MultinomialLogit | Self::NestedLogit => exp(base + slope * feature + memory),
        }
    }
}

/// At most 1.
#[inline(always)]
fn cut(chance: f64) -> f64 {
    if chance > 1.0 { 1.0 } else { chance }
}

/// Turns what memory does to the log of demand, in `out`, into chances (weights in a joint model).
pub struct Fill<'a> {
    /// The model.
    pub demand: Demand,
    /// Bases of the run's products.
    pub base: Cells<'a>,
    /// Slopes of the run's products.
    pub slope: Cells<'a>,
    /// Prices as multiples.
    pub x: &'a [f64],
    /// Where memory's effects stand and chances are written.
    pub out: &'a mut [f64],
}

impl Fill<'_> {
    #[inline(always)]
    fn with(self, f: impl Fn(f64, f64, f64, f64) -> f64) {
        const CHUNK: usize = 256;
        let (mut base, mut slope) = ([0.0; CHUNK], [0.0; CHUNK]);
        for (c, (x, out)) in self.x.chunks(CHUNK).zip(self.out.chunks_mut(CHUNK)).enumerate() {
            let n = out.len();
            self.base.load(c * CHUNK, &mut base[..n]);
            self.slope.load(c * CHUNK, &mut slope[..n]);
            let (base, slope, x) = (&base[..n], &slope[..n], &x[..n]);
            for i in 0..n {
                out[i] = f(base[i], slope[i], x[i], out[i]);
            }
        }
    }
}

impl Kernel for Fill<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        // One loop a model: the choice inside a loop would keep it from becoming vector code.
        macro_rules! of {
            ($demand:expr) => {
                self.with(|base, slope, x, memory| $demand.chance(base, slope, $demand.feature(x), memory))
            };
        }
        match self.demand {
            Demand::ConstantElasticity => of!(Demand::ConstantElasticity),
            Demand::SemiLog => of!(Demand::SemiLog),
            Demand::Linear => of!(Demand::Linear),
            Demand::Logit => of!(Demand::Logit),
            Demand::MultinomialLogit | Demand::NestedLogit => of!(Demand::MultinomialLogit),
        }
    }
}

/// `I^(1-μ) + I`: a product's weight over this is its chance.
#[inline(always)]
pub fn crowd(total: f64, nest: f64) -> f64 {
    // A logarithm of 0 would make 0 / 0 of a choice set that nobody wants.
    let total = if total > 1e-300 { total } else { 1e-300 };
    if nest >= 1.0 { 1.0 + total } else { exp((1.0 - nest) * ln(total)) + total }
}

/// Base and slope of each product of a model without choice sets.
pub fn single(demand: Demand, rate: &Param, elasticity: &Param, shape: Shape) -> (Param, Param) {
    let base = rate.map_rows(|q| if demand == Demand::Logit { ln(q[0]) - ln(1.0 - q[0]) } else { ln(q[0]) });
    if demand != Demand::Logit {
        return (base, elasticity.clone());
    }
    (base, Param::combine([rate, elasticity], shape, |[q, elasticity]| elasticity / (1.0 - q)))
}

/// Base and slope of each product of a joint model, whose choice sets begin where `starts` says (entities).
///
/// # Errors
/// Refuses a choice set whose chances add up to 1 or more, by its first row.
pub fn joint(
    (rate, elasticity): (&Param, &Param),
    starts: &[usize],
    nest: f64,
    shape: Shape,
) -> Result<(Param, Param)> {
    let dense = Param::combine([rate, elasticity], shape, |[q, _]| q).dense(shape);
    let elasticity = Param::combine([elasticity, rate], shape, |[e, _]| e).dense(shape);
    let (mut base, mut slope) = (dense.clone(), elasticity.clone());
    for first in (0..dense.len()).step_by(shape.entities) {
        for (g, &start) in starts.iter().enumerate() {
            let end = starts.get(g + 1).copied().unwrap_or(shape.entities);
            let rows = first + start..first + end;
            let all: f64 = dense[rows.clone()].iter().sum();
            if all >= 1.0 {
                let field = format!("pricing.rate of the choice set from row {} on", rows.start);
                return Err(refuse(&field, format!("a sum of {all}"), "chances that add up to less than 1"));
            }
            let total = exp((ln(all) - ln(1.0 - all)) / nest);
            for i in rows {
                let q = dense[i];
                base[i] = ln(total * q / all);
                slope[i] = elasticity[i] / (1.0 - (1.0 - nest) * q / all - nest * q);
            }
        }
    }
    Ok((Param::each(base, shape), Param::each(slope, shape)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Demand; 4] = [Demand::ConstantElasticity, Demand::SemiLog, Demand::Linear, Demand::Logit];
    const SHAPE: Shape = Shape { entities: 3, replicates: 1 };

    #[test]
    fn single_models_meet_their_rate_and_elasticity_at_the_reference_price() {
        for demand in ALL {
            let (rate, elasticity) = (Param::shared(vec![0.2]), Param::shared(vec![-2.5]));
            let (base, slope) = single(demand, &rate, &elasticity, SHAPE);
            let at = |x: f64| demand.chance(base.values()[0], slope.values()[0], demand.feature(x), 0.0);
            assert!((at(1.0) - 0.2).abs() < 1e-14);
            let numeric = (at(1.0 + 1e-6) - at(1.0 - 1e-6)) / 2e-6 / 0.2;
            assert!((numeric + 2.5).abs() < 1e-7, "{demand:?}: {numeric}");
        }
    }

    #[test]
    fn joint_models_meet_their_rates_and_elasticities_at_the_reference_prices() -> Result<()> {
        let (q, e) = ([0.1, 0.05, 0.2], [-2.0, -1.5, -3.0]);
        for nest in [1.0, 0.6, 0.2] {
            let (rate, elasticity) = (Param::each(q.to_vec(), SHAPE), Param::each(e.to_vec(), SHAPE));
            let (base, slope) = joint((&rate, &elasticity), &[0], nest, SHAPE)?;
            let chances = |x: [f64; 3]| {
                let w: Vec<f64> =
                    (0..3).map(|i| exp(base.values()[i] + slope.values()[i] * (x[i] - 1.0))).collect();
                let all = crowd(w.iter().sum(), nest);
                w.iter().map(|w| w / all).collect::<Vec<_>>()
            };
            for i in 0..3 {
                assert!((chances([1.0; 3])[i] - q[i]).abs() < 1e-14);
                let (mut up, mut down) = ([1.0; 3], [1.0; 3]);
                (up[i], down[i]) = (1.0 + 1e-6, 1.0 - 1e-6);
                let numeric = (chances(up)[i] - chances(down)[i]) / 2e-6 / q[i];
                assert!((numeric - e[i]).abs() < 1e-6, "nest {nest}: {numeric}");
            }
        }
        Ok(())
    }
}
