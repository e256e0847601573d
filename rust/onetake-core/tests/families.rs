//! What every family keeps, whatever its settings: cuts, threads, forks, saved states, episodes and bounds.
//!
//! A family that has no settings below is held to its defaults.

use onetake_core::columns::{Column, Shape};
use onetake_core::envs;
use onetake_core::error::Result;
use onetake_core::family::{ActionSpace, Actions};
use onetake_core::simulator::{AutoReset, Layout, Simulator, StepOut};
use onetake_core::workers;
use proptest::prelude::*;

const SEASON: &str = r#""modifiers": [{"kind": "season", "values": [0.9, 1.0, 1.1]}]"#;
const WALK: &str = r#""modifiers": [{"kind": "random_walk", "step": 0.01}]"#;
const CHAINS: &str = r#"{"horizon": 5, "chains": [
    {"transitions": [[[0.9, 0.1], [0.4, 0.6]], [[0.3, 0.7], [0.2, 0.8]]], "rewards": [[0, 1], [-0.1, 0.9]]},
    {"transitions": [[[1, 0], [0, 1]], [[0, 1], [1, 0]]], "rewards": [[0, 2], [1, -1]], "start": [0.5, 0.5]}]}"#;
const SETS: &str = r#"{"demand": "nested_logit", "nest": 0.5, "horizon": 6, "shock": 0.1, "group_shock": 0.1,
    "reference": {"keep": 0.8, "gain": 0.5, "loss": 1.0}, "pantry": {"effect": 0.02, "most": 4.0}}"#;

