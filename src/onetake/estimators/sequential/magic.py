"""MAGIC: between the model and importance sampling, where the error is judged to be least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from onetake.draws import total
from onetake.episodes import LoggedEpisodes
from onetake.errors import ConfigError
from onetake.estimators.contributions import Contributions
from onetake.estimators.intervals import Interval
from onetake.estimators.sequential.base import AbstractSequentialEstimator
from onetake.estimators.sequential.model import WeightedDoublyRobust
from onetake.estimators.target import TargetPolicy
from onetake.types import Float64, Int64


@dataclass(frozen=True)
class Magic(AbstractSequentialEstimator):
    """Model and guided importance sampling combined.

    ``g_j`` follows the weighted surprises of the log for ``j`` steps and trusts the model from there on: ``g_0`` is the
    model, the last one is `WeightedDoublyRobust`. MAGIC mixes them with the shares ``x`` on the simplex that minimise
    ``x'(Ω + b b')x``, where ``Ω`` is their covariance and ``b_j`` is how far ``g_j`` lies outside a 50 % interval of
    the last one. The interval takes the shares as given.

    Attributes:
        steps: at most so many lengths ``j`` are mixed, spread evenly, the first and the last among them.
        resamples: of the interval that tells bias.
        seed: of these.

    Source: Thomas and Brunskill, Data-efficient off-policy policy evaluation for reinforcement learning, 2016, section
    6.
    """

    name: ClassVar[str] = "magic"
    leans: ClassVar[bool] = False

    steps: int = 20
    resamples: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps < 2:
            raise ConfigError(f"steps: got {self.steps!r}; wanted at least 2")

    def contributions(self, log: LoggedEpisodes, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return those of `WeightedDoublyRobust`, each step's times the share of lengths that reach it."""
        parts = WeightedDoublyRobust(self.discount).contributions(log, policy, weight)
        shares = self._shares(parts, log)
        reached = np.cumsum(shares[::-1])[::-1][1:]
        assert parts.numerator is not None  # weighted doubly robust has surprises
        assert parts.denominator is not None
        columns = np.hstack([reached, reached[:-1]])
        return Contributions(parts.base, np.ascontiguousarray(parts.numerator * columns), parts.denominator)

    def _shares(self, parts: Contributions, log: LoggedEpisodes) -> Float64:
        """Return the share of each length 0, 1, …, T ``(T + 1,)``."""
        lengths = _spread(log.horizon, self.steps)
        found = partial_estimates(parts)[:, lengths]
        count = len(found)
        means = np.asarray(total(np.ascontiguousarray(found), axis=0)) / count
        low, high = Interval("bootstrap", 0.5, self.resamples, self.seed).ends(parts)
        bias = np.maximum(means - high, 0) + np.minimum(means - low, 0)
        centred = (found - means) / np.sqrt(count * (count - 1))
        # Rows whose squares add up to the error; a heavy last row keeps the shares' sum at 1.
        error = np.vstack([np.linalg.qr(centred, mode="r"), bias])
        heavy = 1e6 * max(float(np.abs(error).max()), np.finfo(np.float64).tiny)
        rows = np.vstack([error, np.full(len(lengths), heavy)])
        from scipy.optimize import nnls  # a third of a second that no other run should wait for

        shares, _ = nnls(rows, np.append(np.zeros(len(error)), heavy))
        by_length = np.zeros(log.horizon + 1)
        by_length[lengths] = shares / shares.sum()
        return by_length


def partial_estimates(parts: Contributions) -> Float64:
    """Return what each episode adds to ``g_0, …, g_T`` ``(E, T + 1)``, from weighted doubly robust contributions."""
    assert parts.base is not None
    assert parts.numerator is not None
    assert parts.denominator is not None
    whole = np.asarray(total(parts.denominator, axis=0))
    moved = parts.numerator * (len(parts.base) / np.where(whole > 0, whole, 1))
    steps = (moved.shape[1] + 1) // 2
    surprise, value = moved[:, :steps], moved[:, steps:]
    surprise = surprise + np.hstack([value, np.zeros((len(value), 1))])
    return parts.base[:, None] + np.hstack([np.zeros((len(value), 1)), np.cumsum(surprise, axis=1)])


def _spread(horizon: int, most: int) -> Int64:
    return np.unique(np.round(np.linspace(0, horizon, min(most, horizon + 1))).astype(np.int64))
