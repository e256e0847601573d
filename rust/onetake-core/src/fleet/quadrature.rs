//! Chance that each of several scaled Beta, gamma or normal variables is the largest, by quadrature.
//!
//! With payoffs `Y_k = gain_k × θ_k + offset_k` and `θ_k` of the arm's [`Law`], arm k is best with the chance
//! `∫ f_k(y) Π_{j≠k} F_j(y) dy`. The axis of payoffs is cut into panels as narrow as the narrowest posterior there asks
//! for; each panel takes eight Gauss–Legendre nodes, and the distribution functions grow by integrating the polynomial
//! through the densities at these nodes. The chances are then divided by their sum, which without error is 1.
//!
//! Source of nodes and weights: Abramowitz and Stegun, *Handbook of mathematical functions*, 1964, table 25.4.

use crate::special::{exp, ln, ln_1p};

/// Nodes in a panel.
const NODES: usize = 8;
/// A posterior is followed until its density, on its own axis, has fallen by this logarithm.
const DEPTH: f64 = 23.0;
/// Edges of a posterior's panels in standard deviations from its mode, on its own axis.
const EDGES: [f64; 8] = [0.6, 1.2, 1.9, 2.7, 3.6, 4.7, 6.0, 8.0];
/// How much farther each edge lies beyond the last of these.
const FARTHER: f64 = std::f64::consts::SQRT_2;
/// Zeros of the eighth Legendre polynomial.
const NODE: [f64; NODES] = [
    -0.960_289_856_497_536_231_684,
    -0.796_666_477_413_626_739_592,
    -0.525_532_409_916_328_985_818,
    -0.183_434_642_495_649_804_939,
    0.183_434_642_495_649_804_939,
    0.525_532_409_916_328_985_818,
    0.796_666_477_413_626_739_592,
    0.960_289_856_497_536_231_684,
];
/// Weights on [-1, 1].
const WEIGHT: [f64; NODES] = [
    0.101_228_536_290_376_259_153,
    0.222_381_034_453_374_470_544,
    0.313_706_645_877_887_287_338,
    0.362_683_783_378_361_982_965,
    0.362_683_783_378_361_982_965,
    0.313_706_645_877_887_287_338,
    0.222_381_034_453_374_470_544,
    0.101_228_536_290_376_259_153,
];
/// `GROWTH[j][i]`: integral from -1 to node i of the polynomial that is 1 at node j and 0 at the others.
const GROWTH: [[f64; NODES]; NODES] = growth();

/// By the Legendre expansion of that polynomial, integrated term by term:
/// `(2n + 1) ∫ P_n = P_{n+1} - P_{n-1}`.
const fn growth() -> [[f64; NODES]; NODES] {
    let mut legendre = [[1.0; NODES + 2]; NODES];
    let mut i = 0;
    while i < NODES {
        legendre[i][1] = NODE[i];
        let mut n = 1;
        while n <= NODES {
            let degree = n as f64;
            legendre[i][n + 1] =
                ((2.0 * degree + 1.0) * NODE[i] * legendre[i][n] - degree * legendre[i][n - 1]) / (degree + 1.0);
            n += 1;
        }
        i += 1;
    }
    let mut out = [[0.0; NODES]; NODES];
    let mut j = 0;
    while j < NODES {
        let mut i = 0;
        while i < NODES {
            let mut sum = 1.0 + NODE[i];
            let mut n = 1;
            while n < NODES {
                sum += legendre[j][n] * (legendre[i][n + 1] - legendre[i][n - 1]);
                n += 1;
            }
            out[j][i] = 0.5 * WEIGHT[j] * sum;
            i += 1;
        }
        j += 1;
    }
    out
}

/// What is believed of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// Beta with shapes `a` and `b`; panels lie on the logit axis.
    Beta,
    /// Gamma with shape `a` and rate `b`; panels lie on the logarithmic axis.
    Gamma,
    /// Normal with mean `a` and standard deviation `b`; panels lie on its own axis.
    Normal,
}

/// One scaled variable.
#[derive(Debug, Clone, Copy)]
pub struct Arm {
    /// Where its chance goes.
    pub index: usize,
    /// Its distribution.
    pub law: Law,
    /// First parameter; above 0 but for a normal mean.
    pub a: f64,
    /// Second parameter, above 0.
    pub b: f64,
    /// What rate 1 pays beyond rate 0.
    pub gain: f64,
    /// What rate 0 pays.
    pub offset: f64,
}

