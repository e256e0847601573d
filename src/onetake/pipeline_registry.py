"""The pipelines of the project: one per folder of `onetake.pipelines`, one per suite, and all of them by default."""

from __future__ import annotations

from kedro.framework.project import find_pipelines, pipelines
from kedro.pipeline import Pipeline

# Suites nest under this namespace, so that the top level of kedro-viz stays small.
SUITES = "evaluation"


def register_pipelines() -> dict[str, Pipeline]:
    """Return every pipeline by name; `__default__` is the whole loop.

    Each namespace `evaluation.<suite>` is also a pipeline of that name, for `kedro run --pipelines` and for the
    drop-down of kedro-viz.
    """
    try:
        found = find_pipelines(raise_errors=True)
    except ImportError as error:
        if error.__cause__ is not None:
            raise
        # Asked for a name that is no folder: a suite, or a slip for which Kedro then names the nearest.
        pipelines.set_requested(None)
        found = find_pipelines(raise_errors=True)
    found["__default__"] = Pipeline(list(found.values()))
    for namespace in suite_namespaces(found.get(SUITES, Pipeline([]))):
        found[namespace] = found[SUITES].filter(node_namespaces=[namespace])
    return found


def suite_namespaces(pipeline: Pipeline) -> list[str]:
    """Return the namespaces `evaluation.<suite>` of a pipeline, sorted."""
    parts = (node.namespace.split(".") for node in pipeline.nodes if node.namespace)
    return sorted({".".join(names[:2]) for names in parts if len(names) > 1 and names[0] == SUITES})
