"""Costs are measured, and never stand where results must be reproducible."""

from __future__ import annotations

import time
from typing import Any

import pytest

from onetake.agents import make
from onetake.evaluation import EvaluationSettings, run_cell
from onetake.evaluation.costs import Stopwatch, cost_row

pytestmark = pytest.mark.regret_accounting


def test_a_stopwatch_sees_time_and_memory() -> None:
    with Stopwatch() as watch:
        block = bytearray(64 * 2**20)
        time.sleep(0.02)
        del block
    assert watch.seconds >= 0.02
    assert watch.peak_memory_mib > 64


def test_a_rate_is_decisions_over_seconds() -> None:
    watch = Stopwatch()
    watch.seconds, watch.peak_memory_mib = 2.0, 10.0
    assert cost_row("shop", "hats", "it", 100, watch)["decisions_per_second"].item() == 50.0
    watch.seconds = 0.0
    assert cost_row("shop", "hats", "it", 100, watch)["decisions_per_second"].item() is None


def test_a_cell_counts_every_decision_once(plain_suite: Any) -> None:
    cell = run_cell(make("random-v0"), plain_suite, EvaluationSettings(max_environments=8), name="it")
    assert cell.costs["decisions"].to_list() == [e.replicates * e.entities * e.steps for e in plain_suite.environments]
    assert not {"wall_seconds", "peak_memory_mib"} & set(cell.summary.columns)
