"""Many agents: participants that pass one parcel round, at their own rates, each seeing what it has declared."""

from __future__ import annotations

from onetake.assembly.bookkeeping import Collector, StepTracker, Together, collector, printer
from onetake.assembly.core import Assembly
from onetake.assembly.environments import (
    advance,
    aec_reset,
    aec_step,
    end_of_episode,
    parallel_reset,
    parallel_step,
    render,
    reset,
    seat_keys,
    step,
)
from onetake.assembly.parcel import Declared, Done, Parcel, Participant, Scope, declared, keys
from onetake.assembly.picture import mermaid
from onetake.assembly.policies import Pilot, foreign, policy, sb3, seated
from onetake.assembly.rates import after, every, on, weekdays
from onetake.assembly.returns import generalized_advantages, returns, reward_to_go
from onetake.assembly.trace import Trace

__all__ = [
    "Assembly",
    "Collector",
    "Declared",
    "Done",
    "Parcel",
    "Participant",
    "Pilot",
    "Scope",
    "StepTracker",
    "Together",
    "Trace",
    "advance",
    "aec_reset",
    "aec_step",
    "after",
    "collector",
    "declared",
    "end_of_episode",
    "every",
    "foreign",
    "generalized_advantages",
    "keys",
    "mermaid",
    "on",
    "parallel_reset",
    "parallel_step",
    "policy",
    "printer",
    "render",
    "reset",
    "returns",
    "reward_to_go",
    "sb3",
    "seat_keys",
    "seated",
    "step",
    "weekdays",
]
