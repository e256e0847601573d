"""A user's table, by a column map → a decision log."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from onetake.errors import ConfigError, SchemaError
from onetake.logs.checks import check_log
from onetake.logs.column_map import ColumnMap, ContextMap
from onetake.logs.origin import Origin, refuse_where
from onetake.logs.propensity import propensities_from_counts
from onetake.logs.read import RawTable
from onetake.logs.schema import DECISIONS, OUTCOMES, TIME, ContextColumn, DecisionLog, LogMeta
from onetake.types import Float64, Int64, PropensityKind


def ingest(table: RawTable, column_map: ColumnMap) -> DecisionLog:
    """Turn a table into a decision log.

    Raises:
        SchemaError: naming file, row and column of the first thing that breaks the schema.
    """
    kept, notes = _kept_rows(table, column_map)
    action = _actions(kept, column_map)
    outcomes, scale, offset = _rewards(kept, column_map, action)
    time, step, stand_ins = _calendar(kept, column_map)
    context, columns = _context(kept, column_map.context)
    propensity, kind = _propensities(kept, column_map, action, context)
    ids = pl.int_range(kept.frame.height, eager=True)
    if column_map.ids.entity is None:
        stand_ins += ("entity: no column; the row number stands in",)
    decisions = pl.DataFrame(
        {
            "decision_id": ids,
            "entity_id": _ids(kept, column_map.ids.entity) if column_map.ids.entity else ids,
            "decision_time": time,
            "step": step,
            "available_actions": pl.repeat(None, len(ids), dtype=pl.List(pl.Int64), eager=True),
            "slot": _slots(kept, column_map),
            "action": pl.Series(action),
            "propensity": propensity,
            "propensity_kind": pl.repeat(kind, len(ids), eager=True),
            "episode_id": _ids(kept, column_map.ids.episode)
            if column_map.ids.episode
            else pl.repeat(None, len(ids), dtype=pl.Int64, eager=True),
            "policy_id": pl.repeat(column_map.ids.policy, len(ids), eager=True),
            "agent_hash": pl.repeat(None, len(ids), dtype=pl.String, eager=True),
        }
    ).hstack(context)
    meta = LogMeta(
        source=", ".join(table.origin.files),
        assignment=column_map.assignment,
        action_labels=column_map.action.names,
        propensity_kind=kind,
        num_slots=column_map.slot.count if column_map.slot else 1,
        time_zone=column_map.calendar.zone,
        period=column_map.calendar.period,
        context=columns,
        reward_scale=scale,
        reward_offset=offset,
        notes=notes + stand_ins,
        marks=_marks(column_map),
    )
    landed = _times(kept, column_map.calendar.outcome, column_map) if column_map.calendar.outcome else time
    terminated, truncated = _ends(kept, column_map)
    outcomes = outcomes.with_columns(decision_id=ids, outcome_time=landed, terminated=terminated, truncated=truncated)
    log = DecisionLog(decisions, outcomes.select(list(OUTCOMES)), meta)
    return check_log(log, kept.origin.named(_names(column_map)))


def _ends(table: RawTable, column_map: ColumnMap) -> tuple[pl.Series, pl.Series]:
    """Where an episode came to its end, and where it was cut; a decision without an episode is one of its own."""
    height, spec = table.frame.height, column_map.ids
    if spec.episode is None:
        return pl.repeat(True, height, eager=True), pl.repeat(False, height, eager=True)
    episode = _column(table, spec.episode)
    last = (episode != episode.shift(-1)).fill_null(True)
    if spec.ended is None:
        return last, pl.repeat(False, height, eager=True)
    ended = _column(table, spec.ended)
    if ended.dtype != pl.Boolean:
        got = f"{ended.dtype} values"
        raise SchemaError(f"{', '.join(table.origin.files)}, column {spec.ended}: got {got}; wanted true and false")
    refuse_where(ended.is_null() | (ended & ~last), ended, table.origin, spec.ended, "true at the last decision only")
    return ended, last & ~ended


def _kept_rows(table: RawTable, column_map: ColumnMap) -> tuple[RawTable, tuple[str, ...]]:
    keep, frame = column_map.keep, table.frame.with_row_index("__row")
    for column in (*keep.present, *keep.equal):
        if column not in frame.columns:
            raise table.origin.missing(column, table.frame.columns)
    frame = frame.drop_nulls(list(keep.present)) if keep.present else frame
    for column, value in keep.equal.items():
        frame = frame.filter(_is(frame[column], value, f"keep.equal.{column}"))
    if keep.rows is not None and frame.height != keep.rows:
        raise SchemaError(f"{', '.join(table.origin.files)}, keep.rows: got {frame.height} rows; wanted {keep.rows}")
    if frame.is_empty():
        raise SchemaError(f"{', '.join(table.origin.files)}: got no rows to keep; wanted at least one")
    dropped = table.frame.height - frame.height
    notes = (f"rows: {dropped} of {table.frame.height} dropped, {frame.height} kept",) if dropped else ()
    rows = frame["__row"].cast(pl.Int64).to_numpy()
    return RawTable(frame.drop("__row"), table.origin.keep(rows)), notes


def _is(values: pl.Series, value: object, path: str) -> pl.Series:
    """Return where a column has a value of its own kind: a number, text, true or false, a date or time."""
    if isinstance(value, str | int | float | date) and isinstance(value, bool) == (values.dtype == pl.Boolean):
        with contextlib.suppress(pl.exceptions.PolarsError, TypeError):
            return values == pl.Series([value])
    raise ConfigError(f"{path}: got {value!r}; wanted a value of the column's kind, {values.dtype}")


def _column(table: RawTable, name: str) -> pl.Series:
    if name not in table.frame.columns:
        raise table.origin.missing(name, table.frame.columns)
    return table.frame[name]


def _numbers(table: RawTable, name: str) -> Float64:
    """Return a column as numbers ``(n,)``, refusing text, nulls and NaN."""
    values = _column(table, name)
    numbers = values.cast(pl.Float64, strict=False)
    refuse_where(~numbers.is_finite(), values, table.origin, name, "a finite number")
    return numbers.to_numpy()


def whole_numbers(table: RawTable, name: str, first: int, count: int) -> Int64:
    """Return a column of whole numbers ``first … first + count − 1`` as indices from 0 ``(n,)``, refusing all else."""
    numbers = _numbers(table, name) - first
    bad = (numbers != np.floor(numbers)) | (numbers < 0) | (numbers >= count)
    refuse_where(bad, _column(table, name), table.origin, name, f"a whole number in {first}..{first + count - 1}")
    return numbers.astype(np.int64)


def _actions(table: RawTable, column_map: ColumnMap) -> Int64:
    spec = column_map.action
    if spec.count is not None:
        return whole_numbers(table, spec.column, spec.first, spec.count)
    values = _column(table, spec.column)
    if spec.cut:
        action = np.searchsorted(np.asarray(spec.cut), _numbers(table, spec.column), side="left")
        refuse_where(action >= spec.size, values, table.origin, spec.column, f"a number up to {spec.cut[-1]:g}")
        return action.astype(np.int64)
    known = {_name(value): i for i, value in enumerate(spec.values)}
    found = _named(values).replace_strict(known, default=None, return_dtype=pl.Int64)
    refuse_where(found.is_null(), values, table.origin, spec.column, f"a known action: {', '.join(known)}")
    return found.to_numpy()


def _name(value: object) -> str:
    """Return an action's value as `_named` shows it in a column: true and false small, whole floats without ``.0``."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _named(values: pl.Series) -> pl.Series:
    text = values.cast(pl.String)
    if not values.dtype.is_float():
        return text
    whole = values.is_finite() & (values == values.floor())
    short = values.cast(pl.Int64, strict=False).cast(pl.String)
    return pl.select(pl.when(whole & short.is_not_null()).then(short).otherwise(text)).to_series()


