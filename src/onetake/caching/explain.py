"""Why a node runs or does not, in words."""

from __future__ import annotations

import difflib

from onetake.caching.datasets import base_name
from onetake.caching.options import CacheError
from onetake.caching.plan import Plan, Step


def explain(plan: Plan, node: str) -> list[str]:
    """Return lines that say whether a node would run, and why.

    Raises:
        CacheError: if the plan has no node of that name; the text names the nearest ones.
    """
    step = plan.steps.get(node)
    if step is None:
        nearest = difflib.get_close_matches(node, plan.steps, n=3, cutoff=0.5) or sorted(plan.steps)[:3]
        raise CacheError(f"node: got {node!r}; wanted one of the pipeline's, such as {', '.join(nearest)}")
    if not step.runs:
        return [f"{node} is up to date: none of the {summary(step)} that it depends on has changed."]
    lines = [f"{node} runs, because"]
    lines += [f"- {reason}{through(plan, reason)}" for reason in step.reasons]
    lines += [f"- {other} runs and needs an output that is kept in memory only" for other in step.needed_by]
    return lines


def summary(step: Step) -> str:
    """Return how many things of each kind a node depends on."""
    parts = list(step.parts)
    code = sum(part.startswith("code ") for part in parts)
    inputs = sum(part.startswith("input ") for part in parts)
    values = sum(part.startswith(("params:", "parameters", "bound")) for part in parts)
    return f"{code} pieces of code, {values} values and {inputs} inputs"


def through(plan: Plan, reason: str) -> str:
    """Return by which node an input changed."""
    if not (reason.startswith("input ") and reason.endswith(" changed")):
        return ""
    name = base_name(reason.removeprefix("input ").removesuffix(" changed"))
    makers = [s for s in plan.steps.values() if name in map(base_name, s.node.outputs)]
    return f" (from {makers[0].node.name}, which runs)" if makers and makers[0].runs else ""
