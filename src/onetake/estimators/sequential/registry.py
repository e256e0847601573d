"""Estimators of whole episodes by name."""

from __future__ import annotations

import difflib
from typing import Any

from onetake.errors import ConfigError, UnknownIdError
from onetake.estimators.sequential.base import AbstractSequentialEstimator
from onetake.estimators.sequential.importance import (
    PerDecisionImportance,
    TrajectoryImportance,
    WeightedPerDecisionImportance,
    WeightedTrajectoryImportance,
)
from onetake.estimators.sequential.magic import Magic
from onetake.estimators.sequential.model import FittedQ, SequentialDoublyRobust, WeightedDoublyRobust

_ESTIMATORS: dict[str, type[AbstractSequentialEstimator]] = {
    cls.name: cls
    for cls in (
        TrajectoryImportance,
        WeightedTrajectoryImportance,
        PerDecisionImportance,
        WeightedPerDecisionImportance,
        FittedQ,
        SequentialDoublyRobust,
        WeightedDoublyRobust,
        Magic,
    )
}


def registered() -> tuple[str, ...]:
    """Return the names of all estimators of whole episodes, sorted.

    >>> registered()
    ('cwpdis', 'dr', 'fqe', 'magic', 'pdis', 'tis', 'wdr', 'wis')
    """
    return tuple(sorted(_ESTIMATORS))


def make(type: str, **settings: Any) -> AbstractSequentialEstimator:
    """Return the estimator of that name with its settings.

    Raises:
        UnknownIdError: for a name that is none; the text has the nearest ones.
        ConfigError: for a setting that is unknown or cannot be used.

    >>> make("wdr", discount=0.99)
    WeightedDoublyRobust(discount=0.99)
    """
    if type not in _ESTIMATORS:
        near = ", ".join(difflib.get_close_matches(type, _ESTIMATORS) or sorted(_ESTIMATORS))
        raise UnknownIdError(f"type: got {type!r}; nearest: {near}")
    try:
        return _ESTIMATORS[type](**settings)
    except TypeError as error:
        wanted = f"those of {_ESTIMATORS[type].__name__} ({error})"
        raise ConfigError(f"{type}: got settings {', '.join(settings)}; wanted {wanted}") from error
