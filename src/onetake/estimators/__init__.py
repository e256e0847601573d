"""Off-policy estimators: what a policy would have earned, from what another one logged."""

from __future__ import annotations

from onetake.estimators.base import AbstractEstimator
from onetake.estimators.continuous import KernelIPS, LoggedAmounts
from onetake.estimators.contributions import Contributions
from onetake.estimators.diagnostics import Thresholds
from onetake.estimators.direct import DirectMethod
from onetake.estimators.doubly_robust import DoublyRobust
from onetake.estimators.intervals import Interval
from onetake.estimators.ips import IPS
from onetake.estimators.mips import MarginalisedIPS
from onetake.estimators.registry import make, registered
from onetake.estimators.reward_model import AbstractRewardModel, TabularRewardModel
from onetake.estimators.self_normalised_doubly_robust import SelfNormalisedDoublyRobust
from onetake.estimators.several_loggers import balanced
from onetake.estimators.shrunk_doubly_robust import ShrunkDoublyRobust
from onetake.estimators.snips import SNIPS
from onetake.estimators.switch_doubly_robust import SwitchDoublyRobust
from onetake.estimators.target import ActionTable, TargetPolicy
from onetake.estimators.tuned import Tuned

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
    "KernelIPS",
    "LoggedAmounts",
    "MarginalisedIPS",
    "SelfNormalisedDoublyRobust",
    "ShrunkDoublyRobust",
    "SwitchDoublyRobust",
    "TabularRewardModel",
    "TargetPolicy",
    "Thresholds",
    "Tuned",
    "balanced",
    "make",
    "registered",
]
