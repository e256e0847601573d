"""Bandits are fitted to logs and checked; populations are drawn; suites are made as each one's plan in conf says.

The keys of a plan under ``suites`` tell its kind: ``ids`` of registered environments, ``environments`` that are
described on the spot, ``scale`` of the arms of the population, or a fit, where ``calibration`` has settings of that
name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kedro.pipeline import Node, Pipeline

from onetake.conf_loader import conf_of_run, named_entries
from onetake.errors import ConfigError
from onetake.pipelines.environments import nodes

POPULATION = ["population_cohorts_tune", "population_cohorts_test"]


def create_pipeline(**kwargs: object) -> Pipeline:
    """Return the nodes that make every suite of the project.

    Raises:
        ConfigError: a suite whose plan is of no kind.
    """
    parameters = conf_of_run()["parameters"]
    made = [
        Node(
            nodes.check_log,
            inputs=["open_bandit_random_log", "params:calibration.open_bandit"],
            outputs="open_bandit_fit",
            name="fit_open_bandit",
        ),
        Node(nodes.generate_population, inputs="params:population", outputs=POPULATION, name="generate_population"),
    ]
    fits = parameters.get("calibration") or {}
    for name, plan in named_entries("suites", parameters.get("suites")).items():
        made += _kind(name, plan, fits)(name)
    return Pipeline(made, tags="environments")


def _kind(name: str, plan: object, fits: Mapping[str, Any]) -> Callable[[str], list[Node]]:
    kinds: dict[str, Callable[[str], list[Node]]] = {
        "ids": lambda name: [_suite(nodes.make_registered_suite, name)],
        "environments": lambda name: [_suite(nodes.make_described_suite, name)],
        "scale": lambda name: [_both_parts(nodes.make_population_suites, POPULATION, name)],
    }
    keys = set(plan) if isinstance(plan, Mapping) else set()
    found = [kind for key, kind in kinds.items() if key in keys]
    if len(found) == 1:
        return found[0]
    if not found and keys and name in fits:
        return fitted
    got = ", ".join(sorted(map(str, keys))) if keys else repr(plan)
    raise ConfigError(
        f"suites.{name}: got {got}; wanted one of ids, environments, scale (of the population), "
        f"or settings of a fit under calibration.{name}"
    )


def fitted(name: str) -> list[Node]:
    """Return the nodes that fit a bandit to the log of that name and make a suite of it."""
    fit = [f"{name}_fit", f"{name}_parameter_draws"]
    return [
        Node(nodes.fit_log, [f"{name}_log", f"params:calibration.{name}"], fit, name=f"fit_{name}"),
        _both_parts(nodes.make_fitted_suites, fit, name),
    ]


def _suite(func: Callable[..., Any], name: str) -> Node:
    return Node(func, f"params:suites.{name}", f"suite_{name}", name=f"make_suite_{name}")


def _both_parts(func: Callable[..., Any], inputs: list[str], name: str) -> Node:
    parts = [f"suite_{name}_tune", f"suite_{name}"]
    return Node(func, [*inputs, f"params:suites.{name}"], parts, name=f"make_suite_{name}")
