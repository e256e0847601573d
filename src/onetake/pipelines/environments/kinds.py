"""What makes a suite, by the kind of its plan in conf."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kedro.pipeline import Node

from onetake.errors import ConfigError
from onetake.pipelines.environments import nodes

POPULATION = ["population_cohorts_tune", "population_cohorts_test"]
CATALOGUE = ["catalogue_tune", "catalogue_test"]


def nodes_of_suite(name: str, plan: object, fits: Mapping[str, Any]) -> list[Node]:
    """Return the nodes that make a suite, by the keys of its plan.

    Raises:
        ConfigError: a plan of no kind.
    """
    kinds = {"ids": registered, "environments": described, "scale": of_population, "settings": of_catalogue}
    keys = set(plan) if isinstance(plan, Mapping) else set()
    found = [kind for key, kind in kinds.items() if key in keys]
    if len(found) == 1:
        return found[0](name)
    if not found and keys and name in fits:
        return fitted(name)
    raise ConfigError(
        f"suites.{name}: got {', '.join(sorted(map(str, keys))) if keys else repr(plan)}; wanted one of ids, "
        f"environments, scale (of the population), settings (of the catalogue), "
        f"or settings of a fit under calibration.{name}"
    )


def registered(name: str) -> list[Node]:
    """Return the node of a suite of registered environments."""
    return [_suite(nodes.make_registered_suite, name)]


def described(name: str) -> list[Node]:
    """Return the node of a suite of environments described in conf."""
    return [_suite(nodes.make_described_suite, name)]


def of_population(name: str) -> list[Node]:
    """Return the node of a suite in which the whole population plays."""
    return [_both_parts(nodes.make_population_suites, POPULATION, name)]


def of_catalogue(name: str) -> list[Node]:
    """Return the node of a suite in which every product of the catalogue is priced."""
    return [_both_parts(nodes.make_catalogue_suites, CATALOGUE, name)]


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
