"""A fleet of bandits in plain NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from onetake import _core
from onetake.types import Bool, Float64, Int64

AGENT = 0x6167_656E_7400_0000
MIX, TIE, ARM = 0, 1, 2


class Fleet:
    """Counts per learner and arm, and the rules that choose from them."""

    def __init__(
        self,
        seed: int,
        entity_ids: NDArray[np.uint32],
        replicate_ids: NDArray[np.uint32],
        num_actions: int,
        pooled: bool,
        trials: Float64,
        scale: Float64,
        offset: Float64,
        low: Float64,
        high: Float64,
    ) -> None:
        self.seed, self.entity_ids, self.replicate_ids = seed, entity_ids, replicate_ids
        self.k, self.pooled, self.n = num_actions, pooled, len(entity_ids) * len(replicate_ids)
        self.trials = np.broadcast_to(trials, (self.n,))
        self.scale, self.offset = scale, offset
        self.low, self.high = np.broadcast_to(low, (self.n,)), np.broadcast_to(high, (self.n,))
        learners = len(replicate_ids) if pooled else self.n
        self.total, self.weight = np.zeros((num_actions, learners)), np.zeros((num_actions, learners))

    def _rows(self, rows: Int64 | None) -> Int64:
        return np.arange(self.n, dtype=np.int64) if rows is None else rows

    def _learner(self, rows: Int64) -> Int64:
        return rows // len(self.entity_ids) if self.pooled else rows

    def words(self, slot: int, step: int, rows: Int64) -> NDArray[np.uint32]:
        """One word for each row."""
        last = int(self.entity_ids.max()) + 1
        made = [
            _core.words(self.seed, AGENT, slot, 0, step, int(r), 0, last)[self.entity_ids] for r in self.replicate_ids
        ]
        return np.concatenate(made)[rows]

    def scores(self, rule: tuple[str, float, float], step: int, rows: Int64) -> Float64:
        """What each arm is worth under the rule: ``(m, k)``."""
        name, first, second = rule
        at = self._learner(rows)
        total, weight = self.total[:, at].T, self.weight[:, at].T
        if name == "uniform":
            return np.zeros((len(rows), self.k))
        if name == "fixed":
            return np.broadcast_to((np.arange(self.k) == int(first)).astype(float), (len(rows), self.k))
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = total / weight
            if name == "greedy":
                return np.where(weight > 0, mean, -np.inf)
            if name == "mean":
                return np.where(weight > 0, mean, np.inf)
            if name == "ucb1":
                log = np.log(weight.sum(axis=1))[:, None]
                return np.where(weight > 0, mean + np.sqrt(first * log / weight), np.inf)
        alpha, beta = first + total, second + (weight - total)
        if name == "posterior_mean":
            theta = alpha / (alpha + beta)
        else:
            uniform = (np.stack([self.words(ARM + j, step, rows) for j in range(self.k)], axis=1) + 0.5) / 2**32
            theta = np.asarray(special.betaincinv(alpha, beta, uniform), dtype=np.float64)
        return self.scale * (theta * self.trials[rows][:, None]) + self.offset

    def decide(
        self,
        rule: tuple[str, float, float],
        step: int,
        rows: Int64 | None,
        mask: Bool | None,
        epsilon: float,
        floor: float,
    ) -> Int64:
        """Choose an arm for each row."""
        which = self._rows(rows)
        scores, allowed = self._allowed(self.scores(rule, step, which), mask)
        best = allowed & (scores == np.where(allowed, scores, -np.inf).max(axis=1)[:, None])
        tie = (self.words(TIE, step, which).astype(np.uint64) * best.sum(axis=1).astype(np.uint64)) >> np.uint64(32)
        action = ((best.cumsum(axis=1) - 1 == tie[:, None].astype(np.int64)) & best).argmax(axis=1)
        open_arms = allowed.sum(axis=1)
        share = 1 - (1 - epsilon) * (1 - floor * open_arms)
        threshold = np.floor(share * 2.0**32 + 0.5).astype(np.uint64)
        word = self.words(MIX, step, which).astype(np.uint64)
        pick = (word * open_arms.astype(np.uint64)) // np.maximum(threshold, 1)
        other = ((allowed.cumsum(axis=1) - 1 == pick[:, None].astype(np.int64)) & allowed).argmax(axis=1)
        return np.asarray(np.where(word < threshold, other, action), dtype=np.int64)

    def probabilities(
        self,
        rule: tuple[str, float, float],
        step: int,
        rows: Int64 | None,
        mask: Bool | None,
        epsilon: float,
        floor: float,
    ) -> Float64:
        """Chance of each arm for each row."""
        which = self._rows(rows)
        if rule[0] == "posterior_draw":
            draws = 512
            counts = np.zeros((len(which), self.k))
            for extra in range(draws):
                counts[np.arange(len(which)), self.decide(rule, 2**31 + extra, rows, mask, 0.0, 0.0)] += 1 / draws
            scores, allowed = self._allowed(counts, mask)
            chance = counts
        else:
            scores, allowed = self._allowed(self.scores(rule, step, which), mask)
            best = allowed & (scores == np.where(allowed, scores, -np.inf).max(axis=1)[:, None])
            chance = best / best.sum(axis=1)[:, None]
        open_arms = allowed.sum(axis=1)[:, None]
        share = 1 - (1 - epsilon) * (1 - floor * open_arms)
        return np.asarray((1 - share) * chance + share * allowed / open_arms, dtype=np.float64)

    def learn(self, rows: Int64 | None, action: Int64, reward: Float64, counts: bool) -> None:
        """Add outcomes."""
        which = self._rows(rows)
        if counts:
            value = np.rint((reward - self.offset[action]) / self.scale[action])
        else:
            value = self.trials[which] * (reward - self.low[which]) / (self.high[which] - self.low[which])
        np.add.at(self.total, (action, self._learner(which)), value)
        np.add.at(self.weight, (action, self._learner(which)), self.trials[which])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of the counts."""
        return {"total": self.total.copy(), "weight": self.weight.copy()}

    def _allowed(self, scores: Float64, mask: Bool | None) -> tuple[Float64, Bool]:
        return scores, np.ones(scores.shape, dtype=bool) if mask is None else mask
