//! A pendulum that a torque is to swing up and hold: Gymnasium's `Pendulum-v1`, with its dynamics, first states, rewards
//! and horizon. Actions are shares of the greatest torque, 2, or torques as in Gymnasium; those beyond are refused
//! rather than clipped.
//!
//! Slots: 0 first angle, 1 first angular velocity.

use serde::{Deserialize, Serialize};

use crate::columns::{Columns, Param};
use crate::config;
use crate::dispatch::{self, Kernel};
use crate::error::Result;
use crate::family::{ActionSpace, Actions, Channel, Coupling, Family, Out, Rows, Run, Spec, State, Yardstick};
use crate::modifiers::Modifiers;
use crate::special::sin_cos;
use crate::start::Start;

const PI: f64 = std::f64::consts::PI;
const FASTEST: f64 = 8.0;
const STRONGEST: f64 = 2.0;
const TAU: f64 = 0.05;

/// Settings of the pendulum.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Gravity, in m/s².
    pub gravity: f64,
    /// Whether actions are shares of the greatest torque, between -1 and 1, as Gymnasium's checker recommends; else they
    /// are torques between -2 and 2, as in Gymnasium.
    pub scaled: bool,
    /// Steps of an episode, or null for no end.
    pub horizon: Option<u32>,
}

impl Default for Config {
    fn default() -> Self {
        Self { gravity: 10.0, scaled: true, horizon: Some(200) }
    }
}

/// The pendulum.
#[derive(Debug)]
pub struct Pendulum {
    spec: Spec,
    modifiers: Modifiers,
    start: Start<2>,
    gravity: f64,
    /// Torque of an action of 1.
    strength: f64,
}

/// The angle between -π and π.
#[inline(always)]
fn upright(angle: f64) -> f64 {
    let turned = angle + PI;
    turned - (2.0 * PI) * (turned * (0.5 / PI)).floor() - PI
}

struct Steps<'a> {
    gravity: f64,
    strength: f64,
    columns: [&'a mut [f64]; 3],
    torque: &'a [f32],
    obs: &'a mut [f32],
    reward: &'a mut [f64],
}

impl Kernel for Steps<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { gravity, strength, columns: [angle, turn, sine], torque, obs, reward } = self;
        let (obs, _) = obs.as_chunks_mut();
        swing_all(gravity, strength, angle, turn, sine, torque, obs, reward);
    }
}

/// Every slice is an argument of its own, so that the compiler knows them to be apart and makes wide code.
#[inline(always)]
#[allow(clippy::too_many_arguments)] // see above
fn swing_all(
    gravity: f64,
    strength: f64,
    angle: &mut [f64],
    turn: &mut [f64],
    sine: &mut [f64],
    torque: &[f32],
    obs: &mut [[f32; 3]],
    reward: &mut [f64],
) {
    let len = torque.len();
    let (angle, turn, sine) = (&mut angle[..len], &mut turn[..len], &mut sine[..len]);
    let (obs, reward) = (&mut obs[..len], &mut reward[..len]);
    for i in 0..len {
        let (pull, bent) = (strength * f64::from(torque[i]), upright(angle[i]));
        reward[i] = -(bent * bent + 0.1 * (turn[i] * turn[i]) + 0.001 * (pull * pull));
        let faster = turn[i] + (1.5 * gravity * sine[i] + 3.0 * pull) * TAU;
        let next = faster.clamp(-FASTEST, FASTEST);
        turn[i] = next;
        angle[i] += next * TAU;
        let (sin, cos) = sin_cos(angle[i]);
        sine[i] = sin;
        obs[i] = [cos as f32, sin as f32, next as f32];
    }
}

impl Family for Pendulum {
    const NAME: &'static str = "pendulum";
    const COLUMNS: &'static [&'static str] = &["start"];
    type Config = Config;
    type Plan = ();

    fn new(config: &Config, columns: &mut Columns) -> Result<Self> {
        config::horizon(Self::NAME, config.horizon)?;
        if !config.gravity.is_finite() {
            return Err(config::refuse("pendulum.gravity", config.gravity, "a finite number"));
        }
        let worst = PI * PI + 0.1 * FASTEST * FASTEST + 0.001 * STRONGEST * STRONGEST;
        let strength = if config.scaled { STRONGEST } else { 1.0 };
        let most = (STRONGEST / strength) as f32;
        let spec = Spec {
            actions: ActionSpace::Box { low: vec![-most], high: vec![most] },
            action_labels: Vec::new(),
            observations: vec![
                Channel::new("cosine", -1.0, 1.0),
                Channel::new("sine", -1.0, 1.0),
                Channel::new("angular_velocity", -FASTEST as f32, FASTEST as f32),
            ],
            horizon: config.horizon,
            coupling: Coupling::Independent,
            terminates: false,
            yardstick: Yardstick::Unknown,
            reward_low: Param::shared(vec![-worst]),
            reward_high: Param::shared(vec![0.0]),
            counts: None,
        };
        let start = Start::new(Self::NAME, columns, [(-PI, PI), (-1.0, 1.0)])?;
        Ok(Self { spec, modifiers: Modifiers::default(), start, gravity: config.gravity, strength })
    }

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn modifiers(&self) -> &Modifiers {
        &self.modifiers
    }

    fn state(&self) -> &'static [&'static str] {
        // The sine is kept, since it was needed for the observation and is needed for the next step.
        &["angle", "angular_velocity", "sine"]
    }

    fn plan(&self, _level: Option<f64>, _rows: usize) {}

    fn reset(&self, run: &Run<'_>, rows: Rows<'_>, state: &mut State<'_>, obs: &mut [f32]) {
        let [angles, turns, sines] = state.columns();
        let parts = self.start.part(0, run, rows).into_iter().zip(self.start.part(1, run, rows));
        for (row, (angle, turn)) in rows.iter().zip(parts) {
            let (sin, cos) = sin_cos(angle);
            (angles[row], turns[row], sines[row]) = (angle, turn, sin);
            obs[3 * row..3 * row + 3].copy_from_slice(&[cos as f32, sin as f32, turn as f32]);
        }
    }

    fn step(&self, _run: &Run<'_>, (): &(), actions: Actions<'_>, state: &mut State<'_>, out: &mut Out<'_>) {
        dispatch::run(Steps { gravity: self.gravity, strength: self.strength, columns: state.columns(), torque: actions.points(), obs: out.obs, reward: out.reward });
    }

    fn expected(&self, _run: &Run<'_>, _state: &[f64], _out: &mut [f64]) {}
}
