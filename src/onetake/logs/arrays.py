"""A decision log as arrays: what estimators and offline learners see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from onetake.errors import SchemaError
from onetake.logs.schema import ContextColumn, DecisionLog
from onetake.types import Float64, LoggedDecisions


@dataclass(frozen=True)
class ContextEncoding:
    """How context columns become features; kept, so that another log is encoded alike.

    Numbers are passed on, with nulls replaced by ``means``; a column that lets nulls in gets a second feature that is 1
    where they were. Categories become one feature per level, all 0 for an unknown one. Groups are no features.
    """

    columns: tuple[ContextColumn, ...]
    means: tuple[float, ...]

    @classmethod
    def of(cls, log: DecisionLog) -> ContextEncoding:
        """Return the encoding that fits ``log``."""
        means = [log.decisions[column.name].mean() if column.kind == "number" else 0.0 for column in log.meta.context]
        return cls(log.meta.context, tuple(float(mean) if isinstance(mean, float) else 0.0 for mean in means))

    @classmethod
    def nothing(cls) -> ContextEncoding:
        """Return the encoding that passes no feature on: every decision looks alike."""
        return cls((), ())

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each feature ``(d,)``."""
        names: list[str] = []
        for column in self.columns:
            if column.kind == "number":
                names += [column.name] + ([f"{column.name}_missing"] if column.missing == "indicate" else [])
            elif column.kind == "category":
                names += [f"{column.name}={level}" for level in column.levels]
        return tuple(names)

    def encode(self, decisions: pl.DataFrame) -> Float64:
        """Return the features of each decision ``(n, d)``.

        Raises:
            SchemaError: if a column is not there.
        """
        features: list[Float64] = []
        for column, mean in zip(self.columns, self.means, strict=True):
            if column.name not in decisions.columns:
                raise SchemaError(f"context: got columns {', '.join(decisions.columns)}; wanted column {column.name}")
            values = decisions[column.name]
            if column.kind == "number":
                features.append(values.fill_null(mean).cast(pl.Float64).to_numpy())
                if column.missing == "indicate":
                    features.append(values.is_null().cast(pl.Float64).to_numpy())
            elif column.kind == "category":
                features += [(values == level).fill_null(False).cast(pl.Float64).to_numpy() for level in column.levels]
        return np.column_stack(features) if features else np.zeros((decisions.height, 0))


def to_arrays(log: DecisionLog, *, encoding: ContextEncoding | None = None) -> LoggedDecisions:
    """Return the decisions that have an outcome as arrays, in the order of the log.

    Decisions whose outcome has not arrived are left out: nothing is known of them yet. Where propensities are unknown
    they are NaN and ``propensity_kind`` is ``none``; estimators that need them refuse.

    Args:
        log: the log.
        encoding: how context becomes features; None fits one to this log.

    Raises:
        SchemaError: if no decision has an outcome, or a context column is not there.
    """
    encoding = ContextEncoding.of(log) if encoding is None else encoding
    joined = log.joined()
    if joined.is_empty():
        raise SchemaError(f"{log.meta.source}: got no decision with an outcome; wanted at least one")
    slot = joined["slot"]
    return LoggedDecisions(
        context=encoding.encode(joined),
        action=joined["action"].to_numpy(),
        reward=joined["reward"].to_numpy(),
        propensity=joined["propensity"].fill_null(np.nan).to_numpy(),
        num_actions=log.meta.num_actions,
        slot=None if slot.null_count() else slot.to_numpy(),
        num_slots=log.meta.num_slots,
        propensity_kind=log.meta.propensity_kind,
        assignment=log.meta.assignment,
        action_labels=log.meta.action_labels,
        marks=log.meta.marks,
    )
