//! A pole on a cart that is pushed left or right: Gymnasium's `CartPole-v1`, with its dynamics (Euler), thresholds, first
//! states, rewards and horizon. State in f64, observations in f32.
//!
//! Source: Barto, Sutton and Anderson, *Neuronlike adaptive elements that can solve difficult learning control problems*,
//! 1983, in the corrected form of Florian, *Correct equations for the dynamics of the cart-pole system*, 2007.
//!
//! Slots: 0 to 3, the parts of the first state.

use rayon::ThreadPool;
use serde::{Deserialize, Serialize};

use crate::columns::{Columns, Param, Shape};
use crate::config;
use crate::dispatch::{self, Kernel};
use crate::error::Result;
use crate::family::{ActionSpace, Actions, Channel, Coupling, Family, Out, Rows, Run, Spec, StartValues, State, Yardstick};
use crate::modifiers::Modifiers;
use crate::special::{sin_cos, sin_cos_near};
use crate::start::Start;

const GRAVITY: f64 = 9.8;
const POLE: f64 = 0.1;
const TOTAL: f64 = 1.1;
const HALF_LENGTH: f64 = 0.5;
const POLE_TIMES_LENGTH: f64 = POLE * HALF_LENGTH;
const FORCE: f64 = 10.0;
const TAU: f64 = 0.02;
const FARTHEST: f64 = 2.4;
const STEEPEST: f64 = 12.0 * 2.0 * std::f64::consts::PI / 360.0;
/// Environments that are stepped together, in arrays that the compiler knows to be apart.
const WIDE: usize = 64;

/// Settings of the pole on its cart.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Reward 0 while the pole stands and -1 when it falls, instead of 1 for every step.
    pub sutton_barto_reward: bool,
    /// Steps of an episode, or null for no end by time.
    pub horizon: Option<u32>,
}

impl Default for Config {
    fn default() -> Self {
        Self { sutton_barto_reward: false, horizon: Some(500) }
    }
}

/// The pole on its cart.
#[derive(Debug)]
pub struct CartPole {
    spec: Spec,
    modifiers: Modifiers,
    start: Start<4>,
    /// Reward while the pole stands, and when it falls.
    rewards: [f64; 2],
}

/// One step of `x, x', θ, θ'` under a force.
#[inline(always)]
fn push([x, speed, angle, turn]: [f64; 4], force: f64, (sin, cos): (f64, f64)) -> [f64; 4] {
    let temp = (force + POLE_TIMES_LENGTH * (turn * turn) * sin) * (1.0 / TOTAL);
    let pull = GRAVITY * sin - cos * temp;
    let turning = pull / (HALF_LENGTH * (4.0 / 3.0) - (HALF_LENGTH * POLE / TOTAL) * (cos * cos));
    let pushing = temp - (POLE_TIMES_LENGTH / TOTAL) * (turning * cos);
    [x + TAU * speed, speed + TAU * pushing, angle + TAU * turn, turn + TAU * turning]
}

#[inline(always)]
fn fallen(x: f64, angle: f64) -> bool {
    (x.abs() > FARTHEST) | (angle.abs() > STEEPEST)
}

/// Numbers that begin where a line of the cache begins, so that no wide load spans two.
#[repr(align(64))]
struct Lines<T>(T);

struct Steps<'a> {
    columns: [&'a mut [f64]; 4],
    arms: &'a [u32],
    rewards: [f64; 2],
    obs: &'a mut [f32],
    reward: &'a mut [f64],
    terminated: &'a mut [bool],
}

impl Steps<'_> {
    /// Step `len` environments from `first` on; a constant `len` lets the compiler make wide code.
    #[inline(always)]
    fn some(&mut self, first: usize, len: usize) {
        let part = first..first + len;
        let mut state = Lines([[0.0; WIDE]; 4]);
        for (own, column) in state.0.iter_mut().zip(&self.columns) {
            own[..len].copy_from_slice(&column[part.clone()]);
        }
        let mut force = Lines([0.0; WIDE]);
        for (force, &arm) in force.0.iter_mut().zip(&self.arms[part.clone()]) {
            *force = if arm == 1 { FORCE } else { -FORCE };
        }
        // Numbers above 0 stand in the order of their bits, in which a largest one is found in any order.
        let steepest = state.0[2].iter().fold(0, |most: u64, angle| most.max(angle.abs().to_bits()));
        let mut trig = Lines([[0.0; WIDE]; 2]);
        if steepest < std::f64::consts::FRAC_PI_4.to_bits() {
            for i in 0..len {
                (trig.0[0][i], trig.0[1][i]) = sin_cos_near(state.0[2][i]);
            }
        } else {
            for i in 0..len {
                (trig.0[0][i], trig.0[1][i]) = sin_cos(state.0[2][i]);
            }
        }
        let mut over = Lines([false; WIDE]);
        let mut obs = Lines([0.0; 4 * WIDE]);
        for i in 0..len {
            let now = [state.0[0][i], state.0[1][i], state.0[2][i], state.0[3][i]];
            let next = push(now, force.0[i], (trig.0[0][i], trig.0[1][i]));
            for (column, value) in next.into_iter().enumerate() {
                state.0[column][i] = value;
                obs.0[4 * i + column] = value as f32;
            }
            over.0[i] = fallen(next[0], next[2]);
        }
        for (own, column) in state.0.iter().zip(&mut self.columns) {
            column[part.clone()].copy_from_slice(&own[..len]);
        }
        self.obs[4 * first..4 * (first + len)].copy_from_slice(&obs.0[..4 * len]);
        let [standing, falling] = self.rewards;
        for (reward, &over) in self.reward[part.clone()].iter_mut().zip(&over.0) {
            *reward = if over { falling } else { standing };
        }
        self.terminated[part].copy_from_slice(&over.0[..len]);
    }
}

