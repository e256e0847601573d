"""One-shot evaluation: every agent gets one take at every suite, and is judged by what it lost."""

from __future__ import annotations

from onetake.evaluation.history import History
from onetake.evaluation.leaderboard import leaderboard, mean_curves, scorecard
from onetake.evaluation.paired import paired_differences
from onetake.evaluation.regret import Ledger, Totals
from onetake.evaluation.settings import EvaluationSettings

__all__ = [
    "EvaluationSettings",
    "History",
    "Ledger",
    "Totals",
    "leaderboard",
    "mean_curves",
    "paired_differences",
    "scorecard",
]
