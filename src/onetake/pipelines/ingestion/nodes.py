"""Nodes of the ingestion pipeline."""

from __future__ import annotations

import polars as pl

from onetake.logs import ColumnMap, DecisionLog, RawTable, ingest, profile


def ingest_table(table: RawTable, column_map: ColumnMap) -> DecisionLog:
    """Turn a raw table into a checked decision log."""
    return ingest(table, column_map)


def profile_logs(*logs: DecisionLog) -> pl.DataFrame:
    """Show what each action of each log was tried for and what it brought."""
    return pl.concat([profile(log) for log in logs])
