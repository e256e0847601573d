//! The batch by its public face: a family with state, ends of its own and continuous actions behaves as the shipped ones.

use onetake_core::batch::Batch;
use onetake_core::columns::{Column, Columns, Param, Shape};
use onetake_core::envs;
use onetake_core::error::{Error, Result};
use onetake_core::family::{ActionSpace, Actions, Channel, Coupling, Family, Out, Rows, Run, Spec, State, Yardstick};
use onetake_core::modifiers::Modifiers;
use onetake_core::rng::unit;
use onetake_core::simulator::{AutoReset, Ended, Layout, Simulator, StepOut};
use onetake_core::workers;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// A point on a line that is pushed by `action` and luck, and ends beyond 1; its reward is its place.
struct Line {
    spec: Spec,
    modifiers: Modifiers,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {}

impl Family for Line {
    const NAME: &'static str = "line";
    const COLUMNS: &'static [&'static str] = &[];
    type Config = Config;
    type Plan = ();

    fn new(_config: &Config, _columns: &mut Columns) -> Result<Self> {
        let spec = Spec {
            actions: ActionSpace::Box { low: vec![-0.5], high: vec![0.5] },
            action_labels: Vec::new(),
            observations: vec![Channel::new("place", -100.0, 100.0), Channel::new("age", 0.0, 20.0)],
            horizon: Some(6),
            coupling: Coupling::Independent,
            terminates: true,
            yardstick: Yardstick::BestNow,
            reward_low: Param::shared(vec![-100.0]),
            reward_high: Param::shared(vec![100.0]),
            counts: None,
        };
        Ok(Self { spec, modifiers: Modifiers::default() })
    }

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn modifiers(&self) -> &Modifiers {
        &self.modifiers
    }

    fn state(&self) -> &'static [&'static str] {
        &["place"]
    }

    fn plan(&self, _level: Option<f64>, _rows: usize) {}

    fn reset(&self, run: &Run<'_>, rows: Rows<'_>, state: &mut State<'_>, obs: &mut [f32]) {
        let mut words = vec![0; run.len];
        run.words(1, &mut words);
        let place = state.column(0);
        for i in rows.iter() {
            place[i] = 0.1 * unit(words[i]);
            obs[2 * i] = place[i] as f32;
            obs[2 * i + 1] = 0.0;
        }
    }

    fn step(&self, run: &Run<'_>, (): &(), actions: Actions<'_>, state: &mut State<'_>, out: &mut Out<'_>) {
        let Actions::Points { values, .. } = actions else { return };
        let mut words = vec![0; run.len];
        run.words(0, &mut words);
        let place = state.column(0);
        for i in 0..run.len {
            place[i] += f64::from(values[i]) + unit(words[i]) - 0.4;
            out.obs[2 * i] = place[i] as f32;
            out.obs[2 * i + 1] = (run.elapsed(i) + 1) as f32;
            out.reward[i] = place[i];
            out.terminated[i] = place[i] > 1.0;
        }
    }

    fn expected(&self, _run: &Run<'_>, _state: &[f64], _out: &mut [f64]) {}
}

fn layout(entities: usize, replicates: usize, first_entity: u32, mode: AutoReset) -> Layout {
    Layout { shape: Shape { entities, replicates }, first_entity, first_replicate: 0, seed: 3, mode }
}

fn line(entities: usize, first: u32, mode: AutoReset) -> Result<Batch<Line>> {
    Batch::new("{}", Vec::new(), layout(entities, 1, first, mode), workers::pool(2)?)
}

/// What a step gave.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    obs: Vec<f32>,
    reward: Vec<f64>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
    ended: Ended,
}

fn step(batch: &mut dyn Simulator, actions: Actions<'_>) -> Result<Step> {
    let rows = batch.shape().rows();
    let mut got = Step {
        obs: vec![0.0; rows * batch.spec().observations.len()],
        reward: vec![0.0; rows],
        terminated: vec![false; rows],
        truncated: vec![false; rows],
        ended: Ended::default(),
    };
    let mut out = StepOut {
        obs: &mut got.obs,
        reward: &mut got.reward,
        terminated: &mut got.terminated,
        truncated: &mut got.truncated,
    };
    let ended = batch.step(actions, &mut out)?;
    got.ended = ended;
    Ok(got)
}

fn reset(batch: &mut dyn Simulator, seed: Option<u64>) -> Vec<f32> {
    let mut obs = vec![0.0; batch.shape().rows() * batch.spec().observations.len()];
    batch.reset(seed, &mut obs);
    obs
}

