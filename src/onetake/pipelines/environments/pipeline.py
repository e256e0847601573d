"""Bandits are fitted to logs and checked; populations are drawn; suites are made of them and of registered ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from kedro.pipeline import Node, Pipeline

from onetake.pipelines.environments.nodes import (
    check_log,
    fit_log,
    generate_caseload,
    generate_catalogue,
    generate_departures,
    generate_population,
    make_caseload_suites,
    make_catalogue_suites,
    make_clinic_suites,
    make_departure_suites,
    make_fitted_suites,
    make_population_suites,
    make_registered_suite,
)

# What is drawn, from which parameters, as which dataset; and the suite that is made of both parts of it.
GENERATED: tuple[tuple[Callable[..., Any], str, str, Callable[..., Any], str], ...] = (
    (generate_population, "population", "population_cohorts", make_population_suites, "population"),
    (generate_catalogue, "catalogue", "catalogue", make_catalogue_suites, "pricing"),
    (generate_caseload, "caseload", "caseload", make_caseload_suites, "outreach"),
    (generate_departures, "departures", "departures", make_departure_suites, "travel"),
)


def create_pipeline(**kwargs: object) -> Pipeline:
    """Return the nodes that make every suite of the project."""
    return Pipeline(
        [
            Node(
                fit_log,
                inputs=["thornton_log", "params:calibration.thornton"],
                outputs=["thornton_fit", "thornton_parameter_draws"],
                name="fit_thornton",
            ),
            Node(
                check_log,
                inputs=["open_bandit_random_log", "params:calibration.open_bandit"],
                outputs="open_bandit_fit",
                name="fit_open_bandit",
            ),
            Node(
                make_fitted_suites,
                inputs=["thornton_fit", "thornton_parameter_draws", "params:suites.thornton"],
                outputs=["suite_thornton_tune", "suite_thornton"],
                name="make_suite_thornton",
            ),
            Node(
                make_registered_suite,
                inputs="params:suites.truman",
                outputs="suite_truman",
                name="make_suite_truman",
            ),
            Node(
                make_clinic_suites,
                inputs=["icu_sepsis_model", "params:suites.clinic"],
                outputs=["suite_clinic_tune", "suite_clinic"],
                name="make_suite_clinic",
            ),
            *_generated(),
        ],
        tags="environments",
    )


def _generated() -> Iterator[Node]:
    for generate, law, table, make, suite in GENERATED:
        parts = [f"{table}_tune", f"{table}_test"]
        yield Node(generate, inputs=f"params:{law}", outputs=parts, name=f"generate_{law}")
        made = [f"suite_{suite}_tune", f"suite_{suite}"]
        yield Node(make, inputs=[*parts, f"params:suites.{suite}"], outputs=made, name=f"make_suite_{suite}")
