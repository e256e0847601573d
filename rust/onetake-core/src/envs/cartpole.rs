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

/// Environments whose sines are taken together: few enough to stay in the nearest cache.
const WIDE: usize = 256;

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

/// One step of `x, x', θ, θ'` under a force. Constants are folded so that little waits for the division.
#[inline(always)]
fn push([x, speed, angle, turn]: [f64; 4], force: f64, (sin, cos): (f64, f64)) -> [f64; 4] {
    let temp = force * (1.0 / TOTAL) + ((POLE_TIMES_LENGTH / TOTAL) * (turn * turn)) * sin;
    let pull = GRAVITY * sin - cos * temp;
    let turning = pull / (HALF_LENGTH * (4.0 / 3.0) - (HALF_LENGTH * POLE / TOTAL) * (cos * cos));
    let driven = (speed + TAU * temp) - ((TAU * POLE_TIMES_LENGTH / TOTAL) * cos) * turning;
    [x + TAU * speed, driven, angle + TAU * turn, turn + TAU * turning]
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

impl Kernel for Steps<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { columns: [x, speed, angle, turn], arms, rewards, obs, reward, terminated } = self;
        let (obs, _) = obs.as_chunks_mut();
        let mut trig = Lines([[0.0; WIDE]; 2]);
        for first in (0..arms.len()).step_by(WIDE) {
            let part = first..(first + WIDE).min(arms.len());
            let [sin, cos] = &mut trig.0;
            sines(&angle[part.clone()], &mut sin[..part.len()], &mut cos[..part.len()]);
            step_all(
                &mut x[part.clone()],
                &mut speed[part.clone()],
                &mut angle[part.clone()],
                &mut turn[part.clone()],
                (&arms[part.clone()], &sin[..part.len()], &cos[..part.len()]),
                rewards,
                &mut obs[part.clone()],
                &mut reward[part.clone()],
                &mut terminated[part],
            );
        }
    }
}

/// Sines and cosines in a pass of their own: two short chains of operations overlap better than a long one.
#[inline(always)]
fn sines(angle: &[f64], sin: &mut [f64], cos: &mut [f64]) {
    // Numbers above 0 stand in the order of their bits, in which a largest one is found in any order.
    let steepest = angle.iter().fold(0, |most: u64, angle| most.max(angle.abs().to_bits()));
    if steepest < std::f64::consts::FRAC_PI_4.to_bits() {
        sines_by(angle, sin, cos, sin_cos_near);
    } else {
        sines_by(angle, sin, cos, sin_cos);
    }
}

#[inline(always)]
fn sines_by(angle: &[f64], sin: &mut [f64], cos: &mut [f64], trig: impl Fn(f64) -> (f64, f64)) {
    for ((sin, cos), angle) in sin.iter_mut().zip(cos).zip(angle) {
        (*sin, *cos) = trig(*angle);
    }
}

/// Every slice is an argument of its own, so that the compiler knows them to be apart and makes wide code.
#[inline(always)]
#[allow(clippy::too_many_arguments)] // see above
fn step_all(
    x: &mut [f64],
    speed: &mut [f64],
    angle: &mut [f64],
    turn: &mut [f64],
    (arms, sin, cos): (&[u32], &[f64], &[f64]),
    [standing, falling]: [f64; 2],
    obs: &mut [[f32; 4]],
    reward: &mut [f64],
    terminated: &mut [bool],
) {
    let len = arms.len();
    let (x, speed, angle, turn) = (&mut x[..len], &mut speed[..len], &mut angle[..len], &mut turn[..len]);
    let (obs, reward, terminated) = (&mut obs[..len], &mut reward[..len], &mut terminated[..len]);
    let (sin, cos) = (&sin[..len], &cos[..len]);
    for i in 0..len {
        let force = if arms[i] == 1 { FORCE } else { -FORCE };
        let next = push([x[i], speed[i], angle[i], turn[i]], force, (sin[i], cos[i]));
        [x[i], speed[i], angle[i], turn[i]] = next;
        obs[i] = next.map(|value| value as f32);
        let over = fallen(next[0], next[2]);
        terminated[i] = over;
        reward[i] = if over { falling } else { standing };
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
        for (part, column) in state.columns::<4>().into_iter().enumerate() {
            for (row, value) in rows.iter().zip(self.start.part(part, run, rows)) {
                column[row] = value;
                obs[4 * row + part] = value as f32;
            }
        }
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
