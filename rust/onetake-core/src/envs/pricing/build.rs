//! Settings and columns into products: every check of this family is here.

use super::change::Change;
use super::demand::{self, Demand};
use super::memory::Memory;
use super::noise::{GammaTable, Shocks};
use super::sales::BURST;
use super::{Config, Pricing};
use crate::columns::{Columns, Param, Shape};
use crate::config::{self, PLACE, refuse};
use crate::error::Result;
use crate::family::{ActionSpace, Channel, Coupling, Spec, Yardstick};
use crate::modifiers::Modifiers;

const PRICE: (&str, fn(f64) -> bool) = ("a price above 0 and at most 1e9", |v| v > 0.0 && v <= 1e9);
const COST: (&str, fn(f64) -> bool) = ("a cost in [0, 1e9]", |v| (0.0..=1e9).contains(&v));
const VIEWS: (&str, fn(f64) -> bool) = ("a number above 0 and at most 1e7", |v| v > 0.0 && v <= 1e7);
const RATE: (&str, fn(f64) -> bool) = ("a chance above 0 and below 1", |v| v > 0.0 && v < 1.0);
const FALLING: (&str, fn(f64) -> bool) = (
    "at most 0: demand that grows with its price is mostly a confounded fit (allow_wrong_sign: true if it is meant)",
    |v| (-100.0..=0.0).contains(&v),
);
const ANY: (&str, fn(f64) -> bool) = ("a number in [-100, 100]", |v| (-100.0..=100.0).contains(&v));

/// Make the family.
pub(super) fn pricing(config: &Config, columns: &mut Columns) -> Result<Pricing> {
    let shape = columns.shape();
    check(config)?;
    let mut take = |name, value, wanted| -> Result<Param> {
        let param = columns.take("pricing", name, &[value], wanted)?;
        if param.width() == 1 {
            return Ok(param);
        }
        Err(refuse(&format!("columns[\"{name}\"]"), format!("{} values a row", param.width()), "1"))
    };
    let price = take("price", config.price, PRICE)?;
    let cost = take("cost", config.cost, COST)?;
    let views = take("views", config.views, VIEWS)?;
    let rate = take("rate", config.rate, RATE)?;
    let elasticity = take("elasticity", config.elasticity, if config.allow_wrong_sign { ANY } else { FALLING })?;
    let groups = groups(&columns.take("pricing", "group", &[], PLACE)?, shape)?;
    if groups.is_empty() && config.group_shock > 0.0 {
        return Err(refuse("pricing.group_shock", config.group_shock, "0 where there is no column group"));
    }
    let starts = if config.demand.is_joint() { starts(&groups, shape)? } else { Vec::new() };
    let nest = if config.demand == Demand::NestedLogit { config.nest } else { 1.0 };
    let (base, slope) = if config.demand.is_joint() {
        demand::joint((&rate, &elasticity), &starts, nest, shape)?
    } else {
        demand::single(config.demand, &rate, &elasticity, shape)
    };
    let ladder = if config.between.is_some() { Vec::new() } else { config.ladder.clone() };
    let ends = ends(config);
    if config.demand.is_joint() {
        check_costs(&Param::combine([&cost, &price], shape, |[c, p]| c / p), ends.1)?;
    }
    let memory = Memory::new(config.reference, config.pantry, ends)?;
    let tried = if ladder.is_empty() { vec![ends.0, ends.1] } else { ladder.clone() };
    let change = Change::new(config.largest_change, config.soft_change, &tried, ladder.is_empty())?;
    let bounds = Bounds { config, nest, memory, shape, tried };
    let (low, high) = bounds.rewards([&price, &cost, &views, &base, &slope]);
    let usual = if memory.of_purchases() {
        Param::combine([&views, &rate], shape, |[v, q]| v * q)
    } else {
        Param::shared(vec![1.0])
    };
    Ok(Pricing {
        spec: spec(config, &price, &views, &memory, starts.len(), (low, high)),
        modifiers: Modifiers::new("pricing", &config.modifiers)?,
        demand: config.demand,
        nest,
        ladder,
        price,
        cost,
        views,
        base,
        slope,
        usual,
        groups,
        starts,
        gamma: GammaTable::new(config.dispersion),
        shocks: Shocks { all: config.shock, group: config.group_shock },
        memory,
        change,
    })
}

/// The least and the largest price, as multiples.
fn ends(config: &Config) -> (f64, f64) {
    match config.between {
        Some([low, high]) => (f64::from(low as f32), f64::from(high as f32)),
        None => config.ladder.iter().fold((f64::INFINITY, 0.0), |(low, high), &x| (low.min(x), high.max(x))),
    }
}

fn check(config: &Config) -> Result<()> {
    let fits = |x: &f64| (0.01..=100.0).contains(x);
    if config.ladder.is_empty() || !config.ladder.iter().all(fits) {
        let wanted = "at least one multiple of the reference price in [0.01, 100]";
        return Err(refuse("pricing.ladder", format!("{:?}", config.ladder), wanted));
    }
    if let Some([low, high]) = config.between
        && !(fits(&low) && fits(&high) && low < high)
    {
        return Err(refuse("pricing.between", format!("[{low}, {high}]"), "two multiples in [0.01, 100], the lower first"));
    }
    for (field, value, most) in [
        ("dispersion", config.dispersion, 100.0),
        ("shock", config.shock, 3.0),
        ("group_shock", config.group_shock, 3.0),
    ] {
        if !(0.0..=most).contains(&value) {
            return Err(refuse(&format!("pricing.{field}"), value, format!("a number in [0, {most}]")));
        }
    }
    if !(config.nest >= 0.01 && config.nest <= 1.0) {
        return Err(refuse("pricing.nest", config.nest, "a number in [0.01, 1]"));
    }
    config::horizon("pricing", config.horizon)
}

