"""What of the past still counts: all of it, less the older it is, the newest steps, or what came since a change.

A memory keeps columns of numbers for each arm and learner, ``total`` and ``weight`` among them, which are the counts
that a rule of the core decides by. It is told what one step gave, as counts, so that it never sees single rewards.
Every learner has its own clock, so that a fleet equals its single learners whatever comes late.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from onetake.draws import power
from onetake.types import Bool, Float64

Columns = dict[str, Float64]

#: Sums of multiples of this are exact, whatever their order.
_GRAIN = 2.0**-26


class AbstractMemory(ABC):
    """Takes in what steps gave and says what is still counted."""

    def columns(self, arms: int, learners: int) -> Columns:
        """Fresh columns; those of the subclass go over ``total`` and ``weight`` ``(k, L)``."""
        return {"total": np.zeros((arms, learners)), "weight": np.zeros((arms, learners))}

    @abstractmethod
    def take(self, columns: Columns, step: int, total: Float64, weight: Float64) -> None:
        """Change the columns by what the decisions of one step gave ``(k, L)``; steps may come in any order."""

    def shown(self, columns: Columns) -> tuple[Float64, Float64]:
        """The counts that decisions are made by ``(k, L)``."""
        return columns["total"], columns["weight"]


@dataclass(frozen=True)
class Discount(AbstractMemory):
    """Every step that passes lowers the weight of what was seen by a factor.

    Attributes:
        factor: in (0, 1].
    """

    factor: float

    def columns(self, arms: int, learners: int) -> Columns:
        """With the newest step of each learner."""
        return super().columns(arms, learners) | {"newest": np.full(learners, -1.0)}

    def take(self, columns: Columns, step: int, total: Float64, weight: Float64) -> None:
        """Age what is older; what comes late is added as old as it is."""
        active, newest = _active(weight), columns["newest"]
        late = np.where(active, newest - step, 0.0)
        age = np.where(newest < 0, 0.0, np.maximum(-late, 0.0))
        aged, lag = power(self.factor, age), power(self.factor, np.maximum(late, 0.0))
        for name, given in (("total", total), ("weight", weight)):
            columns[name] = columns[name] * aged + given * lag
        columns["newest"] = np.where(active, np.maximum(newest, step), newest)


@dataclass(frozen=True)
class Window(AbstractMemory):
    """Only the newest steps count. Takes ``16 · length · arms`` bytes a learner.

    Attributes:
        length: number of steps.
    """

    length: int

    def columns(self, arms: int, learners: int) -> Columns:
        """With what each step of the window gave ``(length, k, L)``."""
        past = {f"past_{name}": np.zeros((self.length, arms, learners)) for name in ("total", "weight")}
        return super().columns(arms, learners) | past | {"newest": np.full(learners, -1.0)}

    def take(self, columns: Columns, step: int, total: Float64, weight: Float64) -> None:
        """Drop the steps that fall out of the window; what comes later than that is not counted at all."""
        active, newest = _active(weight), columns["newest"]
        passed = np.where(active, np.clip(step - newest, 0, self.length), 0)
        for j in range(1, int(passed.max(initial=0)) + 1):
            self._drop(columns, np.flatnonzero(passed >= j), newest.astype(np.int64) + j)
        columns["newest"] = newest = np.where(active, np.maximum(newest, step), newest)
        fresh = np.flatnonzero(active & (step > newest - self.length))
        given = {"total": np.rint(total / _GRAIN) * _GRAIN, "weight": weight}
        for name, values in given.items():
            columns[name][:, fresh] += values[:, fresh]
            columns[f"past_{name}"][step % self.length][:, fresh] += values[:, fresh]

    def _drop(self, columns: Columns, who: np.ndarray, step: np.ndarray) -> None:
        slot = step[who] % self.length
        for name in ("total", "weight"):
            past = columns[f"past_{name}"]
            columns[name][:, who] -= past[slot, :, who].T
            past[slot, :, who] = 0.0


@dataclass(frozen=True)
class UntilExplored(AbstractMemory):
    """Once every arm has enough trials, nothing is learnt any more.

    Attributes:
        trials: of each arm.
    """

    trials: float

    def take(self, columns: Columns, step: int, total: Float64, weight: Float64) -> None:
        """Count for those who still explore."""
        exploring = (columns["weight"] < self.trials).any(axis=0)
        columns["total"] = columns["total"] + np.where(exploring, total, 0.0)
        columns["weight"] = columns["weight"] + np.where(exploring, weight, 0.0)


@dataclass(frozen=True)
class SinceChange(AbstractMemory):
    """Forgets all arms of a learner when the mean of one of them has moved, by a two-sided CUSUM test.

    The first ``baseline`` trials of an arm fix its mean; then ``g⁺ ← max(0, g⁺ + Σ(x − mean − slack))`` and ``g⁻``
    likewise, and an alarm is raised where one of them passes ``threshold``. All are counted in trials.

    Source: Liu, Lee and Shroff, *A change-detection based framework for piecewise-stationary multi-armed bandit
    problem*, AAAI 2018, algorithm 2. Differs from it: an alarm restarts all arms of the learner.

    Attributes:
        baseline: trials that fix the mean. slack: drift that is let pass. threshold: of the alarm.
    """

    baseline: float
    slack: float
    threshold: float

    def columns(self, arms: int, learners: int) -> Columns:
        """With trials and total of the baseline, and both statistics ``(k, L)``; and how many alarms there were."""
        own = ("base_total", "base_weight", "rise", "fall")
        more = {name: np.zeros((arms, learners)) for name in own} | {"alarms": np.zeros(learners)}
        return super().columns(arms, learners) | more

    def take(self, columns: Columns, step: int, total: Float64, weight: Float64) -> None:
        """Count, test, and start anew where an alarm was raised."""
        columns["total"] = columns["total"] + total
        columns["weight"] = columns["weight"] + weight
        fixed = columns["base_weight"] >= self.baseline
        mean = columns["base_total"] / np.maximum(columns["base_weight"], 1e-300)
        excess = np.where(fixed, total - weight * mean, 0.0)
        columns["rise"] = np.maximum(0.0, columns["rise"] + excess - self.slack * weight)
        columns["fall"] = np.maximum(0.0, columns["fall"] - excess - self.slack * weight)
        columns["base_total"] = columns["base_total"] + np.where(fixed, 0.0, total)
        columns["base_weight"] = columns["base_weight"] + np.where(fixed, 0.0, weight)
        alarm = (np.maximum(columns["rise"], columns["fall"]) > self.threshold).any(axis=0)
        if alarm.any():
            columns["alarms"] = columns["alarms"] + alarm
            for name in ("total", "weight", "base_total", "base_weight", "rise", "fall"):
                columns[name] = np.where(alarm, 0.0, columns[name])


def _active(weight: Float64) -> Bool:
    return np.asarray((weight > 0).any(axis=0))
