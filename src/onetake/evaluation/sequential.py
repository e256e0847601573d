"""Enough seeds: two agents play block after block until it is decided whether one loses more than the margin.

The looks are planned before the first: so many blocks, one error for all of them, shared by a spending function
(`onetake.evaluation.spending`). Each look asks the gate at its own level, so that stopping at the first verdict alarms
no more often than one look at the end would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from onetake.agents import AbstractAgent
from onetake.errors import ConfigError
from onetake.evaluation.cell import Progress, run_cell
from onetake.evaluation.gate import Judgement, judge, strata_of
from onetake.evaluation.settings import EvaluationSettings
from onetake.evaluation.spending import Spending, levels

if TYPE_CHECKING:
    from onetake.envs.suite import Suite


@dataclass(frozen=True)
class Race:
    """What playing until it was decided came to.

    Attributes:
        judgement: of the last look.
        looks: how many were taken. planned: how many there could have been.
        share: of the replicates that were played.
        summary: rows of both agents, of the replicates that were played.
    """

    judgement: Judgement
    looks: int
    planned: int
    share: float
    summary: pl.DataFrame


def play_until_decided(
    agents: tuple[AbstractAgent, AbstractAgent],
    suite: Suite,
    settings: EvaluationSettings,
    *,
    margin: float = 0.005,
    error: float = 0.05,
    looks: int = 4,
    spending: Spending = "obrien_fleming",
    progress: Progress | None = None,
) -> Race:
    """Let a new agent and another play a suite under the same luck, block after block, until the gate says something.

    Args:
        agents: the new one, and the one in use.
        suite: what is played; its replicates are the most that are played.
        settings: seed, and what is kept.
        margin: share of the other's reward that may be lost.
        error: chance of a wrong "worse", and of a wrong "pass", over all looks.
        looks: how many blocks the replicates are cut into.
        spending: how the error is shared among the looks.
        progress: told after every step.

    Raises:
        ConfigError: fewer than two units a look in some environment, or an agent that cannot play.
    """
    shares = [(number + 1) / looks for number in range(looks)]
    errors = levels(shares, error, spending)
    summaries: list[pl.DataFrame] = []
    taken = 0
    for blocks, level in zip(_blocks(suite, looks), errors, strict=True):
        taken += 1
        for name, agent in zip(("new", "other"), agents, strict=True):
            cell = run_cell(agent, suite, settings, name=name, progress=progress, parts=blocks)
            summaries.append(cell.summary)
        summary = pl.concat(summaries)
        strata, _ = strata_of(*(summary.filter(pl.col("agent") == name) for name in ("new", "other")))
        found = judge(strata, margin=margin, error=level)
        if found.verdict != "undecided":
            break
    return Race(found, taken, looks, shares[taken - 1], summary)


def _blocks(suite: Suite, looks: int) -> Iterator[dict[str, tuple[int, int]]]:
    """First replicate and number of replicates of every environment, look by look; draws are never cut apart."""
    for entry in suite.environments:
        units = entry.draws if entry.draws > 1 else entry.replicates
        if looks < 1 or units < 2 * looks:
            raise ConfigError(f"looks: got {looks} for {units} units of {entry.name}; wanted two units a look")
    for look in range(looks):
        parts = {}
        for entry in suite.environments:
            units, seeds = (entry.draws, entry.replicates // entry.draws) if entry.draws > 1 else (entry.replicates, 1)
            first, end = units * look // looks * seeds, units * (look + 1) // looks * seeds
            parts[entry.name] = (first, end - first)
        yield parts
