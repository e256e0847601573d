"""Decision logs: what was decided, how likely that was, and what came of it."""

from __future__ import annotations

from onetake.logs.arrays import ContextEncoding, to_arrays
from onetake.logs.checks import check_log
from onetake.logs.column_map import ColumnMap
from onetake.logs.ingest import ingest
from onetake.logs.read import RawTable, read_table
from onetake.logs.schema import SCHEMA_VERSION, ContextColumn, DecisionLog, LogMeta

__all__ = [
    "SCHEMA_VERSION",
    "ColumnMap",
    "ContextColumn",
    "ContextEncoding",
    "DecisionLog",
    "LogMeta",
    "RawTable",
    "check_log",
    "ingest",
    "read_table",
    "to_arrays",
]
