"""Raw tables become decision logs by the column maps in conf; then every log is profiled."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from onetake.pipelines.ingestion.nodes import ingest_table, profile_logs

LOGS = ("thornton", "open_bandit_random", "open_bandit_bts")


def create_pipeline(**kwargs: object) -> Pipeline:
    """Return a node per log, and one that profiles them all."""
    ingestion = [
        Node(
            ingest_table,
            inputs=[f"{log}_table", f"params:ingestion.{log}"],
            outputs=f"{log}_log",
            name=f"ingest_{log}",
        )
        for log in LOGS
    ]
    profiling = Node(profile_logs, inputs=[f"{log}_log" for log in LOGS], outputs="log_profiles", name="profile_logs")
    return Pipeline([*ingestion, profiling], tags="ingestion")
