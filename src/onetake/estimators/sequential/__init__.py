"""Off-policy estimators of whole episodes: what a policy would have earned where actions change what comes."""

from onetake.estimators.sequential.base import AbstractSequentialEstimator
from onetake.estimators.sequential.importance import (
    PerDecisionImportance,
    TrajectoryImportance,
    WeightedPerDecisionImportance,
    WeightedTrajectoryImportance,
)
from onetake.estimators.sequential.magic import Magic
from onetake.estimators.sequential.model import (
    FittedQ,
    SequentialDoublyRobust,
    Values,
    WeightedDoublyRobust,
    fitted_values,
)
from onetake.estimators.sequential.registry import make, registered
from onetake.estimators.sequential.weights import cumulated

__all__ = [
    "AbstractSequentialEstimator",
    "FittedQ",
    "Magic",
    "PerDecisionImportance",
    "SequentialDoublyRobust",
    "TrajectoryImportance",
    "Values",
    "WeightedDoublyRobust",
    "WeightedPerDecisionImportance",
    "WeightedTrajectoryImportance",
    "cumulated",
    "fitted_values",
    "make",
    "registered",
]
