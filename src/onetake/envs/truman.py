"""The environments of truman, with its parameters: nine cohorts, and a bandit with a walk and a week.

The modifier multiplies both chances of a cohort, ``p`` and ``q``; time counts from 0.
"""

from __future__ import annotations

from typing import Any

RATES = ((0.2, 0.3), (0.02, 0.03), (0.002, 0.003))
BEHAVIOURS: dict[str, list[dict[str, Any]]] = {
    "Static": [],
    "Matching_sin7": [{"kind": "season", "period": 7, "amplitude": 1}],
    "NonStationaryTrend": [{"kind": "trend", "start": 0.5, "slope": 0.0025, "cap": 1}],
}
WEEKLY_WITH_TREND: dict[str, Any] = {
    "rate": [0.01, 0.02],
    "horizon": 365,
    "modifiers": [
        {"kind": "random_walk", "start": 1, "step": 0.01, "low": 0.8, "high": 1.2},
        {"kind": "season", "values": [1, 1, 1, 1, 1, 1.2, 1.2]},
    ],
}


def time_period_id(behaviour: str, rates: tuple[float, float]) -> str:
    """Return truman's id of a time-period environment.

    >>> time_period_id("Static", (0.2, 0.3))
    'onetake/TimePeriodStep:Static:conv_1:0.2:conv_2:0.3-v0'
    """
    return f"onetake/TimePeriodStep:{behaviour}:conv_1:{rates[0]}:conv_2:{rates[1]}-v0"


def environments() -> dict[str, tuple[str, dict[str, Any]]]:
    """Return family and settings of each of truman's environments, by id.

    >>> len(environments())
    10
    """
    cohorts = {
        time_period_id(behaviour, rates): (
            "cohort",
            {"size": 10_000, "p": 0.5, "q": list(rates), "labels": ["a", "b"], "horizon": 365, "modifiers": modifiers},
        )
        for behaviour, modifiers in BEHAVIOURS.items()
        for rates in RATES
    }
    return {**cohorts, "onetake/WeeklyWithTrend-v0": ("bandit", WEEKLY_WITH_TREND)}
