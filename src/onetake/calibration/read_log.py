"""A decision log → the arrays that calibration works on."""

from __future__ import annotations

import numpy as np
import polars as pl

from onetake.calibration.cells import BinaryLog
from onetake.errors import CalibrationError
from onetake.logs.schema import DecisionLog
from onetake.types import Float64, Int64


def read_binary_log(log: DecisionLog, *, name: str, segment: str | None) -> BinaryLog:
    """Take the decisions that have an outcome, in the order of the log.

    Args:
        log: a log whose outcomes say success or not.
        name: for messages and for the id of the fit.
        segment: column that groups decisions (a village, a shop), ``slot`` for the place, or None for one group.

    Raises:
        CalibrationError: no yes-or-no outcome, no scale of money, no such segment, or a segment that is not known.
    """
    joined = log.joined()
    success = joined["success"]
    if success.null_count():
        raise CalibrationError(f"{name}.success: got {success.null_count()} rows without; wanted 0 or 1 in every row")
    if len(log.meta.reward_scale) != log.meta.num_actions:
        raise CalibrationError(f"{name}.reward: got money that no success explains; wanted scale * success + offset")
    labels, index = _segments(joined, name, segment)
    return BinaryLog(
        name=name,
        action=joined["action"].to_numpy(),
        success=success.cast(pl.Float64).to_numpy(),
        segment=index,
        scale=_money(log.meta.reward_scale),
        offset=_money(log.meta.reward_offset),
        assignment=log.meta.assignment,
        action_labels=log.meta.action_labels,
        segment_labels=labels,
    )


def _money(values: tuple[float, ...]) -> Float64:
    return np.asarray(values, dtype=np.float64)


def _segments(joined: pl.DataFrame, name: str, segment: str | None) -> tuple[tuple[str, ...], Int64]:
    """Labels of the segments, sorted, and the index of each row."""
    if segment is None:
        return ("all",), np.zeros(joined.height, dtype=np.int64)
    if segment not in joined.columns:
        raise CalibrationError(
            f"{name}.segment: got {segment!r}; wanted a column of the log: {', '.join(joined.columns)}"
        )
    column = joined[segment]
    if column.null_count():
        raise CalibrationError(
            f"{name}.{segment}: got {column.null_count()} rows without; wanted a segment in every row"
        )
    known = column.unique().sort()
    index = column.replace_strict(known, pl.int_range(len(known), eager=True), return_dtype=pl.Int64)
    return tuple(str(label) for label in known), index.to_numpy()
