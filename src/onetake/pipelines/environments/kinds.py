"""What makes a suite, by the kind of its plan in conf."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from kedro.pipeline import Node

from onetake.errors import ConfigError
from onetake.pipelines.environments import nodes

# Tables that are drawn, by the parameters of their laws: what draws both parts of each, and its name.
GENERATED: dict[str, tuple[Callable[..., Any], str]] = {
    "population": (nodes.generate_population, "population_cohorts"),
    "catalogue": (nodes.generate_catalogue, "catalogue"),
    "caseload": (nodes.generate_caseload, "caseload"),
    "departures": (nodes.generate_departures, "departures"),
}


class Kind(NamedTuple):
    """A kind of plan: the keys that tell it, what they are in words, what makes a suite of it, and from which data."""

    keys: frozenset[str]
    words: str
    make: Callable[..., Any]
    inputs: tuple[str, ...] = ()
    parts: bool = True


def parts(table: str) -> list[str]:
    """Return the names of both parts of a table."""
    return [f"{table}_tune", f"{table}_test"]


KINDS = (
    Kind(frozenset({"ids"}), "ids", nodes.make_registered_suite, parts=False),
    Kind(frozenset({"environments"}), "environments", nodes.make_described_suite, parts=False),
    Kind(
        frozenset({"scale"}), "scale (of the population)", nodes.make_population_suites, (*parts("population_cohorts"),)
    ),
    Kind(frozenset({"settings"}), "settings (of the catalogue)", nodes.make_catalogue_suites, (*parts("catalogue"),)),
    Kind(
        frozenset({"settings", "reach"}),
        "settings and reach (of the caseload)",
        nodes.make_caseload_suites,
        (*parts("caseload"),),
    ),
    Kind(frozenset({"prices"}), "prices (of the departures)", nodes.make_departure_suites, (*parts("departures"),)),
    Kind(frozenset({"patients"}), "patients (of the clinic)", nodes.make_clinic_suites, ("icu_sepsis_model",)),
)


def nodes_of_suite(name: str, plan: object, fits: Mapping[str, Any]) -> list[Node]:
    """Return the nodes that make a suite, by the keys of its plan.

    Raises:
        ConfigError: a plan of no kind.
    """
    keys = frozenset(map(str, plan)) if isinstance(plan, Mapping) else frozenset()
    fitting = [kind for kind in KINDS if kind.keys <= keys]
    found = [kind for kind in fitting if not any(kind.keys < other.keys for other in fitting)]
    if len(found) == 1:
        return [_suite(found[0], name)]
    if not found and keys and name in fits:
        return _fitted(name)
    raise ConfigError(
        f"suites.{name}: got {', '.join(sorted(keys)) if keys else repr(plan)}; wanted one of "
        f"{', '.join(kind.words for kind in KINDS)}, or settings of a fit under calibration.{name}"
    )


def _suite(kind: Kind, name: str) -> Node:
    outputs: str | list[str] = [f"suite_{name}_tune", f"suite_{name}"] if kind.parts else f"suite_{name}"
    return Node(kind.make, [*kind.inputs, f"params:suites.{name}"], outputs, name=f"make_suite_{name}")


def _fitted(name: str) -> list[Node]:
    fit = [f"{name}_fit", f"{name}_parameter_draws"]
    bandit = Node(nodes.fit_log, [f"{name}_log", f"params:calibration.{name}"], fit, name=f"fit_{name}")
    return [bandit, _suite(Kind(frozenset(), "fit", nodes.make_fitted_suites, tuple(fit)), name)]