/// The pushes of entities from `first` on at step `t`.
fn pushes(first: usize, len: usize, t: usize) -> Vec<f32> {
    (first..first + len).map(|i| ((i * 7 + t * 3) % 11) as f32 / 11.0 - 0.45).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_part_of_a_batch_is_the_same_part_of_the_whole(
        len in 1_usize..40, first in 0_usize..3000, seed in any::<u64>(), same_step in any::<bool>(),
    ) {
        let mode = if same_step { AutoReset::SameStep } else { AutoReset::NextStep };
        let mut whole = line(3100, 0, mode)?;
        let mut part = line(len, first as u32, mode)?;
        let (all, own) = (reset(&mut whole, Some(seed)), reset(&mut part, Some(seed)));
        prop_assert_eq!(&all[2 * first..2 * (first + len)], &own[..]);
        for t in 0..15 {
            let a = step(&mut whole, Actions::Points { values: &pushes(0, 3100, t), width: 1 })?;
            let b = step(&mut part, Actions::Points { values: &pushes(first, len, t), width: 1 })?;
            prop_assert_eq!(&a.obs[2 * first..2 * (first + len)], &b.obs[..]);
            prop_assert_eq!(&a.reward[first..first + len], &b.reward[..]);
            prop_assert_eq!(&a.terminated[first..first + len], &b.terminated[..]);
            prop_assert_eq!(&a.truncated[first..first + len], &b.truncated[..]);
        }
    }

    #[test]
    fn episodes_end_by_themselves_or_by_time_and_begin_again(len in 1_usize..300, seed in any::<u64>()) {
        let mut batch = line(len, 0, AutoReset::NextStep)?;
        reset(&mut batch, Some(seed));
        let mut age = vec![0_u32; len];
        let mut over = vec![false; len];
        for t in 0..30 {
            let got = step(&mut batch, Actions::Points { values: &pushes(0, len, t), width: 1 })?;
            for i in 0..len {
                age[i] = if over[i] { 0 } else { age[i] + 1 };
                prop_assert_eq!(got.obs[2 * i + 1], age[i] as f32);
                prop_assert_eq!(got.terminated[i], !over[i] && got.reward[i] > 1.0);
                prop_assert_eq!(got.truncated[i], age[i] >= 6);
                if over[i] {
                    prop_assert_eq!(got.reward[i], 0.0);
                }
                over[i] = got.terminated[i] || got.truncated[i];
            }
            prop_assert_eq!(batch.elapsed(), age.clone());
        }
    }

    #[test]
    fn a_reset_within_the_step_hands_over_the_last_observation(len in 1_usize..300, seed in any::<u64>()) {
        let mut batch = line(len, 0, AutoReset::SameStep)?;
        reset(&mut batch, Some(seed));
        for t in 0..30 {
            let got = step(&mut batch, Actions::Points { values: &pushes(0, len, t), width: 1 })?;
            let ends: Vec<u32> =
                (0..len as u32).filter(|&i| got.terminated[i as usize] || got.truncated[i as usize]).collect();
            prop_assert_eq!(&got.ended.rows, &ends);
            for (last, &i) in got.ended.obs.chunks(2).zip(&ends) {
                prop_assert_eq!(f64::from(last[0]), f64::from(got.reward[i as usize] as f32));
                prop_assert_eq!(got.obs[2 * i as usize + 1], 0.0);
                prop_assert!((0.0..0.1).contains(&got.obs[2 * i as usize]));
            }
        }
    }

    #[test]
    fn saved_states_of_every_age_go_on_equally(len in 1_usize..200, steps in 0_usize..12, seed in any::<u64>()) {
        let mut batch = line(len, 0, AutoReset::NextStep)?;
        reset(&mut batch, Some(seed));
        for t in 0..steps {
            step(&mut batch, Actions::Points { values: &pushes(0, len, t), width: 1 })?;
        }
        let mut fork = batch.fork(None);
        let mut other = line(len, 0, AutoReset::NextStep)?;
        other.restore(&batch.save())?;
        for t in steps..steps + 9 {
            let values = pushes(0, len, t);
            let actions = Actions::Points { values: &values, width: 1 };
            let ahead = step(&mut batch, actions)?;
            prop_assert_eq!(&ahead, &step(&mut other, actions)?);
            prop_assert_eq!(&ahead, &step(fork.as_mut(), actions)?);
        }
    }
}

#[test]
fn points_outside_their_space_are_refused_by_row() -> Result<()> {
    let mut batch = line(3, 0, AutoReset::NextStep)?;
    reset(&mut batch, None);
    for (values, row) in [([0.0, 0.7, 0.0], 1), ([0.0, 0.0, f32::NAN], 2)] {
        let refused = step(&mut batch, Actions::Points { values: &values, width: 1 });
        assert!(
            matches!(&refused, Err(Error::Shape { what, .. }) if *what == format!("actions[{row}]")),
            "{refused:?}"
        );
    }
    let arms = step(&mut batch, Actions::Arms(&[0, 0, 0]));
    assert!(matches!(arms, Err(Error::Shape { .. })));
    assert!(matches!(batch.account(&[0, 0, 0], None), Err(Error::NotReady { .. })));
    Ok(())
}

#[test]
fn a_column_that_a_family_does_not_know_is_refused() {
    let column = Column { name: "colour".into(), values: vec![1.0], width: 1 };
    let refused = envs::make("bandit", "{}", vec![column], layout(1, 1, 0, AutoReset::Disabled), None);
    assert!(matches!(refused.err(), Some(Error::Unknown { kind: "column", .. })));
}
