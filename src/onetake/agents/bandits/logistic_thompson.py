"""Plays each arm with the chance that it is the best in this context, under a logistic model of success."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from onetake.agents.bandits.linear import ARM, AbstractLinearBandit
from onetake.agents.bandits.outcomes import Outcomes, bounds_reason
from onetake.agents.checks import check_number
from onetake.draws import Draws, exp
from onetake.errors import ShapeError
from onetake.types import BatchSpec, Float64, Observation, Transitions

#: Draws of each arm by which chances are estimated.
SAMPLES = 2048
_NEWTON_STEPS = 12
_SLACK = 1e-6


@dataclass(eq=False)
class LogisticThompson(AbstractLinearBandit):
    """Draws the logit of each arm from its Laplace posterior at the context; plays the arm whose draw pays most.

        η_a ~ N(θ_aᵀx, v² · xᵀ H_a⁻¹ x),   H_a = λI + Σ n p (1 − p) x xᵀ,   A_t = argmax_a scale_a σ(η_a) trials +
        offset_a

    An outcome of n trials moves θ to the mode of its posterior, the one before being the prior, which lies on the line
    ``H⁻¹ x`` and is found by Newton's method. Without ``spec.count_reward`` a reward scaled to [0, 1] is a part of a
    success. Chances are estimated by 2,048 draws of each arm, so their standard error is at most 0.011; each has half a
    draw's share added, so that none is 0.

    Choose it when: contexts tell arms apart and rewards are successes.   Not when: exact propensities are a must:
    `SquareCB`.
    Source: Chapelle and Li, *An empirical evaluation of Thompson sampling*, NeurIPS 2011, algorithm 3. Differs from it:
    one outcome at a time, with the whole matrix H, not its diagonal; each arm's logit is drawn by itself. Where
    outcomes of one learner come together, each starts from the posterior before all of them.

    Attributes:
        scale: v above 0; 1 is the posterior itself.
        ridge: λ above 0. model: ``disjoint``, a regression an arm, or ``hybrid``, one for all arms
            (`AbstractLinearBandit`).
        intercept: whether a 1 stands before the context.
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = LogisticThompson()
    >>> agent.begin(BatchSpec("docs/Ads-v0", ids, ids[:1], 2, ("age",), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.act(Observation(np.ones((4, 1), np.float32), step=0)).action.shape
    (4,)
    """

    scale: float = 1.0
    ridge: float = 1.0
    model: Literal["disjoint", "hybrid"] = "disjoint"
    intercept: bool = True
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    propensity_method = "monte_carlo"
    propensity_error = 0.5 / SAMPLES**0.5
    propensity_samples = SAMPLES

    def __post_init__(self) -> None:
        check_number("scale", self.scale, 0, above=True)
        self._check_settings()

    def supports(self, spec: BatchSpec) -> str | None:
        """Why the agent cannot play this batch, or None if it can."""
        count = spec.count_reward
        if count is None:
            return super().supports(spec) or bounds_reason(spec)
        if not (np.isfinite(count.scale).all() and (np.asarray(count.scale) != 0).all()):
            return f"count_reward.scale: got {np.asarray(count.scale).tolist()}; wanted none to be 0"
        return super().supports(spec)

    def _pays(self, logit: Float64, observation: Observation) -> Float64:
        """What arms pay at logits ``(m, k)``."""
        rate = 1.0 / (1.0 + exp(-np.clip(logit, -40.0, 40.0)))
        count = self.spec.count_reward
        if count is None:
            return rate
        trials = np.broadcast_to(count.trials, (self.spec.num_envs,))
        trials = trials if observation.rows is None else trials[observation.rows]
        return np.asarray(count.scale * (rate * trials[:, None]) + count.offset)

    def _scores(self, observation: Observation, explore: bool) -> Float64:
        mean, width = self._predict(observation)
        if explore:
            z = self._luck.normal(self.spec.num_actions, observation.step, slot=ARM, rows=observation.rows)
            mean = mean + self.scale * width * z
        return self._pays(mean, observation)

    def _odds(self, observation: Observation) -> Float64:
        mean, width = self._predict(observation)
        arms = self.spec.num_actions
        # The same draws for every row, from a seed of their own: chances do not depend on who else is asked about.
        z = Draws(0, stream=1, entities=SAMPLES).normal(np.zeros((1, arms)), 1.0, 0)
        allowed = np.ones((len(mean), arms), dtype=np.bool_) if observation.mask is None else observation.mask
        every = np.arange(self.spec.num_envs) if observation.rows is None else observation.rows
        votes = np.empty((len(mean), arms))
        for i in range(len(mean)):
            row = replace(observation, rows=np.full(SAMPLES, every[i]), mask=None)
            paid = np.where(allowed[i], self._pays(mean[i] + self.scale * width[i] * z, row), -np.inf)
            votes[i] = np.bincount(paid.argmax(axis=1), minlength=arms)
        votes = np.where(allowed, votes + 0.5, 0.0)
        return np.asarray(votes / (SAMPLES + 0.5 * allowed.sum(axis=1, keepdims=True)))

    def _quick(self, observation: Observation, factor: float) -> None:
        return None

    def _trials(self, outcomes: Outcomes) -> tuple[Float64, Float64]:
        """Successes and trials of each outcome ``(m,)``."""
        count = self.spec.count_reward
        if count is None:
            return outcomes.scaled(self.spec), np.ones(len(outcomes.row))
        trials = np.broadcast_to(count.trials, (self.spec.num_envs,))[outcomes.row].astype(np.float64)
        scale, offset = (
            np.broadcast_to(each, (self.spec.num_actions,))[outcomes.action] for each in (count.scale, count.offset)
        )
        successes = np.rint((outcomes.reward - offset) / scale)
        off = np.abs((outcomes.reward - offset) / scale - successes) > _SLACK * np.maximum(np.abs(successes), 1.0)
        bad = off | (successes < 0) | (successes > trials)
        if bad.any():
            row = int(bad.argmax())
            wanted = f"{scale[row]:g} × successes + {offset[row]:g} with 0 to {trials[row]:g} successes"
            raise ShapeError(f"reward: got {outcomes.reward[row]} in row {row}; wanted {wanted}")
        return successes, trials

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        outcomes = Outcomes.of(self.spec, transitions)
        successes, trials = self._trials(outcomes)
        group, place, x = self._taught(outcomes, transitions.obs)
        model = group * self._width + place
        mean, width = self._core.predict(model, 1, x, 1)
        logit, weight = _mode(mean[:, 0], width[:, 0] ** 2, successes, trials)
        residual = successes - trials / (1.0 + exp(-logit))
        self._core.learn(model, x, logit + residual / weight, weight)
        return {}


def _mode(mean: Float64, variance: Float64, successes: Float64, trials: Float64) -> tuple[Float64, Float64]:
    """Logits at the mode of normal priors times binomial likelihoods ``(m,)``, and the curvature of the latter there.

    The root of ``η − mean = variance · (s − n σ(η))``, which lies between two known ends and is found by Newton's
    method, halving the bracket wherever a step leaves it.
    """
    low = mean - variance * (trials - successes)
    high = mean + variance * successes
    logit = np.clip(mean, low, high)
    for _ in range(_NEWTON_STEPS):
        rate = 1.0 / (1.0 + exp(-np.clip(logit, -40.0, 40.0)))
        gap = logit - mean - variance * (successes - trials * rate)
        low, high = np.where(gap < 0, logit, low), np.where(gap < 0, high, logit)
        step = logit - gap / (1.0 + variance * trials * rate * (1.0 - rate))
        logit = np.where((step >= low) & (step <= high), step, 0.5 * (low + high))
    logit = np.clip(logit, -30.0, 30.0)
    rate = 1.0 / (1.0 + exp(-logit))
    return logit, np.maximum(trials * rate * (1.0 - rate), 1e-9)