/// The group of each entity.
fn groups(column: &Param, shape: Shape) -> Result<Vec<u32>> {
    if column.width() == 0 {
        return Ok(Vec::new());
    }
    if column.width() != 1 {
        return Err(refuse("columns[\"group\"]", format!("{} values a row", column.width()), "1"));
    }
    let all = column.dense(shape);
    let groups = &all[..shape.entities];
    match all.iter().enumerate().position(|(row, group)| *group != groups[row % shape.entities]) {
        Some(row) => {
            let wanted = "the entity's group, the same in every replicate";
            Err(refuse(&format!("columns[\"group\"] row {row}"), all[row], wanted))
        }
        None => Ok(groups.iter().map(|&group| group as u32).collect()),
    }
}

/// Where choice sets begin.
fn starts(groups: &[u32], shape: Shape) -> Result<Vec<usize>> {
    if groups.is_empty() {
        return Ok(vec![0]);
    }
    let starts: Vec<usize> = (0..shape.entities).filter(|&row| row == 0 || groups[row] != groups[row - 1]).collect();
    let mut seen: Vec<(u32, usize)> = starts.iter().map(|&row| (groups[row], row)).collect();
    seen.sort_unstable();
    match seen.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => {
            let field = format!("columns[\"group\"] row {}", pair[1].1);
            Err(refuse(&field, format!("group {} again", pair[1].0), "products of a choice set beside each other"))
        }
        None => Ok(starts),
    }
}

/// In a choice set, each product must have a price that covers its cost, or no prices are known to be best together.
fn check_costs(costs: &Param, most: f64) -> Result<()> {
    match costs.values().iter().position(|&cost| cost > most) {
        Some(row) => {
            let got = format!("{} times the reference price", costs.values()[row]);
            Err(refuse(&format!("pricing.cost row {row}"), got, format!("at most the largest price, {most} times it")))
        }
        None => Ok(()),
    }
}

/// How far a count of mean `mean` can reach with words of 32 bits: 6.34 standard deviations, and the skew.
fn reach(mean: f64) -> f64 {
    (mean + 6.5 * mean.sqrt() + 30.0).floor()
}

struct Bounds<'a> {
    config: &'a Config,
    nest: f64,
    memory: Memory,
    shape: Shape,
    tried: Vec<f64>,
}

impl Bounds<'_> {
    /// Least and largest reward of each product: margins times the most units that words of 32 bits can sell. Where any
    /// price between two may be chosen, the largest margin is taken with the largest chance.
    fn rewards(&self, params: [&Param; 5]) -> (Param, Param) {
        let side = |sign: f64| {
            Param::combine(params, self.shape, |[price, cost, views, base, slope]| {
                let seen = reach(views * BURST);
                let units = |x: f64| {
                    let effect = self.memory.range(x)[1] / self.nest;
                    let weight = self.config.demand.chance(base, slope, self.config.demand.feature(x), effect);
                    let chance = if self.config.demand.is_joint() { weight / demand::crowd(weight, self.nest) } else { weight };
                    reach(seen * chance).min(seen)
                };
                let most = self.tried.iter().fold(0.0_f64, |most, &x| most.max(units(x)));
                let money = |x: &f64| {
                    let sold = if self.config.between.is_some() { most } else { units(*x) };
                    (sign * (price * x - cost)).max(0.0) * sold
                };
                sign * self.tried.iter().map(money).fold(0.0, f64::max)
            })
        };
        (side(-1.0), side(1.0))
    }
}

fn spec(config: &Config, price: &Param, views: &Param, memory: &Memory, sets: usize, reward: (Param, Param)) -> Spec {
    let largest = |param: &Param| param.values().iter().fold(0.0_f64, |most, &v| most.max(v));
    let seen = reach(largest(views) * BURST) as f32;
    let dearest = (largest(price) * ends(config).1.max(1.0)) as f32;
    let actions = match config.between {
        Some([low, high]) => ActionSpace::Box { low: vec![low as f32], high: vec![high as f32] },
        None => ActionSpace::Discrete { count: config.ladder.len() },
    };
    let labels = config.ladder.iter().map(|x| format!("price × {x}"));
    Spec {
        action_labels: if config.between.is_some() { Vec::new() } else { labels.collect() },
        actions,
        observations: vec![
            Channel::new("interactions", 0.0, seen),
            Channel::new("conversions", 0.0, seen),
            Channel::new("price", 0.0, dearest),
        ],
        horizon: config.horizon,
        coupling: match sets {
            0 => Coupling::Independent,
            1 => Coupling::Replicate,
            _ => Coupling::Grouped,
        },
        terminates: false,
        yardstick: if memory.columns().is_empty() && config.largest_change.is_none() { Yardstick::BestNow } else { Yardstick::Bound },
        reward_low: reward.0,
        reward_high: reward.1,
        counts: None,
    }
}
