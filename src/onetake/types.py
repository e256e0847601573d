"""Records that rooms pass to each other. Arrays are never shared: who makes one gives it away.

Axes always stand in this order: time ``T``, batch ``n``, feature ``d``, arm ``k``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

Coupling = Literal["independent", "grouped", "replicate"]
YardstickKind = Literal["best_now", "exact", "bound", "unknown"]
PropensityKind = Literal["exact", "estimated", "density", "none"]


@dataclass(frozen=True)
class CountReward:
    """A reward that is known up to a chance: ``reward = scale[k] * successes + offset[k]``.

    ``successes ~ Binomial(trials, rate[k])``; the agent knows trials, scale and offset (what it pays, what it earns)
    and learns the rate.

    Attributes:
        trials: number of trials a step, one per environment ``(n,)`` or one for all ``()``.
        scale: money for a success, per arm ``(k,)``.
        offset: money for playing the arm at all (a cost is negative), per arm ``(k,)``.
    """

    trials: Float64
    scale: Float64
    offset: Float64


@dataclass(frozen=True)
class BatchSpec:
    """What an agent may know of a batch of ``n = len(replicate_ids) * len(entity_ids)`` environments.

    With ``e = len(entity_ids)``, environment ``i`` is ``entity_ids[i % e]`` of replicate ``replicate_ids[i // e]``.
    Rewards lie in ``[reward_low, reward_high]``, one bound per environment ``(n,)`` or one for all ``()``.
    Where actions are arms, there are ``num_actions``; where they are points, it is 0 and each of their coordinates lies
    between ``action_low`` and ``action_high`` ``(dimensions,)``.
    ``budget`` is how many entities of a replicate may get another action than 0 at a step, or None for all.
    """

    env_id: str
    entity_ids: NDArray[np.uint32]
    replicate_ids: NDArray[np.uint32]
    num_actions: int
    observation_names: tuple[str, ...]
    horizon: int | None
    reward_low: Float64
    reward_high: Float64
    count_reward: CountReward | None = None
    coupling: Coupling = "independent"
    action_labels: tuple[str, ...] = ()
    action_low: Float32 | None = None
    action_high: Float32 | None = None
    budget: int | None = None

    @property
    def num_envs(self) -> int:
        """Number of environments in the batch."""
        return len(self.entity_ids) * len(self.replicate_ids)


@dataclass(frozen=True)
class Observation:
    """What an agent sees before it acts.

    Attributes:
        values: observed features ``(m, d)``.
        rows: which environments of the batch these are ``(m,)``, or None for all in order.
        step: the step that the decision is for, counted from 0.
        mask: allowed actions ``(m, k)``, or None where all are.
    """

    values: Float32
    step: int
    rows: Int64 | None = None
    mask: Bool | None = None


@dataclass(frozen=True)
class Decision:
    """What an agent did, row for row with the observation.

    Attributes:
        step: the step it was made for.
        action: chosen arms ``(m,)``.
        propensity: chance of each chosen action given the observation ``(m,)``, or None where not asked for.
        propensity_kind: how the propensity is known.
        rows: as in the observation.
    """

    step: int
    action: Int64
    propensity: Float64 | None = None
    propensity_kind: PropensityKind = "none"
    rows: Int64 | None = None

    def decision_id(self, num_envs: int) -> Int64:
        """Ids that are unique within an episode: ``step * num_envs + row``."""
        rows = np.arange(len(self.action), dtype=np.int64) if self.rows is None else self.rows
        return self.step * num_envs + rows


@dataclass(frozen=True)
class Transitions:
    """What came of decisions; only what has arrived is in it.

    Attributes:
        decision_step: the step that was decided ``()`` or, where outcomes are late, one per row ``(m,)``.
        obs: observations before ``(m, d)``; next_obs: after ``(m, d)``.
        action: arms ``(m,)``; propensity: ``(m,)`` or None; reward: ``(m,)``.
        terminated, truncated: ends ``(m,)``.
        rows: which environments ``(m,)``, or None for all in order.
    """

    decision_step: int | Int64
    obs: Float32
    action: Int64
    reward: Float64
    next_obs: Float32
    terminated: Bool
    truncated: Bool
    propensity: Float64 | None = None
    rows: Int64 | None = None


@dataclass(frozen=True)
class Arrivals:
    """Outcomes that arrived at a step, where they may be late: each decision's once.

    Attributes:
        rows: whose they are ``(m,)``. decision_step: steps of the decisions since the environment's reset ``(m,)``.
        reward: what the decisions earned ``(m,)``.
    """

    rows: Int64
    decision_step: Int64
    reward: Float64


@dataclass(frozen=True)
class LoggedDecisions:
    """A log as arrays, checked where it was read: what estimators and offline learners see.

    Attributes:
        context: features ``(n, d)``.
        action: taken actions, as indices ``(n,)``.
        reward: rewards ``(n,)``.
        propensity: chance with which each taken action was chosen ``(n,)``.
        num_actions: size of the action set.
        slot: place shown, as an index ``(n,)``, or None.
        num_slots: how many places there are (1 where there is one).
        propensity_kind: how the propensities are known.
        assignment: how actions came about: randomised, logged_propensities, instrument or observational.
        action_labels: name of each action.
        marks: doubts that were declared with the log and that every estimate from it carries.
    """

    context: Float64
    action: Int64
    reward: Float64
    propensity: Float64
    num_actions: int
    slot: Int64 | None = None
    num_slots: int = 1
    propensity_kind: PropensityKind = "exact"
    assignment: str = "randomised"
    action_labels: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Estimate:
    """An off-policy estimate of a policy's value with what is needed to believe it.

    Attributes:
        value: reward per decision. low, high: ends of the interval at ``level``. standard_error: of the value.
        effective_sample_size: ``(sum w)^2 / sum w^2``. largest_weight: largest ``w``.
        clipped_share: share of weights that were cut.
        overlap: share of the target policy's probability on actions that the log could have taken.
        flags: reasons for doubt; empty where there are none. refused: True where the value must not be used.
    """

    estimator: str
    policy: str
    value: float
    low: float
    high: float
    standard_error: float
    level: float
    num_decisions: int
    effective_sample_size: float
    largest_weight: float
    clipped_share: float
    overlap: float
    flags: tuple[str, ...] = field(default_factory=tuple)
    refused: bool = False

    @classmethod
    def unknown(cls, **known: Any) -> Self:
        """Return an estimate whose numbers are not known yet, or must not be told."""
        nan = math.nan
        return cls(value=nan, low=nan, high=nan, standard_error=nan, **known)