def _slots(table: RawTable, column_map: ColumnMap) -> pl.Series:
    if column_map.slot is None:
        return pl.repeat(None, table.frame.height, dtype=pl.Int64, eager=True)
    return pl.Series(whole_numbers(table, column_map.slot.column, column_map.slot.first, column_map.slot.count))


def _rewards(
    table: RawTable, column_map: ColumnMap, action: Int64
) -> tuple[pl.DataFrame, tuple[float, ...], tuple[float, ...]]:
    spec, size = column_map.reward, column_map.action.size
    cost = np.asarray(spec.costs) if spec.costs else np.zeros(size)
    if spec.column is not None:
        reward = _numbers(table, spec.column) - cost[action]
        unknown = pl.repeat(None, len(action), dtype=pl.Int64, eager=True)
        return pl.DataFrame({"reward": reward, "success": unknown}), (), ()
    assert spec.success is not None  # the record has one of the two
    success = whole_numbers(table, spec.success, 0, 2)
    paid = _numbers(table, spec.paid) if spec.paid else np.zeros(len(action))
    reward = (spec.value - paid) * success - cost[action]
    scale = spec.value - _paid_per_success(paid, success, action, size)
    frame = pl.DataFrame({"reward": reward, "success": success})
    return frame, tuple(scale.tolist()), tuple((0.0 - cost).tolist())


