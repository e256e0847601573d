"""What must hold in every decision log, however it was made."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from onetake.errors import SchemaError
from onetake.logs.origin import Origin, refuse_where
from onetake.logs.schema import ASSIGNMENTS, DECISIONS, NULLABLE, OUTCOMES, PROPENSITY_KINDS, DecisionLog


def check_log(log: DecisionLog, decisions: Origin, outcomes: Origin | None = None) -> DecisionLog:
    """Return ``log`` unchanged if it keeps the schema.

    Args:
        log: the log.
        decisions: where the rows of the decisions table came from.
        outcomes: where the rows of the outcomes table came from; None where they are the rows of the decisions.

    Raises:
        SchemaError: naming file, row and column of the first thing that is wrong.
    """
    outcomes = decisions if outcomes is None else outcomes
    if log.meta.assignment not in ASSIGNMENTS:
        raise SchemaError(
            f"{decisions.files[0]}, assignment: got {log.meta.assignment!r}; wanted one of {', '.join(ASSIGNMENTS)}"
        )
    _check_table(log.decisions, DECISIONS, decisions)
    _check_table(log.outcomes, OUTCOMES, outcomes)
    _check_ids_and_time(log.decisions, decisions)
    _check_actions(log, decisions)
    _check_propensities(log.decisions, decisions)
    _check_context(log, decisions)
    _check_outcomes(log, outcomes)
    return log


def _check_table(frame: pl.DataFrame, schema: Mapping[str, tuple[pl.DataType, ...]], origin: Origin) -> None:
    for column, dtypes in schema.items():
        if column not in frame.columns:
            raise origin.missing(column, frame.columns)
        if frame.schema[column] not in dtypes:
            wanted = " or ".join(str(dtype) for dtype in dtypes)
            raise SchemaError(f"{origin.files[0]}, column {column}: got {frame.schema[column]}; wanted {wanted}")
        if column not in NULLABLE:
            refuse_where(frame[column].is_null(), frame[column], origin, column, "a value")
    if frame.is_empty():
        raise SchemaError(f"{origin.files[0]}: got no rows; wanted at least one")


def _check_ids_and_time(frame: pl.DataFrame, origin: Origin) -> None:
    ids = frame["decision_id"]
    refuse_where(~ids.is_first_distinct(), ids, origin, "decision_id", "an id that no earlier row has")
    time = frame["decision_time"]
    early = (time.diff().dt.total_microseconds() < 0).fill_null(False)
    refuse_where(early, time, origin, "decision_time", "rows in order of time")
    refuse_where(frame["step"] < 0, frame["step"], origin, "step", "a step from 0 up")


def _check_actions(log: DecisionLog, origin: Origin) -> None:
    frame, known = log.decisions, log.meta.num_actions
    for column, limit in (("action", known), ("slot", log.meta.num_slots)):
        values = frame[column]
        outside = ((values < 0) | (values >= limit)).fill_null(False)
        refuse_where(outside, values, origin, column, f"an index below {limit}")
    offered = frame["available_actions"]
    if offered.null_count() < len(offered):
        absent = frame.select(~pl.col("available_actions").list.contains(pl.col("action"))).to_series()
        refuse_where(absent.fill_null(False), frame["action"], origin, "action", "one of the available actions")
        outside = frame.select(
            (pl.col("available_actions").list.min() < 0) | (pl.col("available_actions").list.max() >= known)
        ).to_series()
        refuse_where(outside.fill_null(False), offered, origin, "available_actions", f"indices below {known}")


def _check_propensities(frame: pl.DataFrame, origin: Origin) -> None:
    kind, values = frame["propensity_kind"], frame["propensity"]
    refuse_where(~kind.is_in(list(PROPENSITY_KINDS)), kind, origin, "propensity_kind", "/".join(PROPENSITY_KINDS))
    absent = (kind == "none").to_numpy()
    numbers = values.to_numpy()
    refuse_where(
        absent & values.is_not_null().to_numpy(), values, origin, "propensity", "no value, as the kind is none"
    )
    with np.errstate(invalid="ignore"):
        chance = (numbers > 0) & ((numbers <= 1) | (kind == "density").to_numpy()) & np.isfinite(numbers)
    refuse_where(~absent & ~chance, values, origin, "propensity", "a number in (0, 1]")


def _check_context(log: DecisionLog, origin: Origin) -> None:
    for column in log.meta.context:
        if column.name not in log.decisions.columns:
            raise origin.missing(column.name, log.decisions.columns)
        values = log.decisions[column.name]
        if values.dtype.is_float():
            refuse_where((~values.is_finite()).fill_null(False), values, origin, column.name, "a finite number")
        if column.missing == "refuse":
            refuse_where(values.is_null(), values, origin, column.name, "a value")


def _check_outcomes(log: DecisionLog, origin: Origin) -> None:
    frame = log.outcomes
    reward, ids = frame["reward"], frame["decision_id"]
    refuse_where(~reward.is_finite(), reward, origin, "reward", "a finite number")
    refuse_where(~ids.is_first_distinct(), ids, origin, "decision_id", "one outcome for each decision")
    decided = frame.join(
        log.decisions.select("decision_id", "decision_time"), on="decision_id", how="left", maintain_order="left"
    )
    refuse_where(decided["decision_time"].is_null(), ids, origin, "decision_id", "the id of a logged decision")
    early = decided["outcome_time"] < decided["decision_time"]
    refuse_where(early, frame["outcome_time"], origin, "outcome_time", "no outcome before its decision")
