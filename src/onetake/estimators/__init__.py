"""Off-policy estimators: what a policy would have earned, from what another one logged."""

from __future__ import annotations

from onetake.estimators.base import AbstractEstimator
from onetake.estimators.diagnostics import Thresholds
from onetake.estimators.direct import DirectMethod
from onetake.estimators.doubly_robust import DoublyRobust
from onetake.estimators.intervals import Contributions, Interval
from onetake.estimators.ips import IPS
from onetake.estimators.registry import make, registered
from onetake.estimators.reward_model import AbstractRewardModel, TabularRewardModel
from onetake.estimators.snips import SNIPS
from onetake.estimators.target import ActionTable, TargetPolicy

__all__ = [
    "IPS",
    "SNIPS",
    "AbstractEstimator",
    "AbstractRewardModel",
    "ActionTable",
    "Contributions",
    "DirectMethod",
    "DoublyRobust",
    "Interval",
    "TabularRewardModel",
    "TargetPolicy",
    "Thresholds",
    "make",
    "registered",
]