def _paid_per_success(paid: Float64, success: Int64, action: Int64, size: int) -> Float64:
    """Return the mean amount paid for a success of each action ``(k,)``.

    Amounts differ within a level. The mean over those who were paid makes ``scale[k] * successes`` of a level its
    logged total exactly; a level without a success takes the mean that was offered.
    """
    offered, taken = np.bincount(action, minlength=size), np.bincount(action, success, minlength=size)
    mean_offered = np.bincount(action, paid, minlength=size) / np.maximum(offered, 1)
    mean_paid = np.bincount(action, paid * success, minlength=size) / np.maximum(taken, 1)
    return np.where(taken > 0, mean_paid, mean_offered)


def _times(table: RawTable, name: str, column_map: ColumnMap) -> pl.Series:
    values = _column(table, name)
    read = _parsed(values) if values.dtype == pl.String else values
    if isinstance(read.dtype, pl.Datetime) and read.dtype.time_zone is not None:
        times = read.dt.convert_time_zone("UTC").cast(TIME)
    elif read.dtype.is_temporal():
        local = read.cast(pl.Datetime("us"))
        times = local.dt.replace_time_zone(column_map.calendar.zone, ambiguous="earliest", non_existent="null")
        times = times.dt.convert_time_zone("UTC")
    else:
        times = pl.repeat(None, len(values), dtype=TIME, eager=True)
    refuse_where(times.is_null(), values, table.origin, name, f"a time that exists in {column_map.calendar.zone}")
    return times


def _parsed(values: pl.Series) -> pl.Series:
    """Return text as times, null where it is none: JSON has no other way to write them."""
    try:
        return values.str.to_datetime(time_unit="us", strict=False)
    except pl.exceptions.ComputeError:
        return values


def _calendar(table: RawTable, column_map: ColumnMap) -> tuple[pl.Series, pl.Series, tuple[str, ...]]:
    """Return decision times, steps and notes; periods are cut in local time, so that a day is a day in every season."""
    calendar = column_map.calendar
    height = table.frame.height
    if calendar.time is None:
        start = datetime.fromisoformat(calendar.start or "")
        moment = (start if start.tzinfo else start.replace(tzinfo=ZoneInfo(calendar.zone))).astimezone(UTC)
        time = pl.repeat(moment, height, dtype=TIME, eager=True)
        note = f"time: no column; all decisions stand at {calendar.start} {calendar.zone}, step 0"
        return time, pl.repeat(0, height, dtype=pl.Int64, eager=True), (note,)
    time = _times(table, calendar.time, column_map)
    local = time.dt.convert_time_zone(calendar.zone).dt.replace_time_zone(None)
    period = timedelta(**calendar.period_arguments)
    if calendar.start is None:
        first = local.dt.truncate(calendar.period)[0]
    else:
        start = datetime.fromisoformat(calendar.start)
        first = start.astimezone(ZoneInfo(calendar.zone)).replace(tzinfo=None) if start.tzinfo else start
    step = (local - first).dt.total_microseconds() // int(period.total_seconds() * 1e6)
    return time, step, ()


