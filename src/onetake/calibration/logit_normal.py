"""Arms and segments on the logit scale: the model that a fitted bandit is made of.

Success of a person of segment ``v`` under arm ``k``:

    s_vk ~ Binomial(n_vk, p_vk),   logit p_vk = α_k + u_v
    u_v ~ Normal(0, τ²),   α_k ~ Normal(μ, σ²),   μ ~ Normal(logit of the pooled rate, 2.5²)
    τ ~ half-Normal(segment_scale),   σ ~ half-Normal(arm_scale)

A segment's effect is shared by all arms. Segments are pulled together as far as the data say that they are alike (τ is
learnt), and so are arms (σ is learnt). The integral over ``u_v`` is one-dimensional, so the likelihood of (α, τ) is
computed by adaptive Gauss–Hermite quadrature; μ is integrated in closed form; α given (τ, σ) is taken as normal at its
mode (Laplace), and (τ, σ) has posterior weights on a grid that zooms in on where they live. A draw goes through all:
(τ, σ), then α given them, then every u_v given α and τ. Source: Pinheiro & Bates (1995), "Approximations to the
log-likelihood function in the nonlinear mixed-effects model" (the quadrature); Louis (1982) (the exact curvature); Rue,
Martino & Chopin (2009) (Laplace within a grid of hyper-parameters).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onetake.calibration.cells import Cells
from onetake.calibration.logistic import logits, normalised, rates
from onetake.calibration.rate_model import AbstractPosterior, AbstractRateModel
from onetake.draws import Draws
from onetake.seeding import child_seed
from onetake.types import Float64, Int64

NODES, WEIGHTS = np.polynomial.hermite.hermgauss(15)
#: Ends of the first look at τ and σ: from "alike" to rates that differ by orders of magnitude.
SMALLEST, LARGEST = 0.02, 5.0
#: Points on each axis of the three looks; each looks closer at where the last one found weight.
LOOKS = (6, 6, 7)
#: Standard deviation of the prior of μ round the pooled rate: wide, and keeps a log of few successes finite.
CENTRE_DEVIATION = 2.5
#: Points of the grid on which a segment's effect is drawn, in standard deviations from its mode.
EFFECT_GRID = np.linspace(-5.5, 5.5, 41)


def _log_density(cells: Cells, alpha: Float64, effect: Float64, tau: Float64) -> Float64:
    """Log of likelihood × prior of effects ``(…, v, g)`` given arms ``(…, k)`` and spread ``(…)``."""
    density = -0.5 * (effect / tau[..., None, None]) ** 2 - np.log(tau)[..., None, None]
    for arm in range(cells.num_actions):
        linear = alpha[..., arm, None, None] + effect
        density = density + cells.trials[:, arm, None] * rates(linear)[1] + cells.successes[:, arm, None] * linear
    return np.asarray(density)


def _segment_modes(cells: Cells, alpha: Float64, tau: Float64, start: Float64 | None = None) -> tuple[Float64, Float64]:
    """Mode and standard deviation (by curvature) of every segment's effect: two arrays ``(…, v)``."""
    prior = 1.0 / tau[..., None] ** 2
    effect = np.zeros((*np.shape(tau), cells.num_segments)) if start is None else start.copy()
    good = cells.successes.sum(axis=1)

    def slope_and_curvature() -> tuple[Float64, Float64]:
        rate = rates(alpha[..., None, :] + effect[..., None])[0]
        expected = cells.trials * rate
        slope = good - expected.sum(axis=-1) - prior * effect
        return slope, prior + (expected * (1.0 - rate)).sum(axis=-1)

    climbing = np.ones(effect.shape, dtype=np.bool_)
    for _ in range(60):
        slope, curvature = slope_and_curvature()
        # The log density is strictly concave; a bounded step keeps Newton from overshooting where it is flat. Each
        # effect stops by itself, so that it does not depend on how many others are looked for beside it.
        move = np.where(climbing, np.clip(slope / curvature, -2.0, 2.0), 0.0)
        effect += move
        climbing &= np.abs(move) >= 1e-7
        if not climbing.any():
            break
    return effect, 1.0 / np.sqrt(slope_and_curvature()[1])


@dataclass(frozen=True)
class _Marginal:
    """Log-likelihood of (α, τ) with effects integrated out; gradient and negative Hessian in α; the segments' modes."""

    value: float
    slope: Float64
    curvature: Float64
    effect: Float64


