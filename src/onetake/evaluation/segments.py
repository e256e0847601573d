"""Harm by segment: an agent that wins on the whole may still cost a group of products or people.

Segments are of entities. Where their own parameters name groups, those are the segments; few entities are one each;
many are cut into quarters by the first parameter in which they differ. Rewards are those really paid: they are known in
every environment, and under the same luck the difference to the incumbent is sharp.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onetake.draws import total
from onetake.evaluation.incumbent import INCUMBENT
from onetake.evaluation.paired import holm, p_value
from onetake.evaluation.resampling import by_draw, t_interval
from onetake.types import Float64, Int64

FEW = 12
GROUPS = ("segment", "category", "group", "set")
SIZES = ("size", "views", "seats", "load", "willingness", "baseline", "price", "rate", "q", "p")
QUARTERS = ("lowest quarter", "second quarter", "third quarter", "highest quarter")

SEGMENTS_SCHEMA: dict[str, pl.DataType] = {
    "suite": pl.String(),
    "environment": pl.String(),
    "agent": pl.String(),
    "segment": pl.String(),
    "entities": pl.Int64(),
    "replicate": pl.Int64(),
    "draws": pl.Int64(),
    "realised": pl.Float64(),
}
"""Columns of what a cell keeps by segment: the reward that was paid in a replicate, summed over steps and entities."""

HARM_SCHEMA: dict[str, pl.DataType] = {
    "suite": pl.String(),
    "environment": pl.String(),
    "agent": pl.String(),
    "segment": pl.String(),
    "entities": pl.Int64(),
    "units": pl.Int64(),
    "incumbent": pl.Float64(),
    "difference": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "p_adjusted": pl.Float64(),
    "harmed": pl.Boolean(),
}
"""Columns of harm: realised reward minus the incumbent's in a segment, its Student interval over units, the p-value
adjusted over all segments and agents of the suite (Holm), and whether harm is shown."""


@dataclass(frozen=True)
class Segments:
    """How the entities of an environment fall into groups.

    Attributes:
        names: of the segments. index: which one each entity is in ``(entities,)``.
    """

    names: tuple[str, ...]
    index: Int64


NO_SEGMENTS = Segments((), np.zeros(0, dtype=np.int64))
"""Of an environment whose entities nothing tells apart: nothing is kept."""


def segments_of(columns: Mapping[str, NDArray[Any]] | None, entities: int) -> Segments | None:
    """Return the segments of an environment, or None where nothing tells its entities apart.

    Args:
        columns: own parameters of the entities; where each draw or replicate has its own, their mean counts.
        entities: number of entities.

    >>> segments_of({"size": np.array([5.0, 1.0, 9.0])}, 3).names
    ('entity 0', 'entity 1', 'entity 2')
    >>> segments_of({"size": np.arange(100.0)}, 100).names[0]
    'size: lowest quarter'
    """
    if entities < 2:
        return None
    if entities <= FEW:
        return Segments(tuple(f"entity {i}" for i in range(entities)), np.arange(entities, dtype=np.int64))
    own = {name: np.asarray(column) for name, column in (columns or {}).items()}
    known = {name: column for name, column in own.items() if column.ndim and len(column) and not len(column) % entities}
    for name in [*GROUPS, *SIZES, *sorted(known)]:
        if name not in known:
            continue
        column = known[name].reshape(-1, entities, *known[name].shape[1:]).astype(np.float64)
        values = column.mean(axis=tuple(axis for axis in range(column.ndim) if axis != 1))
        kinds = np.unique(values)
        if 1 < len(kinds) <= FEW:
            index = np.searchsorted(kinds, values)
            return Segments(tuple(f"{name} {kind:g}" for kind in kinds), index.astype(np.int64))
        if len(kinds) > FEW and name not in GROUPS:
            # By rank, so that equal parts are equal whatever the law; ties go by the number of the entity.
            order = np.argsort(np.argsort(values, kind="stable"), kind="stable")
            return Segments(tuple(f"{name}: {part}" for part in QUARTERS), order * 4 // entities)
    return None


@dataclass
class SegmentLedger:
    """Adds up the reward paid to each environment of a block, and tells it by segment.

    >>> ledger = SegmentLedger(Segments(("a", "b"), np.array([0, 1, 1])), replicates=2)
    >>> ledger.add(np.arange(6.0))
    >>> ledger.frame(first_replicate=0, draws=1)["realised"].to_list()
    [0.0, 3.0, 3.0, 9.0]
    """

    segments: Segments
    replicates: int
    earned: Float64 = field(init=False)

    def __post_init__(self) -> None:
        self.earned = np.zeros(self.replicates * len(self.segments.index))

    def add(self, reward: Float64) -> None:
        """Book the rewards of one step ``(n,)``."""
        if len(self.earned):
            self.earned += reward

    def frame(self, first_replicate: int, draws: int) -> pl.DataFrame:
        """Return one row per replicate and segment: all columns of ``SEGMENTS_SCHEMA`` but the three names."""
        table = self.earned.reshape(self.replicates, len(self.segments.index))
        members = [np.flatnonzero(self.segments.index == i) for i in range(len(self.segments.names))]
        rows = [
            (name, len(inside), first_replicate + r, draws, total(np.ascontiguousarray(table[r, inside])))
            for r in range(self.replicates)
            for name, inside in zip(self.segments.names, members, strict=True)
        ]
        schema = {name: SEGMENTS_SCHEMA[name] for name in ("segment", "entities", "replicate", "draws", "realised")}
        return pl.DataFrame(rows, schema=schema, orient="row")


def harm(segments: pl.DataFrame, *, level: float = 0.95) -> pl.DataFrame:
    """Return what each agent earned in each segment against the incumbent, and where harm is shown.

    Args:
        segments: rows of all cells of one suite, the incumbent's among them; without it there is nothing to tell.
        level: of the intervals; harm is shown where the adjusted p-value is below ``1 - level`` on the losing side.
    """
    keys = ["environment", "segment", "replicate"]
    incumbent = segments.filter(pl.col("agent") == INCUMBENT).select(*keys, pl.col("realised").alias("incumbent"))
    paired = segments.filter(pl.col("agent") != INCUMBENT).join(incumbent, on=keys, maintain_order="left")
    rows: list[dict[str, object]] = []
    for (environment, agent, segment), part in paired.group_by(
        ["environment", "agent", "segment"], maintain_order=True
    ):
        own = part.sort("replicate")
        difference, draws = (own["realised"] - own["incumbent"]).to_numpy(), int(own["draws"][0])
        units = by_draw(difference, draws).mean(axis=1) if draws > 1 else difference
        low, high = t_interval(difference, level=level, draws=draws)
        row: dict[str, object] = {"suite": own["suite"][0], "environment": environment, "agent": agent}
        row |= {"segment": segment, "entities": own["entities"][0], "units": len(units)}
        row |= {"incumbent": own["incumbent"].mean(), "difference": float(difference.mean())}
        rows.append(row | {"low": low, "high": high, "p_adjusted": p_value(units)})
    frame = pl.DataFrame(rows, schema=HARM_SCHEMA).with_columns(pl.selectors.float().fill_nan(None))
    frame = frame.with_columns(p_adjusted=pl.Series(holm(frame["p_adjusted"].to_list()), dtype=pl.Float64))
    shown = (pl.col("difference") < 0) & (pl.col("p_adjusted") < 1 - level)
    return frame.with_columns(harmed=shown.fill_null(False))