def _context(table: RawTable, spec: ContextMap) -> tuple[pl.DataFrame, tuple[ContextColumn, ...]]:
    series: list[pl.Series] = []
    columns: list[ContextColumn] = []
    for name, column in spec.number.items():
        values = _column(table, column)
        numbers = values.cast(pl.Float64, strict=False)
        refuse_where(numbers.is_null() & values.is_not_null(), values, table.origin, column, "a number")
        series.append(numbers.rename(name))
        columns.append(ContextColumn(name, "number", missing=spec.missing))
    for name, column in spec.category.items():
        text = _labels(table, column)
        series.append(text.rename(name))
        columns.append(ContextColumn(name, "category", tuple(text.drop_nulls().unique().sort()), spec.missing))
    for name, column in spec.group.items():
        text = _labels(table, column)
        series.append(text.rename(name))
        columns.append(ContextColumn(name, "group", tuple(text.drop_nulls().unique().sort())))
    for values in series:
        if values.name in DECISIONS:
            raise SchemaError(f"context: got the name {values.name}; wanted one that the log does not have already")
    return pl.DataFrame(series), tuple(columns)


def _labels(table: RawTable, column: str) -> pl.Series:
    """Return a column as text, refusing NaN and infinity, which are no labels."""
    values = _column(table, column)
    if values.dtype.is_float():
        refuse_where(~values.is_finite() & values.is_not_null(), values, table.origin, column, "a label, not NaN")
    return _text(values)


def _text(values: pl.Series) -> pl.Series:
    """Return a column as text, whole floats without their ``.0``: CSV files hold many an id as a float."""
    present = values.drop_nulls()
    # Beyond 2**53 a float is no longer one whole number; NaN and infinity are none.
    if values.dtype.is_float() and bool(((present == present.floor()) & (present.abs() <= 2.0**53)).all()):
        values = values.cast(pl.Int64)
    return values.cast(pl.String)


def _ids(table: RawTable, name: str) -> pl.Series:
    values = _column(table, name)
    return values.cast(pl.Int64) if values.dtype.is_integer() else _text(values)


def _propensities(
    table: RawTable, column_map: ColumnMap, action: Int64, context: pl.DataFrame
) -> tuple[pl.Series, PropensityKind]:
    spec = column_map.propensity
    if spec.column is not None:
        values = _column(table, spec.column)
        numbers = values.cast(pl.Float64, strict=False)
        refuse_where(numbers.is_null(), values, table.origin, spec.column, "a number in (0, 1]")
        return numbers, "exact"
    if spec.method == "none":
        return pl.repeat(None, len(action), dtype=pl.Float64, eager=True), "none"
    stratum = None
    if spec.strata:
        for name in spec.strata:
            if name not in context.columns:
                raise Origin(("propensity.strata",)).missing(name, context.columns)
        stratum = context.select(pl.struct(list(spec.strata)).rank("dense") - 1).to_series().cast(pl.Int64).to_numpy()
    estimated = propensities_from_counts(
        action, column_map.action.size, smoothing=spec.smoothing, folds=spec.folds, stratum=stratum
    )
    return pl.Series(estimated), "estimated"


def _marks(column_map: ColumnMap) -> tuple[str, ...]:
    marks = (
        (column_map.adaptive, "the logging policy learned while it logged: weights are exact, intervals are not"),
        (column_map.interference, "decisions touch each other's outcomes: values hold for the logged mix only"),
    )
    return tuple(text for holds, text in marks if holds)


def _names(column_map: ColumnMap) -> dict[str, str]:
    """Return schema column → column of the file, for refusals."""
    spec = column_map
    names = {
        "action": spec.action.column,
        "reward": spec.reward.column or spec.reward.success,
        "success": spec.reward.success,
        "propensity": spec.propensity.column,
        "slot": spec.slot.column if spec.slot else None,
        "decision_time": spec.calendar.time,
        "outcome_time": spec.calendar.outcome,
        "entity_id": spec.ids.entity,
        "episode_id": spec.ids.episode,
        **spec.context.number,
        **spec.context.category,
        **spec.context.group,
    }
    return {key: value for key, value in names.items() if value is not None}
