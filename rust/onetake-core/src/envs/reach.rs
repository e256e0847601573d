//! A point in the plane that is to reach a goal: the action is its velocity, and each step costs 1 unless it ends within
//! `tolerance` of the goal.
//!
//! Point and goal stay in the square between -1 and 1. All of the state is kept in the precision of the observations,
//! so that the reward can be recomputed from them to the last bit (hindsight replay does).
//!
//! Slots: 0 and 1 first place, 2 and 3 goal.

use serde::{Deserialize, Serialize};

use crate::columns::{Columns, Param};
use crate::config;
use crate::dispatch::{self, Kernel};
use crate::error::Result;
use crate::family::{ActionSpace, Actions, Channel, Coupling, Family, Out, Rows, Run, Spec, State, Yardstick};
use crate::modifiers::Modifiers;
use crate::start::Start;

/// Settings of the point and its goal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Distance from the goal that counts as there.
    pub tolerance: f64,
    /// Way of a step at velocity 1.
    pub speed: f64,
    /// Steps of an episode, or null for no end.
    pub horizon: Option<u32>,
}

impl Default for Config {
    fn default() -> Self {
        Self { tolerance: 0.05, speed: 0.1, horizon: Some(50) }
    }
}

/// The point and its goal.
#[derive(Debug)]
pub struct Reach {
    spec: Spec,
    modifiers: Modifiers,
    start: Start<4>,
    tolerance: f64,
    speed: f64,
}

struct Steps<'a> {
    speed: f64,
    nearest: f64,
    columns: [&'a mut [f64]; 4],
    velocity: &'a [f32],
    obs: &'a mut [f32],
    reward: &'a mut [f64],
}

impl Kernel for Steps<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { speed, nearest, columns: [x, y, goal_x, goal_y], velocity, obs, reward } = self;
        let ((velocity, _), (obs, _)) = (velocity.as_chunks(), obs.as_chunks_mut());
        move_all((speed, nearest), x, y, (goal_x, goal_y), velocity, obs, reward);
    }
}

/// Every slice is an argument of its own, so that the compiler knows them to be apart and makes wide code.
#[inline(always)]
fn move_all(
    (speed, nearest): (f64, f64),
    x: &mut [f64],
    y: &mut [f64],
    (goal_x, goal_y): (&[f64], &[f64]),
    velocity: &[[f32; 2]],
    obs: &mut [[f32; 4]],
    reward: &mut [f64],
) {
    let len = velocity.len();
    let (x, y, goal_x, goal_y) = (&mut x[..len], &mut y[..len], &goal_x[..len], &goal_y[..len]);
    let (obs, reward) = (&mut obs[..len], &mut reward[..len]);
    for i in 0..len {
        x[i] = single((x[i] + speed * f64::from(velocity[i][0])).clamp(-1.0, 1.0));
        y[i] = single((y[i] + speed * f64::from(velocity[i][1])).clamp(-1.0, 1.0));
        let (away, aside) = (x[i] - goal_x[i], y[i] - goal_y[i]);
        reward[i] = if away * away + aside * aside <= nearest { 0.0 } else { -1.0 };
        obs[i] = [x[i] as f32, y[i] as f32, goal_x[i] as f32, goal_y[i] as f32];
    }
}

/// In the precision of observations.
#[inline(always)]
fn single(value: f64) -> f64 {
    f64::from(value as f32)
}

impl Family for Reach {
    const NAME: &'static str = "reach";
    const COLUMNS: &'static [&'static str] = &["start"];
    type Config = Config;
    type Plan = ();

    fn new(config: &Config, columns: &mut Columns) -> Result<Self> {
        config::horizon(Self::NAME, config.horizon)?;
        for (field, value) in [("tolerance", config.tolerance), ("speed", config.speed)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(config::refuse(&format!("reach.{field}"), value, "a number above 0"));
            }
        }
        let names = ["x", "y", "goal_x", "goal_y"];
        let spec = Spec {
            actions: ActionSpace::Box { low: vec![-1.0; 2], high: vec![1.0; 2] },
            action_labels: Vec::new(),
            observations: names.iter().map(|name| Channel::new(name, -1.0, 1.0)).collect(),
            horizon: config.horizon,
            coupling: Coupling::Independent,
            terminates: false,
            yardstick: Yardstick::Unknown,
            reward_low: Param::shared(vec![-1.0]),
            reward_high: Param::shared(vec![0.0]),
            counts: None,
        };
        let start = Start::new(Self::NAME, columns, [(-1.0, 1.0); 4])?;
        let Config { tolerance, speed, .. } = *config;
        Ok(Self { spec, modifiers: Modifiers::default(), start, tolerance, speed })
    }

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn modifiers(&self) -> &Modifiers {
        &self.modifiers
    }

    fn state(&self) -> &'static [&'static str] {
        &["x", "y", "goal_x", "goal_y"]
    }

    fn plan(&self, _level: Option<f64>, _rows: usize) {}

    fn reset(&self, run: &Run<'_>, rows: Rows<'_>, state: &mut State<'_>, obs: &mut [f32]) {
        for (part, column) in state.columns::<4>().into_iter().enumerate() {
            for (row, value) in rows.iter().zip(self.start.part(part, run, rows)) {
                column[row] = single(value);
                obs[4 * row + part] = value as f32;
            }
        }
    }

    fn step(&self, _run: &Run<'_>, (): &(), actions: Actions<'_>, state: &mut State<'_>, out: &mut Out<'_>) {
        dispatch::run(Steps {
            speed: self.speed,
            nearest: self.tolerance * self.tolerance,
            columns: state.columns(),
            velocity: actions.points(),
            obs: out.obs,
            reward: out.reward,
        });
    }

    fn expected(&self, _run: &Run<'_>, _state: &[f64], _out: &mut [f64]) {}
}
