"""What the verbs of the console script print, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from onetake.cli.refusals import project_root

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline

SUITE = "suite_"


def explain_node(node: str, pipeline: str, env: str | None, *, parts: bool) -> list[str]:
    """Return why a node would run; see `onetake.caching.explain`."""
    root = project_root()
    from kedro.framework.project import settings

    from onetake.caching.explain import explain

    with settings.SESSION_CLASS.create(project_path=root, env=env, save_on_close=False) as session:
        plan = session.plan(pipeline)
    lines = explain(plan, node)
    return lines + [f"  {part}: {text}" for part, text in plan.steps[node].parts.items()] if parts else lines


def agents(env: str | None) -> list[str]:
    """Return the registered agents with what they stand for."""
    from onetake.agents import make, registered

    return table((entry.id, repr(make(entry))) for entry in registered())


def environments(env: str | None) -> list[str]:
    """Return the ids of the environments that Gymnasium can make."""
    import gymnasium

    import onetake.envs  # noqa: F401 -- registers the ids

    return sorted(name for name in gymnasium.registry if name.startswith("onetake/"))


def pipelines(env: str | None) -> list[str]:
    """Return the pipelines with their number of nodes."""
    return table((name, f"{len(each.nodes)} nodes") for name, each in sorted(registered_pipelines(env).items()))


def suites(env: str | None) -> list[str]:
    """Return the suites that the pipelines make."""
    outputs = registered_pipelines(env)["__default__"].all_outputs()
    return sorted(name.removeprefix(SUITE) for name in outputs if name.startswith(SUITE))


def registered_pipelines(env: str | None) -> dict[str, Pipeline]:
    """Return the pipelines of the project, built on an environment of conf."""
    root = project_root()
    from kedro.framework import project

    with project.settings.SESSION_CLASS.create(project_path=root, env=env, save_on_close=False) as session:
        # Pipelines may be shaped by conf, which the hooks of a context hand over.
        session.load_context()
        return dict(project.pipelines)


def table(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return rows of two columns as lines.

    >>> table([("a", "one"), ("long", "two")])
    ['a     one', 'long  two']
    """
    pairs = list(rows)
    width = max((len(left) for left, _ in pairs), default=0)
    return [f"{left:<{width}}  {right}" for left, right in pairs]


def columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows under their heads as lines; all but the first two columns stand to the right.

    >>> columns(["rank", "agent", "score"], [["1", "ucb1-v0", "0.5"]])
    ['rank  agent    score', '1     ucb1-v0    0.5']
    """
    table = [list(heads), *map(list, rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(heads))]
    return [
        "  ".join(
            f"{text:<{width}}" if i < 2 else f"{text:>{width}}"
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    ]
