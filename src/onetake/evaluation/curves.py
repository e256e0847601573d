"""Regret over time, thinned to what a chart can show."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
import polars.selectors as cs

from onetake.evaluation.regret import Ledger, Standards
from onetake.types import Float64, Int64

CURVES_SCHEMA: dict[str, pl.DataType] = {
    "suite": pl.String(),
    "environment": pl.String(),
    "agent": pl.String(),
    "replicate": pl.Int64(),
    "draw": pl.Int64(),
    "draws": pl.Int64(),
    "step": pl.Int64(),
    "regret": pl.Float64(),
    "cost_of_not_knowing": pl.Float64(),
    "cost_of_exploring": pl.Float64(),
    "realised": pl.Float64(),
}
"""Columns of regret curves; money is cumulative over the ``step`` steps done."""


def kept_steps(horizon: int, points: int) -> Int64:
    """Steps after which a point is kept: at most ``points``, evenly spread, the first and the last among them.

    >>> kept_steps(10, 4).tolist()
    [1, 4, 7, 10]
    """
    if horizon <= points:
        return np.arange(1, horizon + 1, dtype=np.int64)
    return 1 + (np.arange(points, dtype=np.int64) * (horizon - 1)) // (points - 1)


@dataclass
class CurveRecorder:
    """Keeps cumulative sums per replicate at some steps of a block.

    Attributes:
        horizon: steps of the episode.
        points: most points kept.
        standards: values of whole episodes, spread evenly over the steps of the curve, where the best arm of a step is
            no yardstick; else None.
    """

    horizon: int
    points: int
    standards: Standards | None = None
    _wanted: frozenset[int] = field(init=False)
    _kept: list[tuple[int, Float64, Float64, Float64, Float64]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._wanted = frozenset(kept_steps(self.horizon, self.points).tolist())

    def look(self, ledger: Ledger, *, last: bool = False) -> None:
        """Keep the ledger's sums if its step is one to be kept, or the last."""
        if last or ledger.steps in self._wanted:
            sums = ledger.sums
            share = ledger.steps / self.horizon if not last else 1.0
            known = self.standards
            oracle = sums["oracle"] if known is None else known.best * share
            free = oracle if known is None or known.unconstrained is None else known.unconstrained * share
            not_knowing = oracle - sums["greedy"]
            exploring = sums["greedy"] - sums["played"]
            regret = (free - oracle) + not_knowing + exploring
            self._kept.append((ledger.steps, regret, not_knowing, exploring, ledger.realised.copy()))

    def frame(self, first_replicate: int, *, draws: int, seeds: int) -> pl.DataFrame:
        """Return one row per replicate and kept step, replicate by replicate.

        Columns: replicate, draw, draws, step (steps done), then regret, cost_of_not_knowing, cost_of_exploring and
        realised, all cumulative.
        """
        names = ("regret", "cost_of_not_knowing", "cost_of_exploring", "realised")
        steps = np.array([kept[0] for kept in self._kept], dtype=np.int64)
        tables = {name: np.stack([kept[i] for kept in self._kept], axis=1) for i, name in enumerate(names, start=1)}
        replicates = len(tables["regret"])
        ids = np.arange(first_replicate, first_replicate + replicates, dtype=np.int64)
        return pl.DataFrame(
            {
                "replicate": np.repeat(ids, len(steps)),
                "draw": np.repeat(ids // seeds, len(steps)),
                "draws": np.full(len(ids) * len(steps), draws, dtype=np.int64),
                "step": np.tile(steps, replicates),
            }
            | {name: table.ravel() for name, table in tables.items()}
        ).with_columns(cs.float().fill_nan(None))
