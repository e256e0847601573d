"""A log that several policies wrote, weighed as if one mixture of them had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from onetake.errors import ShapeError
from onetake.estimators.target import TargetPolicy
from onetake.types import Float64, Int64, LoggedDecisions


def balanced(log: LoggedDecisions, loggers: Sequence[TargetPolicy], logger: Int64) -> LoggedDecisions:
    """Return the log with the propensities of the mixture of its loggers.

        p_i = Σ_l (n_l / n) π_l(a_i | x_i)

    Whoever made a decision, its weight is then bounded by what any of the loggers was likely to do: balanced inverse
    propensity scores never vary more than those with each row's own propensity. Every estimator may follow.

    Args:
        log: decisions of all loggers together.
        loggers: the policies that wrote it, each for all rows of the log.
        logger: which of them made each decision ``(n,)``.

    Raises:
        ShapeError: policies or indices that do not fit the log.

    Source: Agarwal, Basu, Schnabel, Joachims, Effective evaluation using logged bandit feedback from multiple loggers,
    2017, equation 6.

    >>> log = LoggedDecisions(np.zeros((2, 0)), np.array([0, 1]), np.ones(2), np.array([0.9, 0.1]), num_actions=2)
    >>> never, even = TargetPolicy("rarely", np.array([[0.9, 0.1]])), TargetPolicy.uniform(2)
    >>> balanced(log, [never, even], np.array([0, 1])).propensity.round(3).tolist()
    [0.7, 0.3]
    """
    count = len(log.action)
    if logger.shape != (count,):
        raise ShapeError(f"logger: got shape {logger.shape}; wanted ({count},)")
    if logger.min() < 0 or logger.max() >= len(loggers):
        raise ShapeError(f"logger: got {int(logger.max())}; wanted an index below {len(loggers)}")
    shares = np.bincount(logger, minlength=len(loggers)) / count
    mixed: Float64 = np.zeros(count)
    for share, policy in zip(shares, loggers, strict=True):
        if policy.table.shape[1] != log.num_actions:
            raise ShapeError(f"policy {policy.name}: got {policy.table.shape[1]} actions; wanted {log.num_actions}")
        mixed += share * policy.of_taken(log)
    return replace(log, propensity=mixed)
