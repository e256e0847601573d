"""One-shot evaluation: every agent gets one take at every suite, and is judged by what it lost.

`run` is the front door; `run_cell` plays one agent on one suite; `scorecard` makes the statistics of one suite.
"""

from __future__ import annotations

from onetake.evaluation.cell import Cell, run_cell, run_incumbent, unsupported
from onetake.evaluation.history import History
from onetake.evaluation.incumbent import INCUMBENT, best_fixed_actions
from onetake.evaluation.leaderboard import leaderboard, mean_curves, scorecard
from onetake.evaluation.paired import paired_differences
from onetake.evaluation.regret import Ledger, Totals
from onetake.evaluation.run import RunResult, announce, evaluate, run
from onetake.evaluation.settings import EvaluationSettings, PlaySettings, ScoreSettings

__all__ = [
    "INCUMBENT",
    "Cell",
    "EvaluationSettings",
    "History",
    "Ledger",
    "PlaySettings",
    "RunResult",
    "ScoreSettings",
    "Totals",
    "announce",
    "best_fixed_actions",
    "evaluate",
    "leaderboard",
    "mean_curves",
    "paired_differences",
    "run",
    "run_cell",
    "run_incumbent",
    "scorecard",
    "unsupported",
]
