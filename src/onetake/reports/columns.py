"""What a frame must have before anything is drawn from it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from onetake.errors import SchemaError


def require_columns(frame: pl.DataFrame, columns: Iterable[str], what: str) -> pl.DataFrame:
    """Return ``frame`` where it has ``columns``.

    Raises:
        SchemaError: naming ``what`` the frame is, the columns that it lacks and the nearest that it has.

    >>> require_columns(pl.DataFrame({"agents": ["a"]}), ["agent"], "leaderboard")
    Traceback (most recent call last):
        ...
    onetake.errors.SchemaError: leaderboard: got no column agent (nearest: agents); wanted agent
    """
    _require(frame.columns, list(columns), what, "column")
    return frame


def require_keys(record: Mapping[str, Any], keys: Iterable[str], what: str) -> Mapping[str, Any]:
    """Return ``record`` where it has ``keys``.

    Raises:
        SchemaError: naming ``what`` the record is, the keys that it lacks and the nearest that it has.
    """
    _require(list(record), list(keys), what, "key")
    return record


def _require(had: list[str], wanted: list[str], what: str, kind: str) -> None:
    missing = [name for name in wanted if name not in had]
    if missing:
        near = sorted({match for name in missing for match in difflib.get_close_matches(name, had)})
        hint = f" (nearest: {', '.join(near)})" if near else ""
        raise SchemaError(f"{what}: got no {kind} {', '.join(missing)}{hint}; wanted {', '.join(wanted)}")
