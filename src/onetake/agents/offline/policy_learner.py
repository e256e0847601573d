"""Policies learnt from a log of single decisions: what the learners share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from onetake.agents.bandits.luck import Luck
from onetake.agents.base import AbstractAgent
from onetake.errors import ConfigError, EstimateError, ShapeError
from onetake.seeding import fold_of
from onetake.types import BatchSpec, Coupling, Float64, Int64, LoggedDecisions, Observation, Transitions


@dataclass(eq=False)
class AbstractPolicyLearner(AbstractAgent):
    """A linear softmax policy that maximises what an estimator says it would have earned.

        max_θ 1/n Σ_i Σ_a π_θ(a | x_i) s(x_i, a) − ridge / 2n ‖θ‖²,   π_θ(a | x) ∝ exp(θ_a · (1, x))

    Subclasses say what a decision's score ``s(x_i, a)`` of each action is. All environments of a batch teach one
    policy. It keeps the decisions that it has seen, and is worked out anew when it is next asked: what was fitted to a
    log goes on learning online.

    Attributes:
        ridge: how strongly coefficients are held at 0, above 0.
        pessimism: how many standard errors of the predicted reward are taken off every score; 0 for none.
        clip: the largest ``1 / p``, or None for no limit.
        folds: the reward of a decision is predicted from the other folds.
        floor: chance that every action keeps.
    """

    ridge: float = 1.0
    pessimism: float = 0.0
    clip: float | None = None
    folds: int = 5
    floor: float = 0.0

    def __post_init__(self) -> None:
        for name, holds, wanted in (
            ("ridge", 0 < self.ridge < np.inf, "a number above 0"),
            ("pessimism", 0 <= self.pessimism < np.inf, "0 or more"),
            ("clip", self.clip is None or 0 < self.clip < np.inf, "a number above 0, or none"),
            ("folds", self.folds >= 2, "at least 2"),
            ("floor", 0 <= self.floor <= 1, "a number in [0, 1]"),
        ):
            if not holds:
                raise ConfigError(f"{name}: got {getattr(self, name)!r}; wanted {wanted}")

    @abstractmethod
    def scores(self, log: Seen, predicted: Float64) -> Float64:
        """Return what each action is said to have earned at each decision ``(n, k)``.

        Args:
            log: the decisions.
            predicted: their predicted rewards ``(n, k)``, from the other folds.
        """

    @property
    def coupling(self) -> Coupling:
        """One policy for all."""
        return "replicate"

    def _start(self, spec: BatchSpec, seed: int) -> None:
        width = len(spec.observation_names)
        self._seen = Seen(np.zeros((0, width)), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
        self._found: Float64 | None = None

    def fit(self, log: LoggedDecisions, seed: int = 0) -> Self:
        """Begin anew and learn from a log.

        Raises:
            EstimateError: a log without propensities, where the learner needs them.
        """
        one = np.zeros(1, np.uint32)
        names = tuple(f"x{i}" for i in range(log.context.shape[1]))
        low, high = np.array(log.reward.min()), np.array(log.reward.max())
        spec = BatchSpec(
            "log/decisions-v0",
            one,
            one,
            log.num_actions,
            names,
            None,
            low,
            high,
            coupling="replicate",
            action_labels=log.action_labels,
        )
        self.begin(spec, seed)
        self._add(log.context, log.action, log.reward, log.propensity)
        return self

    def coefficients(self) -> Float64:
        """Coefficients of each action on (1, context) ``(k, d + 1)``."""
        if self._found is None:
            self._found = self._solve()
        return self._found

    def _add(self, context: Float64, action: Int64, reward: Float64, propensity: Float64) -> None:
        bad = ~(propensity > 0)
        if bad.any():
            row = int(np.argmax(bad))
            raise EstimateError(f"propensity, row {row}: got {propensity[row]}; wanted a number in (0, 1]")
        self._seen = self._seen.with_more(context, action, reward, propensity)
        self._found = None

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        if transitions.propensity is None:
            raise EstimateError("propensity: got none; wanted the chance of each decision")
        context = transitions.obs.astype(np.float64)
        self._add(context, transitions.action.astype(np.int64), transitions.reward, transitions.propensity)
        return {}

    def _solve(self) -> Float64:
        seen, arms = self._seen, self.spec.num_actions
        features = _with_one(seen.context)
        shape = (arms, features.shape[1])
        if len(seen.action) == 0:
            return np.zeros(shape)
        scores = self.scores(seen, predict(seen, arms, self.ridge, self.folds))
        if self.pessimism:
            scores = scores - self.pessimism * doubt(seen, arms, self.ridge)
        count = len(features)

        def loss(flat: Float64) -> tuple[float, Float64]:
            theta = flat.reshape(shape)
            chances = softmax(features @ theta.T)
            mean = (chances * scores).sum(axis=1, keepdims=True)
            slope = (chances * (scores - mean)).T @ features / count
            value = float(mean.mean()) - self.ridge / (2 * count) * float((theta * theta).sum())
            return -value, -(slope - self.ridge / count * theta).ravel()

        from scipy.optimize import minimize  # slow to import, and needed by nothing else here

        found = minimize(
            loss, np.zeros(arms * features.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 500}
        )
        return np.asarray(found.x.reshape(shape), np.float64)

    def _decide(self, observation: Observation, explore: bool) -> Int64:
        chances = self._probabilities(observation, explore)
        if not explore:
            return np.asarray(chances.argmax(axis=1), np.int64)
        return Luck.of(self.spec, self._seed).categorical(chances, observation.step, rows=observation.rows)

    def _probabilities(self, observation: Observation, explore: bool) -> Float64:
        mask = observation.mask
        logits = _with_one(observation.values.astype(np.float64)) @ self.coefficients().T
        chances = softmax(logits if mask is None else np.where(mask, logits, -np.inf))
        if not explore:
            return np.asarray(np.eye(chances.shape[1])[chances.argmax(axis=1)], np.float64)
        allowed = np.ones_like(chances) if mask is None else np.asarray(mask, np.float64)
        kept = 1 - self.floor * allowed.sum(axis=1, keepdims=True)
        return np.asarray(kept * chances + self.floor * allowed, np.float64)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {name: array.copy() for name, array in vars(self._seen).items()}

    def _restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        context = arrays["context"]
        if context.ndim != 2 or any(len(arrays[name]) != len(context) for name in ("action", "reward", "propensity")):
            raise ShapeError(f"context: got shape {context.shape}; wanted a row for each decision")
        self._seen = Seen(**{name: arrays[name].copy() for name in ("context", "action", "reward", "propensity")})
        self._found = None


@dataclass(frozen=True, eq=False)
class Seen:
    """Decisions that were learnt from: context ``(n, d)``, action, reward and propensity ``(n,)``."""

    context: Float64
    action: Int64
    reward: Float64
    propensity: Float64

    def with_more(self, context: Float64, action: Int64, reward: Float64, propensity: Float64) -> Seen:
        """Return these decisions and further ones."""
        return Seen(
            np.concatenate([self.context, context]),
            np.concatenate([self.action, action]),
            np.concatenate([self.reward, reward]),
            np.concatenate([self.propensity, propensity]),
        )

    def weight(self, clip: float | None) -> Float64:
        """``1 / p``, at most ``clip`` ``(n,)``."""
        return 1 / self.propensity if clip is None else np.minimum(1 / self.propensity, clip)


def predict(seen: Seen, arms: int, ridge: float, folds: int) -> Float64:
    """Return the reward of every action at every decision by ridge regression on the other folds ``(n, k)``.

    Each action has its own coefficients, drawn towards those of all actions together.
    """
    features, fold = _with_one(seen.context), fold_of(np.arange(len(seen.action)), folds)
    predicted = np.zeros((len(features), arms))
    for part in range(folds):
        out, held = fold != part, fold == part
        if not held.any():
            continue
        shared = _ridge(features[out], seen.reward[out], ridge, np.zeros(features.shape[1]))
        for arm in range(arms):
            own = out & (seen.action == arm)
            predicted[held, arm] = features[held] @ _ridge(features[own], seen.reward[own], ridge, shared)
    return predicted


def doubt(seen: Seen, arms: int, ridge: float) -> Float64:
    """Return the standard error of every action's predicted reward at every decision ``(n, k)``."""
    features = _with_one(seen.context)
    spread = float(seen.reward.std())
    errors = np.zeros((len(features), arms))
    for arm in range(arms):
        own = features[seen.action == arm]
        inverse = np.linalg.inv(own.T @ own + ridge * np.eye(features.shape[1]))
        errors[:, arm] = spread * np.sqrt(np.einsum("ij,jk,ik->i", features, inverse, features))
    return errors


def softmax(logits: Float64) -> Float64:
    """Return chances in proportion to ``exp(logits)``, row by row."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float64)


def _with_one(context: Float64) -> Float64:
    return np.hstack([np.ones((len(context), 1)), context])


def _ridge(features: Float64, reward: Float64, ridge: float, towards: Float64) -> Float64:
    gram = features.T @ features + ridge * np.eye(features.shape[1])
    return np.asarray(np.linalg.solve(gram, features.T @ reward + ridge * towards), np.float64)