/// A column by entity id.
type Own = (&'static str, fn(u32) -> f64);

/// A family with settings, a column by entity id, and the number of entities between which it may be cut.
#[derive(Debug, Clone)]
struct Variant {
    family: &'static str,
    json: String,
    column: Option<Own>,
    cut: usize,
}

impl Variant {
    fn new(family: &'static str, json: impl Into<String>) -> Self {
        Self { family, json: json.into(), column: None, cut: 1 }
    }

    fn with(self, name: &'static str, of: fn(u32) -> f64) -> Self {
        Self { column: Some((name, of)), ..self }
    }

    fn make(&self, layout: Layout, threads: usize) -> Result<Box<dyn Simulator>> {
        let ids = layout.first_entity..layout.first_entity + layout.shape.entities as u32;
        let columns =
            self.column.map(|(name, of)| Column { name: name.into(), values: ids.map(of).collect(), width: 1 });
        envs::make(self.family, &self.json, columns.into_iter().collect(), layout, workers::pool(threads)?)
    }
}

fn variants() -> Vec<Variant> {
    let mut all = vec![
        Variant::new("bandit", format!("{{\"horizon\": 6, {WALK}}}")).with("rate", |id| f64::from(id % 9) / 10.0),
        Variant::new("cohort", format!("{{\"horizon\": 6, {WALK}}}")).with("size", |id| f64::from(id % 50 + 1)),
        Variant::new("cartpole", r#"{"horizon": 20}"#),
        Variant::new("intervention", format!("{{\"horizon\": 5, \"availability\": 0.7, {SEASON}}}"))
            .with("baseline", |id| f64::from(id % 5 + 1) / 10.0),
        Variant::new("intervention", r#"{"horizon": 5, "budget": 2, "availability": 0.8}"#),
        Variant::new("intervention", r#"{"horizon": 5, "budget": 2, "soft_budget": true}"#),
        Variant::new("intervention", CHAINS).with("chain", |id| f64::from(id % 2)),
        Variant::new("pendulum", r#"{"horizon": 6}"#),
        Variant::new("perishable", format!("{{\"horizon\": 7, \"capacity\": 6, {SEASON}}}"))
            .with("willingness", |id| f64::from(id % 100 + 50)),
        Variant::new("pricing", format!("{{\"horizon\": 6, \"dispersion\": 0.3, {WALK}}}")),
        Variant { cut: 4, ..Variant::new("pricing", SETS).with("group", |id| f64::from(id / 4)) },
        Variant::new("pricing", r#"{"horizon": 6, "between": [0.5, 2.0]}"#),
        Variant::new("reach", r#"{"horizon": 6}"#),
        Variant::new("tabular", r#"{"horizon": 5, "terminal": [0, 0, 1, 0, 0, 0]}"#),
    ];
    for name in envs::NAMES {
        if all.iter().all(|variant| variant.family != *name) {
            all.push(Variant::new(name, "{}"));
        }
    }
    all
}

fn any_variant() -> impl Strategy<Value = Variant> {
    proptest::sample::select(variants())
}

fn layout(entities: usize, replicates: usize, first_entity: usize, seed: u64, mode: AutoReset) -> Layout {
    let shape = Shape { entities, replicates };
    Layout { shape, first_entity: first_entity as u32, first_replicate: 0, seed, mode }
}

/// Everything that a step gives.
#[derive(Debug, Clone, Default, PartialEq)]
struct Step {
    obs: Vec<f32>,
    reward: Vec<f64>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
}

/// Actions of both kinds.
#[derive(Debug, Clone, Default)]
struct Play {
    arms: Vec<u32>,
    points: Vec<f32>,
    width: usize,
}

impl Play {
    fn actions(&self) -> Actions<'_> {
        if self.width == 0 {
            Actions::Arms(&self.arms)
        } else {
            Actions::Points { values: &self.points, width: self.width }
        }
    }

    /// The actions of some rows.
    fn part(&self, first: usize, len: usize) -> Self {
        let arms = self.arms.get(first..first + len).unwrap_or_default().to_vec();
        let points = self.points.get(first * self.width..(first + len) * self.width).unwrap_or_default().to_vec();
        Self { arms, points, width: self.width }
    }
}

/// Actions that depend on the row and the step, wherever masks and budgets leave the choice.
fn play(batch: &dyn Simulator, t: usize) -> Result<Play> {
    let (shape, rows) = (batch.shape(), batch.shape().rows());
    let count = match &batch.spec().actions {
        ActionSpace::Discrete { count } => *count,
        ActionSpace::Box { low, high } => {
            let ends = || low.iter().zip(high).enumerate();
            let point = |row: usize| ends().map(move |(d, (l, h))| l + (h - l) * ((row + d + 3 * t) % 5) as f32 / 4.0);
            return Ok(Play { arms: Vec::new(), points: (0..rows).flat_map(point).collect(), width: low.len() });
        }
    };
    let mut allowed = vec![true; rows * count];
    batch.allowed(&mut allowed)?;
    let most = batch.budget().filter(|budget| budget.hard).map_or(shape.entities, |budget| budget.most);
    let arm = |row: usize| {
        let wish = if row % shape.entities < most { (7 * row + 3 * t) % count } else { 0 };
        if allowed[row * count + wish] { wish as u32 } else { 0 }
    };
    Ok(Play { arms: (0..rows).map(arm).collect(), ..Play::default() })
}

fn step(batch: &mut dyn Simulator, play: &Play) -> Result<Step> {
    let rows = batch.shape().rows();
    let mut got = Step {
        obs: vec![0.0; rows * batch.spec().observations.len()],
        reward: vec![0.0; rows],
        terminated: vec![false; rows],
        truncated: vec![false; rows],
    };
    let Step { obs, reward, terminated, truncated } = &mut got;
    batch.step(play.actions(), &mut StepOut { obs, reward, terminated, truncated })?;
    Ok(got)
}

fn reset(batch: &mut dyn Simulator) -> Vec<f32> {
    let mut obs = vec![0.0; batch.shape().rows() * batch.spec().observations.len()];
    batch.reset(None, &mut obs);
    obs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_part_of_a_batch_is_the_same_part_of_the_whole(
        variant in any_variant(), len in 1_usize..30, before in 0_usize..3000, seed in any::<u64>(), same_step in any::<bool>(),
    ) {
        let mode = if same_step { AutoReset::SameStep } else { AutoReset::NextStep };
        let (first, len) = (before * variant.cut, len * variant.cut);
        let mut whole = variant.make(layout(3030 * variant.cut, 1, 0, seed, mode), 2)?;
        let mut part = variant.make(layout(len, 1, first, seed, mode), 1)?;
        let width = whole.spec().observations.len();
        let (all, own) = (reset(whole.as_mut()), reset(part.as_mut()));
        prop_assert_eq!(&all[width * first..width * (first + len)], &own[..]);
        for t in 0..9 {
            let actions = play(whole.as_ref(), t)?;
            let a = step(whole.as_mut(), &actions)?;
            let b = step(part.as_mut(), &actions.part(first, len))?;
            prop_assert_eq!(&a.obs[width * first..width * (first + len)], &b.obs[..]);
            prop_assert_eq!(&a.reward[first..first + len], &b.reward[..]);
            prop_assert_eq!(&a.terminated[first..first + len], &b.terminated[..]);
            prop_assert_eq!(&a.truncated[first..first + len], &b.truncated[..]);
        }
    }

    #[test]
    fn threads_change_nothing(variant in any_variant(), extra in 0_usize..900, threads in 2_usize..9, seed in any::<u64>()) {
        let entities = (8192 + extra) / variant.cut * variant.cut;
        let make = |threads| variant.make(layout(entities, 1, 0, seed, AutoReset::NextStep), threads);
        let (mut one, mut many) = (make(1)?, make(threads)?);
        prop_assert_eq!(reset(one.as_mut()), reset(many.as_mut()));
        for t in 0..3 {
            let actions = play(one.as_ref(), t)?;
            if actions.width == 0 {
                prop_assert_eq!(one.account(&actions.arms, None)?, many.account(&actions.arms, None)?);
            }
            prop_assert_eq!(step(one.as_mut(), &actions)?, step(many.as_mut(), &actions)?);
        }
        prop_assert_eq!(one.save(), many.save());
    }

    #[test]
    fn forks_and_saved_states_of_every_age_go_on_equally(
        variant in any_variant(), len in 1_usize..50, steps in 0_usize..12, seed in any::<u64>(),
    ) {
        let place = layout(len * variant.cut, 2, 0, seed, AutoReset::NextStep);
        let mut batch = variant.make(place, 1)?;
        reset(batch.as_mut());
        for t in 0..steps {
            let actions = play(batch.as_ref(), t)?;
            step(batch.as_mut(), &actions)?;
        }
        let mut fork = batch.fork(None);
        let mut other = variant.make(Layout { seed: !seed, ..place }, 1)?;
        other.restore(&batch.save())?;
        for t in steps..steps + 9 {
            let actions = play(batch.as_ref(), t)?;
            let ahead = step(batch.as_mut(), &actions)?;
            prop_assert_eq!(&ahead, &step(other.as_mut(), &actions)?);
            prop_assert_eq!(&ahead, &step(fork.as_mut(), &actions)?);
        }
    }

    #[test]
    fn episodes_end_once_and_observations_and_rewards_stay_in_their_bounds(
        variant in any_variant(), len in 1_usize..50, seed in any::<u64>(),
    ) {
        let mut batch = variant.make(layout(len * variant.cut, 1, 0, seed, AutoReset::NextStep), 1)?;
        let rows = batch.shape().rows();
        let horizon = batch.spec().horizon.unwrap_or(u32::MAX);
        let (low, high) = (batch.spec().reward_low.clone(), batch.spec().reward_high.clone());
        let channels = batch.spec().observations.clone();
        let within = |obs: &[f32]| {
            let rows = obs.chunks(channels.len());
            rows.flat_map(|row| row.iter().zip(&channels)).all(|(value, c)| (c.low..=c.high).contains(value))
        };
        prop_assert!(within(&reset(batch.as_mut())));
        let (mut age, mut over) = (vec![0_u32; rows], vec![false; rows]);
        for t in 0..20 {
            let actions = play(batch.as_ref(), t)?;
            let got = step(batch.as_mut(), &actions)?;
            prop_assert!(within(&got.obs));
            for i in 0..rows {
                let (least, most) = (low.values()[low.place(i, rows)], high.values()[high.place(i, rows)]);
                age[i] = if over[i] { 0 } else { age[i] + 1 };
                if over[i] {
                    prop_assert_eq!(got.reward[i], 0.0);
                } else {
                    prop_assert!((least..=most).contains(&got.reward[i]), "{}: {}", i, got.reward[i]);
                }
                prop_assert!(!(over[i] && got.terminated[i]));
                prop_assert_eq!(got.truncated[i], age[i] >= horizon);
                over[i] = got.terminated[i] || got.truncated[i];
            }
            prop_assert_eq!(batch.elapsed(), age.clone());
        }
    }
}