def _marginal(cells: Cells, alpha: Float64, tau: float, start: Float64 | None) -> _Marginal:
    mode, deviation = _segment_modes(cells, alpha, np.asarray(tau), start)
    effect = mode[:, None] + np.sqrt(2.0) * deviation[:, None] * NODES
    trials, successes = cells.trials.T[:, :, None], cells.successes.T[:, :, None]
    linear = alpha[:, None, None] + effect
    rate, log_complement = rates(linear)
    density = (trials * log_complement + successes * linear).sum(axis=0) - 0.5 * (effect / tau) ** 2
    density += NODES**2 + np.log(WEIGHTS)
    top = density.max(axis=1, keepdims=True)
    posterior = np.exp(density - top)
    mass = posterior.sum(axis=1, keepdims=True)
    posterior /= mass
    expected = trials * rate
    score = successes - expected
    arms = len(alpha)
    mean_score = (score * posterior).sum(axis=2)
    information = (expected * (1.0 - rate) * posterior).sum(axis=(1, 2))
    covariance = (score * posterior).reshape(arms, -1) @ score.reshape(arms, -1).T - mean_score @ mean_score.T
    value = float(np.sum(top + np.log(mass)) + np.sum(np.log(deviation / tau)) - 0.5 * len(mode) * np.log(np.pi))
    return _Marginal(value, mean_score.sum(axis=1), np.diag(information) - covariance, mode)


@dataclass(frozen=True)
class _Mode:
    """Arms at their mode given (τ, σ), the Cholesky factor of their covariance, and the log posterior of (τ, σ)."""

    alpha: Float64
    factor: Float64
    log_weight: float
    effect: Float64


def _climb(cells: Cells, tau: float, sigma: float, start: _Mode | None) -> _Mode:
    """Climb to the mode of α given (τ, σ) by Newton's method, from a neighbour's mode if there is one."""
    centre, arms = float(logits(cells.pooled_rate)), cells.num_actions
    shared = CENTRE_DEVIATION**2
    precision = (np.eye(arms) - shared / (sigma**2 + arms * shared)) / sigma**2
    log_determinant = 2.0 * (arms - 1) * np.log(sigma) + np.log(sigma**2 + arms * shared)

    def prior(point: Float64) -> float:
        return -0.5 * float((point - centre) @ precision @ (point - centre))

    alpha = np.full(arms, centre) if start is None else start.alpha
    here = _marginal(cells, alpha, tau, None if start is None else start.effect)
    for _ in range(60):
        move = np.linalg.solve(here.curvature + precision, here.slope - precision @ (alpha - centre))
        move = np.clip(move, -3.0, 3.0)
        for _halving in range(30):
            there = _marginal(cells, alpha + move, tau, here.effect)
            if there.value + prior(alpha + move) >= here.value + prior(alpha) - 1e-9:
                break
            move = move / 2.0
        alpha, here = alpha + move, there
        if np.abs(move).max() < 1e-5:
            break
    covariance = np.linalg.inv(here.curvature + precision)
    factor = np.asarray(np.linalg.cholesky((covariance + covariance.T) / 2.0), dtype=np.float64)
    log_weight = here.value + prior(alpha) - 0.5 * float(log_determinant) + float(np.log(np.diag(factor)).sum())
    return _Mode(alpha, factor, log_weight, here.effect)


