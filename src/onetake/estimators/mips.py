"""Marginalised inverse propensity score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from onetake.errors import ConfigError, ShapeError
from onetake.estimators.base import AbstractEstimator
from onetake.estimators.contributions import Contributions
from onetake.estimators.target import ActionTable, TargetPolicy
from onetake.types import Float64, Int64, LoggedDecisions


@dataclass(frozen=True)
class MarginalisedIPS(AbstractEstimator):
    """Marginalised inverse propensity score: weights of groups of actions in place of weights of actions.

    Where actions matter for the reward through a feature alone (a price point, a category), only the chance of that
    feature need be weighed, and weights are far smaller.

        V = 1/n Σ_i w(x_i, e_i) r_i,   w(x, e) = E[π(a | x) / p | x, e],   e_i = group of a_i

    Where the logging policy is given, that is ``Σ_{a in e} π(a | x) / Σ_{a in e} p(a | x)``. Else the inner mean is
    taken over the log's rows of the same slot, kind of decision and group, which costs some of the gain.

    Attributes:
        groups: group of each action, as whole numbers from 0 on; empty gives every action its own, which is `IPS`
            with weights averaged where they should be equal.
        logger: the logging policy's chances of all actions, for the log's rows; None where they are not known.

    Choose it when: there are many actions and rewards hang on their groups.   Not when: actions of a group differ: then
    it is biased, and no diagnostic can see that.
    Units: reward units per decision.
    Raises: ConfigError, if a group is no whole number of 0 or more; ShapeError, if there are not as many as actions.
    Source: Saito and Joachims, Off-policy evaluation for large action spaces via embeddings, 2022, equation 4.

    >>> import numpy as np
    >>> from onetake.estimators import Thresholds
    >>> log = LoggedDecisions(
    ...     np.zeros((4, 0)), np.array([0, 1, 2, 2]), np.array([0.0, 1.0, 1.0, 1.0]),
    ...     np.array([0.25, 0.25, 0.5, 0.5]), num_actions=3
    ... )
    >>> few = Thresholds(refuse_ess=0)
    >>> MarginalisedIPS(groups=(0, 0, 1)).estimate(log, TargetPolicy.always(2, 3), thresholds=few).value
    1.0
    """

    name: ClassVar[str] = "mips"
    caveat: ClassVar[str] = "actions of a group are taken to earn alike"

    groups: tuple[int, ...] = ()
    logger: TargetPolicy | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "groups", tuple(self.groups))
        for place, group in enumerate(self.groups):
            if isinstance(group, bool) or not isinstance(group, int) or group < 0:
                raise ConfigError(f"groups[{place}]: got {group!r}; wanted a whole number of 0 or more")

    def contributions(self, log: LoggedDecisions, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return rewards with their group's weight, and what the weight's own spread adds (its mean is 0)."""
        if self.groups and len(self.groups) != log.num_actions:
            raise ShapeError(f"groups: got {len(self.groups)}; wanted {log.num_actions}, one an action")
        groups = np.array(self.groups or range(log.num_actions), np.int64)
        if self.logger is not None:
            return Contributions(numerator=_known(groups, log, policy, self.logger, self.clip) * log.reward)
        group, count = groups[log.action], len(log.action)
        kind = np.zeros(count, np.int64) if policy.rows is None else policy.rows
        slot = np.zeros(count, np.int64) if log.slot is None else log.slot
        _, cell = np.unique(np.column_stack([slot, kind, group]), axis=0, return_inverse=True)
        cell = cell.reshape(-1)
        size = np.bincount(cell)
        mean_weight = (np.bincount(cell, weight) / size)[cell]
        mean_reward = (np.bincount(cell, log.reward) / size)[cell]
        return Contributions(numerator=mean_weight * log.reward + (weight - mean_weight) * mean_reward)


def _known(
    groups: Int64, log: LoggedDecisions, policy: TargetPolicy, logger: TargetPolicy, clip: float | None
) -> Float64:
    """Weight of each decision's group ``(n,)``, where both policies are known."""
    if logger.table.shape[1] != log.num_actions:
        raise ShapeError(f"logger: got {logger.table.shape[1]} actions; wanted {log.num_actions}")
    same = (groups[:, None] == groups[None, :]).astype(np.float64)
    above, below = (ActionTable(_summed(one.table, same), one.rows).of_taken(log) for one in (policy, logger))
    weight = above / below
    return weight if clip is None else np.minimum(weight, clip)


def _summed(table: Float64, same: Float64) -> Float64:
    """Chance of each action's group ``(m, k)``, actions added in order."""
    summed = np.zeros_like(table)
    for arm in range(table.shape[1]):
        summed += table[:, [arm]] * same[arm]
    return summed
