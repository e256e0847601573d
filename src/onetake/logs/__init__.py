"""Decision logs: what was decided, how likely that was, and what came of it."""

from __future__ import annotations

from onetake.logs.arrays import ContextEncoding, to_arrays
from onetake.logs.checks import check_log
from onetake.logs.column_map import ColumnMap
from onetake.logs.ingest import ingest
from onetake.logs.policy_table import policy_table
from onetake.logs.profile import profile
from onetake.logs.read import RawTable, read_table
from onetake.logs.schema import SCHEMA_VERSION, ContextColumn, DecisionLog, LogMeta
from onetake.logs.write import read_log, write_log

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
    "policy_table",
    "profile",
    "read_log",
    "read_table",
    "to_arrays",
    "write_log",
]