/// A posterior on the axis of payoffs.
#[derive(Debug, Clone)]
struct Posterior {
    arm: Arm,
    /// Logarithm of what the density is multiplied by.
    log_scale: f64,
    /// Edges of its own panels, increasing; outside, its density is nothing.
    edges: Vec<f64>,
    /// Which of its panels the march is in.
    panel: usize,
    /// Distribution function where the march is.
    below: f64,
    chance: f64,
}

/// Works out chances, keeping its space between calls.
///
/// ```
/// use onetake_core::fleet::quadrature::{Arm, Law, Quadrature};
/// let coin = |index, a| Arm { index, law: Law::Beta, a, b: 1.0, gain: 1.0, offset: 0.0 };
/// let mut chance = [0.0; 2];
/// Quadrature::default().best(&[coin(0, 1.0), coin(1, 2.0)], &mut chance);
/// assert!((chance[0] - 1.0 / 3.0).abs() < 1e-6); // P(U > max(U', U'')) of three uniforms
/// ```
#[derive(Debug, Default)]
pub struct Quadrature {
    live: Vec<Posterior>,
    /// For each live arm: densities, distribution function, and the product of those of the arms before it.
    nodes: Vec<[[f64; NODES]; 3]>,
}

impl Quadrature {
    /// Write the chance of each arm that it is the best to its index; 0 everywhere else.
    #[inline(always)]
    pub fn best(&mut self, arms: &[Arm], out: &mut [f64]) {
        out.fill(0.0);
        self.live.clear();
        self.live.extend(arms.iter().map(|arm| Posterior::new(*arm)));
        let start = self.live.iter().map(|p| p.edges[0]).fold(f64::NEG_INFINITY, f64::max);
        let end = self.live.iter().map(Posterior::end).fold(f64::NEG_INFINITY, f64::max);
        // An arm that ends where another one begins is never the best.
        self.live.retain(|posterior| posterior.end() > start);
        if self.live.is_empty() {
            // All that could be best are single points at the same place.
            for arm in arms {
                out[arm.index] = 1.0 / arms.len() as f64;
            }
            return;
        }
        for posterior in &mut self.live {
            posterior.advance_to(start);
        }
        let mut y = start;
        while y < end {
            let next = self.live.iter().map(|posterior| posterior.reach(y)).fold(end, f64::min);
            self.panel(y, next);
            for posterior in &mut self.live {
                posterior.enter(next);
            }
            y = next;
        }
        let sum: f64 = self.live.iter().map(|posterior| posterior.chance).sum();
        for posterior in &self.live {
            out[posterior.arm.index] = posterior.chance / sum;
        }
    }

    /// Add what one panel gives.
    #[inline(always)]
    fn panel(&mut self, from: f64, to: f64) {
        let half = 0.5 * (to - from);
        self.nodes.clear();
        let mut before = [1.0; NODES];
        for posterior in &mut self.live {
            let density = posterior.densities(from, half);
            let below = posterior.grow(&density, half);
            self.nodes.push([density, below, before]);
            for i in 0..NODES {
                before[i] *= below[i];
            }
        }
        let mut after = [1.0; NODES];
        for (posterior, [density, below, before]) in self.live.iter_mut().zip(&self.nodes).rev() {
            let mut sum = 0.0;
            for i in 0..NODES {
                sum += WEIGHT[i] * density[i] * before[i] * after[i];
                after[i] *= below[i];
            }
            posterior.chance += half * sum;
        }
    }
}

impl Law {
    /// The rate at a place of the law's own axis.
    #[inline(always)]
    fn rate(self, t: f64) -> f64 {
        match self {
            Self::Beta => 1.0 / (1.0 + exp(-t)),
            Self::Gamma => exp(t),
            Self::Normal => t,
        }
    }

    /// Logarithm of the density at a place of that axis against the density at its mode.
    #[inline(always)]
    fn fall(self, t: f64, mode: f64, a: f64, b: f64) -> f64 {
        match self {
            Self::Beta => {
                let softplus = |t: f64| t.max(0.0) + ln_1p(exp(-t.abs()));
                a * (t - mode) - (a + b) * (softplus(t) - softplus(mode))
            }
            Self::Gamma => a * (t - mode) - a * (exp(t - mode) - 1.0),
            Self::Normal => -0.5 * ((t - a) / b) * ((t - a) / b),
        }
    }
}

