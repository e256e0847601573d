"""Policies given as tables: a row for each action in each slot, with the chance of it."""

from __future__ import annotations

import numpy as np

from onetake.errors import SchemaError
from onetake.logs.column_map import ColumnMap
from onetake.logs.ingest import whole_numbers
from onetake.logs.origin import refuse_where
from onetake.logs.read import RawTable
from onetake.types import Float64


def policy_table(table: RawTable, column_map: ColumnMap, probability: str = "prob") -> Float64:
    """Return the chances ``(num_slots, k)`` that a table gives, with the columns that the log's map names.

    Pairs that the table leaves out have chance 0.

    Raises:
        SchemaError: naming file, row and column of a chance outside [0, 1], an unknown action or slot, or a pair given
            twice; or the slot whose chances do not sum to 1.
    """
    spec, place = column_map.action, column_map.slot
    if spec.count is None:
        raise SchemaError(f"{table.origin.files[0]}: got a log whose actions have no numbers; wanted action.count")
    action = whole_numbers(table, spec.column, spec.first, spec.count)
    slot = whole_numbers(table, place.column, place.first, place.count) if place else np.zeros_like(action)
    if probability not in table.frame.columns:
        raise table.origin.missing(probability, table.frame.columns)
    values = table.frame[probability]
    chance = values.to_numpy()
    refuse_where(~((chance >= 0) & (chance <= 1)), values, table.origin, probability, "a chance in [0, 1]")
    slots = place.count if place else 1
    cell = slot * spec.count + action
    first = np.unique(cell, return_index=True)[1]
    again = np.ones(len(cell), bool)
    again[first] = False
    refuse_where(again, table.frame[spec.column], table.origin, spec.column, "each action once in a slot")
    chances = np.bincount(cell, chance, slots * spec.count).reshape(slots, spec.count)
    for i, whole in enumerate(chances.sum(axis=1)):
        if abs(whole - 1) > 1e-6:
            raise SchemaError(f"{table.origin.files[0]}, slot {i}: got chances that sum to {whole:g}; wanted 1")
    return chances.astype(np.float64)