class LogitNormalPosterior(AbstractPosterior):
    """Beliefs about (τ, σ, α, u) after counts; see the module for the model.

    ``tau``, ``sigma``, ``modes`` and ``weights`` run over the ``g`` points of the grid, σ fastest.
    """

    def __init__(self, cells: Cells, tau: Float64, sigma: Float64, modes: list[_Mode], weights: Float64) -> None:
        self._cells, self._tau, self._sigma, self._modes, self._weights = cells, tau, sigma, modes, weights

    def draw(self, draws: int, seed: int) -> Float64:
        """Draw rates ``(draws, v, k)``: (τ, σ) from the grid, α given them, each segment's effect given α and τ."""
        arms, segments = self._cells.num_actions, self._cells.num_segments
        hyper = Draws(child_seed(seed, "hyper"), entities=1, replicates=draws)
        uniform, jitter = (hyper.uniform(step) for step in range(2))
        chosen = np.minimum(np.searchsorted(np.cumsum(self._weights), uniform), len(self._weights) - 1)
        # A point of the grid stands for its surroundings.
        axis = np.unique(self._tau)
        tau = self._tau[chosen] * (axis[1] / axis[0]) ** (jitter - 0.5)
        noise = (
            Draws(child_seed(seed, "arms"), entities=arms, replicates=draws).normal(0.0, 1.0, 0).reshape(draws, arms)
        )
        alpha = np.stack([self._modes[j].alpha + self._modes[j].factor @ z for j, z in zip(chosen, noise, strict=True)])
        luck = Draws(child_seed(seed, "segments"), entities=segments, replicates=draws).uniform(0)
        effect = self._effects(alpha, tau, luck.reshape(draws, segments))
        return rates(alpha[:, None, :] + effect[:, :, None])[0]

    def _effects(self, alpha: Float64, tau: Float64, luck: Float64) -> Float64:
        """Effects ``(draws, v)`` by inverse distribution function on a grid round their modes, in blocks of draws."""
        effect = np.empty_like(luck)
        block = max(1, 2_000_000 // (luck.shape[1] * max(len(EFFECT_GRID), alpha.shape[1])))
        for first in range(0, len(luck), block):
            part = slice(first, first + block)
            mode, deviation = _segment_modes(self._cells, alpha[part], tau[part])
            grid = mode[..., None] + deviation[..., None] * EFFECT_GRID
            density = _log_density(self._cells, alpha[part], grid, tau[part])
            mass = np.exp(density - density.max(axis=-1, keepdims=True))
            below = np.cumsum((mass[..., 1:] + mass[..., :-1]) / 2.0, axis=-1)
            below /= below[..., -1:]
            cell = np.minimum((below < luck[part, :, None]).sum(axis=-1), below.shape[-1] - 1)[..., None]
            above = np.take_along_axis(below, cell, -1)
            under = np.where(cell > 0, np.take_along_axis(below, np.maximum(cell - 1, 0), -1), 0.0)
            fraction = (luck[part, :, None] - under) / np.maximum(above - under, 1e-300)
            place = EFFECT_GRID[cell] + np.clip(fraction, 0.0, 1.0) * (EFFECT_GRID[1] - EFFECT_GRID[0])
            effect[part] = (mode[..., None] + deviation[..., None] * place)[..., 0]
        return effect

    def parameters(self) -> dict[str, object]:
        """Arms' logits (mean, standard deviation); spread of segments τ and of arms σ (mean, 95 % interval)."""
        alphas = np.stack([mode.alpha for mode in self._modes])
        variances = np.stack([(mode.factor**2).sum(axis=1) for mode in self._modes])
        mean = self._weights @ alphas
        variance = self._weights @ (variances + (alphas - mean) ** 2)
        return {
            "arm_logit": mean.tolist(),
            "arm_logit_deviation": np.sqrt(variance).tolist(),
            "segment_deviation": self._summary(self._tau),
            "arm_deviation": self._summary(self._sigma),
        }

    def _summary(self, points: Float64) -> dict[str, float]:
        """Mean and central 95 % interval of one axis of the grid."""
        axis, index = np.unique(points, return_inverse=True)
        mass = np.bincount(index, weights=self._weights)
        low, high = np.interp([0.025, 0.975], np.cumsum(mass) - mass / 2.0, axis).tolist()
        return {"mean": float(mass @ axis), "low": low, "high": high}


@dataclass(frozen=True)
class LogitNormal(AbstractRateModel):
    """One effect an arm, one effect a segment, both partially pooled on the logit scale.

    Choose it when: circumstances of a segment lift or lower every arm alike. Not when: segments disagree about which
    arm is best; the fit report then flags scatter between cells.

    Attributes:
        arm_scale: scale of the half-normal prior of σ. segment_scale: of τ.

    >>> cells = Cells(np.array([[50.0, 50.0], [50.0, 50.0]]), np.array([[10.0, 30.0], [12.0, 33.0]]))
    >>> LogitNormal().fit(cells).draw(400, seed=1).mean(axis=(0, 1)).round(1).tolist()
    [0.2, 0.6]
    """

    arm_scale: float = 1.5
    segment_scale: float = 1.0

    def fit(self, cells: Cells) -> LogitNormalPosterior:
        """Weigh (τ, σ) on a grid that is made finer twice where the weight is."""
        ends = [(SMALLEST, LARGEST), (SMALLEST, LARGEST)]
        start: _Mode | None = None
        for look, points in enumerate(LOOKS):
            tau, sigma = (np.geomspace(low, high, points) for low, high in ends)
            modes, weights = self._weigh(cells, tau, sigma, start)
            start = modes[int(np.argmax(weights))]
            if look + 1 < len(LOOKS):
                table = weights.reshape(points, points)
                ends = [_around(tau, table.sum(axis=1)), _around(sigma, table.sum(axis=0))]
        return LogitNormalPosterior(cells, np.repeat(tau, points), np.tile(sigma, points), modes, weights)

    def _weigh(self, cells: Cells, tau: Float64, sigma: Float64, start: _Mode | None) -> tuple[list[_Mode], Float64]:
        """Modes of α over the grid and the posterior weight of each point, σ fastest."""
        modes: list[_Mode] = []
        log_prior = np.empty(len(tau) * len(sigma))
        for row, spread in enumerate(tau):
            nearest = modes[-len(sigma)] if modes else start
            for column, between in enumerate(sigma):
                nearest = _climb(cells, float(spread), float(between), nearest)
                modes.append(nearest)
                # A point of a grid that is even in logarithms stands for a width proportional to its value.
                log_prior[row * len(sigma) + column] = (
                    -0.5 * (spread / self.segment_scale) ** 2 - 0.5 * (between / self.arm_scale) ** 2
                ) + np.log(spread * between)
        log_weights = np.array([mode.log_weight for mode in modes]) + log_prior
        return modes, normalised(log_weights)


def _around(axis: Float64, mass: Float64) -> tuple[float, float]:
    """Ends of the part of an axis that holds the mass, with one point to spare on either side."""
    likely: Int64 = np.flatnonzero(mass > 1e-3 * mass.max())
    first, last = max(int(likely[0]) - 1, 0), min(int(likely[-1]) + 1, len(axis) - 1)
    return float(axis[first]), float(axis[last])
