"""Raw tables become decision logs by the column maps in conf; then every log is profiled."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from onetake.conf_loader import conf_of_run, named_entries
from onetake.pipelines.ingestion.nodes import ingest_table, profile_logs


def create_pipeline(**kwargs: object) -> Pipeline:
    """Return a node per log under ``ingestion`` in conf, and one that profiles them all.

    The log ``shop`` comes from ``shop_table``: all of ``data/01_raw/shop``, unless the catalog says otherwise.

    Raises:
        ConfigError: no log, or one whose name cannot be part of a dataset's.
    """
    logs = named_entries("ingestion", conf_of_run()["parameters"].get("ingestion"))
    ingestion = [
        Node(
            ingest_table,
            inputs=[f"{log}_table", f"params:ingestion.{log}"],
            outputs=f"{log}_log",
            name=f"ingest_{log}",
        )
        for log in logs
    ]
    profiling = Node(profile_logs, inputs=[f"{log}_log" for log in logs], outputs="log_profiles", name="profile_logs")
    return Pipeline([*ingestion, profiling], tags="ingestion")