impl Posterior {
    #[inline(always)]
    fn new(arm: Arm) -> Self {
        let Arm { law, a, b, gain, offset, .. } = arm;
        let (mode, deviation) = match law {
            Law::Beta => (ln(a / b), (1.0 / a + 1.0 / b).sqrt()),
            Law::Gamma => (ln(a / b), (1.0 / a).sqrt()),
            Law::Normal => (a, b),
        };
        let mut edges = Vec::with_capacity(2 * EDGES.len() + 8);
        for side in [-1.0, 1.0] {
            let farther = std::iter::successors(Some(FARTHER * EDGES[EDGES.len() - 1]), |far| Some(FARTHER * far));
            for distance in EDGES.into_iter().chain(farther.take(20)) {
                let t = mode + side * distance * deviation;
                edges.push(gain * law.rate(t) + offset);
                if law.fall(t, mode, a, b) < -DEPTH {
                    break;
                }
            }
        }
        edges.sort_by(f64::total_cmp);
        edges.dedup();
        let log_scale = match law {
            Law::Beta => libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b),
            Law::Gamma => a * ln(b) - libm::lgamma(a),
            Law::Normal => -ln(b) - 0.5 * ln(std::f64::consts::TAU),
        };
        Self { arm, log_scale: log_scale - ln(gain.abs()), edges, panel: 0, below: 0.0, chance: 0.0 }
    }

    fn end(&self) -> f64 {
        self.edges[self.edges.len() - 1]
    }

    /// Bring the distribution function from its own start to `y`.
    #[inline(always)]
    fn advance_to(&mut self, y: f64) {
        while self.panel + 1 < self.edges.len() && self.edges[self.panel] < y {
            let (from, to) = (self.edges[self.panel], self.edges[self.panel + 1].min(y));
            let half = 0.5 * (to - from);
            let f = self.densities(from, half);
            self.grow(&f, half);
            if self.edges[self.panel + 1] > y {
                break;
            }
            self.panel += 1;
        }
    }

    /// How far a panel that begins at `y` may go for this posterior.
    #[inline(always)]
    fn reach(&self, y: f64) -> f64 {
        if y < self.edges[0] {
            return self.edges[0];
        }
        let Some(end) = self.edges.get(self.panel + 1) else { return f64::INFINITY };
        let width = end - self.edges[self.panel];
        if y + width <= *end {
            return y + width;
        }
        let narrower = self.edges.get(self.panel + 2).map_or(width, |after| width.min(after - end));
        end.max(y + narrower)
    }

    /// Note that the march is now at `y`.
    #[inline(always)]
    fn enter(&mut self, y: f64) {
        while self.panel + 1 < self.edges.len() && self.edges[self.panel + 1] <= y {
            self.panel += 1;
        }
    }

    /// Densities at the nodes of the panel that begins at `from` and is twice `half` long.
    #[inline(always)]
    fn densities(&self, from: f64, half: f64) -> [f64; NODES] {
        let mut out = [0.0; NODES];
        if from + 2.0 * half <= self.edges[0] || from >= self.end() {
            return out;
        }
        let Arm { law, a, b, gain, offset, .. } = self.arm;
        for i in 0..NODES {
            let x = (from + half * (1.0 + NODE[i]) - offset) / gain;
            let (inside, logarithm) = match law {
                Law::Beta => {
                    let inside = x > 0.0 && x < 1.0;
                    let x = if inside { x } else { 0.5 };
                    (inside, (a - 1.0) * ln(x) + (b - 1.0) * ln(1.0 - x))
                }
                Law::Gamma => {
                    let inside = x > 0.0;
                    let x = if inside { x } else { 1.0 };
                    (inside, (a - 1.0) * ln(x) - b * x)
                }
                Law::Normal => (true, -0.5 * ((x - a) / b) * ((x - a) / b)),
            };
            out[i] = if inside { exp(logarithm + self.log_scale) } else { 0.0 };
        }
        out
    }

    /// Distribution function at the nodes; afterwards it stands at the end of the panel.
    #[inline(always)]
    fn grow(&mut self, density: &[f64; NODES], half: f64) -> [f64; NODES] {
        let mut out = [0.0; NODES];
        let mut whole = 0.0;
        for j in 0..NODES {
            for i in 0..NODES {
                out[i] += GROWTH[j][i] * density[j];
            }
            whole += WEIGHT[j] * density[j];
        }
        for value in &mut out {
            *value = self.below + half * *value;
        }
        self.below += half * whole;
        out
    }
}
