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
/// Environments that are stepped together, in arrays that the compiler knows to be apart.
const WIDE: usize = 64;

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
    columns: [&'a mut [f64]; 2],
    torque: &'a [f32],
    obs: &'a mut [f32],
    reward: &'a mut [f64],
}

impl Steps<'_> {
    #[inline(always)]
    fn some(&mut self, first: usize, len: usize) {
        let part = first..first + len;
        let (mut angle, mut turn, mut torque) = ([0.0; WIDE], [0.0; WIDE], [0.0; WIDE]);
        angle[..len].copy_from_slice(&self.columns[0][part.clone()]);
        turn[..len].copy_from_slice(&self.columns[1][part.clone()]);
        torque[..len].copy_from_slice(&self.torque[part.clone()]);
        let (mut obs, mut reward) = ([0.0; 3 * WIDE], [0.0; WIDE]);
        for i in 0..len {
            let (pull, bent) = (self.strength * f64::from(torque[i]), upright(angle[i]));
            reward[i] = -(bent * bent + 0.1 * (turn[i] * turn[i]) + 0.001 * (pull * pull));
            let turning = 1.5 * self.gravity * sin_cos(angle[i]).0 + 3.0 * pull;
            turn[i] = (turn[i] + turning * TAU).clamp(-FASTEST, FASTEST);
            angle[i] += turn[i] * TAU;
        }
        for i in 0..len {
            let (sin, cos) = sin_cos(angle[i]);
            (obs[3 * i], obs[3 * i + 1], obs[3 * i + 2]) = (cos as f32, sin as f32, turn[i] as f32);
        }
        self.columns[0][part.clone()].copy_from_slice(&angle[..len]);
        self.columns[1][part.clone()].copy_from_slice(&turn[..len]);
        self.obs[3 * first..3 * (first + len)].copy_from_slice(&obs[..3 * len]);
        self.reward[part].copy_from_slice(&reward[..len]);
    }
}

impl Kernel for Steps<'_> {
    type Output = ();
    #[inline(always)]
    fn run(mut self) {
        let len = self.torque.len();
        let whole = len / WIDE * WIDE;
        for first in (0..whole).step_by(WIDE) {
            self.some(first, WIDE);
        }
        self.some(whole, len - whole);
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
        &["angle", "angular_velocity"]
    }

    fn plan(&self, _level: Option<f64>, _rows: usize) {}

    fn reset(&self, run: &Run<'_>, rows: Rows<'_>, state: &mut State<'_>, obs: &mut [f32]) {
        let [angles, turns] = state.columns();
        let parts = self.start.part(0, run, rows).into_iter().zip(self.start.part(1, run, rows));
        for (row, (angle, turn)) in rows.iter().zip(parts) {
            (angles[row], turns[row]) = (angle, turn);
            let (sin, cos) = sin_cos(angle);
            obs[3 * row..3 * row + 3].copy_from_slice(&[cos as f32, sin as f32, turn as f32]);
        }
    }

    fn step(&self, _run: &Run<'_>, (): &(), actions: Actions<'_>, state: &mut State<'_>, out: &mut Out<'_>) {
        dispatch::run(Steps { gravity: self.gravity, strength: self.strength, columns: state.columns(), torque: actions.points(), obs: out.obs, reward: out.reward });
    }

    fn expected(&self, _run: &Run<'_>, _state: &[f64], _out: &mut [f64]) {}
}