impl Kernel for Steps<'_> {
    type Output = ();
    #[inline(always)]
    fn run(mut self) {
        let len = self.arms.len();
        let whole = len / WIDE * WIDE;
        for first in (0..whole).step_by(WIDE) {
            self.some(first, WIDE);
        }
        self.some(whole, len - whole);
    }
}

impl Family for CartPole {
    const NAME: &'static str = "cartpole";
    const COLUMNS: &'static [&'static str] = &["start"];
    type Config = Config;
    type Plan = ();

    fn new(config: &Config, columns: &mut Columns) -> Result<Self> {
        config::horizon(Self::NAME, config.horizon)?;
        let rewards: [f64; 2] = if config.sutton_barto_reward { [0.0, -1.0] } else { [1.0, 1.0] };
        let (far, steep) = (2.0 * FARTHEST as f32, 2.0 * STEEPEST as f32);
        let channel = |name, most: f32| Channel::new(name, -most, most);
        let spec = Spec {
            actions: ActionSpace::Discrete { count: 2 },
            action_labels: vec!["left".into(), "right".into()],
            // Speeds have no bound of their own; a bound must be finite.
            observations: vec![
                channel("position", far),
                channel("velocity", f32::MAX),
                channel("angle", steep),
                channel("angular_velocity", f32::MAX),
            ],
            horizon: config.horizon,
            coupling: Coupling::Independent,
            terminates: true,
            yardstick: if config.horizon.is_some() { Yardstick::Bound } else { Yardstick::Unknown },
            reward_low: Param::shared(vec![rewards[1].min(0.0)]),
            reward_high: Param::shared(vec![rewards[0]]),
            counts: None,
        };
        let start = Start::new(Self::NAME, columns, [(-0.05, 0.05); 4])?;
        Ok(Self { spec, modifiers: Modifiers::default(), start, rewards })
    }

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn modifiers(&self) -> &Modifiers {
        &self.modifiers
    }

    fn state(&self) -> &'static [&'static str] {
        &["position", "velocity", "angle", "angular_velocity"]
    }

    fn plan(&self, _level: Option<f64>, _rows: usize) {}

    fn reset(&self, run: &Run<'_>, rows: Rows<'_>, state: &mut State<'_>, obs: &mut [f32]) {
        self.start.each(run, rows, |column, row, value| {
            state.column(column)[row] = value;
            obs[4 * row + column] = value as f32;
        });
    }

    fn step(&self, _run: &Run<'_>, (): &(), actions: Actions<'_>, state: &mut State<'_>, out: &mut Out<'_>) {
        dispatch::run(Steps {
            columns: state.columns(),
            arms: actions.arms(),
            rewards: self.rewards,
            obs: out.obs,
            reward: out.reward,
            terminated: out.terminated,
        });
    }

    fn expected(&self, run: &Run<'_>, state: &[f64], out: &mut [f64]) {
        let (now, len) = (|column: usize, i: usize| state[column * run.len + i], run.len);
        for (place, value) in out.iter_mut().enumerate() {
            let i = place % len;
            // Where it stands after the step follows from its speed alone: the push works on the speed first.
            let over = fallen(now(0, i) + TAU * now(1, i), now(2, i) + TAU * now(3, i));
            *value = self.rewards[usize::from(over)];
        }
    }

    /// Nothing stands longer than the horizon. What random play and one arm throughout are worth is not known.
    fn start_values(&self, shape: Shape, _pool: Option<&ThreadPool>) -> Option<StartValues> {
        let best = f64::from(self.spec.horizon?) * self.rewards[0];
        Some(StartValues { best: vec![best; shape.rows()], ..StartValues::default() })
    }
}
